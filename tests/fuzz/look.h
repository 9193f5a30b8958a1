/* What must hold of whatever a connector makes of any bytes; who finds otherwise aborts. */
#ifndef TESTS_FUZZ_LOOK_H
#define TESTS_FUZZ_LOOK_H

#include <stddef.h>

#include "connector/connector.h"

/* NULL is one, too. */
void must_be_text(const char *text);
/* All texts of each can be read, and what is not dropped has a key, unless somebody only types, and an
 * author of some kind. */
void look_at_events(const struct event_list *list);
/* What a parser says that found nothing in len bytes. */
void look_at_error(const struct event_list *list, const struct parse_error *error, size_t len);
/* Lets the connector interpret, and looks at what came out. */
void look_at_answer(const struct connector *c, const struct via *via, struct arena *a,
    const struct job *job, const struct http_resp *resp);

#endif
