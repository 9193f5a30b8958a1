/* Markdown → the form of rich.h, by md4c.
 *
 * Read as the desks that write it show it: ~~ strikes, addresses are links without marks, raw HTML is
 * text, a line feed breaks the line. Whether blocks stood close together, or a blank line apart, md4c
 * does not say; the source does, and what is written without marks looks like it.
 *
 * A long text is read in pieces. Some nestings take md4c a time that grows with the square of the
 * length; in pieces the whole takes as long as it has pieces. */
#include "core/rich.h"

#include <md4c.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"

#define PIECE_MAX 16384
#define LISTS_MAX RICH_DEPTH_MAX
#define MARKS_MAX 100 /* at the beginning of a line: a quote in a quote in a list … */

struct list {
	char mark;
	unsigned number;
};

struct reading {
	struct rich *rich;
	const char *piece;
	size_t len;
	struct list lists[LISTS_MAX];
	size_t nlists;  /* also those beyond the last that has a place */
	bool apart;     /* a blank line comes before the piece */
	bool fresh;     /* the block has no text yet */
	bool in_code;   /* a block of it */
	bool fenced;    /* … between fences */
	size_t pending; /* line feeds of a code block that may be its last */
	size_t images;  /* one inside another */
	bool linked;    /* inside a link, an image's address is left out */
	size_t label;   /* rich->len where the link's, or the image's, label begins */
};

/* --- what the source says ---------------------------------------------------------------------- */

static const char *line_start(const struct reading *k, const char *p)
{
	while (p > k->piece && p[-1] != '\n')
		p--;
	return p;
}

/* What begins at p stands behind a line that has nothing but blanks and marks of quotes. Pieces of text
 * that are not from the source (md4c's own) tell nothing. */
static bool blank_before(const struct reading *k, const char *p)
{
	uintptr_t at = (uintptr_t)p, begin = (uintptr_t)k->piece;
	const char *start, *end;

	if (at < begin || at >= begin + k->len)
		return true;
	start = line_start(k, p);
	if (k->fenced && start > k->piece) /* the fence has a line of its own */
		start = line_start(k, start - 1);
	if (start == k->piece)
		return k->apart;
	end = start - 1;
	start = line_start(k, end);
	return strspn(start, " \t>") >= (size_t)(end - start);
}

/* --- text -------------------------------------------------------------------------------------- */

static const char *whole(struct reading *k, const MD_ATTRIBUTE *attribute)
{
	struct arena *a = k->rich->arena;
	const char *text = "", *part;
	unsigned i;

	if (attribute->text == NULL || attribute->size == 0)
		return text;
	for (i = 0; attribute->substr_offsets[i] < attribute->size; i++) {
		part = arena_strndup(a, attribute->text + attribute->substr_offsets[i],
		    attribute->substr_offsets[i + 1] - attribute->substr_offsets[i]);
		if (attribute->substr_types[i] == MD_TEXT_ENTITY)
			part = rich_entity(a, part);
		text = *text == '\0' ? part : arena_printf(a, "%s%s", text, part);
	}
	return text;
}

static void add(struct reading *k, const char *source, const char *text, size_t len)
{
	struct rich *r = k->rich;
	bool was_open = r->open;

	if (k->fresh || !was_open) {
		r->apart = r->nblocks == 0 || blank_before(k, source);
		if (!was_open)
			rich_begin(r, RICH_PARAGRAPH, 0);
		else
			r->blocks[r->nblocks - 1].close = !r->apart;
		r->apart = false;
		k->fresh = false;
	}
	rich_add(r, text, len);
}

/* The line feed behind the last line of code is not part of it. */
static void add_code(struct reading *k, const char *text, size_t len)
{
	if (len == 1 && *text == '\n') {
		k->pending++;
		return;
	}
	for (; k->pending > 0; k->pending--)
		add(k, text, "\n", 1);
	add(k, text, text, len);
}

static int on_text(MD_TEXTTYPE type, const MD_CHAR *text, MD_SIZE len, void *user)
{
	struct reading *k = user;
	const char *entity;

	switch (type) {
	case MD_TEXT_BR:
	case MD_TEXT_SOFTBR: add(k, NULL, "\n", 1); break;
	case MD_TEXT_ENTITY:
		entity = rich_entity(k->rich->arena, arena_strndup(k->rich->arena, text, len));
		add(k, text, entity, strlen(entity));
		break;
	case MD_TEXT_CODE:
		if (k->in_code)
			add_code(k, text, len);
		else
			add(k, text, text, len);
		break;
	case MD_TEXT_NULLCHAR:
	case MD_TEXT_NORMAL:
	case MD_TEXT_HTML:
	case MD_TEXT_LATEXMATH: add(k, text, text, len); break;
	}
	return k->rich->full ? -1 : 0;
}

/* --- spans ------------------------------------------------------------------------------------- */

static void enter_link(struct reading *k, const MD_ATTRIBUTE *address)
{
	struct rich *r = k->rich;

	r->link = rich_address(r->arena, whole(k, address));
	k->label = r->len;
}

/* Without a label, its address is what is shown. */
static void leave_link(struct reading *k)
{
	struct rich *r = k->rich;

	if (r->link != NULL && r->len == k->label)
		add(k, NULL, r->link, strlen(r->link));
	r->link = NULL;
}

static int on_enter_span(MD_SPANTYPE type, void *detail, void *user)
{
	struct reading *k = user;

	switch (type) {
	case MD_SPAN_EM: rich_style(k->rich, RICH_EMPHASIS, true); break;
	case MD_SPAN_STRONG: rich_style(k->rich, RICH_STRONG, true); break;
	case MD_SPAN_DEL: rich_style(k->rich, RICH_STRIKE, true); break;
	case MD_SPAN_CODE: rich_style(k->rich, RICH_CODE, true); break;
	case MD_SPAN_A:
		k->linked = k->images == 0;
		if (k->linked)
			enter_link(k, &((MD_SPAN_A_DETAIL *)detail)->href);
		break;
	case MD_SPAN_IMG:
		if (k->images++ == 0 && !k->linked)
			enter_link(k, &((MD_SPAN_IMG_DETAIL *)detail)->src);
		break;
	case MD_SPAN_LATEXMATH:
	case MD_SPAN_LATEXMATH_DISPLAY:
	case MD_SPAN_WIKILINK:
	case MD_SPAN_U: break; /* not asked for */
	}
	return 0;
}

static int on_leave_span(MD_SPANTYPE type, void *detail, void *user)
{
	struct reading *k = user;

	(void)detail;
	switch (type) {
	case MD_SPAN_EM: rich_style(k->rich, RICH_EMPHASIS, false); break;
	case MD_SPAN_STRONG: rich_style(k->rich, RICH_STRONG, false); break;
	case MD_SPAN_DEL: rich_style(k->rich, RICH_STRIKE, false); break;
	case MD_SPAN_CODE: rich_style(k->rich, RICH_CODE, false); break;
	case MD_SPAN_A:
		if (k->images == 0) {
			leave_link(k);
			k->linked = false;
		}
		break;
	case MD_SPAN_IMG:
		if (--k->images == 0 && !k->linked)
			leave_link(k);
		break;
	case MD_SPAN_LATEXMATH:
	case MD_SPAN_LATEXMATH_DISPLAY:
	case MD_SPAN_WIKILINK:
	case MD_SPAN_U: break;
	}
	return k->rich->full ? -1 : 0;
}

/* --- blocks ------------------------------------------------------------------------------------ */

static void enter_list(struct reading *k, char mark, unsigned number)
{
	if (k->nlists < LISTS_MAX)
		k->lists[k->nlists] = (struct list){ mark, number };
	k->nlists++;
}

static void enter_item(struct reading *k)
{
	size_t at = k->nlists < LISTS_MAX ? k->nlists : LISTS_MAX;
	struct list *list = &k->lists[at > 0 ? at - 1 : 0];

	rich_enter(k->rich, list->mark, list->number++);
}

static void begin(struct reading *k, enum rich_kind kind, int level)
{
	rich_begin(k->rich, kind, level);
	k->fresh = true;
}

static int on_enter_block(MD_BLOCKTYPE type, void *detail, void *user)
{
	struct reading *k = user;
	const MD_BLOCK_OL_DETAIL *ordered = detail;
	const MD_BLOCK_CODE_DETAIL *code = detail;

	switch (type) {
	case MD_BLOCK_QUOTE: rich_enter(k->rich, '>', 0); break;
	case MD_BLOCK_UL: enter_list(k, '-', 0); break;
	case MD_BLOCK_OL: enter_list(k, ordered->mark_delimiter, ordered->start); break;
	case MD_BLOCK_LI: enter_item(k); break;
	case MD_BLOCK_HR: begin(k, RICH_RULE, 0); break;
	case MD_BLOCK_H: begin(k, RICH_HEADING, (int)((MD_BLOCK_H_DETAIL *)detail)->level); break;
	case MD_BLOCK_CODE:
		begin(k, RICH_CODE_BLOCK, 0);
		k->in_code = true;
		k->fenced = code->fence_char != '\0';
		k->pending = 0;
		break;
	case MD_BLOCK_P: begin(k, RICH_PARAGRAPH, 0); break;
	case MD_BLOCK_DOC:
	case MD_BLOCK_HTML:
	case MD_BLOCK_TABLE:
	case MD_BLOCK_THEAD:
	case MD_BLOCK_TBODY:
	case MD_BLOCK_TR:
	case MD_BLOCK_TH:
	case MD_BLOCK_TD: break; /* the text itself; not asked for */
	}
	return 0;
}

static int on_leave_block(MD_BLOCKTYPE type, void *detail, void *user)
{
	struct reading *k = user;

	(void)detail;
	switch (type) {
	case MD_BLOCK_QUOTE:
	case MD_BLOCK_LI: rich_leave(k->rich, true); break;
	case MD_BLOCK_UL:
	case MD_BLOCK_OL:
		k->nlists--;
		rich_end(k->rich, true);
		break;
	case MD_BLOCK_CODE:
		k->in_code = k->fenced = false;
		rich_end(k->rich, true);
		break;
	case MD_BLOCK_HR:
	case MD_BLOCK_H:
	case MD_BLOCK_P: rich_end(k->rich, true); break;
	case MD_BLOCK_DOC:
	case MD_BLOCK_HTML:
	case MD_BLOCK_TABLE:
	case MD_BLOCK_THEAD:
	case MD_BLOCK_TBODY:
	case MD_BLOCK_TR:
	case MD_BLOCK_TH:
	case MD_BLOCK_TD: break;
	}
	return 0;
}

/* --- pieces ------------------------------------------------------------------------------------ */

/* More quotes and lists begin on one line than anybody means. */
static bool is_abuse(const char *line)
{
	size_t marks = 0;

	for (; *line != '\0' && strchr(" \t>+*-.)0123456789", *line) != NULL; line++)
		if (*line == '>'
		    || (strchr("+*-.)", *line) != NULL && strchr(" \t", line[1]) != NULL))
			marks++;
	return marks > MARKS_MAX;
}

/* The character a fence is made of; '\0': line is none. */
static char fence_of(const char *line)
{
	line += strspn(line, " >");
	if (strncmp(line, "```", 3) == 0 || strncmp(line, "~~~", 3) == 0)
		return *line;
	return '\0';
}

struct piece {
	size_t len;
	bool apart; /* a blank line ends it */
};

/* As many lines as a piece may have, to a blank line if there is one; never between fences, nor inside
 * a line. False: abuse. */
static bool cut_piece(const char *text, struct piece *out)
{
	const char *line = text, *next, *good = NULL, *end = NULL;
	char fence = '\0', mark;

	for (; *line != '\0'; line = next) {
		if (is_abuse(line))
			return false;
		next = strchrnul(line, '\n');
		next += *next == '\n';
		mark = fence_of(line);
		if (mark != '\0' && (fence == '\0' || fence == mark))
			fence = fence == '\0' ? mark : '\0';
		if (fence != '\0')
			continue;
		if (end != NULL && next - text > PIECE_MAX)
			break;
		end = next;
		if (strspn(line, " \t") >= (size_t)(next - line - 1) && next[0] != ' '
		    && next[0] != '\t')
			good = next;
	}
	if (*line == '\0')
		good = end = line;
	out->apart = good != NULL;
	out->len = (size_t)((good != NULL ? good : end) - text);
	return true;
}

static bool read_piece(struct reading *k)
{
	const MD_PARSER parser = {
		.flags = MD_FLAG_NOHTML | MD_FLAG_STRIKETHROUGH
		    | (k->len <= PIECE_MAX ? MD_FLAG_PERMISSIVEURLAUTOLINKS : 0),
		.enter_block = on_enter_block,
		.leave_block = on_leave_block,
		.enter_span = on_enter_span,
		.leave_span = on_leave_span,
		.text = on_text,
	};

	return md_parse(k->piece, (MD_SIZE)k->len, &parser, k) == 0;
}

struct rich *rich_read_markdown(struct arena *a, const char *text)
{
	size_t len = strlen(text);
	struct reading k = { .rich = rich_new(a, len), .apart = true };
	struct piece piece;

	if (len > UINT32_MAX / 2)
		return NULL;
	for (k.piece = text; *k.piece != '\0'; k.piece += k.len, k.apart = piece.apart) {
		if (!cut_piece(k.piece, &piece))
			return NULL;
		k.len = piece.len;
		if (!read_piece(&k))
			return NULL;
	}
	return k.rich;
}
