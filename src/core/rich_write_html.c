/* The form of rich.h → HTML: a handful of tags without attributes, but for the addresses of links. */
#include <string.h>

#include "base/arena.h"
#include "core/rich_write.h"

static const struct {
	unsigned style;
	const char *begin, *end;
} tags[] = {
	{ RICH_STRONG, "<strong>", "</strong>" },
	{ RICH_EMPHASIS, "<em>", "</em>" },
	{ RICH_STRIKE, "<del>", "</del>" },
	{ RICH_CODE, "<code>", "</code>" },
};

enum { TAGS = sizeof(tags) / sizeof(tags[0]) };

static void put_escaped(struct buf *b, const char *text, size_t len, bool breaks)
{
	const char *end = text + len;

	for (; text < end; text++) {
		switch (*text) {
		case '&': buf_adds(b, "&amp;"); break;
		case '<': buf_adds(b, "&lt;"); break;
		case '>': buf_adds(b, "&gt;"); break;
		case '"': buf_adds(b, "&quot;"); break;
		case '\n': buf_adds(b, breaks ? "<br>" : "\n"); break;
		default: buf_addc(b, *text);
		}
	}
}

static void put_piece(struct buf *b, const struct rich_piece *p)
{
	int i;

	if (p->link_begins) {
		buf_adds(b, "<a href=\"");
		put_escaped(b, p->link, strlen(p->link), false);
		buf_adds(b, "\">");
	}
	for (i = 0; i < TAGS; i++)
		if ((p->style & tags[i].style) != 0)
			buf_adds(b, tags[i].begin);
	put_escaped(b, p->text, p->len, true);
	for (i = TAGS - 1; i >= 0; i--)
		if ((p->style & tags[i].style) != 0)
			buf_adds(b, tags[i].end);
	if (p->link_ends)
		buf_adds(b, "</a>");
}

/* --- quotes and lists -------------------------------------------------------------------------- */

/* Items of one list: both in the same box, both with the same mark. */
static bool same_list(const struct rich_box *a, const struct rich_box *b)
{
	return a->mark != '>' && a->mark == b->mark && a->up == b->up;
}

static void close_boxes(struct rich_writer *w, int depth, bool item_only)
{
	int i;

	for (i = w->before.depth - 1; i >= depth; i--) {
		char mark = w->before.boxes[i]->mark;

		if (mark == '>')
			buf_adds(&w->out, "</blockquote>");
		else if (i == depth && item_only)
			buf_adds(&w->out, "</li>");
		else
			buf_adds(&w->out, mark == '-' ? "</li></ul>" : "</li></ol>");
	}
}

static void open_boxes(struct rich_writer *w, int depth, bool item_only)
{
	const struct rich_box *box;
	int i;

	for (i = depth; i < w->here.depth; i++) {
		box = w->here.boxes[i];
		if (box->mark == '>')
			buf_adds(&w->out, "<blockquote>");
		else if (i == depth && item_only)
			buf_adds(&w->out, "<li>");
		else if (box->mark == '-')
			buf_adds(&w->out, "<ul><li>");
		else
			buf_addf(&w->out, "<ol start=\"%u\"><li>", box->number);
	}
}

static void turn(struct rich_writer *w)
{
	bool item_only;
	int depth = 0;

	if (w->last == NULL)
		w->before.depth = 0;
	while (depth < w->here.depth && rich_writer_goes_on(w, depth))
		depth++;
	item_only = depth < w->here.depth && depth < w->before.depth
	    && same_list(w->before.boxes[depth], w->here.boxes[depth]);
	close_boxes(w, depth, item_only);
	open_boxes(w, depth, item_only);
}

/* --- blocks ------------------------------------------------------------------------------------ */

static void put_text(struct rich_writer *w, const struct rich_block *b)
{
	struct rich_piece p;
	size_t i;

	if (b->kind == RICH_HEADING)
		buf_addf(&w->out, "<h%d>", b->level);
	else
		buf_adds(&w->out, "<p>");
	for (i = 0; i < b->count; i++)
		if (rich_writer_piece(w, i, &p))
			put_piece(&w->out, &p);
	if (b->kind == RICH_HEADING)
		buf_addf(&w->out, "</h%d>", b->level);
	else
		buf_adds(&w->out, "</p>");
}

const char *rich_html(const struct rich *r)
{
	struct rich_writer w = { .r = r };
	const struct rich_block *b;
	size_t i;

	for (i = 0; i < r->nblocks; i++) {
		b = &r->blocks[i];
		if (!rich_writer_next(&w, b))
			continue;
		turn(&w);
		if (b->kind == RICH_RULE) {
			buf_adds(&w.out, "<hr>");
		} else if (b->kind == RICH_CODE_BLOCK) {
			buf_adds(&w.out, "<pre><code>");
			put_escaped(&w.out, r->text + w.from, w.to - w.from, false);
			buf_adds(&w.out, "</code></pre>");
		} else {
			put_text(&w, b);
		}
	}
	w.before = w.here;
	close_boxes(&w, 0, false);
	return rich_writer_done(&w);
}
