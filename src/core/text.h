/* What is done to the words people write, and nothing that knows a platform: cleaning, taking the
 * sting out of what a platform would execute, cutting to its limits. Pure; results lie in the arena or
 * are the text that was given. */
#ifndef CORE_TEXT_H
#define CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

#define TEXT_NAME_MAX 60 /* code points */

/* CR LF becomes LF, NULs go, blank lines at the end go, invalid UTF-8 becomes U+FFFD. Of text that may
 * hold NULs, len bytes; NULL stays NULL. */
char *text_clean(struct arena *a, const char *text, size_t len);

/* A name to be shown: invalid UTF-8 becomes U+FFFD; control characters go, those for the direction of
 * writing too (one left open would turn round the words behind the name); blanks around it go; cut at
 * 60 code points. NULL where nothing is left, or nothing was given. */
const char *text_name(struct arena *a, const char *name);

/* The same without an end: one line of any length. */
const char *text_line(struct arena *a, const char *text);

/* --- active syntax ----------------------------------------------------------------------------- */

/* What a target would execute, each made harmless by U+200B, which nobody sees. */
enum text_rule {
	TEXT_BRACES = 1 << 0,            /* between {{ and between {% */
	TEXT_DOLLAR = 1 << 1,            /* between ${ */
	TEXT_BACKSLASH_COMMAND = 1 << 2, /* at the end, where all from the first backslash on is a
					  * command (letters only); behind the backslash of \_td */
	TEXT_DIRECTIVES = 1 << 3, /* behind # of #set( #parse( #if( #foreach( #include( #macro( */
	TEXT_ALL_RULES = (1 << 4) - 1
};

/* Doing it twice does no more than doing it once. Do it last: what is cut or put together afterwards
 * may be active again. */
const char *text_neutralise(struct arena *a, const char *text, unsigned rules);
/* Takes out what text_neutralise put in, by any rule: for a marked copy that travels on. */
const char *text_unneutralise(struct arena *a, const char *text);

/* All of text is a backslash and letters, or it begins with \_td: it drives a platform, and was not
 * written for people. */
bool text_is_command(const char *text);
/* An agent's or bot's text without the \close or \agent it ends in (all from the first backslash),
 * and without blanks before that; "" where it was nothing else, text itself where there is none. */
const char *text_cut_command(struct arena *a, const char *text);

/* --- limits ------------------------------------------------------------------------------------ */

enum text_unit {
	TEXT_POINTS,    /* Unicode code points */
	TEXT_BYTES,     /* of UTF-8 */
	TEXT_WIRE_BYTES /* of the text as a JSON string with raw UTF-8, without its quotes */
};

size_t text_len(const char *text, enum text_unit unit);

/* Cuts text into parts of at most limit, each neutralised by rules (which may be 0). Where to cut: the
 * last end of a paragraph in the second half of what fits; else of a line; else a blank; else any of
 * these in the first half; else between two graphemes (grapheme.h), and inside one only where it alone
 * is over the limit. Blanks at a cut go, the indent of a line stays. At least one part, "" for "". A
 * limit of less than 16 counts as 16. */
size_t text_split(struct arena *a, const char *text, unsigned rules, enum text_unit unit,
    size_t limit, const char *const **parts);

/* The beginning on one line, at most max code points, cut between graphemes: line ends become blanks,
 * blanks around it go. */
const char *text_excerpt(struct arena *a, const char *text, size_t max);

#endif
