/* See repair_doc.h. */
#include "admin/repair_doc.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "admin/json_time.h"
#include "admin/words_of.h"
#include "base/arena.h"
#include "base/json_out.h"
#include "config/config.h"

#define LIST_TEXT_MOST 40

/* ---- names ---- */

static const struct endpoint_conf *endpoint_by_id(const struct config *c, int id)
{
	size_t i;

	for (i = 0; i < c->nendpoints; i++)
		if (c->endpoints[i].id == id)
			return &c->endpoints[i];
	return NULL;
}

static const struct bridge_conf *bridge_by_id(const struct config *c, int id)
{
	size_t i;

	for (i = 0; i < c->nbridges; i++)
		if (c->bridges[i].id == id)
			return &c->bridges[i];
	return NULL;
}

static const char *endpoint_name(const struct config *c, int id)
{
	const struct endpoint_conf *e = endpoint_by_id(c, id);

	return e != NULL ? e->name : NULL;
}

static const struct endpoint_conf *target_of(const struct bridge_conf *b, enum side to)
{
	return b == NULL ? NULL : to == SIDE_AGENTS ? b->agents : b->customers;
}

static const char *at_endpoint(struct arena *a, const char *endpoint, const char *id)
{
	return id != NULL && endpoint != NULL ? arena_printf(a, "%s:%s", endpoint, id) : id;
}

/* ---- ids ---- */

static bool read_number(const char *text, int64_t *n)
{
	size_t len = strlen(text);

	if (len == 0 || len > 18 || strspn(text, "0123456789") != len)
		return false;
	*n = strtoll(text, NULL, 10);
	return *n > 0;
}

bool parked_id_read(const char *text, struct parked_id *id)
{
	id->is_raw = text[0] == 'h';
	return (text[0] == 'd' || text[0] == 'h') && read_number(text + 1, &id->id);
}

const char *parked_id_text(struct arena *a, struct parked_id id)
{
	return arena_printf(a, "%c%" PRId64, id.is_raw ? 'h' : 'd', id.id);
}

static const char *delivery_text(struct arena *a, int64_t id)
{
	return parked_id_text(a, (struct parked_id){ false, id });
}

static const char *filter_ways(struct arena *a, const struct config *c,
    const struct endpoint_conf *e, struct parked_filter *out)
{
	struct parked_way *ways = arena_zalloc(a, (2 * c->nbridges + 1) * sizeof(*ways));
	size_t i;

	out->endpoint = e->id;
	out->ways = ways;
	for (i = 0; i < c->nbridges; i++) {
		if (c->bridges[i].agents == e)
			ways[out->nways++] = (struct parked_way){ c->bridges[i].id, SIDE_AGENTS };
		if (c->bridges[i].customers == e)
			ways[out->nways++] =
			    (struct parked_way){ c->bridges[i].id, SIDE_CUSTOMERS };
	}
	return NULL;
}

const char *parked_filter_read(struct arena *a, const struct config *c, const char *endpoint,
    const char *bridge, const char *reason, struct parked_filter *out)
{
	int word = reason != NULL ? reason_by_word(reason) : REASON_NONE;
	size_t i = 0;

	*out = (struct parked_filter){ 0 };
	if (word < 0)
		return arena_printf(a, "reason: there is none called \"%s\"", reason);
	out->reason = (enum reason)word;
	if (bridge != NULL) {
		while (i < c->nbridges && strcmp(c->bridges[i].name, bridge) != 0)
			i++;
		if (i == c->nbridges)
			return arena_printf(a, "bridge: there is none called \"%s\"", bridge);
		out->bridge = c->bridges[i].id;
	}
	if (endpoint == NULL)
		return NULL;
	for (i = 0; i < c->nendpoints; i++)
		if (strcmp(c->endpoints[i].name, endpoint) == 0)
			return filter_ways(a, c, &c->endpoints[i], out);
	return arena_printf(a, "endpoint: there is none called \"%s\"", endpoint);
}

/* ---- pieces ---- */

static const char *direction(enum side to)
{
	return to == SIDE_AGENTS ? "to_agents" : "to_customers";
}

static void put_reason(struct json_out *o, enum reason reason, const char *why)
{
	if (reason != REASON_NONE)
		json_member_text(o, "reason", reason_word((int)reason));
	json_member_text(o, "detail", why);
}

static void put_item(struct arena *a, struct json_out *o, const struct config *c,
    const struct parked_row *row, bool whole)
{
	const struct bridge_conf *b = bridge_by_id(c, row->bridge);
	const struct endpoint_conf *target = target_of(b, row->to);

	json_member_text(o, "id", parked_id_text(a, row->id));
	json_member_time(o, "since", row->since_ms);
	json_member_text(o, "endpoint",
	    row->id.is_raw       ? endpoint_name(c, row->endpoint)
		: target != NULL ? target->name
				 : NULL);
	if (row->id.is_raw) {
		put_reason(o, REASON_UNPARSABLE, unparsable_word((int)row->unparsable));
		return;
	}
	json_member_text(o, "bridge", b != NULL ? b->name : NULL);
	json_member_text(o, "direction", direction(row->to));
	put_reason(o, row->reason, row->why);
	if (row->event == NULL)
		return;
	if (row->event->kind != EVENT_MESSAGE && row->event->kind != EVENT_UPDATE)
		json_member_text(o, "kind", event_kind_word((int)row->event->kind));
	if (row->event->kind == EVENT_CONVERSATION)
		json_member_text(o, "state", state_word((int)row->event->state));
	json_member_text(o, "text",
	    whole ? row->event->text : beginning_of(a, row->event->text, LIST_TEXT_MOST));
	json_member_text(o, "event", arena_printf(a, "e%" PRId64, row->id.id >> 4));
}

static void put_attempts(struct json_out *o, const struct trace_delivery *d)
{
	const struct trace_attempt *t;

	if (d->nattempts == 0)
		return;
	json_key(o, "attempts");
	json_begin_array(o);
	for (t = d->attempts; t < d->attempts + d->nattempts; t++) {
		json_begin_object(o);
		json_member_time(o, "at", t->at_ms);
		json_member_int(o, "attempt", t->attempt);
		if (t->step != STEP_NONE)
			json_member_text(o, "step", step_word((int)t->step));
		json_member_text(o, "state", delivery_state_word((int)t->state));
		put_reason(o, t->reason, t->why);
		json_member_text(o, "who", t->who);
		json_end_object(o);
	}
	json_end_array(o);
}

static void put_edit(struct json_out *o, const struct trace_delivery *d)
{
	if (d->edited == NULL)
		return;
	json_key(o, "edited");
	json_begin_object(o);
	json_member_text(o, "text", d->edited);
	json_member_time(o, "at", d->edited_ms);
	json_member_text(o, "by", d->edited_by);
	json_end_object(o);
}

/* ---- parked ---- */

const char *parked_list_doc(struct arena *a, const struct config *c, const struct op_parked *op,
    size_t *len)
{
	struct json_out *o = json_out_new(a);
	size_t i;

	json_begin_object(o);
	json_key(o, "items");
	json_begin_array(o);
	for (i = 0; i < op->nrows; i++) {
		json_begin_object(o);
		put_item(a, o, c, &op->rows[i], false);
		json_end_object(o);
	}
	json_end_array(o);
	json_member_text_or_null(o, "next",
	    op->is_more && op->nrows > 0 ? parked_id_text(a, op->rows[op->nrows - 1].id) : NULL);
	json_member_int(o, "total", op->total);
	json_end_object(o);
	return json_done(o, len);
}

static const struct trace_delivery *traced(const struct op_trace *op)
{
	size_t i;

	for (i = 0; i < op->ndeliveries; i++)
		if (op->deliveries[i].trip.delivery.id == op->delivery_id)
			return &op->deliveries[i];
	return NULL;
}

const char *parked_etag(struct arena *a, const struct op_trace *op)
{
	const struct trace_delivery *d = traced(op);

	return d == NULL ? "\"\""
			 : arena_printf(a, "\"%" PRIx64 "-%" PRIx64 "\"", (uint64_t)d->ended_ms,
			     (uint64_t)d->edited_ms);
}

const char *parked_one_doc(struct arena *a, const struct config *c, const struct op_trace *op,
    size_t *len)
{
	const struct trace_delivery *d = traced(op);
	struct parked_row row = { 0 };
	struct json_out *o;

	if (d == NULL || d->trip.delivery.state != DELIVERY_PARKED)
		return NULL;
	row.id.id = op->delivery_id;
	row.bridge = d->trip.delivery.bridge;
	row.to = d->to;
	row.reason = d->trip.delivery.reason;
	row.since_ms = d->ended_ms != 0 || op->event == NULL ? d->ended_ms : op->event->here_ms;
	row.why = d->why != NULL ? d->why : d->trip.delivery.carry;
	row.event = op->event;
	o = json_out_new(a);
	json_begin_object(o);
	put_item(a, o, c, &row, true);
	put_attempts(o, d);
	put_edit(o, d);
	json_member_text(o, "etag", parked_etag(a, op));
	json_end_object(o);
	return json_done(o, len);
}

const char *parked_raw_doc(struct arena *a, const struct config *c, const struct op_raw_read *op,
    size_t *len)
{
	struct json_out *o = json_out_new(a);

	json_begin_object(o);
	json_member_text(o, "id", parked_id_text(a, (struct parked_id){ true, op->id }));
	json_member_time(o, "since", op->raw.at_ms);
	json_member_text(o, "endpoint", endpoint_name(c, op->raw.endpoint));
	put_reason(o, REASON_UNPARSABLE,
	    arena_printf(a, "%s, at byte %" PRId64 " of %zu", unparsable_word((int)op->raw.reason),
		op->raw.offset, op->raw.body_len));
	json_end_object(o);
	return json_done(o, len);
}

/* ---- traces ---- */

bool trace_ask(struct arena *a, const struct config *c, const char *text, struct op_trace *op)
{
	const char *colon = strchr(text, ':');
	int *endpoints = arena_zalloc(a, (c->nendpoints + 1) * sizeof(*endpoints));
	size_t i, len = colon != NULL ? (size_t)(colon - text) : 0;

	op->event_id = op->delivery_id = 0;
	op->remote = NULL;
	op->endpoints = endpoints;
	op->nendpoints = 0;
	if (text[0] == 'e' && read_number(text + 1, &op->event_id))
		return true;
	if (text[0] == 'd' && read_number(text + 1, &op->delivery_id))
		return true;
	for (i = 0; i < c->nendpoints; i++)
		if (colon == NULL
		    || (strlen(c->endpoints[i].name) == len
			&& strncmp(c->endpoints[i].name, text, len) == 0))
			endpoints[op->nendpoints++] = c->endpoints[i].id;
	op->remote = colon != NULL ? colon + 1 : text;
	return op->nendpoints > 0 && op->remote[0] != '\0' && strlen(op->remote) <= 255;
}

static void put_author(struct json_out *o, const struct author *author)
{
	json_key(o, "author");
	json_begin_object(o);
	json_member_text(o, "role", role_word((int)author->role));
	json_member_text(o, "name", author->name);
	json_end_object(o);
}

static const char *origin_word(enum origin origin)
{
	static const char *const words[] = { "live", "history", "repair", "own" };

	return words[origin];
}

static void put_files(struct json_out *o, const struct event *e)
{
	size_t i;

	if (e->nattachments == 0)
		return;
	json_key(o, "files");
	json_begin_array(o);
	for (i = 0; i < e->nattachments; i++) {
		json_begin_object(o);
		json_member_text(o, "kind", attachment_kind_word((int)e->attachments[i].kind));
		json_member_text(o, "name", e->attachments[i].name);
		json_member_text(o, "type", e->attachments[i].type);
		json_end_object(o);
	}
	json_end_array(o);
}

static void put_event(struct arena *a, struct json_out *o, const struct config *c,
    const struct op_trace *op)
{
	const struct event *e = op->event;
	const char *endpoint;

	json_member_text(o, "event", arena_printf(a, "e%" PRId64, op->id));
	if (e == NULL)
		return;
	endpoint = endpoint_name(c, e->endpoint);
	json_member_text(o, "kind", event_kind_word((int)e->kind));
	json_member_text(o, "origin", origin_word(e->origin));
	json_member_time(o, "at", e->at_ms);
	json_member_time(o, "stored", e->here_ms);
	json_member_text(o, "source", at_endpoint(a, endpoint, e->remote));
	json_member_text(o, "conversation", at_endpoint(a, endpoint, e->conversation));
	put_author(o, &e->author);
	json_member_text(o, "text", e->text);
	put_files(o, e);
	json_member_bool(o, "routed", op->is_routed);
}

static void put_delivery(struct arena *a, struct json_out *o, const struct config *c,
    const struct trace_delivery *t)
{
	const struct row_delivery *d = &t->trip.delivery;
	const struct bridge_conf *b = bridge_by_id(c, d->bridge);
	const struct endpoint_conf *target = target_of(b, t->to);
	const struct row_link *l = &t->trip.link;
	bool is_over = d->state >= DELIVERY_DELIVERED;

	json_begin_object(o);
	json_member_text(o, "id", delivery_text(a, d->id));
	json_member_text(o, "bridge", b != NULL ? b->name : NULL);
	json_member_text(o, "endpoint", target != NULL ? target->name : NULL);
	json_member_text(o, "direction", direction(t->to));
	json_member_text(o, "state", delivery_state_word((int)d->state));
	put_reason(o, d->reason, t->why != NULL ? t->why : d->carry);
	json_member_text(o, "remote",
	    at_endpoint(a, target != NULL ? target->name : NULL, d->remote_id));
	json_member_text(o, "conversation",
	    at_endpoint(a, target != NULL ? target->name : NULL,
		t->to == SIDE_AGENTS ? l->agents_remote : l->customers_remote));
	if (l->id != 0) {
		json_member_text(o, "link", arena_printf(a, "k%" PRId64, l->id));
		json_member_text(o, "linked", link_how_word((int)l->how));
	}
	if (t->trip.lane.id != 0)
		json_member_text(o, "lane", arena_printf(a, "l%" PRId64, t->trip.lane.id));
	json_member_int(o, "attempt", d->attempt);
	if (d->step != STEP_NONE && !is_over)
		json_member_text(o, "step", step_word((int)d->step));
	json_member_time(o, "sent", d->claimed_ms);
	json_member_time(o, "due", is_over ? 0 : d->due_ms);
	json_member_time(o, "ended", t->ended_ms);
	json_member_time(o, "expires", is_over ? 0 : d->expires_ms);
	put_attempts(o, t);
	put_edit(o, t);
	json_end_object(o);
}

void trace_put(struct arena *a, struct json_out *o, const struct config *c,
    const struct op_trace *op)
{
	size_t i;

	json_begin_object(o);
	put_event(a, o, c, op);
	json_key(o, "deliveries");
	json_begin_array(o);
	for (i = 0; i < op->ndeliveries; i++)
		put_delivery(a, o, c, &op->deliveries[i]);
	json_end_array(o);
	json_end_object(o);
}

const char *trace_doc(struct arena *a, const struct config *c, const struct op_trace *op,
    size_t *len)
{
	struct json_out *o = json_out_new(a);

	trace_put(a, o, c, op);
	return json_done(o, len);
}
