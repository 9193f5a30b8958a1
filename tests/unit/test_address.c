/* Which addresses are public, however they are written, and which lie in a network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/address.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static struct address parsed(const char *text)
{
	struct address a;

	if (!address_parse(text, &a))
		fail_msg("%s", text);
	return a;
}

static void test_public(void **state)
{
	static const char *const rows[] = { "1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1",
		"172.15.0.1", "172.32.0.1", "192.167.255.255", "198.17.0.1", "198.20.0.1",
		"223.255.255.255", "2606:4700::1111", "2a00:1450::1", "2400:cb00::1",
		"::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1" };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		const struct address a = parsed(rows[i]);

		if (!address_is_public(&a))
			fail_msg("%s is public", rows[i]);
	}
}

static void test_not_public(void **state)
{
	static const char *const rows[] = { "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255",
		"100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.0.1", "169.254.169.254",
		"172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1",
		"192.168.1.1", "198.18.0.1", "198.19.255.1", "198.51.100.1", "203.0.113.9",
		"224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1",
		"::ffff:127.0.0.1", "::ffff:10.1.2.3", "::ffff:169.254.169.254", "fc00::1",
		"fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "2001:db8::1", "2001::1",
		"100::1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1",
		"2002:7f00:1::1", "2002:a00:1::", "3fff::1" };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		const struct address a = parsed(rows[i]);

		if (address_is_public(&a))
			fail_msg("%s is not public", rows[i]);
	}
}

static void test_networks(void **state)
{
	static const struct {
		const char *cidr, *address;
		bool holds;
	} rows[] = {
		{ "10.0.0.0/8", "10.9.8.7", true },
		{ "10.0.0.0/8", "11.0.0.1", false },
		{ "10.0.0.0/8", "::ffff:10.0.0.1", true },
		{ "10.1.2.3", "10.1.2.3", true },
		{ "10.1.2.3", "10.1.2.4", false },
		{ "192.168.4.0/22", "192.168.7.255", true },
		{ "192.168.4.0/22", "192.168.8.0", false },
		{ "0.0.0.0/0", "127.0.0.1", true },
		{ "0.0.0.0/0", "::1", false },
		{ "::/0", "10.0.0.1", false },
		{ "::/0", "fd00::1", true },
		{ "fd00::/8", "fd12::1", true },
		{ "fd00::/8", "fc00::1", false },
		{ "::1", "::1", true },
		{ "nonsense", "10.0.0.1", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		const struct address a = parsed(rows[i].address);

		if (cidr_holds(rows[i].cidr, &a) != rows[i].holds)
			fail_msg("%s %s", rows[i].cidr, rows[i].address);
	}
}

static void test_from_sockets(void **state)
{
	const struct sockaddr_in v4 = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	const struct sockaddr_un local = { .sun_family = AF_UNIX };
	struct address a;

	(void)state;
	assert_true(address_of((const struct sockaddr *)&v4, &a));
	assert_true(cidr_holds("127.0.0.1", &a));
	assert_true(address_of((const struct sockaddr *)&v6, &a));
	assert_true(cidr_holds("::1", &a));
	assert_false(address_of((const struct sockaddr *)&local, &a));
	assert_false(address_parse("example.com", &a));
	assert_false(address_parse("", &a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_public),
		cmocka_unit_test(test_not_public),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_from_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
