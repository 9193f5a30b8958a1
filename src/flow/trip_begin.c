/* See trip_inside.h. Where a trip sets out: at its first step, or where a former life, or its files, have left it;
 * and its own message that comes back. */
#include "flow/trip_inside.h"

#include <string.h>

#include "base/arena.h"
#include "flow/history/migration.h"
#include "flow/media/media.h"

/* After the echo has come, the answer is on its way too; a connection is not thrown away for less. */
#define ECHO_PATIENCE_MSECS 500
#define NEAR_ITS_END 8 /* the last eighth of its life */

/* ---- starting ---- */

/* Done again it harms nobody, and that it was done is not on disk. */
static bool step_leaves_no_trace(const struct step_plan *s)
{
	return s->doubt_look == STEP_NONE && !step_is_look_up(s->step) && s->step != STEP_SIGN_IN;
}

/* What stood before the step on disk may be due again since: the conversation was closed meanwhile. */
static void trip_step_back(struct trip *t)
{
	size_t i = t->next;

	while (!t->is_detour && i > 1 && step_leaves_no_trace(&t->plan.steps[i - 2]))
		i--;
	if (i != t->next)
		trip_turn_to(t, i - 1);
}

static bool trip_find_place(struct trip *t)
{
	const struct row_delivery *d = &t->row.delivery;

	if (!trip_plan(t))
		return false;
	if (d->step != STEP_NONE)
		trip_turn_to_step(t, d->step, d->part);
	else
		trip_turn_to(t, 0);
	trip_step_back(t);
	return true;
}

/* It waited for its turn for longer than it may be tried. */
static bool trip_is_late(struct trip *t)
{
	const struct effect expired = { .kind = EFFECT_RETRY,
		.reason = t->row.delivery.reason,
		.wait_msecs = -1 };

	if (!trip_is_expired(t))
		return false;
	trip_conclude(t, &expired);
	return true;
}

static void trip_set_out(struct trip *t)
{
	if (trip_find_place(t))
		trip_go(t);
}

/* The longest wait of all steps. */
static int64_t plan_doubt(const struct trip *t)
{
	int64_t most = 0;
	size_t i;

	for (i = 0; i < t->plan.count; i++)
		if (t->plan.steps[i].doubt_wait_msecs > most)
			most = t->plan.steps[i].doubt_wait_msecs;
	return most;
}

/* Where the step that a former life was at stands in the plan; the beginning of its part, where it has
 * dropped out. */
static size_t trip_place(const struct trip *t)
{
	size_t i;

	if (!t->is_detour)
		return t->next - 1;
	for (i = 0; i + 1 < t->plan.count && t->plan.steps[i].part != t->now.part; i++)
		;
	return i;
}

/* Behind such a step, or one that has dropped out of the plan, the next one may have been under way
 * already; that one is looked for first. */
static void trip_skip_traceless(struct trip *t)
{
	size_t begin = trip_place(t), i = begin;

	while (i + 1 < t->plan.count && step_leaves_no_trace(&t->plan.steps[i]))
		i++;
	if (t->plan.steps[i].doubt_look == STEP_NONE)
		return;
	t->skipped = i - begin;
	t->next = i + 1;
	t->is_detour = false;
	t->now = t->plan.steps[i];
}

/* Which of the steps was under way nobody knows, and the process may have died just now, so the wait
 * counts from here. That holds for a doubt that was on disk as well: what was looked for and not found
 * was sent again without another write. */
static void trip_take_up(struct trip *t)
{
	const struct row_delivery *d = &t->row.delivery;
	int64_t wait = 0;

	if ((!trip_is_message(t) && trip_is_folded(t)) || !trip_find_place(t))
		return;
	trip_skip_traceless(t);
	t->effect = (struct effect){ .kind = EFFECT_UNSURE,
		.reason = REASON_CUT,
		.wait_msecs = -1,
		.why = t->is_long_ago ? "put back by a person" : "the relay stopped meanwhile" };
	t->is_doubted = true;
	if (!t->is_long_ago)
		wait = plan_doubt(t);
	if (d->state == DELIVERY_UNSURE && d->due_ms - trip_now(t) > wait)
		wait = d->due_ms - trip_now(t);
	trip_wait(t, t->is_echoed ? 0 : wait);
	trip_log(t, LOG_INFO, "unsure", &t->effect);
}

/* ---- files ---- */

static void trip_on_files(void *arg, const struct file *files, size_t count)
{
	struct trip *t = arg;

	t->files = NULL;
	trip_set_active(t, true);
	t->had = files;
	t->nhad = count;
	compose_files(t->arena, &t->words, files, count);
	if (t->resumes)
		trip_take_up(t);
	else
		trip_set_out(t);
}

/* History has time, but for what waits behind it. Near its own end a message goes without. */
static bool trip_hurries(void *arg)
{
	const struct trip *t = arg;
	const struct flow *f = t->courier->flow;
	int64_t expires_ms = t->row.delivery.expires_ms;

	return t->letter->event->origin != ORIGIN_HISTORY || t->lane->turn != TURN_LATE
	    || migration_hurries(f->migrations, t->letter->event)
	    || (expires_ms != 0
		&& trip_now(t) > expires_ms - f->config->limits.try_for_msecs / NEAR_ITS_END);
}

/* What the plan is depends on them. Nothing of it is on the wire meanwhile: it takes no place. False: it has
 * none. */
static bool trip_awaits_files(struct trip *t)
{
	struct flow *f = t->courier->flow;

	if (!event_has_files(t->letter->event))
		return false;
	trip_set_active(t, false);
	lane_rest(t->lane, true);
	t->files = media_ask(f->media, t->row.delivery.id >> 4, t->letter, t->arena,
	    &(struct media_asker){ trip_on_files, trip_hurries, t });
	return true;
}

void trip_begin(struct trip *t)
{
	if (!trip_is_folded(t) && !trip_is_late(t) && !trip_awaits_files(t))
		trip_set_out(t);
}

void trip_resume(struct trip *t, bool is_long_ago)
{
	t->resumes = true;
	t->is_long_ago = is_long_ago;
	if (!trip_awaits_files(t))
		trip_take_up(t);
}

/* ---- the echo ---- */

/* A conversation that was deleted is made anew by a message sent there, and its second id tells. */
static bool is_ghost(const struct trip *t, const struct event *e)
{
	return t->known.conversation_ref != NULL && e->conversation_ref != NULL
	    && strcmp(t->known.conversation_ref, e->conversation_ref) != 0;
}

void trip_take_echo(struct trip *t, const struct event *event)
{
	if (t->is_echoed || is_ghost(t, event))
		return;
	t->is_echoed = t->is_open = true;
	t->echo_remote = arena_strdup(t->arena, event->remote);
	if (t->known.conversation == NULL)
		t->known.conversation = arena_strdup(t->arena, event->conversation);
	if (t->known.conversation_ref == NULL)
		t->known.conversation_ref = arena_strdup(t->arena, event->conversation_ref);
	if (t->call != NULL) {
		trip_wait(t, ECHO_PATIENCE_MSECS);
	} else if (t->is_queued) { /* before the gate, to be sent again or looked for */
		trip_unqueue(t);
		trip_deliver_by_echo(t);
	} else if (t->timer != NULL && loop_timer_pending(t->timer)) {
		trip_deliver_by_echo(t);
	}
	/* else it is on its way to disk, and looks at is_echoed when it is back */
}
