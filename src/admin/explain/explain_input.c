/* See explain.h: what is read from files. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "admin/explain/explain.h"
#include "base/buf.h"
#include "base/err.h"

int explain_read(struct arena *a, const char *path, const char **data, size_t *len, struct err *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *f = is_stdin ? stdin : fopen(path, "re");
	struct buf b;
	char part[65536];
	size_t n;
	int failed;

	if (f == NULL)
		return err_set(err, "%s: %s", path, strerror(errno));
	buf_init(&b);
	errno = 0;
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(&b, part, n);
	failed = ferror(f) ? errno : 0;
	if (!is_stdin)
		fclose(f);
	*data = arena_memdup(a, b.data != NULL ? b.data : "", b.len);
	*len = b.len;
	buf_fini(&b);
	return failed == 0 ? 0 : err_set(err, "%s: %s", path, strerror(failed));
}

/* ---- headers ---- */

/* "POST /hooks/shop/KEY HTTP/1.1"; the query is no part of the path. */
static bool take_request_line(struct arena *a, const char *line, struct explain_headers *out)
{
	size_t method = strcspn(line, " "), path;
	const char *at = line + method;

	if (method == 0 || *at != ' ' || *++at != '/')
		return false;
	path = strcspn(at, " ");
	if (at[path] == '\0' || strncmp(at + path + 1, "HTTP/", 5) != 0)
		return false;
	out->method = arena_strndup(a, line, method);
	out->path = arena_strndup(a, at, strcspn(at, " ?#"));
	return true;
}

/* "HTTP/1.1 429 Too Many Requests" */
static bool take_status_line(const char *line, struct explain_headers *out)
{
	const char *at = strchr(line, ' ');

	if (strncmp(line, "HTTP/", 5) != 0 || at == NULL || strspn(at + 1, "0123456789") != 3
	    || (at[4] != ' ' && at[4] != '\0'))
		return false;
	out->status = (at[1] - '0') * 100 + (at[2] - '0') * 10 + (at[3] - '0');
	return true;
}

static bool take_header(struct arena *a, const char *line, struct explain_headers *out)
{
	const char *colon = strchr(line, ':'), *value;
	size_t len;

	if (colon == NULL || colon == line || strcspn(line, " \t") < (size_t)(colon - line))
		return false;
	value = colon + 1 + strspn(colon + 1, " \t");
	for (len = strlen(value); len > 0 && isspace((unsigned char)value[len - 1]); len--)
		;
	out->items[out->count++] = (struct http_header){
		.name = arena_strndup(a, line, (size_t)(colon - line)),
		.value = arena_strndup(a, value, len),
	};
	return true;
}

static size_t count_lines(const char *text)
{
	size_t lines = 1;

	for (; (text = strchr(text, '\n')) != NULL; text++)
		lines++;
	return lines;
}

int explain_read_headers(struct arena *a, const char *path, struct explain_headers *out,
    struct err *err)
{
	const char *text, *line;
	size_t len, end;
	int number = 0;

	*out = (struct explain_headers){ .is_given = true };
	if (explain_read(a, path, &text, &len, err) != 0)
		return -1;
	out->items = arena_zalloc(a, count_lines(text) * sizeof(*out->items));
	out->size = len;
	for (; *text != '\0'; text += end + (text[end] == '\n')) {
		end = strcspn(text, "\n");
		number++;
		line = arena_strndup(a, text, end > 0 && text[end - 1] == '\r' ? end - 1 : end);
		if (*line == '\0')
			continue;
		if (number == 1 && (take_request_line(a, line, out) || take_status_line(line, out)))
			continue;
		if (!take_header(a, line, out))
			return err_set(err, "%s:%d: not \"Name: value\"", path, number);
	}
	return 0;
}
