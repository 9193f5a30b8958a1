/* See kept_at.h. */
#include "admin/cli/kept_at.h"

#include <string.h>

#include "admin/cli/cli.h"
#include "base/arena.h"
#include "base/http.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "base/secret.h"
#include "config/config.h"
#include "flow/kept.h"
#include "store/store.h"

#define PATIENCE_MSECS 30000

static int open_store(struct kept_at *k, bool may_write, struct err *err)
{
	const struct store_options options = {
		.url = arena_printf(k->arena, "sqlite:%s", k->config->store),
		.mailbox = 64,
		.create = may_write,
		.read_only = !may_write,
	};
	enum store_open why = STORE_OPEN_OK;

	k->store = store_open(&options, &why, err);
	if (k->store != NULL || (why == STORE_OPEN_MISSING && !may_write))
		return EXIT_DONE;
	switch (why) {
	case STORE_OPEN_LOCKED: return EXIT_AGAIN;
	case STORE_OPEN_NEWER: return EXIT_NEWER;
	case STORE_OPEN_CORRUPT: return EXIT_INPUT;
	case STORE_OPEN_DISK: return EXIT_DISK;
	case STORE_OPEN_OK:
	case STORE_OPEN_MISSING:
	case STORE_OPEN_UNWRITABLE: break;
	}
	return EXIT_CANNOT_CREATE;
}

int kept_open(struct kept_at *k, struct arena *a, struct cli *cli, struct config *config,
    bool may_write, struct err *err)
{
	struct client_answer answer;
	struct json_error error;

	*k = (struct kept_at){ .arena = a, .config = config, .may_write = may_write };
	client_init(&k->client, a, cli);
	switch (client_get(&k->client, a, "/api/v1/setup", PATIENCE_MSECS, &answer, err)) {
	case CLIENT_OK:
		k->relay = json_read(a, answer.body, answer.len, &error);
		if (answer.status == 200 && k->relay != NULL)
			return EXIT_DONE;
		err_set(err, "the relay answered %d", answer.status);
		return EXIT_FAULT;
	case CLIENT_NOBODY: return open_store(k, may_write, err);
	case CLIENT_FORBIDDEN: return EXIT_NOT_PERMITTED;
	case CLIENT_SILENT: break;
	}
	return EXIT_UNREACHABLE;
}

void kept_close(struct kept_at *k)
{
	store_close(k->store);
	client_fini(&k->client);
}

static int id_of(struct kept_at *k, const struct endpoint_conf *e, bool makes, struct err *err)
{
	const char *ident = !makes
	    ? NULL
	    : arena_printf(k->arena, "%s %s %s", e->host, e->tenant != NULL ? e->tenant : "-",
		e->place != NULL ? e->place : "-");
	int id = -1;

	return store_endpoint_id(k->store, e->name, e->connector->name, ident, &id, err) == 0 ? id
											      : -1;
}

static size_t take(const struct json *kept, struct memo *out, size_t size)
{
	const struct json *j;
	size_t n = 0;

	for (j = kept != NULL ? kept->child : NULL; j != NULL && n < size; j = j->next)
		if (j->type == JSON_STRING && kept_is(j->key))
			out[n++] = (struct memo){ j->key, j->text, true };
	return n;
}

static const struct json *memo_of(struct kept_at *k, int id)
{
	const char *text = id >= 0 ? store_endpoint_memo(k->store, k->arena, id) : NULL;
	struct json_error error;

	return text != NULL ? json_read(k->arena, text, strlen(text), &error) : NULL;
}

static const char *key_in_store(struct kept_at *k, const struct endpoint_conf *e, bool makes,
    struct err *err)
{
	char drawn[33];

	random_text(drawn, sizeof(drawn) - 1);
	return store_keep(k->store, k->arena, arena_printf(k->arena, "hook_key.%s", e->name),
	    makes ? drawn : NULL, err);
}

size_t kept_read(struct kept_at *k, const struct endpoint_conf *e, struct memo *out, size_t size,
    const char **hook_key, struct err *err)
{
	const struct json *mine = json_member(k->relay, e->name);
	bool makes = k->store != NULL && k->may_write;

	*hook_key = e->hook_key.n > 0 ? e->hook_key.v[0] : NULL;
	if (k->relay != NULL) {
		*hook_key = json_text(mine, "hook_key");
		return take(json_member(mine, "kept"), out, size);
	}
	if (k->store == NULL)
		return 0;
	if (*hook_key == NULL)
		*hook_key = key_in_store(k, e, makes, err);
	return take(memo_of(k, id_of(k, e, makes, err)), out, size);
}

int64_t kept_heard_ms(struct kept_at *k, const struct endpoint_conf *e)
{
	struct client_answer answer;
	struct json_error error;
	struct err err;
	const struct json *all;

	if (k->relay == NULL
	    || client_get(&k->client, k->arena, "/api/v1/setup", PATIENCE_MSECS, &answer, &err)
		!= CLIENT_OK)
		return -1;
	all = json_read(k->arena, answer.body, answer.len, &error);
	return json_int(json_member(all, e->name), "heard_ms", -1);
}

/* --- keeping ----------------------------------------------------------------------------------- */

static bool is_new(const struct memo *memo, size_t count, const char *key)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (strcmp(memo[i].key, key) == 0)
			return true;
	return false;
}

/* All that the endpoint remembers, with these in place of what they were. */
static const char *merged(struct kept_at *k, const struct json *before, const struct memo *memo,
    size_t count)
{
	struct json_out *o = json_out_new(k->arena);
	const struct json *j;
	size_t i;

	json_begin_object(o);
	for (j = before != NULL ? before->child : NULL; j != NULL; j = j->next)
		if (j->type == JSON_STRING && !is_new(memo, count, j->key))
			json_member_text(o, j->key, j->text);
	for (i = 0; i < count; i++)
		json_member_text(o, memo[i].key, memo[i].value);
	json_end_object(o);
	return json_done(o, NULL);
}

static int write_store(struct kept_at *k, const struct endpoint_conf *e, const struct memo *memo,
    size_t count, struct err *err)
{
	struct op_endpoint op = { .op = { .kind = STORE_ENDPOINT } };

	op.endpoint = id_of(k, e, true, err);
	if (op.endpoint < 0)
		return -1;
	op.memo = merged(k, memo_of(k, op.endpoint), memo, count);
	store_run(k->store, &op.op);
	if (op.op.result != 0)
		*err = op.op.err;
	return op.op.result;
}

int kept_write(struct kept_at *k, const struct endpoint_conf *e, const struct memo *memo,
    size_t count, struct err *err)
{
	struct client_request req = {
		.method = "POST",
		.path = arena_printf(k->arena, "/api/v1/endpoints/%s/keep", e->name),
		.timeout_msecs = PATIENCE_MSECS,
	};
	struct client_answer answer = { 0 };

	if (count == 0)
		return 0;
	if (k->relay == NULL)
		return write_store(k, e, memo, count, err);
	req.body = merged(k, NULL, memo, count);
	if (client_ask(&k->client, k->arena, &req, &answer, err) != CLIENT_OK)
		return -1;
	return answer.status == 200 ? 0 : err_set(err, "the relay answered %d", answer.status);
}
