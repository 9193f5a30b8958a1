/* Pages of what is there. The messaging API lists messages, of all addresses or of one; conversations are made
 * of them. In which order they come is not published, and neither is a way to ask for one:
 *
 *   newest first   read on until something older than what is asked for has been met
 *   oldest first   the first page tells how many there are: read from the end towards it
 *   … and no total: all of it
 *   all at once    it says nothing yet: the next page
 *
 * A conversation is read in two walks, what the customer wrote (MO) and what was sent to him (MT). Of the
 * latter ours bear our mark, and are known by the id of their request. */
#include "connector/syniverse/syniverse.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "core/ids.h"

#define LIMIT "100" /* the server has a limit of its own */
#define OFFSET_MAX 1000000
#define MT_WALK 'o'
#define MO_WALK 'i'
/* Where nobody tells what becomes of what was sent, it is read: what is new, and, less often, what came to
 * nothing in the last days. */
#define FAILED_WALK 'f'
#define EXPIRED_WALK 'x'
#define FATE_MSECS (3LL * 24 * 3600 * 1000)

enum order { ORDER_UNKNOWN, ORDER_FORWARD, ORDER_BACKWARD, ORDER_ALL };

/* Where a walk stands: "<walk><way> <offset> <floor>". */
struct place {
	char walk;
	enum order order;
	int64_t offset, floor; /* backward: what is before floor was read first */
};

static struct place place_of(const char *cursor)
{
	struct place p = { .walk = MO_WALK };
	char *end;

	if (cursor == NULL || cursor[0] == '\0' || cursor[1] == '\0')
		return p;
	p.walk = cursor[0];
	p.order =
	    cursor[1] >= '0' && cursor[1] <= '3' ? (enum order)(cursor[1] - '0') : ORDER_UNKNOWN;
	p.offset = strtoll(cursor + 2, &end, 10);
	p.floor = strtoll(end, NULL, 10);
	return p;
}

static const char *cursor_of(struct arena *a, const struct place *p)
{
	return arena_printf(a, "%c%d %" PRId64 " %" PRId64, p->walk, (int)p->order, p->offset,
	    p->floor);
}

const char *syniverse_page_path(struct arena *a, const struct job *job)
{
	const struct place p = place_of(job->cursor);
	const char *address = job->known->conversation;

	if (job->known->message != NULL)
		return arena_printf(a, "/messages/%s", http_encode(a, job->known->message));
	if (job->step == STEP_LIST_CONVERSATIONS && address == NULL)
		return arena_printf(a, "/messages?direction=%s%s&limit=" LIMIT "&offset=%" PRId64,
		    p.walk == MO_WALK ? "MO" : "MT",
		    p.walk == FAILED_WALK        ? "&state=FAILED"
			: p.walk == EXPIRED_WALK ? "&state=EXPIRED"
						 : "",
		    p.offset);
	return arena_printf(a, "/messages?direction=%s&%s=%s&limit=" LIMIT "&offset=%" PRId64,
	    p.walk == MT_WALK ? "MT" : "MO", p.walk == MT_WALK ? "to_address" : "from_address",
	    http_encode(a, address), p.offset);
}

/* --- the walk ---------------------------------------------------------------------------------- */

static int64_t time_of(const struct json *message)
{
	return syniverse_time(json_member(message, "created_date"), 0);
}

static enum order order_of(const struct json *list, int64_t total)
{
	const struct json *last = list->child;
	int64_t span;

	while (last->next != NULL)
		last = last->next;
	span = time_of(last) - time_of(list->child);
	if (span == 0)
		return ORDER_UNKNOWN;
	if (span < 0)
		return ORDER_FORWARD;
	return total >= 0 ? ORDER_BACKWARD : ORDER_ALL;
}

static bool has_older(const struct json *list, int64_t since_ms)
{
	const struct json *j;

	for (j = list->child; j != NULL; j = j->next)
		if (time_of(j) < since_ms)
			return true;
	return false;
}

/* The next page of this walk; false: this was its last. */
static bool go_on(const struct json *answer, const struct json *list, int64_t since_ms,
    struct place *p)
{
	int64_t n = (int64_t)list->count, total = json_int(answer, "total", -1);

	if (n == 0 || p->offset > OFFSET_MAX)
		return false;
	if (p->order == ORDER_UNKNOWN)
		p->order = order_of(list, total);
	if (p->order == ORDER_BACKWARD && p->floor == 0) { /* a page of the oldest */
		p->floor = p->offset + n;
		p->offset = total;
	} else if (p->order == ORDER_BACKWARD && has_older(list, since_ms)) {
		return false;
	} else if (p->order == ORDER_FORWARD && has_older(list, since_ms)) {
		return false;
	}
	if (p->order != ORDER_BACKWARD) {
		p->offset += n;
		return total < 0 || p->offset < total;
	}
	if (p->offset <= p->floor)
		return false;
	p->offset = p->offset - n > p->floor ? p->offset - n : p->floor;
	return true;
}

/* --- messages ---------------------------------------------------------------------------------- */

/* Of one address all messages are of one conversation; what was sent to it is told as by an agent. */
static void read_sent(struct syniverse_reading *r, const struct json *j)
{
	const char *mark = json_text(j, "external_message_request_id"), *id = json_id(j, "id");
	const char *request = json_id(j, "message_request_id");
	struct syniverse_said said = {
		.remote =
		    mark != NULL && strncmp(mark, "tl1:", 4) == 0 && request != NULL ? request : id,
		.address = syniverse_address(r->arena, json_id(j, "to_address")),
		.text = json_text(j, "body"),
		.at_ms = syniverse_time(json_member(j, "created_date"), r->via->now_ms),
	};
	struct event *e;

	if (said.address == NULL)
		return;
	syniverse_read_files(r, j, "attachments", &said);
	e = syniverse_add_said(r, &said);
	e->author = (struct author){ .role = ROLE_AGENT };
	e->mark = mark;
	e->mark_place = "external_id";
}

/* False: it is no message. */
static bool read_item(struct syniverse_reading *r, const struct json *j)
{
	const char *direction = json_text(j, "direction"), *sender;
	struct syniverse_said said;

	if (json_id(j, "id") == NULL || *json_id(j, "id") == '\0' || direction == NULL)
		return false;
	if (strcmp(direction, "MT") == 0) {
		read_sent(r, j);
		return true;
	}
	said = (struct syniverse_said){
		.remote = json_id(j, "id"),
		.address = syniverse_address(r->arena, json_id(j, "from_address")),
		.text = json_text(j, "body"),
		.at_ms = syniverse_time(json_member(j, "created_date"), r->via->now_ms),
	};
	sender = json_id(j, "customer_sender_id");
	if (said.address == NULL || strcmp(direction, "MO") != 0)
		return false;
	if (!syniverse_is_own_sender(r->conf, sender)
	    || syniverse_equal(said.address, syniverse_address(r->arena, json_id(j, "to_address"))))
		return true; /* another sender's, or our own */
	syniverse_read_files(r, j, "attachments", &said);
	syniverse_add_message(r, &said);
	return true;
}

/* --- conversations ----------------------------------------------------------------------------- */

static struct event *find_conversation(struct event_list *list, const char *address)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (strcmp(list->items[i].conversation, address) == 0)
			return &list->items[i];
	return NULL;
}

/* Each address by its newest message: whether he wants to be written to, and by what it is known whether
 * anything has changed. */
static void read_conversation(struct syniverse_reading *r, const struct json *j,
    struct event_list *out)
{
	struct event_list one = { 0 };
	struct syniverse_reading own = *r;
	struct event *e;

	own.out = &one;
	if (!read_item(&own, j) || one.count < 2)
		return;
	e = find_conversation(out, one.items[0].conversation);
	if (e == NULL)
		e = event_list_add(out, r->arena);
	else if (e->version > one.items[1].version)
		return;
	*e = one.items[1]; /* what it says of consent */
	e->person = one.items[0].person;
	e->extra = one.items[0].remote;
}

/* What became of a message that bears our mark. */
static void read_fate(struct syniverse_reading *r, const struct json *j)
{
	const struct syniverse_became became = {
		.message = json_id(j, "id"),
		.request = json_id(j, "message_request_id"),
		.mark = json_text(j, "external_message_request_id"),
		.address = syniverse_address(r->arena, json_id(j, "to_address")),
		.word = json_text(j, "state"),
		.words = json_text(j, "failure_details"),
		.code = syniverse_digits(json_id(j, "failure_code")),
		.at_ms = syniverse_time(json_member(j, "last_updated_date"), r->via->now_ms),
	};

	if (became.mark == NULL || strncmp(became.mark, "tl1:", 4) != 0)
		return;
	syniverse_add_receipt(r, &became);
	if (r->out->items[r->out->count - 1].drop != DROP_NONE)
		r->out->count--;
}

static char walk_after(const struct syniverse_reading *r, const struct job *job, char walk)
{
	if (r->conf->source != SOURCE_POLL || job->known->conversation != NULL)
		return '\0';
	switch (walk) {
	case MO_WALK: return MT_WALK;
	case MT_WALK: return job->is_quick ? '\0' : FAILED_WALK;
	case FAILED_WALK: return EXPIRED_WALK;
	default: return '\0';
	}
}

/* --- both -------------------------------------------------------------------------------------- */

static const struct json *list_of(const struct json *answer)
{
	if (answer != NULL && answer->type == JSON_ARRAY)
		return answer;
	return json_array(answer, "list");
}

static void take_conversations(struct syniverse_reading *r, const struct job *job,
    const struct json *answer, const struct json *list, struct outcome *out)
{
	struct place p = place_of(job->cursor);
	int64_t since_ms = job->since_ms;
	const struct json *j;

	for (j = list->child; j != NULL; j = j->next) {
		if (json_id(j, "id") == NULL || json_text(j, "direction") == NULL)
			out->unreadable++;
		else if (p.walk == MO_WALK)
			read_conversation(r, j, &out->events);
		else
			read_fate(r, j);
	}
	if ((p.walk == FAILED_WALK || p.walk == EXPIRED_WALK)
	    && since_ms > r->via->now_ms - FATE_MSECS)
		since_ms = r->via->now_ms - FATE_MSECS;
	if (job->known->conversation != NULL)
		return;
	if (!go_on(answer, list, since_ms, &p)) {
		p = (struct place){ .walk = walk_after(r, job, p.walk) };
		if (p.walk == '\0')
			return;
	}
	out->cursor = cursor_of(r->arena, &p);
}

static void take_messages(struct syniverse_reading *r, const struct job *job,
    const struct json *answer, const struct json *list, struct outcome *out)
{
	struct place p = place_of(job->cursor);
	const struct json *j;

	for (j = list->child; j != NULL; j = j->next)
		if (!read_item(r, j))
			out->unreadable++;
	if (!go_on(answer, list, job->since_ms, &p)) {
		if (p.walk == MT_WALK)
			return;
		p = (struct place){ .walk = MT_WALK };
	}
	out->cursor = cursor_of(r->arena, &p);
}

bool syniverse_take_page(const struct via *via, struct arena *a, const struct job *job,
    const struct json *answer, struct outcome *out)
{
	struct syniverse_reading r = { .via = via,
		.conf = via->conf,
		.arena = a,
		.out = &out->events };
	const struct json *list = list_of(answer);

	if (job->known->message != NULL)
		return answer != NULL && answer->type == JSON_OBJECT && read_item(&r, answer);
	if (list == NULL)
		return false;
	if (job->step == STEP_LIST_CONVERSATIONS)
		take_conversations(&r, job, answer, list, out);
	else
		take_messages(&r, job, answer, list, out);
	return true;
}

int syniverse_parse_page(const struct via *via, struct arena *a, const char *conversation,
    const struct http_resp *resp, struct event_list *out, const char **cursor,
    struct parse_error *error)
{
	struct syniverse_reading r = { .via = via, .conf = via->conf, .arena = a, .out = out };
	struct json_error fault;
	const struct json *answer = json_read(a, resp->body, resp->body_len, &fault), *list, *j;
	struct place p = { 0 };

	(void)conversation; /* each says whose it is */
	*error = (struct parse_error){ 0 };
	*cursor = NULL;
	if (answer == NULL) {
		*error = (struct parse_error){ syniverse_unparsable((int)fault.fault), fault.offset,
			fault.detail };
		return -1;
	}
	list = list_of(answer);
	if (list == NULL) {
		*error = (struct parse_error){ .reason = UNPARSABLE_BAD_FIELD,
			.detail = "the page has no list" };
		return -1;
	}
	for (j = list->child; j != NULL; j = j->next)
		if (!read_item(&r, j)) {
			*error = (struct parse_error){ .reason = UNPARSABLE_BAD_FIELD,
				.detail = "the list holds what is no message" };
			return -1;
		}
	p.offset = json_int(answer, "offset", 0);
	if (go_on(answer, list, INT64_MIN, &p))
		*cursor = cursor_of(a, &p);
	return 0;
}
