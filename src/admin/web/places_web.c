/* See places_web.h. */
#include "admin/web/places_web.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "admin/status.h"
#include "admin/web/api.h"
#include "admin/web/pulse.h"
#include "admin/web/web.h"
#include "base/arena.h"
#include "base/json_out.h"
#include "base/mem.h"
#include "flow/endpoint.h"
#include "flow/lanes.h"

/* ---- endpoints and bridges ---- */

static void answer(struct api_call *c, struct json_out *o)
{
	size_t len;
	const char *body = json_done(o, &len);

	api_reply(c, 200, body, len);
}

/* name NULL: all. is_bridge: of bridges. */
static void answer_places(struct api_call *c, bool is_bridge)
{
	struct json_out *o = json_out_new(c->arena);
	struct status s;
	size_t i, n;

	status_gather(c->arena, c->web, &s);
	n = is_bridge ? s.nbridges : s.nendpoints;
	json_begin_object(o);
	json_key(o, "items");
	json_begin_array(o);
	for (i = 0; i < n; i++) {
		if (is_bridge)
			status_put_bridge(o, &s.bridges[i]);
		else
			status_put_endpoint(o, &s, &s.endpoints[i]);
	}
	json_end_array(o);
	json_key(o, "next");
	json_put_null(o);
	json_end_object(o);
	answer(c, o);
}

static void on_endpoints(void *arg)
{
	answer_places(arg, false);
}

static void on_bridges(void *arg)
{
	answer_places(arg, true);
}

static void on_endpoint(void *arg)
{
	struct api_call *c = arg;
	struct json_out *o = json_out_new(c->arena);
	struct status s;
	size_t i = 0;

	status_gather(c->arena, c->web, &s);
	while (i < s.nendpoints && strcmp(s.endpoints[i].name, c->name) != 0)
		i++;
	if (i == s.nendpoints) {
		api_problem(c, API_NOT_FOUND, "there is no endpoint of that name", NULL);
		return;
	}
	status_put_endpoint(o, &s, &s.endpoints[i]);
	answer(c, o);
}

static void on_bridge(void *arg)
{
	struct api_call *c = arg;
	struct json_out *o = json_out_new(c->arena);
	struct status s;
	size_t i = 0;

	status_gather(c->arena, c->web, &s);
	while (i < s.nbridges && strcmp(s.bridges[i].name, c->name) != 0)
		i++;
	if (i == s.nbridges) {
		api_problem(c, API_NOT_FOUND, "there is no bridge of that name", NULL);
		return;
	}
	status_put_bridge(o, &s.bridges[i]);
	answer(c, o);
}

void places_web_endpoints(struct api_call *c)
{
	pulse_look(c->web->pulse, on_endpoints, c);
}

void places_web_endpoint(struct api_call *c)
{
	pulse_look(c->web->pulse, on_endpoint, c);
}

void places_web_bridges(struct api_call *c)
{
	pulse_look(c->web->pulse, on_bridges, c);
}

void places_web_bridge(struct api_call *c)
{
	pulse_look(c->web->pulse, on_bridge, c);
}

/* ---- lanes ---- */

struct lane_query {
	const struct endpoint *endpoint; /* NULL: any */
	int state;                       /* below 0: any */
	struct api_page page;
	int64_t before; /* ids below */
};

static const char *read_lane_query(const struct api_call *c, struct lane_query *q)
{
	const char *endpoint = api_query(c, "endpoint"), *state = api_query(c, "state");
	const struct endpoint_conf *conf = NULL;
	const char *wrong = api_page_read(c, &q->page);
	char *end;

	if (wrong != NULL)
		return wrong;
	if (endpoint != NULL) {
		conf = config_endpoint(c->web->flow->config, endpoint);
		if (conf == NULL)
			return arena_printf(c->arena, "endpoint: there is none called \"%s\"",
			    endpoint);
		q->endpoint = endpoint_find(c->web->flow, conf->id);
	}
	for (q->state = LANE_STATE_COUNT - 1; state != NULL && q->state >= 0; q->state--)
		if (strcmp(lane_state_word((enum lane_state)q->state), state) == 0)
			break;
	if (state == NULL)
		q->state = -1;
	else if (q->state < 0)
		return "state: allowed: idle, ready, busy, waiting, parked";
	q->before = INT64_MAX;
	if (q->page.cursor != NULL) {
		q->before = strtoll(q->page.cursor, &end, 10);
		if (end == q->page.cursor || *end != '\0' || q->before < 1)
			return "cursor: it is none that was given";
	}
	return NULL;
}

static int newest_first(const void *a, const void *b)
{
	const struct lane *const *x = a, *const *y = b;

	return ((*x)->id < (*y)->id) - ((*x)->id > (*y)->id);
}

static bool fits(const struct lane *l, const struct lane_query *q)
{
	return l->id != 0 && l->id < q->before && (q->endpoint == NULL || l->target == q->endpoint)
	    && (q->state < 0 || (int)l->state == q->state);
}

static void put_lane(struct api_call *c, struct json_out *o, const struct lane *l)
{
	json_begin_object(o);
	json_member_text(o, "id", arena_printf(c->arena, "l%" PRId64, l->id));
	json_member_text(o, "endpoint", l->target->conf.name);
	json_member_text(o, "state", lane_state_word(l->state));
	json_member_int(o, "deliveries", l->count);
	json_end_object(o);
}

static void put_lanes(struct api_call *c, struct json_out *o, const struct lane **found, size_t n,
    const struct lane_query *q)
{
	size_t i;

	qsort(found, n, sizeof(*found), newest_first);
	json_begin_object(o);
	json_key(o, "items");
	json_begin_array(o);
	for (i = 0; i < n && i < (size_t)q->page.limit; i++)
		put_lane(c, o, found[i]);
	json_end_array(o);
	json_member_text_or_null(o, "next",
	    i < n ? arena_printf(c->arena, "%" PRId64, found[i - 1]->id) : NULL);
	json_end_object(o);
}

void places_web_lanes(struct api_call *c)
{
	struct flow *f = c->web->flow;
	struct json_out *o = json_out_new(c->arena);
	struct lane_query q = { 0 };
	const char *wrong = read_lane_query(c, &q);
	const struct lane **found;
	const struct map_node *node;
	size_t n = 0;

	if (wrong != NULL) {
		api_problem(c, API_INVALID, wrong, NULL);
		return;
	}
	found = xcalloc(f->lanes.count + 1, sizeof(const struct lane *));
	for (node = map_walk(&f->lanes, NULL); node != NULL; node = map_walk(&f->lanes, node))
		if (fits((const struct lane *)node, &q))
			found[n++] = (const struct lane *)node;
	put_lanes(c, o, found, n, &q);
	xfree(found);
	answer(c, o);
}
