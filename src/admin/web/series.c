/* See series.h. A place of a ring belongs to one minute; which, stands beside it, so that minutes in which nobody
 * looked (the machine slept) are told from those in which nothing was. */
#include "admin/web/series.h"

#include <string.h>

#include "base/mem.h"

#define MINUTE_MSECS (60 * 1000)

struct series {
	int64_t minutes[SERIES_MINUTES]; /* + 1, since 0 is: none yet */
	float values[SERIES_LINE_COUNT][SERIES_MINUTES];
	uint8_t known[SERIES_LINE_COUNT][SERIES_MINUTES];
	double last[SERIES_LINE_COUNT]; /* of counters */
};

const char *series_metric(enum series_line line)
{
	static const char *const words[] = {
#define X(name, metric, ...) metric,
		SERIES_LINES(X)
#undef X
	};

	return words[line];
}

const char *series_label(enum series_line line)
{
	static const char *const words[] = {
#define X(name, metric, label) label,
		SERIES_LINES(X)
#undef X
	};

	return words[line];
}

bool series_is_counter(enum series_line line)
{
	const char *metric = series_metric(line);
	size_t len = strlen(metric);

	return len > 6 && strcmp(metric + len - 6, "_total") == 0;
}

struct series *series_new(void)
{
	return xcalloc(1, sizeof(struct series));
}

void series_free(struct series *s)
{
	xfree(s);
}

static size_t place_of(int64_t minute)
{
	return (size_t)(minute % SERIES_MINUTES);
}

static void begin(struct series *s, int64_t minute)
{
	size_t place = place_of(minute);
	int line;

	if (s->minutes[place] == minute + 1)
		return;
	s->minutes[place] = minute + 1;
	for (line = 0; line < SERIES_LINE_COUNT; line++) {
		s->values[line][place] = 0;
		s->known[line][place] = 0;
	}
}

void series_take(struct series *s, int64_t mono_ms, const double values[SERIES_LINE_COUNT])
{
	int64_t minute = mono_ms / MINUTE_MSECS;
	size_t place = place_of(minute);
	double value;
	int line;

	begin(s, minute);
	for (line = 0; line < SERIES_LINE_COUNT; line++) {
		value = values[line];
		if (value < 0)
			continue;
		s->known[line][place] = 1;
		if (series_is_counter((enum series_line)line)) {
			/* One that was taken out of the configuration takes its share with it. */
			if (value > s->last[line])
				s->values[line][place] += (float)(value - s->last[line]);
			s->last[line] = value;
		} else if ((float)value > s->values[line][place]) {
			s->values[line][place] = (float)value;
		}
	}
}

bool series_at(const struct series *s, enum series_line line, int64_t mono_ms, int i, double *out)
{
	int64_t minute = mono_ms / MINUTE_MSECS - i;
	size_t place;

	if (i < 0 || i >= SERIES_MINUTES || minute < 0)
		return false;
	place = place_of(minute);
	if (s->minutes[place] != minute + 1 || !s->known[line][place])
		return false;
	*out = s->values[line][place];
	return true;
}
