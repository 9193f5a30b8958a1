/* Buttons and cards of a message, for those who cannot be shown them: as text that can be read, and
 * answered by the number in front. Pure; the results lie in the arena. */
#ifndef CORE_WIDGETS_H
#define CORE_WIDGETS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/model.h"

struct arena;

#define WIDGETS_MAX 100 /* of one message; what is above is rubbish */

struct widget_list {
	struct widget *items;
	size_t count, size;
};

/* Adds one and returns true; false where it has neither label nor anything else to show, or there are
 * too many. What it points to is not copied. */
bool widget_list_add(struct widget_list *list, struct arena *a, const struct widget *widget);

/* text and, below it, of each card title, text and address, and of each button "1. label" where it is
 * pressed for an answer, "label: address" where it leads somewhere. Numbers go on from card to card. */
const char *widgets_text(struct arena *a, const char *text, const struct widget *list, size_t n);

/* Which of the labels text says, in its own letters or others, or by its number from 1 on. NULL: none. */
const char *widgets_answer(const char *const *labels, size_t n, const char *text);

/* No more than per_card buttons in a row, and no more than cards cards. */
bool widgets_fit(const struct widget *list, size_t n, size_t per_card, size_t cards);

/* The label that is shown: one line. NULL: none. */
const char *widget_label(struct arena *a, const struct widget *widget);
/* The address that may be followed; NULL: none. */
const char *widget_url(struct arena *a, const struct widget *widget);

#endif
