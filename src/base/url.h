/* The parts of an http or https address, as far as a configuration writes one. */
#ifndef BASE_URL_H
#define BASE_URL_H

#include <stdbool.h>

struct arena;
struct err;

struct url {
	bool https;
	const char *host; /* lower case; of an IPv6 address without its brackets */
	bool v6;
	int port;         /* 443 or 80 where it is not said */
	const char *path; /* from '/' on, with the query; "" where there is none */
};

/* -1, with err in words that do not repeat the text: it may hold a password. */
int url_parse(struct arena *a, const char *text, struct url *out, struct err *err);
/* localhost, 127.0.0.0/8 or ::1, as it is written: nothing is looked up. */
bool host_is_loopback(const char *host);
/* "host:port" or "[v6]:port". */
bool address_valid(const char *text);
/* "10.0.0.0/8", "fd00::/8", or one address without a length. */
bool cidr_valid(const char *text);

#endif
