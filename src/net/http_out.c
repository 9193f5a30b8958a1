/* Requests we make. A call's life:
 *
 *   http_out_start ─▶ waiting (all connections in use) ─▶ running ─▶ call_conclude ─▶ done, idle
 *                 └▶ refused (cannot be started) ─────────────────▶ ┘
 *
 * Sent once. By itself curl sends a request again when a connection it took from its cache closes
 * before the first byte of an answer, although the request may have been read and acted upon. It asks
 * on_hand_over before each time it gives a request to a connection, and on_hand_over allows that once,
 * unless the request is `repeatable`. (A body that curl cannot rewind, from a read function without a
 * seek function, would hold it back as well, but not where there is no body, and goes out in a packet
 * of its own: about a fifth fewer requests a second.)
 *
 * Sent or not. Once a request was handed to a connection that is up (TLS included), it may have been
 * read, whatever the counters say: curl's own count of what went out is 0 where the far side closed
 * right after reading it all. Before that, surely not.
 *
 * Who drives curl is src/net/curl_drive.c; it reaps when curl is done, so that done runs outside of curl. */
#include "net/http_out.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/address.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/loop.h"
#include "base/mem.h"
#include "net/curl_drive.h"
#include "net/download.h"
#include "net/roots.h"

#define IDLE_CALLS 64           /* easy handles kept for the next calls */
#define IDLE_ANSWER (64 * 1024) /* bytes of answer buffer that such a one may keep */
#define MAX_HEAD (256 * 1024)   /* bytes of status lines, headers and trailers of one answer */
#define WAITING_LOOK_MSECS 50   /* how often deadlines of waiting calls are looked at */
#define REDIRECTS 5
/* A file that comes more slowly than so many bytes a second, for so long, does not come. */
#define CREEP_BYTES 4096L
#define CREEP_SECS 20L

#ifndef TIELINE_VERSION
#define TIELINE_VERSION "0"
#endif

struct http_call {
	struct http_out *out;
	TAILQ_ENTRY(http_call) link;
	struct call_list *list; /* the one it is on; NULL while done runs */
	CURL *easy;
	struct arena *arena; /* header lines */
	struct http_req req;
	void (*done)(void *arg, const struct http_resp *resp);
	void *arg;
	int64_t started_ms, deadline_ms; /* clock_mono_ms */
	int handed_over;                 /* how often curl was about to give it to a connection */
	size_t head_len;                 /* bytes of the answer before its body */
	bool head_whole;                 /* the blank line behind the headers has come */
	struct buf answer;
	struct download *download; /* with req.into; NULL else, and before a good answer begins */
	curl_mime *mime;           /* with req.parts */
	bool too_large;
	bool is_forbidden; /* an address was not connected to */
	bool is_disk;
	bool is_stranger; /* options for req.into are set */
	char why[CURL_ERROR_SIZE];
};

TAILQ_HEAD(call_list, http_call);

struct http_out {
	struct loop *loop;
	struct curl_drive *drive;
	CURLM *multi;             /* its */
	struct loop_timer *look;  /* deadlines of waiting calls */
	struct loop_later *later; /* refused calls */
	struct call_list waiting, running, refused, idle;
	size_t nrunning, nidle, nbusy;
	char *user_agent;
	struct roots roots;
	size_t max_answer, max_running;
	long max_age_secs;
};

static void list_move(struct http_call *c, struct call_list *to)
{
	if (c->list != NULL)
		TAILQ_REMOVE(c->list, c, link);
	c->out->nrunning -= c->list == &c->out->running;
	c->out->nidle -= c->list == &c->out->idle;
	c->list = to;
	if (to != NULL)
		TAILQ_INSERT_TAIL(to, c, link);
	c->out->nrunning += to == &c->out->running;
	c->out->nidle += to == &c->out->idle;
}

/* What curl asks and tells about one request. */

static int on_hand_over(void *arg, char *remote_ip, char *local_ip, int remote_port, int local_port)
{
	struct http_call *c = arg;

	(void)remote_ip, (void)local_ip, (void)remote_port, (void)local_port;
	if (++c->handed_over > 1 && !c->req.repeatable)
		return CURL_PREREQFUNC_ABORT;
	return CURL_PREREQFUNC_OK;
}

/* The address that is really connected to, after every look-up and redirect: a name that says one thing
 * when it is checked and another when it is used gains nothing. */
static bool may_connect(const struct http_into *into, const struct sockaddr *to)
{
	struct address at;
	size_t i;

	if (!address_of(to, &at))
		return false;
	if (address_is_public(&at))
		return true;
	for (i = 0; i < into->nallow; i++)
		if (cidr_holds(into->allow[i], &at))
			return true;
	return false;
}

static size_t on_head(char *from, size_t size, size_t count, void *arg)
{
	struct http_call *c = arg;

	/* curl takes headers that break off for whole ones, with no body. */
	if (size * count >= 5 && memcmp(from, "HTTP/", 5) == 0)
		c->head_whole = false;
	else if (size * count <= 2)
		c->head_whole = true;
	c->head_len += size * count;
	c->too_large = c->head_len > MAX_HEAD;
	return c->too_large ? 0 : size * count;
}

/* What a refusal says is not the file. */
static size_t on_file(struct http_call *c, const char *from, size_t len)
{
	long status = 0;

	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200 || status > 299)
		return len;
	if (c->download == NULL)
		c->download = download_new(c->req.into);
	if (download_add(c->download, from, len))
		return len;
	c->too_large = download_is_too_large(c->download);
	c->is_disk = download_is_disk(c->download);
	return 0;
}

static size_t on_answer(char *from, size_t size, size_t count, void *arg)
{
	struct http_call *c = arg;

	if (c->req.into != NULL)
		return on_file(c, from, size * count);
	c->too_large = size * count > c->out->max_answer - c->answer.len;
	if (c->too_large)
		return 0;
	buf_add(&c->answer, from, size * count);
	return size * count;
}

static curl_socket_t on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *at)
{
	struct http_call *c = arg;

	(void)purpose;
	if (c->req.into != NULL && !may_connect(c->req.into, &at->addr)) {
		c->is_forbidden = true;
		return CURL_SOCKET_BAD;
	}
	return curl_drive_open(c->out->drive, at);
}

/* A call with everything that is the same for each request; curl keeps it over requests. */

static void set_constants(struct http_call *c)
{
	struct http_out *o = c->out;
	CURL *e = c->easy;

	curl_easy_setopt(e, CURLOPT_PRIVATE, c);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->why);
	if (curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_hand_over) != CURLE_OK)
		abort(); /* older than 7.80: nothing would keep it from sending twice */
	curl_easy_setopt(e, CURLOPT_PREREQDATA, c);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, c);
	curl_drive_closes(o->drive, e);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_head);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, c);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_answer);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(e, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)o->max_answer);
	curl_easy_setopt(e, CURLOPT_USERAGENT, o->user_agent);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L); /* an id of ".." must not leave its folder */
	curl_easy_setopt(e, CURLOPT_PROXY, "");      /* nor the environment's */
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT,
	    1L); /* do not wait for a name look-up given up on */
	curl_easy_setopt(e, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, o->max_age_secs);
	curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	/* Without a folder of roots curl reads the file once, not for each connection. */
	curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	if (o->roots.path[0] != '\0')
		curl_easy_setopt(e, CURLOPT_CAINFO, o->roots.path);
}

static struct http_call *call_take(struct http_out *o)
{
	struct http_call *c = TAILQ_FIRST(&o->idle);

	if (c != NULL) {
		list_move(c, NULL);
		return c;
	}
	c = xcalloc(1, sizeof(*c));
	c->out = o;
	c->arena = arena_new();
	c->easy = curl_easy_init();
	if (c->easy == NULL)
		abort();
	buf_init(&c->answer);
	set_constants(c);
	return c;
}

/* What only this request has. */
static void call_strip(struct http_call *c)
{
	download_drop(c->download);
	c->download = NULL;
	if (c->mime != NULL) {
		curl_easy_setopt(c->easy, CURLOPT_MIMEPOST, NULL);
		curl_mime_free(c->mime);
		c->mime = NULL;
	}
}

static void call_free(struct http_call *c)
{
	list_move(c, NULL);
	call_strip(c);
	curl_easy_cleanup(c->easy);
	arena_free(c->arena);
	buf_fini(&c->answer);
	xfree(c);
}

static void call_give_back(struct http_call *c)
{
	c->out->nbusy--;
	call_strip(c);
	if (c->out->nidle >= IDLE_CALLS) {
		call_free(c);
		return;
	}
	arena_reset(c->arena);
	if (c->answer.size > IDLE_ANSWER)
		buf_fini(&c->answer);
	list_move(c, &c->out->idle);
}

/* Starting one. */

static struct curl_slist *add_line(struct http_call *c, struct curl_slist *next, const char *name,
    const char *value)
{
	struct curl_slist *l = ARENA_NEW(c->arena, struct curl_slist);

	/* "Name:" keeps curl from sending its own, "Name;" sends one without a value. */
	if (value == NULL)
		l->data = arena_printf(c->arena, "%s:", name);
	else if (*value == '\0')
		l->data = arena_printf(c->arena, "%s;", name);
	else
		l->data = arena_printf(c->arena, "%s: %s", name, value);
	l->next = next;
	return l;
}

/* A line break in a value would let whoever wrote it add headers, or a whole request. */
static bool is_one_line(const char *s)
{
	return s == NULL || s[strcspn(s, "\r\n")] == '\0';
}

static bool headers_are_sound(const struct http_req *req)
{
	size_t i;

	for (i = 0; i < req->nheaders; i++)
		if (!is_one_line(req->headers[i].name) || !is_one_line(req->headers[i].value))
			return false;
	return is_one_line(req->content_type) && is_one_line(req->method);
}

static void set_headers(struct http_call *c)
{
	const struct http_req *req = &c->req;
	struct curl_slist *lines;
	size_t i;

	lines = add_line(c, NULL, "Expect", NULL); /* nobody waits for 100 */
	if (c->mime == NULL)
		lines = add_line(c, lines, "Content-Type", req->content_type);
	for (i = req->nheaders; i-- > 0;)
		lines = add_line(c, lines, req->headers[i].name, req->headers[i].value);
	curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, lines);
}

static bool has_body(const struct http_req *req)
{
	return req->body_len > 0 || req->content_type != NULL || strcmp(req->method, "POST") == 0
	    || strcmp(req->method, "PUT") == 0 || strcmp(req->method, "PATCH") == 0;
}

/* Files are read while they are sent. False: one is not there. */
static bool set_parts(struct http_call *c)
{
	const struct http_req *req = &c->req;
	curl_mimepart *part;
	CURLcode rc = CURLE_OK;
	size_t i;

	c->mime = curl_mime_init(c->easy);
	for (i = 0; i < req->nparts && rc == CURLE_OK; i++) {
		part = curl_mime_addpart(c->mime);
		curl_mime_name(part, req->parts[i].name);
		if (req->parts[i].body != NULL)
			rc = curl_mime_data(part, req->parts[i].body, CURL_ZERO_TERMINATED);
		else
			rc = curl_mime_filedata(part, req->parts[i].path);
		curl_mime_filename(part, req->parts[i].filename);
		curl_mime_type(part, req->parts[i].type);
	}
	curl_easy_setopt(c->easy, CURLOPT_MIMEPOST, c->mime);
	return rc == CURLE_OK;
}

static bool set_method_and_body(struct http_call *c)
{
	const struct http_req *req = &c->req;
	CURL *e = c->easy;

	if (strcmp(req->method, "HEAD") == 0) {
		curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, NULL);
		curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
		return true;
	}
	curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, req->method);
	if (req->nparts > 0)
		return set_parts(c);
	if (!has_body(req)) {
		curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
		return true;
	}
	curl_easy_setopt(e, CURLOPT_POST, 1L);
	curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
	curl_easy_setopt(e, CURLOPT_POSTFIELDS,
	    req->body_len > 0 ? req->body : ""); /* not copied */
	return true;
}

/* Where somebody we do not trust sends us: by a connection of its own, since one that is kept was looked at
 * with other eyes; and with an end, however slowly it comes. */
static void set_stranger(struct http_call *c)
{
	const struct http_into *into = c->req.into;
	bool is_one = into != NULL;
	CURL *e = c->easy;

	if (!is_one && !c->is_stranger)
		return;
	c->is_stranger = is_one;
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, is_one ? 1L : 0L);
	curl_easy_setopt(e, CURLOPT_MAXREDIRS, (long)REDIRECTS);
	curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, is_one ? 1L : 0L);
	curl_easy_setopt(e, CURLOPT_FORBID_REUSE, is_one ? 1L : 0L);
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, is_one ? CREEP_BYTES : 0L);
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, is_one ? CREEP_SECS : 0L);
	curl_easy_setopt(e, CURLOPT_MAXFILESIZE_LARGE,
	    is_one ? (curl_off_t)into->max : (curl_off_t)c->out->max_answer);
}

static void call_refuse(struct http_call *c, const char *why)
{
	snprintf(c->why, sizeof(c->why), "%s", why);
	list_move(c, &c->out->refused);
	loop_later(c->out->later);
}

static void call_run(struct http_call *c, int64_t now_ms)
{
	CURLMcode rc;

	curl_easy_setopt(c->easy, CURLOPT_URL, c->req.url);
	curl_easy_setopt(c->easy, CURLOPT_UNIX_SOCKET_PATH, c->req.unix_socket);
	curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, (long)(c->deadline_ms - now_ms));
	set_stranger(c);
	if (!set_method_and_body(c)) {
		call_refuse(c, "a file to be sent cannot be read");
		return;
	}
	set_headers(c);
	list_move(c, &c->out->running);
	rc = curl_multi_add_handle(c->out->multi, c->easy);
	if (rc != CURLM_OK)
		call_refuse(c, curl_multi_strerror(rc));
}

/* What came of it. */

/* Seen with libcurl 7.88 (tests/net/test_http_out.c makes each of them happen):
 *
 *   curl says                        handed over  answer so far     transport, sent
 *   3, 1 url; 5, 6 name; 7 connect   no           -                 CONNECT, no
 *   28 deadline                      no           -                 TIMEOUT, no
 *   35, 60, 77 … TLS                 no           -                 TLS, no
 *   42 on_hand_over refused          twice        nothing           CUT, yes
 *   52 empty; 55 send; 56 receive    once         nothing, a 100    CUT, yes
 *   1 HTTP/0.9                       once         no status line    CUT, yes
 *   0                                once         half the headers  CUT, yes, status
 *   18 short; 56 receive, chunks     once         some of the body  CUT, yes, status
 *   28 deadline                      once         any part          TIMEOUT, yes, status
 *   63, 23 beyond max_answer         once         too much          TOO_LARGE, yes, status
 *   0                                once         whole             OK, yes
 *
 * curl's counts of what it sent are of no use here: they are 0 in some of the cases where all of it
 * had arrived, and a head without its body may be acted upon, too. */
static enum transport transport_of(const struct http_call *c, CURLcode rc)
{
	if (c->too_large || rc == CURLE_FILESIZE_EXCEEDED)
		return TRANSPORT_TOO_LARGE;
	switch ((int)rc) {
	case CURLE_OK: return c->head_whole ? TRANSPORT_OK : TRANSPORT_CUT;
	case CURLE_OPERATION_TIMEDOUT: return TRANSPORT_TIMEOUT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ENGINE_NOTFOUND:
	case CURLE_SSL_ENGINE_SETFAILED:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_SHUTDOWN_FAILED:
	case CURLE_SSL_CRL_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_CLIENTCERT: return TRANSPORT_TLS;
	}
	if (c->is_forbidden && rc == CURLE_COULDNT_CONNECT) /* where a redirect led */
		return TRANSPORT_CONNECT;
	return c->handed_over > 0 ? TRANSPORT_CUT : TRANSPORT_CONNECT;
}

/* What is no HTTP is an answer, too. */
static bool is_silence(CURLcode rc)
{
	return rc == CURLE_GOT_NOTHING || rc == CURLE_RECV_ERROR || rc == CURLE_SEND_ERROR
	    || rc == CURLE_ABORTED_BY_CALLBACK;
}

static const char *words_of(const struct http_call *c, CURLcode rc)
{
	if (c->handed_over > 1 && rc == CURLE_ABORTED_BY_CALLBACK)
		return "connection closed before an answer; not sent again";
	if (c->head_len > MAX_HEAD)
		return "headers too large";
	if (c->too_large || rc == CURLE_FILESIZE_EXCEEDED)
		return "answer too large";
	if (c->is_disk)
		return "the file cannot be written";
	if (c->is_forbidden && rc == CURLE_COULDNT_CONNECT)
		return "not a public address";
	if (rc == CURLE_OK)
		return "connection closed within the headers";
	return c->why[0] != '\0' ? c->why : curl_easy_strerror(rc);
}

/* Also one of no bytes. */
static void take_file(struct http_call *c, struct http_resp *resp)
{
	struct download *d = c->download;

	if (resp->status < 200 || resp->status > 299)
		return;
	c->download = NULL;
	if (download_keep(d != NULL ? d : download_new(c->req.into), resp))
		return;
	c->is_disk = resp->is_disk = true;
	resp->transport = TRANSPORT_CUT;
}

static void describe(struct http_call *c, CURLcode rc, struct http_resp *resp)
{
	struct curl_header *retry, *wanted;
	long status = 0;
	char *type = NULL;

	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(c->easy, CURLINFO_CONTENT_TYPE, &type);
	*resp = (struct http_resp){
		.transport = transport_of(c, rc),
		.sent = c->handed_over > 0,
		.status = status >= 200 ? (int)status : 0, /* 100 is not an answer */
		.content_type = type,
		.body = "",
		.retry_after_msecs = -1,
	};
	resp->is_silent = resp->transport == TRANSPORT_CUT && is_silence(rc)
	    && (resp->status == 0 || (resp->status >= 300 && resp->status <= 399));
	if (curl_easy_header(c->easy, "Retry-After", 0, CURLH_HEADER, -1, &retry) == CURLHE_OK)
		resp->retry_after_msecs = http_retry_after(retry->value, loop_now_ms(c->out->loop));
	if (c->req.wants != NULL
	    && curl_easy_header(c->easy, c->req.wants, 0, CURLH_HEADER, -1, &wanted) == CURLHE_OK)
		resp->wanted = wanted->value;
	resp->is_forbidden = c->is_forbidden && rc == CURLE_COULDNT_CONNECT;
	resp->is_unknown = c->handed_over == 0
	    && (rc == CURLE_COULDNT_RESOLVE_HOST || rc == CURLE_URL_MALFORMAT
		|| rc == CURLE_UNSUPPORTED_PROTOCOL);
	resp->is_disk = c->is_disk;
	if (resp->transport == TRANSPORT_OK && c->req.into != NULL)
		take_file(c, resp);
	if (resp->transport != TRANSPORT_OK) {
		resp->detail = words_of(c, rc);
	} else if (c->answer.len > 0) {
		resp->body = c->answer.data;
		resp->body_len = c->answer.len;
	}
}

/* Not for running calls: those leave curl first. */
static void call_conclude(struct http_call *c, struct http_resp *resp)
{
	list_move(c, NULL);
	resp->took_msecs = clock_mono_ms() - c->started_ms;
	c->done(c->arg, resp);
	call_give_back(c);
}

static void call_conclude_unsent(struct http_call *c, enum transport transport)
{
	struct http_resp resp = {
		.transport = transport,
		.body = "",
		.retry_after_msecs = -1,
		.detail = c->why,
	};

	call_conclude(c, &resp);
}

static void run_waiting(struct http_out *o)
{
	int64_t now_ms = clock_mono_ms();
	struct http_call *c;

	while (o->nrunning < o->max_running && (c = TAILQ_FIRST(&o->waiting)) != NULL) {
		if (c->deadline_ms <= now_ms)
			break; /* on_look's */
		call_run(c, now_ms);
	}
}

static void on_look(void *arg)
{
	struct http_out *o = arg;
	struct http_call *c, *next;
	struct call_list over = TAILQ_HEAD_INITIALIZER(over);
	int64_t now_ms = clock_mono_ms();

	for (c = TAILQ_FIRST(&o->waiting); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->deadline_ms <= now_ms)
			list_move(c, &over);
	}
	while ((c = TAILQ_FIRST(&over)) != NULL) {
		snprintf(c->why, sizeof(c->why), "no connection was free in time");
		call_conclude_unsent(c, TRANSPORT_TIMEOUT);
	}
	run_waiting(o);
	if (!TAILQ_EMPTY(&o->waiting))
		loop_timer_set(o->look, WAITING_LOOK_MSECS);
}

static void on_later(void *arg)
{
	struct http_out *o = arg;
	struct http_call *c;

	while ((c = TAILQ_FIRST(&o->refused)) != NULL)
		call_conclude_unsent(c, TRANSPORT_CONNECT);
	run_waiting(o);
}

static void reap(void *arg)
{
	struct http_out *o = arg;
	struct http_resp resp;
	struct http_call *c;
	CURLMsg *m;
	CURLcode rc;
	int left;

	while ((m = curl_multi_info_read(o->multi, &left)) != NULL) {
		if (m->msg != CURLMSG_DONE)
			continue;
		rc = m->data.result;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &c);
		curl_multi_remove_handle(o->multi, c->easy); /* m is gone with it */
		describe(c, rc, &resp);
		call_conclude(c, &resp);
	}
	run_waiting(o);
}

/* The interface. */

struct http_call *http_out_start(struct http_out *o, const struct http_req *req,
    void (*done)(void *arg, const struct http_resp *resp), void *arg)
{
	struct http_call *c = call_take(o);

	c->req = *req;
	c->done = done;
	c->arg = arg;
	c->started_ms = clock_mono_ms();
	c->deadline_ms = c->started_ms + (req->timeout_msecs > 0 ? req->timeout_msecs : 30000);
	c->handed_over = 0;
	c->head_len = 0;
	c->head_whole = false;
	c->too_large = c->is_forbidden = c->is_disk = false;
	c->why[0] = '\0';
	buf_clear(&c->answer);
	o->nbusy++;
	if (!headers_are_sound(req)) {
		call_refuse(c, "line break in a header");
	} else if (o->nrunning >= o->max_running) {
		list_move(c, &o->waiting);
		if (!loop_timer_pending(o->look))
			loop_timer_set(o->look, WAITING_LOOK_MSECS);
	} else {
		call_run(c, c->started_ms);
	}
	return c;
}

void http_out_cancel(struct http_call *c)
{
	struct http_out *o = c->out;

	if (c->list == &o->running)
		curl_multi_remove_handle(o->multi, c->easy);
	call_give_back(c);
	run_waiting(o);
}

size_t http_out_busy(const struct http_out *o)
{
	return o->nbusy;
}

/* curl compares whole seconds and lets one that is exactly as old pass: 3 means less than 4. */
static long max_age_secs(int64_t max_idle_msecs)
{
	if (max_idle_msecs == 0)
		max_idle_msecs = 4000;
	return max_idle_msecs < 2000 ? 0 : (long)(max_idle_msecs / 1000 - 1);
}

struct http_out *http_out_new(struct loop *l, const struct http_out_options *options,
    struct err *err)
{
	struct http_out *o = xcalloc(1, sizeof(*o));

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
	o->loop = l;
	TAILQ_INIT(&o->waiting);
	TAILQ_INIT(&o->running);
	TAILQ_INIT(&o->refused);
	TAILQ_INIT(&o->idle);
	roots_init(&o->roots);
	o->user_agent =
	    xstrdup(options->user_agent != NULL ? options->user_agent : "tieline/" TIELINE_VERSION);
	o->max_answer = options->max_answer != 0 ? options->max_answer : 64 << 20;
	o->max_running = options->max_connections != 0 ? (size_t)options->max_connections : 512;
	o->max_age_secs = max_age_secs(options->max_idle_msecs);
	o->look = loop_timer_new(l, on_look, o);
	o->later = loop_later_new(l, on_later, o);
	o->drive = curl_drive_new(l, reap, o);
	o->multi = curl_drive_multi(o->drive);
	curl_multi_setopt(o->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	curl_multi_setopt(o->multi, CURLMOPT_MAXCONNECTS, (long)o->max_running);
	if (options->ca_file != NULL && roots_add(&o->roots, options->ca_file, err) != 0) {
		http_out_free(o);
		return NULL;
	}
	return o;
}

void http_out_free(struct http_out *o)
{
	struct call_list *lists[4];
	struct http_call *c;
	size_t i;

	if (o == NULL)
		return;
	lists[0] = &o->running;
	lists[1] = &o->waiting;
	lists[2] = &o->refused;
	lists[3] = &o->idle;
	for (i = 0; i < 4; i++)
		while ((c = TAILQ_FIRST(lists[i])) != NULL) {
			if (c->list == &o->running)
				curl_multi_remove_handle(o->multi, c->easy);
			call_free(c);
		}
	curl_drive_free(o->drive);
	loop_timer_free(o->look);
	loop_later_free(o->later);
	roots_fini(&o->roots);
	xfree(o->user_agent);
	xfree(o);
	curl_global_cleanup();
}

const char *http_out_library(void)
{
	return curl_version_info(CURLVERSION_NOW)->version;
}
