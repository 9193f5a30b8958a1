/* A text of any format, read and written in every form. What comes out is good text of a length that is
 * in proportion, the same each time; what would be executed is made harmless after all of it. The first
 * byte says which format it is. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/utf8.h"
#include "core/rich.h"
#include "core/text.h"

#define PART 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool true_always)
{
	if (!true_always)
		abort();
}

static struct rich *read_as(struct arena *a, const char *text, bool html)
{
	return html ? rich_read_html(a, text) : rich_read_markdown(a, text);
}

static void check_inert(struct arena *a, const char *text)
{
	const char *const *parts;
	size_t i, n = text_split(a, text, TEXT_ALL_RULES, TEXT_WIRE_BYTES, PART, &parts);

	for (i = 0; i < n; i++) {
		must(text_len(parts[i], TEXT_WIRE_BYTES) <= PART);
		must(strstr(parts[i], "${") == NULL && strstr(parts[i], "{{") == NULL);
		must(strstr(parts[i], "{%") == NULL && strstr(parts[i], "\\_td") == NULL);
		must(!text_is_command(parts[i]));
	}
}

static const char *check_written(struct arena *a, const char *text, size_t source_len)
{
	size_t len = strlen(text);

	must(utf8_valid(text, len));
	/* Four times and some room for the text, two thousand for each address, indents. */
	must(len <= 4 * (4 * source_len + 65536) + 2100 * source_len);
	check_inert(a, text);
	return text;
}

static void check(struct arena *a, const char *text, bool html)
{
	const struct rich *r = read_as(a, text, html), *again;
	const char *plain, *markdown;
	size_t len = strlen(text);

	if (r == NULL)
		return;
	plain = check_written(a, rich_plain(r), len);
	markdown = check_written(a, rich_markdown(r), len);
	check_written(a, rich_html(r), len);
	must(strcmp(plain, rich_plain(read_as(a, text, html))) == 0);
	again = rich_read_markdown(a, markdown);
	if (again != NULL)
		check_written(a, rich_markdown(again), strlen(markdown));
	again = rich_read_html(a, rich_html(r));
	must(again == NULL || rich_has_words(again) || !rich_has_words(r));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = arena_new();
	const struct rich_target target = { 1u << FORMAT_MARKDOWN, 1u << FORMAT_HTML, true };
	enum format out;
	const char *text;

	if (len > 0) {
		text = text_clean(a, (const char *)data + 1, len - 1);
		check(a, text, data[0] == 'h');
		(void)rich_convert(a, text, FORMAT_HTML, target, &out);
		(void)rich_address(a, text);
		must(utf8_valid(rich_entity(a, text), strlen(rich_entity(a, text))));
	}
	arena_free(a);
	return 0;
}
