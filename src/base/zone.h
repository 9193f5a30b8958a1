/* Time zones by name, from the files that the system keeps of them (TZif, RFC 8536). The C library knows one zone
 * for the whole process, which is none of ours to change; here each caller has his own, and it never changes. */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct arena;
struct zone;

/* "UTC", an offset like "+03:00", or a name like "Europe/Kyiv". Lives in the arena; NULL with err: there is no such
 * zone here. */
const struct zone *zone_load(struct arena *a, const char *name, struct err *err);
/* The same from the bytes of a file of zones; NULL: they are none. */
const struct zone *zone_read(struct arena *a, const unsigned char *bytes, size_t len);

/* What a clock on the wall there shows, as if it were UTC, becomes UTC. Both in ms. An hour that comes twice: the
 * later one that is not after not_after_ms, else the earlier. One that is left out: as if it were not. */
int64_t zone_utc(const struct zone *z, int64_t wall_ms, int64_t not_after_ms);

#endif
