/* See rig.h. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../store/vfs_faulty.h"
#include "admin/web/pulse.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/mistakes.h"
#include "config/config.h"
#include "fake_loop.h"
#include "fake_store.h"
#include "fake_wire.h"
#include "flow/endpoint.h"
#include "flow/flow.h"
#include "flow/ingest.h"
#include "flow/reload.h"
#include "life.h"
#include "net/http_in.h"
#include "quick_store.h"

/* ---- dice that fall alike in every run ---- */

void __wrap_random_bytes(void *out, size_t len);
void __wrap_random_text(char *out, size_t len);

uint64_t rig_dice = 1;
bool rig_with_pulse;
int64_t rig_lazy_msecs;

static uint32_t roll(void)
{
	rig_dice = rig_dice * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(rig_dice >> 32);
}

void __wrap_random_bytes(void *out, size_t len)
{
	unsigned char *p = out;

	while (len-- > 0)
		*p++ = (unsigned char)roll();
}

void __wrap_random_text(char *out, size_t len)
{
	for (; len > 0; len--)
		*out++ = (char)('a' + roll() % 26);
	*out = '\0';
}

/* ---- callbacks, in the place of net/http_in.c ---- */

struct http_in_call {
	struct http_in in;
	struct arena *arena;
	struct posted *posted;
};

const struct http_in *http_in_call_request(const struct http_in_call *call)
{
	return &call->in;
}

struct arena *http_in_call_arena(struct http_in_call *call)
{
	return call->arena;
}

void http_reply(struct http_in_call *call, int status, const struct http_header *extra,
    size_t nextra, const char *content_type, const void *body, size_t body_len)
{
	(void)extra, (void)nextra, (void)content_type;
	call->posted->status = status;
	call->posted->body = strndup(body, body_len);
	call->posted->answered_ms = fake_now_ms;
	arena_free(call->arena);
}

void http_reply_file(struct http_in_call *call, int status, const struct http_header *extra,
    size_t nextra, const char *content_type, int fd, int64_t from, int64_t len)
{
	(void)from, (void)len;
	close(fd);
	http_reply(call, status, extra, nextra, content_type, "", 0);
}

void http_refuse(struct http_in_call *call, int status, const char *word, int retry_after_secs,
    const char *allow)
{
	(void)retry_after_secs, (void)allow;
	http_reply(call, status, NULL, 0, NULL, word, strlen(word));
}

struct posted *rig_post(struct rig *r, const char *path, const char *body,
    const struct http_header *headers, size_t nheaders)
{
	struct posted *p = calloc(1, sizeof(*p));
	struct arena *a = arena_new();
	struct http_in_call *call = ARENA_NEW(a, struct http_in_call);
	struct http_header *own = arena_memdup(a, headers, nheaders * sizeof(*headers));
	size_t i;

	assert_non_null(p);
	for (i = 0; i < nheaders; i++)
		own[i].value = arena_strdup(a, headers[i].value);
	p->at_ms = fake_now_ms;
	TAILQ_INSERT_TAIL(&r->posted, p, list);
	*call = (struct http_in_call){
		.in = { .method = "POST",
		    .path = arena_strdup(a, path),
		    .peer = "test",
		    .headers = own,
		    .nheaders = nheaders,
		    .body = arena_strdup(a, body),
		    .body_len = strlen(body),
		    .received_ms = fake_now_ms },
		.arena = a,
		.posted = p,
	};
	ingest_take(r->ingest, call);
	return p;
}

/* ---- time ---- */

static bool turn(struct rig *r)
{
	bool moved = false;

	while (fake_loop_laters(r->loop))
		moved = true;
	if (!r->holds_store) {
		while (mailbox_commit(r->store))
			moved = true;
		while (mailbox_tell())
			moved = true;
	}
	while (fake_loop_fire(r->loop))
		moved = true;
	if (r->on_turn != NULL)
		r->on_turn(r->arg);
	return moved || (!r->holds_store && mailbox_finished() + mailbox_todo() > 0);
}

void rig_run(struct rig *r)
{
	int turns = 0;

	while (turn(r))
		assert_true(++turns < 10000);
}

bool rig_pass_to_next(struct rig *r, int64_t until_ms)
{
	int64_t next = fake_loop_next_ms(r->loop);

	if (next > until_ms)
		return false;
	if (next > fake_now_ms)
		fake_now_ms = next;
	rig_run(r);
	return true;
}

void rig_pass(struct rig *r, int64_t msecs)
{
	int64_t until_ms = fake_now_ms + msecs;

	rig_run(r);
	while (rig_pass_to_next(r, until_ms))
		;
	fake_now_ms = until_ms;
	rig_run(r);
}

/* ---- life ---- */

static struct config *read_config(struct rig *r)
{
	struct config_source source = { .path = "scenario.yaml",
		.text = r->config_text,
		.len = strlen(r->config_text) };
	struct mistakes mistakes;
	struct config *config;
	struct buf b;

	mistakes_init(&mistakes);
	config = config_load(&source, &mistakes);
	if (config == NULL) {
		buf_init(&b);
		mistakes_print(&b, &mistakes);
		fail_msg("%s", b.data);
	}
	mistakes_fini(&mistakes);
	return config;
}

void rig_boot(struct rig *r)
{
	const struct store_options options = { .url = r->url, .create = true };
	enum store_open why;
	struct config *config;
	struct err err = { { 0 } };

	r->loop = loop_new();
	config = read_config(r);
	r->store = store_open(&options, &why, &err);
	if (r->store == NULL)
		fail_msg("%s", err.text);
	r->wire = http_out_new(r->loop, NULL, &err);
	r->flow = flow_new(r->loop, r->store, r->wire, config, &err);
	if (r->flow == NULL || flow_load(r->flow, &err) != 0)
		fail_msg("%s", err.text);
	r->flow->lazy_msecs = rig_lazy_msecs;
	config_unref(config);
	r->ingest = ingest_new(r->flow);
	if (rig_with_pulse)
		r->pulse = pulse_new(r->flow);
	flow_start(r->flow);
	if (r->pulse != NULL)
		pulse_start(r->pulse);
}

/* With the rig's own store, which the scenarios do not name. */
static char *whole_config(const struct rig *r, const char *config_text)
{
	char *text;

	assert_true(asprintf(&text, "store: %s\n%s", r->url, config_text) > 0);
	return text;
}

bool rig_reload(struct rig *r, const char *config_text)
{
	char *text = whole_config(r, config_text);
	struct config_source source = { .path = "scenario.yaml",
		.text = text,
		.len = strlen(text) };
	struct mistakes mistakes;
	struct config *config;
	bool taken;

	mistakes_init(&mistakes);
	config = config_load(&source, &mistakes);
	taken = config != NULL && flow_reload(r->flow, config, &mistakes) == 0;
	config_unref(config);
	mistakes_fini(&mistakes);
	free(taken ? r->config_text : text);
	if (taken)
		r->config_text = text;
	return taken;
}

/* VERBOSE=1 shows what the flow says of itself. */
static void on_log(const char *line, size_t len)
{
	if (getenv("VERBOSE") != NULL)
		fprintf(stderr, "%6lld ms %.*s", (long long)(fake_now_ms - RIG_START_MS), (int)len,
		    line);
}

void rig_start(struct rig *r, const char *config_text)
{
	memset(r, 0, sizeof(*r));
	/* What a test that failed has left. */
	mailbox_kill();
	mailbox_mend();
	wire_clear();
	life_end();
	fake_now_ms = RIG_START_MS;
	vfs_faulty_install();
	disk.is_quick = 1;
	disk.full = 0;
	log_setup(LOG_DEBUG, LOG_LOGFMT);
	log_redirect(on_log);
	/* In memory where that can be: thousands of stores are made here, and no power fails. */
	snprintf(r->dir, sizeof(r->dir), "%s/scenario.XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(r->dir));
	snprintf(r->path, sizeof(r->path), "%s/t.db", r->dir);
	snprintf(r->url, sizeof(r->url), "sqlite:%s", r->path);
	quick_store_put(r->path);
	r->config_text = whole_config(r, config_text);
	TAILQ_INIT(&r->posted);
	rig_boot(r);
}

void rig_kill(struct rig *r)
{
	struct posted *p;

	store_close(r->store);
	mailbox_kill();
	wire_kill();
	life_end();
	r->pulse = NULL;
	TAILQ_FOREACH(p, &r->posted, list)
		if (p->status == 0)
			p->status = -1;
}

void rig_stop(struct rig *r)
{
	mailbox_mend();
	flow_drain(r->flow);
	do {
		flow_retry(r->flow);
		while (mailbox_commit(r->store) || mailbox_tell() || fake_loop_laters(r->loop))
			;
	} while (r->flow->stuck != NULL);
	store_close(r->store);
	pulse_free(r->pulse);
	r->pulse = NULL;
	flow_free(r->flow);
	ingest_free(r->ingest);
	http_out_free(r->wire);
	loop_free(r->loop);
	arena_give_back();
	assert_int_equal(0, life_pieces());
}

static void copy_file(struct rig *r, const char *end, const char *from, const char *to)
{
	char path[96], bytes[4096];
	FILE *in, *out;
	size_t len;

	snprintf(path, sizeof(path), "%s%s%s", r->path, from, end);
	in = fopen(path, "r");
	snprintf(path, sizeof(path), "%s%s%s", r->path, to, end);
	if (in == NULL) {
		unlink(path);
		return;
	}
	out = fopen(path, "w");
	assert_non_null(out);
	while ((len = fread(bytes, 1, sizeof(bytes), in)) > 0)
		assert_int_equal(len, fwrite(bytes, 1, len, out));
	fclose(in);
	fclose(out);
}

void rig_copy_store(struct rig *r)
{
	copy_file(r, "", "", ".copy");
	copy_file(r, "-wal", "", ".copy");
}

void rig_lose_store(struct rig *r)
{
	static const char *const ends[] = { "", "-wal", "-shm", ".lock" };
	char path[96];
	size_t i;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", r->path, ends[i]);
		unlink(path);
	}
}

void rig_put_back(struct rig *r)
{
	copy_file(r, "", ".copy", "");
	copy_file(r, "-wal", ".copy", "");
	copy_file(r, "-shm", ".copy", "");
}

void rig_end(struct rig *r)
{
	static const char *const ends[] = { "", "-wal", "-shm", ".lock", ".copy", ".copy-wal" };
	struct posted *p;
	char path[96];
	size_t i;

	rig_kill(r);
	mailbox_mend();
	wire_clear();
	rig_with_pulse = false;
	rig_lazy_msecs = 0;
	rig_dice = 1;
	while ((p = TAILQ_FIRST(&r->posted)) != NULL) {
		TAILQ_REMOVE(&r->posted, p, list);
		free(p->body);
		free(p);
	}
	free(r->config_text);
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", r->path, ends[i]);
		unlink(path);
	}
	rmdir(r->dir);
}

/* ---- looking ---- */

struct endpoint *rig_endpoint(struct rig *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->flow->nendpoints; i++)
		if (strcmp(r->flow->endpoints[i].conf.name, name) == 0)
			return &r->flow->endpoints[i];
	fail_msg("no endpoint %s", name);
	return NULL;
}

struct op_status rig_status(struct rig *r, struct arena *a)
{
	struct op_status op = { .op = { .kind = STORE_STATUS }, .arena = a, .now_ms = fake_now_ms };

	store_run(r->store, &op.op);
	assert_int_equal(0, op.op.result);
	return op;
}

bool rig_disk_fails(bool full)
{
	bool before = disk.full != 0;

	disk.full = full;
	return before;
}
