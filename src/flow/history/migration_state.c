/* See migration_inside.h. A platform may tell of a conversation by itself all but its state: only in which list it
 * stands says that. The latest come first there, so those that have changed since are gone through. */
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "flow/history/migration_inside.h"

#define CLOCK_MSECS 1000 /* times may be whole seconds */
#define WALKS 2          /* it may go from one list to the other meanwhile, or to the front */

struct migration_standing {
	struct migration_run *run;
	const struct event *about;
	struct page page;
	char *cursor;
	int walks;
	void (*done)(void *arg, enum state state);
	void *arg;
};

static void ask(struct migration_standing *s, const char *cursor);

static enum state state_on(const struct migration_standing *s, const struct outcome *o)
{
	const struct event *e;
	size_t i;

	for (i = 0; i < o->events.count; i++) {
		e = &o->events.items[i];
		if (e->conversation != NULL && strcmp(e->conversation, s->about->conversation) == 0)
			return e->state;
	}
	return STATE_NONE;
}

/* One that is in neither list is open: rather once too often before an agent's eyes than never. */
static void on_page(void *arg, struct arena *a, const struct outcome *o)
{
	struct migration_standing *s = arg;
	bool is_refused = o->effect.kind == EFFECT_REJECTED;
	enum state state = is_refused ? STATE_OPEN : state_on(s, o);

	if (state == STATE_NONE && o->cursor != NULL)
		ask(s, o->cursor);
	else if (state == STATE_NONE && ++s->walks < WALKS)
		ask(s, NULL);
	else
		s->done(s->arg, state != STATE_NONE ? state : STATE_OPEN);
	arena_free(a);
}

static void ask(struct migration_standing *s, const char *cursor)
{
	char *old = s->cursor;

	s->cursor = xstrdup(cursor);
	xfree(old);
	s->page.job = (struct job){
		.step = STEP_LIST_CONVERSATIONS,
		.cursor = s->cursor,
		.since_ms = s->about->version > CLOCK_MSECS ? s->about->version - CLOCK_MSECS : 0,
	};
	migration_ask(s->run, &s->page);
}

struct migration_standing *migration_standing_find(struct migration_run *r,
    const struct event *about, void (*done)(void *arg, enum state state), void *arg)
{
	struct migration_standing *s = xcalloc(1, sizeof(*s));

	s->run = r;
	s->about = about;
	s->done = done;
	s->arg = arg;
	s->page.done = on_page;
	s->page.arg = s;
	ask(s, NULL);
	return s;
}

void migration_standing_free(struct migration_standing *s)
{
	if (s == NULL)
		return;
	migration_cancel(s->run, &s->page);
	xfree(s->cursor);
	xfree(s);
}
