/* See mem.h. */
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
