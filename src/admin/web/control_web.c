/* See control_web.h. A word is answered when it is on disk. */
#include "admin/web/control_web.h"

#include <string.h>

#include "admin/web/api.h"
#include "admin/web/places_web.h"
#include "admin/web/web.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/mistakes.h"
#include "flow/control.h"
#include "flow/endpoint.h"
#include "net/http_in.h"

/* ---- a person's word ---- */

static void on_endpoint_kept(void *arg)
{
	places_web_endpoint(arg);
}

static void on_bridge_kept(void *arg)
{
	places_web_bridge(arg);
}

static void say_endpoint(struct api_call *c, enum control to)
{
	struct flow *f = c->web->flow;
	const struct endpoint_conf *conf = config_endpoint(f->config, c->name);
	struct endpoint *e = conf != NULL ? endpoint_find(f, conf->id) : NULL;

	if (e == NULL)
		api_problem(c, API_NOT_FOUND, "there is no endpoint of that name", NULL);
	else
		control_endpoint(f, e, to, on_endpoint_kept, c);
}

static void say_bridge(struct api_call *c, enum control to)
{
	struct flow *f = c->web->flow;
	struct bridge_conf *b = config_bridge(f->config, c->name);

	if (b == NULL)
		api_problem(c, API_NOT_FOUND, "there is no bridge of that name", NULL);
	else
		control_bridge(f, b, to, on_bridge_kept, c);
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
		api_mistakes(c, &m, words_of(c->arena, &m),
		    "mend it and reload again; the running configuration stays");
	mistakes_fini(&m);
}
