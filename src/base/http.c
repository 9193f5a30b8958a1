/* See http.h. */
#include "base/http.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/secret.h"

const char *http_header(const struct http_header *headers, size_t count, const char *name)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (strcasecmp(headers[i].name, name) == 0)
			return headers[i].value;
	return NULL;
}

int64_t http_retry_after(const char *value, int64_t now_ms)
{
	int64_t at, seconds = 0;
	const char *p;

	if (value == NULL || *value == '\0')
		return -1;
	for (p = value; *p >= '0' && *p <= '9' && seconds < 1000000000; p++)
		seconds = seconds * 10 + (*p - '0');
	if (*p == '\0')
		return seconds * 1000;
	if (time_parse_http(value, &at) != 0)
		return -1;
	return at > now_ms ? at - now_ms : 0;
}

char *http_encode(struct arena *a, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	char *out = arena_alloc(a, 3 * strlen(text) + 1);
	char *o = out;

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (isalnum(c) || strchr("-._~", c) != NULL) {
			*o++ = (char)c;
		} else {
			*o++ = '%';
			*o++ = hex[c >> 4];
			*o++ = hex[c & 15];
		}
	}
	*o = '\0';
	return out;
}

char *http_decode(struct arena *a, const char *text, size_t len)
{
	char *out = arena_alloc(a, len + 1), *to = out;
	unsigned char byte;
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] == '%' && i + 2 < len && hex_decode(text + i + 1, &byte, 1) == 0
		    && byte != '\0') {
			*to++ = (char)byte;
			i += 2;
		} else {
			*to++ = text[i];
		}
	}
	*to = '\0';
	return out;
}

char *http_host(struct arena *a, const char *url)
{
	const char *p = strstr(url, "://"), *end, *at;
	char *host, *c;

	if (p == NULL)
		return NULL;
	p += 3;
	end = p + strcspn(p, "/?#");
	at = memchr(p, '@', (size_t)(end - p));
	if (at != NULL)
		p = at + 1;
	if (*p == '[')
		host = arena_strndup(a, p + 1, strcspn(p + 1, "]"));
	else
		host = arena_strndup(a, p, strcspn(p, ":/?#"));
	for (c = host; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	return *host == '\0' ? NULL : host;
}
