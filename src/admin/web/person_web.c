/* See person_web.h. It is answered when all is done. */
#include "admin/web/person_web.h"

#include <string.h>

#include "admin/person_doc.h"
#include "admin/web/api.h"
#include "admin/web/web.h"
#include "base/arena.h"
#include "base/log.h"
#include "config/config.h"
#include "flow/media/media.h"
#include "flow/person.h"

struct asked {
	struct api_call *api;
	struct person_job job;
};

/* True: it came to nothing, and that is answered. */
static bool has_failed(struct asked *q)
{
	const struct person_job *j = &q->job;

	if (j->is_failed)
		api_problem(q->api, API_STORE, j->err.text, "see tieline status");
	else if (j->found.npersons == 0)
		api_problem(q->api, API_NOT_FOUND, "nobody is known by that", NULL);
	else if (j->is_busy)
		api_problem(q->api, API_CONFLICT,
		    "messages to or from them are on their way, or in doubt",
		    "again in a while; where a platform is down: stop the relay and erase on its store");
	return j->is_failed || j->found.npersons == 0 || j->is_busy;
}

static void on_exported(struct person_job *j)
{
	struct asked *q = j->arg;
	const struct flow *f = q->api->web->flow;
	const char *body;
	size_t len;

	if (has_failed(q))
		return;
	body = person_export_doc(q->api->arena, f->config, j, q->api->name, loop_now_ms(f->loop),
	    &len);
	api_reply(q->api, 200, body, len);
}

static void on_erased(struct person_job *j)
{
	struct asked *q = j->arg;
	const char *body;
	size_t len;

	if (has_failed(q))
		return;
	if (!j->is_dry)
		LOG(LOG_INFO, "erased", F_INT("count", j->counts.messages),
		    F_STR("who", q->api->who));
	body = person_receipt_doc(q->api->arena, j, loop_now_ms(q->api->web->flow->loop), &len);
	api_reply(q->api, 200, body, len);
}

static void start(struct api_call *c, enum person_task task, bool is_dry,
    void (*done)(struct person_job *j))
{
	struct asked *q = ARENA_NEW(c->arena, struct asked);
	struct flow *f = c->web->flow;

	q->api = c;
	q->job = (struct person_job){ .task = task,
		.is_dry = is_dry,
		.folder = media_folder(c->arena, f->config->store),
		.arena = c->arena,
		.done = done,
		.arg = q };
	if (person_who(c->arena, f->config, c->name, &q->job.who))
		person_start(f, &q->job);
	else
		api_problem(c, API_INVALID,
		    "who: an e-mail address, a +phone number or endpoint:id", NULL);
}

void person_web_export(struct api_call *c)
{
	start(c, PERSON_EXPORT, false, on_exported);
}

void person_web_erase(struct api_call *c)
{
	const char *dry = api_query(c, "dry_run");

	start(c, PERSON_ERASE, dry != NULL && strcmp(dry, "true") == 0, on_erased);
}
