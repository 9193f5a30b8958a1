/* See alarm.h.
 *
 *   (nothing) ─holds─▶ rising ─for raise_after─▶ raised ─over for raise_after─▶ cleared
 *       ▲                │ over                    │ lasts for `remind`: told again
 *       └────────────────┘
 *
 * A condition that comes and goes faster than raise_after is never raised, and one that is raised and comes and
 * goes stays so. One that comes back after it was cleared is another alarm, with another id. */
#include "core/alarm.h"

#include <string.h>

#include "base/mem.h"

void alarms_init(struct alarms *s)
{
	*s = (struct alarms){ 0 };
}

static void alarm_free(struct alarm *a)
{
	xfree(a->endpoint);
	xfree(a->bridge);
	xfree(a->text);
	xfree(a->next);
	xfree(a);
}

void alarms_fini(struct alarms *s)
{
	size_t i;

	for (i = 0; i < s->count; i++)
		alarm_free(s->items[i]);
	xfree(s->items);
	alarms_init(s);
}

bool alarm_is_raised(const struct alarm *a)
{
	return a->id != 0 && a->cleared_ms == 0;
}

static char *copy(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

static void drop(struct alarms *s, size_t i)
{
	alarm_free(s->items[i]);
	s->count--;
	memmove(&s->items[i], &s->items[i + 1], (s->count - i) * sizeof(*s->items));
}

static struct alarm *add(struct alarms *s, const struct alarm *like)
{
	struct alarm *a = xmalloc(sizeof(*a));

	*a = *like;
	a->endpoint = copy(like->endpoint);
	a->bridge = copy(like->bridge);
	a->text = copy(like->text);
	a->next = copy(like->next);
	if (s->count == s->size) {
		s->size = s->size > 0 ? s->size * 2 : 16;
		s->items = xrealloc(s->items, s->size * sizeof(struct alarm *));
	}
	s->items[s->count++] = a;
	return a;
}

/* What passed in this machine's time since that moment, as far as the wall clock can be believed. */
static int64_t mono_of(int64_t wall_ms, struct alarm_now now)
{
	int64_t ago = now.wall_ms - wall_ms;

	return now.mono_ms - (ago > 0 ? ago : 0);
}

void alarms_restore(struct alarms *s, const struct alarm *row, struct alarm_now now)
{
	struct alarm *a = add(s, row);

	a->holds = true;
	a->changed_mono_ms = now.mono_ms;
	a->told_mono_ms = mono_of(a->reminded_ms > 0 ? a->reminded_ms : a->raised_ms, now);
	if (a->id > s->last_id)
		s->last_id = a->id;
}

static bool is_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static const struct alarm_fact *fact_of(const struct alarm *a, const struct alarm_fact *facts,
    size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (facts[i].kind == a->kind && is_same(facts[i].endpoint, a->endpoint)
		    && is_same(facts[i].bridge, a->bridge))
			return &facts[i];
	return NULL;
}

static bool is_known(const struct alarms *s, const struct alarm_fact *fact)
{
	size_t i;

	for (i = 0; i < s->count; i++)
		if (s->items[i]->cleared_ms == 0 && fact_of(s->items[i], fact, 1) != NULL)
			return true;
	return false;
}

/* As it is said by now: numbers in it grow. */
static void renew(struct alarm *a, const struct alarm_fact *fact)
{
	if (!is_same(a->text, fact->text)) {
		xfree(a->text);
		a->text = copy(fact->text);
	}
	if (!is_same(a->next, fact->next)) {
		xfree(a->next);
		a->next = copy(fact->next);
	}
}

static void say(struct alarm *a, const struct alarm_rules *r, enum alarm_news news,
    struct alarm_now now, void (*tell)(void *arg, struct alarm *alarm, enum alarm_news news),
    void *arg)
{
	switch (news) {
	case ALARM_RAISED: a->raised_ms = now.wall_ms; break;
	case ALARM_REMINDED: a->reminded_ms = now.wall_ms; break;
	case ALARM_CLEARED:
		a->cleared_ms = now.wall_ms;
		a->owed &= ~(unsigned)ALARM_REMINDED; /* which is no news any more */
		break;
	}
	a->told_mono_ms = now.mono_ms;
	if (r->is_posted)
		a->owed |= (unsigned)news;
	tell(arg, a, news);
}

/* What became of one that is not cleared: the news of it, 0: none. */
static unsigned judge(struct alarm *a, const struct alarm_rules *r, bool holds,
    struct alarm_now now)
{
	int64_t lasted;

	if (holds != a->holds) {
		a->holds = holds;
		a->changed_mono_ms = now.mono_ms;
	}
	lasted = now.mono_ms - a->changed_mono_ms;
	if (a->id == 0)
		return holds && lasted >= r->raise_after_msecs ? ALARM_RAISED : 0;
	if (!holds)
		return lasted >= r->raise_after_msecs ? ALARM_CLEARED : 0;
	return now.mono_ms - a->told_mono_ms >= r->remind_msecs ? ALARM_REMINDED : 0;
}

static void trim(struct alarms *s)
{
	size_t i = 0;

	while (s->count > ALARMS_KEPT && i < s->count) {
		if (s->items[i]->cleared_ms != 0)
			drop(s, i);
		else
			i++;
	}
}

void alarms_step(struct alarms *s, const struct alarm_rules *r, const struct alarm_fact *facts,
    size_t count, struct alarm_now now,
    void (*tell)(void *arg, struct alarm *alarm, enum alarm_news news), void *arg)
{
	const struct alarm_fact *fact;
	struct alarm *a;
	unsigned news;
	size_t i;

	for (i = 0; i < count; i++)
		if (!is_known(s, &facts[i]))
			add(s,
			    &(struct alarm){ .kind = facts[i].kind,
				.endpoint = (char *)facts[i].endpoint,
				.bridge = (char *)facts[i].bridge,
				.since_ms = facts[i].since_ms > 0 ? facts[i].since_ms : now.wall_ms,
				.text = (char *)facts[i].text,
				.next = (char *)facts[i].next,
				.holds = true,
				.changed_mono_ms = now.mono_ms });
	for (i = 0; i < s->count; i++) {
		a = s->items[i];
		if (a->cleared_ms != 0)
			continue;
		fact = fact_of(a, facts, count);
		if (fact != NULL)
			renew(a, fact);
		news = judge(a, r, fact != NULL, now);
		if (news == ALARM_RAISED)
			a->id = ++s->last_id;
		if (news != 0)
			say(a, r, (enum alarm_news)news, now, tell, arg);
		else if (a->id == 0 && fact == NULL)
			drop(s, i--);
	}
	trim(s);
}
