/* See zone.h.
 *
 * A zone is a list of moments at which its offset from UTC changes. The file holds those that were decided, and
 * behind them a rule for all years to come ("EET-2EEST,M3.5.0/3,M10.5.0/4"), which is written out here for as long
 * as anybody will run this. */
#include "base/zone.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"

#define FOLDER "/usr/share/zoneinfo/"
#define NAME_MAX_LEN 64
#define FILE_MAX_LEN (1024 * 1024)
#define NAME_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/"
#define HEADER_LEN 44
#define LAST_YEAR 2200
#define DAY ((int64_t)86400)
#define EVER (INT64_MIN / 4)

struct change { /* offset holds from then on; seconds */
	int64_t at;
	int64_t offset;
};

struct zone {
	struct change *changes; /* the first one is from ever */
	size_t count;
};

/* ---- a day of the year ---- */

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Of the first of January; counted from 1970. */
static int64_t days_before(int64_t year)
{
	int64_t y = year - 1;

	return y * 365 + y / 4 - y / 100 + y / 400 - 719162;
}

static int64_t year_of(int64_t secs)
{
	int64_t year = 1970 + secs / (366 * DAY);

	while (days_before(year + 1) * DAY <= secs)
		year++;
	while (days_before(year) * DAY > secs)
		year--;
	return year;
}

/* ---- the rule behind the list ---- */

struct turn {      /* the day and the second on it, by the wall, when summer time begins or ends */
	char kind; /* M: the week-th such weekday of month; J: day without, 0: with February 29th */
	int64_t month, week, day;
	int64_t secs;
};

struct rule {
	int64_t standard, summer; /* offsets */
	struct turn begins, ends;
};

static bool take_char(const char **p, char c)
{
	if (**p != c)
		return false;
	++*p;
	return true;
}

static bool take_number(const char **p, int64_t *out)
{
	int digits = 0;

	for (*out = 0; **p >= '0' && **p <= '9' && digits < 4; ++*p, digits++)
		*out = *out * 10 + (**p - '0');
	return digits > 0;
}

/* "EET", "<+03>" */
static bool take_name(const char **p)
{
	size_t len;

	if (take_char(p, '<')) {
		len = strcspn(*p, ">");
		*p += len;
		return take_char(p, '>');
	}
	len = strcspn(*p, "+-0123456789,");
	*p += len;
	return len > 0;
}

/* "-2", "3:30:00" */
static bool take_time(const char **p, int64_t *secs)
{
	int64_t sign = 1, part = 0;

	if (take_char(p, '-'))
		sign = -1;
	else
		take_char(p, '+');
	if (!take_number(p, &part))
		return false;
	*secs = part * 3600;
	if (take_char(p, ':')) {
		if (!take_number(p, &part))
			return false;
		*secs += part * 60;
		if (take_char(p, ':')) {
			if (!take_number(p, &part))
				return false;
			*secs += part;
		}
	}
	*secs *= sign;
	return true;
}

static bool take_turn(const char **p, struct turn *t)
{
	*t = (struct turn){ .secs = 2 * 3600 };
	if (!take_char(p, ','))
		return false;
	if (take_char(p, 'M')) {
		t->kind = 'M';
		if (!take_number(p, &t->month) || !take_char(p, '.') || !take_number(p, &t->week)
		    || !take_char(p, '.') || !take_number(p, &t->day) || t->month < 1
		    || t->month > 12 || t->week < 1 || t->week > 5 || t->day > 6)
			return false;
	} else {
		t->kind = take_char(p, 'J') ? 'J' : '0';
		if (!take_number(p, &t->day) || t->day > 365 || (t->kind == 'J' && t->day < 1))
			return false;
	}
	return !take_char(p, '/') || take_time(p, &t->secs);
}

/* False: there is none, or no summer time in it. There what is west of Greenwich is positive. */
static bool read_rule(const char *p, struct rule *r)
{
	int64_t west;

	if (!take_name(&p) || !take_time(&p, &west))
		return false;
	r->standard = -west;
	if (*p == '\0' || !take_name(&p))
		return false;
	r->summer = r->standard + 3600;
	if (*p != ',') {
		if (!take_time(&p, &west))
			return false;
		r->summer = -west;
	}
	return take_turn(&p, &r->begins) && take_turn(&p, &r->ends) && *p == '\0';
}

static int64_t day_of(const struct turn *t, int64_t year)
{
	static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365 };
	int64_t first, length, day;

	if (t->kind == 'J')
		return days_before(year) + t->day - 1 + (t->day >= 60 && is_leap(year));
	if (t->kind != 'M')
		return days_before(year) + t->day;
	first = days_before(year) + before[t->month - 1] + (t->month > 2 && is_leap(year));
	length = before[t->month] - before[t->month - 1] + (t->month == 2 && is_leap(year));
	/* 1970 began on a Thursday. */
	day = (t->day - ((first + 4) % 7 + 7) % 7 + 7) % 7 + 7 * (t->week - 1);
	while (day >= length)
		day -= 7;
	return first + day;
}

/* ---- the list ---- */

static void add(struct zone *z, int64_t at, int64_t offset)
{
	if (z->count == 0 || at > z->changes[z->count - 1].at)
		z->changes[z->count++] = (struct change){ at, offset };
}

static void add_years(struct zone *z, const struct rule *r)
{
	int64_t last = z->changes[z->count - 1].at;
	int64_t year = last > 0 ? year_of(last) : 1970, begins, ends;

	for (; year <= LAST_YEAR; year++) {
		begins = day_of(&r->begins, year) * DAY + r->begins.secs - r->standard;
		ends = day_of(&r->ends, year) * DAY + r->ends.secs - r->summer;
		if (ends < begins)
			add(z, ends, r->standard);
		add(z, begins, r->summer);
		if (ends > begins)
			add(z, ends, r->standard);
	}
}

struct counts {
	uint32_t isut, isstd, leap, time, type, text;
};

static int64_t number(const unsigned char *p, size_t width)
{
	uint64_t n = (p[0] & 0x80) != 0 ? UINT64_MAX : 0;
	size_t i;

	for (i = 0; i < width; i++)
		n = n << 8 | p[i];
	return (int64_t)n;
}

static bool read_counts(const unsigned char *p, size_t len, struct counts *c)
{
	uint32_t *const fields[] = { &c->isut, &c->isstd, &c->leap, &c->time, &c->type, &c->text };
	size_t i;

	if (len < HEADER_LEN || memcmp(p, "TZif", 4) != 0)
		return false;
	for (i = 0; i < 6; i++) {
		*fields[i] = (uint32_t)number(p + 20 + 4 * i, 4);
		if (*fields[i] > 100000)
			return false;
	}
	return c->type > 0;
}

static size_t block_len(const struct counts *c, size_t width)
{
	return c->time * width + c->time + c->type * 6 + c->text + c->leap * (width + 4) + c->isstd
	    + c->isut;
}

/* p: behind the header; all of the block is there. */
static bool read_changes(struct zone *z, const unsigned char *p, const struct counts *c,
    size_t width)
{
	const unsigned char *kinds = p + c->time * width, *types = kinds + c->time;
	uint32_t i;

	add(z, EVER, number(types, 4));
	for (i = 0; i < c->time; i++) {
		if (kinds[i] >= c->type)
			return false;
		add(z, number(p + i * width, width), number(types + kinds[i] * 6, 4));
	}
	return true;
}

const struct zone *zone_read(struct arena *a, const unsigned char *bytes, size_t len)
{
	struct zone *z = ARENA_NEW(a, struct zone);
	struct counts c;
	struct rule rule;
	size_t width = 4, size;
	char *text;

	if (!read_counts(bytes, len, &c) || len - HEADER_LEN < block_len(&c, 4))
		return NULL;
	if (bytes[4] >= '2') { /* the same once more, with longer numbers */
		size = HEADER_LEN + block_len(&c, 4);
		bytes += size;
		len -= size;
		width = 8;
		if (!read_counts(bytes, len, &c) || len - HEADER_LEN < block_len(&c, 8))
			return NULL;
	}
	z->changes =
	    arena_alloc(a, (c.time + 1 + 2 * (LAST_YEAR - 1969) + 2) * sizeof(*z->changes));
	if (!read_changes(z, bytes + HEADER_LEN, &c, width))
		return NULL;
	size = HEADER_LEN + block_len(&c, width);
	if (width == 8 && len > size + 1 && bytes[size] == '\n') {
		text = arena_strndup(a, (const char *)bytes + size + 1, len - size - 1);
		text[strcspn(text, "\n")] = '\0';
		if (read_rule(text, &rule))
			add_years(z, &rule);
	}
	return z;
}

/* ---- by name ---- */

/* "+03:00": false where it is none. */
static bool read_offset(const char *text, int64_t *secs)
{
	int64_t hours, minutes;

	if (strlen(text) != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':'
	    || strspn(text + 1, "0123456789") != 2 || strspn(text + 4, "0123456789") != 2)
		return false;
	hours = (text[1] - '0') * 10 + (text[2] - '0');
	minutes = (text[4] - '0') * 10 + (text[5] - '0');
	if (hours > 14 || minutes > 59)
		return false;
	*secs = (hours * 3600 + minutes * 60) * (text[0] == '-' ? -1 : 1);
	return true;
}

static const struct zone *fixed(struct arena *a, int64_t offset)
{
	struct zone *z = ARENA_NEW(a, struct zone);

	z->changes = ARENA_NEW(a, struct change);
	add(z, EVER, offset);
	return z;
}

static bool is_name(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= NAME_MAX_LEN && strspn(name, NAME_LETTERS) == len && *name != '/'
	    && *name != '-' && *name != '+';
}

/* It is a name without dots, so it leads to nowhere else. */
static bool read_file(const char *name, struct buf *b)
{
	char path[sizeof(FOLDER) + NAME_MAX_LEN], chunk[4096];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), FOLDER "%s", name);
	f = fopen(path, "rb");
	if (f == NULL)
		return false;
	while (b->len < FILE_MAX_LEN && (n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(b, chunk, n);
	fclose(f);
	return true;
}

const struct zone *zone_load(struct arena *a, const char *name, struct err *err)
{
	const struct zone *z = NULL;
	int64_t offset;
	struct buf b;

	if (strcmp(name, "UTC") == 0)
		return fixed(a, 0);
	if (read_offset(name, &offset))
		return fixed(a, offset);
	buf_init(&b);
	if (is_name(name) && read_file(name, &b))
		z = zone_read(a, (const unsigned char *)b.data, b.len);
	buf_fini(&b);
	if (z == NULL)
		err_set(err, "there is no such time zone here: %s", name);
	return z;
}

/* ---- what a clock shows ---- */

/* The last change that is surely not after it, wherever that is. */
static size_t begin_at(const struct zone *z, int64_t wall)
{
	size_t lo = 0, hi = z->count, mid;

	while (hi - lo > 1) {
		mid = lo + (hi - lo) / 2;
		if (z->changes[mid].at <= wall - 2 * DAY)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

int64_t zone_utc(const struct zone *z, int64_t wall_ms, int64_t not_after_ms)
{
	int64_t wall = wall_ms / 1000 - (wall_ms % 1000 < 0), offset = z->changes[0].offset, utc;
	const struct change *c = z->changes, *end = c + z->count;
	bool is_found = false;

	for (c += begin_at(z, wall); c < end && c->at <= wall + 2 * DAY; c++) {
		utc = wall - c->offset;
		if (utc < c->at) {
			/* By the new offset not yet, by the old one not any more: there is no such hour. */
			if (!is_found && wall - c[-1].offset >= c->at)
				return wall_ms - c[-1].offset * 1000;
			break;
		}
		if (c + 1 < end && utc >= c[1].at)
			continue;
		if (is_found && utc * 1000 > not_after_ms)
			break;
		offset = c->offset;
		is_found = true;
	}
	return wall_ms - offset * 1000;
}
