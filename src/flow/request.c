/* See request.h. */
#include "flow/request.h"

#include "flow/endpoint.h"

static void end(struct request *r)
{
	r->call = NULL;
	config_unref(r->config);
	r->config = NULL;
}

static void on_response(void *arg, const struct http_resp *resp)
{
	struct request *r = arg;
	struct endpoint *e = r->endpoint;
	const struct via via = endpoint_via(e);
	struct outcome o = { .effect = { .kind = EFFECT_RETRY, .wait_msecs = -1 } };

	e->connector->interpret(&via, r->arena, &r->job, resp, &o);
	endpoint_answered(e, r->job.step, &o, resp);
	end(r);
	r->done(r->arg, &o);
	gate_wake(e);
}

bool request_send(struct request *r, struct endpoint *e, struct arena *a, const struct job *job)
{
	const struct via via = endpoint_via(e);

	r->endpoint = e;
	r->arena = a;
	r->job = *job;
	r->req = (struct http_req){ 0 };
	r->config = config_ref(e->flow->config);
	e->connector->build(&via, a, &r->job, &r->req);
	if (r->req.url == NULL) {
		gate_leave(&e->gate);
		end(r);
		return false;
	}
	r->call = http_out_start(e->flow->wire, &r->req, on_response, r);
	return true;
}

void request_cancel(struct request *r)
{
	if (r->call == NULL)
		return;
	http_out_cancel(r->call);
	gate_leave(&r->endpoint->gate);
	end(r);
}
