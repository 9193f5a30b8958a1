/* Addresses of the Internet protocol as bytes: whose they are, and in which networks they lie. */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

struct sockaddr;

/* IPv6, and IPv4 as ::ffff:a.b.c.d. */
struct address {
	unsigned char b[16];
};

/* False: it is of another family. */
bool address_of(const struct sockaddr *from, struct address *out);
/* Without brackets or port. False: it is none. */
bool address_parse(const char *text, struct address *out);
/* Anybody on the Internet may be there: not this machine, not a private network, not a link's own, not
 * one that is kept for something else. An address that carries an IPv4 one inside is as public as that. */
bool address_is_public(const struct address *a);
/* cidr as cidr_valid takes it; what is none holds nothing. */
bool cidr_holds(const char *cidr, const struct address *a);

#endif
