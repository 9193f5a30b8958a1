/* HTTP request and response as plain data, so that connectors need no socket. Everything is borrowed
 * from the arena or buffer of whoever made it. */
#ifndef BASE_HTTP_H
#define BASE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

struct http_header {
	const char *name, *value;
	bool secret; /* shown as [secret] wherever people can see it */
};

/* A request that came in. */
struct http_in {
	const char *method; /* "POST" */
	const char *path;   /* without query */
	const char *query;  /* what follows ?, or NULL */
	const char *peer;   /* address, for the log */
	const struct http_header *headers;
	size_t nheaders;
	const char *body; /* NUL-terminated behind body_len; may hold NULs */
	size_t body_len;
	int64_t received_ms; /* so that verify needs no clock */
};

/* First header of that name, letters in any case; NULL where there is none. */
const char *http_header(const struct http_header *headers, size_t count, const char *name);

/* One part of a multipart/form-data body: text, or the content of a file, read while it is sent. */
struct http_part {
	const char *name;
	const char *body;     /* NULL: a file's */
	const char *path;     /* of that file; with explain no path but where it would come from */
	const char *filename; /* as the far side sees it; NULL: it is no file there */
	const char *type;     /* NULL: none said */
};

/* Where the body of a good answer (2xx) goes instead of memory. The address of such a request was named by
 * somebody we do not trust: only public addresses are connected to, and those that lie in the networks of
 * allow. Redirects are followed, and looked at alike. */
struct http_into {
	const char *path; /* made anew; gone again unless the whole body is in it */
	int64_t max;      /* bytes; above: TRANSPORT_TOO_LARGE */
	const char *const *allow;
	size_t nallow;
};

/* A request to be made. */
struct http_req {
	const char *method;
	const char *url;
	const char
	    *unix_socket; /* path of the socket to connect to instead of url's host; NULL: none */
	struct http_header headers[6];
	size_t nheaders;
	const char *content_type; /* of body; NULL: no body */
	const char *body;
	size_t body_len;
	const struct http_part *parts; /* instead of body, and of content_type */
	size_t nparts;
	const struct http_into *into; /* NULL: the answer's body goes to memory */
	int64_t timeout_msecs;
	const char *wants; /* a header of the answer, besides those that all answers are read for */
	bool repeatable;   /* doing it twice does what doing it once does (GET, look-ups): only
					 * such a request may be repeated by the transport itself */
};

/* Why there is no whole answer. */
enum transport {
	TRANSPORT_OK,      /* there is one */
	TRANSPORT_CONNECT, /* no connection: refused, unreachable, name unknown */
	TRANSPORT_TLS,
	TRANSPORT_TIMEOUT,
	TRANSPORT_CUT,      /* closed before or within the answer */
	TRANSPORT_TOO_LARGE /* the answer is larger than limits.answer */
};

struct http_resp {
	enum transport transport;
	bool sent;  /* some of our request may have reached them. False only when surely not */
	int status; /* 0 where not even a status line came */
	const char *content_type; /* NULL: none said */
	const char *body;         /* NUL-terminated; "" where none */
	size_t body_len;
	int64_t retry_after_msecs; /* Retry-After in either form, relative to now; -1: none */
	const char *wanted; /* what stood in the header that the request wants; NULL: it has none */
	int64_t took_msecs;
	const char *detail; /* the transport's own words, for the log */
	bool is_silent;     /* CUT: closed before a byte of an answer came, there or where it led */
	bool is_forbidden;  /* CONNECT: an address that http_into does not allow */
	bool is_unknown;    /* CONNECT: nobody has that name, or it is no address */
	bool is_disk;       /* the file of http_into could not be written */
	int64_t file_len;   /* OK with http_into and a 2xx: what is in the file now */
	unsigned char file_sha256[32];
};

/* Retry-After (RFC 9110 10.2.3): seconds or a date. -1 where neither. */
int64_t http_retry_after(const char *value, int64_t now_ms);

/* Percent-encodes what may not stand in one path segment or query value (all but unreserved). */
char *http_encode(struct arena *a, const char *text);

/* len bytes of such a text as they were before; "%" that stands before no two hex digits, or for a NUL, stays. */
char *http_decode(struct arena *a, const char *text, size_t len);

/* Host of an http(s) URL, lower case, without port or userinfo; NULL where it is not one. */
char *http_host(struct arena *a, const char *url);

#endif
