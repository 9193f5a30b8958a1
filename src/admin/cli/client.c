/* See client.h. */
#include "admin/cli/client.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/cli/cli.h"
#include "base/arena.h"
#include "base/loop.h"
#include "base/yaml_in.h"
#include "config/config.h"
#include "net/http_out.h"

/* ---- where it is ---- */

static void add_place(struct client *c, const char *path)
{
	if (path != NULL && c->nplaces < CLIENT_PLACES)
		c->places[c->nplaces++] = path;
}

/* A text of the file that is what it says: nothing in it is to be replaced. */
static const char *plain_text(struct arena *a, const struct yaml_node *n)
{
	if (n == NULL || n->kind != NODE_TEXT || strchr(n->text, '$') != NULL
	    || strncmp(n->text, "file:", 5) == 0)
		return NULL;
	return arena_strdup(a, n->text);
}

static const char *without_scheme(const char *store)
{
	return store != NULL && strncmp(store, "sqlite:", 7) == 0 ? store + 7 : store;
}

/* The operator's shell may lack the variables that the file asks for: its two paths are told even so. */
static void peek(struct client *c, struct arena *a, const char *path, const char **socket)
{
	struct mistakes m;
	struct yaml_node *root;
	char *text = arena_alloc(a, YAML_MAX_BYTES);
	FILE *f = fopen(path, "re");
	size_t len;

	if (f == NULL)
		return;
	len = fread(text, 1, YAML_MAX_BYTES, f);
	fclose(f);
	mistakes_init(&m);
	m.file = path;
	root = yaml_read(m.arena, text, len, &m);
	*socket = plain_text(a, yaml_get(yaml_get(root, "admin"), "socket"));
	c->store = without_scheme(plain_text(a, yaml_get(root, "store")));
	mistakes_fini(&m);
}

static void read_config(struct client *c, struct arena *a, const struct cli *cli,
    const char **socket)
{
	struct mistakes m;

	mistakes_init(&m);
	c->config = config_load(&(struct config_source){ .path = cli->config }, &m);
	if (c->config != NULL) {
		*socket = c->config->admin.socket;
		c->store = c->config->store;
	} else if (m.file != NULL) {
		peek(c, a, arena_strdup(a, m.file), socket);
	}
	mistakes_fini(&m);
}

static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

void client_init(struct client *c, struct arena *a, const struct cli *cli)
{
	const char *socket = NULL;

	memset(c, 0, sizeof(*c));
	read_config(c, a, cli, &socket);
	if (c->store == NULL)
		c->store = without_scheme(environment("TIELINE_STORE"));
	if (cli->socket != NULL)
		socket = cli->socket;
	else if (environment("TIELINE_SOCKET") != NULL)
		socket = environment("TIELINE_SOCKET");
	if (socket != NULL) {
		add_place(c, socket);
		return;
	}
	add_place(c, SOCKET_PATH);
	if (c->store != NULL)
		add_place(c, arena_printf(a, "%s.sock", c->store));
}

void client_fini(struct client *c)
{
	config_unref(c->config);
}

/* ---- asking ---- */

struct exchange {
	struct loop *loop;
	struct arena *arena;
	struct client_answer *out;
	enum client_result result;
	const char *detail;
	volatile sig_atomic_t *stopped;
};

static void on_response(void *arg, const struct http_resp *resp)
{
	struct exchange *x = arg;

	x->result = resp->transport == TRANSPORT_CONNECT ? CLIENT_NOBODY
	    : resp->transport != TRANSPORT_OK            ? CLIENT_SILENT
							 : CLIENT_OK;
	x->detail = resp->detail != NULL ? arena_strdup(x->arena, resp->detail) : "";
	x->out->status = resp->status;
	x->out->len = resp->body_len;
	x->out->body = arena_memdup(x->arena, resp->body, resp->body_len);
	loop_stop(x->loop);
}

static void on_signal(int signo, void *arg)
{
	struct exchange *x = arg;

	(void)signo;
	*x->stopped = 1;
	x->detail = "it was stopped";
	loop_stop(x->loop);
}

static void run(struct exchange *x)
{
	static const int signals[] = { SIGINT, SIGTERM };
	struct loop_signal *watched[2] = { NULL, NULL };
	size_t i;

	for (i = 0; x->stopped != NULL && i < 2; i++)
		watched[i] = loop_signal_new(x->loop, signals[i], on_signal, x);
	loop_run(x->loop);
	for (i = 0; i < 2; i++)
		loop_signal_free(watched[i]);
}

static enum client_result exchange(const struct client *c, struct arena *a, const char *socket,
    const struct client_request *ask, struct client_answer *out, struct err *err)
{
	struct exchange x = { .loop = loop_new(),
		.arena = a,
		.out = out,
		.result = CLIENT_SILENT,
		.stopped = c->stopped };
	struct http_req req = {
		.method = ask->method,
		.url = arena_printf(a, "http://relay%s", ask->path),
		.unix_socket = socket,
		.content_type = ask->body != NULL ? "application/json" : NULL,
		.body = ask->body,
		.body_len = ask->body != NULL ? strlen(ask->body) : 0,
		.timeout_msecs = ask->timeout_msecs,
		.repeatable = strcmp(ask->method, "GET") == 0,
	};
	struct http_out *wire = http_out_new(x.loop, &(struct http_out_options){ 0 }, err);

	if (ask->match != NULL)
		req.headers[req.nheaders++] = (struct http_header){ "If-Match", ask->match, false };
	if (wire != NULL) {
		http_out_start(wire, &req, on_response, &x);
		run(&x);
		http_out_free(wire);
		if (x.result != CLIENT_OK)
			err_set(err, "%s: %s", socket,
			    x.result == CLIENT_NOBODY ? "nobody answers there" : x.detail);
	}
	loop_free(x.loop);
	return x.result;
}

enum client_result client_ask(const struct client *c, struct arena *a,
    const struct client_request *req, struct client_answer *out, struct err *err)
{
	enum client_result result = CLIENT_NOBODY;
	size_t i;

	err_set(err, "there is no relay at %s", c->places[0]);
	for (i = 0; i < c->nplaces && result == CLIENT_NOBODY; i++) {
		if (access(c->places[i], R_OK | W_OK) == 0) {
			result = exchange(c, a, c->places[i], req, out, err);
		} else if (errno == EACCES) {
			err_set(err, "%s: only its owner and group may use it", c->places[i]);
			return CLIENT_FORBIDDEN;
		}
	}
	return result;
}

enum client_result client_get(const struct client *c, struct arena *a, const char *path,
    int64_t timeout_msecs, struct client_answer *out, struct err *err)
{
	const struct client_request req = { "GET", path, NULL, NULL, timeout_msecs };

	return client_ask(c, a, &req, out, err);
}
