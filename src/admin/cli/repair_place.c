/* See repair_place.h. */
#include "admin/cli/repair_place.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin/cli/cli.h"
#include "admin/cli/stopped.h"
#include "admin/repair_doc.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/http.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "config/config.h"

#define PATIENCE_MSECS (30 * 1000)
#define BULK_PATIENCE_MSECS (10 * 60 * 1000)

static int say(const struct repair_place *p, int code, const char *what)
{
	fprintf(stderr, "tieline %s: %s\n", p->cli->argv[0], what);
	return code;
}

void repair_place_open(struct repair_place *p, struct arena *a, const struct cli *cli)
{
	memset(p, 0, sizeof(*p));
	p->cli = cli;
	p->arena = a;
	client_init(&p->client, a, cli);
}

void repair_place_close(struct repair_place *p)
{
	store_close(p->store);
	client_fini(&p->client);
}

/* ---- the running relay ---- */

/* What a problem document says, and the exit code it stands for. */
static int refused(const struct repair_place *p, const struct client_answer *answer)
{
	struct json_error error;
	const struct json *problem = json_read(p->arena, answer->body, answer->len, &error);
	const char *detail = json_text(problem, "detail"), *next = json_text(problem, "next");

	if (detail == NULL)
		detail = json_text(problem, "title");
	say(p, 0,
	    arena_printf(p->arena, "%s%s%s", detail != NULL ? detail : "the relay refuses",
		next != NULL ? "; next: " : "", next != NULL ? next : ""));
	switch (answer->status) {
	case 404: return EXIT_MISSING;
	case 503: return EXIT_AGAIN;
	case 409:
	case 412:
	case 422: return EXIT_NO;
	default: return EXIT_FAULT;
	}
}

static int open_store(struct repair_place *p)
{
	struct err err;
	int code = EXIT_FAULT;

	if (p->store != NULL)
		return EXIT_DONE;
	if (p->client.config == NULL)
		return say(p, EXIT_CONFIGURATION,
		    "no relay runs, and the configuration that names its store cannot be read: "
		    "see tieline check");
	p->store = stopped_open(p->arena, p->client.config, false, &code, &err);
	return p->store != NULL ? EXIT_DONE : say(p, code, err.text);
}

/* EXIT_DONE with document NULL: no relay runs, and p->store is open. */
static int ask(struct repair_place *p, const struct client_request *req, const char **document)
{
	struct client_answer answer;
	struct err err;

	*document = NULL;
	if (p->store != NULL)
		return EXIT_DONE;
	switch (client_ask(&p->client, p->arena, req, &answer, &err)) {
	case CLIENT_OK:
		if (answer.status >= 300)
			return refused(p, &answer);
		*document = answer.body;
		return EXIT_DONE;
	case CLIENT_NOBODY: return open_store(p);
	case CLIENT_FORBIDDEN: return say(p, EXIT_NOT_PERMITTED, err.text);
	case CLIENT_SILENT: return say(p, EXIT_UNREACHABLE, err.text);
	}
	return EXIT_FAULT;
}

static int get(struct repair_place *p, const char *path, const char **document)
{
	const struct client_request req = { "GET", path, NULL, NULL, PATIENCE_MSECS };

	return ask(p, &req, document);
}

static const char *query_of(struct arena *a, const struct repair_filter *f, int limit,
    const char *cursor)
{
	const char *q = arena_printf(a, "?limit=%d", limit);

	if (cursor != NULL)
		q = arena_printf(a, "%s&cursor=%s", q, http_encode(a, cursor));
	if (f->endpoint != NULL)
		q = arena_printf(a, "%s&endpoint=%s", q, http_encode(a, f->endpoint));
	if (f->bridge != NULL)
		q = arena_printf(a, "%s&bridge=%s", q, http_encode(a, f->bridge));
	if (f->reason != NULL)
		q = arena_printf(a, "%s&reason=%s", q, http_encode(a, f->reason));
	return q;
}

/* ---- without one ---- */

static int run(struct repair_place *p, struct store_op *op)
{
	store_run(p->store, op);
	return op->result == 0 ? EXIT_DONE : say(p, EXIT_DISK, op->err.text);
}

static int list_stored(struct repair_place *p, const struct repair_filter *f, int limit,
    const char *cursor, struct op_parked *op)
{
	const char *wrong;

	*op =
	    (struct op_parked){ .op = { .kind = STORE_PARKED }, .arena = p->arena, .limit = limit };
	wrong = parked_filter_read(p->arena, p->client.config, f->endpoint, f->bridge, f->reason,
	    &op->filter);
	if (wrong != NULL)
		return say(p, EXIT_NO, wrong);
	if (cursor != NULL)
		parked_id_read(cursor, &op->after);
	return run(p, &op->op);
}

/* Putting a kept callback back takes the relay: nothing else reads callbacks. */
static int mend_stored(struct repair_place *p, enum mend mend, const struct parked_id *ids,
    size_t n, const char *text, struct op_mend *op)
{
	int64_t now_ms = clock_wall_ms();
	size_t i;

	*op = (struct op_mend){
		.op = { .kind = STORE_MEND },
		.arena = p->arena,
		.mend = mend,
		.items = arena_zalloc(p->arena, (n + 1) * sizeof(*op->items)),
		.text = text,
		.who = arena_printf(p->arena, "command line uid %d", (int)getuid()),
		.now_ms = now_ms,
		.expires_ms = now_ms + p->client.config->limits.try_for_msecs,
	};
	for (i = 0; i < n; i++)
		if (!ids[i].is_raw || mend == MEND_DROP)
			op->items[op->nitems++].id = ids[i];
	if (op->nitems < n && op->nitems == 0)
		return say(p, EXIT_UNREACHABLE,
		    "a kept callback can only be retried by a running relay");
	return run(p, &op->op);
}

static int told(struct repair_place *p, const char *id, enum mend_result result)
{
	const char *what = "it is not parked any more";

	switch (result) {
	case MEND_DONE:
	case MEND_REROUTE: return EXIT_DONE;
	case MEND_UNKNOWN:
		return say(p, EXIT_MISSING,
		    arena_printf(p->arena, "%s: nothing of that id is parked", id));
	case MEND_NOT_PARKED: break;
	case MEND_NO_BODY: what = "its words are not kept any more"; break;
	case MEND_NOT_REFUSED: what = "only words that the platform refused can be changed"; break;
	case MEND_UNREADABLE: what = "it still cannot be read"; break;
	}
	return say(p, EXIT_NO, arena_printf(p->arena, "%s: %s", id, what));
}

/* ---- what commands ask ---- */

int repair_place_list(struct repair_place *p, const struct repair_filter *f, int limit,
    const char *cursor, const char **document)
{
	struct op_parked op;
	int code =
	    get(p, arena_printf(p->arena, "/api/v1/parked%s", query_of(p->arena, f, limit, cursor)),
		document);

	if (code != EXIT_DONE || *document != NULL)
		return code;
	code = list_stored(p, f, limit, cursor, &op);
	if (code == EXIT_DONE)
		*document = parked_list_doc(p->arena, p->client.config, &op, NULL);
	return code;
}

static int read_id(struct repair_place *p, const char *text, struct parked_id *id)
{
	if (parked_id_read(text, id))
		return EXIT_DONE;
	return say(p, EXIT_USAGE_WRONG,
	    arena_printf(p->arena,
		"found \"%s\"; allowed: an id like d1440, of a kept callback like h77", text));
}

int repair_place_show(struct repair_place *p, const char *text, const char **document)
{
	struct op_trace trace = { .op = { .kind = STORE_TRACE }, .arena = p->arena };
	struct op_raw_read raw = { .op = { .kind = STORE_RAW_READ }, .arena = p->arena };
	struct parked_id id = { 0 };
	int code = read_id(p, text, &id);

	if (code == EXIT_DONE)
		code = get(p, arena_printf(p->arena, "/api/v1/parked/%s", text), document);
	if (code != EXIT_DONE || *document != NULL)
		return code;
	raw.id = trace.delivery_id = id.id;
	code = run(p, id.is_raw ? &raw.op : &trace.op);
	if (code != EXIT_DONE)
		return code;
	if (!id.is_raw)
		*document = parked_one_doc(p->arena, p->client.config, &trace, NULL);
	else if (raw.is_known)
		*document = parked_raw_doc(p->arena, p->client.config, &raw, NULL);
	return *document != NULL ? EXIT_DONE : told(p, text, MEND_UNKNOWN);
}

static int tell_ambiguous(struct repair_place *p, const struct op_trace *op)
{
	const struct config *c = p->client.config;
	size_t i, j;

	say(p, 0, "several endpoints know such a message; say which:");
	for (i = 0; i < op->nfound; i++)
		for (j = 0; j < c->nendpoints; j++)
			if (c->endpoints[j].id == op->found[i])
				fprintf(stderr, "  %s:%s\n", c->endpoints[j].name, op->remote);
	return EXIT_NO;
}

int repair_place_trace(struct repair_place *p, const char *text, const char **document)
{
	struct op_trace op = { .op = { .kind = STORE_TRACE }, .arena = p->arena };
	int code =
	    get(p, arena_printf(p->arena, "/api/v1/messages/%s/trace", http_encode(p->arena, text)),
		document);

	if (code != EXIT_DONE || *document != NULL)
		return code;
	if (!trace_ask(p->arena, p->client.config, text, &op))
		return say(p, EXIT_MISSING,
		    "an id is like e812, d1440, desk:40871 or a platform's own");
	code = run(p, &op.op);
	if (code != EXIT_DONE)
		return code;
	if (op.nfound > 1)
		return tell_ambiguous(p, &op);
	if (op.id == 0)
		return say(p, EXIT_MISSING, "nothing is known of a message of that id");
	*document = trace_doc(p->arena, p->client.config, &op, NULL);
	return EXIT_DONE;
}

static const char *text_body(struct arena *a, const char *text)
{
	struct json_out *o = json_out_new(a);

	json_begin_object(o);
	json_member_text(o, "text", text);
	json_end_object(o);
	return json_done(o, NULL);
}

int repair_place_mend(struct repair_place *p, const char *text, enum mend mend, const char *words,
    const char *etag)
{
	const char *path = arena_printf(p->arena, "/api/v1/parked/%s", text), *document;
	struct client_request req = { NULL, path, NULL, etag, PATIENCE_MSECS };
	struct parked_id id;
	struct op_mend op;
	int code = read_id(p, text, &id);

	if (code != EXIT_DONE)
		return code;
	switch (mend) {
	case MEND_RETRY:
		req.method = "POST";
		req.path = arena_printf(p->arena, "%s/retry", path);
		req.body = "{}";
		break;
	case MEND_DROP: req.method = "DELETE"; break;
	case MEND_EDIT:
		req.method = "PATCH";
		req.body = text_body(p->arena, words);
		break;
	}
	code = ask(p, &req, &document);
	if (code != EXIT_DONE || document != NULL)
		return code;
	code = mend_stored(p, mend, &id, 1, words, &op);
	return code == EXIT_DONE ? told(p, text, op.items[0].result) : code;
}

static const char *bulk_body(struct arena *a, const struct repair_filter *f, int64_t expect)
{
	struct json_out *o = json_out_new(a);

	json_begin_object(o);
	json_key(o, "filter");
	json_begin_object(o);
	json_member_text(o, "endpoint", f->endpoint);
	json_member_text(o, "bridge", f->bridge);
	json_member_text(o, "reason", f->reason);
	json_end_object(o);
	json_member_int(o, "expect", expect);
	json_end_object(o);
	return json_done(o, NULL);
}

static int say_refused(struct repair_place *p, int64_t refused)
{
	if (refused <= 0)
		return EXIT_DONE;
	return say(p, EXIT_NO, arena_printf(p->arena, "%" PRId64 " could not be", refused));
}

int repair_place_mend_all(struct repair_place *p, const struct repair_filter *f, enum mend mend,
    int64_t expect)
{
	const struct client_request req = { "POST",
		mend == MEND_RETRY ? "/api/v1/parked/retry" : "/api/v1/parked/drop",
		bulk_body(p->arena, f, expect), NULL, BULK_PATIENCE_MSECS };
	const char *document;
	struct json_error error;
	struct op_parked list;
	struct parked_id *ids;
	struct op_mend op;
	int64_t bad = 0;
	size_t i;
	int code = ask(p, &req, &document);

	if (code != EXIT_DONE)
		return code;
	if (document != NULL)
		return say_refused(p,
		    json_int(json_read(p->arena, document, strlen(document), &error), "refused",
			0));
	code = list_stored(p, f, (int)expect, NULL, &list);
	if (code != EXIT_DONE || list.nrows == 0)
		return code;
	ids = arena_zalloc(p->arena, list.nrows * sizeof(*ids));
	for (i = 0; i < list.nrows; i++)
		ids[i] = list.rows[list.nrows - 1 - i].id;
	code = mend_stored(p, mend, ids, list.nrows, NULL, &op);
	for (i = 0; code == EXIT_DONE && i < op.nitems; i++)
		bad += op.items[i].result != MEND_DONE && op.items[i].result != MEND_REROUTE;
	return code != EXIT_DONE ? code : say_refused(p, bad + (int64_t)(list.nrows - op.nitems));
}

/* Runs op on the store, which may be a running relay's: to read needs no lock. fill runs when the store is
 * open. */
static int read_beside(struct repair_place *p, struct store_op *op, void (*fill)(void *arg),
    void *arg)
{
	struct store *store = p->store;
	struct err err;
	int code = EXIT_FAULT;

	if (p->client.config == NULL)
		return say(p, EXIT_CONFIGURATION, "the configuration cannot be read");
	if (store == NULL)
		store = stopped_open(p->arena, p->client.config, true, &code, &err);
	if (store == NULL)
		return say(p, code, err.text);
	if (fill != NULL)
		fill(arg);
	store_run(store, op);
	if (store != p->store)
		store_close(store);
	return op->result == 0 ? EXIT_DONE : say(p, EXIT_DISK, op->err.text);
}

int repair_place_raw(struct repair_place *p, const char *text, struct op_raw_read *out)
{
	struct parked_id id = { 0 };
	int code = read_id(p, text, &id);

	*out = (struct op_raw_read){ .op = { .kind = STORE_RAW_READ },
		.arena = p->arena,
		.id = id.id };
	if (code == EXIT_DONE)
		code = read_beside(p, &out->op, NULL, NULL);
	if (code != EXIT_DONE)
		return code;
	return out->is_known ? EXIT_DONE : told(p, text, MEND_UNKNOWN);
}

/* Whose callback: the store's number of the endpoint is known once it is open. */
struct source {
	const struct config *config;
	const char *name;
	size_t len;
	struct op_callback_of *op;
};

static void fill_source(void *arg)
{
	struct source *s = arg;
	size_t i;

	for (i = 0; i < s->config->nendpoints; i++)
		if (strlen(s->config->endpoints[i].name) == s->len
		    && strncmp(s->config->endpoints[i].name, s->name, s->len) == 0)
			s->op->endpoint = s->config->endpoints[i].id;
}

int repair_place_callback(struct repair_place *p, const char *text, struct op_callback_of *out)
{
	const char *colon = text != NULL ? strchr(text, ':') : NULL;
	struct source source = { p->client.config, text, 0, out };
	int code;

	*out = (struct op_callback_of){ .op = { .kind = STORE_CALLBACK_OF }, .arena = p->arena };
	if (colon != NULL) {
		source.len = (size_t)(colon - text);
		out->remote = colon + 1;
		code = read_beside(p, &out->op, fill_source, &source);
		if (code != EXIT_DONE || out->is_known)
			return code;
	}
	return say(p, EXIT_MISSING,
	    "its callback is not kept; those are that could not be read (ids like h77), and all where "
	    "retention.callbacks says so");
}
