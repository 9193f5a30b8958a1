/* See check_line.h. */
#include "admin/check_line.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/json_out.h"

void check_line_put(struct json_out *o, const char *endpoint, const struct check_line *line)
{
	static const char *const words[] = { "ok", "warn", "fail" };

	json_begin_object(o);
	json_member_text(o, "check", line->check);
	json_member_text_or_null(o, "endpoint", endpoint);
	json_member_text(o, "result", words[line->result]);
	json_member_text(o, "found", line->found);
	json_member_text_or_null(o, "next", line->next);
	json_end_object(o);
}

static void print_json(const char *endpoint, const struct check_line *line)
{
	struct arena *a = arena_new();
	struct json_out *o = json_out_new(a);

	check_line_put(o, endpoint, line);
	printf("%s\n", json_done(o, NULL));
	arena_free(a);
}

void check_line_print(bool json, const char *endpoint, const struct check_line *line)
{
	static const char *const words[] = { "ok", "warn", "FAIL" };

	if (json) {
		print_json(endpoint, line);
		return;
	}
	printf("%-5s %s\n", words[line->result], line->found);
	if (line->next != NULL)
		printf("      next: %s\n", line->next);
}
