/* Requests we receive, on evhttp (libevent 2.1). A connection's life:
 *
 *   accepted ─▶ READING ─whole─▶ HELD ─http_reply─▶ WRITING ─▶ IDLE ─first byte─▶ READING …
 *
 * evhttp reads and writes; beside it stands, for each of its connections, a struct conn of ours, since
 * evhttp 2.1 by itself
 * - tells nobody of a request before its body is in memory: the bytes are counted as they come in
 *   (on_input), so that max_bodies holds whatever is sent to any path;
 * - has a time limit between two bytes, none for a whole request: on_sweep looks at since_ms;
 * - forgets a request whose connection ends, or leaves it with its holder, depending on how it ends:
 *   on_close sorts that out. While a call is HELD nothing is read, so mostly nobody notices that the
 *   peer has left before the answer is written; http_server_free, and the failing of a 100 Continue
 *   that was still to be written, end such a connection earlier.
 *
 * What the handler sees is copied into the call's arena: one copy of a body, which has to become one
 * piece with a NUL behind it anyway, against a life that depends on evhttp's in no way. */
#include "net/http_in.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/loop.h"
#include "base/mem.h"
#include "net/bind.h"

#define IDLE_ARENAS 64
#define MAX_LISTENERS 16
#define BACKLOG 511
#define ACCEPT_PAUSE_MSECS 100
/* evhttp's own limits lie this far above ours: what is between gets an answer of ours, what is above
 * the library's bare 413 or 400. */
#define HEADER_SLACK (64 * 1024)
#define BODY_SLACK(max_body) (max_body)

enum conn_state { CONN_IDLE, CONN_READING, CONN_HELD, CONN_WRITING };

struct conn {
	struct http_server *server;
	TAILQ_ENTRY(conn) link;
	bool newborn; /* evhttp has not told us its own object yet */
	struct bufferevent *bev;
	struct evbuffer_cb_entry *input;
	struct evhttp_connection *evcon;
	evutil_socket_t fd;
	struct http_in_call *call; /* while HELD */
	enum conn_state state;
	int64_t since_ms; /* in this state, clock_mono_ms; WRITING: since bytes last left */
	size_t received;  /* bytes of the request that is being read */
	size_t unsent;    /* bytes of the answer, when last looked at */
	bool too_much;    /* its bytes went beyond max_bodies */
	bool doomed;      /* closed once the answer is written */
};

TAILQ_HEAD(conn_list, conn);

struct http_in_call {               /* lives in its own arena */
	struct http_server *server; /* NULL: gone */
	struct conn *conn;          /* NULL: gone */
	struct evhttp_request *req;
	TAILQ_ENTRY(http_in_call) link;
	struct arena *arena;
	struct http_in http;
	size_t weight; /* bytes counted against max_bodies */
	bool last;     /* the connection cannot be used after it */
};

TAILQ_HEAD(call_list, http_in_call);

struct listener {
	struct evhttp_bound_socket *bound;
	char *unix_path;
};

struct http_server {
	TAILQ_ENTRY(http_server) link;
	struct loop *loop;
	struct http_server_options options;
	struct evhttp *evhttp;
	void (*on_request)(struct http_in_call *call, void *arg);
	void *arg;
	struct listener listeners[MAX_LISTENERS];
	size_t nlisteners;
	unsigned port;
	bool paused; /* nobody is accepted for the moment */
	bool draining;
	struct conn_list conns, newborn;
	size_t nconns;
	struct conn **by_fd;
	size_t by_fd_size;
	struct call_list calls;
	size_t ncalls;
	size_t received, held; /* bytes of requests being read, of bodies in calls */
	struct arena *arenas[IDLE_ARENAS];
	size_t narenas;
	struct loop_later *later;
	struct loop_timer *sweep;
};

/* All there are: only for on_accept_error, which is told of evhttp's object, not of ours. */
static TAILQ_HEAD(, http_server) servers = TAILQ_HEAD_INITIALIZER(servers);

/* Accepting. Above max_connections nobody is accepted until one ends: in the kernel's queue a callback
 * waits, while one that is accepted and closed is lost with platforms that never repeat. */

static void set_accepting(struct http_server *s, bool wanted)
{
	size_t i;

	if (s->draining || wanted == !s->paused)
		return;
	s->paused = !wanted;
	for (i = 0; i < s->nlisteners; i++) {
		struct evconnlistener *l = evhttp_bound_socket_get_listener(s->listeners[i].bound);

		if (wanted)
			evconnlistener_enable(l);
		else
			evconnlistener_disable(l);
	}
}

/* Out of file descriptors, most likely: without a pause the loop would try again at once, for ever.
 * The argument is evhttp's, as for its own callback on that listener. */
static void on_accept_error(struct evconnlistener *l, void *arg)
{
	struct http_server *s;

	(void)l;
	TAILQ_FOREACH(s, &servers, link)
		if (s->evhttp == arg)
			break;
	assert(s != NULL);
	set_accepting(s, false);
	if (!loop_timer_pending(s->sweep))
		loop_timer_set(s->sweep, ACCEPT_PAUSE_MSECS);
}

/* Connections. */

static void count_received(struct conn *c, size_t received)
{
	c->server->received += received - c->received;
	c->received = received;
}

static void move(struct conn *c, enum conn_state to)
{
	c->state = to;
	c->since_ms = clock_mono_ms();
}

/* Runs inside bufferevents and evhttp, so it only counts. */
static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg)
{
	struct conn *c = arg;
	struct http_server *s = c->server;

	(void)input;
	if (info->n_added == 0)
		return;
	if (c->state == CONN_IDLE)
		move(c, CONN_READING);
	count_received(c, c->received + info->n_added);
	if (s->received + s->held > s->options.max_bodies && !c->too_much) {
		c->too_much = true;
		loop_later(s->later);
	}
}

static struct bufferevent *on_new_connection(struct event_base *base, void *arg)
{
	struct http_server *s = arg;
	struct conn *c = xcalloc(1, sizeof(*c));

	c->server = s;
	c->newborn = true;
	c->bev = bufferevent_socket_new(base, -1, 0);
	if (c->bev == NULL)
		abort();
	bufferevent_incref(c->bev);
	c->input = evbuffer_add_cb(bufferevent_get_input(c->bev), on_input, c);
	move(c, CONN_READING); /* the time limit counts from here */
	TAILQ_INSERT_TAIL(&s->newborn, c, link);
	if (++s->nconns >= s->options.max_connections)
		set_accepting(s, false);
	if (!loop_timer_pending(s->sweep))
		loop_timer_set(s->sweep, 0);
	loop_later(s->later);
	return c->bev;
}

static void conn_free(struct conn *c)
{
	struct http_server *s = c->server;

	count_received(c, 0);
	evbuffer_remove_cb_entry(bufferevent_get_input(c->bev), c->input);
	if (c->newborn) {
		TAILQ_REMOVE(&s->newborn, c, link);
		bufferevent_decref(c->bev);
	} else {
		TAILQ_REMOVE(&s->conns, c, link);
		s->by_fd[c->fd] = NULL;
	}
	s->nconns--;
	xfree(c);
	if (s->nconns < s->options.max_connections)
		set_accepting(s, true);
}

/* evhttp is about to free its connection. Of a call that is still held, it has either taken the
 * request off before (then that is ours to free), or frees it together with the connection. */
static void on_close(struct evhttp_connection *evcon, void *arg)
{
	struct conn *c = arg;
	struct http_in_call *call = c->call;

	(void)evcon;
	if (call != NULL) {
		if (evhttp_request_get_connection(call->req) == NULL)
			evhttp_request_free(call->req);
		call->req = NULL;
		call->conn = NULL;
	}
	conn_free(c);
}

static void remember_fd(struct conn *c)
{
	struct http_server *s = c->server;
	size_t size = s->by_fd_size, fd;

	c->fd = bufferevent_getfd(c->bev);
	fd = (size_t)c->fd;
	if (fd >= size) {
		while (fd >= size)
			size = size == 0 ? 64 : size * 2;
		s->by_fd = xreallocarray(s->by_fd, size, sizeof(*s->by_fd));
		memset(s->by_fd + s->by_fd_size, 0, (size - s->by_fd_size) * sizeof(*s->by_fd));
		s->by_fd_size = size;
	}
	s->by_fd[fd] = c;
}

/* Right after accepting: evhttp's own object is found as the argument of the callbacks that it has
 * set on the bufferevent we made; none are set where evhttp has given up on it meanwhile. */
static void adopt_newborn(struct http_server *s)
{
	struct conn *c;

	while ((c = TAILQ_FIRST(&s->newborn)) != NULL) {
		bufferevent_event_cb on_event;
		void *evcon;

		bufferevent_getcb(c->bev, NULL, NULL, &on_event, &evcon);
		if (on_event == NULL) {
			conn_free(c);
			continue;
		}
		c->evcon = evcon;
		remember_fd(c);
		TAILQ_REMOVE(&s->newborn, c, link);
		TAILQ_INSERT_TAIL(&s->conns, c, link);
		c->newborn = false;
		bufferevent_decref(c->bev);
		evhttp_connection_set_closecb(c->evcon, on_close, c);
	}
}

/* Ends a connection whose request is not whole, with an answer where the socket takes it at once. The
 * peer may not see it: what it still sends makes the kernel reset the connection. */
static void cut(struct conn *c, const char *status, const char *word)
{
	char text[300];
	int len;

	if (c->state == CONN_READING && c->received > 0) {
		len = snprintf(text, sizeof(text),
		    "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
		    "%sConnection: close\r\n\r\n{\"error\":\"%s\"}",
		    status, strlen(word) + 12,
		    strcmp(word, "busy") == 0 ? "Retry-After: 1\r\n" : "", word);
		/* Where it has left, so be it. */
		(void)!send(c->fd, text, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	evhttp_connection_free(c->evcon);
}

/* End of a turn in which somebody came, or came with too much, or was answered for the last time. */
static void on_later(void *arg)
{
	struct http_server *s = arg;
	struct conn *c, *next;

	adopt_newborn(s);
	for (c = TAILQ_FIRST(&s->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->doomed && c->state != CONN_WRITING)
			evhttp_connection_free(c->evcon);
		else if (c->too_much && c->state != CONN_HELD)
			cut(c, "503 Service Unavailable", "busy");
	}
}

static void look_at(struct conn *c, int64_t now_ms)
{
	const struct http_server_options *o = &c->server->options;
	size_t unsent;

	switch (c->state) {
	case CONN_IDLE:
		if (now_ms - c->since_ms >= o->idle_msecs)
			cut(c, "", "");
		break;
	case CONN_READING:
		if (now_ms - c->since_ms >= o->read_timeout_msecs)
			cut(c, "408 Request Timeout", "timeout");
		break;
	case CONN_WRITING:
		unsent = evbuffer_get_length(bufferevent_get_output(c->bev));
		if (unsent != c->unsent) {
			c->unsent = unsent;
			c->since_ms = now_ms;
		} else if (now_ms - c->since_ms >= o->read_timeout_msecs) {
			cut(c, "", "");
		}
		break;
	case CONN_HELD: break; /* the handler's time, not the peer's */
	}
}

static void on_sweep(void *arg)
{
	struct http_server *s = arg;
	int64_t now_ms = clock_mono_ms(), wait_msecs = s->options.read_timeout_msecs / 8;
	struct conn *c, *next;

	for (c = TAILQ_FIRST(&s->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		look_at(c, now_ms);
	}
	if (s->nconns < s->options.max_connections)
		set_accepting(s, true);
	wait_msecs = wait_msecs < 10 ? 10 : wait_msecs > 1000 ? 1000 : wait_msecs;
	if (s->nconns > 0 || s->paused)
		loop_timer_set(s->sweep, wait_msecs);
}

/* A request. */

static const char *method_name(enum evhttp_cmd_type type)
{
	switch ((int)type) {
	case EVHTTP_REQ_GET: return "GET";
	case EVHTTP_REQ_POST: return "POST";
	case EVHTTP_REQ_HEAD: return "HEAD";
	case EVHTTP_REQ_PUT: return "PUT";
	case EVHTTP_REQ_DELETE: return "DELETE";
	case EVHTTP_REQ_OPTIONS: return "OPTIONS";
	case EVHTTP_REQ_TRACE: return "TRACE";
	case EVHTTP_REQ_CONNECT: return "CONNECT";
	case EVHTTP_REQ_PATCH: return "PATCH";
	}
	return "OTHER";
}

/* Of these evhttp reads no body, so that one would be taken for the next request. */
static bool may_be_followed(enum evhttp_cmd_type type)
{
	switch ((int)type) {
	case EVHTTP_REQ_GET:
	case EVHTTP_REQ_POST:
	case EVHTTP_REQ_PUT:
	case EVHTTP_REQ_DELETE:
	case EVHTTP_REQ_OPTIONS:
	case EVHTTP_REQ_PATCH: return true;
	}
	return false;
}

static struct http_in_call *call_new(struct http_server *s, struct conn *c,
    struct evhttp_request *req)
{
	struct arena *a = s->narenas > 0 ? s->arenas[--s->narenas] : arena_new();
	struct http_in_call *call = ARENA_NEW(a, struct http_in_call);

	call->server = s;
	call->conn = c;
	call->req = req;
	call->arena = a;
	c->call = call;
	TAILQ_INSERT_TAIL(&s->calls, call, link);
	s->ncalls++;
	return call;
}

static void call_free(struct http_in_call *call)
{
	struct http_server *s = call->server;
	struct arena *a = call->arena;

	if (s == NULL) {
		arena_free(a);
		return;
	}
	TAILQ_REMOVE(&s->calls, call, link);
	s->ncalls--;
	s->held -= call->weight;
	arena_reset(a);
	if (s->narenas < IDLE_ARENAS)
		s->arenas[s->narenas++] = a;
	else
		arena_free(a);
}

static void copy_address(struct http_in_call *call)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(call->req);
	const char *path = evhttp_uri_get_path(uri);
	const struct sockaddr *from = evhttp_connection_get_addr(call->conn->evcon);
	struct ucred who = { 0 };
	socklen_t who_len = sizeof(who);
	char *peer;
	ev_uint16_t port;

	call->http.path = path == NULL ? "" : arena_strdup(call->arena, path);
	call->http.query = arena_strdup(call->arena, evhttp_uri_get_query(uri));
	if (from->sa_family == AF_UNIX) {
		getsockopt(call->conn->fd, SOL_SOCKET, SO_PEERCRED, &who, &who_len);
		call->http.peer = arena_printf(call->arena, "uid %u", (unsigned)who.uid);
		return;
	}
	evhttp_connection_get_peer(call->conn->evcon, &peer, &port);
	call->http.peer = arena_strdup(call->arena, peer);
}

/* Returns the bytes that request line and headers took, about. */
static size_t copy_headers(struct http_in_call *call)
{
	struct evkeyvalq *from = evhttp_request_get_input_headers(call->req);
	struct http_header *to;
	struct evkeyval *h;
	size_t count = 0, size = strlen(evhttp_request_get_uri(call->req)) + 16;

	TAILQ_FOREACH(h, from, next)
		count++;
	to = arena_alloc(call->arena, (count + 1) * sizeof(*to));
	call->http.headers = to;
	call->http.nheaders = count;
	TAILQ_FOREACH(h, from, next) {
		size_t name_len = strlen(h->key), value_len = strlen(h->value);

		*to++ = (struct http_header){
			.name = arena_memdup(call->arena, h->key, name_len),
			.value = arena_memdup(call->arena, h->value, value_len),
		};
		size += name_len + value_len + 4;
	}
	return size;
}

static void copy_body(struct http_in_call *call)
{
	struct evbuffer *from = evhttp_request_get_input_buffer(call->req);
	size_t len = evbuffer_get_length(from);
	char *to;

	call->http.body = "";
	if (len == 0)
		return;
	to = arena_alloc(call->arena, len + 1);
	evbuffer_remove(from, to, len);
	to[len] = '\0';
	call->http.body = to;
	call->http.body_len = len;
}

/* Two ways to say where a body ends, or one we do not know: somebody in between may see another
 * request than we do. */
static bool body_end_is_unsure(const struct http_in *in)
{
	size_t i, said = 0;

	for (i = 0; i < in->nheaders; i++) {
		if (strcasecmp(in->headers[i].name, "Content-Length") == 0)
			said++;
		else if (strcasecmp(in->headers[i].name, "Transfer-Encoding") == 0)
			said += strcasecmp(in->headers[i].value, "chunked") == 0 ? 1 : 2;
	}
	return said > 1;
}

static void on_whole_request(struct evhttp_request *req, void *arg)
{
	struct http_server *s = arg;
	struct evhttp_connection *evcon = evhttp_request_get_connection(req);
	struct bufferevent *bev = evhttp_connection_get_bufferevent(evcon);
	struct conn *c = s->by_fd[bufferevent_getfd(bev)];
	struct http_in_call *call = call_new(s, c, req);
	enum evhttp_cmd_type type = evhttp_request_get_command(req);
	size_t head_len;

	move(c, CONN_HELD);
	c->too_much = false;
	call->http.method = method_name(type);
	call->http.received_ms = loop_now_ms(s->loop);
	copy_address(call);
	head_len = copy_headers(call);
	copy_body(call);
	call->weight = call->http.body_len;
	s->held += call->weight;
	count_received(c, evbuffer_get_length(bufferevent_get_input(bev)));
	call->last = !may_be_followed(type);
	if (body_end_is_unsure(&call->http)) {
		call->last = true;
		http_reply(call, 400, NULL, 0, NULL, NULL, 0);
	} else if (head_len > s->options.max_header) {
		http_refuse(call, 431, "header_too_large", 0, NULL);
	} else if (call->http.body_len > s->options.max_body) {
		http_refuse(call, 413, "too_large", 0, NULL);
	} else if (s->held + s->received > s->options.max_bodies) {
		http_refuse(call, 503, "busy", 1, NULL);
	} else if (s->on_request == NULL) {
		http_refuse(call, 404, "not_found", 0, NULL);
	} else {
		s->on_request(call, s->arg);
	}
}

/* An answer. */

static void on_written(struct evhttp_request *req, void *arg)
{
	struct conn *c = arg;

	(void)req;
	move(c, c->received > 0 ? CONN_READING : CONN_IDLE);
	if (c->doomed)
		loop_later(c->server->later);
}

/* Those that libevent 2.1 has no words for. */
static const char *reason_of(int status)
{
	switch (status) {
	case 413: return "Content Too Large";
	case 422: return "Unprocessable Content";
	case 429: return "Too Many Requests";
	case 431: return "Request Header Fields Too Large";
	}
	return NULL;
}

static bool has_no_body(const struct http_in_call *call, int status)
{
	return status == 204 || status == 304 || strcmp(call->http.method, "HEAD") == 0;
}

/* The body is in the output buffer already. */
static void reply(struct http_in_call *call, int status, const struct http_header *extra,
    size_t nextra, const char *content_type, size_t body_len)
{
	struct conn *c = call->conn;
	struct evhttp_request *req = call->req;
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
	char len[24];
	size_t i;

	if (content_type != NULL)
		evhttp_add_header(headers, "Content-Type", content_type);
	for (i = 0; i < nextra; i++)
		evhttp_add_header(headers, extra[i].name, extra[i].value);
	if (has_no_body(call, status) && content_type != NULL) {
		snprintf(len, sizeof(len), "%zu", body_len);
		evhttp_add_header(headers, "Content-Length", len);
	}
	c->doomed = call->last || c->server->draining;
	if (c->doomed)
		evhttp_add_header(headers, "Connection", "close");
	c->call = NULL;
	c->unsent = 0;
	move(c, CONN_WRITING);
	evhttp_request_set_on_complete_cb(req, on_written, c);
	call_free(call);
	evhttp_send_reply(req, status, reason_of(status), NULL);
}

void http_reply(struct http_in_call *call, int status, const struct http_header *extra,
    size_t nextra, const char *content_type, const void *body, size_t body_len)
{
	if (call->conn == NULL) { /* the peer has gone */
		call_free(call);
		return;
	}
	if (!has_no_body(call, status) && body_len > 0)
		evbuffer_add(evhttp_request_get_output_buffer(call->req), body, body_len);
	reply(call, status, extra, nextra, content_type, body_len);
}

void http_reply_file(struct http_in_call *call, int status, const struct http_header *extra,
    size_t nextra, const char *content_type, int fd, int64_t from, int64_t len)
{
	struct evbuffer *out;

	if (call->conn == NULL) {
		close(fd);
		call_free(call);
		return;
	}
	out = evhttp_request_get_output_buffer(call->req);
	/* Else the whole file would be mapped. All there is ends in the socket's own buffer. */
	evbuffer_set_flags(out, EVBUFFER_FLAG_DRAINS_TO_FD);
	if (has_no_body(call, status) || len == 0)
		close(fd);
	else if (evbuffer_add_file(out, fd, from, len) != 0)
		close(fd);
	reply(call, status, extra, nextra, content_type, (size_t)len);
}

void http_refuse(struct http_in_call *call, int status, const char *word, int retry_after_secs,
    const char *allow)
{
	struct http_header extra[2];
	char seconds[16], body[100];
	size_t n = 0;
	int len = snprintf(body, sizeof(body), "{\"error\":\"%s\"}", word);

	if (retry_after_secs > 0) {
		snprintf(seconds, sizeof(seconds), "%d", retry_after_secs);
		extra[n++] = (struct http_header){ .name = "Retry-After", .value = seconds };
	}
	if (allow != NULL)
		extra[n++] = (struct http_header){ .name = "Allow", .value = allow };
	http_reply(call, status, extra, n, "application/json", body, (size_t)len);
}

const struct http_in *http_in_call_request(const struct http_in_call *call)
{
	return &call->http;
}

bool http_in_call_is_gone(const struct http_in_call *call)
{
	return call->conn == NULL;
}

struct arena *http_in_call_arena(struct http_in_call *call)
{
	return call->arena;
}

/* Listening. */

static int add_listener(struct http_server *s, int fd, const char *unix_path, struct err *err)
{
	struct evconnlistener *l;
	struct listener *slot;

	if (s->nlisteners == MAX_LISTENERS)
		return err_set(err, "more than %d addresses", MAX_LISTENERS);
	if (listen(fd, BACKLOG) != 0)
		return err_set(err, "%s", strerror(errno));
	l = evconnlistener_new(loop_base(s->loop), NULL, NULL,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (l == NULL)
		abort();
	slot = &s->listeners[s->nlisteners++];
	slot->unix_path = xstrdup(unix_path);
	slot->bound = evhttp_bind_listener(s->evhttp, l);
	if (slot->bound == NULL)
		abort();
	evconnlistener_set_error_cb(l, on_accept_error);
	return 0;
}

int http_server_listen(struct http_server *s, const char *address, struct err *err)
{
	int fd = bind_tcp(address, err);

	if (fd < 0)
		return err_wrap(err, "listen %s", address);
	if (add_listener(s, fd, NULL, err) != 0) {
		close(fd);
		return err_wrap(err, "listen %s", address);
	}
	if (s->port == 0)
		s->port = bound_port(fd);
	return 0;
}

int http_server_listen_unix(struct http_server *s, const char *path, unsigned mode, struct err *err)
{
	int fd = bind_unix(path, mode, err);

	if (fd < 0)
		return err_wrap(err, "socket %s", path);
	if (add_listener(s, fd, path, err) != 0) {
		unlink(path);
		close(fd);
		return err_wrap(err, "socket %s", path);
	}
	return 0;
}

unsigned http_server_port(const struct http_server *s)
{
	return s->port;
}

/* The server. */

static void take_defaults(struct http_server_options *o)
{
	if (o->max_body == 0)
		o->max_body = 8 << 20;
	if (o->max_bodies == 0)
		o->max_bodies = 32 << 20;
	if (o->max_header == 0)
		o->max_header = 16 << 10;
	if (o->max_connections == 0)
		o->max_connections = 512;
	if (o->read_timeout_msecs == 0)
		o->read_timeout_msecs = 10000;
	if (o->idle_msecs == 0)
		o->idle_msecs = 60000;
}

struct http_server *http_server_new(struct loop *l, const struct http_server_options *options)
{
	struct http_server *s = xcalloc(1, sizeof(*s));

	s->loop = l;
	TAILQ_INIT(&s->conns);
	TAILQ_INIT(&s->newborn);
	TAILQ_INIT(&s->calls);
	s->later = loop_later_new(l, on_later, s);
	s->sweep = loop_timer_new(l, on_sweep, s);
	s->evhttp = evhttp_new(loop_base(l));
	if (s->evhttp == NULL)
		abort();
	TAILQ_INSERT_TAIL(&servers, s, link);
	evhttp_set_bevcb(s->evhttp, on_new_connection, s);
	evhttp_set_gencb(s->evhttp, on_whole_request, s);
	/* all: the handler says 405, and what is allowed */
	evhttp_set_allowed_methods(s->evhttp, 0xffff);
	evhttp_set_default_content_type(s->evhttp, NULL);
	http_server_limit(s, options);
	return s;
}

void http_server_limit(struct http_server *s, const struct http_server_options *options)
{
	const struct http_server_options *o = &s->options;

	s->options = *options;
	take_defaults(&s->options);
	evhttp_set_max_headers_size(s->evhttp, (ev_ssize_t)(o->max_header + HEADER_SLACK));
	evhttp_set_max_body_size(s->evhttp, (ev_ssize_t)(o->max_body + BODY_SLACK(o->max_body)));
}

void http_server_route(struct http_server *s,
    void (*on_request)(struct http_in_call *call, void *arg), void *arg)
{
	s->on_request = on_request;
	s->arg = arg;
}

void http_server_drain(struct http_server *s)
{
	struct conn *c, *next;
	size_t i;

	if (s->draining)
		return;
	s->draining = true;
	for (i = 0; i < s->nlisteners; i++) {
		if (s->listeners[i].unix_path != NULL)
			unlink(s->listeners[i].unix_path);
		xfree(s->listeners[i].unix_path);
		evhttp_del_accept_socket(s->evhttp, s->listeners[i].bound);
	}
	s->nlisteners = 0;
	adopt_newborn(s);
	for (c = TAILQ_FIRST(&s->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->received == 0 && (c->state == CONN_IDLE || c->state == CONN_READING))
			evhttp_connection_free(c->evcon);
		else if (c->state == CONN_WRITING)
			c->doomed = true;
	}
}

size_t http_server_busy(const struct http_server *s)
{
	return s->ncalls;
}

size_t http_server_connections(const struct http_server *s)
{
	return s->nconns;
}

void http_server_free(struct http_server *s)
{
	struct http_in_call *call;

	if (s == NULL)
		return;
	http_server_drain(s);
	TAILQ_REMOVE(&servers, s, link);
	evhttp_free(s->evhttp); /* all connections: on_close */
	TAILQ_FOREACH(call, &s->calls, link)
		call->server = NULL;
	while (s->narenas > 0)
		arena_free(s->arenas[--s->narenas]);
	loop_later_free(s->later);
	loop_timer_free(s->sweep);
	xfree(s->by_fd);
	xfree(s);
}
