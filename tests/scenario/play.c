/* See play.h. What is promised of order is checked pair by pair:
 *
 *   from a source that announces in order: what was taken by an earlier posting than the first one of
 *   the other goes before it
 *   from one that does not: of two, the smaller id goes first, if it was taken before the other, or one
 *   with a still larger id, which the other precedes, had waited for as long as messages are held
 */
#include "play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "fake_loop.h"
#include "fake_store.h"
#include "fake_wire.h"
#include "flow/endpoint.h"
#include "flow/flow.h"
#include "flow/router.h"
#include "life.h"
#include "store/errand.h"

/* Requests are carried out late, but not later than the far side gives them up. */
#define LATE_ORDERED_MSECS 4000
#define LATE_UNORDERED_MSECS 15000
#define SETTLE_MSECS 400
#define TIMEOUT_MSECS 20000
#define FAULTS_MAX 2 /* of one message: more, and it would rightly be given up */
#define HOURS_MAX 3

void play_start(struct play *p, const char *config, int to_say,
    uint32_t (*pick)(void *arg, uint32_t n), void *arg)
{
	const struct bridge_conf *b;

	memset(p, 0, sizeof(*p));
	stage_start(&p->stage, config, NULL);
	b = &p->stage.rig.flow->config->bridges[0];
	p->customers = stage_far(&p->stage, b->customers->name);
	p->agents = stage_far(&p->stage, b->agents->name);
	p->to_say = to_say;
	p->pick = pick;
	p->arg = arg;
	p->stage.rig.holds_store = true;
}

static bool is_unordered(const struct far *f)
{
	return f->platform == &far_chatwoot;
}

/* ---- what was said ---- */

static struct said *said_of(struct play *p, const struct far_message *m)
{
	int i;

	for (i = 0; m != NULL && i < p->nsaid; i++)
		if (p->said[i].message == m)
			return &p->said[i];
	return NULL;
}

/* Texts are "m17!", so that a request tells whose it is. */
static struct said *said_in(struct play *p, const struct sent *sent)
{
	const char *at = sent->body;
	char *end;
	long n;

	while ((at = strchr(at, 'm')) != NULL) {
		n = strtol(++at, &end, 10);
		if (end != at && *end == '!' && n >= 0 && n < p->nsaid)
			return &p->said[n];
	}
	return NULL;
}

static void say(struct play *p)
{
	static const char *const people[] = { "ann", "bea", "cid" };
	bool by_agent = far_nth(p->agents, 0) != NULL && p->pick(p->arg, 2) == 0;
	struct said *s = &p->said[p->nsaid];
	struct far_conversation *c;
	char text[16];
	int n;

	*s = (struct said){ .from = by_agent ? p->agents : p->customers,
		.to = by_agent ? p->customers : p->agents };
	if (by_agent) {
		for (n = 0; far_nth(p->agents, n) != NULL; n++)
			;
		c = far_nth(p->agents, (int)p->pick(p->arg, (uint32_t)n));
	} else {
		const char *person = people[p->pick(p->arg, 3)];

		for (n = 0; (c = far_nth(p->customers, n)) != NULL; n++)
			if (strcmp(c->person, person) == 0)
				break;
		if (c == NULL || p->pick(p->arg, 12) == 1)
			c = far_begin(p->customers, person);
	}
	snprintf(text, sizeof(text), "m%d!", p->nsaid);
	s->conversation = c;
	s->message = far_say(s->from, c, !by_agent, by_agent ? "Bob" : c->person, text);
	p->nsaid++;
	p->to_say--;
}

/* ---- callbacks ---- */

static bool is_taken(const struct callback *c)
{
	return c->posted != NULL && c->posted->status == 200;
}

static bool is_under_way(const struct callback *c)
{
	return c->posted != NULL && c->posted->status == 0;
}

static void post(struct play *p, struct callback *c)
{
	struct said *s = c->is_update ? NULL : said_of(p, c->message);

	p->postings++;
	if (s != NULL && s->first == 0) {
		s->first = p->postings;
		s->first_ms = fake_now_ms;
	}
	far_post(&p->stage.rig, c);
	c->posting = p->postings;
}

/* Takes note of answers, and forgets what is over. */
static void look_at_callbacks(struct play *p, struct far *f)
{
	struct callback *c, *next;
	struct said *s;

	for (c = TAILQ_FIRST(&f->callbacks); c != NULL; c = next) {
		next = TAILQ_NEXT(c, list);
		s = c->is_update ? NULL : said_of(p, c->message);
		if (is_taken(c) && s != NULL && s->accepted == 0 && !s->is_given_up) {
			s->accepted = c->posting;
			s->accepted_ms = c->posted->answered_ms;
		}
		if (is_taken(c) && (c->posted->at_ms < fake_now_ms - 60000 || p->is_quiet))
			far_forget(c);
	}
}

static void add(struct play *p, struct option_now o)
{
	if (p->noptions < OPTIONS_MAX)
		p->options[p->noptions++] = o;
}

static void offer_callbacks(struct play *p, struct far *f, bool echoes)
{
	struct callback *c;

	TAILQ_FOREACH(c, &f->callbacks, list) {
		bool is_echo = c->message != NULL && c->message->by_relay;

		if (is_echo != echoes || is_under_way(c) || is_taken(c))
			continue;
		add(p,
		    (struct option_now){ .act = echoes ? ACT_ECHO : ACT_POST,
			.callback = c,
			.weight = echoes ? 6 : 12 });
		if (!is_unordered(f))
			return;
	}
}

static void offer_again(struct play *p, struct far *f)
{
	struct callback *c;

	TAILQ_FOREACH(c, &f->callbacks, list)
		if (is_taken(c)) {
			add(p, (struct option_now){ .act = ACT_AGAIN, .callback = c, .weight = 1 });
			return;
		}
}

/* ---- requests ---- */

static bool may_be_late(struct play *p, const struct sent *sent)
{
	int64_t most =
	    is_unordered(stage_far_of(&p->stage, sent)) ? LATE_UNORDERED_MSECS : LATE_ORDERED_MSECS;

	return sent->call == NULL && !sent->is_taken && !sent->is_over
	    && fake_now_ms - sent->at_ms < most && !stage_is_errand(sent);
}

static bool may_fail(struct play *p, const struct sent *sent)
{
	const struct said *s = said_in(p, sent);

	return s == NULL || s->faults < FAULTS_MAX;
}

static void offer_fates(struct play *p, struct sent *sent)
{
	static const int weights[FATE_COUNT] = { [FATE_ANSWERED] = 12,
		[FATE_LOST] = 2,
		[FATE_DROPPED] = 1,
		[FATE_REFUSED] = 1,
		[FATE_BUSY] = 1,
		[FATE_FAILED] = 1,
		[FATE_FAILED_AFTER] = 1 };
	enum fate fate;

	for (fate = FATE_LOST; fate < FATE_COUNT; fate++) {
		if (sent->is_taken && fate != FATE_LOST && fate != FATE_FAILED_AFTER)
			continue;
		if (fate >= FATE_FAILED && !may_fail(p, sent))
			continue;
		add(p,
		    (struct option_now){ .act = ACT_MEET,
			.sent = sent,
			.fate = fate,
			.weight = weights[fate] });
	}
	if (!sent->is_taken)
		add(p, (struct option_now){ .act = ACT_CARRY, .sent = sent, .weight = 3 });
}

static void offer_requests(struct play *p, bool ordinary)
{
	struct sent *sent;

	TAILQ_FOREACH(sent, &fake_sent, list) {
		if (sent->call != NULL && ordinary) {
			add(p,
			    (struct option_now){ .act = ACT_MEET,
				.sent = sent,
				.fate = FATE_ANSWERED,
				.weight = 12 });
			if (p->is_quiet)
				return;
		} else if (sent->call != NULL) {
			offer_fates(p, sent);
			if (p->is_quiet)
				return;
		} else if (!ordinary && may_be_late(p, sent)) {
			add(p, (struct option_now){ .act = ACT_LATE, .sent = sent, .weight = 3 });
		}
	}
}

static void forget_old_requests(void)
{
	struct sent *sent, *next;

	for (sent = TAILQ_FIRST(&fake_sent); sent != NULL; sent = next) {
		next = TAILQ_NEXT(sent, list);
		if (sent->call == NULL
		    && (sent->is_taken || sent->is_over
			|| fake_now_ms - sent->at_ms > LATE_UNORDERED_MSECS))
			wire_forget(sent);
	}
}

/* A request that is left hanging for too long counts as a fault of its message. */
static bool may_time_pass(struct play *p)
{
	struct sent *sent;

	TAILQ_FOREACH(sent, &fake_sent, list)
		if (sent->call != NULL && !may_fail(p, sent))
			return false;
	return true;
}

/* ---- what may happen next ---- */

static bool is_settled(struct play *p)
{
	struct arena *a = arena_new();
	struct op_status status = rig_status(&p->stage.rig, a);
	int64_t n = 0;
	size_t i;

	for (i = 0; i < status.nbridges; i++)
		n += status.bridges[i].waiting[0] + status.bridges[i].waiting[1];
	arena_free(a);
	return n == 0 && router_held(p->stage.rig.flow->router) == 0;
}

int play_options(struct play *p)
{
	int i;

	forget_old_requests();
	p->noptions = 0;
	for (i = 0; i < p->stage.nfars; i++)
		look_at_callbacks(p, &p->stage.fars[i]);
	if (mailbox_finished() > 0)
		add(p, (struct option_now){ .act = ACT_TELL, .weight = 30 });
	if (mailbox_todo() > 0)
		add(p, (struct option_now){ .act = ACT_COMMIT, .weight = 30 });
	for (i = 0; i < p->stage.nfars; i++)
		offer_callbacks(p, &p->stage.fars[i], false);
	offer_requests(p, true);
	if (p->to_say > 0 && p->nsaid < SAID_MAX)
		add(p, (struct option_now){ .act = ACT_SAY, .weight = 6 });
	for (i = 0; i < p->stage.nfars; i++)
		offer_callbacks(p, &p->stage.fars[i], true);
	if (p->noptions == 0 && is_settled(p))
		return 0;
	if (may_time_pass(p))
		add(p, (struct option_now){ .act = ACT_TIME, .weight = 6 });
	offer_requests(p, false);
	for (i = 0; i < p->stage.nfars; i++)
		offer_again(p, &p->stage.fars[i]);
	if (mailbox_todo() > 0)
		add(p, (struct option_now){ .act = ACT_FAIL, .weight = 2 });
	if (!p->is_quiet) {
		if (p->to_say > 0)
			add(p, (struct option_now){ .act = ACT_STATE, .weight = 2 });
		add(p, (struct option_now){ .act = ACT_FORGET, .weight = 2 });
		add(p, (struct option_now){ .act = ACT_RESTART, .weight = 1 });
	}
	add(p, (struct option_now){ .act = ACT_KILL, .weight = 1 });
	return p->noptions;
}

/* ---- doing it ---- */

static void count_timeouts(struct play *p, int64_t until_ms)
{
	struct said *s;
	struct sent *sent;

	TAILQ_FOREACH(sent, &fake_sent, list) {
		s = sent->call != NULL ? said_in(p, sent) : NULL;
		if (s != NULL && sent->at_ms + TIMEOUT_MSECS <= until_ms)
			s->faults++;
	}
}

static void let_time_pass(struct play *p)
{
	int64_t next = fake_loop_next_ms(p->stage.rig.loop), gap = next - fake_now_ms;

	if (!p->is_quiet && p->pick(p->arg, 3) == 0)
		fake_now_ms +=
		    (int64_t)p->pick(p->arg, gap < 300 ? (uint32_t)(gap > 0 ? gap : 1) : 300);
	else {
		count_timeouts(p, next);
		rig_pass_to_next(&p->stage.rig, fake_now_ms + 10 * 60 * 1000);
	}
}

static void change_state(struct play *p)
{
	struct far *f = &p->stage.fars[p->pick(p->arg, (uint32_t)p->stage.nfars)];
	struct far_conversation *c;
	uint32_t n = 0;

	while (far_nth(f, (int)n) != NULL)
		n++;
	if (n == 0)
		return;
	c = far_nth(f, (int)p->pick(p->arg, n));
	far_close(f, c, !c->is_closed);
}

static void forget_some(struct play *p)
{
	router_forget(p->stage.rig.flow->router, (int64_t)p->pick(p->arg, 6) + 1, 0);
}

/* Who was not answered posts again, or does not. */
static void give_up_some(struct play *p)
{
	struct callback *c;
	struct said *s;
	int i;

	for (i = 0; i < p->stage.nfars; i++)
		TAILQ_FOREACH(c, &p->stage.fars[i].callbacks, list) {
			s = c->is_update ? NULL : said_of(p, c->message);
			if (s != NULL && c->posted != NULL && c->posted->status == -1
			    && s->accepted == 0 && !s->is_given_up && is_unordered(s->from)
			    && p->pick(p->arg, 4) == 1) {
				s->is_given_up = true;
				c->posted->status = 200; /* in its own view it is done */
			}
		}
}

void play_do(struct play *p, const struct option_now *o)
{
	struct rig *rig = &p->stage.rig;
	struct said *s;

	switch (o->act) {
	case ACT_TELL: mailbox_tell(); break;
	case ACT_COMMIT: mailbox_commit(rig->store); break;
	case ACT_POST:
	case ACT_ECHO:
	case ACT_AGAIN: post(p, o->callback); break;
	case ACT_MEET:
		s = said_in(p, o->sent);
		if (s != NULL && o->fate >= FATE_FAILED)
			s->faults++;
		stage_meet(&p->stage, o->sent, o->fate);
		break;
	case ACT_SAY: say(p); break;
	case ACT_TIME: let_time_pass(p); break;
	case ACT_CARRY:
	case ACT_LATE: stage_carry(&p->stage, o->sent); break;
	case ACT_FAIL:
		p->failures++;
		mailbox_fail(ANY_KIND, STORE_FAULT_IO, 1);
		mailbox_commit(rig->store);
		mailbox_mend();
		break;
	case ACT_STATE: change_state(p); break;
	case ACT_FORGET: forget_some(p); break;
	case ACT_RESTART: stage_restart(&p->stage); break;
	case ACT_KILL:
		p->kills++;
		stage_kill(&p->stage);
		give_up_some(p);
		break;
	case ACT_COUNT: break;
	}
	rig_run(rig);
}

const char *play_words(const struct option_now *o)
{
	static const char *const acts[] = { "tell", "commit", "post", "meet", "say", "echo", "time",
		"carry", "late", "again", "fail", "state", "forget", "restart", "kill" };
	static const char *const fates[] = { "answered", "lost", "dropped", "refused", "busy",
		"failed", "failed after" };
	static char text[300];

	snprintf(text, sizeof(text), "%s %s %s%s%s%s", acts[o->act],
	    o->act == ACT_MEET ? fates[o->fate] : "", o->sent != NULL ? o->sent->method : "",
	    o->sent != NULL ? " " : "", o->sent != NULL ? o->sent->url : "",
	    o->callback == NULL                ? ""
		: o->callback->message != NULL ? o->callback->message->text
					       : "state");
	return text;
}

/* ---- the end ---- */

static char wrong[300];

#define WRONG(...) (snprintf(wrong, sizeof(wrong), __VA_ARGS__), wrong)

static const struct far_message *copy_of(const struct far *f, const char *text, int *count)
{
	const struct far_message *m, *found = NULL;
	const struct far_conversation *c;

	*count = 0;
	TAILQ_FOREACH(c, &f->conversations, list)
		TAILQ_FOREACH(m, &c->messages, list)
			if (far_is_text(m, text)) {
				found = m;
				++*count;
			}
	return found;
}

/* When its wait is over: one behind it takes it along. */
static int64_t held_until_ms(const struct play *p, const struct said *s)
{
	int64_t until_ms = s->first_ms + SETTLE_MSECS;
	const struct said *o;

	for (o = p->said; o < p->said + p->nsaid; o++)
		if (o->from == s->from && o->conversation == s->conversation && o->accepted != 0
		    && o->message->order > s->message->order
		    && o->first_ms + SETTLE_MSECS < until_ms)
			until_ms = o->first_ms + SETTLE_MSECS;
	return until_ms;
}

static bool must_precede(const struct play *p, const struct said *a, const struct said *b)
{
	if (a->conversation != b->conversation || a->accepted == 0 || b->accepted == 0)
		return false;
	if (is_unordered(a->from))
		return a->message->order < b->message->order
		    && a->accepted_ms < held_until_ms(p, b);
	return a->accepted < b->first;
}

static const char *look_at_order(const struct play *p, const struct said *s)
{
	const struct far_message *m, *other;
	int n, i;

	m = copy_of(s->to, s->message->text, &n);
	for (i = 0; m != NULL && i < p->nsaid; i++) {
		other = copy_of(s->to, p->said[i].message->text, &n);
		if (p->said[i].from == s->from && other != NULL && must_precede(p, s, &p->said[i])
		    && m->order > other->order)
			return WRONG("%s arrived behind %s", s->message->text,
			    p->said[i].message->text);
	}
	return NULL;
}

/* Once at each place; where the program died before it was taken, perhaps nowhere else. */
static const char *look_at_message(const struct play *p, const struct said *s)
{
	bool is_doubtful = s->is_given_up && s->accepted == 0;
	const struct far *f;
	int n, i;

	for (i = 0; i < p->stage.nfars; i++) {
		f = &p->stage.fars[i];
		copy_of(f, s->message->text, &n);
		if (n != 1 && !(is_doubtful && n == 0 && f != s->from))
			return WRONG("%s is at %s %d times", s->message->text, f->name, n);
	}
	return look_at_order(p, s);
}

static const char *look_at_store(struct play *p)
{
	struct arena *a = arena_new();
	struct op_status status = rig_status(&p->stage.rig, a);
	const char *said = NULL;

	if (status.nparked > 0)
		said = WRONG("parked: %s", reason_word((int)status.parked[0].reason));
	arena_free(a);
	return said;
}

static bool is_owed(struct play *p)
{
	struct arena *a = arena_new();
	struct op_errands owed = { .op = { .kind = STORE_ERRANDS }, .arena = a };

	store_run(p->stage.rig.store, &owed.op);
	arena_free(a);
	return owed.op.result != 0 || owed.ndue > 0;
}

/* All arrives in the end, so none may be shown as failed, and there is nothing to note. What is shown as
 * delivered is; it may be shown as nothing where that could not be said in time. */
static const char *look_at_shown(const struct play *p, const struct said *s)
{
	const struct far_conversation *c;
	const struct far_message *m;

	if (strcmp(s->message->status, "failed") == 0)
		return WRONG("%s is shown as failed", s->message->text);
	TAILQ_FOREACH(c, &p->agents->conversations, list)
		TAILQ_FOREACH(m, &c->messages, list)
			if (m->is_private)
				return WRONG("there is a note: %s", m->text);
	return NULL;
}

static const char *look_at_memory(struct play *p)
{
	const struct flow *f = p->stage.rig.flow;
	size_t i;

	for (i = 0; i < f->nendpoints; i++)
		if (f->endpoints[i].gate.wire != 0 || f->endpoints[i].gate.claimed != 0)
			return WRONG("gate of %s: %d on the wire, %d claimed",
			    f->endpoints[i].conf.name, f->endpoints[i].gate.wire,
			    f->endpoints[i].gate.claimed);
	if (!flow_is_idle(f))
		return WRONG("the flow is not idle");
	return NULL;
}

/* When it was first heard of; 0: it was not, or nothing of it crossed. */
static int64_t heard_ms(const struct play *p, const struct far_conversation *c)
{
	int64_t first_ms = 0;
	int i, n;

	for (i = 0; i < p->nsaid; i++)
		if (p->said[i].conversation == c && p->said[i].accepted != 0
		    && copy_of(p->agents, p->said[i].message->text, &n) != NULL
		    && (first_ms == 0 || p->said[i].accepted_ms < first_ms))
			first_ms = p->said[i].accepted_ms;
	return first_ms;
}

/* Of his conversations the one that was linked last is the one that follows. They may be heard of in another order
 * than that in which they began, and each is held for as long as its messages are. */
static bool is_left(const struct play *p, const struct far_conversation *c)
{
	const struct far_conversation *n;

	TAILQ_FOREACH(n, &c->far->conversations, list)
		if (n != c && strcmp(n->person, c->person) == 0 && n->is_closed
		    && heard_ms(p, n) + SETTLE_MSECS >= heard_ms(p, c))
			return true;
	return false;
}

/* The agents open and close all that they have; whatever happened before, the customers' conversations end
 * as theirs, but for those that were left for a later one. One that never crossed has no other end. */
static const char *look_at_states(struct play *p)
{
	struct far_conversation *c;
	int i;

	for (i = 0; i < 2; i++) {
		TAILQ_FOREACH(c, &p->agents->conversations, list)
			far_close(p->agents, c, i == 1);
		stage_settle(&p->stage, 60 * 1000, true);
	}
	TAILQ_FOREACH(c, &p->agents->conversations, list)
		if (!c->is_closed)
			return WRONG("%s at %s was opened again", c->id, p->agents->name);
	for (i = 0; i < p->nsaid; i++) {
		c = p->said[i].conversation;
		if (c->far != p->customers || heard_ms(p, c) == 0)
			continue;
		if (!c->is_closed && !is_left(p, c))
			return WRONG("%s at %s did not follow", c->id, p->customers->name);
	}
	return NULL;
}

const char *play_end(struct play *p)
{
	const char *said = NULL;
	int64_t until_ms;
	int i;

	mailbox_mend();
	p->stage.rig.holds_store = false;
	do {
		until_ms = fake_now_ms + 60 * 1000;
		stage_settle(&p->stage, 60 * 1000, true);
		fake_now_ms = until_ms; /* what is due later must come, too */
		for (i = 0; i < p->stage.nfars; i++)
			look_at_callbacks(p, &p->stage.fars[i]);
	} while ((!is_settled(p) || is_owed(p))
	    && fake_now_ms < RIG_START_MS + (int64_t)HOURS_MAX * 60 * 60 * 1000);
	if (!is_settled(p))
		said = WRONG("something waits for ever");
	if (said == NULL && is_owed(p))
		said = WRONG("something is owed for ever");
	if (said == NULL)
		said = look_at_store(p);
	for (i = 0; said == NULL && i < p->nsaid; i++)
		said = look_at_message(p, &p->said[i]);
	for (i = 0; said == NULL && i < p->nsaid; i++)
		said = look_at_shown(p, &p->said[i]);
	if (said == NULL && p->follows)
		said = look_at_states(p);
	if (said == NULL)
		said = look_at_memory(p);
	stage_end(&p->stage);
	return said;
}
