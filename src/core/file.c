/* See file.h. */
#include "core/file.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/http.h"
#include "base/options.h"
#include "base/utf8.h"
#include "core/text.h"

#define EXTENSION_MAX 10
#define ANY_TYPE "application/octet-stream"

bool attachment_is_file(const struct attachment *f)
{
	return f->kind != ATTACHMENT_LOCATION && f->kind != ATTACHMENT_CONTACT;
}

/* ---- names and types that belong together ---- */

/* The first of a type is what a file without a name gets. */
static const struct known_type {
	const char *extension, *type;
} known_types[] = {
	{ "jpg", "image/jpeg" },
	{ "jpeg", "image/jpeg" },
	{ "png", "image/png" },
	{ "gif", "image/gif" },
	{ "webp", "image/webp" },
	{ "bmp", "image/bmp" },
	{ "heic", "image/heic" },
	{ "tiff", "image/tiff" },
	{ "svg", "image/svg+xml" },
	{ "mp4", "video/mp4" },
	{ "mov", "video/quicktime" },
	{ "webm", "video/webm" },
	{ "3gp", "video/3gpp" },
	{ "mp3", "audio/mpeg" },
	{ "ogg", "audio/ogg" },
	{ "oga", "audio/ogg" },
	{ "opus", "audio/ogg" },
	{ "m4a", "audio/mp4" },
	{ "wav", "audio/wav" },
	{ "aac", "audio/aac" },
	{ "amr", "audio/amr" },
	{ "pdf", "application/pdf" },
	{ "txt", "text/plain" },
	{ "csv", "text/csv" },
	{ "html", "text/html" },
	{ "htm", "text/html" },
	{ "zip", "application/zip" },
	{ "json", "application/json" },
	{ "xml", "application/xml" },
	{ "doc", "application/msword" },
	{ "docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document" },
	{ "xls", "application/vnd.ms-excel" },
	{ "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" },
	{ "vcf", "text/vcard" },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *extension_of_type(const char *type)
{
	size_t i;

	for (i = 0; type != NULL && i < COUNT(known_types); i++)
		if (strcasecmp(known_types[i].type, type) == 0)
			return known_types[i].extension;
	return NULL;
}

const char *file_extension(struct arena *a, const char *name)
{
	const char *dot = strrchr(name, '.');
	size_t len = dot != NULL ? strlen(dot + 1) : 0, i;
	char *out;

	if (len == 0 || len > EXTENSION_MAX || dot == name)
		return "";
	out = arena_strdup(a, dot + 1);
	for (i = 0; i < len; i++) {
		if (!isalnum((unsigned char)out[i]))
			return "";
		out[i] = (char)tolower((unsigned char)out[i]);
	}
	return out;
}

const char *file_type_by_name(struct arena *a, const char *name)
{
	const char *extension = file_extension(a, name);
	size_t i;

	for (i = 0; i < COUNT(known_types); i++)
		if (strcmp(known_types[i].extension, extension) == 0)
			return known_types[i].type;
	return NULL;
}

/* ---- names ---- */

static bool is_kept_out(char c)
{
	return strchr("\"<>:|?*;", c) != NULL;
}

/* Of a path in either way of writing one the last part. */
static const char *last_part(const char *name)
{
	const char *p;

	for (p = name; *p != '\0'; p++)
		if ((*p == '/' || *p == '\\') && p[1] != '\0')
			name = p + 1;
	return name;
}

/* Cut before its extension. */
static const char *cut_name(struct arena *a, const char *name)
{
	const char *extension = file_extension(a, name);
	size_t tail = *extension != '\0' ? strlen(extension) + 1 : 0, len = strlen(name), body;

	if (utf8_points(name, len) <= FILE_NAME_POINTS && len <= FILE_NAME_BYTES)
		return name;
	body = utf8_cut_points(name, len - tail, FILE_NAME_POINTS - tail);
	body = utf8_cut_bytes(name, body, FILE_NAME_BYTES - tail);
	return arena_printf(a, "%.*s%s", (int)body, name, name + len - tail);
}

/* NULL: nothing is left. */
static const char *clean_name(struct arena *a, const char *given)
{
	const char *name = text_line(a, given);
	char *out, *p;

	if (name == NULL)
		return NULL;
	out = arena_strdup(a, last_part(name));
	for (p = out; *p != '\0'; p++)
		if (*p == '/' || *p == '\\' || is_kept_out(*p))
			*p = '_';
	name = out + strspn(out, ". ");
	return *name != '\0' ? cut_name(a, name) : NULL;
}

/* The last part of an address, where it looks like a name. */
static const char *name_in_url(struct arena *a, const char *url)
{
	const char *begin, *slash, *name;
	size_t len;

	begin = url != NULL ? strstr(url, "://") : NULL;
	if (begin == NULL)
		return NULL;
	begin += 3;
	len = strcspn(begin, "?#");
	slash = memrchr(begin, '/', len);
	if (slash == NULL)
		return NULL;
	name = clean_name(a, http_decode(a, slash + 1, (size_t)(begin + len - slash - 1)));
	return name != NULL && *file_extension(a, name) != '\0' ? name : NULL;
}

const char *file_name(struct arena *a, const char *given, const char *url, const char *type,
    enum attachment_kind kind)
{
	const char *name = given != NULL ? clean_name(a, given) : NULL, *extension;

	if (name == NULL)
		name = name_in_url(a, url);
	extension = extension_of_type(type);
	if (name == NULL)
		name = attachment_kind_word((int)kind);
	if (*file_extension(a, name) != '\0' || extension == NULL)
		return name;
	return arena_printf(a, "%s.%s", name, extension);
}

/* ---- types ---- */

static const struct signature {
	size_t at;
	const char *bytes;
	size_t len;
	const char *type;
} signatures[] = {
	{ 0, "\xff\xd8\xff", 3, "image/jpeg" },
	{ 0, "\x89PNG\r\n\x1a\n", 8, "image/png" },
	{ 0, "GIF87a", 6, "image/gif" },
	{ 0, "GIF89a", 6, "image/gif" },
	{ 8, "WEBP", 4, "image/webp" },
	{ 0, "BM", 2, "image/bmp" },
	{ 0, "%PDF-", 5, "application/pdf" },
	{ 8, "WAVE", 4, "audio/wav" },
	{ 0, "ID3", 3, "audio/mpeg" },
	{ 0, "#!AMR", 5, "audio/amr" },
	{ 4, "ftypM4A", 7, "audio/mp4" },
	{ 4, "ftypqt", 6, "video/quicktime" },
	{ 4, "ftyp3g", 6, "video/3gpp" },
	{ 4, "ftyphei", 7, "image/heic" },
	{ 4, "ftypmif1", 8, "image/heic" },
	{ 4, "ftyp", 4, "video/mp4" },
	{ 0, "\x1a\x45\xdf\xa3", 4, "video/webm" },
};

static bool begins_html(const char *head, size_t len)
{
	static const char *const words[] = { "<!doctype html", "<html", "<head", "<body" };
	size_t i, at = 0;

	if (len >= 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0)
		at = 3;
	while (at < len && strchr(" \t\r\n", head[at]) != NULL && head[at] != '\0')
		at++;
	for (i = 0; i < COUNT(words); i++)
		if (len - at >= strlen(words[i])
		    && strncasecmp(head + at, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

const char *file_type_of(const void *head, size_t len)
{
	const struct signature *s;

	for (s = signatures; s < signatures + COUNT(signatures); s++)
		if (len >= s->at + s->len
		    && memcmp((const char *)head + s->at, s->bytes, s->len) == 0)
			return s->type;
	return begins_html(head, len) ? "text/html" : NULL;
}

/* Lower case, without parameters; NULL where it is none. */
static const char *plain_type(struct arena *a, const char *type)
{
	size_t len, i;
	char *out;

	if (type == NULL)
		return NULL;
	type += strspn(type, " ");
	len = strcspn(type, "; ,\t\r\n");
	out = arena_strndup(a, type, len);
	for (i = 0; i < len; i++) {
		if (!isalnum((unsigned char)out[i]) && strchr("/+-._", out[i]) == NULL)
			return NULL;
		out[i] = (char)tolower((unsigned char)out[i]);
	}
	return len > 2 && len < 100 && strchr(out, '/') != NULL ? out : NULL;
}

/* Such a file begins with bytes that we know, and these do not. */
static bool would_show(const char *type)
{
	size_t i;

	for (i = 0; i < COUNT(signatures); i++)
		if (strcmp(signatures[i].type, type) == 0 && strcmp(type, "audio/mpeg") != 0)
			return true;
	return strcmp(type, "text/html") == 0;
}

/* Sound and film in one kind of box are told apart by what is said of them. */
static const char *of_one_box(const char *seen, const char *claimed)
{
	static const struct {
		const char *seen, *claimed;
	} boxes[] = { { "video/mp4", "audio/mp4" }, { "video/webm", "audio/webm" },
		{ "video/3gpp", "audio/3gpp" } };
	size_t i;

	for (i = 0; claimed != NULL && i < COUNT(boxes); i++)
		if (strcmp(boxes[i].seen, seen) == 0 && strcmp(boxes[i].claimed, claimed) == 0)
			return claimed;
	return seen;
}

static bool says_something(const char *type)
{
	return type != NULL && strcmp(type, ANY_TYPE) != 0 && !would_show(type);
}

const char *file_type(struct arena *a, const void *head, size_t len, const char *said,
    const char *claimed, const char *name)
{
	const char *seen = file_type_of(head, len), *by_name = file_type_by_name(a, name);

	said = plain_type(a, said);
	claimed = plain_type(a, claimed);
	if (seen != NULL && strcmp(seen, "text/html") == 0) {
		if (claimed != NULL ? strcmp(claimed, seen) == 0
				    : by_name != NULL && strcmp(by_name, seen) == 0)
			return seen;
		return NULL;
	}
	if (seen != NULL)
		return of_one_box(seen, claimed != NULL ? claimed : said);
	if (says_something(said) && strcmp(said, "text/plain") != 0)
		return said;
	if (says_something(claimed))
		return claimed;
	if (says_something(said))
		return said;
	return says_something(by_name) ? by_name : ANY_TYPE;
}

enum attachment_kind file_kind(const char *type)
{
	static const char *const pictures[] = { "image/jpeg", "image/png", "image/gif",
		"image/webp", "image/bmp" };
	size_t i;

	for (i = 0; i < COUNT(pictures); i++)
		if (strcmp(type, pictures[i]) == 0)
			return ATTACHMENT_IMAGE;
	if (strncmp(type, "audio/", 6) == 0)
		return ATTACHMENT_AUDIO;
	return strncmp(type, "video/", 6) == 0 ? ATTACHMENT_VIDEO : ATTACHMENT_FILE;
}

bool file_type_is(const char *type, const struct option_list *patterns)
{
	const char *p;
	size_t i, len;

	for (i = 0; i < patterns->count; i++) {
		p = patterns->items[i];
		len = strcspn(p, "/");
		if (p[len] == '\0' || strcmp(p + len, "/") == 0 || strcmp(p + len, "/*") == 0) {
			if (strncasecmp(type, p, len) == 0 && type[len] == '/')
				return true;
		} else if (strcasecmp(type, p) == 0) {
			return true;
		}
	}
	return false;
}

const char *file_not_available(struct arena *a, const char *name, const char *why)
{
	return arena_printf(a, "[file not available: %s, %s]", name, why);
}
