/* Generator and sink. Both sit in one epoll loop, so that sending, the answer and the arrival at the
 * other platform are told by one clock, and every message is matched by its number: what is missing,
 * doubled, in the wrong conversation or out of order is counted, and a figure with any of it is none.
 *
 * Messages of one lane go over one connection, or their order would be the generator's accident. */
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/secret.h"

#define FIRST_ID 1000000000ull /* above all ids that a store was filled with */

enum { LANES_MAX = 200000, SINK_BUFFER = 16 * 1024, PATIENCE_SECS = 45 };

struct message {
	int64_t due_us, acked_us, arrived_us;
	uint32_t lane, seq;
};

enum end_kind { END_LISTENER, END_PEER, END_CLIENT };

struct peer { /* a connection to the sink */
	enum end_kind kind;
	int fd;
	size_t len;
	char in[SINK_BUFFER];
};

struct client { /* a connection of the generator */
	enum end_kind kind;
	int fd;
	bool is_waiting;
	uint32_t message; /* the one it waits for */
	unsigned next_lane;
	uint32_t *queue; /* due and not sent; only in an open loop */
	uint32_t first, count;
	char *out;
	size_t out_len, out_sent;
	char in[2048];
	size_t in_len;
};

struct traffic {
	enum end_kind kind;
	int epoll, listener;
	unsigned sink_port;
	bool is_shut;
	struct message *messages;
	uint32_t nmessages, size;
	uint32_t *sent_seq, *seen_seq; /* by lane */
	uint64_t acked, delivered, references, contacts;
	struct faults faults;

	struct plan plan;
	struct client *clients;
	struct client **idle; /* a ring */
	unsigned nidle, idle_at;
	uint32_t first; /* message of this run */
	int64_t begun_us, end_us;
	uint32_t scheduled; /* open loop: handed to clients */
};

/* ---- messages ---- */

static uint32_t message_new(struct traffic *t, uint32_t lane, int64_t due_us)
{
	struct message *m;

	if (t->nmessages == t->size) {
		t->size = t->size == 0 ? 1 << 16 : t->size * 2;
		t->messages = xreallocarray(t->messages, t->size, sizeof(*t->messages));
	}
	m = &t->messages[t->nmessages];
	*m = (struct message){ .due_us = due_us, .lane = lane, .seq = t->sent_seq[lane]++ };
	return t->nmessages++;
}

/* conversation: the one it was written to at the sink; 0 where it has just been made. */
static void message_arrived(struct traffic *t, const char *body, size_t len, uint32_t conversation)
{
	uint32_t n, lane, seq;

	if (!tag_find(body, len, &n, &lane, &seq) || n >= t->nmessages
	    || t->messages[n].lane != lane || t->messages[n].seq != seq
	    || (conversation != 0 && conversation != lane + 1)) {
		t->faults.wrong++;
		return;
	}
	if (t->messages[n].arrived_us != 0) {
		t->faults.doubled++;
		return;
	}
	if (t->seen_seq[lane] != seq)
		t->faults.disordered++;
	t->seen_seq[lane] = seq + 1;
	t->messages[n].arrived_us = now_us();
	t->delivered++;
}

/* ---- sink: the least of both platforms that lets messages through ---- */

static void answer(struct peer *p, int status, const char *body, size_t len)
{
	char text[1024];
	int n = snprintf(text, sizeof(text),
	    "HTTP/1.1 %d %s\r\nContent-Type: application/json; charset=utf-8\r\n"
	    "Content-Length: %zu\r\n\r\n%.*s",
	    status, status < 300 ? "OK" : "Refused", len, (int)len, body);

	if (send(p->fd, text, (size_t)n, MSG_NOSIGNAL) != n && errno != EPIPE
	    && errno != ECONNRESET)
		fatal("sink: %s", strerror(errno));
}

#define ANSWER(p, status, ...) \
	do { \
		char body_[700]; \
		int len_ = snprintf(body_, sizeof(body_), __VA_ARGS__); \
		answer(p, status, body_, (size_t)len_); \
	} while (0)

static void answer_message(struct peer *p, uint32_t conversation, uint64_t id)
{
	ANSWER(p, 200,
	    "{\"id\":%llu,\"content\":\"as it was sent\",\"inbox_id\":12,\"conversation_id\":%u,"
	    "\"message_type\":0,\"content_type\":\"text\",\"status\":\"sent\","
	    "\"content_attributes\":{},\"created_at\":1781784000,\"private\":false}",
	    (unsigned long long)id, conversation);
}

static void answer_conversation(struct traffic *t, struct peer *p, const char *body, size_t len)
{
	uint32_t n = 0, lane = 0, seq = 0;
	const char *mark = memmem(body, len, "\"tl1:", 5), *last = mark, *end;

	/* The second mark is the message's. */
	while (mark != NULL) {
		last = mark + 1;
		mark = memmem(last, len - (size_t)(last - body), "\"tl1:", 5);
	}
	end = last != NULL ? memchr(last, '"', len - (size_t)(last - body)) : NULL;
	message_arrived(t, body, len, 0);
	tag_find(body, len, &n, &lane, &seq);
	ANSWER(p, 200, "{\"id\":%u,\"messages\":[{\"id\":%llu,\"source_id\":\"%.*s\"}]}", lane + 1,
	    FIRST_ID + t->delivered, end != NULL ? (int)(end - last) : 0, end != NULL ? last : "");
}

static bool ends(const char *path, const char *with)
{
	size_t a = strlen(path), b = strlen(with);

	return a >= b && strcmp(path + a - b, with) == 0;
}

static void answer_desk(struct traffic *t, struct peer *p, bool post, const char *path,
    const char *body, size_t len)
{
	const char *conversation = strstr(path, "/conversations/");

	if (ends(path, "/profile")) {
		ANSWER(p, 200, "{\"id\":7,\"name\":\"Relay\",\"accounts\":[{\"id\":1}]}");
	} else if (strstr(path, "/inboxes/") != NULL) {
		ANSWER(p, 200, "{\"id\":12,\"name\":\"Bench\",\"channel_type\":\"Channel::Api\"}");
	} else if (post && conversation != NULL && ends(path, "/messages")) {
		uint32_t id = (uint32_t)strtoul(conversation + strlen("/conversations/"), NULL, 10);

		message_arrived(t, body, len, id);
		answer_message(p, id, FIRST_ID + t->delivered);
	} else if (post && ends(path, "/conversations")) {
		answer_conversation(t, p, body, len);
	} else if (post && ends(path, "/contacts")) {
		ANSWER(p, 200, "{\"payload\":{\"contact\":{\"id\":%llu}}}",
		    (unsigned long long)++t->contacts);
	} else if (ends(path, "/contact_inboxes/filter")) {
		answer(p, 404, "", 0);
	} else {
		t->faults.unexpected++;
		ANSWER(p, 404, "{\"error\":\"not here\"}");
	}
}

static void answer_shop(struct traffic *t, struct peer *p, const char *path)
{
	if (ends(path, "/auth/signin")) {
		ANSWER(p, 200,
		    "{\"success\":true,\"token\":\"JWT a.b.c\",\"user\":{\"_id\":"
		    "\"6b00aceddc758d57be7bfff3\"}}");
	} else if (ends(path, "/subscriptions") || ends(path, "/departments")) {
		ANSWER(p, 200, "[]");
	} else if (strstr(path, "/projects/") != NULL) {
		ANSWER(p, 200, "{\"_id\":\"" PROJECT "\",\"name\":\"Bench\"}");
	} else {
		t->faults.unexpected++;
		ANSWER(p, 404, "{\"error\":\"not here\"}");
	}
}

static void take_request(struct traffic *t, struct peer *p, char *head, const char *body,
    size_t len)
{
	bool post = strncmp(head, "POST ", 5) == 0;
	char *path = strchr(head, ' '), *end = path != NULL ? strpbrk(path + 1, " ?") : NULL;

	if (end == NULL)
		fatal("sink: not a request: %.40s", head);
	*end = '\0';
	path++;
	if (strncmp(path, "/bare", 5) == 0) {
		t->references++;
		answer_message(p, 1, t->references);
	} else if (t->is_shut) {
		ANSWER(p, 401, "{\"error\":\"Invalid Access Token\"}");
	} else if (strncmp(path, "/api/v1/", 8) == 0) {
		answer_desk(t, p, post, path, body, len);
	} else {
		answer_shop(t, p, path);
	}
}

static size_t content_length(const char *head)
{
	const char *at = strcasestr(head, "\r\nContent-Length:");

	return at != NULL ? (size_t)strtoul(at + 17, NULL, 10) : 0;
}

/* Closing alone is not enough: a reference forked meanwhile may hold the connection open, and events
 * would go on coming. */
static void unwatch(struct traffic *t, int fd)
{
	epoll_ctl(t->epoll, EPOLL_CTL_DEL, fd, NULL);
	close(fd);
}

static void peer_close(struct traffic *t, struct peer *p)
{
	unwatch(t, p->fd);
	xfree(p);
}

static void on_peer(struct traffic *t, struct peer *p)
{
	ssize_t got = recv(p->fd, p->in + p->len, sizeof(p->in) - 1 - p->len, 0);
	char *head_end;
	size_t head, body;

	if (got <= 0) {
		if (got == 0 || (errno != EAGAIN && errno != EINTR))
			peer_close(t, p);
		return;
	}
	p->len += (size_t)got;
	p->in[p->len] = '\0';
	while ((head_end = strstr(p->in, "\r\n\r\n")) != NULL) {
		head = (size_t)(head_end - p->in) + 4;
		*head_end = '\0';
		body = content_length(p->in);
		*head_end = '\r';
		if (head + body > p->len)
			break;
		take_request(t, p, p->in, p->in + head, body);
		p->len -= head + body;
		memmove(p->in, p->in + head + body, p->len + 1);
	}
	if (p->len == sizeof(p->in) - 1)
		fatal("sink: a request larger than %d bytes", SINK_BUFFER);
}

static void watch(struct traffic *t, int fd, unsigned events, void *end)
{
	struct epoll_event e = { .events = events, .data.ptr = end };

	if (epoll_ctl(t->epoll, EPOLL_CTL_ADD, fd, &e) != 0)
		fatal("epoll: %s", strerror(errno));
}

static void no_delay(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void on_listener(struct traffic *t)
{
	struct peer *p;
	int fd;

	while ((fd = accept4(t->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		no_delay(fd);
		p = xcalloc(1, sizeof(*p));
		p->kind = END_PEER;
		p->fd = fd;
		watch(t, fd, EPOLLIN, p);
	}
}

/* ---- generator ---- */

static size_t put_head(const struct plan *p, char *to, const char *body)
{
	unsigned char mac[SHA256_SIZE];
	char proof[200], hex[2 * SHA256_SIZE + 1], stamp[32];
	int len;

	if (p->target == TO_SHOP) {
		snprintf(proof, sizeof(proof), "x-hook-secret: " SHOP_SECRET "\r\n");
	} else {
		len = snprintf(stamp, sizeof(stamp), "%lld.", (long long)time(NULL));
		hmac_sha256_joined(DESK_SECRET, strlen(DESK_SECRET), stamp, (size_t)len, body,
		    p->body->len, mac);
		hex_encode(mac, sizeof(mac), hex);
		stamp[len - 1] = '\0';
		snprintf(proof, sizeof(proof),
		    "X-Chatwoot-Timestamp: %s\r\nX-Chatwoot-Signature: sha256=%s\r\n", stamp, hex);
	}
	return (size_t)sprintf(to,
	    "POST /hooks/%s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Type: application/json\r\n"
	    "User-Agent: bench\r\n%sContent-Length: %zu\r\n\r\n",
	    p->target == TO_SHOP ? "shop/" SHOP_KEY : "desk/" DESK_KEY, p->port, proof,
	    p->body->len);
}

static void client_flush(struct traffic *t, struct client *c)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
	ssize_t sent = send(c->fd, c->out + c->out_sent, c->out_len - c->out_sent, MSG_NOSIGNAL);

	if (sent < 0 && errno != EAGAIN)
		fatal("generator: %s", strerror(errno));
	c->out_sent += sent > 0 ? (size_t)sent : 0;
	if (c->out_sent < c->out_len)
		e.events |= EPOLLOUT;
	else if (sent > 0 && (size_t)sent == c->out_len)
		return;
	epoll_ctl(t->epoll, EPOLL_CTL_MOD, c->fd, &e);
}

static void client_send(struct traffic *t, struct client *c, uint32_t n)
{
	const struct message *m = &t->messages[n];
	char *body = c->out + 600;
	char head[600];
	size_t head_len;

	body_fill(t->plan.body, body, n, m->lane, m->seq);
	head_len = put_head(&t->plan, head, body);
	memcpy(body - head_len, head, head_len);
	memmove(c->out, body - head_len, head_len + t->plan.body->len);
	c->out_len = head_len + t->plan.body->len;
	c->out_sent = 0;
	c->message = n;
	c->is_waiting = true;
	client_flush(t, c);
}

static void client_is_idle(struct traffic *t, struct client *c)
{
	c->is_waiting = false;
	if (t->plan.rate > 0)
		return;
	t->idle[(t->idle_at + t->nidle++) % t->plan.connections] = c;
}

static void on_client(struct traffic *t, struct client *c, unsigned events)
{
	char *head_end;
	ssize_t got;

	if ((events & EPOLLOUT) != 0)
		client_flush(t, c);
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0)
		return;
	got = recv(c->fd, c->in + c->in_len, sizeof(c->in) - 1 - c->in_len, 0);
	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0)
		fatal("generator: the connection was closed");
	c->in_len += (size_t)got;
	c->in[c->in_len] = '\0';
	head_end = strstr(c->in, "\r\n\r\n");
	if (head_end == NULL || (size_t)(head_end + 4 - c->in) + content_length(c->in) > c->in_len)
		return;
	if (strncmp(c->in, "HTTP/1.1 200", 12) != 0)
		t->faults.refused++;
	c->in_len = 0;
	t->messages[c->message].acked_us = now_us();
	t->acked++;
	client_is_idle(t, c);
}

static void client_connect(struct traffic *t, struct client *c)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)t->plan.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&at, sizeof(at)) != 0)
		fatal("generator: connect: %s", strerror(errno));
	no_delay(c->fd);
	if (fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0)
		fatal("generator: %s", strerror(errno));
	c->kind = END_CLIENT;
	c->out = xmalloc(t->plan.body->len + 1300);
	watch(t, c->fd, EPOLLIN, c);
}

/* ---- what is sent when ---- */

static bool is_over(const struct traffic *t, int64_t now)
{
	uint32_t sent = t->nmessages - t->first;

	return t->plan.count > 0 ? sent >= t->plan.count : now >= t->end_us;
}

/* The client's next lane: those whose number leaves the same rest. */
static uint32_t next_lane(struct traffic *t, struct client *c)
{
	unsigned lane = c->next_lane;

	c->next_lane += t->plan.connections;
	if (c->next_lane >= t->plan.lanes)
		c->next_lane = (unsigned)(c - t->clients);
	return lane + t->plan.first_lane;
}

static void pump_closed(struct traffic *t, int64_t now)
{
	struct client *c;

	while (t->nidle > 0 && !is_over(t, now)) {
		if (t->plan.cap > 0 && t->nmessages - t->delivered >= t->plan.cap)
			return;
		c = t->idle[t->idle_at];
		t->idle_at = (t->idle_at + 1) % t->plan.connections;
		t->nidle--;
		client_send(t, c, message_new(t, next_lane(t, c), now));
	}
}

static void pump_open(struct traffic *t, int64_t now)
{
	struct client *c;
	int64_t due;
	uint32_t lane;
	unsigned i;

	for (;;) {
		due = t->begun_us + (int64_t)((double)t->scheduled * 1e6 / t->plan.rate);
		if (due > now || due >= t->end_us)
			break;
		lane = t->scheduled++ % t->plan.lanes;
		c = &t->clients[lane % t->plan.connections];
		if (c->count == 4096)
			fatal("generator: the relay does not keep up");
		c->queue[(c->first + c->count++) % 4096] =
		    message_new(t, lane + t->plan.first_lane, due);
	}
	for (i = 0; i < t->plan.connections; i++) {
		c = &t->clients[i];
		if (c->is_waiting || c->count == 0)
			continue;
		client_send(t, c, c->queue[c->first]);
		c->first = (c->first + 1) % 4096;
		c->count--;
	}
}

/* ---- the loop ---- */

static void turn(struct traffic *t, int64_t wait_us)
{
	struct timespec wait = { wait_us / 1000000, wait_us % 1000000 * 1000 };
	struct epoll_event events[128];
	int i, n = epoll_pwait2(t->epoll, events, 128, &wait, NULL);

	for (i = 0; i < n; i++) {
		enum end_kind *what = events[i].data.ptr;

		switch (*what) {
		case END_LISTENER: on_listener(t); break;
		case END_PEER: on_peer(t, (struct peer *)what); break;
		case END_CLIENT: on_client(t, (struct client *)what, events[i].events); break;
		}
	}
}

static void begin(struct traffic *t, const struct plan *p)
{
	unsigned i;

	t->plan = *p;
	if (t->plan.connections == 0)
		t->plan.connections = 64;
	if (t->plan.connections > t->plan.lanes)
		t->plan.connections = t->plan.lanes;
	t->clients = xcalloc(t->plan.connections, sizeof(*t->clients));
	t->idle = xcalloc(t->plan.connections, sizeof(struct client *));
	t->nidle = t->idle_at = 0;
	t->scheduled = 0;
	t->first = t->nmessages;
	for (i = 0; i < t->plan.connections; i++) {
		t->clients[i].next_lane = i;
		client_connect(t, &t->clients[i]);
		if (p->rate > 0)
			t->clients[i].queue = xcalloc(4096, sizeof(uint32_t));
		else
			client_is_idle(t, &t->clients[i]);
	}
}

static void end(struct traffic *t)
{
	unsigned i;

	for (i = 0; i < t->plan.connections; i++) {
		unwatch(t, t->clients[i].fd);
		xfree(t->clients[i].out);
		xfree(t->clients[i].queue);
	}
	xfree(t->clients);
	xfree(t->idle);
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static struct spread spread_of(int64_t *us, size_t n)
{
	struct spread s = { 0 };

	if (n == 0)
		return s;
	qsort(us, n, sizeof(*us), by_size);
	s.p50 = (double)us[n / 2] / 1000;
	s.p99 = (double)us[n * 99 / 100] / 1000;
	s.p999 = (double)us[n * 999 / 1000] / 1000;
	return s;
}

static void sum_up(struct traffic *t, struct result *out)
{
	size_t i, n = t->nmessages - t->first;
	int64_t *us = xcalloc(n + 1, sizeof(*us));
	const struct message *m = t->messages + t->first;

	for (i = 0; i < n; i++)
		us[i] = m[i].acked_us - m[i].due_us;
	out->ack = spread_of(us, n);
	if (t->plan.is_delivered) {
		for (i = 0; i < n; i++)
			us[i] = m[i].arrived_us - m[i].due_us;
		out->arrival = spread_of(us, n);
		for (i = 0; i < n; i++)
			us[i] = m[i].arrived_us - m[i].acked_us;
		out->between = spread_of(us, n);
	}
	for (i = 0; i < n; i++)
		if (t->plan.is_delivered && m[i].arrived_us == 0)
			t->faults.missing++;
	xfree(us);
}

static bool is_settled(const struct traffic *t)
{
	return t->acked == t->nmessages && (!t->plan.is_delivered || t->delivered == t->nmessages);
}

void traffic_run(struct traffic *t, const struct plan *p, struct result *out)
{
	uint64_t acked = t->acked, delivered = t->delivered;
	int64_t now, patience, wait_us;
	bool sending = true;

	begin(t, p);
	*out = (struct result){ 0 };
	t->begun_us = now = now_us();
	t->end_us = now + (p->count > 0 ? INT64_C(3600) * 1000000 : (int64_t)(p->secs * 1e6));
	patience = t->end_us;
	for (;;) {
		now = now_us();
		if (sending && is_over(t, now)) {
			sending = false;
			out->secs = (double)(now - t->begun_us) / 1e6;
			out->sent = t->nmessages - t->first;
			out->acked = (uint32_t)(t->acked - acked);
			out->delivered = (uint32_t)(t->delivered - delivered);
			patience = now + (int64_t)PATIENCE_SECS * 1000000;
		}
		if (p->rate > 0)
			pump_open(t, now); /* also when time is up: what was due is still sent */
		else if (sending)
			pump_closed(t, now);
		if (!sending && (is_settled(t) || now > patience))
			break;
		wait_us = 20000;
		if (sending && p->rate > 0) {
			wait_us = t->begun_us + (int64_t)((double)t->scheduled * 1e6 / p->rate)
			    - now_us();
			wait_us = wait_us < 0 ? 0 : wait_us > 20000 ? 20000 : wait_us;
		}
		turn(t, wait_us);
	}
	if (!p->is_delivered)
		t->delivered = t->nmessages; /* nobody waits for them */
	sum_up(t, out);
	if (p->is_delivered && t->delivered < t->nmessages)
		fprintf(stderr, "%u lanes: %llu of %u arrived, %llu acknowledged\n", p->lanes,
		    (unsigned long long)t->delivered, t->nmessages, (unsigned long long)t->acked);
	end(t);
}

double traffic_serve(struct traffic *t, double secs)
{
	uint64_t before = t->references;
	int64_t begun = now_us(), until = begun + (int64_t)(secs * 1e6);

	while (now_us() < until)
		turn(t, 1000);
	return (double)(t->references - before) * 1e6 / (double)(now_us() - begun);
}

/* ---- life ---- */

struct traffic *traffic_new(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct traffic *t = xcalloc(1, sizeof(*t));
	socklen_t len = sizeof(at);

	t->kind = END_LISTENER;
	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	t->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (t->epoll < 0 || t->listener < 0 || bind(t->listener, (struct sockaddr *)&at, len) != 0
	    || listen(t->listener, 511) != 0
	    || getsockname(t->listener, (struct sockaddr *)&at, &len) != 0)
		fatal("sink: %s", strerror(errno));
	t->sink_port = ntohs(at.sin_port);
	t->sent_seq = xcalloc(LANES_MAX, sizeof(*t->sent_seq));
	t->seen_seq = xcalloc(LANES_MAX, sizeof(*t->seen_seq));
	watch(t, t->listener, EPOLLIN, &t->kind);
	return t;
}

void traffic_free(struct traffic *t)
{
	close(t->listener);
	close(t->epoll);
	xfree(t->messages);
	xfree(t->sent_seq);
	xfree(t->seen_seq);
	xfree(t);
}

unsigned traffic_sink_port(const struct traffic *t)
{
	return t->sink_port;
}

void traffic_shut_sink(struct traffic *t, bool shut)
{
	t->is_shut = shut;
}

void traffic_forget(struct traffic *t)
{
	memset(t->sent_seq, 0, LANES_MAX * sizeof(*t->sent_seq));
	memset(t->seen_seq, 0, LANES_MAX * sizeof(*t->seen_seq));
	t->nmessages = 0;
	t->acked = t->delivered = 0;
}

const struct faults *traffic_faults(const struct traffic *t)
{
	return &t->faults;
}
