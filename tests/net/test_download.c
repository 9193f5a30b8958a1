/* Answers into files, from addresses that somebody else names, and files into requests. The far side is
 * fault_server.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <netdb.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/loop.h"
#include "base/secret.h"
#include "net/http_out.h"

#define CERT TEST_SOURCE_DIR "/fault_server.crt"
#define KEY TEST_SOURCE_DIR "/fault_server.key"
#define MAX 1000000

static struct {
	pid_t pid;
	int in;
	int port, tls_port;
	char folder[64], socket[80], path[80];
} far_side;

static const char *const loopback[] = { "127.0.0.0/8" };

struct told {
	int times;
	struct http_resp resp;
	char type[100], detail[300];
	struct buf body;
};

static void on_done(void *arg, const struct http_resp *resp)
{
	struct told *t = arg;

	t->times++;
	t->resp = *resp;
	snprintf(t->type, sizeof(t->type), "%s", resp->content_type ? resp->content_type : "");
	snprintf(t->detail, sizeof(t->detail), "%s", resp->detail ? resp->detail : "");
	buf_clear(&t->body);
	buf_add(&t->body, resp->body, resp->body_len);
}

static void turn_until(struct loop *l, const int *times)
{
	int64_t end_ms = clock_mono_ms() + 60000;

	while (*times < 1 && clock_mono_ms() < end_ms)
		loop_turn(l, 1000);
	assert_int_equal(*times, 1);
}

static void with_wire(void (*test)(struct loop *l, struct http_out *o))
{
	const struct http_out_options options = { .max_answer = 4096 };
	struct loop *l = loop_new();
	struct err err;
	struct http_out *o = http_out_new(l, &options, &err);

	assert_non_null(o);
	test(l, o);
	assert_int_equal(http_out_busy(o), 0);
	http_out_free(o);
	loop_free(l);
}

/* Fetches url; allow NULL: only public addresses. */
static void fetch(struct loop *l, struct http_out *o, const char *url, const char *const *allow,
    struct told *t)
{
	const struct http_into into = { .path = far_side.path,
		.max = MAX,
		.allow = allow,
		.nallow = allow != NULL ? 1 : 0 };
	const struct http_req req = { .method = "GET",
		.url = url,
		.into = &into,
		.timeout_msecs = 40000,
		.repeatable = true };

	*t = (struct told){ 0 };
	http_out_start(o, &req, on_done, t);
	turn_until(l, &t->times);
	buf_fini(&t->body);
}

static const char *far_url(const char *path)
{
	static char url[4][400];
	static int next;
	char *u = url[next++ % 4];

	snprintf(u, sizeof(url[0]), "http://127.0.0.1:%d%s", far_side.port, path);
	return u;
}

static bool is_there(void)
{
	struct stat st;

	return stat(far_side.path, &st) == 0;
}

/* What the far side sends for /file/<len>. */
static void expect_file(size_t len, const struct http_resp *resp)
{
	unsigned char *wanted = malloc(len + 1), *got = malloc(len + 1), sum[SHA256_SIZE];
	FILE *f = fopen(far_side.path, "r");
	size_t i;

	assert_non_null(f);
	for (i = 0; i < len; i++)
		wanted[i] = (unsigned char)(i % 251);
	assert_int_equal(fread(got, 1, len + 1, f), len);
	fclose(f);
	assert_memory_equal(got, wanted, len);
	sha256(wanted, len, sum);
	assert_memory_equal(resp->file_sha256, sum, sizeof(sum));
	assert_int_equal(resp->file_len, len);
	unlink(far_side.path);
	free(wanted);
	free(got);
}

static void whole_files(struct loop *l, struct http_out *o)
{
	static const size_t sizes[] = { 0, 1, 4097, 300000, MAX };
	struct told t;
	char path[50];
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		snprintf(path, sizeof(path), "/file/%zu", sizes[i]);
		fetch(l, o, far_url(path), loopback, &t);
		assert_int_equal(t.resp.transport, TRANSPORT_OK);
		assert_int_equal(t.resp.status, 200);
		assert_string_equal(t.type, "image/png");
		assert_int_equal(t.resp.body_len, 0);
		expect_file(sizes[i], &t.resp);
	}
}

static void test_whole_files(void **state)
{
	(void)state;
	with_wire(whole_files);
}

static void bad_files(struct loop *l, struct http_out *o)
{
	static const struct {
		const char *path;
		enum transport transport;
		int status;
	} rows[] = {
		{ "/missing/x", TRANSPORT_OK, 404 },
		{ "/error/x", TRANSPORT_OK, 500 },
		{ "/fin/x", TRANSPORT_CUT, 0 },
		{ "/half_body/x", TRANSPORT_CUT, 200 },
		{ "/half_body_rst/x", TRANSPORT_CUT, 200 },
		{ "/half_chunked/x", TRANSPORT_CUT, 200 },
		{ "/file/1000001", TRANSPORT_TOO_LARGE, 200 },
		{ "/large_chunked/x", TRANSPORT_TOO_LARGE, 200 },
		{ "/endless/x", TRANSPORT_TOO_LARGE, 200 },
		{ "/huge/x", TRANSPORT_TOO_LARGE, 200 },
		{ "/round/x", TRANSPORT_CUT, 302 },
		{ "/to/file%3A%2F%2F%2Fetc%2Fpasswd", TRANSPORT_CUT, 302 },
		{ "/to/ftp%3A%2F%2F127.0.0.1%2Fx", TRANSPORT_CUT, 302 },
	};
	struct told t;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fetch(l, o, far_url(rows[i].path), loopback, &t);
		if (t.resp.transport != rows[i].transport || t.resp.status != rows[i].status)
			fail_msg("%s: transport %d, status %d, %s", rows[i].path,
			    (int)t.resp.transport, t.resp.status, t.detail);
		if (is_there())
			fail_msg("%s left a file", rows[i].path);
		assert_int_equal(t.resp.is_silent,
		    rows[i].transport == TRANSPORT_CUT && rows[i].status == 0);
	}
	fetch(l, o, far_url("/longer/x"), loopback, &t); /* what it says counts */
	assert_int_equal(t.resp.file_len, 5);
	unlink(far_side.path);
}

static void test_bad_files(void **state)
{
	(void)state;
	with_wire(bad_files);
}

static void forbidden(struct loop *l, struct http_out *o)
{
	char urls[8][200];
	struct told t;
	size_t i;
	int p = far_side.port;

	snprintf(urls[0], sizeof(urls[0]), "http://127.0.0.1:%d/file/5", p);
	snprintf(urls[1], sizeof(urls[1]), "http://localhost:%d/file/5", p);
	snprintf(urls[2], sizeof(urls[2]), "http://[::1]:%d/file/5", p);
	snprintf(urls[3], sizeof(urls[3]), "http://2130706433:%d/file/5", p);
	snprintf(urls[4], sizeof(urls[4]), "http://0x7f.1:%d/file/5", p);
	snprintf(urls[5], sizeof(urls[5]), "http://[::ffff:127.0.0.1]:%d/file/5", p);
	snprintf(urls[6], sizeof(urls[6]), "http://169.254.169.254/latest/meta-data/");
	snprintf(urls[7], sizeof(urls[7]), "http://0.0.0.0:%d/file/5", p);
	for (i = 0; i < 8; i++) {
		fetch(l, o, urls[i], NULL, &t);
		if (t.resp.transport != TRANSPORT_CONNECT || !t.resp.is_forbidden || t.resp.sent)
			fail_msg("%s: %d %s", urls[i], (int)t.resp.transport, t.detail);
		assert_string_equal(t.detail, "not a public address");
		assert_false(is_there());
	}
	/* A network that is allowed does not open the others. */
	for (i = 6; i < 8; i++) {
		fetch(l, o, urls[i], loopback, &t);
		assert_true(t.resp.is_forbidden);
	}
}

static void test_forbidden(void **state)
{
	(void)state;
	with_wire(forbidden);
}

/* A connection that another request keeps open is not lent, and a redirect is looked at like the first
 * address. */
static void not_by_a_detour(struct loop *l, struct http_out *o)
{
	const struct http_req own = { .method = "GET",
		.url = far_url("/ok/own"),
		.timeout_msecs = 20000,
		.repeatable = true };
	char path[300];
	struct told t = { 0 };

	http_out_start(o, &own, on_done, &t);
	turn_until(l, &t.times);
	assert_int_equal(t.resp.status, 200);
	buf_fini(&t.body);
	fetch(l, o, far_url("/file/5"), NULL, &t);
	assert_true(t.resp.is_forbidden);

	snprintf(path, sizeof(path), "/to/http%%3A%%2F%%2F127.0.0.1%%3A%d%%2Ffile%%2F7",
	    far_side.port);
	fetch(l, o, far_url(path), loopback, &t);
	assert_int_equal(t.resp.status, 200);
	expect_file(7, &t.resp);
	fetch(l, o, far_url("/to/http%3A%2F%2F169.254.169.254%2Flatest"), loopback, &t);
	assert_true(t.resp.is_forbidden);
	assert_int_equal(t.resp.transport, TRANSPORT_CONNECT);
	fetch(l, o, far_url("/to/http%3A%2F%2F10.0.0.1%2F"), loopback, &t);
	assert_true(t.resp.is_forbidden);
	/* And what follows is as it was before. */
	t = (struct told){ 0 };
	http_out_start(o,
	    &(struct http_req){ .method = "GET",
		.url = far_url("/redirect/own"),
		.timeout_msecs = 20000 },
	    on_done, &t);
	turn_until(l, &t.times);
	assert_int_equal(t.resp.status, 302);
	buf_fini(&t.body);
}

static void test_not_by_a_detour(void **state)
{
	(void)state;
	with_wire(not_by_a_detour);
}

/* ---- a name that leads elsewhere at the second look ---- */

static atomic_int looks;

/* Takes the C library's place, for curl as well: the name of this test is 127.0.0.1 once, and then what the
 * allowed network does not hold. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
    struct addrinfo **res)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	if (node != NULL && strcmp(node, "rebind.test") == 0)
		node = atomic_fetch_add(&looks, 1) == 0 ? "127.0.0.1" : "127.0.0.2";
	return real(node, service, hints, res);
}

static void rebound(struct loop *l, struct http_out *o)
{
	static const char *const only[] = { "127.0.0.1/32" };
	char url[400];
	struct told t;

	/* Another port, since an answer of the resolver is good for a minute for the same one. */
	atomic_store(&looks, 0);
	snprintf(url, sizeof(url),
	    "http://rebind.test:%d/to/http%%3A%%2F%%2Frebind.test%%3A%d%%2Ffile%%2F7",
	    far_side.port, far_side.port + 1);
	fetch(l, o, url, only, &t);
	assert_int_equal(atomic_load(&looks), 2);
	assert_true(t.resp.is_forbidden);
	assert_int_equal(t.resp.transport, TRANSPORT_CONNECT);
	assert_false(is_there());
	/* What was allowed a moment ago is looked at again. */
	snprintf(url, sizeof(url), "http://rebind.test:%d/file/7", far_side.port + 2);
	fetch(l, o, url, only, &t);
	assert_true(t.resp.is_forbidden);
	assert_int_equal(atomic_load(&looks), 3);
}

static void test_rebound(void **state)
{
	(void)state;
	with_wire(rebound);
}

static void unknown(struct loop *l, struct http_out *o)
{
	static const char *const urls[] = { "http://nobody.invalid/x", "gopher://127.0.0.1/x",
		"file:///etc/passwd", "nonsense", "http://" };
	struct told t;
	size_t i;

	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		fetch(l, o, urls[i], loopback, &t);
		if (t.resp.transport != TRANSPORT_CONNECT || !t.resp.is_unknown)
			fail_msg("%s: %d %s", urls[i], (int)t.resp.transport, t.detail);
	}
}

static void test_unknown(void **state)
{
	(void)state;
	with_wire(unknown);
}

static void no_disk(struct loop *l, struct http_out *o)
{
	char kept[80];
	struct told t;

	memcpy(kept, far_side.path, sizeof(kept));
	snprintf(far_side.path, sizeof(far_side.path), "%s/none/file", far_side.folder);
	fetch(l, o, far_url("/file/5"), loopback, &t);
	assert_true(t.resp.is_disk);
	assert_int_equal(t.resp.transport, TRANSPORT_CUT);
	fetch(l, o, far_url("/file/0"), loopback, &t);
	assert_true(t.resp.is_disk);
	assert_int_equal(t.resp.transport, TRANSPORT_CUT);
	memcpy(far_side.path, kept, sizeof(kept));
}

static void test_no_disk(void **state)
{
	(void)state;
	with_wire(no_disk);
}

/* A download that is given up leaves nothing. */
static void cancelled(struct loop *l, struct http_out *o)
{
	const struct http_into into = { .path = far_side.path,
		.max = MAX,
		.allow = loopback,
		.nallow = 1 };
	const struct http_req req = { .method = "GET",
		.url = far_url("/slow_body/x"),
		.into = &into,
		.timeout_msecs = 40000,
		.repeatable = true };
	int64_t end_ms = clock_mono_ms() + 20000;
	struct told t = { 0 };
	struct http_call *call = http_out_start(o, &req, on_done, &t);

	while (!is_there() && clock_mono_ms() < end_ms)
		loop_turn(l, 100);
	assert_true(is_there());
	http_out_cancel(call);
	assert_false(is_there());
	assert_int_equal(t.times, 0);
}

static void test_cancelled(void **state)
{
	(void)state;
	with_wire(cancelled);
}

static void parts(struct loop *l, struct http_out *o)
{
	struct http_part p[] = { { .name = "content", .body = "h\xc3\xa9llo" },
		{ .name = "attachments[]",
		    .path = far_side.path,
		    .filename = "a \"b\".png",
		    .type = "image/png" } };
	struct http_req req = { .method = "POST",
		.url = far_url("/echo/parts"),
		.parts = p,
		.nparts = 2,
		.headers = { { "X-One", "1", false } },
		.nheaders = 1,
		.timeout_msecs = 20000 };
	FILE *f = fopen(far_side.path, "w");
	struct told t = { 0 };

	fputs("the bytes", f);
	fclose(f);
	http_out_start(o, &req, on_done, &t);
	turn_until(l, &t.times);
	assert_int_equal(t.resp.status, 200);
	assert_memory_equal(t.type, "multipart/form-data; boundary=", 30);
	assert_non_null(strstr(t.body.data, "name=\"content\"\r\n\r\nh\xc3\xa9llo\r\n"));
	assert_non_null(strstr(t.body.data,
	    "name=\"attachments[]\"; filename=\"a %22b%22.png\"\r\nContent-Type: image/png\r\n\r\n"
	    "the bytes\r\n"));
	unlink(far_side.path);
	buf_fini(&t.body);

	/* A file that is not there is not sent. */
	t = (struct told){ 0 };
	http_out_start(o, &req, on_done, &t);
	turn_until(l, &t.times);
	assert_int_equal(t.resp.transport, TRANSPORT_CONNECT);
	assert_false(t.resp.sent);
	buf_fini(&t.body);

	/* The next request has its own body again. */
	req = (struct http_req){ .method = "POST",
		.url = far_url("/echo/plain"),
		.content_type = "text/plain",
		.body = "plain",
		.body_len = 5,
		.timeout_msecs = 20000 };
	t = (struct told){ 0 };
	http_out_start(o, &req, on_done, &t);
	turn_until(l, &t.times);
	assert_string_equal(t.type, "text/plain");
	assert_string_equal(t.body.data, "plain");
	buf_fini(&t.body);
}

static void test_parts(void **state)
{
	(void)state;
	with_wire(parts);
}

/* A kept connection dies with the file on its way: it is not sent a second time. */
static void parts_once(struct loop *l, struct http_out *o)
{
	const struct http_part p = { .name = "file", .path = far_side.path, .filename = "x" };
	const struct http_req first = { .method = "GET",
		.url = far_url("/then_rst_on_next/once"),
		.timeout_msecs = 20000 };
	const struct http_req req = { .method = "POST",
		.url = far_url("/ok/once"),
		.parts = &p,
		.nparts = 1,
		.timeout_msecs = 20000 };
	FILE *f = fopen(far_side.path, "w");
	struct told t = { 0 };

	fputs("the bytes", f);
	fclose(f);
	http_out_start(o, &first, on_done, &t);
	turn_until(l, &t.times);
	buf_fini(&t.body);
	t = (struct told){ 0 };
	http_out_start(o, &req, on_done, &t);
	turn_until(l, &t.times);
	assert_int_equal(t.resp.transport, TRANSPORT_CUT);
	assert_true(t.resp.sent);
	buf_fini(&t.body);
	unlink(far_side.path);
}

static void test_parts_once(void **state)
{
	(void)state;
	with_wire(parts_once);
}

static int start_far_side(void **state)
{
	int in[2], out[2];
	FILE *f;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	snprintf(far_side.folder, sizeof(far_side.folder), "/tmp/tieline-download-XXXXXX");
	if (mkdtemp(far_side.folder) == NULL || pipe(in) != 0 || pipe(out) != 0)
		return -1;
	snprintf(far_side.socket, sizeof(far_side.socket), "%s/socket", far_side.folder);
	snprintf(far_side.path, sizeof(far_side.path), "%s/file", far_side.folder);
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
		cmocka_unit_test(test_whole_files),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_forbidden),
		cmocka_unit_test(test_not_by_a_detour),
		cmocka_unit_test(test_rebound),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_no_disk),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_parts_once),
	};

	return cmocka_run_group_tests(tests, start_far_side, end_far_side);
}
