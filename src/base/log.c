/* See log.h. A line is built in one buffer and written by one call, so that lines of the two threads
 * do not mix. */
#include "base/log.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

static struct {
	enum log_level level;
	enum log_format format;
	void (*sink)(const char *line, size_t len);
	bool journald; /* which stamps lines itself */
	unsigned lost;
} logger = { .level = LOG_INFO };

static const char *const level_names[] = { "error", "warn", "info", "debug" };

void log_setup(enum log_level level, enum log_format format)
{
	logger.level = level;
	logger.format = format;
	logger.journald = getenv("JOURNAL_STREAM") != NULL;
}

void log_redirect(void (*sink)(const char *line, size_t len))
{
	logger.sink = sink;
}

bool log_wants(enum log_level level)
{
	return level <= logger.level;
}

static void add_escaped(struct buf *b, const char *s, bool json)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			buf_addf(b, "\\%c", c);
		else if (c == '\n')
			buf_adds(b, "\\n");
		else if (c < 0x20 || c == 0x7f)
			buf_addf(b, json ? "\\u%04x" : "\\x%02x", c);
		else
			buf_addc(b, (char)c);
	}
}

static bool needs_quotes(const char *s)
{
	if (*s == '\0')
		return true;
	for (; *s != '\0'; s++)
		if ((unsigned char)*s <= ' ' || *s == '=' || *s == '"' || *s == '\\' || *s == 0x7f)
			return true;
	return false;
}

static void add_key(struct buf *b, const char *key, bool json)
{
	if (json)
		buf_addf(b, "%s\"%s\":", b->len > 1 ? "," : "", key);
	else
		buf_addf(b, "%s%s=", b->len > 0 ? " " : "", key);
}

static void add_text(struct buf *b, const char *key, const char *text, bool json)
{
	bool quoted = json || needs_quotes(text);

	add_key(b, key, json);
	if (quoted)
		buf_addc(b, '"');
	add_escaped(b, text, json);
	if (quoted)
		buf_addc(b, '"');
}

static void add_field(struct buf *b, const struct log_field *f, bool json)
{
	if (f->text != NULL) {
		add_text(b, f->key, f->text, json);
		return;
	}
	add_key(b, f->key, json);
	if (f->letter != 0)
		buf_addf(b, json ? "\"%c%lld\"" : "%c%lld", f->letter, (long long)f->number);
	else
		buf_addf(b, "%lld", (long long)f->number);
}

void log_write(enum log_level level, const char *at, const struct log_field *fields)
{
	bool json = logger.format == LOG_JSON;
	char stamp[TIME_TEXT_SIZE];
	struct buf b;

	if (!log_wants(level))
		return;
	buf_init(&b);
	if (json)
		buf_addc(&b, '{');
	if (!logger.journald)
		add_text(&b, "time", time_format(clock_wall_ms(), stamp), json);
	add_text(&b, "level", level_names[level], json);
	add_text(&b, "at", at, json);
	for (; fields->key != NULL; fields++)
		if (!fields->skip)
			add_field(&b, fields, json);
	buf_adds(&b, json ? "}\n" : "\n");
	if (logger.sink != NULL)
		logger.sink(b.data, b.len);
	else if (write(STDERR_FILENO, b.data, b.len) < 0)
		logger.lost++; /* there is nowhere left to complain */
	buf_fini(&b);
}
