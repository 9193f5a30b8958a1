/* Memory of one job: allocated piece by piece, freed at once. Strings in an arena are never freed
 * one by one. Nothing here fails; out of memory aborts (mem.h). */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a); /* takes NULL */
/* Forgets all that was allocated, keeps the first block for the next job. */
void arena_reset(struct arena *a);
size_t arena_used(const struct arena *a); /* bytes handed out since new or reset */

void *arena_alloc(struct arena *a, size_t size);    /* aligned for any type, not cleared */
void *arena_zalloc(struct arena *a, size_t size);   /* cleared */
char *arena_strdup(struct arena *a, const char *s); /* NULL stays NULL */
char *arena_strndup(struct arena *a, const char *s, size_t len);
void *arena_memdup(struct arena *a, const void *p, size_t len); /* one NUL is added behind */
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* At the end of a thread: frees what it kept for its next arena. */
void arena_give_back(void);

#define ARENA_NEW(a, type) ((type *)arena_zalloc((a), sizeof(type)))

#endif
