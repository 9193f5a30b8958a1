/* What was said once already, by its hash: of ONCE_MOST things at most. Where there are more, all are forgotten,
 * and may be said once more. */
#ifndef BASE_ONCE_H
#define BASE_ONCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"

#define ONCE_MOST 1024

struct once {
	struct map map;
};

void once_init(struct once *o);
void once_fini(struct once *o);
bool once_first(struct once *o, uint64_t hash); /* false: it was said */

#endif
