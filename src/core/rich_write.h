/* Between the writers of rich.h: what they all ask of a text. */
#ifndef CORE_RICH_WRITE_H
#define CORE_RICH_WRITE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "core/rich.h"

/* The boxes a block stands in, the outermost first. */
struct rich_chain {
	const struct rich_box *boxes[RICH_DEPTH_MAX];
	int depth;
};

struct rich_writer {
	const struct rich *r;
	struct buf out;
	struct rich_chain before;       /* of the block written last */
	struct rich_chain here;         /* of the one that is being written */
	const struct rich_block *block; /* that one */
	size_t from, to;                /* what is shown of it, in r->text */
	const struct rich_block *last;  /* the one written last; NULL: none yet */
};

/* Some of a block's text, of one style: clipped to what is shown. */
struct rich_piece {
	const char *text;
	size_t len;
	unsigned style;
	const char *link;
	bool link_begins, link_ends; /* it is the link's first, its last */
};

/* Begins the next block. False: nothing is shown of it, go on with the one behind it. Shown is what has
 * no blanks around it, of code no line ends. */
bool rich_writer_next(struct rich_writer *w, const struct rich_block *b);
/* The i-th span of what is shown; false: none of it is. */
bool rich_writer_piece(const struct rich_writer *w, size_t i, struct rich_piece *out);
/* Of the i-th span's link the label is nothing but the address. */
bool rich_writer_is_bare(const struct rich_writer *w, size_t i);
/* The box at depth i holds the block before, too. */
bool rich_writer_goes_on(const struct rich_writer *w, int i);
/* The marks of quotes and items before a line of the block; at its first line those of new items. */
void rich_writer_begin_line(struct rich_writer *w, bool first);
/* Ends a line, without the blanks at its end. */
void rich_writer_end_line(struct rich_writer *w);
/* A blank line before the block; quotes that hold both blocks go on over it. */
void rich_writer_blank_line(struct rich_writer *w);
/* What was written, in the arena; w is empty again. */
const char *rich_writer_done(struct rich_writer *w);

#endif
