/* A chain of blocks, filled from the front. The first block is part of the arena itself, so that a
 * small job costs one allocation; a piece that does not fit gets a block of its own or opens a new
 * one of at least BLOCK_SIZE.
 *
 * Blocks of the usual size that are given up are kept for the next who wants one: each message takes
 * and leaves several, and malloc would split, merge and search for them. Each thread keeps its own. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define BLOCK_SIZE 8192
#define ALIGNMENT alignof(max_align_t)

struct block {
	struct block *next;
	size_t size, used; /* of data */
	alignas(max_align_t) unsigned char data[];
};

#if defined(__SANITIZE_ADDRESS__)
#define SPARE_MOST 0 /* who uses memory that was given up is to be found */
#else
#define SPARE_MOST 64
#endif

/* An arena and a further block are of the same size, so that each can become the other. */
struct spare {
	struct spare *next;
};

static _Thread_local struct spare *spares;
static _Thread_local unsigned nspares;

struct arena {
	struct block *last; /* where the next piece is tried; its chain leads to first */
	size_t handed_out;
	struct block first; /* BLOCK_SIZE bytes follow */
};

#define USUAL_ROOM (sizeof(struct arena) + BLOCK_SIZE - sizeof(struct block))

static void *usual_new(void)
{
	struct spare *s = spares;

	if (s == NULL)
		return xmalloc(sizeof(struct arena) + BLOCK_SIZE);
	spares = s->next;
	nspares--;
	return s;
}

static void usual_free(void *p)
{
	struct spare *s = p;

	if (nspares == SPARE_MOST) {
		xfree(p);
		return;
	}
	s->next = spares;
	spares = s;
	nspares++;
}

void arena_give_back(void)
{
	while (nspares > 0)
		xfree(usual_new());
}

struct arena *arena_new(void)
{
	struct arena *a = usual_new();

	a->handed_out = 0;
	a->first.next = NULL;
	a->first.size = BLOCK_SIZE;
	a->first.used = 0;
	a->last = &a->first;
	return a;
}

void arena_reset(struct arena *a)
{
	struct block *b, *next;

	for (b = a->last; b != &a->first; b = next) {
		next = b->next;
		if (b->size == USUAL_ROOM)
			usual_free(b);
		else
			xfree(b);
	}
	a->last = &a->first;
	a->first.used = 0;
	a->handed_out = 0;
}

void arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	arena_reset(a);
	usual_free(a);
}

size_t arena_used(const struct arena *a)
{
	return a->handed_out;
}

static struct block *add_block(struct arena *a, size_t size)
{
	size_t room = size > BLOCK_SIZE / 2 ? size : USUAL_ROOM;
	struct block *b = room == USUAL_ROOM ? usual_new() : xmalloc(sizeof(*b) + room);

	b->size = room;
	b->used = 0;
	b->next = a->last;
	a->last = b;
	return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct block *b = a->last;
	void *p;

	size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	if (b->size - b->used < size)
		b = add_block(a, size);
	p = b->data + b->used;
	b->used += size;
	a->handed_out += size;
	return p;
}

void *arena_zalloc(struct arena *a, size_t size)
{
	return memset(arena_alloc(a, size), 0, size);
}

void *arena_memdup(struct arena *a, const void *p, size_t len)
{
	char *copy = arena_alloc(a, len + 1);

	if (len > 0)
		memcpy(copy, p, len);
	copy[len] = '\0';
	return copy;
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	return s == NULL ? NULL : arena_memdup(a, s, strnlen(s, len));
}

char *arena_strdup(struct arena *a, const char *s)
{
	return s == NULL ? NULL : arena_memdup(a, s, strlen(s));
}

char *arena_vprintf(struct arena *a, const char *format, va_list args)
{
	va_list again;
	char *s;
	int len;

	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (len < 0)
		len = 0;
	s = arena_alloc(a, (size_t)len + 1);
	vsnprintf(s, (size_t)len + 1, format, args);
	return s;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
	va_list args;
	char *s;

	va_start(args, format);
	s = arena_vprintf(a, format, args);
	va_end(args);
	return s;
}
