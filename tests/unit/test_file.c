/* What files are called, and what they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/options.h"
#include "core/file.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void test_names(void **state)
{
	static const struct {
		const char *given, *url, *type;
		enum attachment_kind kind;
		const char *name;
	} rows[] = {
		{ "invoice.pdf", "https://x/y.png", "application/pdf", ATTACHMENT_FILE,
		    "invoice.pdf" },
		{ "Lebenslauf für Jörg.docx", NULL, NULL, ATTACHMENT_FILE,
		    "Lebenslauf für Jörg.docx" },
		{ "../../etc/passwd", NULL, NULL, ATTACHMENT_FILE, "passwd" },
		{ "C:\\Users\\x\\evil.exe", NULL, NULL, ATTACHMENT_FILE, "evil.exe" },
		{ "..", NULL, "image/png", ATTACHMENT_IMAGE, "image.png" },
		{ "/", NULL, NULL, ATTACHMENT_FILE, "_" },
		{ ".hidden", NULL, NULL, ATTACHMENT_FILE, "hidden" },
		{ "a\r\nX-Evil: 1\n.txt", NULL, NULL, ATTACHMENT_FILE, "aX-Evil_ 1.txt" },
		{ "\xe2\x80\xae"
		  "gpj.exe",
		    NULL, NULL, ATTACHMENT_FILE, "gpj.exe" },
		{ "\xe2\x81\xa6\xe2\x80\x8f\x01\x7f", NULL, "audio/ogg", ATTACHMENT_AUDIO,
		    "audio.ogg" },
		{ "a\xff"
		  "b.png",
		    NULL, NULL, ATTACHMENT_IMAGE,
		    "a\xef\xbf\xbd"
		    "b.png" },
		{ "<script>\"x\".html", NULL, NULL, ATTACHMENT_FILE, "_script__x_.html" },
		{ "   ", "https://x/files?path=a/b.png", "image/jpeg", ATTACHMENT_IMAGE,
		    "image.jpg" },
		{ NULL, "https://x/a/photo%20one.jpg?sig=1#z", NULL, ATTACHMENT_IMAGE,
		    "photo one.jpg" },
		{ NULL, "https://x/a/%2e%2e%2f%2e%2e%2fshadow.txt", NULL, ATTACHMENT_FILE,
		    "shadow.txt" },
		{ NULL, "https://x/a/0123abc", "video/mp4", ATTACHMENT_VIDEO, "video.mp4" },
		{ NULL, "https://x", NULL, ATTACHMENT_FILE, "file" },
		{ NULL, NULL, NULL, ATTACHMENT_VIDEO, "video" },
		{ "photo", NULL, "image/png", ATTACHMENT_IMAGE, "photo.png" },
	};
	struct arena *a = arena_new();
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		assert_string_equal(file_name(a, rows[i].given, rows[i].url, rows[i].type,
					rows[i].kind),
		    rows[i].name);
	arena_free(a);
}

static void test_long_names(void **state)
{
	struct arena *a = arena_new();
	char name[5006];
	const char *got;

	(void)state;
	memset(name, 'x', 5000);
	memcpy(name + 5000, ".docx", 6);
	got = file_name(a, name, NULL, NULL, ATTACHMENT_FILE);
	assert_int_equal(strlen(got), FILE_NAME_POINTS);
	assert_string_equal(got + FILE_NAME_POINTS - 5, ".docx");
	for (size_t i = 0; i < 4000; i += 4)
		memcpy(name + i, "\xf0\x9f\x98\x80", 4);
	memcpy(name + 4000, ".png", 5);
	got = file_name(a, name, NULL, NULL, ATTACHMENT_FILE);
	assert_true(strlen(got) <= FILE_NAME_BYTES);
	assert_string_equal(got + strlen(got) - 4, ".png");
	arena_free(a);
}

static void test_types(void **state)
{
	static const struct {
		const char *head, *said, *claimed, *name, *type;
	} rows[] = {
		{ "\x89PNG\r\n\x1a\n....", "image/jpeg", "application/pdf", "x.pdf", "image/png" },
		{ "%PDF-1.7", NULL, NULL, "x", "application/pdf" },
		{ "MZ nothing", "image/png", "image/png", "x.png", "application/octet-stream" },
		{ "plain words", "text/plain; charset=utf-8", NULL, "x.txt", "text/plain" },
		{ "a,b", "text/plain", "text/csv", "x.csv", "text/csv" },
		{ "words", "application/octet-stream", NULL, "x.csv", "text/csv" },
		{ "words", NULL, NULL, "x", "application/octet-stream" },
		{ "words", "not a type", "\"x\"/y", "x.txt", "text/plain" },
		{ "words", "X-Weird/Y+Z", NULL, "x", "x-weird/y+z" },
		{ "\n<!DOCTYPE HTML><p>", "text/html", "image/png", "x.png", NULL },
		{ "<html>", "image/png", NULL, "x.png", NULL },
		{ "<html>", "text/html", "text/html", "x", "text/html" },
		{ "<html>", "text/html", NULL, "x.html", "text/html" },
		{ "....ftypM4A ", "video/mp4", NULL, "x", "audio/mp4" },
		{ "....ftypisom", "audio/mp4", "audio/mp4", "x", "audio/mp4" },
		{ "....ftypisom", "video/mp4", NULL, "x", "video/mp4" },
		{ "noise", "audio/mpeg", NULL, "x", "audio/mpeg" },
		{ "OggS", "audio/ogg", NULL, "x", "audio/ogg" },
	};
	struct arena *a = arena_new();
	const char *type;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		type = file_type(a, rows[i].head, strlen(rows[i].head), rows[i].said,
		    rows[i].claimed, rows[i].name);
		if (rows[i].type == NULL)
			assert_null(type);
		else
			assert_string_equal(type, rows[i].type);
	}
	assert_null(file_type_of("", 0));
	arena_free(a);
}

static void test_kinds(void **state)
{
	static const char *const denied[] = { "text/html", "video/*", "audio" };
	const struct option_list list = { denied, COUNT(denied) };
	struct arena *a = arena_new();

	(void)state;
	assert_int_equal(file_kind("image/png"), ATTACHMENT_IMAGE);
	assert_int_equal(file_kind("image/svg+xml"), ATTACHMENT_FILE);
	assert_int_equal(file_kind("audio/ogg"), ATTACHMENT_AUDIO);
	assert_int_equal(file_kind("video/mp4"), ATTACHMENT_VIDEO);
	assert_int_equal(file_kind("text/plain"), ATTACHMENT_FILE);
	assert_true(file_type_is("text/html", &list));
	assert_true(file_type_is("video/mp4", &list));
	assert_true(file_type_is("audio/ogg", &list));
	assert_false(file_type_is("text/plain", &list));
	assert_false(file_type_is("audiox/ogg", &list));
	assert_string_equal(file_extension(a, "a.tar.GZ"), "gz");
	assert_string_equal(file_extension(a, ".png"), "");
	assert_string_equal(file_extension(a, "x.this is none"), "");
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
