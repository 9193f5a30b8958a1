/* See once.h. */
#include "base/once.h"

#include "base/mem.h"

static void forget_all(struct once *o)
{
	struct map_node *n, *next;

	for (n = map_walk(&o->map, NULL); n != NULL; n = next) {
		next = map_walk(&o->map, n);
		map_remove(&o->map, n);
		xfree(n);
	}
}

bool once_first(struct once *o, uint64_t hash)
{
	if (map_find(&o->map, hash) != NULL)
		return false;
	if (o->map.count >= ONCE_MOST)
		forget_all(o);
	map_add(&o->map, xcalloc(1, sizeof(struct map_node)), hash);
	return true;
}

void once_init(struct once *o)
{
	map_init(&o->map);
}

void once_fini(struct once *o)
{
	forget_all(o);
	map_fini(&o->map);
}
