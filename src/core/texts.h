/* The fixed texts that people read: all of them, with the key under which a bridge's `texts` replaces each.
 * Names in braces stand for what is put in there. A text without such a name is also found by its English
 * words, so who says one need not know of bridges. Pure. */
#ifndef CORE_TEXTS_H
#define CORE_TEXTS_H

#include <stddef.h>

#include "base/options.h"
#include "core/words.h"

struct arena;

/* Messages. */
#define FIXED_TEXTS(X) \
	X(EDITED, "edited", "Edited: {text}") \
	X(LOCATION, "location", "Location: {title}") \
	X(LOCATION_UNTITLED, "location_untitled", "Location") \
	X(CONTACT, "contact", "Contact: {name}, {phone}") \
	X(CONTACT_BARE, "contact_bare", "Contact: {name}") \
	X(NO_FILE, "file_not_available", "[file not available: {name}, {reason}]") \
	X(UNSUPPORTED, "unsupported_message", "[unsupported message: {type}]") \
	X(STICKER, "sticker", "[sticker]") \
	X(MORE_FILES, "more_files", "{count} more") \
	/* Notes that agents read. */ \
	X(NOT_DELIVERED, "not_delivered", \
	    "Not delivered: {reason}. The relay keeps it as {delivery}.") \
	X(NOT_SHOWN, "not_shown", \
	    "A message of {time} UTC could not be shown here: {reason}. The relay keeps it as " \
	    "{delivery}.") \
	X(NOT_DELIVERED_THERE, "not_delivered_there", \
	    "Not delivered: the other platform took it and could not deliver it{reason}.") \
	X(HAS_OPTED_OUT, "has_opted_out", \
	    "Not delivered: {phone} has opted out{reason}. We send nothing to this number until they " \
	    "write again.") \
	X(CUSTOMER_HAS_OPTED_OUT, "customer_has_opted_out", \
	    "Not delivered: the customer has opted out{reason}. We send nothing to them until they " \
	    "write again.") \
	X(DELETED_BY_CUSTOMER, "deleted_by_customer", "The customer deleted this message.") \
	X(DELETED_AT_CUSTOMERS, "deleted_at_customers", \
	    "This message was deleted at the customers' side.") \
	X(DELETED_HERE_ONLY, "deleted_here_only", \
	    "Deleted here only: it cannot be deleted at the other platform, and the customer still " \
	    "sees it.") \
	X(NOTE_DELETED_HERE_ONLY, "note_deleted_here_only", \
	    "Deleted here only: the note still stands at the other platform, where agents see it.") \
	/* Why a message was not delivered: {reason}. */ \
	X(REFUSED, "refused", "the other platform refused it") \
	X(TOO_LONG, "too_long", "it is too long for the other platform") \
	X(GONE, "gone", "the conversation is not there any more") \
	X(OPTED_OUT, "opted_out", "the customer does not want messages") \
	X(UNREACHABLE, "unreachable", "no way leads to this customer") \
	X(QUOTA, "quota", "the other platform's quota is used up") \
	X(NO_MEDIA, "no_media", "its file cannot be had, or is not taken there") \
	X(NOTHING_LIKE_IT, "nothing_like_it", "the other platform has nothing of that kind") \
	X(UNCERTAIN, "uncertain", "the other platform did not answer; it may have arrived") \
	X(EXPIRED, "expired", "it was tried in vain for too long") \
	X(TOO_MANY, "too_many", "too many messages wait for this customer") \
	X(LOOP, "loop", "too many messages in a row, as if two machines talk") \
	X(REMOVED, "removed", "the bridge was taken out of the configuration") \
	X(NOT_LET_IN, "not_let_in", "the relay is not let in at the other platform") \
	X(BAD_ANSWER, "bad_answer", "the other platform did not answer as it should") \
	X(NOT_CARRIED, "not_carried", "it could not be carried") \
	/* Why a file is not available: {reason}. */ \
	X(FILE_TOO_LARGE_THERE, "file_too_large_there", "it is too large for {platform}") \
	X(FILE_LARGER, "file_larger", "larger than {size}") \
	X(FILE_ONLY_SO_MANY, "file_only_so_many", "one message has no more than {count}") \
	X(FILE_EMPTY, "file_empty", "it is empty") \
	X(FILE_WEB_PAGE, "file_web_page", "a web page is in its place") \
	X(FILE_KIND, "file_kind", "files of that kind are not carried") \
	X(FILE_PRIVATE, "file_private", "its address is not a public one") \
	X(FILE_SILENT, "file_silent", "its server does not answer") \
	X(FILE_UNTRUSTED, "file_untrusted", "its server cannot be trusted") \
	X(FILE_SLOW, "file_slow", "it took too long") \
	X(FILE_CUT, "file_cut", "it broke off") \
	X(FILE_ANSWERED, "file_answered", "its server answered {status}") \
	X(FILE_NO_PUBLIC_URL, "file_no_public_url", "public_url is not set") \
	X(FILE_NOT_SERVED, "file_not_served", "it goes as an address, and public_url is not set") \
	X(FILE_NO_ADDRESS, "file_no_address", "it cannot be uploaded, and public_url is not set")

enum fixed {
#define X(name, ...) FIXED_##name,
	FIXED_TEXTS(X)
#undef X
	    FIXED_COUNT
};

/* The keys of `texts`, ending with NULL. */
extern const char *const fixed_keys[];

/* Something to put in. */
struct fixed_value {
	const char *name, *text;
};
#define FIXED_VALUES(...) \
	(const struct fixed_value[]){ __VA_ARGS__ }, \
	    sizeof((const struct fixed_value[]){ __VA_ARGS__ }) / sizeof(struct fixed_value)

/* texts: those of a bridge; NULL: English. A name that is none stays as it is. */
const char *fixed_fill(struct arena *a, const struct option_map *texts, enum fixed which,
    const struct fixed_value *values, size_t count);
const char *fixed_text(const struct option_map *texts, enum fixed which);
/* What stands for an English text of the list, or for one that begins like it and ends in what its name in
 * braces stands for; the text itself, where it is none of them. */
const char *fixed_said(struct arena *a, const struct option_map *texts, const char *english);
/* The line that stands for a file which is not carried; why may be English. */
const char *fixed_no_file(struct arena *a, const struct option_map *texts, const char *name,
    const char *why);
/* A bridge has its own. */
bool fixed_is_own(const struct option_map *texts, enum fixed which);
/* The sentence for a reason. */
enum fixed fixed_of_reason(enum reason reason);

#endif
