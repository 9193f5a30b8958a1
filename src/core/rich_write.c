/* See rich_write.h and rich.h: what the writers share, and the writer of plain text. */
#include "core/rich_write.h"

#include <string.h>
#include <strings.h>

#include "base/arena.h"

/* --- what is shown ----------------------------------------------------------------------------- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static bool find_extent(struct rich_writer *w, const struct rich_block *b)
{
	bool code = b->kind == RICH_CODE_BLOCK;
	const char *text = w->r->text;
	const struct rich_span *first, *last;
	size_t from, to;

	if (b->count == 0)
		return b->kind == RICH_RULE;
	first = &w->r->spans[b->first];
	last = first + b->count - 1;
	from = first->at;
	to = last->at + last->len;
	while (to > from && (code ? text[to - 1] == '\n' : is_space(text[to - 1])))
		to--;
	while (from < to && (code ? text[from] == '\n' : is_space(text[from])))
		from++;
	w->from = from;
	w->to = to;
	return from < to;
}

bool rich_writer_piece(const struct rich_writer *w, size_t i, struct rich_piece *out)
{
	const struct rich_span *s = &w->r->spans[w->block->first + i];
	size_t begin = s->at > w->from ? s->at : w->from;
	size_t end = s->at + s->len < w->to ? s->at + s->len : w->to;

	if (begin >= end)
		return false;
	*out = (struct rich_piece){
		.text = w->r->text + begin,
		.len = end - begin,
		.style = s->style,
		.link = s->link,
		.link_begins = s->link != NULL && (begin == w->from || s[-1].link != s->link),
		.link_ends = s->link != NULL && (end == w->to || s[1].link != s->link),
	};
	return true;
}

bool rich_writer_is_bare(const struct rich_writer *w, size_t i)
{
	const struct rich_block *b = w->block;
	const struct rich_span *spans = &w->r->spans[b->first];
	const char *address = spans[i].link, *label = w->r->text + spans[i].at;
	size_t len = 0;

	for (; i < b->count && spans[i].link == address; i++)
		len += spans[i].len;
	if (strlen(address) == len && memcmp(address, label, len) == 0)
		return true;
	if (strncasecmp(address, "mailto:", 7) == 0)
		address += 7;
	else if (strncasecmp(address, "tel:", 4) == 0)
		address += 4;
	return strlen(address) == len && memcmp(address, label, len) == 0;
}

/* --- from block to block ----------------------------------------------------------------------- */

static void set_chain(struct rich_chain *chain, const struct rich_box *box)
{
	chain->depth = box != NULL ? box->depth : 0;
	for (; box != NULL; box = box->up)
		chain->boxes[box->depth - 1] = box;
}

bool rich_writer_goes_on(const struct rich_writer *w, int i)
{
	return w->last != NULL && i < w->before.depth && w->before.boxes[i] == w->here.boxes[i];
}

bool rich_writer_next(struct rich_writer *w, const struct rich_block *b)
{
	if (!find_extent(w, b))
		return false;
	w->last = w->block;
	w->before = w->here;
	w->block = b;
	set_chain(&w->here, b->box);
	return true;
}

static void put_number(struct rich_writer *w, const struct rich_box *box, bool shown)
{
	size_t before = w->out.len;

	if (box->mark == '-')
		buf_adds(&w->out, "- ");
	else
		buf_addf(&w->out, "%u%c ", box->number, box->mark);
	if (!shown)
		memset(w->out.data + before, ' ', w->out.len - before);
}

void rich_writer_begin_line(struct rich_writer *w, bool first)
{
	int i;

	for (i = 0; i < w->here.depth; i++) {
		if (w->here.boxes[i]->mark == '>')
			buf_adds(&w->out, "> ");
		else
			put_number(w, w->here.boxes[i], first && !rich_writer_goes_on(w, i));
	}
}

void rich_writer_end_line(struct rich_writer *w)
{
	while (w->out.len > 0 && w->out.data[w->out.len - 1] == ' ')
		w->out.data[--w->out.len] = '\0';
	buf_addc(&w->out, '\n');
}

void rich_writer_blank_line(struct rich_writer *w)
{
	int i;

	for (i = 0; i < w->here.depth && rich_writer_goes_on(w, i); i++)
		buf_adds(&w->out, w->here.boxes[i]->mark == '>' ? "> " : "  ");
	rich_writer_end_line(w);
}

const char *rich_writer_done(struct rich_writer *w)
{
	const char *text =
	    w->out.len > 0 ? arena_strndup(w->r->arena, w->out.data, w->out.len) : "";

	buf_fini(&w->out);
	return text;
}

/* --- plain ------------------------------------------------------------------------------------- */

static void put_lines(struct rich_writer *w, const char *text, size_t len)
{
	const char *end;

	while ((end = memchr(text, '\n', len)) != NULL) {
		buf_add(&w->out, text, (size_t)(end - text));
		if (w->block->kind == RICH_CODE_BLOCK)
			buf_addc(&w->out, '\n');
		else
			rich_writer_end_line(w);
		rich_writer_begin_line(w, false);
		len -= (size_t)(end - text) + 1;
		text = end + 1;
	}
	buf_add(&w->out, text, len);
}

static void put_plain(struct rich_writer *w)
{
	const struct rich_block *b = w->block;
	struct rich_piece p;
	bool told = false; /* the label says the address */
	size_t i;

	for (i = 0; i < b->count; i++) {
		if (!rich_writer_piece(w, i, &p))
			continue;
		if (p.link_begins)
			told = rich_writer_is_bare(w, i);
		put_lines(w, p.text, p.len);
		if (!p.link_ends || told)
			continue;
		if (!is_space(p.text[p.len - 1]))
			buf_addc(&w->out, ' ');
		buf_addf(&w->out, "(%s)", p.link);
	}
}

const char *rich_plain(const struct rich *r)
{
	struct rich_writer w = { .r = r };
	const struct rich_block *b;
	size_t i;

	for (i = 0; i < r->nblocks; i++) {
		b = &r->blocks[i];
		if (!rich_writer_next(&w, b))
			continue;
		if (w.last != NULL)
			buf_addc(&w.out, '\n');
		if (w.last != NULL && !b->close)
			rich_writer_blank_line(&w);
		rich_writer_begin_line(&w, true);
		if (b->kind == RICH_RULE)
			buf_adds(&w.out, "---");
		else
			put_plain(&w);
	}
	return rich_writer_done(&w);
}
