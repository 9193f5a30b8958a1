/* The bare references: what each library does when nothing else is asked of it, measured in the same
 * run as the relay, on the relay's core. */
#include "bench.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <yajl/yajl_parse.h>

#include "base/mem.h"
#include "base/secret.h"

static pid_t child(void)
{
	pid_t pid = fork();

	if (pid < 0)
		fatal("fork: %s", strerror(errno));
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pin(RELAY_CORE);
	}
	return pid;
}

void bare_stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* ---- a server that answers and does nothing else ---- */

static void on_request(struct evhttp_request *req, void *arg)
{
	static const char ok[] = "{\"status\":\"ok\"}";

	(void)arg;
	evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Type",
	    "application/json");
	evbuffer_add(evhttp_request_get_output_buffer(req), ok, sizeof(ok) - 1);
	evhttp_send_reply(req, 200, "OK", NULL);
}

pid_t bare_http_start(unsigned *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
	struct event_base *base;
	struct evhttp *http;
	pid_t pid;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) != 0 || listen(fd, 511) != 0
	    || getsockname(fd, (struct sockaddr *)&at, &len) != 0)
		fatal("bare server: %s", strerror(errno));
	*port = ntohs(at.sin_port);
	pid = child();
	if (pid > 0) {
		close(fd);
		return pid;
	}
	base = event_base_new();
	http = evhttp_new(base);
	evhttp_set_gencb(http, on_request, NULL);
	evhttp_set_max_body_size(http, 1 << 20);
	if (evhttp_accept_socket(http, fd) != 0)
		_exit(1);
	event_base_dispatch(base);
	_exit(0);
}

/* ---- a client that posts and does nothing else ---- */

struct poster {
	struct event_base *base;
	CURLM *multi;
	struct event *timer;
	struct event *sockets[1024];
};

static const char posted[] =
    "{\"content\":\"Hello, my order 1042 has not come yet. Could you please look where it is? It"
    " should have been here on Friday, and I am leaving on Monday.\",\"message_type\":\"incoming\","
    "\"source_id\":\"tl1:support:m:1:0123456789abcdef0123:0:0123456789abcdef\"}";

static size_t no_body(char *from, size_t size, size_t count, void *arg)
{
	(void)from, (void)arg;
	return size * count;
}

/* A finished one begins again at once. */
static void reap(struct poster *p)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(p->multi, &left)) != NULL) {
		CURL *easy = m->easy_handle;

		curl_multi_remove_handle(p->multi, easy);
		curl_multi_add_handle(p->multi, easy);
	}
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct poster *p = arg;
	int mask = 0, running;

	if ((what & EV_READ) != 0)
		mask |= CURL_CSELECT_IN;
	if ((what & EV_WRITE) != 0)
		mask |= CURL_CSELECT_OUT;
	curl_multi_socket_action(p->multi, fd, mask, &running);
	reap(p);
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
	struct poster *p = arg;
	int running;

	(void)fd, (void)what;
	curl_multi_socket_action(p->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	reap(p);
}

static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
	struct poster *p = arg;
	short wanted = 0;

	(void)easy, (void)unused;
	if ((size_t)fd >= sizeof(p->sockets) / sizeof(p->sockets[0]))
		_exit(1);
	if (p->sockets[fd] != NULL)
		event_free(p->sockets[fd]);
	p->sockets[fd] = NULL;
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		wanted |= EV_READ;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		wanted |= EV_WRITE;
	if (wanted == 0)
		return 0;
	p->sockets[fd] = event_new(p->base, fd, wanted | EV_PERSIST, on_ready, p);
	event_add(p->sockets[fd], NULL);
	return 0;
}

static int on_time_wanted(CURLM *multi, long msecs, void *arg)
{
	struct poster *p = arg;
	struct timeval tv = { msecs / 1000, msecs % 1000 * 1000 };

	(void)multi;
	if (msecs < 0)
		evtimer_del(p->timer);
	else
		evtimer_add(p->timer, &tv);
	return 0;
}

static void post_for_ever(unsigned sink_port, int in_flight)
{
	struct poster *p = xcalloc(1, sizeof(*p));
	struct curl_slist *lines = NULL;
	char url[100];
	int i;

	snprintf(url, sizeof(url),
	    "http://127.0.0.1:%u/bare/api/v1/accounts/1/conversations/1/messages", sink_port);
	p->base = event_base_new();
	p->timer = evtimer_new(p->base, on_time, p);
	p->multi = curl_multi_init();
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETDATA, p);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERFUNCTION, on_time_wanted);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERDATA, p);
	curl_multi_setopt(p->multi, CURLMOPT_MAXCONNECTS, (long)in_flight);
	lines = curl_slist_append(lines, "Expect:");
	lines = curl_slist_append(lines, "Content-Type: application/json");
	lines = curl_slist_append(lines, "api_access_token: bench-desk-token");
	for (i = 0; i < in_flight; i++) {
		CURL *e = curl_easy_init();

		curl_easy_setopt(e, CURLOPT_URL, url);
		curl_easy_setopt(e, CURLOPT_HTTPHEADER, lines);
		curl_easy_setopt(e, CURLOPT_POST, 1L);
		curl_easy_setopt(e, CURLOPT_POSTFIELDS, posted);
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)sizeof(posted) - 1);
		curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, no_body);
		curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
		curl_easy_setopt(e, CURLOPT_PROXY, "");
		curl_multi_add_handle(p->multi, e);
	}
	event_base_loop(p->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

pid_t bare_client_start(unsigned sink_port, int in_flight)
{
	pid_t pid = child();

	if (pid == 0) {
		post_for_ever(sink_port, in_flight);
		_exit(0);
	}
	return pid;
}

/* ---- a table that is filled ---- */

static void run_sql(sqlite3 *db, const char *sql)
{
	char *why = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fatal("bare store: %s: %s", sql, why);
}

static sqlite3 *make_table(const char *dir)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char path[512];
	sqlite3 *db;
	size_t i;

	for (i = 3; i-- > 0;) {
		snprintf(path, sizeof(path), "%s/bare.db%s", dir, ends[i]);
		unlink(path);
	}
	if (sqlite3_open(path, &db) != SQLITE_OK)
		fatal("bare store: %s", path);
	run_sql(db, "PRAGMA page_size = 4096");
	run_sql(db, "PRAGMA journal_mode = WAL");
	run_sql(db, "PRAGMA synchronous = FULL");
	run_sql(db, "PRAGMA cache_size = -2048");
	run_sql(db,
	    "CREATE TABLE row (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, body BLOB NOT NULL)"
	    " STRICT");
	return db;
}

static double fill_table(const char *dir, int batch, double secs)
{
	sqlite3 *db = make_table(dir);
	sqlite3_stmt *add, *begin, *commit;
	char key[32], body[600];
	int64_t begun, until, rows = 0;
	double rate;
	int i;

	sqlite3_prepare_v3(db, "INSERT INTO row(key, body) VALUES(?, ?)", -1,
	    SQLITE_PREPARE_PERSISTENT, &add, NULL);
	sqlite3_prepare_v3(db, "BEGIN IMMEDIATE", -1, SQLITE_PREPARE_PERSISTENT, &begin, NULL);
	sqlite3_prepare_v3(db, "COMMIT", -1, SQLITE_PREPARE_PERSISTENT, &commit, NULL);
	memset(body, 'x', sizeof(body));
	begun = now_us();
	until = begun + (int64_t)(secs * 1e6);
	while (now_us() < until) {
		sqlite3_step(begin);
		sqlite3_reset(begin);
		for (i = 0; i < batch; i++) {
			snprintf(key, sizeof(key), "6b00ad9c%016llx", (unsigned long long)rows++);
			sqlite3_bind_text(add, 1, key, -1, SQLITE_STATIC);
			sqlite3_bind_blob(add, 2, body, sizeof(body), SQLITE_STATIC);
			if (sqlite3_step(add) != SQLITE_DONE)
				fatal("bare store: %s", sqlite3_errmsg(db));
			sqlite3_reset(add);
		}
		if (sqlite3_step(commit) != SQLITE_DONE)
			fatal("bare store: %s", sqlite3_errmsg(db));
		sqlite3_reset(commit);
	}
	rate = (double)rows * 1e6 / (double)(now_us() - begun);
	sqlite3_finalize(add);
	sqlite3_finalize(begin);
	sqlite3_finalize(commit);
	sqlite3_close(db);
	return rate;
}

void bare_fill_ids(const char *dir, uint32_t count)
{
	static const char numbers[] =
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %u)"
	    " INSERT INTO idmap(endpoint, kind, remote, ref)"
	    " SELECT (SELECT id FROM endpoint WHERE name = '%s'), unicode('m'), %s, i * 16 FROM n";
	char path[512], sql[600];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/bench.db", dir);
	if (sqlite3_open(path, &db) != SQLITE_OK)
		fatal("bare store: %s", path);
	run_sql(db, "PRAGMA synchronous = OFF");
	snprintf(sql, sizeof(sql), numbers, count / 2, "shop", "printf('6b00ad9b%016x', i)");
	run_sql(db, sql);
	snprintf(sql, sizeof(sql), numbers, count / 2, "desk", "i");
	run_sql(db, sql);
	run_sql(db, "PRAGMA wal_checkpoint(TRUNCATE)");
	sqlite3_close(db);
	sync();
}

/* Runs fn in a child on the relay's core; what it returns comes back over shared memory. */
static double in_child(double (*fn)(void *arg), void *arg)
{
	double *result =
	    mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double value;
	pid_t pid;

	if (result == MAP_FAILED)
		fatal("mmap: %s", strerror(errno));
	pid = child();
	if (pid == 0) {
		*result = fn(arg);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	value = *result;
	munmap(result, sizeof(*result));
	return value;
}

struct job {
	const char *dir;
	const struct body *body;
	int count;
	size_t len;
	double secs;
};

static double commit_job(void *arg)
{
	const struct job *j = arg;

	return fill_table(j->dir, j->count, j->secs);
}

double bare_commit(const char *dir, int batch, double secs)
{
	struct job j = { .dir = dir, .count = batch, .secs = secs };

	return in_child(commit_job, &j);
}

/* ---- reading, signing, syncing ---- */

static int take_key(void *arg, const unsigned char *text, size_t len)
{
	(void)text;
	*(size_t *)arg += len;
	return 1;
}

static double yajl_job(void *arg)
{
	static const yajl_callbacks callbacks = { .yajl_map_key = take_key,
		.yajl_string = take_key };
	const struct job *j = arg;
	int64_t begun = now_us(), until = begun + (int64_t)(j->secs * 1e6), n = 0;
	size_t seen = 0;

	while (now_us() < until) {
		yajl_handle h = yajl_alloc(&callbacks, NULL, &seen);

		if (yajl_parse(h, (const unsigned char *)j->body->text, j->body->len)
			!= yajl_status_ok
		    || yajl_complete_parse(h) != yajl_status_ok)
			fatal("bare reader: the body is not JSON");
		yajl_free(h);
		n++;
	}
	return (double)(now_us() - begun) / (double)n;
}

double bare_yajl_us(const struct body *b, double secs)
{
	struct job j = { .body = b, .secs = secs };

	return in_child(yajl_job, &j);
}

static double hmac_job(void *arg)
{
	const struct job *j = arg;
	unsigned char mac[SHA256_SIZE];
	char *data = xcalloc(1, j->len);
	int64_t begun = now_us(), until = begun + (int64_t)(j->secs * 1e6), n = 0;

	for (; now_us() < until; n++)
		hmac_sha256(DESK_SECRET, strlen(DESK_SECRET), data, j->len, mac);
	return (double)(now_us() - begun) / (double)n;
}

double bare_hmac_us(size_t len, double secs)
{
	struct job j = { .len = len, .secs = secs };

	return in_child(hmac_job, &j);
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static double fsync_job(void *arg)
{
	const struct job *j = arg;
	int64_t *us = xcalloc((size_t)j->count, sizeof(*us));
	char path[512], page[4096] = "";
	int fd, i;

	snprintf(path, sizeof(path), "%s/bare.sync", j->dir);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	for (i = 0; i < j->count; i++) {
		us[i] = now_us();
		if (pwrite(fd, page, sizeof(page), (off_t)i * 4096) != 4096 || fdatasync(fd) != 0)
			fatal("bare sync: %s", strerror(errno));
		us[i] = now_us() - us[i];
	}
	close(fd);
	unlink(path);
	qsort(us, (size_t)j->count, sizeof(*us), by_size);
	return (double)us[j->count / 2] / 1000;
}

double bare_fsync_ms(const char *dir, int count)
{
	struct job j = { .dir = dir, .count = count };

	return in_child(fsync_job, &j);
}
