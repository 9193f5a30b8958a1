/* Callback → events: whether it is of the Chat API or an event of the messaging API (ESS), and those of the
 * latter. One body may be a batch; what of a batch cannot be read is counted and does not keep the rest
 * back, unless none of it can.
 *
 * ESS says nothing of what we sent but in state events. Exactly one of the two services tells what customers
 * write; the other one's messages are duplicates. State events are taken from either. */
#include "connector/syniverse/syniverse.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json_in.h"
#include "base/secret.h"
#include "core/file.h"
#include "core/text.h"

#define SECONDS_BELOW 100000000000LL /* a smaller number of time is seconds */
#define NO_CONSENT 1005
#define TRUNCATED "[the rest of this message was not told: see it at the provider]"

/* --- small ones -------------------------------------------------------------------------------- */

int syniverse_bad_field(struct syniverse_reading *r, const char *detail)
{
	r->error->reason = UNPARSABLE_BAD_FIELD;
	r->error->detail = detail;
	return -1;
}

int64_t syniverse_time(const struct json *j, int64_t fallback)
{
	int64_t n;

	if (j == NULL)
		return fallback;
	if (j->type == JSON_STRING && time_parse(j->text, &n) == 0)
		return n;
	n = json_int(j, "", -1);
	if (n < 0 || n > INT64_MAX / 1000)
		return fallback;
	return n < SECONDS_BELOW ? n * 1000 : n;
}

struct event *syniverse_add_dropped(struct syniverse_reading *r, enum drop drop, const char *detail)
{
	struct event *e = event_list_add(r->out, r->arena);

	e->kind = EVENT_MESSAGE;
	e->drop = drop;
	e->detail = detail;
	return e;
}

/* --- persons ----------------------------------------------------------------------------------- */

static void set_person(struct syniverse_reading *r, struct event *e,
    const struct syniverse_said *said)
{
	const struct endpoint_conf *endpoint = r->via->endpoint;
	struct person *p = &e->person;

	p->id = said->address;
	p->address = said->address;
	p->name = said->name;
	p->identity = ids_identity_of_phone(r->arena, said->address);
	p->is_vouched = p->identity != NULL;
	if (p->identity != NULL)
		p->phone = p->identity + strlen("tel:");
	else
		p->identity = ids_identity(r->arena, SYNIVERSE_PLATFORM, NULL, endpoint->host,
		    endpoint->tenant, said->address);
}

/* --- consent ----------------------------------------------------------------------------------- */

/* The whole text, as the networks read it. */
static bool is_stop_word(struct arena *a, const char *text)
{
	static const char *const words[] = { "stop", "stopall", "stopplease", "unsubscribe",
		"cancel", "end", "quit", "optout", "revoke" };
	const char *word;
	size_t i, len;

	if (text == NULL || strlen(text) > 40)
		return false;
	word = syniverse_word(a, text);
	len = strcspn(word, "!\r\n\t");
	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strlen(words[i]) == len && strncmp(words[i], word, len) == 0)
			return true;
	return false;
}

void syniverse_add_consent(struct syniverse_reading *r, const char *conversation, enum state state,
    int64_t at_ms, const char *key)
{
	struct event *e = event_list_add(r->out, r->arena);

	e->kind = EVENT_CONVERSATION;
	e->key = key;
	e->conversation = conversation;
	e->state = state;
	e->version = at_ms;
	e->at_ms = at_ms;
	e->author.role = ROLE_CUSTOMER;
}

/* --- messages ---------------------------------------------------------------------------------- */

/* Of a message without an id: what it is, so that a repeated callback is known again. */
static const char *id_of_body(const struct syniverse_reading *r)
{
	unsigned char sum[SHA256_SIZE];
	char hex[2 * SHA256_SIZE + 1];

	sha256(r->hook->body, r->hook->body_len, sum);
	hex_encode(sum, sizeof(sum), hex);
	return r->index == 0 ? arena_strdup(r->arena, hex)
			     : arena_printf(r->arena, "%s:%zu", hex, r->index);
}

static bool is_blank(const char *text)
{
	return text == NULL || text[strspn(text, " \t\r\n")] == '\0';
}

bool syniverse_equal(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

struct event *syniverse_add_said(struct syniverse_reading *r, const struct syniverse_said *said)
{
	struct event *e = event_list_add(r->out, r->arena);
	const char *conversation =
	    r->conf->thread_per_chat && said->chat != NULL ? said->chat : said->address;

	e->kind = EVENT_MESSAGE;
	e->remote = said->remote != NULL ? said->remote : id_of_body(r);
	e->key = arena_printf(r->arena, "%c:%s", said->remote != NULL ? 'm' : 'b', e->remote);
	e->conversation = conversation;
	e->at_ms = said->at_ms;
	e->author = (struct author){ ROLE_CUSTOMER, said->address, said->name };
	e->text = is_blank(said->text) ? NULL : said->text;
	e->attachments = said->attachments;
	e->nattachments = said->nattachments;
	if (e->text == NULL && e->nattachments == 0)
		e->flags |= EVENT_IS_EMPTY;
	if (said->is_cut)
		e->flags |= EVENT_IS_CUT;
	set_person(r, e, said);
	return e;
}

void syniverse_add_message(struct syniverse_reading *r, const struct syniverse_said *said)
{
	const struct event *e = syniverse_add_said(r, said);

	syniverse_add_consent(r, e->conversation,
	    is_stop_word(r->arena, said->text) ? STATE_OPTED_OUT : STATE_OPEN, said->at_ms,
	    arena_printf(r->arena, "s:%s", e->key));
}

/* --- ESS --------------------------------------------------------------------------------------- */

static const char *first_id(const struct json *j, const char *a, const char *b)
{
	const char *id = json_id(j, a);

	return is_blank(id) ? json_id(j, b) : id;
}

static bool is_given(const struct json *j)
{
	return j != NULL && j->type != JSON_NULL && j->type != JSON_FALSE
	    && !(j->type == JSON_STRING && *j->text == '\0')
	    && !((j->type == JSON_ARRAY || j->type == JSON_OBJECT) && j->count == 0);
}

/* Only texts between "," and ";", or in an array. */
static size_t pieces(struct arena *a, const struct json *j, const char *const **out)
{
	const char **list = NULL, *at;
	const struct json *one;
	size_t n = 0, len;

	*out = NULL;
	if (j == NULL || (j->type != JSON_STRING && j->type != JSON_ARRAY))
		return 0;
	list = arena_zalloc(a, (j->type == JSON_ARRAY ? j->count + 1 : j->len + 1) * sizeof(*list));
	*out = list;
	for (one = j->type == JSON_ARRAY ? j->child : NULL; one != NULL; one = one->next)
		if (one->type == JSON_STRING && !is_blank(one->text))
			list[n++] = one->text;
	for (at = j->type == JSON_STRING ? j->text : ""; *at != '\0'; at += len) {
		at += strspn(at, ",; ");
		len = strcspn(at, ",; ");
		if (len > 0)
			list[n++] = arena_strndup(a, at, len);
	}
	return n;
}

static const char *add_line(struct arena *a, const char *text, const char *line)
{
	return is_blank(text) ? line : arena_printf(a, "%s\n%s", text, line);
}

/* Addresses are fetched, and so are numbers, by the address that each has at the provider. */
void syniverse_read_files(struct syniverse_reading *r, const struct json *fields,
    const char *numbers, struct syniverse_said *said)
{
	const char *const *urls, *const *ids;
	size_t n = pieces(r->arena, json_member(fields, "media_urls"), &urls), i;
	struct attachment *files = arena_zalloc(r->arena, (n + 1) * sizeof(*files));

	for (i = 0; i < n; i++) {
		const char *type = file_type_by_name(r->arena, urls[i]);

		files[i] =
		    (struct attachment){ .kind = type != NULL ? file_kind(type) : ATTACHMENT_FILE,
			    .url = urls[i],
			    .type = type,
			    .size = -1 };
	}
	said->attachments = files;
	said->nattachments = n;
	if (n > 0)
		return;
	n = pieces(r->arena, json_member(fields, numbers), &ids);
	said->attachments = files = arena_zalloc(r->arena, (n + 1) * sizeof(*files));
	said->nattachments = n;
	for (i = 0; i < n; i++)
		files[i] = (struct attachment){ .kind = ATTACHMENT_FILE,
			.url = arena_printf(r->arena, "%s" SYNIVERSE_FILES "%s/content",
			    r->via->endpoint->base_url, http_encode(r->arena, ids[i])),
			.size = -1 };
	if (n > 0 || !json_true(fields, "has_attachment"))
		return;
	said->is_cut = json_id(fields, "message_id") != NULL;
	said->text = add_line(r->arena, said->text,
	    file_not_available(r->arena, "attachment", "the provider told no address for it"));
}

bool syniverse_is_own_sender(const struct syniverse_conf *c, const char *sender)
{
	const char *from = c->scg_from;

	if (strncmp(from, "sender_id:", 10) == 0)
		from += 10;
	return sender == NULL || strchr(from, ':') != NULL || strcmp(sender, from) == 0;
}

static int read_mo(struct syniverse_reading *r, const struct json *item, const struct json *fields,
    int64_t at_ms)
{
	struct syniverse_said said = { .at_ms = at_ms };
	const char *own = syniverse_address(r->arena, json_id(fields, "to_address"));

	said.remote = json_id(fields, "message_id");
	if (is_blank(said.remote))
		said.remote = first_id(item, "event-id", "event_id");
	said.address = syniverse_address(r->arena, json_id(fields, "from_address"));
	if (said.address == NULL)
		return syniverse_bad_field(r, "event.fld-val-list.from_address is missing");
	if (is_blank(said.remote))
		return syniverse_bad_field(r, "event.fld-val-list.message_id is missing");
	if (own != NULL && strcmp(own, said.address) == 0) {
		syniverse_add_dropped(r, DROP_ECHO, "from our own address to itself");
		return 0;
	}
	if (!syniverse_is_own_sender(r->conf, json_id(fields, "sender_id_id"))) {
		syniverse_add_dropped(r, DROP_OTHER_INBOX, "another sender id than scg_from");
		return 0;
	}
	said.text = json_text(fields, "message_body");
	if (json_true(fields, "message_body_truncated")) {
		said.is_cut = json_id(fields, "message_id") != NULL;
		said.text = add_line(r->arena, said.text, TRUNCATED);
	}
	syniverse_read_files(r, fields, "attachment_ids", &said);
	syniverse_add_message(r, &said);
	return 0;
}

/* A number, or a text like SCG_ERROR_1005. */
int syniverse_digits(const char *text)
{
	const char *at;
	int64_t n;

	if (text == NULL)
		return 0;
	at = strrchr(text, '_');
	for (text = at != NULL ? at + 1 : text, n = 0; isdigit((unsigned char)*text) && n < 1000000;
	     text++)
		n = n * 10 + (*text - '0');
	return (int)n;
}

/* Of what was accepted. NONE: it says nothing that is not known. */
static enum state state_of(const char *word)
{
	static const struct {
		const char *word;
		enum state state;
	} rows[] = {
		{ "delivered", STATE_DELIVERED },
		{ "converted", STATE_DELIVERED },
		{ "read", STATE_READ },
		{ "failed", STATE_FAILED },
		{ "expired", STATE_FAILED },
		{ "rejected", STATE_FAILED },
		{ "undelivered", STATE_FAILED },
		{ "undeliverable", STATE_FAILED },
	};
	size_t i;

	for (i = 0; word != NULL && i < sizeof(rows) / sizeof(*rows); i++)
		if (strcasecmp(rows[i].word, word) == 0)
			return rows[i].state;
	return STATE_NONE;
}

/* What people read of a failure. */
static const char *why_of(struct arena *a, const char *words, int code, const char *state)
{
	if (code == NO_CONSENT)
		return "Syniverse 1005";
	if (is_blank(words))
		words = strcasecmp(state, "expired") == 0 ? "it could not be delivered in time"
							  : "it could not be delivered";
	words = text_excerpt(a, words, 120);
	return code != 0 ? arena_printf(a, "%s (%d)", words, code) : words;
}

/* What became of a message of ours, which is known by the id of its request; where it is of several parts
 * each has its own. A state that nobody has to be told of is dropped. */
void syniverse_add_receipt(struct syniverse_reading *r, const struct syniverse_became *b)
{
	enum state state = state_of(b->word);
	struct event *e;

	if (state == STATE_NONE || is_blank(b->request)) {
		e = syniverse_add_dropped(r, DROP_NO_CHANGE,
		    state == STATE_NONE ? "it is still on its way" : "it names no request");
		e->kind = EVENT_RECEIPT;
		return;
	}
	e = event_list_add(r->out, r->arena);
	e->kind = EVENT_RECEIPT;
	e->remote = b->request;
	e->key = arena_printf(r->arena, "s:%s:%s", b->message != NULL ? b->message : b->request,
	    b->word);
	e->conversation = b->address;
	e->state = state;
	e->version = e->at_ms = b->at_ms;
	e->mark = b->mark;
	e->mark_place = "external_id";
	e->author.role = ROLE_SYSTEM;
	if (state != STATE_FAILED)
		return;
	e->reason = b->code == NO_CONSENT ? REASON_OPTED_OUT : REASON_UNREACHABLE;
	e->detail = why_of(r->arena, b->words, b->code, b->word);
}

/* That the customer wants no messages is kept. */
static int read_state(struct syniverse_reading *r, const struct json *fields, int64_t at_ms)
{
	const struct syniverse_became became = {
		.message = json_id(fields, "message_id"),
		.request = json_id(fields, "message_request_id"),
		.mark = json_text(fields, "external_message_request_id"),
		.address = syniverse_address(r->arena, json_id(fields, "to_address")),
		.word = json_text(fields, "new_state"),
		.words = json_text(fields, "reason_description"),
		.code = syniverse_digits(json_id(fields, "reason_code")),
		.at_ms = at_ms,
	};

	if (became.code == NO_CONSENT && became.address != NULL && !r->conf->thread_per_chat)
		syniverse_add_consent(r, became.address, STATE_OPTED_OUT, at_ms,
		    arena_printf(r->arena, "s:%s:%s:consent",
			became.message != NULL ? became.message : "",
			became.word != NULL ? became.word : ""));
	syniverse_add_receipt(r, &became);
	return 0;
}

static int read_ess(struct syniverse_reading *r, const struct json *item)
{
	const struct json *event = json_object(item, "event");
	const struct json *fields = json_member(event, "fld-val-list");
	const char *type = json_text(event, "evt-tp");
	int64_t at_ms = syniverse_time(json_member(event, "timestamp"), r->hook->received_ms);

	if (type == NULL || fields == NULL || fields->type != JSON_OBJECT)
		return syniverse_bad_field(r, "event.evt-tp or event.fld-val-list is missing");
	if (is_given(json_member(fields, "encrypted_event_fields"))
	    || is_given(json_member(event, "encrypted_event_fields"))
	    || is_given(json_member(item, "encrypted_event_fields")))
		return syniverse_bad_field(r,
		    "its fields are encrypted: switch that off in the event subscription");
	if (strcasecmp(type, "message_state_change") == 0)
		return read_state(r, fields, at_ms);
	if (strcasecmp(type, "mo_message_received") != 0) {
		syniverse_add_dropped(r, DROP_UNKNOWN, type);
		return 0;
	}
	if (r->conf->source != SOURCE_ESS) {
		syniverse_add_dropped(r, DROP_DUPLICATE,
		    r->conf->source == SOURCE_POLL ? "inbound: poll reads it"
						   : "inbound: chat_api tells of it");
		return 0;
	}
	return read_mo(r, item, fields, at_ms);
}

/* --- one body ---------------------------------------------------------------------------------- */

static int read_item(struct syniverse_reading *r, const struct json *item)
{
	if (item->type != JSON_OBJECT) {
		r->error->reason = UNPARSABLE_NOT_OBJECT;
		r->error->detail = "it is neither an object nor a list of them";
		return -1;
	}
	if (json_object(item, "event") != NULL && json_text(item, "event.evt-tp") != NULL)
		return read_ess(r, item);
	return syniverse_read_callback(r, item);
}

enum unparsable syniverse_unparsable(int fault)
{
	switch ((enum json_fault)fault) {
	case JSON_EMPTY: return UNPARSABLE_EMPTY;
	case JSON_NOT_UTF8: return UNPARSABLE_NOT_UTF8;
	case JSON_TRUNCATED: return UNPARSABLE_TRUNCATED;
	case JSON_TOO_DEEP: return UNPARSABLE_TOO_DEEP;
	case JSON_OK:
	case JSON_NOT_JSON: break;
	}
	return UNPARSABLE_NOT_JSON;
}

static int read_batch(struct syniverse_reading *r, const struct json *list)
{
	const struct json *item;
	size_t bad = 0, i;

	for (item = list->child; item != NULL; item = item->next, r->index++)
		if (read_item(r, item) != 0)
			bad++;
	if (bad > 0 && bad == r->index)
		return -1;
	for (i = 0; i < bad; i++)
		syniverse_add_dropped(r, DROP_UNKNOWN, "a part of a batch that cannot be read");
	return 0;
}

int syniverse_parse(const struct via *via, struct arena *a, const struct http_in *hook,
    struct event_list *out, struct parse_error *error)
{
	struct syniverse_reading r = { .via = via,
		.conf = via->conf,
		.arena = a,
		.hook = hook,
		.out = out,
		.error = error };
	struct json_error fault;
	const struct json *root = json_read(a, hook->body, hook->body_len, &fault);

	*error = (struct parse_error){ 0 };
	if (root == NULL) {
		*error = (struct parse_error){ syniverse_unparsable((int)fault.fault), fault.offset,
			fault.detail };
		return -1;
	}
	return root->type == JSON_ARRAY ? read_batch(&r, root) : read_item(&r, root);
}
