/* See control_web.h. A word is answered when it is on disk. */
#include "admin/control_web.h"

#include <string.h>

#include "admin/api.h"
#include "admin/web.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/json_out.h"
#include "base/mistakes.h"
#include "flow/control.h"
#include "flow/endpoint.h"
#include "net/http_in.h"

/* ---- a person's word ---- */

struct said {
	struct api_call *api;
	const char *state;
};

static void on_kept(void *arg)
{
	struct said *s = arg;
	struct json_out *o = json_out_new(s->api->arena);
	const char *body;
	size_t len;

	json_begin_object(o);
	json_member_text(o, "name", s->api->name);
	json_member_text(o, "state", s->state);
	json_end_object(o);
	body = json_done(o, &len);
	api_reply(s->api, 200, body, len);
}

static struct said *said_new(struct api_call *c)
{
	struct said *s = ARENA_NEW(c->arena, struct said);

	s->api = c;
	return s;
}

static void say_endpoint(struct api_call *c, enum control to)
{
	struct flow *f = c->web->flow;
	const struct endpoint_conf *conf = config_endpoint(f->config, c->name);
	struct endpoint *e = conf != NULL ? endpoint_find(f, conf->id) : NULL;
	struct said *s = said_new(c);

	if (e == NULL) {
		api_problem(c, API_NOT_FOUND, "there is no endpoint of that name", NULL);
		return;
	}
	s->state = to != CONTROL_RUN ? control_word(to) : endpoint_state_word(e->state);
	control_endpoint(f, e, to, on_kept, s);
}

static void say_bridge(struct api_call *c, enum control to)
{
	struct flow *f = c->web->flow;
	struct bridge_conf *b = config_bridge(f->config, c->name);
	struct said *s = said_new(c);

	if (b == NULL) {
		api_problem(c, API_NOT_FOUND, "there is no bridge of that name", NULL);
		return;
	}
	s->state = to != CONTROL_RUN ? control_word(to) : "ok";
	control_bridge(f, b, to, on_kept, s);
}

void control_web_pause_endpoint(struct api_call *c)
{
	say_endpoint(c, CONTROL_PAUSED);
}

void control_web_resume_endpoint(struct api_call *c)
{
	say_endpoint(c, CONTROL_RUN);
}

void control_web_drain_endpoint(struct api_call *c)
{
	say_endpoint(c, CONTROL_DRAINING);
}

void control_web_pause_bridge(struct api_call *c)
{
	say_bridge(c, CONTROL_PAUSED);
}

void control_web_resume_bridge(struct api_call *c)
{
	say_bridge(c, CONTROL_RUN);
}

void control_web_drain_bridge(struct api_call *c)
{
	say_bridge(c, CONTROL_DRAINING);
}

/* ---- the configuration ---- */

static const char *words_of(struct arena *a, const struct mistakes *m)
{
	const char *all = "";
	struct buf b;
	size_t i;

	buf_init(&b);
	for (i = 0; i < m->all; i++) {
		if (m->items[i].warning)
			continue;
		buf_clear(&b);
		mistake_print(&b, m, &m->items[i]);
		all = arena_printf(a, "%s%s%s", all, *all != '\0' ? "\n" : "", b.data);
	}
	buf_fini(&b);
	return all;
}

void control_web_reload(struct api_call *c)
{
	static const char ok[] = "{\"status\":\"ok\"}";
	struct mistakes m;

	mistakes_init(&m);
	if (c->web->reload(c->web->reload_arg, &m) == 0)
		api_reply(c, 200, ok, sizeof(ok) - 1);
	else
		api_problem(c, API_CONFIGURATION, words_of(c->arena, &m),
		    "mend it and reload again; the running configuration stays");
	mistakes_fini(&m);
}
