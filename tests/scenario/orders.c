/* See orders.h. An order is played from the start each time: what may happen next depends on all that
 * happened before, and the disk cannot be turned back. */
#include "orders.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_loop.h"
#include "play.h"

#define DEPARTURES_MAX 4
#define STEPS_MAX 400

struct order {
	int count;
	struct {
		int at, option;
	} departures[DEPARTURES_MAX];
};

struct search {
	const char *config;
	int departures, stride;
	unsigned long played, skipped;
	bool tells;
};

/* Customer and agent speak in turn, the agent as soon as there is a conversation. */
static uint32_t in_turn(void *arg, uint32_t n)
{
	const struct play *p = arg;

	return n == 2 ? p->nsaid % 2 == 0 : 0;
}

static int choose(const struct order *o, int step)
{
	int i;

	for (i = 0; i < o->count; i++)
		if (o->departures[i].at == step)
			return o->departures[i].option;
	return 0;
}

/* options: how many there were at each step. Returns the number of steps. */
static int play_order(const struct search *s, const struct order *o, int options[STEPS_MAX],
    const char **wrong)
{
	struct option_now now;
	struct play p;
	int step;

	play_start(&p, s->config, 3, in_turn, &p);
	p.is_quiet = true;
	for (step = 0; step < STEPS_MAX && (options[step] = play_options(&p)) > 0; step++) {
		now = p.options[choose(o, step) % options[step]];
		if (s->tells)
			fprintf(stderr, "%3d/%d %6lld ms %s\n", step, options[step],
			    (long long)(fake_now_ms - RIG_START_MS), play_words(&now));
		play_do(&p, &now);
	}
	*wrong = play_end(&p);
	return step;
}

static void fail_order(const struct order *o, const char *wrong)
{
	int i;

	print_error("again with ORDER=");
	for (i = 0; i < o->count; i++)
		print_error("%s%d:%d", i > 0 ? "," : "", o->departures[i].at,
		    o->departures[i].option);
	print_error("\n");
	fail_msg("%s", wrong);
}

static void explore(struct search *s, const struct order *o)
{
	int options[STEPS_MAX], steps, step, option;
	struct order next = *o;
	const char *wrong;

	if (o->count == s->departures && s->skipped++ % (unsigned long)s->stride != 0)
		return;
	s->played++;
	steps = play_order(s, o, options, &wrong);
	if (wrong != NULL)
		fail_order(o, wrong);
	if (o->count == s->departures)
		return;
	next.count++;
	for (step = o->count > 0 ? o->departures[o->count - 1].at + 1 : 0; step < steps; step++)
		for (option = 1; option < options[step]; option++) {
			next.departures[o->count].at = step;
			next.departures[o->count].option = option;
			explore(s, &next);
		}
}

static bool read_order(const char *text, struct order *o)
{
	char *end;

	*o = (struct order){ 0 };
	while (text != NULL && *text != '\0' && o->count < DEPARTURES_MAX) {
		o->departures[o->count].at = (int)strtol(text, &end, 10);
		o->departures[o->count++].option = (int)strtol(end + 1, &end, 10);
		text = end + (*end == ',');
	}
	return text != NULL;
}

void orders_run(const char *config, int departures, int stride)
{
	struct search s = { .config = config, .departures = departures, .stride = stride };
	const char *wrong;
	int options[STEPS_MAX];
	struct order o;

	if (read_order(getenv("ORDER"), &o)) {
		s.tells = true;
		play_order(&s, &o, options, &wrong);
		if (wrong != NULL)
			fail_msg("%s", wrong);
		return;
	}
	explore(&s, &o);
	print_message("%lu orders\n", s.played);
}
