/* See width.h. A round is a number of answers while somebody waited for a place nearly all along, so that it
 * measures what the far side does at that width. If a wider round is no better than the narrower one before
 * it, by at least an eighth of what it was widened by, then the far side (or we) can do no more: back, and
 * only now and then it is tried again. */
#include "core/width.h"

#define ROUND_MSECS 100
#define ROUND_ANSWERS 8 /* per place */
#define RESTS 32        /* rounds */
#define GAIN_PART 8     /* of the widening: less is noise */
#define UNWANTED_PART 8 /* of the answers: with more, it measures how much there was to do */

void width_init(struct width *w, int most)
{
	*w = (struct width){ .now = most < WIDTH_FIRST ? most : WIDTH_FIRST,
		.most = most,
		.steep = most };
}

void width_idle(struct width *w)
{
	w->begun_ms = 0;
	w->done = w->unwanted = 0;
}

void width_limit(struct width *w, int most)
{
	if (most == w->most)
		return;
	w->most = w->steep = most;
	if (w->now > most)
		w->now = most;
	w->before = w->rests = 0;
	width_idle(w);
}

static void widen(struct width *w, int64_t rate)
{
	int step = w->now < w->steep ? w->now / 2 : 1;

	if (w->now == w->most)
		return;
	w->before = w->now;
	w->rate_before = rate;
	w->now += step > 0 ? step : 1;
	if (w->now > w->most)
		w->now = w->most;
}

static bool was_worth_it(const struct width *w, int64_t rate)
{
	return (rate - w->rate_before) * w->before * GAIN_PART
	    >= w->rate_before * (w->now - w->before);
}

static void round_ends(struct width *w, int64_t rate)
{
	if (w->before != 0 && !was_worth_it(w, rate)) {
		w->now = w->before;
		w->before = 0;
		w->rests = RESTS;
	} else if (w->rests > 0) {
		w->rests--;
	} else {
		w->before = 0;
		widen(w, rate);
	}
}

void width_worked(struct width *w, bool is_wanted, int64_t now_ms)
{
	int64_t took = now_ms - w->begun_ms;

	if (w->begun_ms == 0 || took < 0) {
		width_idle(w);
		w->begun_ms = now_ms;
		return;
	}
	w->done++;
	w->unwanted += !is_wanted;
	if (w->done < ROUND_ANSWERS * w->now || took < ROUND_MSECS)
		return;
	if (w->unwanted * UNWANTED_PART <= w->done)
		round_ends(w, (int64_t)w->done * 1000 * 1000 / took);
	width_idle(w);
	w->begun_ms = now_ms;
}

void width_too_much(struct width *w, int64_t begun_ms, int64_t now_ms)
{
	if (begun_ms < w->narrowed_ms && w->narrowed_ms <= now_ms)
		return;
	w->narrowed_ms = now_ms;
	w->now = w->now > 1 ? w->now / 2 : 1;
	w->steep = w->now;
	w->before = w->rests = 0;
	width_idle(w);
}
