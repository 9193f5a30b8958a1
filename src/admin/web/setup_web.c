/* See setup_web.h. */
#include "admin/web/setup_web.h"

#include <string.h>

#include "admin/web/api.h"
#include "admin/web/web.h"
#include "base/arena.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "flow/endpoint.h"
#include "flow/kept.h"

static const char *const holds_secrets = "this holds secrets";

void setup_web_show(struct api_call *c)
{
	const struct flow *f = c->web->flow;
	struct json_out *o = json_out_new(c->arena);
	const struct endpoint *e;
	const char *body;
	size_t i, j, len;

	if (!api_is_socket(c, holds_secrets))
		return;
	json_begin_object(o);
	for (i = 0; i < f->nendpoints; i++) {
		e = &f->endpoints[i];
		json_key(o, e->conf.name);
		json_begin_object(o);
		json_member_int(o, "heard_ms", e->stats.last_hook_ms);
		json_member_text(o, "hook_key", e->conf.hook_key.v[0]);
		json_key(o, "kept");
		json_begin_object(o);
		for (j = 0; j < e->nmemo; j++)
			if (kept_is(e->memo[j].key))
				json_member_text(o, e->memo[j].key, e->memo[j].value);
		json_end_object(o);
		json_end_object(o);
	}
	json_end_object(o);
	body = json_done(o, &len);
	api_reply(c, 200, body, len);
}

void setup_web_keep(struct api_call *c)
{
	static const char ok[] = "{\"status\":\"ok\"}";
	struct flow *f = c->web->flow;
	const struct endpoint_conf *conf = config_endpoint(f->config, c->name);
	struct endpoint *e = conf != NULL ? endpoint_find(f, conf->id) : NULL;
	const struct json *body, *j;
	struct memo memo[SETUP_KEEPS];
	size_t n = 0;

	if (!api_is_socket(c, holds_secrets))
		return;
	if (e == NULL) {
		api_problem(c, API_NOT_FOUND, "there is no endpoint of that name", NULL);
		return;
	}
	body = api_body(c);
	if (body == NULL)
		return;
	for (j = body->child; j != NULL && n < SETUP_KEEPS; j = j->next)
		if (j->type == JSON_STRING && kept_is(j->key))
			memo[n++] = (struct memo){ j->key, j->text, true };
	endpoint_learn(e, memo, n);
	endpoint_try_now(e);
	api_reply(c, 200, ok, sizeof(ok) - 1);
}
