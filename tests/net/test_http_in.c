/* What the server makes of peers that are slow, rude, or gone. The peer is this file: plain sockets,
 * and the loop turned by hand between two steps. */
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
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/loop.h"
#include "base/mem.h"
#include "net/http_in.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* The handler: answers at once, or keeps the calls. */

struct desk {
	struct loop *loop;
	struct http_server *server;
	bool keep;
	struct http_in_call *kept[2000];
	size_t nkept, seen;
	char *large; /* answered instead where set */
	size_t large_len;
	struct buf last; /* "METHOD path?query peer headers body_len" */
	struct buf last_body;
};

static void on_request(struct http_in_call *call, void *arg)
{
	const struct http_header extra = { .name = "X-Extra", .value = "1" };
	const struct http_in *in = http_in_call_request(call);
	struct desk *d = arg;

	d->seen++;
	buf_clear(&d->last);
	buf_addf(&d->last, "%s %s%s%s", in->method, in->path, in->query ? "?" : "",
	    in->query ? in->query : "");
	buf_clear(&d->last_body);
	buf_add(&d->last_body, in->body, in->body_len);
	assert_int_equal(in->body[in->body_len], '\0');
	assert_string_equal(in->peer, arena_strdup(http_in_call_arena(call), in->peer));
	if (d->keep && d->nkept < COUNT(d->kept))
		d->kept[d->nkept++] = call;
	else if (strcmp(in->path, "/none") == 0)
		http_reply(call, 204, NULL, 0, NULL, NULL, 0);
	else if (strcmp(in->path, "/refuse") == 0)
		http_refuse(call, 405, "method", 0, "GET, HEAD");
	else if (strcmp(in->path, "/busy") == 0)
		http_refuse(call, 503, "store", 2, NULL);
	else if (d->large != NULL)
		http_reply(call, 200, NULL, 0, "text/plain", d->large, d->large_len);
	else
		http_reply(call, 200, &extra, 1, "application/json", "{\"status\":\"ok\"}", 15);
}

static struct desk *desk_new(const struct http_server_options *options)
{
	struct desk *d = xcalloc(1, sizeof(*d));
	struct err err;

	d->loop = loop_new();
	d->server = http_server_new(d->loop, options);
	http_server_route(d->server, on_request, d);
	if (http_server_listen(d->server, "127.0.0.1:0", &err) != 0)
		fail_msg("%s", err.text);
	assert_int_not_equal(http_server_port(d->server), 0);
	return d;
}

static void desk_free(struct desk *d)
{
	http_server_free(d->server);
	loop_free(d->loop);
	buf_fini(&d->last);
	buf_fini(&d->last_body);
	xfree(d);
}

static void reply_all(struct desk *d)
{
	while (d->nkept > 0)
		http_reply(d->kept[--d->nkept], 200, NULL, 0, "text/plain", "late", 4);
}

/* The peer. */

static int dial(struct desk *d)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)http_server_port(d->server)) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* So long, and at least so often that a request gets through: on a machine that stalls the time may be
 * over before anything was done. */
static void turn(struct desk *d, int64_t msecs)
{
	int64_t end_ms = clock_mono_ms() + msecs;
	int turns = 0;

	do
		loop_turn(d->loop, 1);
	while ((++turns < 8 && msecs > 2) || clock_mono_ms() < end_ms);
}

/* Everybody who left is noticed, sooner or later. */
static void assert_deserted(struct desk *d)
{
	int turns;

	for (turns = 0; turns < 2000 && http_server_connections(d->server) > 0; turns++)
		turn(d, 1);
	assert_int_equal(http_server_connections(d->server), 0);
}

/* The handler has so many calls, sooner or later, and no more. */
static void assert_kept(struct desk *d, size_t count)
{
	int turns;

	for (turns = 0; turns < 2000 && d->nkept < count; turns++)
		turn(d, 1);
	assert_int_equal(d->nkept, count);
}

/* Sends all of it, as far as the server wants it. */
static void say(struct desk *d, int fd, const char *text, size_t len)
{
	int idle = 0;

	while (len > 0 && idle < 100) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n > 0) {
			text += n;
			len -= (size_t)n;
			idle = 0;
			continue;
		}
		if (n < 0 && errno != EAGAIN)
			return;
		idle++;
		turn(d, 1);
	}
}

/* What comes back until nothing more has come for msecs, or the connection ends; then *over. Where nothing
 * comes at all it waits longer: the machine may be busy. */
static char *hear(struct desk *d, int fd, int64_t msecs, bool *over)
{
	static char text[20000];
	int64_t last_ms = clock_mono_ms();
	size_t len = 0;
	ssize_t n;

	*over = false;
	while (!*over && clock_mono_ms() < last_ms + (len == 0 ? msecs + 3000 : msecs)) {
		loop_turn(d->loop, 1);
		while (len < sizeof(text) - 1
		    && (n = read(fd, text + len, sizeof(text) - 1 - len)) > 0) {
			len += (size_t)n;
			last_ms = clock_mono_ms();
		}
		*over = n == 0 || (n < 0 && errno != EAGAIN);
	}
	text[len] = '\0';
	return text;
}

/* The same where the connection must end: however long that takes. */
static char *hear_out(struct desk *d, int fd, bool *over)
{
	return hear(d, fd, 10000, over);
}

static char *exchange(struct desk *d, const char *request, bool *over)
{
	int fd = dial(d);
	char *answer;

	say(d, fd, request, strlen(request));
	answer = hear(d, fd, 40, over);
	close(fd);
	turn(d, 3);
	return answer;
}

static void close_by_reset(int fd)
{
	struct linger now = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

static void test_requests(void **state)
{
	static const struct {
		const char *request;
		const char *status, *body; /* of the answer */
		bool over;                 /* the connection ends */
		const char *seen;          /* by the handler; NULL: nothing */
	} rows[] = {
		{ "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK", "{\"status\":\"ok\"}", false,
		    "GET /" },
		{ "GET /a%2Fb/../c?d=%41&e HTTP/1.1\r\n\r\n", "200 OK", NULL, false,
		    "GET /a%2Fb/../c?d=%41&e" },
		{ "POST /p? HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi", "200 OK", NULL, false,
		    "POST /p?" },
		{ "GET /x HTTP/1.0\r\n\r\n", "200 OK", "{\"status\":\"ok\"}", true, "GET /x" },
		{ "GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "200 OK", NULL, false,
		    "GET /x" },
		{ "GET /x HTTP/1.1\r\nConnection: close\r\n\r\n", "200 OK", NULL, true, "GET /x" },
		{ "GET http://h/x?q HTTP/1.1\r\n\r\n", "200 OK", NULL, true, "GET /x?q" },
		{ "OPTIONS * HTTP/1.1\r\n\r\n", "200 OK", NULL, false, "OPTIONS *" },
		{ "PUT /x HTTP/1.1\r\n\r\n", "200 OK", NULL, false, "PUT /x" },
		{ "PATCH /x HTTP/1.1\r\n\r\n", "200 OK", NULL, false, "PATCH /x" },
		{ "DELETE /x HTTP/1.1\r\n\r\n", "200 OK", NULL, false, "DELETE /x" },
		{ "HEAD /x HTTP/1.1\r\n\r\n", "200 OK", "", true, "HEAD /x" },
		{ "GET /none HTTP/1.1\r\n\r\n", "204 No Content", "", false, "GET /none" },
		{ "GET /refuse HTTP/1.1\r\n\r\n", "405 Method Not Allowed",
		    "{\"error\":\"method\"}", false, "GET /refuse" },
		{ "GET /busy HTTP/1.1\r\n\r\n", "503 Service Unavailable", "{\"error\":\"store\"}",
		    false, "GET /busy" },
		/* a method evhttp reads no body for: what follows must not be the next request */
		{ "TRACE /x HTTP/1.1\r\nContent-Length: 22\r\n\r\nGET /evil HTTP/1.1\r\n\r\n",
		    "200 OK", NULL, true, "TRACE /x" },
		{ "BREW /x HTTP/1.1\r\nContent-Length: 22\r\n\r\nGET /evil HTTP/1.1\r\n\r\n",
		    "200 OK", NULL, true, "OTHER /x" },
		{ "HEAD /x HTTP/1.1\r\nContent-Length: 22\r\n\r\nGET /evil HTTP/1.1\r\n\r\n",
		    "200 OK", NULL, true, "HEAD /x" },
		{ "CONNECT h:1 HTTP/1.1\r\n\r\n", "200 OK", NULL, true, "CONNECT " },
		/* where does the body end? */
		{ "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
		    "400 Bad Request", NULL, true, NULL },
		{ "POST /x HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
		    "400 Bad Request", NULL, true, NULL },
		{ "POST /x HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		    "400 Bad Request", NULL, true, NULL },
		{ "POST /x HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nhi\r\n3;a=b\r\nyou\r\n0\r\n\r\n",
		    "413 Request Entity Too Large", NULL, true,
		    NULL }, /* extensions: evhttp's word */
		{ "POST /x HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nhi\r\n4\r\n you\r\n0\r\n\r\n",
		    "200 OK", NULL, false, "POST /x" },
		/* not HTTP: the library's bare answer */
		{ "hello\r\n\r\n", "400 Bad Request", NULL, true, NULL },
		{ "GET / HTTP/1.1\r\nnonsense\r\n\r\n", "400 Bad Request", NULL, true, NULL },
		{ "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "400 Bad Request", NULL, true,
		    NULL },
		{ "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "400 Bad Request", NULL, true,
		    NULL },
	};
	struct desk *d = desk_new(&(struct http_server_options){ 0 });
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		char line[100];
		const char *body;
		bool over;
		char *answer;

		buf_clear(&d->last);
		answer = exchange(d, rows[i].request, &over);
		snprintf(line, sizeof(line), " %s\r\n", rows[i].status);
		body = strstr(answer, "\r\n\r\n");
		if (strncmp(answer, "HTTP/1.", 7) != 0
		    || strncmp(answer + 8, line, strlen(line)) != 0 || over != rows[i].over
		    || body == NULL
		    || (rows[i].body != NULL && strcmp(body + 4, rows[i].body) != 0))
			fail_msg("%s: %s%s", rows[i].request, answer, over ? "(over)" : "");
		assert_null(strstr(answer, "Server:"));
		assert_string_equal(rows[i].seen == NULL ? "" : rows[i].seen,
		    d->last.data == NULL ? "" : d->last.data);
	}
	assert_int_equal(http_server_connections(d->server), 0);
	assert_int_equal(http_server_busy(d->server), 0);
	desk_free(d);
}

static void test_headers_of_answers(void **state)
{
	struct desk *d = desk_new(&(struct http_server_options){ 0 });
	char *answer;
	bool over;

	(void)state;
	answer = exchange(d, "GET / HTTP/1.1\r\n\r\n", &over);
	assert_non_null(strstr(answer, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(answer, "\r\nContent-Length: 15\r\n"));
	assert_non_null(strstr(answer, "\r\nX-Extra: 1\r\n"));
	assert_non_null(strstr(answer, "\r\nDate: "));
	answer = exchange(d, "HEAD / HTTP/1.1\r\n\r\n", &over);
	assert_non_null(strstr(answer, "\r\nContent-Length: 15\r\n"));
	assert_non_null(strstr(answer, "\r\nContent-Type: application/json\r\n"));
	answer = exchange(d, "GET /none HTTP/1.1\r\n\r\n", &over);
	assert_null(strstr(answer, "Content-"));
	answer = exchange(d, "GET /refuse HTTP/1.1\r\n\r\n", &over);
	assert_non_null(strstr(answer, "\r\nAllow: GET, HEAD\r\n"));
	assert_null(strstr(answer, "Retry-After"));
	answer = exchange(d, "GET /busy HTTP/1.1\r\n\r\n", &over);
	assert_non_null(strstr(answer, "\r\nRetry-After: 2\r\n"));
	http_server_route(d->server, NULL, NULL);
	answer = exchange(d, "GET / HTTP/1.1\r\n\r\n", &over);
	assert_non_null(strstr(answer, "404 Not Found\r\n"));
	assert_non_null(strstr(answer, "{\"error\":\"not_found\"}"));
	desk_free(d);
}

/* Bodies of all sizes, whole or in pieces, with NULs in them. */
static void test_bodies(void **state)
{
	static const char chunked[] = "POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
	static const size_t sizes[] = { 1, 100, 4095, 4096, 4097, 8192, 100000, 3000000 };
	struct desk *d = desk_new(&(struct http_server_options){ 0 });
	char *body = xmalloc(3000000), head[200];
	size_t i, j;
	bool over;
	int fd = dial(d);

	(void)state;
	for (i = 0; i < 3000000; i++)
		body[i] = (char)(i % 251);
	for (i = 0; i < COUNT(sizes); i++) {
		snprintf(head, sizeof(head), "POST /%zu HTTP/1.1\r\nContent-Length: %zu\r\n\r\n", i,
		    sizes[i]);
		say(d, fd, head, strlen(head));
		turn(d, 2);
		say(d, fd, body, sizes[i]);
		while (d->seen <= i)
			loop_turn(d->loop, 100);
		assert_int_equal(d->last_body.len, sizes[i]);
		assert_memory_equal(d->last_body.data, body, sizes[i]);
		assert_non_null(strstr(hear(d, fd, 10, &over), "200 OK"));
		assert_false(over);
	}
	d->seen = 0;
	for (j = 1; j < 30; j += 7) {
		say(d, fd, chunked, strlen(chunked));
		for (i = 0; i < 20; i++) {
			snprintf(head, sizeof(head), "%zx\r\n", j);
			say(d, fd, head, strlen(head));
			say(d, fd, body + i * j, j);
			say(d, fd, "\r\n", 2);
		}
		say(d, fd, "0\r\n\r\n", 5);
		assert_non_null(strstr(hear(d, fd, 10, &over), "200 OK"));
		assert_int_equal(d->last_body.len, 20 * j);
		assert_memory_equal(d->last_body.data, body, 20 * j);
	}
	close(fd);
	xfree(body);
	desk_free(d);
}

static void test_keep_alive_and_pipeline(void **state)
{
	static const char three[] = "POST /1 HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi"
				    "GET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\n\r\n";
	struct desk *d = desk_new(&(struct http_server_options){ .read_timeout_msecs = 100 });
	bool over;
	int fd = dial(d), i;

	(void)state;
	for (i = 0; i < 5; i++) {
		say(d, fd, "GET / HTTP/1.1\r\n\r\n", 18);
		assert_non_null(strstr(hear(d, fd, 30, &over), "200 OK"));
		assert_false(over);
	}
	d->seen = 0;
	say(d, fd, three, strlen(three));
	turn(d, 20);
	assert_int_equal(d->seen, 3);
	assert_string_equal(d->last.data, "GET /3");
	/* held in the middle: the rest waits */
	d->keep = true;
	d->seen = 0;
	say(d, fd, three, strlen(three));
	turn(d, 150); /* longer than the time to read one: that is not running */
	assert_int_equal(d->seen, 1);
	d->keep = false;
	reply_all(d);
	turn(d, 20);
	assert_int_equal(d->seen, 3);
	hear(d, fd, 10, &over);
	assert_false(over);
	close(fd);
	desk_free(d);
}

static void test_continue(void **state)
{
	static const char head[] =
	    "POST /x HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
	struct desk *d = desk_new(&(struct http_server_options){ 0 });
	bool over;
	int fd = dial(d);

	(void)state;
	say(d, fd, head, strlen(head));
	assert_string_equal(hear(d, fd, 20, &over), "HTTP/1.1 100 Continue\r\n\r\n");
	say(d, fd, "hi", 2);
	assert_non_null(strstr(hear(d, fd, 20, &over), "200 OK"));
	assert_string_equal(d->last_body.data, "hi");
	close(fd);
	desk_free(d);
}

/* The peer leaves, one way or another, while its call is held; the answer comes after that. */
static void test_late_replies(void **state)
{
	static const char plain[] = "POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello";
	static const char expecting[] = "POST /x HTTP/1.1\r\nContent-Length: 5\r\n"
					"Expect: 100-continue\r\n\r\n";
	struct desk *d = desk_new(&(struct http_server_options){ .max_connections = 5000 });
	int i, fd;

	(void)state;
	d->keep = true;
	for (i = 0; i < 1000; i++) {
		fd = dial(d);
		if (i % 5 == 3) { /* 100 Continue is still to be written when the peer goes */
			say(d, fd, expecting, strlen(expecting));
			if (i % 2 == 0)
				turn(d, 1);
			say(d, fd, "hello", 5);
		} else {
			say(d, fd, plain, strlen(plain));
		}
		if (i % 3 != 0)
			turn(d, 0);
		switch (i % 4) {
		case 0: close(fd); break;
		case 1: close_by_reset(fd); break;
		case 2:
			shutdown(fd, SHUT_WR);
			turn(d, 0);
			close_by_reset(fd);
			break;
		case 3:
			say(d, fd, plain, 20);
			close(fd);
			break;
		}
		if (i % 7 == 0)
			turn(d, 1);
		if (i % 100 == 99) {
			size_t j;

			turn(d, 3);
			for (j = 0; j < d->nkept; j++) {
				const struct http_in *in = http_in_call_request(d->kept[j]);

				assert_string_equal(in->body, "hello");
				assert_string_equal(in->path, "/x");
				assert_string_equal(http_header(in->headers, in->nheaders,
							"Content-Length"),
				    "5");
			}
			reply_all(d);
		}
	}
	assert_in_range(d->seen, 600, 1000); /* a reset can overtake its request */
	assert_deserted(d);
	assert_int_equal(http_server_busy(d->server), 0);
	desk_free(d);
}

/* The one way in which evhttp itself ends a connection whose call is held: 100 Continue could not be
 * written, the socket being full of earlier answers, and then the peer resets. */
static void test_continue_that_fails(void **state)
{
	static const char get[] = "GET / HTTP/1.1\r\n\r\n";
	static const char expecting[] = "POST /x HTTP/1.1\r\nContent-Length: 5\r\n"
					"Expect: 100-continue\r\n\r\n";
	struct desk *d = desk_new(&(struct http_server_options){ .read_timeout_msecs = 30000 });
	size_t full, i, round;
	int fd;

	(void)state;
	d->large_len = 10000;
	d->large = xcalloc(1, d->large_len);
	fd = dial(d);
	do { /* how many answers fit */
		full = d->seen;
		say(d, fd, get, strlen(get));
		turn(d, 3);
	} while (d->seen > full);
	close_by_reset(fd);
	turn(d, 3);
	for (round = 0; round < 5; round++) {
		fd = dial(d);
		d->keep = false;
		d->seen = 0;
		for (i = 0; i < full - 1 - round; i++) {
			say(d, fd, get, strlen(get));
			while (d->seen == i)
				loop_turn(d->loop, 100);
		}
		d->keep = true;
		say(d, fd, expecting, strlen(expecting));
		turn(d, 2);
		say(d, fd, "hello", 5);
		turn(d, 2);
		assert_int_equal(d->nkept, 1);
		close_by_reset(fd);
		turn(d, 2);
		assert_string_equal(http_in_call_request(d->kept[0])->body, "hello");
		reply_all(d);
		assert_deserted(d);
	}
	xfree(d->large);
	desk_free(d);
}

static void test_server_ends_before_the_reply(void **state)
{
	struct desk *d = desk_new(&(struct http_server_options){ 0 });
	static const char request[] = "POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello";
	int fd[20], i;

	(void)state;
	d->keep = true;
	for (i = 0; i < 20; i++) {
		fd[i] = dial(d);
		say(d, fd[i], request, i % 4 == 0 ? 20 : strlen(request));
		if (i % 5 == 0)
			close(fd[i]);
		if (i < 18)
			turn(d, 1);
	}
	assert_in_range(d->nkept, 8, 20);
	http_server_free(d->server);
	for (i = 0; i < (int)d->nkept; i++)
		assert_string_equal(http_in_call_request(d->kept[i])->body, "hello");
	reply_all(d);
	for (i = 0; i < 20; i++)
		if (i % 5 != 0)
			close(fd[i]);
	d->server = NULL;
	desk_free(d);
}

/* Half-closed: it has said all, and still wants its answer. */
static void test_half_closed(void **state)
{
	struct desk *d = desk_new(&(struct http_server_options){ .read_timeout_msecs = 200 });
	int i, fd;
	bool over;

	(void)state;
	for (i = 0; i < 20; i++) {
		d->keep = i % 2 == 0;
		fd = dial(d);
		say(d, fd, "GET / HTTP/1.1\r\n\r\n", 18);
		shutdown(fd, SHUT_WR);
		turn(d, 5);
		reply_all(d);
		assert_non_null(strstr(hear_out(d, fd, &over), "200 OK"));
		assert_true(over);
		close(fd);
		fd = dial(d); /* and in the middle of a request */
		say(d, fd, "POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf", 44);
		shutdown(fd, SHUT_WR);
		hear_out(d, fd, &over);
		assert_true(over);
		close(fd);
	}
	assert_deserted(d);
	desk_free(d);
}

static void test_sizes(void **state)
{
	static const struct {
		size_t header, body; /* bytes */
		bool chunked;
		const char *status, *word;
	} rows[] = {
		{ 100, 1000, false, "200 OK", "ok" },
		{ 100, 10000, false, "200 OK", "ok" },
		{ 100, 10001, false, "413 Content Too Large", "{\"error\":\"too_large\"}" },
		{ 100, 10001, true, "413 Content Too Large", "{\"error\":\"too_large\"}" },
		{ 100, 19000, false, "413 Content Too Large", "{\"error\":\"too_large\"}" },
		{ 100, 30000, false, "413 ", "" },
		{ 100, 30000, true, "413 ", "" },
		{ 3900, 0, false, "200 OK", "ok" },
		{ 4200, 0, false, "431 Request Header Fields Too Large",
		    "{\"error\":\"header_too_large\"}" },
		{ 60000, 10, false, "431 Request Header Fields Too Large",
		    "{\"error\":\"header_too_large\"}" },
		{ 100000, 0, false, "400 ", "" },
	};
	struct desk *d =
	    desk_new(&(struct http_server_options){ .max_body = 10000, .max_header = 4096 });
	struct buf request;
	size_t i, j;
	bool over;

	(void)state;
	buf_init(&request);
	for (i = 0; i < COUNT(rows); i++) {
		char *answer;

		buf_clear(&request);
		buf_adds(&request, "POST / HTTP/1.1\r\nX-Long: ");
		for (j = 0; j < rows[i].header; j++)
			buf_addc(&request, 'h');
		if (rows[i].chunked)
			buf_addf(&request, "\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n",
			    rows[i].body);
		else
			buf_addf(&request, "\r\nContent-Length: %zu\r\n\r\n", rows[i].body);
		for (j = 0; j < rows[i].body; j++)
			buf_addc(&request, 'b');
		if (rows[i].chunked)
			buf_adds(&request, "\r\n0\r\n\r\n");
		answer = exchange(d, request.data, &over);
		/* what is far too large may see its connection reset before the answer */
		if (answer[0] == '\0' && rows[i].word[0] == '\0' && over)
			continue;
		if (strncmp(answer + 9, rows[i].status, strlen(rows[i].status)) != 0
		    || strstr(answer, rows[i].word) == NULL)
			fail_msg("header %zu, body %zu: %s", rows[i].header, rows[i].body, answer);
	}
	assert_deserted(d);
	buf_fini(&request);
	desk_free(d);
}

/* limits.bodies: bytes are counted from the first one that comes, whatever the path, and however
 * they are wrapped. */
static void test_bodies_in_flight(void **state)
{
	struct desk *d = desk_new(&(struct http_server_options){ .max_body = 60000,
	    .max_bodies = 100000,
	    .max_connections = 50 });
	char *body = xmalloc(60000), *answer;
	static const char head[] = "POST / HTTP/1.1\r\nContent-Length: 60000\r\n\r\n";
	static const char small_head[] = "POST / HTTP/1.1\r\nContent-Length: 3000\r\n\r\n";
	static const char chunked[] = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
	int one = dial(d), two = dial(d), three = dial(d), i;
	bool over;

	(void)state;
	memset(body, 'b', 60000);
	say(d, one, head, strlen(head));
	say(d, one, body, 50000);
	turn(d, 5);
	say(d, two, chunked, strlen(chunked));
	for (i = 0; i < 30; i++) {
		say(d, two, "3e8\r\n", 5);
		say(d, two, body, 1000);
		say(d, two, "\r\n", 2);
	}
	turn(d, 5);
	assert_int_equal(http_server_connections(d->server), 3);
	say(d, three, head, strlen(head));
	say(d, three, body, 20000);
	answer = hear_out(d, three, &over);
	assert_true(over);
	assert_non_null(strstr(answer, "503 Service Unavailable\r\n"));
	assert_non_null(strstr(answer, "\r\nRetry-After: 1\r\n"));
	assert_non_null(strstr(answer, "\r\n\r\n{\"error\":\"busy\"}"));
	/* the others go on, and a held body counts until it is answered */
	d->keep = true;
	say(d, one, body, 10000);
	assert_kept(d, 1);
	close(two);
	turn(d, 5);
	close(three);
	three = dial(d);
	say(d, three, head, strlen(head));
	say(d, three, body, 60000);
	assert_non_null(strstr(hear(d, three, 20, &over), "503 "));
	close(three);
	reply_all(d);
	d->keep = false;
	three = dial(d);
	say(d, three, head, strlen(head));
	say(d, three, body, 60000);
	assert_non_null(strstr(hear(d, three, 20, &over), "200 OK"));
	close(one);
	close(three);
	/* small ones that come whole are refused as others are, and keep their connection */
	d->keep = true;
	for (i = 0; i < 40; i++) {
		one = dial(d);
		say(d, one, small_head, strlen(small_head));
		say(d, one, body, 3000);
		turn(d, 1);
		if (i == 34) {
			assert_non_null(strstr(hear(d, one, 10, &over), "{\"error\":\"busy\"}"));
			assert_false(over);
		}
		close(one);
	}
	assert_kept(d, 33);
	d->keep =
	    false; /* one of the last may still be on its way, and is then taken, there being room again */
	reply_all(d);
	assert_deserted(d);
	xfree(body);
	desk_free(d);
}

static void test_many_connections(void **state)
{
	struct desk *d = desk_new(&(struct http_server_options){ .max_connections = 3 });
	int fd[6], i;
	bool over;

	(void)state;
	for (i = 0; i < 6; i++) {
		fd[i] = dial(d);
		say(d, fd[i], "GET / HTTP/1.1\r\n\r\n", 18);
	}
	turn(d, 20);
	assert_int_equal(d->seen, 3);
	assert_int_equal(http_server_connections(d->server), 3);
	for (i = 0; i < 6; i++) {
		assert_non_null(strstr(hear(d, fd[i], 20, &over), "200 OK"));
		close(fd[i]);
		turn(d, 5);
	}
	assert_int_equal(d->seen, 6);
	assert_int_equal(http_server_connections(d->server), 0);
	desk_free(d);
}

/* Without file descriptors it waits, instead of turning in circles. */
static void test_no_descriptors(void **state)
{
	struct desk *d = desk_new(&(struct http_server_options){ 0 });
	int fd = dial(d), lowest = dup(fd), turns = 0;
	struct rlimit was, now;
	int64_t end_ms;
	bool over;

	(void)state;
	close(lowest);
	getrlimit(RLIMIT_NOFILE, &was);
	now = was;
	now.rlim_cur = (rlim_t)lowest;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
	say(d, fd, "GET / HTTP/1.1\r\n\r\n", 18);
	for (end_ms = clock_mono_ms() + 250; clock_mono_ms() < end_ms; turns++)
		loop_turn(d->loop, 1000);
	assert_in_range(turns, 1, 20);
	assert_int_equal(http_server_connections(d->server), 0);
	setrlimit(RLIMIT_NOFILE, &was);
	assert_non_null(strstr(hear(d, fd, 150, &over), "200 OK"));
	close(fd);
	desk_free(d);
}

static void test_slow_peers(void **state)
{
	struct desk *d =
	    desk_new(&(struct http_server_options){ .read_timeout_msecs = 150, .idle_msecs = 600 });
	static const char slow[] = "POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\n";
	int silent = dial(d), dripping = dial(d), idle = dial(d), i;
	int64_t began_ms = clock_mono_ms();
	char *answer;
	bool over;

	(void)state;
	say(d, idle, "GET / HTTP/1.1\r\n\r\n", 18);
	for (i = 0; slow[i] != '\0' && http_server_connections(d->server) != 1; i++) {
		say(d, dripping, &slow[i], 1);
		turn(d, 10);
	}
	assert_in_range(clock_mono_ms() - began_ms, 140, 30000);
	answer = hear_out(d, dripping, &over);
	assert_true(over);
	assert_non_null(strstr(answer, "408 Request Timeout\r\n"));
	assert_non_null(strstr(answer, "{\"error\":\"timeout\"}"));
	assert_string_equal(hear_out(d, silent, &over), "");
	assert_true(over);
	assert_non_null(strstr(hear(d, idle, 10, &over), "200 OK"));
	assert_false(over);
	hear_out(d, idle, &over);
	assert_true(over);
	assert_in_range(clock_mono_ms() - began_ms, 590, 60000);
	assert_int_equal(http_server_connections(d->server), 0);
	close(silent);
	close(dripping);
	close(idle);
	desk_free(d);
}

/* One that takes its answer slowly keeps its connection, one that takes nothing loses it. */
static void test_slow_readers(void **state)
{
	struct desk *d = desk_new(&(struct http_server_options){ .read_timeout_msecs = 300 });
	static char part[1 << 20];
	size_t heard = 0;
	int small = 4096, slow, never, i;
	ssize_t n;

	(void)state;
	d->large_len = 20 << 20;
	d->large = xmalloc(d->large_len);
	memset(d->large, 'x', d->large_len);
	slow = dial(d);
	never = dial(d);
	setsockopt(never, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	say(d, slow, "GET / HTTP/1.1\r\n\r\n", 18);
	say(d, never, "GET / HTTP/1.1\r\n\r\n", 18);
	for (i = 0; i < 200 && heard < d->large_len; i++) {
		turn(d, 15);
		while ((n = read(slow, part, sizeof(part))) > 0) {
			heard += (size_t)n;
			if (n < (ssize_t)sizeof(part))
				break;
		}
	}
	assert_in_range(heard, d->large_len, d->large_len + 1000);
	for (i = 0; i < 200 && http_server_connections(d->server) > 1; i++)
		turn(d, 15);
	assert_int_equal(http_server_connections(d->server), 1);
	close(slow);
	close(never);
	xfree(d->large);
	desk_free(d);
}

static void test_drain(void **state)
{
	struct desk *d = desk_new(&(struct http_server_options){ 0 });
	int idle = dial(d), held = dial(d), reading = dial(d), silent = dial(d), late;
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)http_server_port(d->server)) };
	char *answer;
	bool over;

	(void)state;
	say(d, idle, "GET / HTTP/1.1\r\n\r\n", 18);
	hear(d, idle, 5, &over);
	d->keep = true;
	say(d, held, "GET / HTTP/1.1\r\n\r\n", 18);
	say(d, reading, "GET / HT", 8);
	turn(d, 5);
	assert_int_equal(http_server_busy(d->server), 1);
	http_server_drain(d->server);
	http_server_drain(d->server);
	hear_out(d, idle, &over);
	assert_true(over);
	hear_out(d, silent, &over);
	assert_true(over);
	assert_int_equal(http_server_connections(d->server), 2);
	late = socket(AF_INET, SOCK_STREAM, 0);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(late, (struct sockaddr *)&to, sizeof(to)), -1);
	d->keep = false;
	say(d, reading, "TP/1.1\r\n\r\n", 10);
	answer = hear_out(d, reading, &over);
	assert_true(over);
	assert_non_null(strstr(answer, "200 OK"));
	assert_non_null(strstr(answer, "\r\nConnection: close\r\n"));
	reply_all(d);
	assert_int_equal(http_server_busy(d->server), 0);
	assert_non_null(strstr(hear_out(d, held, &over), "late"));
	assert_true(over);
	assert_int_equal(http_server_connections(d->server), 0);
	close(idle);
	close(held);
	close(reading);
	close(silent);
	close(late);
	desk_free(d);
}

static void test_drain_while_writing(void **state)
{
	struct desk *d = desk_new(&(struct http_server_options){ 0 });
	size_t heard = 0;
	char part[65536];
	ssize_t n = 1;
	int fd = dial(d);

	(void)state;
	d->large_len = 10 << 20;
	d->large = xcalloc(1, d->large_len);
	say(d, fd, "GET / HTTP/1.1\r\n\r\n", 18);
	turn(d, 10);
	http_server_drain(d->server);
	while (n != 0) {
		loop_turn(d->loop, 1);
		while ((n = read(fd, part, sizeof(part))) > 0)
			heard += (size_t)n;
	}
	assert_in_range(heard, d->large_len, d->large_len + 1000);
	assert_int_equal(http_server_connections(d->server), 0);
	close(fd);
	xfree(d->large);
	desk_free(d);
}

static void test_addresses(void **state)
{
	static const struct {
		const char *address, *problem; /* NULL: none */
	} rows[] = {
		{ "127.0.0.1:0", NULL },
		{ "localhost:0", NULL },
		{ ":0", NULL },
		{ "nonsense", "listen nonsense: not host:port or [v6]:port" },
		{ "::1:80", "listen ::1:80: not host:port or [v6]:port" },
		{ "[::1:80", "listen [::1:80: not host:port or [v6]:port" },
		{ "[::1]80", "listen [::1]80: not host:port or [v6]:port" },
		{ "127.0.0.1:", "listen 127.0.0.1:: not host:port or [v6]:port" },
		{ "127.0.0.1:http", "listen 127.0.0.1:http: not host:port or [v6]:port" },
		{ "192.0.2.1:80", "listen 192.0.2.1:80: Cannot assign requested address" },
	};
	struct desk *d = desk_new(&(struct http_server_options){ 0 });
	struct err err;
	char address[40];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		int rc = http_server_listen(d->server, rows[i].address, &err);

		if ((rc != 0) != (rows[i].problem != NULL)
		    || (rc != 0 && strcmp(err.text, rows[i].problem) != 0))
			fail_msg("%s: %s", rows[i].address, rc == 0 ? "taken" : err.text);
	}
	snprintf(address, sizeof(address), "127.0.0.1:%u", http_server_port(d->server));
	assert_int_equal(http_server_listen(d->server, address, &err), -1);
	assert_non_null(strstr(err.text, "Address already in use"));
	http_server_listen(d->server, "[::1]:0", &err); /* where there is IPv6 */
	desk_free(d);
}

static void test_unix_socket(void **state)
{
	struct desk *d = desk_new(&(struct http_server_options){ 0 });
	struct desk *other = desk_new(&(struct http_server_options){ 0 });
	char folder[] = "/tmp/tieline-test-XXXXXX", path[60], peer[40], longer[200];
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct stat st;
	struct err err;
	bool over;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
	/* a file is left alone, a dead socket is not */
	fd = creat(path, 0600);
	close(fd);
	assert_int_equal(http_server_listen_unix(d->server, path, 0660, &err), -1);
	assert_non_null(strstr(err.text, "it is not a socket"));
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	memcpy(to.sun_path, path, strlen(path));
	assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	close(fd);
	assert_int_equal(http_server_listen_unix(d->server, path, 0660, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_int_equal(http_server_listen_unix(other->server, path, 0660, &err), -1);
	assert_non_null(strstr(err.text, "another process answers there"));
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(http_server_listen_unix(other->server, longer, 0660, &err), -1);
	assert_int_equal(http_server_listen_unix(other->server, "/nowhere/socket", 0660, &err), -1);
	assert_string_equal(err.text, "socket /nowhere/socket: No such file or directory");

	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	d->keep = true;
	say(d, fd, "GET /u HTTP/1.1\r\n\r\n", 19);
	assert_kept(d, 1);
	snprintf(peer, sizeof(peer), "uid %u", (unsigned)getuid());
	assert_string_equal(http_in_call_request(d->kept[0])->peer, peer);
	reply_all(d);
	assert_non_null(strstr(hear(d, fd, 10, &over), "late"));
	close(fd);
	desk_free(other);
	desk_free(d);
	assert_int_equal(stat(path, &st), -1);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_headers_of_answers),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_keep_alive_and_pipeline),
		cmocka_unit_test(test_continue),
		cmocka_unit_test(test_late_replies),
		cmocka_unit_test(test_continue_that_fails),
		cmocka_unit_test(test_server_ends_before_the_reply),
		cmocka_unit_test(test_half_closed),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_bodies_in_flight),
		cmocka_unit_test(test_many_connections),
		cmocka_unit_test(test_no_descriptors),
		cmocka_unit_test(test_slow_peers),
		cmocka_unit_test(test_slow_readers),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_drain_while_writing),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_unix_socket),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
