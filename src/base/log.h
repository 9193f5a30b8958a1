/* One line per change of state, key=value (or JSON), always on stderr. Ids stand under the same
 * keys everywhere, so that one message can be followed with grep. No text, name, address above
 * debug; no secret ever. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_LOGFMT, LOG_JSON };

struct log_field {
	const char *key;
	const char *text; /* printed when not NULL */
	int64_t number;   /* else this, */
	char letter;      /* with this letter before it where not 0 (e812, d1440) */
	bool skip;        /* the field is left out */
};

#define F_STR(k, s) \
	{ \
		.key = (k), .text = (s), .skip = (s) == NULL \
	}
#define F_INT(k, n) \
	{ \
		.key = (k), .number = (n) \
	}
#define F_ID(k, c, n) \
	{ \
		.key = (k), .number = (n), .letter = (c), .skip = (n) == 0 \
	}

/* LOG(LOG_INFO, "settled", F_ID("event", 'e', id), F_STR("effect", word)); */
#define LOG(level, at, ...) \
	(log_wants(level) ? log_write((level), (at), \
	     (const struct log_field[]){ __VA_ARGS__ __VA_OPT__(, ){ 0 } }) \
			  : (void)0)

void log_setup(enum log_level level, enum log_format format);
/* For tests: lines go here instead of to stderr. NULL restores stderr. */
void log_redirect(void (*sink)(const char *line, size_t len));
bool log_wants(enum log_level level);
void log_write(enum log_level level, const char *at, const struct log_field *fields);

#endif
