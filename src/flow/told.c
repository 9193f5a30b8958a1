/* See told.h. */
#include "flow/told.h"

#include <string.h>

#include "base/mem.h"

static void told_free(struct tolds *t, struct told *told)
{
	map_remove(&t->map, &told->node);
	TAILQ_REMOVE(&t->lru, told, lru);
	xfree(told->remote);
	xfree(told->words);
	xfree(told->past);
	xfree(told);
}

struct told *tolds_find(const struct tolds *t, const char *remote)
{
	struct map_node *n = map_find(&t->map, hash_text(remote, 0));

	for (; n != NULL; n = map_find_next(n))
		if (strcmp(((struct told *)n)->remote, remote) == 0)
			return (struct told *)n;
	return NULL;
}

struct told *tolds_get(struct tolds *t, const char *remote)
{
	struct told *told = tolds_find(t, remote);

	if (told != NULL) {
		TAILQ_REMOVE(&t->lru, told, lru);
	} else {
		if (t->map.count >= TOLD_MOST)
			told_free(t, TAILQ_FIRST(&t->lru));
		told = xcalloc(1, sizeof(*told));
		told->remote = xstrdup(remote);
		map_add(&t->map, &told->node, hash_text(remote, 0));
	}
	TAILQ_INSERT_TAIL(&t->lru, told, lru);
	return told;
}

void told_keep_past(struct told *t, const struct past *past)
{
	if (t->was_read)
		return;
	t->was_read = true;
	if (past->count == 0)
		return;
	t->past = xcalloc(1, sizeof(*t->past));
	*t->past = *past;
}

void tolds_forget(struct tolds *t, unsigned round)
{
	struct told *told, *next;

	for (told = TAILQ_FIRST(&t->lru); told != NULL; told = next) {
		next = TAILQ_NEXT(told, lru);
		if (told->round != round)
			told_free(t, told);
	}
}

void tolds_init(struct tolds *t)
{
	map_init(&t->map);
	TAILQ_INIT(&t->lru);
}

void tolds_fini(struct tolds *t)
{
	struct told *told;

	while ((told = TAILQ_FIRST(&t->lru)) != NULL)
		told_free(t, told);
	map_fini(&t->map);
}
