/* See links_web.h. */
#include "admin/web/links_web.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "admin/web/api.h"
#include "admin/web/web.h"
#include "base/arena.h"
#include "base/json_out.h"
#include "store/links.h"

struct asked {
	struct op_links op; /* first */
	struct api_call *api;
	bool is_one;
};

/* 0: it is none. */
static int64_t id_of(const char *text)
{
	char *end;
	int64_t n;

	if (text[0] != 'k' || text[1] < '0' || text[1] > '9')
		return 0;
	n = strtoll(text + 1, &end, 10);
	return *end == '\0' ? n : 0;
}

/* ---- telling ---- */

static const struct bridge_conf *bridge_by_id(const struct config *c, int id)
{
	size_t i;

	for (i = 0; i < c->nbridges; i++)
		if (c->bridges[i].id == id)
			return &c->bridges[i];
	return NULL; /* not configured any more */
}

static void put_end(struct arena *a, struct json_out *o, const char *key,
    const struct endpoint_conf *e, const char *remote)
{
	json_member_text_or_null(o, key,
	    remote != NULL && e != NULL ? arena_printf(a, "%s:%s", e->name, remote) : remote);
}

static void put_link(struct api_call *c, struct json_out *o, const struct row_link *l)
{
	const struct bridge_conf *b = bridge_by_id(c->web->flow->config, l->bridge);

	json_begin_object(o);
	json_member_text(o, "id", arena_printf(c->arena, "k%" PRId64, l->id));
	json_member_text_or_null(o, "bridge", b != NULL ? b->name : NULL);
	put_end(c->arena, o, "customers", b != NULL ? b->customers : NULL, l->customers_remote);
	put_end(c->arena, o, "agents", b != NULL ? b->agents : NULL, l->agents_remote);
	if (l->customers_state != STATE_NONE)
		json_member_text(o, "customers_state", state_word((int)l->customers_state));
	if (l->agents_state != STATE_NONE)
		json_member_text(o, "agents_state", state_word((int)l->agents_state));
	json_member_int(o, "generation", l->generation);
	json_member_bool(o, "taken_over", l->taken_over);
	json_member_bool(o, "gone", l->gone);
	json_member_text(o, "linked", link_how_word((int)l->how));
	json_end_object(o);
}

static void put_list(struct api_call *c, struct json_out *o, const struct op_links *op)
{
	size_t i;

	json_begin_object(o);
	json_key(o, "items");
	json_begin_array(o);
	for (i = 0; i < op->nrows; i++)
		put_link(c, o, &op->rows[i]);
	json_end_array(o);
	json_member_text_or_null(o, "next",
	    op->is_more ? arena_printf(c->arena, "k%" PRId64, op->rows[op->nrows - 1].id) : NULL);
	json_end_object(o);
}

static void on_looked(struct store_op *op)
{
	struct asked *q = (struct asked *)op;
	struct json_out *o = json_out_new(q->api->arena);
	const char *body;
	size_t len;

	if (op->result != 0) {
		api_problem(q->api, API_STORE, op->err.text, "see tieline status");
		return;
	}
	if (q->is_one && q->op.nrows == 0) {
		api_problem(q->api, API_NOT_FOUND, "there is no link of that id", NULL);
		return;
	}
	if (q->is_one)
		put_link(q->api, o, q->op.rows);
	else
		put_list(q->api, o, &q->op);
	body = json_done(o, &len);
	api_reply(q->api, 200, body, len);
}

/* ---- asking ---- */

static struct asked *asked_new(struct api_call *c)
{
	struct asked *q = ARENA_NEW(c->arena, struct asked);

	q->api = c;
	q->op.op = (struct store_op){ .kind = STORE_LINKS, .done = on_looked };
	q->op.arena = c->arena;
	return q;
}

static void submit(struct asked *q)
{
	if (flow_offer(q->api->web->flow, &q->op.op) != 0)
		api_problem(q->api, API_BUSY, "the store's mailbox is full", "try again");
}

/* "desk:57" is of that endpoint; anything else may be of any. */
static void read_sought(struct api_call *c, const char *text, struct links_asked *asked)
{
	const struct config *config = c->web->flow->config;
	int *endpoints = arena_zalloc(c->arena, (config->nendpoints + 1) * sizeof(*endpoints));
	const char *colon = strchr(text, ':');
	const struct endpoint_conf *named = colon != NULL
	    ? config_endpoint(config, arena_strndup(c->arena, text, (size_t)(colon - text)))
	    : NULL;
	size_t i;

	asked->endpoints = endpoints;
	if (named != NULL) {
		endpoints[asked->nendpoints++] = named->id;
		asked->remote = colon + 1;
	} else {
		if (*text == '+' || strchr(text, '@') != NULL)
			asked->who = text;
		for (i = 0; i < config->nendpoints; i++)
			endpoints[asked->nendpoints++] = config->endpoints[i].id;
		asked->remote = text;
	}
}

void links_web_list(struct api_call *c)
{
	struct asked *q = asked_new(c);
	const char *sought = api_query(c, "q");
	struct api_page page;
	const char *wrong = api_page_read(c, &page);

	if (wrong == NULL && page.cursor != NULL) {
		q->op.before = id_of(page.cursor);
		if (q->op.before == 0)
			wrong = "cursor: it is none that was given";
	}
	if (wrong == NULL && sought != NULL && strlen(sought) > 255)
		wrong = "q: allowed: 255 bytes at most";
	if (wrong != NULL) {
		api_problem(c, API_INVALID, wrong, NULL);
		return;
	}
	q->op.limit = page.limit;
	if (sought != NULL && *sought != '\0')
		read_sought(c, sought, &q->op.asked);
	submit(q);
}

void links_web_show(struct api_call *c)
{
	struct asked *q = asked_new(c);

	q->is_one = true;
	q->op.limit = 1;
	q->op.asked.id = id_of(c->name);
	if (q->op.asked.id != 0)
		submit(q);
	else
		api_problem(c, API_NOT_FOUND, "an id is like k12", NULL);
}
