/* See fake_wire.h. */
#include "fake_wire.h"

#include <stdlib.h>
#include <string.h>

#include "base/loop.h"
#include "base/mem.h"
#include "net/http_out.h"

struct sent_list fake_sent = TAILQ_HEAD_INITIALIZER(fake_sent);

struct http_out {
	struct loop *loop;
	size_t busy;
};

struct http_call {
	struct http_out *out;
	struct sent *sent;
	struct loop_timer *timer;
	void (*done)(void *arg, const struct http_resp *resp);
	void *arg;
};

struct http_out *http_out_new(struct loop *l, const struct http_out_options *options,
    struct err *err)
{
	struct http_out *o = xcalloc(1, sizeof(*o));

	(void)options, (void)err;
	o->loop = l;
	return o;
}

static void call_free(struct http_call *c)
{
	c->sent->call = NULL;
	c->out->busy--;
	loop_timer_free(c->timer);
	xfree(c);
}

void http_out_free(struct http_out *o)
{
	struct sent *s;

	if (o == NULL)
		return;
	TAILQ_FOREACH(s, &fake_sent, list)
		if (s->call != NULL)
			call_free(s->call);
	xfree(o);
}

static void finish(struct http_call *c, const struct http_resp *resp)
{
	void (*done)(void *arg, const struct http_resp *resp) = c->done;
	void *arg = c->arg;

	call_free(c);
	done(arg, resp);
}

static void on_timeout(void *arg)
{
	finish(arg,
	    &(struct http_resp){ .transport = TRANSPORT_TIMEOUT,
		.sent = true,
		.body = "",
		.retry_after_msecs = -1,
		.detail = "timed out" });
}

static char *copy(const char *s)
{
	return s != NULL ? strdup(s) : NULL;
}

struct http_call *http_out_start(struct http_out *o, const struct http_req *req,
    void (*done)(void *arg, const struct http_resp *resp), void *arg)
{
	struct http_call *c = xcalloc(1, sizeof(*c));
	struct sent *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	s->call = c;
	s->method = copy(req->method);
	s->url = copy(req->url);
	s->body = req->body != NULL ? strndup(req->body, req->body_len) : copy("");
	s->auth = copy(req->nheaders > 0 ? req->headers[0].value : "");
	s->at_ms = loop_now_ms(o->loop);
	TAILQ_INSERT_TAIL(&fake_sent, s, list);
	c->out = o;
	c->sent = s;
	c->done = done;
	c->arg = arg;
	c->timer = loop_timer_new(o->loop, on_timeout, c);
	loop_timer_set(c->timer, req->timeout_msecs > 0 ? req->timeout_msecs : 30000);
	o->busy++;
	return c;
}

void http_out_cancel(struct http_call *call)
{
	call_free(call);
}

size_t http_out_busy(const struct http_out *o)
{
	return o->busy;
}

/* ---- the test's side ---- */

struct sent *wire_waiting(void)
{
	struct sent *s;

	TAILQ_FOREACH(s, &fake_sent, list)
		if (s->call != NULL)
			return s;
	return NULL;
}

void wire_answer(struct sent *s, const struct http_resp *resp)
{
	if (s->call != NULL)
		finish(s->call, resp);
}

void wire_kill(void)
{
	struct sent *s;

	TAILQ_FOREACH(s, &fake_sent, list)
		s->call = NULL;
}

void wire_forget(struct sent *s)
{
	TAILQ_REMOVE(&fake_sent, s, list);
	free(s->method);
	free(s->url);
	free(s->body);
	free(s->auth);
	free(s->answer);
	free(s);
}

void wire_clear(void)
{
	struct sent *s;

	while ((s = TAILQ_FIRST(&fake_sent)) != NULL)
		wire_forget(s);
}
