/* See notice.h. */
#include "core/notice.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "core/text.h"
#include "core/texts.h"

#define QUOTE_MAX 80
#define QUOTE_MIN 16
#define PHONE_HEAD 5
#define PHONE_TAIL 4
#define DIGITS_MAX \
	6 /* in a row, blanks and hyphens between them left aside: more may be a phone number */
#define SECRET_MIN \
	24 /* letters and digits in a row: more may be a token, or an id that opens something */

/* Words of our own choice begin with what nobody sees, so that they are known again. */
#define WORD_JOINER "\xe2\x81\xa0"

bool notice_is_ours(const char *error)
{
	return strncmp(error, NOTICE_NOT_DELIVERED, strlen(NOTICE_NOT_DELIVERED)) == 0
	    || strncmp(error, WORD_JOINER, strlen(WORD_JOINER)) == 0;
}

bool notice_may_quote(const char *why)
{
	int digits = 0, run = 0;
	const char *p;

	if (why == NULL || *why == '\0' || strchr(why, '@') != NULL || strstr(why, "://") != NULL
	    || strchr(why, '<') != NULL || strchr(why, '{') != NULL)
		return false;
	for (p = why; *p != '\0'; p++) {
		if (isdigit((unsigned char)*p))
			digits++;
		else if (strchr(" -.()/", *p) == NULL)
			digits = 0;
		run = isalnum((unsigned char)*p) || *p == '_' || *p == '-' ? run + 1 : 0;
		if (digits > DIGITS_MAX || run >= SECRET_MIN)
			return false;
	}
	return true;
}

const char *notice_of_deletion(const struct option_map *texts, enum side to, enum role author,
    bool is_note)
{
	enum fixed which =
	    author == ROLE_CUSTOMER ? FIXED_DELETED_BY_CUSTOMER : FIXED_DELETED_AT_CUSTOMERS;

	if (to == SIDE_CUSTOMERS)
		which = is_note ? FIXED_NOTE_DELETED_HERE_ONLY : FIXED_DELETED_HERE_ONLY;
	return fixed_text(texts, which);
}

static const char *filled(struct arena *a, const struct notice *n, const char *quote)
{
	char at[TIME_TEXT_SIZE], minute[TIME_TEXT_SIZE];
	enum fixed which = n->to == SIDE_AGENTS ? FIXED_NOT_SHOWN : FIXED_NOT_DELIVERED;

	time_format(n->at_ms, at);
	snprintf(minute, sizeof(minute), "%.10s %.5s", at, at + 11);
	return fixed_fill(a, n->texts, which,
	    FIXED_VALUES({ "time", minute },
		{ "delivery", arena_printf(a, "d%" PRId64, n->delivery) },
		{ "reason",
		    arena_printf(a, "%s%s", fixed_text(n->texts, fixed_of_reason(n->reason)),
			quote) }));
}

const char *notice_uncertain(struct arena *a, int64_t delivery, enum reason reason,
    const char *phone, const char *platform)
{
	const char *who = notice_phone(a, phone);
	const char *how = reason == REASON_TIMEOUT ? "no answer came after sending"
	    : reason == REASON_CUT                 ? "the connection broke after sending"
						   : "what was answered after sending told nothing";

	return arena_printf(a,
	    "d%" PRId64
	    " may or may not have reached %s: %s and %s shows no message with our mark. "
	    "Not repeated, because that could bill and arrive twice.",
	    delivery, who != NULL ? who : "the customer", how, platform);
}

/* What a person needs to recognise it, and a reader over his shoulder cannot dial. */
const char *notice_phone(struct arena *a, const char *phone)
{
	size_t len = phone != NULL ? strlen(phone) : 0;

	if (len < PHONE_HEAD + PHONE_TAIL + 2)
		return NULL;
	return arena_printf(a, "%.*s…%s", PHONE_HEAD, phone, phone + len - PHONE_TAIL);
}

/* The far side's words, in brackets; "" where they may not be shown. */
static const char *quoted(struct arena *a, const char *why, const char *format, size_t most)
{
	return notice_may_quote(why) ? arena_printf(a, format, text_excerpt(a, why, most)) : "";
}

static const char *opted_out_text(struct arena *a, const struct notice *n)
{
	const char *phone = notice_phone(a, n->phone);

	return fixed_fill(a, n->texts,
	    phone != NULL ? FIXED_HAS_OPTED_OUT : FIXED_CUSTOMER_HAS_OPTED_OUT,
	    FIXED_VALUES({ "phone", phone }, { "reason", quoted(a, n->why, " (%s)", 40) }));
}

/* It is not kept: trying it again would send it again. */
static const char *accepted_text(struct arena *a, const struct notice *n)
{
	return fixed_fill(a, n->texts, FIXED_NOT_DELIVERED_THERE,
	    FIXED_VALUES({ "reason", quoted(a, n->why, " (\"%s\")", QUOTE_MAX) }));
}

const char *notice_text(struct arena *a, const struct notice *n)
{
	const char *text;
	size_t used, room;

	if (n->to == SIDE_CUSTOMERS && n->reason == REASON_OPTED_OUT)
		return opted_out_text(a, n);
	if (n->to == SIDE_CUSTOMERS && n->was_accepted)
		return accepted_text(a, n);
	text = filled(a, n, "");
	used = text_len(text, TEXT_POINTS) + strlen(" (\"\")");
	room = used < NOTICE_MAX ? NOTICE_MAX - used : 0;
	if (used > NOTICE_MAX) /* somebody's own words */
		return text_excerpt(a, text, NOTICE_MAX);
	if (room < QUOTE_MIN || !notice_may_quote(n->why))
		return text;
	return filled(a, n,
	    arena_printf(a, " (\"%s\")",
		text_excerpt(a, n->why, room < QUOTE_MAX ? room : QUOTE_MAX)));
}

const char *notice_error(struct arena *a, const struct notice *n)
{
	const char *text = notice_text(a, n);

	return notice_is_ours(text) ? text : arena_printf(a, WORD_JOINER "%s", text);
}
