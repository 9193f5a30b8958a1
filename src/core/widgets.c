/* See widgets.h. */
#include "core/widgets.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "core/rich.h"
#include "core/text.h"

#define LABEL_MAX 200 /* code points */

static bool is_blank(const char *text)
{
	return text == NULL || text[strspn(text, " \t\r\n")] == '\0';
}

bool widget_list_add(struct widget_list *list, struct arena *a, const struct widget *widget)
{
	struct widget *larger;

	if (list->count == WIDGETS_MAX
	    || (is_blank(widget->label) && is_blank(widget->text) && is_blank(widget->url)
		&& is_blank(widget->image)))
		return false;
	if (list->count == list->size) {
		list->size = list->size == 0 ? 8 : 2 * list->size;
		larger = arena_alloc(a, list->size * sizeof(*larger));
		if (list->count > 0)
			memcpy(larger, list->items, list->count * sizeof(*larger));
		list->items = larger;
	}
	list->items[list->count++] = *widget;
	return true;
}

const char *widget_label(struct arena *a, const struct widget *widget)
{
	return is_blank(widget->label) ? NULL : text_excerpt(a, widget->label, LABEL_MAX);
}

const char *widget_url(struct arena *a, const struct widget *widget)
{
	return rich_address(a, widget->url);
}

/* --- as text ----------------------------------------------------------------------------------- */

static const char *with_line(struct arena *a, const char *text, const char *line)
{
	if (is_blank(line))
		return text;
	return is_blank(text) ? line : arena_printf(a, "%s\n%s", text, line);
}

static const char *card_text(struct arena *a, const struct widget *w)
{
	const char *text = widget_label(a, w), *url = widget_url(a, w);

	if (!is_blank(w->text))
		text = with_line(a, text, text_clean(a, w->text, strlen(w->text)));
	return with_line(a, text, url != NULL ? url : rich_address(a, w->image));
}

static const char *button_text(struct arena *a, const struct widget *w, unsigned *number)
{
	const char *label = widget_label(a, w), *url = widget_url(a, w);

	if (w->kind == WIDGET_ANSWER && label != NULL)
		return arena_printf(a, "%u. %s", ++*number, label);
	if (label == NULL || url == NULL || strcmp(label, url) == 0)
		return label != NULL ? label : url;
	return arena_printf(a, "%s: %s", label, url);
}

const char *widgets_text(struct arena *a, const char *text, const struct widget *list, size_t n)
{
	const char *card;
	unsigned number = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (list[i].kind != WIDGET_CARD) {
			text = with_line(a, text, button_text(a, &list[i], &number));
			continue;
		}
		card = card_text(a, &list[i]);
		if (card != NULL)
			text = is_blank(text) ? card : arena_printf(a, "%s\n\n%s", text, card);
	}
	return text != NULL ? text : "";
}

bool widgets_fit(const struct widget *list, size_t n, size_t per_card, size_t cards)
{
	size_t i, ncards = 0, buttons = 0;

	for (i = 0; i < n; i++) {
		buttons = list[i].kind == WIDGET_CARD ? 0 : buttons + 1;
		ncards += list[i].kind == WIDGET_CARD;
		if (buttons > per_card || ncards > cards)
			return false;
	}
	return true;
}

/* --- answered ---------------------------------------------------------------------------------- */

/* "2", "2." or "2)"; 0: it is no such number. */
static size_t number_of(const char *text)
{
	size_t number = 0, len = 0;

	for (; isdigit((unsigned char)text[len]) && len < 3; len++)
		number = 10 * number + (size_t)(text[len] - '0');
	if (text[len] == '.' || text[len] == ')')
		text++;
	return text[len] == '\0' ? number : 0;
}

const char *widgets_answer(const char *const *labels, size_t n, const char *text)
{
	char said[4 * LABEL_MAX + 1];
	size_t i, len;

	text += strspn(text, " \t\r\n");
	for (len = strlen(text); len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL; len--)
		;
	if (len == 0 || len >= sizeof(said))
		return NULL;
	memcpy(said, text, len);
	said[len] = '\0';
	for (i = 0; i < n; i++)
		if (strcasecmp(labels[i], said) == 0)
			return labels[i];
	i = number_of(said);
	return i >= 1 && i <= n ? labels[i - 1] : NULL;
}
