/* HTML → the form of rich.h, by gumbo.
 *
 * gumbo makes the tree that a browser would. It has no limits of its own: a few hundred tags can be
 * written so that the tree has tens of thousands of nodes, and the attributes of a tag are compared with
 * each other. So a text with more tags than a message has, or with a huge one, loses most of them before
 * it is read: what is left are line ends, links and words, which cannot be nested. gumbo frees its tree
 * by recursion; here the tree lies in an arena, gumbo frees nothing, and it is walked without
 * recursion. */
#include "core/rich.h"

#include <ctype.h>
#include <gumbo.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/utf8.h"

#define TAGS_MAX 500
#define EFFORT_MAX (1u << 26) /* squares of the lengths of tags */
#define LINK_LEN_MAX 1024
#define LISTS_MAX RICH_DEPTH_MAX

/* --- what a tag is ----------------------------------------------------------------------------- */

enum what {
	WHAT_NOTHING, /* its content counts as if it were not there */
	WHAT_SKIP,    /* with all inside */
	WHAT_EMPHASIS,
	WHAT_STRONG,
	WHAT_STRIKE,
	WHAT_CODE,
	WHAT_LINK,
	WHAT_IMAGE,
	WHAT_BREAK,
	WHAT_RULE,
	WHAT_LINE,      /* begins on a line of its own */
	WHAT_PARAGRAPH, /* a blank line around it */
	WHAT_HEADING,
	WHAT_PRE,
	WHAT_QUOTE,
	WHAT_BULLETS,
	WHAT_NUMBERS,
	WHAT_ITEM,
	WHAT_CELL
};

static enum what what_of(GumboTag tag)
{
	switch ((int)tag) {
	case GUMBO_TAG_HEAD:
	case GUMBO_TAG_TITLE:
	case GUMBO_TAG_SCRIPT:
	case GUMBO_TAG_STYLE:
	case GUMBO_TAG_TEMPLATE:
	case GUMBO_TAG_IFRAME:
	case GUMBO_TAG_NOFRAMES:
	case GUMBO_TAG_NOEMBED:
	case GUMBO_TAG_OBJECT:
	case GUMBO_TAG_SVG:
	case GUMBO_TAG_MATH: return WHAT_SKIP;
	case GUMBO_TAG_EM:
	case GUMBO_TAG_I:
	case GUMBO_TAG_CITE:
	case GUMBO_TAG_DFN:
	case GUMBO_TAG_VAR: return WHAT_EMPHASIS;
	case GUMBO_TAG_STRONG:
	case GUMBO_TAG_B: return WHAT_STRONG;
	case GUMBO_TAG_S:
	case GUMBO_TAG_STRIKE:
	case GUMBO_TAG_DEL: return WHAT_STRIKE;
	case GUMBO_TAG_CODE:
	case GUMBO_TAG_KBD:
	case GUMBO_TAG_SAMP:
	case GUMBO_TAG_TT: return WHAT_CODE;
	case GUMBO_TAG_A: return WHAT_LINK;
	case GUMBO_TAG_IMG: return WHAT_IMAGE;
	case GUMBO_TAG_BR: return WHAT_BREAK;
	case GUMBO_TAG_HR: return WHAT_RULE;
	case GUMBO_TAG_P:
	case GUMBO_TAG_TABLE:
	case GUMBO_TAG_DL:
	case GUMBO_TAG_FIGURE: return WHAT_PARAGRAPH;
	case GUMBO_TAG_H1:
	case GUMBO_TAG_H2:
	case GUMBO_TAG_H3:
	case GUMBO_TAG_H4:
	case GUMBO_TAG_H5:
	case GUMBO_TAG_H6: return WHAT_HEADING;
	case GUMBO_TAG_PRE:
	case GUMBO_TAG_LISTING:
	case GUMBO_TAG_XMP: return WHAT_PRE;
	case GUMBO_TAG_BLOCKQUOTE: return WHAT_QUOTE;
	case GUMBO_TAG_UL:
	case GUMBO_TAG_MENU:
	case GUMBO_TAG_DIR: return WHAT_BULLETS;
	case GUMBO_TAG_OL: return WHAT_NUMBERS;
	case GUMBO_TAG_LI: return WHAT_ITEM;
	case GUMBO_TAG_TD:
	case GUMBO_TAG_TH: return WHAT_CELL;
	case GUMBO_TAG_ADDRESS:
	case GUMBO_TAG_ARTICLE:
	case GUMBO_TAG_ASIDE:
	case GUMBO_TAG_BODY:
	case GUMBO_TAG_CAPTION:
	case GUMBO_TAG_CENTER:
	case GUMBO_TAG_DD:
	case GUMBO_TAG_DIV:
	case GUMBO_TAG_DT:
	case GUMBO_TAG_FIELDSET:
	case GUMBO_TAG_FIGCAPTION:
	case GUMBO_TAG_FOOTER:
	case GUMBO_TAG_FORM:
	case GUMBO_TAG_HEADER:
	case GUMBO_TAG_LEGEND:
	case GUMBO_TAG_MAIN:
	case GUMBO_TAG_NAV:
	case GUMBO_TAG_OPTION:
	case GUMBO_TAG_SECTION:
	case GUMBO_TAG_SUMMARY:
	case GUMBO_TAG_TR: return WHAT_LINE;
	default: return WHAT_NOTHING;
	}
}

/* --- the tree ---------------------------------------------------------------------------------- */

static void *allocate(void *arena, size_t size)
{
	return arena_alloc(arena, size);
}

static void leave_it(void *arena, void *p)
{
	(void)arena, (void)p;
}

static const GumboNode *parse(struct arena *a, const char *text)
{
	GumboOptions options = kGumboDefaultOptions;

	options.allocator = allocate;
	options.deallocator = leave_it;
	options.userdata = a;
	options.max_errors = 0;
	return gumbo_parse_with_options(&options, text, strlen(text))->root;
}

static bool is_element(const GumboNode *n)
{
	return n->type == GUMBO_NODE_ELEMENT;
}

static bool is_text(const GumboNode *n)
{
	return n->type == GUMBO_NODE_TEXT || n->type == GUMBO_NODE_WHITESPACE
	    || n->type == GUMBO_NODE_CDATA;
}

/* gumbo makes any number in an entity a character, also one that there is not. */
static const char *repaired(struct arena *a, const char *text)
{
	size_t len = strlen(text);

	return utf8_valid(text, len) ? text : utf8_repair(a, text, len, NULL);
}

static const char *attribute(struct arena *a, const GumboNode *n, const char *name)
{
	const GumboAttribute *found = gumbo_get_attribute(&n->v.element.attributes, name);

	return found != NULL ? repaired(a, found->value) : NULL;
}

/* --- reading it -------------------------------------------------------------------------------- */

struct list {
	char mark;
	unsigned number;
};

struct reading {
	struct rich *rich;
	struct list lists[LISTS_MAX];
	size_t nlists;        /* also those beyond the last that has a place */
	const GumboNode *pre; /* inside this, which is shown as it is written */
	bool blank;           /* one is due before the next word */
	bool fresh;           /* nothing on this line yet */
	size_t label;         /* rich->len where the link's label begins */
};

static void put_blank(struct reading *k)
{
	const struct rich *r = k->rich;

	if (k->blank && !k->fresh && r->len > 0 && r->text[r->len - 1] != ' ')
		rich_add(k->rich, " ", 1);
	k->blank = false;
}

static void add(struct reading *k, const char *text, size_t len)
{
	put_blank(k);
	k->fresh = false;
	rich_add(k->rich, text, len);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

/* Bytes up to the next blank, or the next no-break space. */
static size_t word_len(const char *p)
{
	size_t len = 0;

	while (p[len] != '\0' && !is_space(p[len]) && strncmp(p + len, "\xc2\xa0", 2) != 0)
		len++;
	return len;
}

/* Any number of blanks is one; a no-break space is one that stays. */
static void add_words(struct reading *k, const char *p)
{
	size_t len;

	while (*p != '\0') {
		if (is_space(*p)) {
			k->blank = true;
			p++;
		} else if (strncmp(p, "\xc2\xa0", 2) == 0) {
			add(k, " ", 1);
			p += 2;
		} else {
			len = word_len(p);
			add(k, p, len);
			p += len;
		}
	}
}

static void add_text(struct reading *k, const char *text)
{
	if (k->pre != NULL)
		rich_add(k->rich, text, strlen(text));
	else
		add_words(k, text);
}

static void end_block(struct reading *k, bool apart)
{
	rich_end(k->rich, apart);
	k->fresh = true;
	k->blank = false;
}

/* A blank that is due before it is not part of it. */
static void begin_style(struct reading *k, enum rich_style style)
{
	put_blank(k);
	rich_style(k->rich, style, true);
}

static void begin_link(struct reading *k, const char *address)
{
	put_blank(k);
	k->rich->link = rich_address(k->rich->arena, address);
	k->label = k->rich->len;
}

static void end_link(struct reading *k)
{
	const char *link = k->rich->link;

	if (link != NULL && k->rich->len == k->label)
		add(k, link, strlen(link));
	k->rich->link = NULL;
}

static void add_image(struct reading *k, const GumboNode *n)
{
	struct arena *a = k->rich->arena;
	const char *alt = attribute(a, n, "alt");
	bool linked = k->rich->link != NULL;

	if (!linked)
		begin_link(k, attribute(a, n, "src"));
	if (alt != NULL)
		add_words(k, alt);
	if (!linked)
		end_link(k);
}

static void enter_list(struct reading *k, char mark, const char *start)
{
	long number = start != NULL ? strtol(start, NULL, 10) : 1;

	end_block(k, k->nlists == 0);
	if (k->nlists < LISTS_MAX)
		k->lists[k->nlists] =
		    (struct list){ mark, number >= 0 && number < 1000000 ? (unsigned)number : 1 };
	k->nlists++;
}

/* Outside of any list it is an item all the same. */
static void enter_item(struct reading *k)
{
	struct list stray = { '-', 0 };
	size_t at = k->nlists < LISTS_MAX ? k->nlists : LISTS_MAX;
	struct list *list = at > 0 ? &k->lists[at - 1] : &stray;

	end_block(k, false);
	rich_enter(k->rich, list->mark, list->number++);
}

/* Two in a row are a blank line. */
static void add_break(struct reading *k)
{
	if (k->fresh || !k->rich->open) {
		end_block(k, true);
		return;
	}
	rich_add(k->rich, "\n", 1);
	k->fresh = k->pre == NULL;
	k->blank = false;
}

static void enter(struct reading *k, const GumboNode *n, enum what what)
{
	struct rich *r = k->rich;

	switch (what) {
	case WHAT_NOTHING:
	case WHAT_SKIP: break;
	case WHAT_EMPHASIS: begin_style(k, RICH_EMPHASIS); break;
	case WHAT_STRONG: begin_style(k, RICH_STRONG); break;
	case WHAT_STRIKE: begin_style(k, RICH_STRIKE); break;
	case WHAT_CODE: begin_style(k, RICH_CODE); break;
	case WHAT_LINK: begin_link(k, attribute(r->arena, n, "href")); break;
	case WHAT_IMAGE: add_image(k, n); break;
	case WHAT_BREAK: add_break(k); break;
	case WHAT_RULE:
		end_block(k, true);
		rich_begin(r, RICH_RULE, 0);
		end_block(k, true);
		break;
	case WHAT_LINE: end_block(k, false); break;
	case WHAT_PARAGRAPH: end_block(k, k->nlists == 0); break;
	case WHAT_HEADING:
		end_block(k, true);
		rich_begin(r, RICH_HEADING, (int)(n->v.element.tag - GUMBO_TAG_H1) + 1);
		break;
	case WHAT_PRE:
		end_block(k, true);
		rich_begin(r, RICH_CODE_BLOCK, 0);
		k->pre = n;
		break;
	case WHAT_QUOTE:
		end_block(k, true);
		rich_enter(r, '>', 0);
		break;
	case WHAT_BULLETS: enter_list(k, '-', NULL); break;
	case WHAT_NUMBERS: enter_list(k, '.', attribute(r->arena, n, "start")); break;
	case WHAT_ITEM: enter_item(k); break;
	case WHAT_CELL:
		if (r->open && !k->fresh)
			add(k, " | ", 3);
		k->fresh = true; /* no blanks at its beginning */
		break;
	}
}

static void leave(struct reading *k, enum what what)
{
	struct rich *r = k->rich;

	switch (what) {
	case WHAT_NOTHING:
	case WHAT_SKIP:
	case WHAT_IMAGE:
	case WHAT_BREAK:
	case WHAT_RULE: break;
	case WHAT_EMPHASIS: rich_style(r, RICH_EMPHASIS, false); break;
	case WHAT_STRONG: rich_style(r, RICH_STRONG, false); break;
	case WHAT_STRIKE: rich_style(r, RICH_STRIKE, false); break;
	case WHAT_CODE: rich_style(r, RICH_CODE, false); break;
	case WHAT_LINK: end_link(k); break;
	case WHAT_LINE: end_block(k, false); break;
	case WHAT_PARAGRAPH: end_block(k, k->nlists == 0); break;
	case WHAT_HEADING: end_block(k, true); break;
	case WHAT_PRE:
		k->pre = NULL;
		end_block(k, true);
		break;
	case WHAT_QUOTE:
		rich_leave(r, true);
		end_block(k, true);
		break;
	case WHAT_BULLETS:
	case WHAT_NUMBERS:
		k->nlists--;
		end_block(k, k->nlists == 0);
		break;
	case WHAT_ITEM:
		rich_leave(r, false);
		end_block(k, false);
		break;
	case WHAT_CELL: k->blank = false; break;
	}
}

/* Inside what is shown as it is written, only the words and the ends of lines count. */
static enum what what_here(const struct reading *k, const GumboNode *n)
{
	enum what what;

	if (n->type == GUMBO_NODE_TEMPLATE)
		return WHAT_SKIP;
	what = is_element(n) ? what_of(n->v.element.tag) : WHAT_NOTHING;
	if (k->pre == NULL || n == k->pre || what == WHAT_SKIP || what == WHAT_BREAK)
		return what;
	return WHAT_NOTHING;
}

static void read_tree(struct reading *k, const GumboNode *root)
{
	const GumboNode *n = root;
	const GumboVector *row;
	enum what what;
	bool entering = true;

	for (;;) {
		what = what_here(k, n);
		if (entering && is_text(n)) {
			add_text(k, repaired(k->rich->arena, n->v.text.text));
		} else if (entering) {
			enter(k, n, what);
			if (is_element(n) && what != WHAT_SKIP
			    && n->v.element.children.length > 0) {
				n = n->v.element.children.data[0];
				continue;
			}
		}
		if (!is_text(n))
			leave(k, what);
		if (n == root)
			return;
		row = &n->parent->v.element.children;
		entering = n->index_within_parent + 1 < row->length;
		n = entering ? row->data[n->index_within_parent + 1] : n->parent;
	}
}

/* --- more tags than a message has -------------------------------------------------------------- */

/* Behind the '>' of the tag that p begins with. Where a quote in it does not end, at the next '>'; NULL:
 * there is none. */
static const char *tag_end(const char *p, bool *good)
{
	const char *start = p, *quote;

	*good = true;
	for (p++; *p != '\0' && *p != '>'; p++) {
		if (*p != '=')
			continue;
		p += 1 + strspn(p + 1, " \t\n\r\f");
		if (*p == '"' || *p == '\'') {
			quote = strchr(p + 1, *p);
			if (quote == NULL)
				break;
			p = quote;
		} else {
			p--;
		}
	}
	if (*p == '>')
		return p + 1;
	*good = false;
	p = strchr(start, '>');
	return p != NULL ? p + 1 : NULL;
}

static bool is_tag(const char *p)
{
	return *p == '<' && (isalpha((unsigned char)p[1]) || strchr("/!?", p[1]) != NULL)
	    && p[1] != '\0';
}

/* What gumbo may need for text, in steps, is within bounds. */
static bool is_tame(const char *text)
{
	size_t tags = 0, effort = 0, len;
	const char *p, *end;

	for (p = strchr(text, '<'); p != NULL; p = strchr(p + 1, '<')) {
		if (!is_tag(p))
			continue;
		end = strchr(p, '>');
		len = end != NULL ? (size_t)(end - p) : strlen(p);
		effort += len * len;
		if (++tags > TAGS_MAX || effort > EFFORT_MAX)
			return false;
	}
	return true;
}

static bool is_named(const char *tag, const char *name)
{
	size_t len = strlen(name);

	return strncasecmp(tag, name, len) == 0 && !isalnum((unsigned char)tag[len]);
}

static bool ends_line(const char *tag)
{
	static const char *const names[] = { "br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4",
		"h5", "h6", "hr", "ul", "ol", "table", "pre", "blockquote" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (is_named(tag, names[i]))
			return true;
	return false;
}

/* Behind what nobody sees: a comment, a script, a style. NULL: to the end. */
static const char *hidden_end(const char *tag, const char *end)
{
	const char *closing = is_named(tag + 1, "script") ? "</script"
	    : is_named(tag + 1, "style")                  ? "</style"
							  : NULL;

	if (strncmp(tag, "<!--", 4) == 0) {
		end = strstr(tag + 4, "-->");
		return end != NULL ? end + 3 : NULL;
	}
	if (closing == NULL)
		return end;
	return strcasestr(end, closing);
}

/* Lines, links and words; nothing that could be nested. */
static const char *tamed(struct arena *a, const char *text)
{
	char *out = arena_alloc(a, 4 * strlen(text) + 1), *to = out;
	const char *p = text, *end, *name;
	bool good, any = true;

	while (*p != '\0') {
		end = any && is_tag(p) ? tag_end(p, &good) : NULL;
		if (end == NULL) { /* no tag, or one that does not end: then no other does */
			any = any && !is_tag(p);
			if (*p == '<')
				to = mempcpy(to, "&lt;", 4);
			else
				*to++ = *p;
			p++;
			continue;
		}
		name = p[1] == '/' ? p + 2 : p + 1;
		if (ends_line(name))
			to = mempcpy(to, "<br>", 4);
		else if (is_named(name, "a") && good && end - p <= LINK_LEN_MAX)
			to = mempcpy(to, p, (size_t)(end - p));
		p = hidden_end(p, end);
		if (p == NULL)
			break;
	}
	*to = '\0';
	return out;
}

/* --- whole ------------------------------------------------------------------------------------- */

struct rich *rich_read_html(struct arena *a, const char *text)
{
	struct reading k = { .rich = rich_new(a, strlen(text)), .fresh = true };
	struct arena *trees = arena_new();

	if (!is_tame(text))
		text = tamed(trees, text);
	read_tree(&k, parse(trees, text));
	arena_free(trees);
	return k.rich->full ? NULL : k.rich;
}

/* A letter before it keeps one that is a blank. */
const char *rich_entity(struct arena *a, const char *text)
{
	struct arena *trees = arena_new();
	const GumboNode *n = parse(trees, arena_printf(trees, "x%s", text));

	while (is_element(n) && n->v.element.children.length > 0)
		n = n->v.element.children.data[n->v.element.children.length - 1];
	if (is_text(n) && n->v.text.text[0] == 'x')
		text = arena_strdup(a, repaired(trees, n->v.text.text) + 1);
	arena_free(trees);
	return text;
}
