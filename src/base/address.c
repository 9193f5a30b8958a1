/* See address.h. The networks are those that RFC 6890 and its registries keep from the public. Where
 * somebody else names the address that we are to ask, these are what he must not reach: this machine,
 * its neighbours, and the addresses at which clouds tell a machine its secrets (169.254.169.254,
 * 100.100.100.200, fd00:ec2::254). */
#include "base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define V4_AT 12 /* bytes before an IPv4 address in ::ffff:0:0/96 */

struct network {
	const char *address;
	int bits; /* of the family's own */
};

static const struct network not_public[] = {
	{ "0.0.0.0", 8 },
	{ "10.0.0.0", 8 },
	{ "100.64.0.0", 10 },
	{ "127.0.0.0", 8 },
	{ "169.254.0.0", 16 },
	{ "172.16.0.0", 12 },
	{ "192.0.0.0", 24 },
	{ "192.0.2.0", 24 },
	{ "192.88.99.0", 24 },
	{ "192.168.0.0", 16 },
	{ "198.18.0.0", 15 },
	{ "198.51.100.0", 24 },
	{ "203.0.113.0", 24 },
	{ "224.0.0.0", 3 }, /* multicast, and what was never given out */
	{ "::", 96 },       /* nowhere, itself, and IPv4 in a way nobody uses */
	{ "64:ff9b:1::", 48 },
	{ "100::", 64 },
	{ "2001::", 23 },
	{ "2001:db8::", 32 },
	{ "3fff::", 20 },
	{ "5f00::", 16 },
	{ "fc00::", 7 },
	{ "fe80::", 9 }, /* a link's own, and a site's own */
	{ "ff00::", 8 },
};

static const unsigned char v4_prefix[V4_AT] = { [10] = 0xff, [11] = 0xff };

static void put_v4(struct address *out, const void *v4)
{
	memcpy(out->b, v4_prefix, V4_AT);
	memcpy(out->b + V4_AT, v4, 4);
}

bool address_of(const struct sockaddr *from, struct address *out)
{
	if (from->sa_family == AF_INET) {
		put_v4(out, &((const struct sockaddr_in *)(const void *)from)->sin_addr);
		return true;
	}
	if (from->sa_family != AF_INET6)
		return false;
	memcpy(out->b, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, 16);
	return true;
}

bool address_parse(const char *text, struct address *out)
{
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		put_v4(out, &v4);
		return true;
	}
	return inet_pton(AF_INET6, text, out->b) == 1;
}

static bool is_v4(const struct address *a)
{
	return memcmp(a->b, v4_prefix, V4_AT) == 0;
}

static bool begins_alike(const struct address *a, const struct address *b, int bits)
{
	int whole = bits / 8, rest = bits % 8;

	if (memcmp(a->b, b->b, (size_t)whole) != 0)
		return false;
	return rest == 0 || (a->b[whole] ^ b->b[whole]) >> (8 - rest) == 0;
}

/* Both of one family: ::/0 does not hold 10.0.0.1. */
static bool holds(const struct address *network, int bits, const struct address *a)
{
	if (is_v4(network) != is_v4(a))
		return false;
	return begins_alike(network, a, is_v4(a) ? bits + V4_AT * 8 : bits);
}

/* What reaches an IPv4 address by way of IPv6: a translator's prefix, and 6to4's. */
static bool find_inner(const struct address *a, struct address *inner)
{
	static const unsigned char translated[V4_AT] = { 0x00, 0x64, 0xff, 0x9b };

	if (memcmp(a->b, translated, V4_AT) == 0)
		put_v4(inner, a->b + V4_AT);
	else if (a->b[0] == 0x20 && a->b[1] == 0x02)
		put_v4(inner, a->b + 2);
	else
		return false;
	return true;
}

static bool is_kept(const struct address *a)
{
	struct address network;
	size_t i;

	for (i = 0; i < sizeof(not_public) / sizeof(not_public[0]); i++)
		if (address_parse(not_public[i].address, &network)
		    && holds(&network, not_public[i].bits, a))
			return true;
	return false;
}

bool address_is_public(const struct address *a)
{
	struct address inner;

	return !is_kept(a) && (!find_inner(a, &inner) || !is_kept(&inner));
}

bool cidr_holds(const char *cidr, const struct address *a)
{
	char text[INET6_ADDRSTRLEN + 8], *slash;
	struct address network;
	int bits;

	if (strlen(cidr) >= sizeof(text))
		return false;
	memcpy(text, cidr, strlen(cidr) + 1);
	slash = strchr(text, '/');
	if (slash != NULL)
		*slash++ = '\0';
	if (!address_parse(text, &network))
		return false;
	bits = is_v4(&network) ? 32 : 128;
	if (slash != NULL && strtol(slash, NULL, 10) < bits)
		bits = (int)strtol(slash, NULL, 10);
	return bits >= 0 && holds(&network, bits, a);
}
