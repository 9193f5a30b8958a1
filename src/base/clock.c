/* See clock.h. */
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t clock_wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_mono_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

const char *time_format(int64_t ms, char out[TIME_TEXT_SIZE])
{
	int64_t millis = ((ms % 1000) + 1000) % 1000;
	time_t seconds = (time_t)((ms - millis) / 1000);
	struct tm tm;
	size_t len;

	if (gmtime_r(&seconds, &tm) == NULL)
		return memcpy(out, "", 1);
	len = strftime(out, TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + len, TIME_TEXT_SIZE - len, ".%03dZ", (int)millis);
	return out;
}

/* Reads exactly count digits. */
static int digits(const char **p, int count, int *out)
{
	*out = 0;
	for (; count > 0; count--, (*p)++) {
		if (**p < '0' || **p > '9')
			return -1;
		*out = *out * 10 + (**p - '0');
	}
	return 0;
}

static int expect(const char **p, char c)
{
	if (**p != c)
		return -1;
	(*p)++;
	return 0;
}

static int offset_parse(const char *p, int *minutes)
{
	int sign, h, m;

	*minutes = 0;
	if ((*p == 'Z' || *p == 'z') && p[1] == '\0')
		return 0;
	if (*p != '+' && *p != '-')
		return -1;
	sign = *p++ == '-' ? -1 : 1;
	if (digits(&p, 2, &h) != 0 || expect(&p, ':') != 0 || digits(&p, 2, &m) != 0 || *p != '\0')
		return -1;
	*minutes = sign * (h * 60 + m);
	return 0;
}

int time_parse(const char *text, int64_t *ms)
{
	struct tm tm = { 0 };
	int year, month, millis = 0, weight = 100, offset;
	const char *p = text;

	if (digits(&p, 4, &year) != 0 || expect(&p, '-') != 0 || digits(&p, 2, &month) != 0
	    || expect(&p, '-') != 0 || digits(&p, 2, &tm.tm_mday) != 0)
		return -1;
	if (*p != 'T' && *p != 't' && *p != ' ')
		return -1;
	p++;
	if (digits(&p, 2, &tm.tm_hour) != 0 || expect(&p, ':') != 0
	    || digits(&p, 2, &tm.tm_min) != 0 || expect(&p, ':') != 0
	    || digits(&p, 2, &tm.tm_sec) != 0)
		return -1;
	if (*p == '.')
		for (p++; *p >= '0' && *p <= '9'; p++, weight /= 10)
			millis += (*p - '0') * weight;
	if (offset_parse(p, &offset) != 0 || month < 1 || month > 12 || tm.tm_mday < 1
	    || tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
		return -1;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	*ms = ((int64_t)timegm(&tm) - (int64_t)offset * 60) * 1000 + millis;
	return 0;
}

int time_parse_http(const char *text, int64_t *ms)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const char *p = strchr(text, ',');
	struct tm tm = { 0 };
	const char *month;
	int year;

	if (p == NULL || *++p != ' ')
		return -1;
	p++;
	if (digits(&p, 2, &tm.tm_mday) != 0 || expect(&p, ' ') != 0 || strlen(p) < 4)
		return -1;
	for (month = months; *month != '\0' && strncmp(month, p, 3) != 0; month += 3)
		;
	p += 3;
	if (*month == '\0' || expect(&p, ' ') != 0 || digits(&p, 4, &year) != 0
	    || expect(&p, ' ') != 0 || digits(&p, 2, &tm.tm_hour) != 0 || expect(&p, ':') != 0
	    || digits(&p, 2, &tm.tm_min) != 0 || expect(&p, ':') != 0
	    || digits(&p, 2, &tm.tm_sec) != 0 || strcmp(p, " GMT") != 0)
		return -1;
	tm.tm_year = year - 1900;
	tm.tm_mon = (int)(month - months) / 3;
	*ms = (int64_t)timegm(&tm) * 1000;
	return 0;
}
