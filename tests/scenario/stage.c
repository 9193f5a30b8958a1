/* See stage.h. */
#include "stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "connector/connector.h"
#include "fake_loop.h"
#include "fake_store.h"
#include "fake_wire.h"
#include "flow/endpoint.h"
#include "flow/flow.h"

static const struct far_platform *const platforms[] = { &far_chatwoot, &far_smartify };

/* "key=value" goes into each bridge, which is one line that ends with a brace. */
static void add_option(FILE *to, const char *line, const char *option)
{
	const char *agents = strstr(line, ", agents: "), *end = strrchr(line, '}');

	if (option == NULL || agents == NULL || end == NULL)
		fputs(line, to);
	else
		fprintf(to, "%.*s, %.*s: %s}\n", (int)(end - line), line, (int)strcspn(option, "="),
		    option, strchr(option, '=') + 1);
}

static char *read_config(const char *config, const char *option)
{
	char path[256], line[1024], *text;
	size_t len;
	FILE *f, *to = open_memstream(&text, &len);

	snprintf(path, sizeof(path), "%s/%s.yaml", TEST_SOURCE_DIR, config);
	f = fopen(path, "r");
	if (f == NULL)
		fail_msg("%s cannot be read", path);
	while (fgets(line, sizeof(line), f) != NULL)
		add_option(to, line, option);
	fclose(f);
	fclose(to);
	return text;
}

bool stage_is_errand(const struct sent *sent)
{
	static const char *const parts[] = { "/profile", "/inboxes", "/subscriptions", "/projects/",
		"/departments", "/project_users", "/agents", "/teams" };
	size_t i;

	if (strstr(sent->url, "/public/") != NULL) /* a customer's */
		return false;
	if (strcmp(sent->method, "GET") != 0 && strstr(sent->url, "/auth/") == NULL)
		return false;
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strstr(sent->url, parts[i]) != NULL)
			return true;
	return strstr(sent->url, "/auth/signin") != NULL
	    && strstr(sent->url, "/auth/signinWith") == NULL;
}

static void answer_errands(void *arg)
{
	struct stage *s = arg;
	struct sent *sent;

	TAILQ_FOREACH(sent, &fake_sent, list)
		if (sent->call != NULL && stage_is_errand(sent)) {
			stage_meet(s, sent, FATE_ANSWERED);
			break; /* the list may be another one now */
		}
}

void stage_start(struct stage *s, const char *config, const char *bridge_option)
{
	char *text = read_config(config, bridge_option);
	const struct endpoint *e;
	size_t i;

	memset(s, 0, sizeof(*s));
	rig_start(&s->rig, text);
	free(text);
	for (; s->nfars < (int)s->rig.flow->nendpoints; s->nfars++) {
		e = &s->rig.flow->endpoints[s->nfars];
		for (i = 0; strcmp(platforms[i]->name, e->connector->name) != 0; i++)
			;
		far_start(&s->fars[s->nfars], e->conf.name, e->conf.tenant, platforms[i]);
	}
	s->rig.on_turn = answer_errands;
	s->rig.arg = s;
	rig_pass(&s->rig, 0);
	rig_pass(&s->rig, 0);
}

bool stage_reload(struct stage *s, const char *config, const char *bridge_option)
{
	char *text = read_config(config, bridge_option);
	bool taken = rig_reload(&s->rig, text);

	free(text);
	return taken;
}

void stage_end(struct stage *s)
{
	rig_end(&s->rig);
	while (s->nfars > 0)
		far_end(&s->fars[--s->nfars]);
}

static void boot(struct stage *s)
{
	rig_boot(&s->rig);
	rig_run(&s->rig);
}

void stage_kill(struct stage *s)
{
	rig_kill(&s->rig);
	boot(s);
}

void stage_restart(struct stage *s)
{
	rig_stop(&s->rig);
	boot(s);
}

void stage_lose_store(struct stage *s)
{
	rig_stop(&s->rig);
	rig_lose_store(&s->rig);
	boot(s);
}

void stage_put_back(struct stage *s)
{
	rig_stop(&s->rig);
	rig_put_back(&s->rig);
	boot(s);
}

/* ---- requests ---- */

struct far *stage_far(struct stage *s, const char *endpoint)
{
	int i;

	for (i = 0; i < s->nfars; i++)
		if (strcmp(s->fars[i].name, endpoint) == 0)
			return &s->fars[i];
	fail_msg("no endpoint %s", endpoint);
	return NULL;
}

struct far *stage_far_of(struct stage *s, const struct sent *sent)
{
	const char *base;
	int i;

	for (i = 0; i < s->nfars; i++) {
		base = s->rig.flow->endpoints[i].conf.base_url;
		if (strncmp(sent->url, base, strlen(base)) == 0)
			return &s->fars[i];
	}
	fail_msg("%s is nobody's address", sent->url);
	return NULL;
}

struct sent *stage_waiting(struct stage *s)
{
	(void)s;
	return wire_waiting();
}

void stage_answer(struct stage *s, struct sent *sent, int status, const char *body,
    int64_t retry_after_msecs)
{
	(void)s;
	wire_answer(sent,
	    &(struct http_resp){ .transport = TRANSPORT_OK,
		.sent = true,
		.status = status,
		.content_type = "application/json",
		.body = body,
		.body_len = strlen(body),
		.retry_after_msecs = retry_after_msecs });
}

static void cut(struct sent *sent, enum transport transport, bool is_sent)
{
	wire_answer(sent,
	    &(struct http_resp){ .transport = transport,
		.sent = is_sent,
		.body = "",
		.retry_after_msecs = -1,
		.detail = "cut by the test" });
}

void stage_carry(struct stage *s, struct sent *sent)
{
	struct far_answer answer;

	if (sent->is_taken)
		return;
	answer = far_serve(stage_far_of(s, sent), sent);
	sent->is_taken = true;
	sent->status = answer.status;
	sent->answer = answer.body;
}

void stage_meet(struct stage *s, struct sent *sent, enum fate fate)
{
	sent->is_over = sent->is_over || fate != FATE_DROPPED;
	if (fate == FATE_ANSWERED || fate == FATE_LOST || fate == FATE_FAILED_AFTER)
		stage_carry(s, sent);
	switch (fate) {
	case FATE_ANSWERED: stage_answer(s, sent, sent->status, sent->answer, -1); break;
	case FATE_LOST:
	case FATE_DROPPED: cut(sent, TRANSPORT_CUT, true); break;
	case FATE_REFUSED: cut(sent, TRANSPORT_CONNECT, false); break;
	case FATE_BUSY: stage_answer(s, sent, 429, "Retry later\n", -1); break;
	case FATE_FAILED:
	case FATE_FAILED_AFTER:
		stage_answer(s, sent, 500, "{\"status\":500,\"error\":\"Internal Server Error\"}",
		    -1);
		break;
	case FATE_COUNT: break;
	}
}

/* ---- callbacks ---- */

void stage_post_all(struct stage *s)
{
	struct callback *c, *next;
	int i;

	for (i = 0; i < s->nfars; i++)
		for (c = TAILQ_FIRST(&s->fars[i].callbacks); c != NULL; c = next) {
			next = TAILQ_NEXT(c, list);
			if (c->posted == NULL || c->posted->status != 0)
				far_post(&s->rig, c);
			rig_run(&s->rig);
			if (c->posted->status == 200)
				far_forget(c);
		}
}

static bool has_callbacks(const struct stage *s)
{
	int i;

	for (i = 0; i < s->nfars; i++)
		if (!TAILQ_EMPTY(&s->fars[i].callbacks))
			return true;
	return false;
}

void stage_settle(struct stage *s, int64_t msecs, bool with_callbacks)
{
	int64_t until_ms = fake_now_ms + msecs;
	struct sent *sent;

	do {
		rig_run(&s->rig);
		while ((sent = wire_waiting()) != NULL) {
			stage_meet(s, sent, FATE_ANSWERED);
			rig_run(&s->rig);
		}
		if (with_callbacks)
			stage_post_all(s);
	} while (wire_waiting() != NULL || rig_pass_to_next(&s->rig, until_ms));
	if (with_callbacks && has_callbacks(s))
		fail_msg("a callback is refused for ever");
}
