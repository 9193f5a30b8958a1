/* See mistakes.h. */
#include "base/mistakes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"

#define EXIT_CONFIG 78 /* EX_CONFIG of sysexits.h */
#define QUOTE_MAX 60   /* characters */

void mistakes_init(struct mistakes *m)
{
	*m = (struct mistakes){ .arena = arena_new() };
}

void mistakes_fini(struct mistakes *m)
{
	arena_free(m->arena);
	xfree(m->items);
	*m = (struct mistakes){ 0 };
}

static bool is_control(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f;
}

/* One mistake is one line, and no terminal does what a file tells it. NULL stays NULL. */
static const char *visible(struct arena *a, const char *text)
{
	char *copy, *to;

	if (text == NULL)
		return NULL;
	copy = to = arena_alloc(a, 4 * strlen(text) + 1);
	for (; *text != '\0'; text++) {
		if (is_control(*text))
			to += snprintf(to, 5, "\\x%02x", (unsigned)(unsigned char)*text);
		else
			*to++ = *text;
	}
	*to = '\0';
	return copy;
}

const char *mistake_quote(struct arena *a, const char *text)
{
	size_t len = strlen(text), keep = utf8_cut_points(text, len, QUOTE_MAX);

	return keep == len ? text : arena_printf(a, "%.*s…", (int)keep, text);
}

void mistake_add(struct mistakes *m, const struct mistake *like, const char *format, ...)
{
	struct mistake *one;
	va_list args;

	if (m->all == m->size) {
		m->size = m->size == 0 ? 16 : 2 * m->size;
		m->items = xreallocarray(m->items, m->size, sizeof(*m->items));
	}
	one = &m->items[m->all++];
	*one = *like;
	one->key = visible(m->arena, like->key);
	one->allowed = visible(m->arena, like->allowed);
	one->nearest = visible(m->arena, like->nearest);
	va_start(args, format);
	one->wrong = visible(m->arena, arena_vprintf(m->arena, format, args));
	va_end(args);
	if (one->warning) {
		m->warnings++;
	} else {
		m->count++;
		if (m->exit == 0)
			m->exit = EXIT_CONFIG;
	}
}

static int place_compare(const struct place *a, const struct place *b)
{
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return (a->column > b->column) - (a->column < b->column);
}

/* A merge sort: what stands at one place keeps its order, and 100,000 mistakes are no problem. */
static void sort(struct mistake *items, size_t n, struct mistake *spare)
{
	size_t half = n / 2, left = 0, right = half, i;

	if (n < 2)
		return;
	sort(items, half, spare);
	sort(items + half, n - half, spare);
	memcpy(spare, items, half * sizeof(*items));
	for (i = 0; left < half; i++) {
		if (right < n && place_compare(&items[right].at, &spare[left].at) < 0)
			items[i] = items[right++];
		else
			items[i] = spare[left++];
	}
}

void mistakes_sort(struct mistakes *m)
{
	struct mistake *spare = xreallocarray(NULL, m->all / 2 + 1, sizeof(*spare));

	sort(m->items, m->all, spare);
	xfree(spare);
}

void mistake_words(struct buf *out, const struct mistake *one)
{
	if (one->key != NULL)
		buf_addf(out, "%s: ", one->key);
	buf_adds(out, one->wrong);
	if (one->allowed != NULL)
		buf_addf(out, "; allowed: %s", one->allowed);
	if (one->nearest != NULL)
		buf_addf(out, "; did you mean \"%s\"?", one->nearest);
}

void mistake_print(struct buf *out, const struct mistakes *m, const struct mistake *one)
{
	buf_adds(out, m->file != NULL ? m->file : "configuration");
	if (one->at.line > 0)
		buf_addf(out, ":%d:%d", one->at.line, one->at.column);
	buf_adds(out, ": ");
	mistake_words(out, one);
}

void mistakes_print(struct buf *out, const struct mistakes *m)
{
	size_t i;

	for (i = 0; i < m->all; i++) {
		if (m->items[i].warning)
			continue;
		mistake_print(out, m, &m->items[i]);
		buf_addc(out, '\n');
	}
	buf_addf(out, "%zu %s in %s; nothing was started\n", m->count,
	    m->count == 1 ? "mistake" : "mistakes", m->file != NULL ? m->file : "configuration");
}
