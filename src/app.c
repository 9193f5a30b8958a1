/* See app.h. The order things are built in is the order of this file; a stop goes the other way:
 *
 *   configuration, store, flow (what an earlier life left is read back), listeners, ready
 *   TERM: callbacks refused, what is under way ends (limits.drain at most), then down */
#include "app.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/cli/cli.h"
#include "admin/status.h"
#include "admin/web/alarms.h"
#include "admin/web/check_web.h"
#include "admin/web/history_web.h"
#include "admin/web/notify.h"
#include "admin/web/pulse.h"
#include "admin/web/series_web.h"
#include "admin/web/sessions.h"
#include "admin/web/web.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/url.h"
#include "config/config.h"
#include "flow/flow.h"
#include "flow/ingest.h"
#include "flow/reload.h"
#include "net/http_in.h"
#include "net/http_out.h"
#include "store/store.h"

#define DRAIN_LOOK_MSECS 20

struct app {
	struct arena *arena;
	struct config *config;
	const struct cli *cli;
	struct config_source *source;
	struct loop *loop;
	struct store *store;
	struct http_out *wire;
	struct flow *flow;
	struct ingest *ingest;
	struct http_server *public, *admin, *socket;
	struct pulse *pulse;
	struct notify *notify;
	struct web web;
	struct loop_signal *signals[4];
	struct loop_timer *drain;
	bool is_stopping;
	int64_t drain_until_ms;
	int exit;
};

/* ---- stopping ---- */

static bool is_drained(const struct app *app)
{
	return ingest_pending(app->ingest) == 0 && flow_is_idle(app->flow)
	    && http_server_busy(app->public) == 0;
}

static void on_drain(void *arg)
{
	struct app *app = arg;

	if (is_drained(app) || loop_now_ms(app->loop) >= app->drain_until_ms)
		loop_stop(app->loop);
	else
		loop_timer_set(app->drain, DRAIN_LOOK_MSECS);
}

static void on_stop(int signo, void *arg)
{
	struct app *app = arg;

	if (app->is_stopping) { /* the second one: at once, and safely: the journal holds all */
		app->exit = EXIT_AGAIN;
		loop_stop(app->loop);
		return;
	}
	app->is_stopping = true;
	LOG(LOG_INFO, "stop", F_STR("reason", strsignal(signo)));
	notify_stopping(app->notify);
	flow_drain(app->flow);
	http_server_drain(app->public);
	app->drain_until_ms = loop_now_ms(app->loop) + app->config->limits.drain_msecs;
	if (history_web_stop(app->web.history)) /* the answers need a moment to get out */
		loop_timer_set(app->drain, DRAIN_LOOK_MSECS);
	else
		on_drain(app);
}

/* ---- other signals ---- */

static void on_usr1(int signo, void *arg)
{
	struct app *app = arg;

	(void)signo;
	status_log(&app->web);
}

/* ---- a new configuration ---- */

static void log_mistakes(const char *at, const struct mistakes *m, bool warnings)
{
	struct buf b;
	size_t i;

	buf_init(&b);
	for (i = 0; i < m->all; i++) {
		if (m->items[i].warning != warnings)
			continue;
		buf_clear(&b);
		mistake_words(&b, &m->items[i]);
		LOG(LOG_WARN, at, F_STR("file", m->file), F_INT("line", m->items[i].at.line),
		    F_STR("err", b.data));
	}
	buf_fini(&b);
}

static void set_up_log(const struct cli *cli, const struct config *c)
{
	log_setup(cli->verbose ? LOG_DEBUG : cli->quiet ? LOG_WARN : c->log.level, c->log.format);
}

static struct http_server_options public_options(const struct limits *l)
{
	return (struct http_server_options){
		.max_body = (size_t)l->body,
		.max_bodies = (size_t)l->bodies,
		.max_header = (size_t)l->header,
		.max_connections = (unsigned)l->connections,
		.read_timeout_msecs = l->read_timeout_msecs,
	};
}

/* All or nothing: -1 leaves everything as it is, and m says why. */
static int reload(void *arg, struct mistakes *m)
{
	struct app *app = arg;
	struct config *wanted;
	struct http_server_options limits;

	if (app->is_stopping) {
		mistake_add(m, &(struct mistake){ 0 }, "the relay is stopping");
		return -1;
	}
	notify_reloading(app->notify);
	wanted = config_load(app->source, m);
	if (wanted == NULL || flow_reload(app->flow, wanted, m) != 0) {
		log_mistakes("reload_refused", m, false);
		config_unref(wanted);
		notify_ready(app->notify);
		return -1;
	}
	config_unref(app->config);
	app->config = wanted;
	set_up_log(app->cli, wanted);
	log_mistakes("config", m, true);
	limits = public_options(&wanted->limits);
	http_server_limit(app->public, &limits);
	LOG(LOG_INFO, "reload", F_STR("file", wanted->path));
	notify_ready(app->notify);
	return 0;
}

static void on_hup(int signo, void *arg)
{
	struct app *app = arg;
	struct mistakes m;

	(void)signo;
	mistakes_init(&m);
	reload(app, &m);
	mistakes_fini(&m);
}

/* ---- building ---- */

static int fail(int code, const struct err *err)
{
	fprintf(stderr, "tieline: %s\n", err->text);
	return code;
}

static int store_exit(enum store_open why)
{
	switch (why) {
	case STORE_OPEN_OK: break;
	case STORE_OPEN_MISSING: return EXIT_MISSING;
	case STORE_OPEN_UNWRITABLE: return EXIT_CANNOT_CREATE;
	case STORE_OPEN_NEWER: return EXIT_NEWER;
	case STORE_OPEN_LOCKED: return EXIT_AGAIN;
	case STORE_OPEN_CORRUPT: return EXIT_INPUT;
	case STORE_OPEN_DISK: return EXIT_DISK;
	}
	return EXIT_FAULT;
}

static int read_config(struct app *app, const struct cli *cli, struct config_source *source)
{
	struct mistakes mistakes;
	struct buf b;
	int code = 0;

	mistakes_init(&mistakes);
	source->path = cli->config;
	app->cli = cli;
	app->source = source;
	app->config = config_load(source, &mistakes);
	if (app->config == NULL) {
		buf_init(&b);
		mistakes_print(&b, &mistakes);
		fputs(b.data, stderr);
		buf_fini(&b);
		code = mistakes.exit;
	} else {
		set_up_log(cli, app->config);
		log_mistakes("config", &mistakes, true);
	}
	mistakes_fini(&mistakes);
	return code;
}

static int open_store(struct app *app)
{
	const struct store_options options = {
		.url = arena_printf(app->arena, "sqlite:%s", app->config->store),
		.mailbox = (int)app->config->limits.mailbox,
		.create = true,
	};
	enum store_open why;
	struct err err;

	app->store = store_open(&options, &why, &err);
	return app->store != NULL ? 0 : fail(store_exit(why), &err);
}

static int build_flow(struct app *app)
{
	const struct http_out_options wire = {
		.ca_file = app->config->ca_file,
		.max_answer = (size_t)app->config->limits.answer,
	};
	struct err err;

	app->wire = http_out_new(app->loop, &wire, &err);
	if (app->wire == NULL)
		return fail(EXIT_CONFIGURATION, &err);
	app->flow = flow_new(app->loop, app->store, app->wire, app->config, &err);
	if (app->flow == NULL)
		return fail(EXIT_CONFIGURATION, &err);
	if (flow_load(app->flow, &err) != 0)
		return fail(EXIT_INPUT, &err);
	app->ingest = ingest_new(app->flow);
	app->pulse = pulse_new(app->flow);
	app->web = (struct web){ .flow = app->flow,
		.ingest = app->ingest,
		.pulse = app->pulse,
		.started_ms = loop_now_ms(app->loop),
		.reload = reload,
		.reload_arg = app,
		.sessions = sessions_new(),
		.checks = checks_new() };
	app->web.alarms = alarm_watch_new(&app->web);
	app->web.history = history_web_new();
	if (alarm_watch_load(app->web.alarms, &err) != 0)
		return fail(EXIT_INPUT, &err);
	app->web.series = series_watch_new(&app->web);
	app->notify = notify_new(&app->web);
	return 0;
}

static int listen_public(struct app *app)
{
	const struct http_server_options options = public_options(&app->config->limits);
	struct err err;
	size_t i;

	app->public = http_server_new(app->loop, &options);
	http_server_route(app->public, web_on_public, &app->web);
	for (i = 0; i < app->config->listen.count; i++)
		if (http_server_listen(app->public, app->config->listen.items[i], &err) != 0)
			return fail(EXIT_UNREACHABLE, &err);
	return 0;
}

static bool is_loopback(struct arena *a, const char *address)
{
	struct url url;

	return url_parse(a, arena_printf(a, "http://%s", address), &url, NULL) == 0
	    && host_is_loopback(url.host);
}

static int listen_admin(struct app *app)
{
	const struct http_server_options options = { .max_connections = 64 };
	const char *path = config_socket(app->config, app->arena);
	struct err err;

	app->admin = http_server_new(app->loop, &options);
	http_server_route(app->admin, web_on_admin, &app->web);
	app->web.is_open = app->config->admin.how == ADMIN_LISTEN_ADDRESS
	    && is_loopback(app->arena, app->config->admin.listen);
	if (app->config->admin.how == ADMIN_LISTEN_ADDRESS
	    && http_server_listen(app->admin, app->config->admin.listen, &err) != 0)
		return fail(EXIT_UNREACHABLE, &err);
	app->socket = http_server_new(app->loop, &options);
	http_server_route(app->socket, web_on_socket, &app->web);
	if (http_server_listen_unix(app->socket, path, 0660, &err) != 0)
		return fail(EXIT_CANNOT_CREATE, &err);
	return 0;
}

static void watch_signals(struct app *app)
{
	signal(SIGPIPE, SIG_IGN);
	app->signals[0] = loop_signal_new(app->loop, SIGTERM, on_stop, app);
	app->signals[1] = loop_signal_new(app->loop, SIGINT, on_stop, app);
	app->signals[2] = loop_signal_new(app->loop, SIGHUP, on_hup, app);
	app->signals[3] = loop_signal_new(app->loop, SIGUSR1, on_usr1, app);
	app->drain = loop_timer_new(app->loop, on_drain, app);
}

static int build(struct app *app, const struct cli *cli, struct config_source *source)
{
	struct err err;
	int code = read_config(app, cli, source);

	if (code != 0)
		return code;
	signal(SIGHUP, SIG_IGN); /* it must not end a start either; watch_signals takes it over */
	LOG(LOG_INFO, "start", F_STR("file", app->config->path));
	app->loop = loop_new();
	if ((code = open_store(app)) != 0 || (code = build_flow(app)) != 0
	    || (code = listen_public(app)) != 0 || (code = listen_admin(app)) != 0)
		return code;
	if (store_start(app->store, app->loop, &err) != 0)
		return fail(EXIT_FAULT, &err);
	watch_signals(app);
	flow_start(app->flow);
	pulse_start(app->pulse);
	alarm_watch_start(app->web.alarms);
	series_watch_start(app->web.series);
	return 0;
}

/* ---- top down ---- */

static void tear_down(struct app *app)
{
	size_t i;

	http_server_free(app->public);
	http_server_free(app->admin);
	http_server_free(app->socket);
	history_web_free(app->web.history);
	for (i = 0; i < sizeof(app->signals) / sizeof(app->signals[0]); i++)
		loop_signal_free(app->signals[i]);
	loop_timer_free(app->drain);
	notify_free(app->notify);
	/* The store first: what it was lent comes back, and finds all that lent it still there. */
	store_close(app->store);
	pulse_free(app->pulse);
	alarm_watch_free(app->web.alarms);
	series_watch_free(app->web.series);
	sessions_free(app->web.sessions);
	checks_free(app->web.checks);
	flow_free(app->flow);
	ingest_free(app->ingest);
	http_out_free(app->wire);
	loop_free(app->loop);
	config_unref(app->config);
	arena_free(app->arena);
}

static int read_options(struct cli *cli, struct config_source *source)
{
	int i, got;

	for (i = 1; i < cli->argc; i++) {
		got = cli_option(cli, &i, "--listen", &source->listen);
		if (got == 0)
			got = cli_option(cli, &i, "--log-level", &source->log_level);
		if (got < 0)
			return EXIT_USAGE_WRONG;
		if (got == 0)
			return cli_unknown(cli, cli->argv[i]);
	}
	return 0;
}

int app_serve(struct cli *cli)
{
	struct app app = { .arena = arena_new() };
	struct config_source source = { 0 };
	int code = read_options(cli, &source);

	mem_set_up();
	umask(0027); /* the store holds what customers wrote: nothing for everybody */
	if (code == 0)
		code = build(&app, cli, &source);
	if (code == 0) {
		LOG(LOG_INFO, "ready");
		notify_ready(app.notify);
		loop_run(app.loop);
		code = app.exit;
	}
	tear_down(&app);
	return code;
}
