/* See url.h. */
#include "base/url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"

#define HOST_MAX 253

static bool is_v6(const char *text)
{
	struct in6_addr ip;

	return inet_pton(AF_INET6, text, &ip) == 1;
}

static bool host_valid(const char *host)
{
	size_t i;

	if (host[0] == '\0' || host[0] == '.' || host[0] == '-' || strlen(host) > HOST_MAX)
		return false;
	for (i = 0; host[i] != '\0'; i++)
		if (!isalnum((unsigned char)host[i]) && strchr("-._", host[i]) == NULL)
			return false;
	return strstr(host, "..") == NULL;
}

/* Digits and nothing else, 0 to max. -1: it is not. */
static int small_number(const char *text, int max)
{
	size_t len = strlen(text);
	long n;

	if (len == 0 || len > 6 || strspn(text, "0123456789") != len)
		return -1;
	n = strtol(text, NULL, 10);
	return n <= max ? (int)n : -1;
}

/* Takes "host", "host:port", "[v6]" or "[v6]:port" apart, in place. *port stays where none is said. */
static int split_host(char *text, char **host, bool *v6, int *port)
{
	char *colon, *end;

	*v6 = text[0] == '[';
	*host = text;
	if (*v6) {
		end = strchr(text, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return -1;
		colon = end[1] == ':' ? end + 1 : NULL;
		*end = '\0';
		*host = text + 1;
	} else {
		colon = strchr(text, ':');
	}
	if (colon != NULL) {
		*colon = '\0';
		*port = small_number(colon + 1, 65535);
		if (*port < 0)
			return -1;
	}
	return (*v6 ? is_v6(*host) : host_valid(*host)) ? 0 : -1;
}

int url_parse(struct arena *a, const char *text, struct url *out, struct err *err)
{
	const char *rest;
	char *authority, *host;
	size_t i, len;

	*out = (struct url){ .port = 80 };
	if (strncasecmp(text, "https://", 8) == 0)
		*out = (struct url){ .https = true, .port = 443 };
	else if (strncasecmp(text, "http://", 7) != 0)
		return err_set(err, "is no http:// or https:// address");
	rest = strstr(text, "://") + 3;
	for (i = 0; rest[i] != '\0'; i++)
		if ((unsigned char)rest[i] <= ' ' || (unsigned char)rest[i] >= 0x7f)
			return err_set(err, "holds blanks or letters beyond ASCII");
	len = strcspn(rest, "/?#");
	if (memchr(rest, '@', len) != NULL)
		return err_set(err, "holds a user or a password");
	if (strchr(rest, '#') != NULL)
		return err_set(err, "holds a #");
	out->path = arena_strdup(a, rest + len);
	authority = arena_strndup(a, rest, len);
	if (split_host(authority, &host, &out->v6, &out->port) != 0 || out->port == 0)
		return err_set(err, "has no proper host and port");
	for (i = 0; host[i] != '\0'; i++)
		host[i] = (char)tolower((unsigned char)host[i]);
	out->host = host;
	return 0;
}

bool host_is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, host, &v6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&v6);
	return strcasecmp(host, "localhost") == 0;
}

bool address_valid(const char *text)
{
	char copy[HOST_MAX + 16], *host;
	bool v6;
	int port = -1;

	if (strlen(text) >= sizeof(copy))
		return false;
	memcpy(copy, text, strlen(text) + 1);
	return split_host(copy, &host, &v6, &port) == 0 && port >= 0;
}

bool cidr_valid(const char *text)
{
	char copy[INET6_ADDRSTRLEN + 8], *slash;
	struct in_addr v4;

	if (strlen(text) >= sizeof(copy))
		return false;
	memcpy(copy, text, strlen(text) + 1);
	slash = strchr(copy, '/');
	if (slash != NULL)
		*slash++ = '\0';
	if (inet_pton(AF_INET, copy, &v4) == 1)
		return slash == NULL || small_number(slash, 32) >= 0;
	return is_v6(copy) && (slash == NULL || small_number(slash, 128) >= 0);
}
