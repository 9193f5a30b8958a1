/* See moving.h. */
#include "moving.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "fake_loop.h"
#include "fake_wire.h"
#include "flow/flow.h"

#define MINUTE_MSECS (60 * 1000)

void moving_past(struct moving *m, const char *endpoint, int conversations, int messages)
{
	struct far *f = stage_far(&m->stage, endpoint);
	struct far_conversation *c;
	char text[64];
	int i, j, before = 0;

	while (far_nth(f, before) != NULL)
		before++;
	for (i = before; i < before + conversations; i++) {
		snprintf(text, sizeof(text), "person%d", i);
		c = far_begin(f, text);
		for (j = 0; j < messages; j++) {
			snprintf(text, sizeof(text), "%d of %d", j, i);
			far_say(f, c, j % 2 == 0, j % 2 == 0 ? c->person : "Bob", text);
			far_forget(TAILQ_LAST(&f->callbacks, callback_list));
		}
	}
	fake_now_ms += 5000; /* all of that is before the bridge, or whatever follows */
}

static void on_begun(void *arg, int64_t id)
{
	(void)arg, (void)id;
}

void moving_begin(struct moving *m)
{
	struct flow *f = m->stage.rig.flow;
	const struct migration_wish w = { .bridge = f->config->bridges[0].name };
	struct err err = { { 0 } };

	m->begun_ms = fake_now_ms;
	memset(m->sent, 0, sizeof(m->sent));
	if (migration_begin(f->migrations, &w, on_begun, m, &err) != MIGRATION_BEGUN)
		fail_msg("%s", err.text);
	rig_run(&m->stage.rig);
}

struct migration_report moving_report(struct moving *m)
{
	struct arena *a = arena_new();
	struct migration_report *list, report = { 0 };

	if (migration_reports(m->stage.rig.flow->migrations, a, &list) > 0)
		report = list[0];
	report.bridge = report.from = report.to = report.file = report.wish = report.why = NULL;
	arena_free(a);
	return report;
}

static void count(struct moving *m, const struct sent *sent)
{
	int64_t minute = (sent->at_ms - m->begun_ms) / MINUTE_MSECS;

	if (minute >= 0 && minute < MOVING_MINUTES)
		m->sent[stage_far_of(&m->stage, sent) - m->stage.fars][minute]++;
	if (m->on_sent != NULL)
		m->on_sent(m, sent);
}

static int64_t due(const struct moving *m, const struct sent *s)
{
	bool is_held = m->held != NULL && s->body != NULL && strstr(s->body, m->held) != NULL;

	return is_held ? INT64_MAX : s->at_ms + m->takes_msecs;
}

/* What is new is counted, and what is due answered. True: something was. */
static bool answer(struct moving *m)
{
	struct sent *s, *next;
	bool moved = false;

	for (s = TAILQ_FIRST(&fake_sent); s != NULL; s = next) {
		next = TAILQ_NEXT(s, list);
		if (!s->is_seen && !stage_is_errand(s))
			count(m, s);
		s->is_seen = true;
		if (s->call == NULL) {
			wire_forget(s);
		} else if (due(m, s) <= fake_now_ms) {
			stage_meet(&m->stage, s, FATE_ANSWERED);
			moved = true;
		}
	}
	return moved;
}

static int64_t next_answer(const struct moving *m)
{
	int64_t next_ms = INT64_MAX;
	const struct sent *s;

	TAILQ_FOREACH(s, &fake_sent, list)
		if (s->call != NULL && due(m, s) < next_ms)
			next_ms = due(m, s);
	return next_ms;
}

static void step(struct moving *m, int64_t until_ms)
{
	int64_t next_ms;

	do
		rig_run(&m->stage.rig);
	while (answer(m));
	if (m->on_step != NULL)
		m->on_step(m);
	next_ms = fake_loop_next_ms(m->stage.rig.loop);
	if (next_answer(m) < next_ms)
		next_ms = next_answer(m);
	if (next_ms > until_ms)
		next_ms = until_ms;
	if (next_ms > fake_now_ms)
		fake_now_ms = next_ms;
}

bool moving_run(struct moving *m, int64_t msecs)
{
	int64_t until_ms = fake_now_ms + msecs;

	while (moving_report(m).under_way > 0 || migration_is_active(moving_report(m).state)) {
		if (fake_now_ms >= until_ms)
			return false;
		step(m, until_ms);
	}
	return true;
}

void moving_pass(struct moving *m, int64_t msecs)
{
	int64_t until_ms = fake_now_ms + msecs;

	while (fake_now_ms < until_ms)
		step(m, until_ms);
}
