/* json_read over anything. What is read holds only good text, is written again as JSON that is read
 * as the same; what is not read names a place inside the body. Either way twice gives the same. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool true_always)
{
	if (!true_always)
		abort();
}

static void check_tree(const struct json *j, unsigned depth)
{
	const struct json *c;
	unsigned count = 0;

	must(depth <= JSON_MAX_DEPTH);
	if (j->text != NULL) {
		must(strlen(j->text) == j->len && utf8_valid(j->text, j->len));
		must(json_id(j, "") == j->text);
	}
	for (c = j->child; c != NULL; c = c->next, count++) {
		must((c->key != NULL) == (j->type == JSON_OBJECT));
		must(c->key == NULL || utf8_valid(c->key, strlen(c->key)));
		check_tree(c, depth + 1);
	}
	must(count == j->count);
}

static const char *write_again(struct arena *a, const struct json *j, size_t *len)
{
	struct json_out *o = json_out_new(a);

	json_put(o, j);
	return json_done(o, len);
}

static void check_good(struct arena *a, const struct json *j)
{
	struct json_error error;
	const char *once, *twice;
	size_t len;

	check_tree(j, 0);
	once = write_again(a, j, &len);
	j = json_read(a, once, len, &error);
	must(j != NULL && error.fault == JSON_OK);
	twice = write_again(a, j, NULL);
	must(strcmp(once, twice) == 0);
	(void)json_int(j, "a.0", 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = arena_new();
	struct json_error error, again;
	struct json *j = json_read(a, (const char *)data, len, &error);

	must((j != NULL) == (error.fault == JSON_OK));
	must(error.offset <= len && error.detail != NULL);
	must(error.fault != JSON_TRUNCATED || error.offset == len);
	must((json_read(a, (const char *)data, len, &again) != NULL) == (j != NULL));
	must(again.fault == error.fault && again.offset == error.offset
	    && again.detail == error.detail);
	if (j != NULL)
		check_good(a, j);
	arena_free(a);
	return 0;
}
