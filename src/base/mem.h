/* Memory that cannot fail: out of memory aborts. The journal is safe on disk and a restart is
 * cheap, so no caller has a second, untested way out. Outside base nobody calls malloc. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* For a process that lives long: what was large goes back to the system when it is freed. */
void mem_set_up(void);

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t size);
void *xreallocarray(void *old, size_t count, size_t size);
char *xstrdup(const char *s); /* NULL stays NULL */
void xfree(void *p);

#endif
