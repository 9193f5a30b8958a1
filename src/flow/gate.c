/* Gates. What stands before one, in the order in which it is looked at:
 *
 *   is_shut    the endpoint itself: it signs in, or its credentials are refused
 *   breaker    nobody answered, several times: one request now and then, the first that waits
 *   width      requests at once, as many as get more done
 *   supply     requests in a time, shared by all endpoints of a host where the platform counts so
 *
 * No message is blamed for any of them: lanes wait in the gate's list, without a timer of their own. */
#include "flow/gate.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/http.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/endpoint.h"
#include "flow/lanes.h"

/* Claimed lanes per place on the wire: the rest waits for the disk. */
#define CLAIMS_PER_PLACE 4
/* Who waits for no longer than this behind the gate hardly waits. */
#define QUICK_MSECS 50
/* Of those, one part may be of late ones, and while live ones wait, one turn of so many is theirs. */
#define LATE_PART 4
#define LATE_TURN 8

/* What is held back here waits for no clock that somebody sets. */
static int64_t gate_now_ms(const struct gate *g)
{
	return loop_mono_ms(g->endpoint->flow->loop);
}

/* ---- the bucket, and who takes from it ---- */

static void supply_set(struct supply *s, int64_t msecs)
{
	int64_t due_ms = loop_mono_ms(s->flow->loop) + msecs;

	if (loop_timer_pending(s->timer) && s->due_ms <= due_ms)
		return;
	s->due_ms = due_ms;
	loop_timer_set(s->timer, msecs);
}

static void supply_leave(struct supply *s, struct gate *g, enum turn turn)
{
	if (g->is_waiting[turn])
		TAILQ_REMOVE(&s->waiting[turn], g, waiting[turn]);
	g->is_waiting[turn] = false;
}

static bool supply_is_wanted(const struct supply *s)
{
	return !TAILQ_EMPTY(&s->waiting[TURN_LIVE]) || !TAILQ_EMPTY(&s->waiting[TURN_LATE]);
}

static void supply_on_timer(void *arg)
{
	struct supply *s = arg;
	enum turn turn = TAILQ_EMPTY(&s->waiting[TURN_LIVE]) ? TURN_LATE : TURN_LIVE;
	struct gate *g = TAILQ_FIRST(&s->waiting[turn]);

	if (g == NULL)
		return;
	supply_leave(s, g, turn);
	gate_wake(g->endpoint);
	if (supply_is_wanted(s) && !loop_timer_pending(s->timer))
		supply_set(s, 0);
}

static void supply_wait(struct supply *s, struct gate *g, enum turn turn, int64_t msecs)
{
	if (!g->is_waiting[turn])
		TAILQ_INSERT_TAIL(&s->waiting[turn], g, waiting[turn]);
	g->is_waiting[turn] = true;
	supply_set(s, msecs);
}

/* Whether another gate's turn is before this one's. */
static bool is_behind(const struct supply *s, const struct gate *g, enum turn turn)
{
	const struct gate *live = TAILQ_FIRST(&s->waiting[TURN_LIVE]);
	const struct gate *late = TAILQ_FIRST(&s->waiting[TURN_LATE]);

	return (live != NULL && live != g) || (turn == TURN_LATE && late != NULL && late != g);
}

static bool supply_take(struct supply *s, struct gate *g, enum turn turn)
{
	int64_t now_ms = gate_now_ms(g), wait;

	if (is_behind(s, g, turn)) {
		wait = loop_timer_pending(s->timer) ? s->due_ms - now_ms : 0;
		supply_wait(s, g, turn, wait);
		return false;
	}
	wait = turn == TURN_LIVE ? bucket_take(&s->bucket, &s->rate, now_ms)
				 : bucket_take_spare(&s->bucket, &s->rate, now_ms);
	if (wait > 0) {
		supply_wait(s, g, turn, wait);
		return false;
	}
	supply_leave(s, g, turn);
	return true;
}

static const char *supply_key(struct arena *a, const struct endpoint *e)
{
	return arena_printf(a, "%s %s", e->connector->name,
	    e->conf.caps->rate_by_host ? e->conf.host : e->conf.name);
}

/* Of two rates the lower; none is no limit. */
static struct rate least(struct rate a, struct rate b)
{
	if (a.count == 0 || b.count == 0)
		return a.count == 0 ? b : a;
	return a.count * b.period_msecs < b.count * a.period_msecs ? a : b;
}

static void supply_agree(struct supply *s)
{
	struct flow *f = s->flow;
	size_t i;

	s->rate = (struct rate){ 0 };
	for (i = 0; i < f->nendpoints; i++)
		if (f->endpoints[i].gate.supply == s)
			s->rate = least(s->rate, f->endpoints[i].conf.rate);
}

static struct supply *supply_of(struct endpoint *e)
{
	struct flow *f = e->flow;
	struct arena *a = arena_new();
	const char *key = supply_key(a, e);
	struct supply *s;

	SLIST_FOREACH(s, &f->supplies, list)
		if (strcmp(s->key, key) == 0)
			break;
	if (s == NULL) {
		s = xcalloc(1, sizeof(*s));
		s->flow = f;
		s->key = xstrdup(key);
		s->timer = loop_timer_new(f->loop, supply_on_timer, s);
		TAILQ_INIT(&s->waiting[TURN_LIVE]);
		TAILQ_INIT(&s->waiting[TURN_LATE]);
		SLIST_INSERT_HEAD(&f->supplies, s, list);
	}
	s->users++;
	s->rate = least(s->rate, e->conf.rate);
	arena_free(a);
	return s;
}

static void supply_drop(struct supply *s, struct gate *g)
{
	supply_leave(s, g, TURN_LIVE);
	supply_leave(s, g, TURN_LATE);
	if (--s->users > 0)
		return;
	SLIST_REMOVE(&s->flow->supplies, s, supply, list);
	loop_timer_free(s->timer);
	xfree(s->key);
	xfree(s);
}

/* ---- life ---- */

static void set_probe(struct gate *g)
{
	loop_timer_set(g->probe, breaker_wait(&g->breaker, gate_now_ms(g)));
}

/* A timer goes by a coarser clock, and may be some milliseconds early: who is sent away then would not be called
 * again. */
static void on_probe(void *arg)
{
	struct endpoint *e = arg;

	if (breaker_wait(&e->gate.breaker, gate_now_ms(&e->gate)) > 0)
		set_probe(&e->gate);
	else
		gate_wake(e);
}

void gate_init(struct gate *g, struct endpoint *e)
{
	int turn;

	*g = (struct gate){ .endpoint = e };
	width_init(&g->width, (int)e->conf.concurrency);
	g->probe = loop_timer_new(e->flow->loop, on_probe, e);
	g->supply = supply_of(e);
	for (turn = 0; turn < TURN_COUNT; turn++)
		TAILQ_INIT(&g->ready[turn]);
	TAILQ_INIT(&g->sending);
}

void gate_fini(struct gate *g)
{
	loop_timer_free(g->probe);
	g->probe = NULL;
	if (g->supply != NULL)
		supply_drop(g->supply, g);
	g->supply = NULL;
}

void gate_reload(struct gate *g)
{
	width_limit(&g->width, (int)g->endpoint->conf.concurrency);
	supply_agree(g->supply);
}

/* ---- what it lets through ---- */

bool gate_is_open(const struct gate *g)
{
	return !g->is_shut && !g->is_paused && !breaker_is_closed(&g->breaker);
}

int64_t gate_shut_for(const struct gate *g)
{
	int64_t now_ms = gate_now_ms(g), probe = breaker_wait(&g->breaker, now_ms);
	int64_t supply = bucket_shut_for(&g->supply->bucket, now_ms);

	return probe > supply ? probe : supply;
}

/* However few places there are, each is free again within a moment: what keeps the wire from being full is
 * the disk. So as many may be claimed as if the gate were as wide as it may be; with few claims each commit
 * would carry few, and what is not claimed when it is stored costs a claim, and to be read again. */
static bool is_quick(const struct gate *g)
{
	return g->stands_since_ms == 0 || gate_now_ms(g) - g->stands_since_ms < QUICK_MSECS;
}

bool gate_may_claim(const struct gate *g, enum turn turn)
{
	int most = (is_quick(g) ? g->width.most : g->width.now) * CLAIMS_PER_PLACE;

	if (g->is_shut || g->is_paused)
		return false;
	if (breaker_is_closed(&g->breaker))
		return g->claimed == 0 && g->wire == 0
		    && breaker_wait(&g->breaker, gate_now_ms(g)) == 0;
	return g->claimed < most && (turn == TURN_LIVE || g->late * LATE_PART < most);
}

struct lane *gate_next(struct gate *g)
{
	struct lane *live = TAILQ_FIRST(&g->ready[TURN_LIVE]);
	struct lane *late = TAILQ_FIRST(&g->ready[TURN_LATE]);

	if (live != NULL && !gate_may_claim(g, TURN_LIVE))
		live = NULL;
	if (late != NULL && !gate_may_claim(g, TURN_LATE))
		late = NULL;
	if (live == NULL || late == NULL)
		return live != NULL ? live : late;
	if (++g->live_turns < LATE_TURN)
		return live;
	g->live_turns = 0;
	return late;
}

bool gate_is_wanted(const struct gate *g)
{
	return !TAILQ_EMPTY(&g->ready[TURN_LIVE]) || !TAILQ_EMPTY(&g->ready[TURN_LATE]);
}

bool gate_enter(struct gate *g, enum turn turn)
{
	if (g->is_shut || g->wire >= g->width.now)
		return false;
	if (breaker_is_closed(&g->breaker)
	    && (g->wire > 0 || breaker_wait(&g->breaker, gate_now_ms(g)) > 0))
		return false;
	if (!supply_take(g->supply, g, turn))
		return false;
	g->wire++;
	return true;
}

void gate_leave(struct gate *g)
{
	assert(g->wire > 0);
	g->wire--;
	if (g->wire == 0 && TAILQ_EMPTY(&g->sending))
		width_idle(&g->width);
}

/* ---- what answers say ---- */

/* Whatever an answer says, somebody gave it; these say that nobody is there. */
static bool is_no_answer(const struct http_resp *resp)
{
	switch (resp->transport) {
	case TRANSPORT_CONNECT:
	case TRANSPORT_TLS:
	case TRANSPORT_TIMEOUT:
	case TRANSPORT_CUT: return true;
	case TRANSPORT_OK:
	case TRANSPORT_TOO_LARGE: break;
	}
	return resp->status >= 500;
}

static void failed(struct gate *g, enum reason reason, int64_t begun_ms)
{
	int64_t now_ms = gate_now_ms(g);

	if (breaker_failed(&g->breaker, begun_ms, now_ms, random_dice()))
		LOG(LOG_WARN, "gate_closed", F_STR("endpoint", g->endpoint->conf.name),
		    F_STR("reason", reason_word((int)reason)),
		    F_INT("wait_ms", breaker_wait(&g->breaker, now_ms)));
	if (breaker_is_closed(&g->breaker))
		set_probe(g);
}

static void worked(struct gate *g)
{
	int64_t closed_ms = g->breaker.closed_ms;

	if (!breaker_worked(&g->breaker))
		return;
	loop_timer_stop(g->probe);
	LOG(LOG_INFO, "gate_open", F_STR("endpoint", g->endpoint->conf.name),
	    F_INT("took_ms", gate_now_ms(g) - closed_ms));
}

bool gate_is_for_all(const struct http_resp *resp)
{
	return resp->status == 429 || resp->status == 503;
}

static void too_many(struct gate *g, const struct effect *effect)
{
	bucket_refused(&g->supply->bucket, effect->wait_msecs, gate_now_ms(g));
	endpoint_locked(g->endpoint,
	    loop_now_ms(g->endpoint->flow->loop)
		+ bucket_shut_for(&g->supply->bucket, gate_now_ms(g)));
}

void gate_heard(struct gate *g, const struct effect *effect, const struct http_resp *resp)
{
	int64_t now_ms = gate_now_ms(g);
	/* Where it locks out, that is about all of us, in whichever words it is said. */
	bool is_busy = effect->reason == REASON_BUSY
	    && (gate_is_for_all(resp) || g->endpoint->conf.caps->locks);

	if (is_busy)
		too_many(g, effect);
	else if (effect->is_scarce)
		bucket_warned(&g->supply->bucket, now_ms);
	if (is_busy || resp->transport == TRANSPORT_TIMEOUT)
		width_too_much(&g->width, now_ms - resp->took_msecs, now_ms);
	if (is_no_answer(resp)) {
		failed(g, effect->reason, now_ms - resp->took_msecs);
		return;
	}
	worked(g);
	if (!is_busy)
		width_worked(&g->width,
		    (!TAILQ_EMPTY(&g->sending) || gate_is_wanted(g)) && !g->is_waiting[TURN_LIVE]
			&& !g->is_waiting[TURN_LATE],
		    now_ms);
}

void gate_wake(struct endpoint *e)
{
	e->flow->pump(e);
}
