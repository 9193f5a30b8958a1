/* One line of `check`, and of what `setup` tells: for people, or as JSON Lines. */
#ifndef ADMIN_CHECK_LINE_H
#define ADMIN_CHECK_LINE_H

#include <stdbool.h>

#include "connector/setup.h"

struct json_out;

/* The object of a line. endpoint as below. */
void check_line_put(struct json_out *o, const char *endpoint, const struct check_line *line);
/* endpoint NULL: about none, or about several. */
void check_line_print(bool json, const char *endpoint, const struct check_line *line);

#endif
