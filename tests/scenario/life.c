/* See life.h. */
#include "life.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/arena.h"
#include "base/mem.h"

struct piece {
	LIST_ENTRY(piece) list;
	size_t size;
	alignas(max_align_t) unsigned char data[];
};

static LIST_HEAD(, piece) pieces = LIST_HEAD_INITIALIZER(pieces);
static size_t count, bytes, most;

static struct piece *piece_of(void *p)
{
	return (struct piece *)((unsigned char *)p - offsetof(struct piece, data));
}

static void *take(struct piece *piece, size_t size)
{
	if (piece == NULL)
		abort();
	LIST_INSERT_HEAD(&pieces, piece, list);
	piece->size = size;
	count++;
	bytes += size;
	if (bytes > most)
		most = bytes;
	return piece->data;
}

static void leave(struct piece *piece)
{
	LIST_REMOVE(piece, list);
	count--;
	bytes -= piece->size;
}

void *xmalloc(size_t size)
{
	return take(malloc(sizeof(struct piece) + size), size);
}

void *xcalloc(size_t n, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(n, size, &all))
		abort();
	return take(calloc(1, sizeof(struct piece) + all), all);
}

void *xrealloc(void *old, size_t size)
{
	struct piece *piece = old != NULL ? piece_of(old) : NULL;

	if (piece != NULL)
		leave(piece);
	return take(realloc(piece, sizeof(*piece) + size), size);
}

void *xreallocarray(void *old, size_t n, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(n, size, &all))
		abort();
	return xrealloc(old, all);
}

char *xstrdup(const char *s)
{
	return s == NULL ? NULL : memcpy(xmalloc(strlen(s) + 1), s, strlen(s) + 1);
}

void xfree(void *p)
{
	if (p == NULL)
		return;
	leave(piece_of(p));
	free(piece_of(p));
}

void life_end(void)
{
	struct piece *piece;

	arena_give_back(); /* or it would hand out what is gone */
	while ((piece = LIST_FIRST(&pieces)) != NULL) {
		LIST_REMOVE(piece, list);
		free(piece);
	}
	count = bytes = 0;
}

size_t life_pieces(void)
{
	return count;
}

size_t life_most(void)
{
	size_t was = most;

	most = bytes;
	return was - bytes;
}
