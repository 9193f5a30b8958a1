/* What our requests do to a far side that fails in every way we know, and what we say of it. The far
 * side is fault_server.py, which counts what reaches it: whatever goes wrong, a request that is not
 * repeatable arrives once at most. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/loop.h"
#include "base/mem.h"
#include "net/http_out.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define CERT TEST_SOURCE_DIR "/fault_server.crt"
#define KEY TEST_SOURCE_DIR "/fault_server.key"

static struct {
	pid_t pid;
	int in; /* it ends when this is closed */
	int port, tls_port;
	char folder[64], socket[80];
} far_side;

/* Everything about one answer, kept beyond done. */
struct told {
	int times;
	struct http_resp resp;
	struct buf body;
	char type[100], detail[300], wanted[20];
};

static void on_done(void *arg, const struct http_resp *resp)
{
	struct told *t = arg;

	t->times++;
	t->resp = *resp;
	buf_clear(&t->body);
	buf_add(&t->body, resp->body, resp->body_len);
	snprintf(t->type, sizeof(t->type), "%s", resp->content_type ? resp->content_type : "");
	snprintf(t->detail, sizeof(t->detail), "%s", resp->detail ? resp->detail : "");
	snprintf(t->wanted, sizeof(t->wanted), "%s", resp->wanted ? resp->wanted : "none");
	assert_int_equal(resp->body[resp->body_len], '\0');
}

static void turn_until(struct loop *l, const int *times, int wanted)
{
	int64_t end_ms = clock_mono_ms() + 60000;

	while (*times < wanted && clock_mono_ms() < end_ms)
		loop_turn(l, 1000);
	assert_int_equal(*times, wanted);
}

static void make(struct loop *l, struct http_out *o, const struct http_req *req, struct told *t)
{
	t->times = 0;
	http_out_start(o, req, on_done, t);
	assert_int_equal(t->times, 0);
	turn_until(l, &t->times, 1);
}

static const char *far_url(const char *what, const char *id)
{
	static char url[8][200];
	static int next;
	char *u = url[next++ % 8];

	snprintf(u, sizeof(url[0]), "http://127.0.0.1:%d/%s/%s", far_side.port, what, id);
	return u;
}

/* Asks the far side over a connection of our own, so that nothing under test is disturbed. */
static void ask(const char *path, char *answer, size_t size)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)far_side.port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char request[200], *body;
	size_t len = 0;
	ssize_t n;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n\r\n", path);
	assert_int_equal(write(fd, request, strlen(request)), (ssize_t)strlen(request));
	shutdown(fd, SHUT_WR);
	while ((n = read(fd, answer + len, size - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	answer[len] = '\0';
	body = strstr(answer, "\r\n\r\n");
	assert_non_null(body);
	memmove(answer, body + 4, strlen(body + 4) + 1);
}

static void arrivals(const char *id, int *heads, int *wholes)
{
	char path[100], answer[400];

	snprintf(path, sizeof(path), "/arrivals/%s", id);
	ask(path, answer, sizeof(answer));
	assert_int_equal(sscanf(answer, "%d %d", heads, wholes), 2);
}

static int connections(void)
{
	char answer[400];

	ask("/connections", answer, sizeof(answer));
	return atoi(answer) - 1; /* but for this one */
}

static struct http_out *out_with(struct loop *l, const struct http_out_options *options)
{
	struct err err;
	struct http_out *o = http_out_new(l, options, &err);

	assert_non_null(o);
	return o;
}

static void *setup_body(size_t len)
{
	char *body = xmalloc(len + 1);

	memset(body, 'b', len);
	body[len] = '\0';
	return body;
}

/* (what went wrong × what we had sent × what had come back) → what is said of it, and what arrived.
 * A POST with a body that is not repeatable, on a new connection and on one used before. */
struct fault {
	const char *what;
	enum transport transport;
	bool sent;
	int status;
	int wholes;       /* of the request, at the far side */
	const char *body; /* NULL: any */
};

static const struct fault faults[] = {
	/* answers */
	{ "ok", TRANSPORT_OK, true, 200, 1, "hello" },
	{ "created", TRANSPORT_OK, true, 201, 1, "{\"id\":1}" },
	{ "empty", TRANSPORT_OK, true, 204, 1, "" },
	{ "error", TRANSPORT_OK, true, 500, 1, "sorry" },
	{ "chunked", TRANSPORT_OK, true, 200, 1, "hello!" },
	{ "until_close", TRANSPORT_OK, true, 200, 1, "hello" },
	{ "http10", TRANSPORT_OK, true, 200, 1, "hello" },
	{ "say_close", TRANSPORT_OK, true, 200, 1, "hello" },
	{ "continue", TRANSPORT_OK, true, 200, 1, "hello" },
	{ "gzip", TRANSPORT_OK, true, 200, 1, "\x1f\x8bnot for us to open" },
	/* answers that make other clients ask again */
	{ "redirect", TRANSPORT_OK, true, 302, 1, "" },
	{ "redirect307", TRANSPORT_OK, true, 307, 1, "" },
	{ "unauthorized", TRANSPORT_OK, true, 401, 1, "" },
	{ "expectation", TRANSPORT_OK, true, 417, 1, "" },
	{ "busy", TRANSPORT_OK, true, 429, 1, "" },
	/* no answer, or a part of one */
	{ "fin", TRANSPORT_CUT, true, 0, 1, "" },
	{ "rst", TRANSPORT_CUT, true, 0, 1, "" },
	{ "half_line", TRANSPORT_CUT, true, 0, 1, "" },
	{ "half_head", TRANSPORT_CUT, true, 201, 1, "" },
	{ "half_body", TRANSPORT_CUT, true, 200, 1, "" },
	{ "half_body_rst", TRANSPORT_CUT, true, 200, 1, "" },
	{ "half_chunked", TRANSPORT_CUT, true, 200, 1, "" },
	{ "bad_chunk", TRANSPORT_CUT, true, 200, 1, "" },
	{ "http09", TRANSPORT_CUT, true, 0, 1, "" },
	{ "only_continue", TRANSPORT_CUT, true, 0, 1, "" },
	{ "silent", TRANSPORT_TIMEOUT, true, 0, 1, "" },
	{ "slow_head", TRANSPORT_TIMEOUT, true, 200, 1, "" },
	{ "slow_body", TRANSPORT_TIMEOUT, true, 200, 1, "" },
	/* too much of one; the limit is 1,000,000 */
	{ "largest", TRANSPORT_OK, true, 200, 1, NULL },
	{ "large", TRANSPORT_TOO_LARGE, true, 200, 1, "" },
	{ "large_chunked", TRANSPORT_TOO_LARGE, true, 200, 1, "" },
	{ "large_until_close", TRANSPORT_TOO_LARGE, true, 200, 1, "" },
	{ "large_head", TRANSPORT_TOO_LARGE, true, 200, 1, "" },
};

static void check_fault(struct loop *l, struct http_out *o, const struct fault *f, bool used_before,
    const char *method, size_t body_len)
{
	static int serial;
	struct told t = { 0 };
	char *body = setup_body(body_len), id[20];
	struct http_req warm = { .method = "GET",
		.url = far_url("ok", "warm"),
		.repeatable = true };
	struct http_req req = {
		.method = method,
		.content_type = body_len > 0 ? "application/json" : NULL,
		.body = body,
		.body_len = body_len,
		.timeout_msecs = f->transport == TRANSPORT_TIMEOUT ? 800 : 15000,
	};
	int heads, wholes;

	snprintf(id, sizeof(id), "f%d", ++serial);
	req.url = far_url(f->what, id);
	if (used_before)
		make(l, o, &warm, &t);
	make(l, o, &req, &t);
	arrivals(id, &heads, &wholes);
	if (t.resp.transport != f->transport || t.resp.sent != f->sent || t.resp.status != f->status
	    || wholes != f->wholes || heads > 1)
		fail_msg("%s %s, body of %zu, %s connection: transport %d sent %d status %d, "
			 "%d heads %d wholes, \"%s\"",
		    method, f->what, body_len, used_before ? "used" : "new", t.resp.transport,
		    t.resp.sent, t.resp.status, heads, wholes, t.detail);
	if (f->body != NULL)
		assert_string_equal(t.body.data, f->body);
	else
		assert_int_equal(t.body.len, 1000000);
	assert_int_equal(t.detail[0] != '\0', f->transport != TRANSPORT_OK);
	buf_fini(&t.body);
	xfree(body);
}

static void check_faults(const char *method, size_t body_len)
{
	struct loop *l = loop_new();
	struct http_out *o = out_with(l, &(struct http_out_options){ .max_answer = 1000000 });
	size_t i;

	for (i = 0; i < COUNT(faults); i++) {
		check_fault(l, o, &faults[i], true, method, body_len);
		assert_int_equal(http_out_busy(o), 0);
		http_out_free(o); /* and with it its connections */
		o = out_with(l, &(struct http_out_options){ .max_answer = 1000000 });
		check_fault(l, o, &faults[i], false, method, body_len);
	}
	http_out_free(o);
	loop_free(l);
}

static void test_faults_with_body(void **state)
{
	(void)state;
	check_faults("POST", 500);
}

static void test_faults_with_large_body(void **state)
{
	(void)state;
	check_faults("PUT", 300000);
}

/* A request that is whole with its head alone is the easiest to repeat by mistake. */
static void test_faults_without_body(void **state)
{
	(void)state;
	check_faults("DELETE", 0);
}

static void test_faults_of_an_empty_post(void **state)
{
	(void)state;
	check_faults("POST", 0);
}

/* The connection dies between two requests, or while the second is on its way. The second is there
 * once where we say so, and never twice. */
static void test_connection_dies_between(void **state)
{
	static const struct {
		const char *first;
		int pause_msecs;
		const char *method;
		size_t body_len;
	} rows[] = {
		{ "then_fin", 0, "POST", 500 },
		{ "then_fin", 50, "POST", 500 },
		{ "then_fin_late", 0, "POST", 500 },
		{ "then_fin_late", 200, "POST", 500 },
		{ "then_rst_on_next", 0, "POST", 500 },
		{ "then_rst_on_next", 0, "POST", 300000 },
		{ "then_fin_on_head", 0, "POST", 500 },
		{ "then_fin_on_head", 0, "POST", 300000 },
		{ "then_rst_on_next", 0, "DELETE", 0 },
		{ "then_fin_on_head", 0, "DELETE", 0 },
		{ "then_rst_on_next", 0, "POST", 0 },
		{ "then_fin_on_head", 0, "POST", 0 },
	};
	struct loop *l = loop_new();
	struct http_out *o = out_with(l, &(struct http_out_options){ 0 });
	struct told t = { 0 };
	int heads, wholes;
	size_t i, round;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		for (round = 0; round < 5; round++) {
			char *body = setup_body(rows[i].body_len), id[20];
			struct http_req req = { .method = "POST",
				.content_type = "text/plain",
				.body = "x",
				.body_len = 1,
				.timeout_msecs = 2000 };

			snprintf(id, sizeof(id), "d%zu-%zu", i, round);
			req.url = far_url(rows[i].first, "first");
			make(l, o, &req, &t);
			assert_int_equal(t.resp.transport, TRANSPORT_OK);
			usleep((useconds_t)rows[i].pause_msecs * 1000);
			req.method = rows[i].method;
			req.url = far_url("ok", id);
			req.body = body;
			req.body_len = rows[i].body_len;
			if (req.body_len == 0)
				req.content_type = NULL;
			make(l, o, &req, &t);
			arrivals(id, &heads, &wholes);
			if (heads > 1 || (wholes == 1) != (t.resp.transport == TRANSPORT_OK)
			    || (wholes == 0 && t.resp.transport != TRANSPORT_CUT) || !t.resp.sent)
				fail_msg("%s %s: transport %d sent %d, %d heads %d wholes, \"%s\"",
				    rows[i].first, rows[i].method, t.resp.transport, t.resp.sent,
				    heads, wholes, t.detail);
			xfree(body);
		}
	buf_fini(&t.body);
	http_out_free(o);
	loop_free(l);
}

/* What may be repeated often is, by the transport itself, and then with its body whole; but nobody can
 * rely on it: curl gives up where sending, not receiving, was what failed, and each sixth time. */
static void test_repeatable(void **state)
{
	struct loop *l = loop_new();
	struct http_out *o = out_with(l, &(struct http_out_options){ 0 });
	struct http_req get = { .method = "GET", .repeatable = true };
	char *body = setup_body(300000);
	struct http_req search = { .method = "POST",
		.content_type = "application/json",
		.body = body,
		.body_len = 300000,
		.repeatable = true };
	struct told t = { 0 };
	int heads, wholes, i;

	(void)state;
	for (i = 0; i < 10; i++) {
		get.url = far_url("then_rst_on_next", "first");
		search.url = far_url("echo", "search");
		make(l, o, &get, &t);
		make(l, o, &search, &t);
		if (t.resp.transport == TRANSPORT_OK)
			assert_string_equal(t.body.data, body);
		else
			assert_int_equal(t.resp.transport, TRANSPORT_CUT);
	}
	get.url = far_url("ok", "warm");
	make(l, o, &get, &t);
	get.url = far_url("fin", "twice");
	make(l, o, &get, &t);
	assert_int_equal(t.resp.transport, TRANSPORT_CUT);
	arrivals("twice", &heads, &wholes);
	assert_in_range(wholes, 1, 2);
	buf_fini(&t.body);
	xfree(body);
	http_out_free(o);
	loop_free(l);
}

/* Surely not sent. */
static void test_not_sent(void **state)
{
	static const struct {
		const char *name, *url;
		enum transport transport;
	} rows[] = {
		{ "refused", "http://127.0.0.1:1/", TRANSPORT_CONNECT },
		{ "no such name", "http://no-such-name.invalid/", TRANSPORT_CONNECT },
		{ "not a url", "http://", TRANSPORT_CONNECT },
		{ "port out of range", "http://127.0.0.1:99999/", TRANSPORT_CONNECT },
		{ "line break", "http://127.0.0.1:1/a\r\nX: y", TRANSPORT_CONNECT },
		{ "not for us", "ftp://127.0.0.1:1/", TRANSPORT_CONNECT },
		{ "a file", "file:///etc/passwd", TRANSPORT_CONNECT },
		{ "no scheme we know", "gopherish://127.0.0.1/", TRANSPORT_CONNECT },
	};
	struct loop *l = loop_new();
	struct http_out *o = out_with(l, &(struct http_out_options){ 0 });
	struct told t = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct http_req req = { .method = "POST",
			.url = rows[i].url,
			.body = "x",
			.content_type = "text/plain",
			.body_len = 1,
			.timeout_msecs = 5000 };

		make(l, o, &req, &t);
		if (t.resp.transport != rows[i].transport && t.resp.transport != TRANSPORT_TIMEOUT)
			fail_msg("%s: transport %d, \"%s\"", rows[i].name, t.resp.transport,
			    t.detail);
		assert_false(t.resp.sent);
		assert_int_equal(t.resp.status, 0);
		assert_int_equal(t.resp.retry_after_msecs, -1);
		assert_string_not_equal(t.detail, "");
	}
	buf_fini(&t.body);
	http_out_free(o);
	loop_free(l);
}

/* A peer whose port is open but which never speaks TLS, or lets nobody in. */
static void test_not_sent_while_connecting(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t at_len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	struct loop *l = loop_new();
	struct http_out *o = out_with(l, &(struct http_out_options){ 0 });
	char url[100];
	struct http_req req = { .method = "POST",
		.url = url,
		.body = "x",
		.body_len = 1,
		.content_type = "text/plain",
		.timeout_msecs = 200 };
	struct told t = { 0 };

	(void)state;
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 1), 0);
	getsockname(listener, (struct sockaddr *)&at, &at_len);
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", ntohs(at.sin_port));
	make(l, o, &req, &t);
	assert_int_equal(t.resp.transport, TRANSPORT_TIMEOUT);
	assert_false(t.resp.sent);
	assert_in_range(t.resp.took_msecs, 190, 15000);
	close(listener);
	buf_fini(&t.body);
	http_out_free(o);
	loop_free(l);
}

static void test_tls(void **state)
{
	struct loop *l = loop_new();
	struct http_out *strict = out_with(l, &(struct http_out_options){ 0 });
	struct http_out *ours = out_with(l, &(struct http_out_options){ .ca_file = CERT });
	struct http_req req = { .method = "POST",
		.body = "x",
		.body_len = 1,
		.content_type = "text/plain" };
	struct told t = { 0 };
	char url[100];
	int heads, wholes;
	size_t i;

	(void)state;
	req.url = url;
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/ok/tls", far_side.tls_port);
	make(l, strict, &req, &t);
	if (t.resp.transport != TRANSPORT_TLS)
		fail_msg("transport %d, \"%s\"", t.resp.transport, t.detail);
	assert_false(t.resp.sent);
	for (i = 0; i < 3; i++) {
		make(l, ours, &req, &t);
		if (t.resp.transport != TRANSPORT_OK)
			fail_msg("%s", t.detail);
		assert_string_equal(t.body.data, "hello");
	}
	arrivals("tls", &heads, &wholes);
	assert_int_equal(wholes, 3);
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/fin/tlsfin", far_side.tls_port);
	make(l, ours, &req, &t);
	assert_int_equal(t.resp.transport, TRANSPORT_CUT);
	assert_true(t.resp.sent);
	arrivals("tlsfin", &heads, &wholes);
	assert_int_equal(wholes, 1);
	/* the right root, another name: 127.0.0.2 is not in the certificate */
	snprintf(url, sizeof(url), "https://127.0.0.2:%d/ok/tls", far_side.tls_port);
	make(l, ours, &req, &t);
	assert_false(t.resp.sent);
	buf_fini(&t.body);
	http_out_free(strict);
	http_out_free(ours);
	loop_free(l);
}

static void test_ca_file_mistakes(void **state)
{
	struct loop *l = loop_new();
	struct err err;

	(void)state;
	assert_null(
	    http_out_new(l, &(struct http_out_options){ .ca_file = "/nowhere/ca.pem" }, &err));
	assert_string_equal(err.text, "/nowhere/ca.pem: No such file or directory");
	assert_null(http_out_new(l, &(struct http_out_options){ .ca_file = "/dev/null" }, &err));
	assert_string_equal(err.text, "/dev/null: no PEM certificate in it");
	assert_null(http_out_new(l, &(struct http_out_options){ .ca_file = "/" }, &err));
	assert_string_equal(err.text, "/: Is a directory");
	assert_null(http_out_new(l, &(struct http_out_options){ .ca_file = KEY }, &err));
	loop_free(l);
}

static void test_what_is_sent(void **state)
{
	static const struct {
		const char *method, *type, *body, *seen;
	} rows[] = {
		{ "GET", NULL, NULL, "GET - - - - tieline/test 1" },
		{ "DELETE", NULL, NULL, "DELETE - - - - tieline/test 1" },
		{ "DELETE", "text/x", "ab", "DELETE 2 text/x - - tieline/test 1" },
		{ "POST", "text/x", "abc", "POST 3 text/x - - tieline/test 1" },
		{ "POST", NULL, NULL, "POST 0 - - - tieline/test 1" },
		{ "PATCH", "a/b", "", "PATCH 0 a/b - - tieline/test 1" },
		{ "PUT", "a/b", "a", "PUT 1 a/b - - tieline/test 1" },
		{ "GET", NULL, NULL, "GET - - - - tieline/test 1" },
	};
	struct loop *l = loop_new();
	struct http_out *o =
	    out_with(l, &(struct http_out_options){ .user_agent = "tieline/test" });
	struct told t = { 0 };
	char *large = setup_body(3000000);
	size_t i, repeatable;

	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	for (i = 0; i < COUNT(rows); i++)
		for (repeatable = 0; repeatable < 2; repeatable++) {
			struct http_req req = { .method = rows[i].method,
				.url = far_url("method", "m"),
				.headers = { { "X-One", "1", false }, { "X-Empty", "", false } },
				.nheaders = 2,
				.content_type = rows[i].type,
				.body = rows[i].body,
				.body_len = rows[i].body == NULL ? 0 : strlen(rows[i].body),
				.repeatable = repeatable };

			make(l, o, &req, &t);
			assert_string_equal(t.body.data, rows[i].seen);
		}
	unsetenv("http_proxy");
	{
		struct http_req head = { .method = "HEAD", .url = far_url("head", "h") };
		struct http_req echo = { .method = "POST",
			.url = far_url("echo", "e"),
			.content_type = "a/b",
			.body = large,
			.body_len = 3000000 };
		struct http_req bad = { .method = "GET",
			.url = far_url("ok", "bad"),
			.headers = { { "X-One", "1\r\nX-Two: 2", false } },
			.nheaders = 1 };
		int heads, wholes;

		make(l, o, &head, &t);
		assert_int_equal(t.resp.status, 200);
		assert_int_equal(t.resp.body_len, 0);
		make(l, o, &echo, &t);
		assert_int_equal(t.body.len, 3000000);
		assert_string_equal(t.body.data, large);
		assert_string_equal(t.type, "a/b");
		make(l, o, &bad, &t);
		assert_int_equal(t.resp.transport, TRANSPORT_CONNECT);
		assert_false(t.resp.sent);
		assert_string_equal(t.detail, "line break in a header");
		arrivals("bad", &heads, &wholes);
		assert_int_equal(heads, 0);
	}
	xfree(large);
	buf_fini(&t.body);
	http_out_free(o);
	loop_free(l);
}

static void test_retry_after(void **state)
{
	struct loop *l = loop_new();
	struct http_out *o = out_with(l, &(struct http_out_options){ 0 });
	struct http_req req = { .method = "GET", .url = far_url("busy", "b") };
	struct told t = { 0 };

	(void)state;
	make(l, o, &req, &t);
	assert_int_equal(t.resp.retry_after_msecs, 7000);
	assert_string_equal(t.wanted, "none");
	req.wants = "RETRY-after";
	make(l, o, &req, &t);
	assert_string_equal(t.wanted, "7");
	req.wants = "X-Rate-Limit";
	make(l, o, &req, &t);
	assert_string_equal(t.wanted, "none");
	req.url = far_url("busy_until", "b");
	make(l, o, &req, &t);
	assert_in_range(t.resp.retry_after_msecs, 57000, 60000);
	req.url = far_url("ok", "b");
	make(l, o, &req, &t);
	assert_int_equal(t.resp.retry_after_msecs, -1);
	buf_fini(&t.body);
	http_out_free(o);
	loop_free(l);
}

static void test_unix_socket(void **state)
{
	struct loop *l = loop_new();
	struct http_out *o = out_with(l, &(struct http_out_options){ 0 });
	struct http_req req = { .method = "GET",
		.url = "http://localhost:1/ok/u",
		.unix_socket = far_side.socket };
	struct told t = { 0 };

	(void)state;
	make(l, o, &req, &t);
	assert_string_equal(t.body.data, "hello");
	req.unix_socket = NULL; /* the next request of that handle goes to the host again */
	make(l, o, &req, &t);
	assert_int_equal(t.resp.transport, TRANSPORT_CONNECT);
	req.unix_socket = "/nowhere.sock";
	make(l, o, &req, &t);
	assert_int_equal(t.resp.transport, TRANSPORT_CONNECT);
	assert_false(t.resp.sent);
	buf_fini(&t.body);
	http_out_free(o);
	loop_free(l);
}

/* A connection is used again, but not one that has been idle for as long as a far side may keep it. */
static void test_reuse(void **state)
{
	struct loop *l = loop_new();
	struct http_out *o = out_with(l, &(struct http_out_options){ .max_idle_msecs = 1000 });
	struct http_req req = { .method = "POST",
		.url = far_url("ok", "r"),
		.body = "x",
		.content_type = "text/plain",
		.body_len = 1 };
	struct told t = { 0 };
	int before = connections(), i;

	(void)state;
	before++; /* that one was counted, too */
	for (i = 0; i < 10; i++)
		make(l, o, &req, &t);
	assert_int_equal(connections() - before, 1);
	before++;
	usleep(1050000);
	make(l, o, &req, &t);
	assert_int_equal(connections() - before, 2);
	buf_fini(&t.body);
	http_out_free(o);
	loop_free(l);
}

/* Calls that start from done, more calls than connections, calls that are given up. */

struct many {
	struct http_out *out;
	struct http_req req;
	struct http_call *calls[8];
	int left, told;
};

static struct many *many_under_test;

static void on_one_of_many(void *arg, const struct http_resp *resp)
{
	struct many *m = arg;

	assert_int_equal(resp->transport, TRANSPORT_OK);
	assert_string_equal(resp->body, "hello");
	m->told++;
	if (m->left-- > 0)
		http_out_start(m->out, &m->req, on_one_of_many, m);
}

static void test_many(void **state)
{
	struct loop *l = loop_new();
	struct many m = { .left = 500 };
	int i, before = connections() + 1;

	(void)state;
	m.out = out_with(l, &(struct http_out_options){ .max_connections = 16 });
	m.req = (struct http_req){ .method = "POST",
		.url = far_url("ok", "many"),
		.body = "x",
		.content_type = "text/plain",
		.body_len = 1 };
	for (i = 0; i < 64; i++)
		http_out_start(m.out, &m.req, on_one_of_many, &m);
	assert_int_equal(http_out_busy(m.out), 64);
	turn_until(l, &m.told, 564);
	assert_int_equal(http_out_busy(m.out), 0);
	assert_in_range(connections() - before, 1, 16);
	http_out_free(m.out);
	loop_free(l);
}

static void test_waiting_has_a_deadline(void **state)
{
	struct loop *l = loop_new();
	struct http_out *o = out_with(l, &(struct http_out_options){ .max_connections = 1 });
	struct http_req slow = { .method = "POST",
		.url = far_url("silent", "w1"),
		.body = "x",
		.content_type = "text/plain",
		.body_len = 1,
		.timeout_msecs = 2000 };
	struct http_req quick = slow;
	struct told t1 = { 0 }, t2 = { 0 }, t3 = { 0 };

	(void)state;
	quick.timeout_msecs = 100;
	http_out_start(o, &slow, on_done, &t1);
	http_out_start(o, &quick, on_done, &t2);
	slow.url = far_url("ok", "w3");
	slow.timeout_msecs = 5000;
	http_out_start(o, &slow, on_done, &t3);
	turn_until(l, &t2.times, 1);
	assert_int_equal(t2.resp.transport, TRANSPORT_TIMEOUT);
	assert_false(t2.resp.sent);
	assert_int_equal(t1.times, 0);
	turn_until(l, &t1.times, 1);
	assert_true(t1.resp.sent);
	turn_until(l, &t3.times, 1);
	assert_int_equal(t3.resp.transport, TRANSPORT_OK);
	buf_fini(&t1.body);
	buf_fini(&t2.body);
	buf_fini(&t3.body);
	http_out_free(o);
	loop_free(l);
}

/* The first answer, whosever it is, ends all the others. */
static void on_cancel_others(void *arg, const struct http_resp *resp)
{
	struct http_call **mine = arg, **c;
	struct many *m = many_under_test;

	assert_int_equal(resp->status, 200);
	m->told++;
	for (c = m->calls; c < m->calls + COUNT(m->calls); c++)
		if (c != mine)
			http_out_cancel(*c);
}

static void on_never(void *arg, const struct http_resp *resp)
{
	(void)arg, (void)resp;
	fail();
}

static void test_cancel(void **state)
{
	struct loop *l = loop_new();
	struct many m = { 0 };
	struct http_req slow, bad;
	struct told t = { 0 };
	size_t i;

	(void)state;
	m.out = out_with(l, &(struct http_out_options){ .max_connections = 6 });
	m.req = (struct http_req){ .method = "GET", .url = far_url("slow_ok", "c") };
	slow = m.req;
	bad = m.req;
	bad.method = "G\nET";
	/* six run, to be answered in the same turn, and two wait */
	many_under_test = &m;
	for (i = 0; i < COUNT(m.calls); i++)
		m.calls[i] = http_out_start(m.out, &slow, on_cancel_others, &m.calls[i]);
	loop_turn(l, 20);
	usleep(200000);
	turn_until(l, &m.told, 1);
	assert_int_equal(http_out_busy(m.out), 0);
	http_out_cancel(http_out_start(m.out, &bad, on_never, NULL));
	http_out_cancel(http_out_start(m.out, &m.req, on_never, NULL));
	make(l, m.out, &m.req, &t);
	assert_int_equal(t.resp.status, 200);
	buf_fini(&t.body);
	/* freed with calls under way */
	for (i = 0; i < 8; i++)
		http_out_start(m.out, &slow, on_never, NULL);
	loop_turn(l, 20);
	http_out_start(m.out, &slow, on_never, NULL);
	http_out_start(m.out, &bad, on_never, NULL);
	http_out_free(m.out);
	loop_turn(l, 20);
	loop_free(l);
}

/* A far side that answers before it has read everything, and closes. */
static void test_early_answer(void **state)
{
	struct loop *l = loop_new();
	struct http_out *o = out_with(l, &(struct http_out_options){ 0 });
	char *body = setup_body(8000000);
	struct http_req req = { .method = "POST",
		.url = far_url("early", "early"),
		.body = body,
		.body_len = 8000000,
		.content_type = "text/plain",
		.timeout_msecs = 3000 };
	struct told t = { 0 };
	int heads, wholes;

	(void)state;
	make(l, o, &req, &t);
	assert_true(t.resp.sent);
	assert_true(t.resp.transport == TRANSPORT_OK ? t.resp.status == 413
						     : t.resp.transport == TRANSPORT_CUT);
	arrivals("early", &heads, &wholes);
	assert_int_equal(heads, 1);
	xfree(body);
	buf_fini(&t.body);
	http_out_free(o);
	loop_free(l);
}

static int start_far_side(void **state)
{
	int in[2], out[2];
	FILE *f;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	snprintf(far_side.folder, sizeof(far_side.folder), "/tmp/tieline-test-XXXXXX");
	if (mkdtemp(far_side.folder) == NULL || pipe(in) != 0 || pipe(out) != 0)
		return -1;
	snprintf(far_side.socket, sizeof(far_side.socket), "%s/socket", far_side.folder);
	far_side.pid = fork();
	if (far_side.pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[0]);
		close(in[1]);
		close(out[0]);
		close(out[1]);
		execl("/usr/bin/python3", "python3", "-B", TEST_SOURCE_DIR "/fault_server.py", CERT,
		    KEY, far_side.socket, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	far_side.in = in[1];
	f = fdopen(out[0], "r");
	if (fscanf(f, "%d %d", &far_side.port, &far_side.tls_port) != 2)
		return -1;
	fclose(f);
	return 0;
}

static int end_far_side(void **state)
{
	(void)state;
	close(far_side.in);
	waitpid(far_side.pid, NULL, 0);
	unlink(far_side.socket);
	rmdir(far_side.folder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults_with_body),
		cmocka_unit_test(test_faults_with_large_body),
		cmocka_unit_test(test_faults_without_body),
		cmocka_unit_test(test_faults_of_an_empty_post),
		cmocka_unit_test(test_connection_dies_between),
		cmocka_unit_test(test_repeatable),
		cmocka_unit_test(test_not_sent),
		cmocka_unit_test(test_not_sent_while_connecting),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_ca_file_mistakes),
		cmocka_unit_test(test_what_is_sent),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_unix_socket),
		cmocka_unit_test(test_reuse),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_waiting_has_a_deadline),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_early_answer),
	};

	return cmocka_run_group_tests(tests, start_far_side, end_far_side);
}
