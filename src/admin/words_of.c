/* See words_of.h. */
#include "admin/words_of.h"

#include <string.h>

#include "base/arena.h"
#include "base/grapheme.h"

#define SECOND 1000LL
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

const char *span_words(struct arena *a, int64_t msecs)
{
	long long ms = (long long)msecs;

	if (ms >= DAY)
		return arena_printf(a, "%lldd %lldh", ms / DAY, ms % DAY / HOUR);
	if (ms >= HOUR)
		return arena_printf(a, "%lldh %lldmin", ms / HOUR, ms % HOUR / MINUTE);
	if (ms >= MINUTE)
		return arena_printf(a, "%lld min", ms / MINUTE);
	if (ms >= 10 * SECOND)
		return arena_printf(a, "%lld s", ms / SECOND);
	if (ms >= 100)
		return arena_printf(a, "%lld.%lld s", ms / SECOND, ms % SECOND / 100);
	return arena_printf(a, "%lld ms", ms);
}

const char *bytes_words(struct arena *a, int64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double n = (double)bytes;
	int unit = 0;

	if (bytes < 0)
		return "unknown";
	for (; n >= 1024 && unit < 4; unit++)
		n /= 1024;
	return arena_printf(a, unit > 0 && n < 10 ? "%.1f %s" : "%.0f %s", n, units[unit]);
}

const char *beginning_of(struct arena *a, const char *text, size_t most)
{
	size_t len = text != NULL ? strlen(text) : 0, at = 0, n;

	for (n = 0; n < most && at < len; n++)
		at += grapheme_len(text + at, len - at);
	return at < len ? arena_printf(a, "%.*s…", (int)at, text) : text;
}
