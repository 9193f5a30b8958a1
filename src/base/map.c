/* See map.h. Buckets double when there are more entries than buckets; they never shrink. */
#include "base/map.h"

#include <string.h>

#include "base/mem.h"

#define FIRST_SIZE 64

void map_init(struct map *m)
{
	*m = (struct map){ 0 };
}

void map_fini(struct map *m)
{
	xfree(m->buckets);
	*m = (struct map){ 0 };
}

static struct map_node **bucket(const struct map *m, uint64_t hash)
{
	return &m->buckets[hash & (m->size - 1)];
}

static void grow(struct map *m)
{
	struct map bigger = { .size = m->size == 0 ? FIRST_SIZE : m->size * 2 };
	struct map_node *n, *next, **b;
	size_t i;

	bigger.buckets = xcalloc(bigger.size, sizeof(*bigger.buckets));
	for (i = 0; i < m->size; i++)
		for (n = m->buckets[i]; n != NULL; n = next) {
			next = n->next;
			b = bucket(&bigger, n->hash);
			n->next = *b;
			*b = n;
		}
	xfree(m->buckets);
	m->buckets = bigger.buckets;
	m->size = bigger.size;
}

void map_add(struct map *m, struct map_node *n, uint64_t hash)
{
	struct map_node **b;

	if (m->count >= m->size)
		grow(m);
	b = bucket(m, hash);
	n->hash = hash;
	n->next = *b;
	*b = n;
	m->count++;
}

void map_remove(struct map *m, struct map_node *n)
{
	struct map_node **p;

	for (p = bucket(m, n->hash); *p != n; p = &(*p)->next)
		;
	*p = n->next;
	n->next = NULL;
	m->count--;
}

struct map_node *map_find(const struct map *m, uint64_t hash)
{
	struct map_node *n;

	if (m->size == 0)
		return NULL;
	for (n = *bucket(m, hash); n != NULL && n->hash != hash; n = n->next)
		;
	return n;
}

struct map_node *map_find_next(const struct map_node *n)
{
	uint64_t hash = n->hash;
	struct map_node *m;

	for (m = n->next; m != NULL && m->hash != hash; m = m->next)
		;
	return m;
}

struct map_node *map_walk(const struct map *m, const struct map_node *n)
{
	size_t i = 0;

	if (n != NULL) {
		if (n->next != NULL)
			return n->next;
		i = (n->hash & (m->size - 1)) + 1;
	}
	for (; i < m->size; i++)
		if (m->buckets[i] != NULL)
			return m->buckets[i];
	return NULL;
}

/* FNV-1a, then mixed: its low bits alone are poor. */
uint64_t hash_bytes(const void *p, size_t len, uint64_t seed)
{
	const unsigned char *c = p;
	uint64_t h = 0xcbf29ce484222325u ^ seed;

	for (; len > 0; len--, c++)
		h = (h ^ *c) * 0x100000001b3u;
	return hash_int(h, 0);
}

uint64_t hash_text(const char *s, uint64_t seed)
{
	return hash_bytes(s, strlen(s), seed);
}

/* The finaliser of splitmix64. */
uint64_t hash_int(uint64_t a, uint64_t b)
{
	uint64_t h = a + b * 0x9e3779b97f4a7c15u + 0x9e3779b97f4a7c15u;

	h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
	h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
	return h ^ (h >> 31);
}
