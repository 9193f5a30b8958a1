/* See notice.h. */
#include "core/notice.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "core/text.h"

#define QUOTE_MAX 80
#define QUOTE_MIN 16
#define PHONE_HEAD 5
#define PHONE_TAIL 4
#define DIGITS_MAX \
	6 /* in a row, blanks and hyphens between them left aside: more may be a phone number */
#define SECRET_MIN \
	24 /* letters and digits in a row: more may be a token, or an id that opens something */

static const char *sentence(enum reason reason)
{
	switch (reason) {
	case REASON_INVALID: return "the other platform refused it";
	case REASON_TOO_LARGE: return "it is too long for the other platform";
	case REASON_NOT_FOUND: return "the conversation is not there any more";
	case REASON_OPTED_OUT: return "the customer does not want messages";
	case REASON_UNREACHABLE: return "no way leads to this customer";
	case REASON_QUOTA: return "the other platform's quota is used up";
	case REASON_MEDIA: return "its file cannot be had, or is not taken there";
	case REASON_UNSUPPORTED: return "the other platform has nothing of that kind";
	case REASON_UNCERTAIN:
	case REASON_TIMEOUT: return "the other platform did not answer; it may have arrived";
	case REASON_EXPIRED: return "it was tried in vain for too long";
	case REASON_OVERFLOW: return "too many messages wait for this customer";
	case REASON_LOOP: return "too many messages in a row, as if two machines talk";
	case REASON_ENDPOINT_REMOVED: return "the bridge was taken out of the configuration";
	case REASON_CREDENTIALS:
	case REASON_NOT_ENABLED:
	case REASON_SESSION: return "the relay is not let in at the other platform";
	case REASON_CONNECT:
	case REASON_TLS:
	case REASON_CUT:
	case REASON_BUSY:
	case REASON_SERVER_ERROR:
	case REASON_BAD_ANSWER: return "the other platform did not answer as it should";
	case REASON_NONE:
	case REASON_UNPARSABLE:
	case REASON_COUNT: break;
	}
	return "it could not be carried";
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

const char *notice_of_deletion(enum side to, enum role author)
{
	if (to == SIDE_CUSTOMERS)
		return "Deleted here only: it cannot be deleted at the other platform, and the customer "
		       "still sees it.";
	return author == ROLE_CUSTOMER ? "The customer deleted this message."
				       : "This message was deleted at the customers' side.";
}

/* What a person needs to recognise it, and a reader over his shoulder cannot dial. */
const char *notice_phone(struct arena *a, const char *phone)
{
	size_t len = phone != NULL ? strlen(phone) : 0;

	if (len < PHONE_HEAD + PHONE_TAIL + 2)
		return NULL;
	return arena_printf(a, "%.*s…%s", PHONE_HEAD, phone, phone + len - PHONE_TAIL);
}

static const char *opted_out_text(struct arena *a, const struct notice *n)
{
	const char *who = notice_phone(a, n->phone);
	const char *why =
	    notice_may_quote(n->why) ? arena_printf(a, " (%s)", text_excerpt(a, n->why, 40)) : "";

	return arena_printf(a,
	    NOTICE_NOT_DELIVERED
	    "%s has opted out%s. We send nothing to %s until they write again.",
	    who != NULL ? who : "the customer", why, who != NULL ? "this number" : "them");
}

/* It is not kept: trying it again would send it again. */
static const char *accepted_text(struct arena *a, const struct notice *n)
{
	if (!notice_may_quote(n->why))
		return NOTICE_NOT_DELIVERED "the other platform took it and could not deliver it.";
	return arena_printf(a,
	    NOTICE_NOT_DELIVERED "the other platform took it and could not deliver it (\"%s\").",
	    text_excerpt(a, n->why, QUOTE_MAX));
}

const char *notice_text(struct arena *a, const struct notice *n)
{
	char at[TIME_TEXT_SIZE], minute[TIME_TEXT_SIZE];
	const char *begin = NOTICE_NOT_DELIVERED, *end, *quote = "";
	size_t used, room;

	if (n->to == SIDE_CUSTOMERS && n->reason == REASON_OPTED_OUT)
		return opted_out_text(a, n);
	if (n->to == SIDE_CUSTOMERS && n->was_accepted)
		return accepted_text(a, n);
	if (n->to == SIDE_AGENTS) {
		time_format(n->at_ms, at);
		snprintf(minute, sizeof(minute), "%.10s %.5s", at, at + 11);
		begin = arena_printf(a, "A message of %s UTC could not be shown here: ", minute);
	}
	end = arena_printf(a, ". The relay keeps it as d%" PRId64 ".", n->delivery);
	used = strlen(begin) + strlen(sentence(n->reason)) + strlen(end) + strlen(" (\"\")");
	room = used < NOTICE_MAX ? NOTICE_MAX - used : 0;
	if (room >= QUOTE_MIN && notice_may_quote(n->why))
		quote = arena_printf(a, " (\"%s\")",
		    text_excerpt(a, n->why, room < QUOTE_MAX ? room : QUOTE_MAX));
	return arena_printf(a, "%s%s%s%s", begin, sentence(n->reason), quote, end);
}
