/* A hash table of structures that carry their own node, so that it allocates only its buckets. The
 * caller hashes and compares; several entries may share a hash. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map_node {
	struct map_node *next;
	uint64_t hash;
};

struct map {
	struct map_node **buckets;
	size_t size, count; /* size: a power of two, 0 while empty */
};

void map_init(struct map *m);
void map_fini(struct map *m); /* entries stay the caller's */
void map_add(struct map *m, struct map_node *n, uint64_t hash);
void map_remove(struct map *m, struct map_node *n);
/* First entry of that hash, then the others: NULL at the end. */
struct map_node *map_find(const struct map *m, uint64_t hash);
struct map_node *map_find_next(const struct map_node *n);
/* Walks all entries in no order; start with NULL. The one returned may be removed before going on
 * only if the next was taken first. */
struct map_node *map_walk(const struct map *m, const struct map_node *n);

/* Hashes that spread well over the low bits. */
uint64_t hash_bytes(const void *p, size_t len, uint64_t seed);
uint64_t hash_text(const char *s, uint64_t seed);
uint64_t hash_int(uint64_t a, uint64_t b);

#endif
