/* How many requests at once a far side gets: few at first, more while more of them get more done, half as
 * many when it is too much. Pure. */
#ifndef CORE_WIDTH_H
#define CORE_WIDTH_H

#include <stdbool.h>
#include <stdint.h>

#define WIDTH_FIRST 4

struct width {
	int now, most;
	int steep; /* up to here it widens by half of itself, from here on by one */
	/* The round under way: so many answers, and to so many of them nobody waited for the place. */
	int64_t begun_ms; /* 0: none is */
	int done, unwanted;
	/* What was found: so many a second (thousandths) at the width before. */
	int before;
	int64_t rate_before;
	int rests; /* rounds before it tries again whether more gets more done */
	int64_t narrowed_ms;
};

void width_init(struct width *w, int most);
/* The configuration says another number. */
void width_limit(struct width *w, int most);
/* A request was answered well. is_wanted: others waited for its place, and for nothing else. */
void width_worked(struct width *w, bool is_wanted, int64_t now_ms);
/* Nothing is under way: what was measured so far is worth nothing. */
void width_idle(struct width *w);
/* It was too much for them, says the answer to a request begun then. What was under way before the last
 * narrowing says nothing new. */
void width_too_much(struct width *w, int64_t begun_ms, int64_t now_ms);

#endif
