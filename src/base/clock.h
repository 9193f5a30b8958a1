/* The only file that asks the machine what time it is. Times are ms since the epoch, UTC. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define TIME_TEXT_SIZE 32

int64_t clock_wall_ms(void);
int64_t clock_mono_ms(void); /* never steps; only differences mean anything */
int64_t clock_mono_us(void);

/* RFC 3339, UTC, milliseconds, Z: 2026-11-20T20:29:16.267Z. Returns out. */
const char *time_format(int64_t ms, char out[TIME_TEXT_SIZE]);
/* Reads RFC 3339 with Z or an offset, fraction optional. -1 where it is not one. */
int time_parse(const char *text, int64_t *ms);
/* Reads an HTTP date (RFC 9110 5.6.7, IMF-fixdate only). -1 where it is not one. */
int time_parse_http(const char *text, int64_t *ms);

#endif
