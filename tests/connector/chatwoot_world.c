/* See chatwoot_world.h. */
#include "chatwoot_world.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"

void world_init(struct world *w)
{
	unsigned char key[INSTANCE_KEY_SIZE];
	int i;

	for (i = 0; i < INSTANCE_KEY_SIZE; i++)
		key[i] = (unsigned char)i;
	*w = (struct world){ .a = arena_new() };
	keys_init(&w->keys, key);
	w->endpoint = (struct endpoint_conf){
		.id = 7,
		.name = "desk",
		.connector = &chatwoot_connector,
		.conf = &w->conf,
		.base_url = "https://chat.example.com",
		.host = "chat.example.com",
		.webhook_secret = { { WORLD_SECRET }, 1 },
		.timeout_msecs = 20000,
	};
	w->conf = (struct chatwoot_conf){ .api_token = "TOKEN", .settle_msecs = 400 };
	w->via = (struct via){
		.endpoint = &w->endpoint,
		.conf = &w->conf,
		.keys = &w->keys,
		.memo = w->memo,
		.now_ms = WORLD_NOW_MS,
	};
	world_place(w, "2", "21");
}

void world_fini(struct world *w)
{
	arena_free(w->a);
}

void world_place(struct world *w, const char *account, const char *inbox)
{
	const char *key = NULL;

	w->conf.account_id = strtoll(account, NULL, 10);
	w->conf.inbox_id = strtoll(inbox, NULL, 10);
	w->conf.account = w->conf.inbox = NULL;
	assert_int_equal(0, chatwoot_connector.configure(w->a, &w->endpoint, &w->conf, &key, NULL));
}

void world_remember(struct world *w, const char *key, const char *value)
{
	size_t i;

	for (i = 0; i < w->via.nmemo && strcmp(w->memo[i].key, key) != 0; i++)
		;
	w->memo[i] = (struct memo){ key, value, true };
	if (i == w->via.nmemo)
		w->via.nmemo++;
}

const char *world_file(struct world *w, const char *name, size_t *len)
{
	const char *path = arena_printf(w->a, "%s/chatwoot/%s", TEST_SOURCE_DIR, name);
	FILE *f = fopen(path, "rb");
	struct buf b;
	char piece[4096];
	size_t n;

	if (f == NULL)
		fail_msg("cannot read %s", path);
	buf_init(&b);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(&b, piece, n);
	fclose(f);
	name = arena_memdup(w->a, b.data, b.len);
	*len = b.len;
	buf_fini(&b);
	return name;
}

/* "Name: value" lines behind the request line. */
static void read_headers(struct world *w, const char *name, struct http_in *hook)
{
	struct http_header *headers = arena_zalloc(w->a, 16 * sizeof(*headers));
	char *line, *rest, *colon;
	size_t len;

	line = (char *)world_file(w, name, &len);
	strtok_r(line, "\n", &rest);
	hook->headers = headers;
	while (hook->nheaders < 16 && (line = strtok_r(NULL, "\n", &rest)) != NULL) {
		colon = strstr(line, ": ");
		assert_non_null(colon);
		*colon = '\0';
		headers[hook->nheaders++] = (struct http_header){ line, colon + 2, false };
	}
}

struct http_in world_hook(struct world *w, const char *fixture)
{
	struct http_in hook = { .method = "POST", .path = "/", .received_ms = WORLD_NOW_MS };
	const char *timestamp;

	hook.body = world_file(w, arena_printf(w->a, "%s.json", fixture), &hook.body_len);
	read_headers(w, arena_printf(w->a, "%s.headers", fixture), &hook);
	timestamp = http_header(hook.headers, hook.nheaders, "x-chatwoot-timestamp");
	hook.received_ms = strtoll(timestamp, NULL, 10) * 1000 + 250;
	return hook;
}

/* --- values as text ---------------------------------------------------------------------------- */

static const char *or_dash(const char *text)
{
	return text != NULL ? text : "-";
}

static const char *time_text(struct world *w, int64_t ms)
{
	char text[TIME_TEXT_SIZE];

	return ms == 0 ? "-" : arena_strdup(w->a, time_format(ms, text));
}

static const char *flags_text(struct world *w, const struct event *e)
{
	static const char *const words[] = { " draft", " hidden", " system", " command",
		" preflight", " deleted", " empty", " automatic" };
	const char *text = e->is_private ? " private" : "";
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (e->flags & (1U << i))
			text = arena_printf(w->a, "%s%s", text, words[i]);
	return text;
}

static void add_attachment(struct buf *b, const struct attachment *f)
{
	buf_addf(b, "\n%s %s %s %s %" PRId64, attachment_kind_word((int)f->kind), or_dash(f->name),
	    or_dash(f->type), or_dash(f->url), f->size);
	if (f->latitude != NULL)
		buf_addf(b, " %s,%s %s", f->latitude, or_dash(f->longitude), or_dash(f->title));
	if (f->phone != NULL)
		buf_addf(b, " %s %s", f->phone, or_dash(f->contact_name));
}

static void add_widget(struct buf *b, const struct widget *widget)
{
	static const char *const kinds[] = { "answer", "address", "card" };

	buf_addf(b, "\n%s %s | %s | %s | %s", kinds[widget->kind], or_dash(widget->label),
	    or_dash(widget->text), or_dash(widget->url), or_dash(widget->image));
}

static const char *taken(struct world *w, struct buf *b)
{
	const char *text = arena_strndup(w->a, b->data, b->len);

	buf_fini(b);
	return text;
}

const char *world_event_text(struct world *w, const struct event *e)
{
	const struct person *p = &e->person;
	struct buf b;
	size_t i;

	buf_init(&b);
	buf_addf(&b, "%s%s key=%s id=%s in=%s at=%s", event_kind_word((int)e->kind),
	    flags_text(w, e), or_dash(e->key), or_dash(e->remote), or_dash(e->conversation),
	    time_text(w, e->at_ms));
	if (e->drop != DROP_NONE)
		buf_addf(&b, "\ndrop %s: %s", drop_word((int)e->drop), or_dash(e->detail));
	if (e->state != STATE_NONE || e->version != 0)
		buf_addf(&b, "\nstate %s %" PRId64, state_word((int)e->state), e->version);
	if (e->changes != NULL)
		buf_addf(&b, "\nchanges %s", e->changes);
	buf_addf(&b, "\nperson %s | %s | %s | %s | %s", or_dash(p->id), or_dash(p->hint),
	    or_dash(p->name), or_dash(p->email), or_dash(p->phone));
	buf_addf(&b, "\nauthor %s %s %s", role_word((int)e->author.role), or_dash(e->author.id),
	    or_dash(e->author.name));
	if (e->text != NULL)
		buf_addf(&b, "\n%s: %s", format_word((int)e->format), e->text);
	for (i = 0; i < e->nattachments; i++)
		add_attachment(&b, &e->attachments[i]);
	for (i = 0; i < e->nwidgets; i++)
		add_widget(&b, &e->widgets[i]);
	if (e->reply_to != NULL)
		buf_addf(&b, "\nreply to %s", e->reply_to);
	if (e->mark != NULL)
		buf_addf(&b, "\n%s %s", e->mark_place, e->mark);
	if (e->conversation_mark != NULL)
		buf_addf(&b, "\nconversation mark %s", e->conversation_mark);
	for (i = 0; i < e->ntags; i++)
		buf_addf(&b, "\ntag %s", e->tags[i]);
	if (e->department != NULL)
		buf_addf(&b, "\ndepartment %s %s", e->department, or_dash(e->department_name));
	return taken(w, &b);
}

const char *world_request_text(struct world *w, const struct http_req *req)
{
	static const char base[] = "https://chat.example.com/api/v1";
	const char *url = req->url;

	assert_int_equal(1, req->nheaders);
	assert_string_equal("Api-Access-Token", req->headers[0].name);
	assert_true(req->headers[0].secret);
	assert_int_equal(20000, req->timeout_msecs);
	assert_int_equal(0, strncmp(url, base, strlen(base)));
	assert_true((req->body == NULL) == (req->content_type == NULL));
	if (req->body == NULL)
		return arena_printf(w->a, "%s %s", req->method, url + strlen(base));
	assert_int_equal(strlen(req->body), req->body_len);
	assert_string_equal("application/json", req->content_type);
	return arena_printf(w->a, "%s %s %s", req->method, url + strlen(base), req->body);
}

const char *world_plan_text(struct world *w, const struct plan *plan)
{
	const struct step_plan *s;
	struct buf b;

	buf_init(&b);
	for (s = plan->steps; s < plan->steps + plan->count; s++)
		buf_addf(&b, "%s%s %s %d", s == plan->steps ? "" : ", ", when_word((int)s->when),
		    step_word((int)s->step), s->part);
	return taken(w, &b);
}

static void add_text(struct buf *b, const char *name, const char *value)
{
	if (value != NULL)
		buf_addf(b, " %s=%s", name, value);
}

const char *world_outcome_text(struct world *w, const struct outcome *o)
{
	const struct effect *e = &o->effect;
	struct buf b;
	size_t i;

	buf_init(&b);
	buf_adds(&b, effect_word((int)e->kind));
	if (e->reason != REASON_NONE)
		buf_addf(&b, " %s", reason_word((int)e->reason));
	if (e->wait_msecs != -1)
		buf_addf(&b, " wait=%" PRId64, e->wait_msecs);
	if (o->doubts_max != 0)
		buf_addf(&b, " at most %d, then %s", o->doubts_max, reason_word((int)o->give_up));
	add_text(&b, "remote", e->remote_id);
	add_text(&b, "contact", o->learned.contact);
	add_text(&b, "conversation", o->learned.conversation);
	add_text(&b, "message", o->learned.message);
	if (o->go != STEP_NONE)
		add_text(&b, "go", step_word((int)o->go));
	add_text(&b, "cursor", o->cursor);
	buf_adds(&b, o->found ? " found" : "");
	buf_adds(&b, o->gone ? " gone" : "");
	for (i = 0; i < o->nmemo; i++)
		add_text(&b, o->memo[i].key, o->memo[i].value);
	if (e->why != NULL)
		buf_addf(&b, " (%s)", e->why);
	return taken(w, &b);
}
