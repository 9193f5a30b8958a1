/* What /api/v1/openapi.json says: every route is in it, and nothing else; what it refers to is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "admin/web/api.h"
#include "admin/web/openapi_web.h"
#include "base/arena.h"
#include "base/json_in.h"

static const struct json *document(struct arena *a)
{
	struct json_error error;
	size_t len;
	const char *text = openapi_document(a, &len);
	const struct json *j = json_read(a, text, len, &error);

	if (j == NULL)
		fail_msg("at %zu: %s", error.offset, error.detail);
	return j;
}

static const char *lower(struct arena *a, const char *method)
{
	char *out = arena_strdup(a, method), *c;

	for (c = out; *c != '\0'; c++)
		*c = (char)(*c + 32);
	return out;
}

/* The path of a route, as the document has it. */
static const struct json *path_of(struct arena *a, const struct json *paths, const char *path)
{
	static const char *const names[] = { "{name}", "{id}", "{who}" };
	size_t cut = strcspn(path, "{"), i;
	const struct json *found = NULL;

	if (path[cut] == '\0')
		return json_member(paths, path);
	for (i = 0; found == NULL && i < 3; i++)
		found = json_member(paths,
		    arena_printf(a, "%.*s%s%s", (int)cut, path, names[i], path + cut + 2));
	return found;
}

static void every_route(void **state)
{
	struct arena *a = arena_new();
	const struct json *paths = json_object(document(a), "paths"), *path, *operation;
	const struct api_route *r;
	unsigned documented = 0, routes = 0;
	size_t i;

	(void)state;
	for (i = 0; (r = api_route_at(i)) != NULL; i++, routes++) {
		path = path_of(a, paths, r->path);
		operation = path != NULL ? json_member(path, lower(a, r->method)) : NULL;
		if (operation == NULL)
			fail_msg("openapi_web.c says nothing of %s %s", r->method, r->path);
		assert_non_null(json_text(operation, "summary"));
		assert_int_equal(json_array(operation, "parameters")->count > 0
			&& strcmp(json_text(operation, "parameters.0.in"), "path") == 0,
		    strchr(r->path, '{') != NULL);
	}
	for (path = paths->child; path != NULL; path = path->next)
		documented += path->count;
	assert_int_equal(documented, routes);
	arena_free(a);
}

static void assert_refs(const struct json *all, const struct json *j)
{
	const struct json *child, *found;
	const char *kind, *name;

	if (j->key != NULL && strcmp(j->key, "$ref") == 0) {
		assert_int_equal(strncmp(j->text, "#/components/", 13), 0);
		kind = j->text + 13;
		name = strchr(kind, '/') + 1;
		found = json_member(strncmp(kind, "schemas/", 8) == 0
			? json_object(all, "components.schemas")
			: json_object(all, "components.responses"),
		    name);
		if (found == NULL)
			fail_msg("there is no %s", j->text);
	}
	for (child = j->type == JSON_OBJECT || j->type == JSON_ARRAY ? j->child : NULL;
	     child != NULL; child = child->next)
		assert_refs(all, child);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void refers_to_what_is_there(void **state)
{
	struct arena *a = arena_new();
	const struct json *all = document(a), *path, *operation;
	const char *ids[200];
	size_t n = 0, i;

	(void)state;
	assert_string_equal(json_text(all, "openapi"), "3.1.0");
	assert_refs(all, all);
	for (path = json_object(all, "paths")->child; path != NULL; path = path->next)
		for (operation = path->child; operation != NULL; operation = operation->next)
			ids[n++] = json_text(operation, "operationId");
	qsort(ids, n, sizeof(ids[0]), by_text);
	for (i = 1; i < n; i++)
		assert_string_not_equal(ids[i - 1], ids[i]);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_route),
		cmocka_unit_test(refers_to_what_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
