/* See texts.h. */
#include "core/texts.h"

#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"

static const char *english(enum fixed which)
{
	switch (which) {
#define X(name, key, text) \
	case FIXED_##name: return text;
		FIXED_TEXTS(X)
#undef X
	case FIXED_COUNT: break;
	}
	return "";
}

const char *const fixed_keys[] = {
#define X(name, key, text) key,
	FIXED_TEXTS(X)
#undef X
	    NULL
};

/* A bridge's own; NULL: it has none. */
static const char *own(const struct option_map *texts, enum fixed which)
{
	size_t i;

	for (i = 0; texts != NULL && i < texts->count; i++)
		if (strcmp(texts->keys[i], fixed_keys[which]) == 0)
			return texts->values[i];
	return NULL;
}

bool fixed_is_own(const struct option_map *texts, enum fixed which)
{
	return own(texts, which) != NULL;
}

const char *fixed_text(const struct option_map *texts, enum fixed which)
{
	const char *text = own(texts, which);

	return text != NULL ? text : english(which);
}

/* What stands for the name in braces at `at`, and where the text goes on behind it; NULL: it is none. */
static const char *value_at(const char *at, const struct fixed_value *values, size_t count,
    const char **behind)
{
	size_t i, len;

	for (i = 0; i < count; i++) {
		len = strlen(values[i].name);
		if (strncmp(at + 1, values[i].name, len) == 0 && at[1 + len] == '}') {
			*behind = at + len + 2;
			return values[i].text != NULL ? values[i].text : "";
		}
	}
	return NULL;
}

const char *fixed_fill(struct arena *a, const struct option_map *texts, enum fixed which,
    const struct fixed_value *values, size_t count)
{
	const char *at = fixed_text(texts, which), *behind, *value, *filled;
	struct buf b;

	buf_init(&b);
	while (*at != '\0') {
		value = *at == '{' ? value_at(at, values, count, &behind) : NULL;
		if (value != NULL) {
			buf_adds(&b, value);
			at = behind;
		} else {
			buf_addc(&b, *at++);
		}
	}
	filled = arena_strndup(a, b.data != NULL ? b.data : "", b.len);
	buf_fini(&b);
	return filled;
}

/* Whether text is that English one, with *rest in the place of its only name, at its end. */
static bool is_said(const char *text, const char *fixed, const char **rest)
{
	const char *brace = strchr(fixed, '{');
	size_t len = brace != NULL ? (size_t)(brace - fixed) : strlen(fixed);

	*rest = text + len;
	if (len == 0 || strncmp(text, fixed, len) != 0)
		return false;
	if (brace == NULL)
		return text[len] == '\0';
	brace = strchr(brace, '}');
	return brace[1] == '\0';
}

const char *fixed_said(struct arena *a, const struct option_map *texts, const char *text)
{
	struct fixed_value value = { 0 };
	const char *brace;
	int i;

	for (i = 0; texts != NULL && texts->count > 0 && text != NULL && i < FIXED_COUNT; i++) {
		if (own(texts, (enum fixed)i) == NULL
		    || !is_said(text, english((enum fixed)i), &value.text))
			continue;
		brace = strchr(english((enum fixed)i), '{');
		if (brace != NULL)
			value.name = arena_strndup(a, brace + 1, strcspn(brace + 1, "}"));
		return fixed_fill(a, texts, (enum fixed)i, &value, brace != NULL);
	}
	return text;
}

const char *fixed_no_file(struct arena *a, const struct option_map *texts, const char *name,
    const char *why)
{
	return fixed_fill(a, texts, FIXED_NO_FILE,
	    FIXED_VALUES({ "name", name }, { "reason", fixed_said(a, texts, why) }));
}

enum fixed fixed_of_reason(enum reason reason)
{
	switch (reason) {
	case REASON_INVALID: return FIXED_REFUSED;
	case REASON_TOO_LARGE: return FIXED_TOO_LONG;
	case REASON_NOT_FOUND: return FIXED_GONE;
	case REASON_OPTED_OUT: return FIXED_OPTED_OUT;
	case REASON_UNREACHABLE: return FIXED_UNREACHABLE;
	case REASON_QUOTA: return FIXED_QUOTA;
	case REASON_MEDIA: return FIXED_NO_MEDIA;
	case REASON_UNSUPPORTED: return FIXED_NOTHING_LIKE_IT;
	case REASON_UNCERTAIN:
	case REASON_TIMEOUT: return FIXED_UNCERTAIN;
	case REASON_EXPIRED: return FIXED_EXPIRED;
	case REASON_OVERFLOW: return FIXED_TOO_MANY;
	case REASON_LOOP: return FIXED_LOOP;
	case REASON_ENDPOINT_REMOVED: return FIXED_REMOVED;
	case REASON_CREDENTIALS:
	case REASON_NOT_ENABLED:
	case REASON_SESSION: return FIXED_NOT_LET_IN;
	case REASON_CONNECT:
	case REASON_TLS:
	case REASON_CUT:
	case REASON_BUSY:
	case REASON_SERVER_ERROR:
	case REASON_BAD_ANSWER: return FIXED_BAD_ANSWER;
	case REASON_NONE:
	case REASON_UNPARSABLE:
	case REASON_COUNT: break;
	}
	return FIXED_NOT_CARRIED;
}
