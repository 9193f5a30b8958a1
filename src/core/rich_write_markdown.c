/* The form of rich.h → Markdown, as desks show it: a line feed breaks the line, ~~ strikes.
 *
 * Marks are put where a reader will take them for marks: never around blanks, never over the end of a
 * line. What people wrote is escaped only where it would be read as a mark, since not everything that
 * shows it reads Markdown. */
#include <ctype.h>
#include <string.h>

#include "base/arena.h"
#include "core/rich_write.h"

#define STYLES 3 /* of code nothing else is marked */

static const unsigned styles[STYLES] = { RICH_STRONG, RICH_EMPHASIS, RICH_STRIKE };

struct marks {
	unsigned open[STYLES]; /* in the order in which they were opened */
	const char *shown[STYLES];
	int count;
	const char *link;
	size_t blanks; /* due before the next word */
	bool at_start; /* of a line */
};

struct writing {
	struct rich_writer w;
	struct marks m;
};

/* --- lines ------------------------------------------------------------------------------------- */

static void begin_line(struct writing *k, bool first)
{
	rich_writer_begin_line(&k->w, first);
	k->m.at_start = true;
	k->m.blanks = 0;
}

static char last_char(const struct writing *k)
{
	return k->w.out.len > 0 ? k->w.out.data[k->w.out.len - 1] : '\n';
}

/* --- escapes ----------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\0';
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* What stands at a line's beginning would make a block of it. */
static bool begins_block(const char *p, const char *end)
{
	size_t len = (size_t)(end - p), run = 1;

	switch (*p) {
	case '>': return true;
	case '#':
		while (run < len && p[run] == '#')
			run++;
		return run <= 6 && (run == len || is_blank(p[run]));
	case '=':
	case '-':
	case '+':
	case '*':
		if (len == 1 || is_blank(p[1]))
			return true;
		while (run < len && p[run] == *p)
			run++;
		return run == len && *p != '+';
	default: return false;
	}
}

/* "1." and "1)" at a line's beginning: how many digits; 0: it is none. */
static size_t number_len(const char *p, const char *end)
{
	size_t len = 0, size = (size_t)(end - p);

	while (len < size && len < 10 && isdigit((unsigned char)p[len]))
		len++;
	if (len == 0 || len == size || (p[len] != '.' && p[len] != ')'))
		return 0;
	return len + 1 == size || is_blank(p[len + 1]) ? len : 0;
}

static bool begins_entity(const char *p, const char *end)
{
	const char *start = ++p;

	while (p < end && p - start < 40 && (isalnum((unsigned char)*p) || *p == '#'))
		p++;
	return p > start && p < end && *p == ';';
}

/* *p, between before and what follows up to end, would be read as a mark. */
static bool is_mark(const char *p, const char *end, char before, bool in_link)
{
	char next = p + 1 < end ? p[1] : '\0';

	switch (*p) {
	case '`': return true;
	case '*': return !(is_blank(before) && (next == ' ' || next == '\t'));
	case '_': return !(is_word(before) && is_word(next));
	case '~': return before == '~' || next == '~';
	case '\\': return next == '\0' || ispunct((unsigned char)next);
	case '[': return in_link;
	case ']': return in_link || next == '\0' || strchr("([:", next) != NULL;
	case '!': return next == '\0';
	case '<': return isalpha((unsigned char)next) || (next != '\0' && strchr("/!?", next));
	case '&': return begins_entity(p, end);
	default: return false;
	}
}

static void put_escaped(struct writing *k, const char *text, size_t len)
{
	const char *p, *end = text + len;
	size_t digits = k->m.at_start ? number_len(text, end) : 0;
	char before = last_char(k);

	for (p = text; p < end; before = *p++) {
		if (is_mark(p, end, before, k->m.link != NULL)
		    || (k->m.at_start && p == text && begins_block(p, end))
		    || (digits > 0 && p == text + digits))
			buf_addc(&k->w.out, '\\');
		buf_addc(&k->w.out, *p);
	}
	k->m.at_start = false;
}

/* In as many back-ticks as the text itself does not have. */
static void put_code(struct writing *k, const char *p, size_t len)
{
	size_t i, run = 0, longest = 0;
	bool edge = p[0] == '`' || p[len - 1] == '`';

	for (i = 0; i < len; i++) {
		run = p[i] == '`' ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	for (i = 0; i <= longest; i++)
		buf_addc(&k->w.out, '`');
	if (edge)
		buf_addc(&k->w.out, ' ');
	buf_add(&k->w.out, p, len);
	if (edge)
		buf_addc(&k->w.out, ' ');
	for (i = 0; i <= longest; i++)
		buf_addc(&k->w.out, '`');
	k->m.at_start = false;
}

/* --- marks ------------------------------------------------------------------------------------- */

static void close_one(struct writing *k)
{
	buf_adds(&k->w.out, k->m.shown[--k->m.count]);
}

static void close_link(struct writing *k)
{
	while (k->m.count > 0)
		close_one(k);
	if (k->m.link != NULL)
		buf_addf(&k->w.out, strpbrk(k->m.link, "()") != NULL ? "](<%s>)" : "](%s)",
		    k->m.link);
	k->m.link = NULL;
}

static bool is_open(const struct writing *k, unsigned style)
{
	int i;

	for (i = 0; i < k->m.count; i++)
		if (k->m.open[i] == style)
			return true;
	return false;
}

/* An asterisk behind another one would be counted with it. */
static const char *mark_of(const struct writing *k, unsigned style)
{
	if (style == RICH_STRIKE)
		return "~~";
	if (style == RICH_STRONG)
		return last_char(k) == '*' ? "__" : "**";
	return last_char(k) == '*' ? "_" : "*";
}

/* What is open becomes what the next word is to have; blanks stand between the two. */
static void turn_to(struct writing *k, unsigned style, const char *link)
{
	int i;

	if (link != k->m.link)
		close_link(k);
	for (i = 0; i < k->m.count; i++)
		if ((style & k->m.open[i]) == 0)
			break;
	while (k->m.count > i)
		close_one(k);
	for (; k->m.blanks > 0; k->m.blanks--)
		buf_addc(&k->w.out, ' ');
	if (link != k->m.link)
		buf_addc(&k->w.out, '[');
	k->m.link = link;
	for (i = 0; i < STYLES; i++) {
		if ((style & styles[i]) == 0 || is_open(k, styles[i]))
			continue;
		k->m.shown[k->m.count] = mark_of(k, styles[i]);
		k->m.open[k->m.count] = styles[i];
		buf_adds(&k->w.out, k->m.shown[k->m.count++]);
	}
}

static void put_words(struct writing *k, const struct rich_piece *p, const char *text, size_t len)
{
	size_t lead = 0, core;

	while (lead < len && text[lead] == ' ')
		lead++;
	k->m.blanks += k->m.at_start ? 0 : lead;
	if (lead == len)
		return;
	for (core = len; text[core - 1] == ' '; core--)
		;
	turn_to(k, p->style, p->link);
	if ((p->style & RICH_CODE) != 0)
		put_code(k, text + lead, core - lead);
	else
		put_escaped(k, text + lead, core - lead);
	k->m.blanks = len - core;
}

static void break_line(struct writing *k)
{
	close_link(k);
	k->m.blanks = 0;
	rich_writer_end_line(&k->w);
	begin_line(k, false);
}

/* In a heading, and in a label, a line goes on. */
static void put_piece(struct writing *k, const struct rich_piece *p)
{
	bool one_line = p->link != NULL || k->w.block->kind == RICH_HEADING;
	const char *text = p->text, *end;
	size_t len = p->len;

	while ((end = memchr(text, '\n', len)) != NULL) {
		put_words(k, p, text, (size_t)(end - text));
		if (one_line)
			k->m.blanks = 1;
		else
			break_line(k);
		len -= (size_t)(end - text) + 1;
		text = end + 1;
	}
	put_words(k, p, text, len);
}

/* --- blocks ------------------------------------------------------------------------------------ */

static void put_text(struct writing *k)
{
	const struct rich_block *b = k->w.block;
	struct rich_piece p;
	size_t i;
	bool bare = false;
	int level;

	if (b->kind == RICH_HEADING) {
		for (level = 0; level < b->level && level < 6; level++)
			buf_addc(&k->w.out, '#');
		buf_addc(&k->w.out, ' ');
	}
	for (i = 0; i < b->count; i++) {
		if (!rich_writer_piece(&k->w, i, &p))
			continue;
		if (p.link_begins)
			bare = rich_writer_is_bare(&k->w, i);
		if (p.link == NULL || !bare) {
			put_piece(k, &p);
			continue;
		}
		turn_to(k, 0, NULL);
		buf_add(&k->w.out, p.text, p.len);
		k->m.at_start = false;
	}
	close_link(k);
}

static void put_code_block(struct writing *k)
{
	size_t from = k->w.from, to = k->w.to, i, run = 0, longest = 2;
	struct buf *out = &k->w.out;

	for (i = from; i < to; i++) {
		run = k->w.r->text[i] == '`' ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	for (i = 0; i <= longest; i++)
		buf_addc(out, '`');
	buf_addc(out, '\n');
	begin_line(k, false);
	for (i = from; i < to; i++) {
		buf_addc(out, k->w.r->text[i]);
		if (k->w.r->text[i] == '\n')
			begin_line(k, false);
	}
	buf_addc(out, '\n');
	begin_line(k, false);
	for (i = 0; i <= longest; i++)
		buf_addc(out, '`');
}

/* Without a blank line the block would be taken for a part of the one before. */
static bool needs_blank_line(const struct writing *k)
{
	const struct rich_block *b = k->w.block, *last = k->w.last;
	const struct rich_box *box = b->box;
	int at = k->w.here.depth - 1;

	if (!b->close || b->kind == RICH_RULE || last->kind == RICH_RULE)
		return true;
	if (at >= 0 && box->mark != '>' && !rich_writer_goes_on(&k->w, at))
		return box->mark != '-' && box->number != 1 && last->box == box->up;
	return b->box != last->box;
}

static void put_between(struct writing *k)
{
	buf_addc(&k->w.out, '\n');
	if (needs_blank_line(k))
		rich_writer_blank_line(&k->w);
}

const char *rich_markdown(const struct rich *r)
{
	struct writing k = { .w = { .r = r } };
	const struct rich_block *b;
	size_t i;

	for (i = 0; i < r->nblocks; i++) {
		b = &r->blocks[i];
		if (!rich_writer_next(&k.w, b))
			continue;
		if (k.w.last != NULL)
			put_between(&k);
		begin_line(&k, true);
		if (b->kind == RICH_RULE)
			buf_adds(&k.w.out, "---");
		else if (b->kind == RICH_CODE_BLOCK)
			put_code_block(&k);
		else
			put_text(&k);
	}
	return rich_writer_done(&k.w);
}
