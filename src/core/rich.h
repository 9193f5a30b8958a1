/* What people write with marks for bold, links, lists and so on, in a form that belongs to no platform:
 * blocks one after the other, each with its runs of text. Readers make it of Markdown and HTML, writers
 * make plain text, Markdown or HTML of it. Pure; all of it lies in the arena.
 *
 * It is flat: what a block stands in (items of lists, quotes) hangs on it as a chain, so nothing here
 * or in the writers recurses, however deep a text is nested.
 *
 * Whether a writer's result would be executed somewhere is not asked here: text_neutralise comes last. */
#ifndef CORE_RICH_H
#define CORE_RICH_H

#include <stdbool.h>
#include <stddef.h>

#include "core/words.h"

struct arena;

/* --- for whoever carries a text ---------------------------------------------------------------- */

/* Of a target: the formats it shows as what they are (1 << FORMAT_MARKDOWN …; plain is understood), and
 * those it is given where the bridge keeps markup. */
struct rich_target {
	unsigned shows, keeps;
	bool keep; /* the bridge says so */
};

/* text, valid UTF-8, as the target is to be given it; *out is the format of that. A text that is beyond
 * the limits below, or that has marks and no words, crosses as it was written. */
const char *rich_convert(struct arena *a, const char *text, enum format format,
    struct rich_target target, enum format *out);

/* --- the form ---------------------------------------------------------------------------------- */

enum rich_style {
	RICH_EMPHASIS = 1 << 0,
	RICH_STRONG = 1 << 1,
	RICH_STRIKE = 1 << 2,
	RICH_CODE = 1 << 3,
};
#define RICH_STYLES 4

/* A run of one style. A line feed in it is a line break. */
struct rich_span {
	size_t at, len; /* in rich->text */
	unsigned style;
	const char *link; /* all spans of one link have the same pointer; NULL: none */
};

enum rich_kind { RICH_PARAGRAPH, RICH_HEADING, RICH_CODE_BLOCK, RICH_RULE };

/* A quote, or an item of a list. */
struct rich_box {
	struct rich_box *up; /* what it stands in; NULL: the text itself */
	int depth;           /* 1 for the outermost */
	char mark;           /* '>' a quote; '-' an item; '.' or ')' behind number, an item */
	unsigned number;
};

/* Without spans it is not there, unless it is a rule. */
struct rich_block {
	enum rich_kind kind;
	int level;  /* of a heading */
	bool close; /* to the block before it: no blank line between them */
	const struct rich_box *box;
	size_t first, count; /* spans */
};

struct rich {
	struct arena *arena;
	char *text;
	size_t len, size, max;
	struct rich_span *spans;
	size_t nspans, spans_size;
	struct rich_block *blocks;
	size_t nblocks, blocks_size;

	/* While it is made: */
	struct rich_box *box;
	size_t too_deep; /* boxes that were left out: RICH_DEPTH_MAX */
	bool open;       /* the last block takes text */
	bool apart;      /* a blank line comes before the next block */
	bool full;       /* max was reached: what follows is lost */
	unsigned count[RICH_STYLES];
	const char *link;
};

#define RICH_DEPTH_MAX 24

/* --- readers ----------------------------------------------------------------------------------- */

/* NULL: its links and entities would grow it beyond reason. */
struct rich *rich_read_markdown(struct arena *a, const char *text);
struct rich *rich_read_html(struct arena *a, const char *text);
/* Of "&hellip;" and "&#8230;" what they stand for; text itself where they stand for nothing. */
const char *rich_entity(struct arena *a, const char *text);

/* What readers build with. */
struct rich *rich_new(struct arena *a, size_t source_len);
void rich_add(struct rich *r, const char *text, size_t len); /* opens a paragraph where none is */
void rich_begin(struct rich *r, enum rich_kind kind, int level);
void rich_end(struct rich *r, bool apart);
void rich_enter(struct rich *r, char mark, unsigned number);
void rich_leave(struct rich *r, bool apart);
void rich_style(struct rich *r, enum rich_style style, bool on);
/* An address fit to be shown and followed, without blanks and control characters; NULL: it is none, or
 * of a kind that is executed or reads what is the reader's own ("javascript:", "data:", "file:"). */
const char *rich_address(struct arena *a, const char *address);

/* --- writers ----------------------------------------------------------------------------------- */

/* Without marks: "label (address)", "- ", "1. ", "> "; code as it is. */
const char *rich_plain(const struct rich *r);
/* CommonMark with ~~; a line break is a line feed. */
const char *rich_markdown(const struct rich *r);
const char *rich_html(const struct rich *r);
bool rich_has_words(const struct rich *r);

#endif
