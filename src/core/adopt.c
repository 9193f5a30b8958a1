/* See adopt.h. */
#include "core/adopt.h"

#include <string.h>

#include "core/standing.h"

/* Of the conversation that this one is; the code in it is not asked for: it may be another instance's. */
static bool names_it(const struct adopt_in *in, const struct adopt_candidate *c, struct mark *mark)
{
	return mark_read(in->keys, c->mark, mark) && mark->kind == 'c'
	    && root_equal(&mark->root, &in->conversation);
}

/* 0: nothing says that it is. */
static int64_t generation_of(const struct adopt_in *in, const struct adopt_candidate *c)
{
	struct mark mark;

	if (names_it(in, c, &mark))
		return mark.part > 0 ? mark.part : 1;
	return c->is_derived || c->has_roots ? in->generation : 0;
}

/* As for a pair that is known: a customer's word reopens it, or another one is due. What was said long ago stands in
 * it all the same. */
static bool is_over(const struct adopt_in *in, const struct adopt_candidate *c)
{
	if (in->is_history || !state_is_closed(c->state))
		return false;
	switch (in->bridge->reopen) {
	case REOPEN_ALWAYS: return false;
	case REOPEN_NEVER: return true;
	case REOPEN_NEW_AFTER:
		return c->changed_ms > 0
		    && in->now_ms - c->changed_ms > in->bridge->new_after_msecs;
	}
	return true;
}

bool adopt_by_mark(const struct adopt_in *in, struct adopt_out *out)
{
	const struct adopt_candidate *c, *best = NULL;
	int64_t generation, most = 0;

	*out = (struct adopt_out){ .generation = in->generation };
	for (c = in->candidates; c < in->candidates + in->count; c++) {
		generation = generation_of(in, c);
		if (generation > most
		    || (generation == most && generation > 0 && state_is_closed(best->state)
			&& !state_is_closed(c->state))) {
			most = generation;
			best = c;
		}
	}
	if (best == NULL)
		return false;
	out->how = LINK_BY_MARK;
	out->generation = most;
	out->one = best;
	if (is_over(in, best)) {
		out->one = NULL;
		out->how = LINK_BY_CREATED;
		out->generation = most + 1;
		out->why = "the one that bears its mark is closed";
	}
	return true;
}

/* A mark says that it was opened for somebody of another bridge, or of another relay's. */
static bool is_others(const struct adopt_in *in, const struct adopt_candidate *c)
{
	struct mark mark;

	return mark_read(in->keys, c->mark, &mark) && strcmp(mark.bridge, in->bridge->tag) != 0;
}

void adopt_by_person(const struct adopt_in *in, struct adopt_out *out)
{
	const struct adopt_candidate *c, *only = NULL;
	size_t open = 0;

	*out = (struct adopt_out){ .generation = in->generation };
	for (c = in->candidates; c < in->candidates + in->count; c++)
		if (!state_is_closed(c->state)) {
			open++;
			only = c;
		}
	if (in->bridge->adopt == ADOPT_MARKS)
		out->why = "adopt: marks";
	else if (open == 0)
		out->why = "the person has none open there";
	else if (open > 1)
		out->why = "the person has several open there";
	else if (!in->is_whole)
		out->why = "the person has more there than can be listed";
	else if (only->is_taken)
		out->why = "the person's only one is in a pair already";
	else if (is_others(in, only))
		out->why = "the person's only one was opened for another bridge";
	else {
		out->one = only;
		out->how = LINK_BY_PERSON;
	}
}

void adopt_count(int open_at_customers, struct adopt_out *out)
{
	if (out->one == NULL || open_at_customers == 1)
		return;
	out->one = NULL;
	out->how = LINK_BY_CREATED;
	out->why = open_at_customers > 1 ? "the person has several open at the customers' side"
	    : open_at_customers == 0     ? "it is closed at the customers' side"
					 : "how many the person has there cannot be told";
}
