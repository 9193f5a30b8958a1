/* Words for sentences and tables: durations and sizes with a blank before the unit, two units at most;
 * texts that are cut. */
#ifndef ADMIN_WORDS_OF_H
#define ADMIN_WORDS_OF_H

#include <stddef.h>
#include <stdint.h>

struct arena;

const char *span_words(struct arena *a, int64_t msecs);  /* "3d 4h", "12 min", "1.1 s", "40 ms" */
const char *bytes_words(struct arena *a, int64_t bytes); /* "412 MiB"; negative: "unknown" */
/* Its first so many characters as people count them, and an ellipsis where there are more. NULL stays. */
const char *beginning_of(struct arena *a, const char *text, size_t most);

#endif
