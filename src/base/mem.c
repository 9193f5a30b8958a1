/* See mem.h. */
#include "base/mem.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* glibc takes what is larger than this from the system by itself, and raises the limit to whatever was given
 * back once: the lists of a start with many lanes are some megabytes, and the next such lists would then stand
 * in the heap, with lanes behind them, and leave holes. Setting it keeps it. */
#define LARGE (128 << 10)

void mem_set_up(void)
{
#ifdef M_MMAP_THRESHOLD
	mallopt(M_MMAP_THRESHOLD, LARGE);
#endif
}

static void *checked(void *p, size_t size)
{
	if (p == NULL && size != 0) {
		fprintf(stderr, "level=error at=internal err=\"out of memory (%zu bytes)\"\n",
		    size);
		abort();
	}
	return p;
}

void *xmalloc(size_t size)
{
	return checked(malloc(size), size);
}

void *xcalloc(size_t count, size_t size)
{
	return checked(calloc(count, size), count != 0 ? size : 0);
}

void *xrealloc(void *old, size_t size)
{
	return checked(realloc(old, size), size);
}

void *xreallocarray(void *old, size_t count, size_t size)
{
	return checked(reallocarray(old, count, size), count != 0 ? size : 0);
}

char *xstrdup(const char *s)
{
	return s == NULL ? NULL : checked(strdup(s), 1);
}

void xfree(void *p)
{
	free(p);
}
