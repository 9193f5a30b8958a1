/* One value by its type; a section by its tables; the manual of a table; did you mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json_out.h"
#include "base/mistakes.h"
#include "base/nearest.h"
#include "base/options.h"
#include "base/url.h"
#include "base/yaml_in.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void test_units(void **state)
{
	static const struct {
		const char *text;
		int64_t size, msecs; /* -1: it is not one */
	} rows[] = {
		{ "0", 0, 0 },
		{ "8MiB", 8 << 20, -1 },
		{ "64KiB", 64 << 10, -1 },
		{ "2GiB", INT64_C(2) << 30, -1 },
		{ "5KB", 5000, -1 },
		{ "5MB", 5000000, -1 },
		{ "5GB", 5000000000, -1 },
		{ "500ms", -1, 500 },
		{ "30s", -1, 30000 },
		{ "15m", -1, 900000 },
		{ "6h", -1, 21600000 },
		{ "7d", -1, 604800000 },
		{ "0s", -1, 0 },
		{ "7", -1, -1 },
		{ "", -1, -1 },
		{ "s", -1, -1 },
		{ "-1s", -1, -1 },
		{ "1.5h", -1, -1 },
		{ "7 d", -1, -1 },
		{ "7D", -1, -1 },
		{ "8mib", -1, -1 },
		{ "+3s", -1, -1 },
		{ " 3s", -1, -1 },
		{ "3s ", -1, -1 },
		{ "999999999999999999d", -1, -1 },
		{ "99999999999999999999s", -1, -1 },
		{ "999999999999999999GiB", -1, -1 },
	};
	int64_t n;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		n = -1;
		assert_int_equal(size_parse(rows[i].text, &n), rows[i].size < 0 ? -1 : 0);
		assert_true(rows[i].size < 0 || n == rows[i].size);
		assert_int_equal(msecs_parse(rows[i].text, &n), rows[i].msecs < 0 ? -1 : 0);
		assert_true(rows[i].msecs < 0 || n == rows[i].msecs);
	}
}

static void test_rate(void **state)
{
	static const struct {
		const char *text;
		int64_t count, period_msecs; /* count -1: it is not one */
	} rows[] = {
		{ "120/min", 120, 60000 },
		{ "20/s", 20, 1000 },
		{ "0", 0, 0 },
		{ "0/s", -1, 0 },
		{ "120", -1, 0 },
		{ "/s", -1, 0 },
		{ "1/h", -1, 0 },
		{ "", -1, 0 },
	};
	struct rate rate;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_int_equal(rate_parse(rows[i].text, &rate), rows[i].count < 0 ? -1 : 0);
		if (rows[i].count < 0)
			continue;
		assert_int_equal(rate.count, rows[i].count);
		assert_int_equal(rate.period_msecs, rows[i].period_msecs);
	}
}

static void test_print_values(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	assert_string_equal(size_text(a, 8 << 20), "8MiB");
	assert_string_equal(size_text(a, 1024000), "1000KiB");
	assert_string_equal(size_text(a, 5000000), "5MB");
	assert_string_equal(size_text(a, 0), "0");
	assert_string_equal(msecs_text(a, 86400000), "1d");
	assert_string_equal(msecs_text(a, 90000), "90s");
	assert_string_equal(msecs_text(a, 1), "1ms");
	assert_string_equal(msecs_text(a, MSECS_NEVER), "never");
	assert_string_equal(rate_text(a, (struct rate){ 200, 60000 }), "200/min");
	assert_string_equal(rate_text(a, (struct rate){ 0, 0 }), "0");
	arena_free(a);
}

static void test_url(void **state)
{
	static const struct {
		const char *text, *host; /* host NULL: refused, and */
		bool https;
		int port;
		const char *path, *why; /* this is what is said */
	} rows[] = {
		{ "https://Chat.Example.com", "chat.example.com", true, 443, "", NULL },
		{ "http://127.0.0.1:8471/api/", "127.0.0.1", false, 8471, "/api/", NULL },
		{ "https://[::1]:8443/x?y=1", "::1", true, 8443, "/x?y=1", NULL },
		{ "HTTPS://a_b.example", "a_b.example", true, 443, "", NULL },
		{ "ftp://a", NULL, false, 0, NULL, "is no http:// or https:// address" },
		{ "a.example.com", NULL, false, 0, NULL, "is no http:// or https:// address" },
		{ "https://", NULL, false, 0, NULL, "has no proper host and port" },
		{ "https:///x", NULL, false, 0, NULL, "has no proper host and port" },
		{ "https://a:0", NULL, false, 0, NULL, "has no proper host and port" },
		{ "https://a:65536", NULL, false, 0, NULL, "has no proper host and port" },
		{ "https://a:8x", NULL, false, 0, NULL, "has no proper host and port" },
		{ "https://[::1", NULL, false, 0, NULL, "has no proper host and port" },
		{ "https://u:pass@a", NULL, false, 0, NULL, "holds a user or a password" },
		{ "https://a/#x", NULL, false, 0, NULL, "holds a #" },
		{ "https://a b", NULL, false, 0, NULL, "holds blanks or letters beyond ASCII" },
		{ "https://\xc3\xa9.example", NULL, false, 0, NULL,
		    "holds blanks or letters beyond ASCII" },
	};
	struct arena *a = arena_new();
	struct err err;
	struct url url;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_int_equal(url_parse(a, rows[i].text, &url, &err),
		    rows[i].host == NULL ? -1 : 0);
		if (rows[i].host == NULL) {
			assert_string_equal(err.text, rows[i].why);
			continue;
		}
		assert_string_equal(url.host, rows[i].host);
		assert_int_equal(url.https, rows[i].https);
		assert_int_equal(url.port, rows[i].port);
		assert_string_equal(url.path, rows[i].path);
	}
	arena_free(a);
}

static void test_addresses(void **state)
{
	(void)state;
	assert_true(address_valid("127.0.0.1:8480"));
	assert_true(address_valid("[::]:80"));
	assert_true(address_valid("relay.example.com:0"));
	assert_false(address_valid("127.0.0.1"));
	assert_false(address_valid(":8480"));
	assert_false(address_valid("::1:80"));
	assert_false(address_valid("[::1]80"));
	assert_true(cidr_valid("10.0.0.0/8"));
	assert_true(cidr_valid("fd00::/8"));
	assert_true(cidr_valid("192.0.2.1"));
	assert_false(cidr_valid("10.0.0.0/33"));
	assert_false(cidr_valid("10.0.0/8"));
	assert_false(cidr_valid("example.com"));
	assert_true(host_is_loopback("localhost"));
	assert_true(host_is_loopback("127.9.9.9"));
	assert_true(host_is_loopback("::1"));
	assert_false(host_is_loopback("128.0.0.1"));
	assert_false(host_is_loopback("127.0.0.1.example.com"));
}

static void test_nearest(void **state)
{
	static const struct {
		const char *word, *meant;
	} rows[] = {
		{ "agent_name", "agent_names" },
		{ "reopne", "reopen" },
		{ "Rate", "rate" },
		{ "boddy", "body" },
		{ "x", NULL },
		{ "", NULL },
		{ "webhook", NULL },
		{ "agent", "agent_names" },
		{ "ag", NULL },
		{ "a_very_long_word_that_is_longer_than_anything_there_is", NULL },
	};
	static const char *const words[] = { "body", "rate", "reopen", "agent_names", NULL };
	struct nearest n;
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		nearest_begin(&n, rows[i].word);
		for (j = 0; words[j] != NULL; j++)
			nearest_try(&n, words[j]);
		if (rows[i].meant == NULL)
			assert_null(n.best);
		else
			assert_string_equal(n.best, rows[i].meant);
	}
	assert_int_equal(edit_distance("ab", "ba", 3), 1);
	assert_int_equal(edit_distance("kitten", "sitting", 3), 3);
	assert_int_equal(edit_distance("kitten", "sitting", 2), 3);
}

/* --- a section --------------------------------------------------------------------------------- */

struct sample {
	const char *text, *secret, *url;
	struct secrets keys;
	bool flag, shown, directions[2];
	int64_t number, size, wait, keep;
	struct rate rate;
	int word;
	struct option_list list, colours;
	struct option_map map, fixed;
	const char *inner;
};

#define S(field) offsetof(struct sample, field)

static const char *const words[] = { "alpha", "beta", NULL };
static const char *const shown_words[] = { "none", "show", NULL };
static const char *const never[] = { "never", NULL };
static const char *const fixed_keys[] = { "edited", "deleted", NULL };

static bool short_enough(const char *text)
{
	return strlen(text) <= 4;
}

static const struct option table[] = { { "text", OPT_TEXT, S(text), .required = true,
					   .help = "A text." },
	{ "secret", OPT_SECRET, S(secret), .help = "A secret." },
	{ "url", OPT_URL, S(url), .help = "An address." },
	{ "keys", OPT_SECRETS, S(keys), .valid = short_enough, .allowed = "up to 4 characters",
	    .help = "One or two." },
	{ "flag", OPT_BOOL, S(flag), .fallback = "true", .help = "True or false." },
	{ "shown", OPT_FLAG, S(shown), .fallback = "show", .words = shown_words, .help = "Shown?" },
	{ "both", OPT_DIRECTION, S(directions), .fallback = "to_agents", .help = "Which way." },
	{ "number", OPT_INT, S(number), .fallback = "4", .min = 1, .max = 64, .help = "How many." },
	{ "size", OPT_SIZE, S(size), .fallback = "8MiB", .min = 1024, .restart = true,
	    .help = "How large." },
	{ "wait", OPT_MSECS, S(wait), .fallback = "20s", .min = 1000, .max = 120000, .words = never,
	    .help = "How long." },
	{ "keep", OPT_MSECS, S(keep), .words = never, .word_is_zero = true, .later = true,
	    .help = "How long it is kept." },
	{ "rate", OPT_RATE, S(rate), .fallback = "200/min", .help = "How often." },
	{ "word", OPT_WORD, S(word), .fallback = "beta", .words = words, .help = "Which." },
	{ "list", OPT_LIST, S(list), .valid = short_enough, .help = "Which ones." },
	{ "colours", OPT_LIST, S(colours), .fallback = "red, green", .help = "Colours." },
	{ "map", OPT_MAP, S(map), .or_same = true, .help = "What is what." },
	{ "fixed", OPT_MAP, S(fixed), .words = fixed_keys, .help = "Texts." },
	{ "group.inner", OPT_TEXT, S(inner), .hidden = true, .help = "In a group." }, { 0 } };

static const char *const others[] = { "elsewhere", NULL };

static void read_sample(const char *yaml, struct sample *sample, struct mistakes *m)
{
	struct yaml_node *root;

	*sample = (struct sample){ 0 };
	mistakes_init(m);
	root = yaml_read(m->arena, yaml, strlen(yaml), m);
	assert_non_null(root);
	options_read(m->arena, &(struct option_part){ table, sample }, 1, root, others, m);
	mistakes_sort(m);
}

static void test_defaults(void **state)
{
	struct mistakes m;
	struct sample s;

	(void)state;
	read_sample("text: x\nelsewhere: [1]\ngroup:\n", &s, &m);
	assert_int_equal(m.all, 0);
	assert_string_equal(s.text, "x");
	assert_null(s.secret);
	assert_int_equal(s.keys.n, 0);
	assert_true(s.flag && s.shown && s.directions[0] && !s.directions[1]);
	assert_int_equal(s.number, 4);
	assert_int_equal(s.size, 8 << 20);
	assert_int_equal(s.wait, 20000);
	assert_int_equal(s.rate.count, 200);
	assert_int_equal(s.word, 1);
	assert_int_equal(s.list.count, 0);
	assert_int_equal(s.colours.count, 2);
	assert_string_equal(s.colours.items[1], "green");
	mistakes_fini(&m);
}

static void test_values(void **state)
{
	struct mistakes m;
	struct sample s;

	(void)state;
	read_sample("text: ' x '\nsecret: s3\nurl: https://a.example/api//\nkeys: [one, two]\n"
		    "flag: false\nshown: none\nboth: both\nnumber: 64\nsize: 1KiB\nwait: never\n"
		    "keep: never\nrate: 0\nword: alpha\nlist: [a, b, c]\ncolours: []\n"
		    "map: {x: y, '*': z}\nfixed: {edited: ''}\ngroup: {inner: i}\n",
	    &s, &m);
	assert_int_equal(m.count, 0);
	assert_int_equal(m.warnings, 4); /* three secrets written out, one option for later */
	assert_string_equal(s.text, " x ");
	assert_string_equal(s.url, "https://a.example/api");
	assert_int_equal(s.keys.n, 2);
	assert_string_equal(s.keys.v[1], "two");
	assert_false(s.flag || s.shown);
	assert_true(s.directions[0] && s.directions[1]);
	assert_int_equal(s.number, 64);
	assert_true(s.wait == MSECS_NEVER);
	assert_int_equal(s.keep, 0);
	assert_int_equal(s.rate.count, 0);
	assert_int_equal(s.word, 0);
	assert_int_equal(s.list.count, 3);
	assert_int_equal(s.colours.count, 0);
	assert_int_equal(s.map.count, 2);
	assert_string_equal(s.map.values[1], "z");
	assert_string_equal(s.fixed.values[0], "");
	assert_string_equal(s.inner, "i");
	mistakes_fini(&m);
	read_sample("{text: x, keys: one, list: a, map: same}", &s, &m);
	assert_int_equal(s.keys.n, 1);
	assert_string_equal(s.list.items[0], "a");
	assert_true(s.map.same);
	mistakes_fini(&m);
}

static void test_section_mistakes(void **state)
{
	static const struct {
		const char *yaml, *mistakes;
	} rows[] = {
		{ "{}", "text: is missing; allowed: a text" },
		{ "{text: }", "text: is empty; allowed: a text" },
		{ "{text: [a]}", "text: found a list; allowed: a text" },
		{ "{text: \"a\\nb\"}",
		    "text: holds a line feed or another control character; allowed: a text" },
		{ "{text: x, txet: y}",
		    "txet: unknown option; allowed: the keys in tieline options; did you mean \"text\"?" },
		{ "{text: x, elsewher: y}",
		    "elsewher: unknown option; allowed: the keys in tieline options; did you mean \"elsewhere\"?" },
		{ "{text: x, group.inner: y}",
		    "group.inner: unknown option; allowed: the keys in tieline options" },
		{ "{text: x, group: y}", "group: found a text; allowed: a map of options" },
		{ "{text: x, group: {iner: y}}",
		    "group.iner: unknown option; allowed: the keys in tieline options; did you mean \"inner\"?" },
		{ "{text: x, secret: {a: hidden1}}",
		    "secret: found a map; allowed: a secret as ${NAME} or file:PATH" },
		{ "{text: x, secret: \"hidden1\\r\"}",
		    "secret: holds a line feed or another control character; allowed: a secret as ${NAME} or file:PATH" },
		{ "{text: x, keys: hidden1}", "keys: found [secret]; allowed: up to 4 characters" },
		{ "{text: x, keys: [one, hidden1]}",
		    "keys[1]: found [secret]; allowed: up to 4 characters" },
		{ "{text: x, keys: [a, b, c]}",
		    "keys: found a list of 3; allowed: up to 4 characters" },
		{ "{text: x, keys: []}", "keys: found a list of 0; allowed: up to 4 characters" },
		{ "{text: x, url: ftp://a}",
		    "url: is no http:// or https:// address; allowed: an address like https://host.example.com/path" },
		{ "{text: x, flag: no}", "flag: found \"no\"; allowed: true, false" },
		{ "{text: x, flag: ture}",
		    "flag: found \"ture\"; allowed: true, false; did you mean \"true\"?" },
		{ "{text: x, shown: shows}",
		    "shown: found \"shows\"; allowed: none, show; did you mean \"show\"?" },
		{ "{text: x, both: to_agent}",
		    "both: found \"to_agent\"; allowed: both, to_agents, to_customers, none; did you mean \"to_agents\"?" },
		{ "{text: x, number: 65}",
		    "number: found \"65\"; allowed: a whole number from 1 to 64" },
		{ "{text: x, number: 4x}",
		    "number: found \"4x\"; allowed: a whole number from 1 to 64" },
		{ "{text: x, size: 9}",
		    "size: found \"9\"; allowed: a size of at least 1KiB; did you mean \"9MiB\"?" },
		{ "{text: x, wait: 30}",
		    "wait: found \"30\"; allowed: a duration from 1s to 2m, never; did you mean \"30s\"?" },
		{ "{text: x, wait: 3m}",
		    "wait: found \"3m\"; allowed: a duration from 1s to 2m, never" },
		{ "{text: x, wait: nevre}",
		    "wait: found \"nevre\"; allowed: a duration from 1s to 2m, never; did you mean \"never\"?" },
		{ "{text: x, rate: 30}",
		    "rate: found \"30\"; allowed: a rate like 120/min or 20/s, 0 for no limit; did you mean \"30/min\"?" },
		{ "{text: x, word: gamma}", "word: found \"gamma\"; allowed: alpha, beta" },
		{ "{text: x, list: [a, toolong]}", "list[1]: found \"toolong\"; allowed: a text" },
		{ "{text: x, list: }", "list: is empty; allowed: a text or a list of texts" },
		{ "{text: x, list: [[a]]}", "list[0]: found a list; allowed: a text" },
		{ "{text: x, map: other}",
		    "map: found \"other\"; allowed: same, or a map of texts" },
		{ "{text: x, map: {a: [b]}}",
		    "map.a: found a list; allowed: same, or a map of texts" },
		{ "{text: x, fixed: {edted: b}}",
		    "fixed.edted: unknown key; allowed: edited, deleted; did you mean \"edited\"?" },
		{ "{text: x, fixed: same}", "fixed: found \"same\"; allowed: a map of texts" },
		{ "{text: x, word: \"0123456789012345678901234567890123456789012345678901234567890123456789\"}",
		    "word: found \"012345678901234567890123456789012345678901234567890123456789…\"; allowed: alpha, beta" },
		{ "{text: x, word: \"\\e[2J\"}", "word: found \"\\x1b[2J\"; allowed: alpha, beta" },
	};
	struct mistakes m;
	struct sample s;
	struct buf out;
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		buf_init(&out);
		read_sample(rows[i].yaml, &s, &m);
		for (j = 0; j < m.all; j++)
			if (!m.items[j].warning)
				mistake_words(&out, &m.items[j]);
		assert_string_equal(out.data, rows[i].mistakes);
		assert_null(strstr(out.data, "hidden1"));
		assert_int_equal(m.count, 1);
		buf_fini(&out);
		mistakes_fini(&m);
	}
}

/* --- the manual -------------------------------------------------------------------------------- */

static const struct option short_table[] = { { "text", OPT_TEXT, S(text), .required = true,
						 .restart = true, .help = "A text | or two." },
	{ "wait", OPT_MSECS, S(wait), .fallback = "20s", .min = 1000, .max = 120000, .later = true,
	    .help =
		"How long it waits before it gives up, which it does not do while there is still some hope." },
	{ "secret", OPT_SECRET, S(secret), .fallback_words = "from setup", .help = "A secret." },
	{ "hidden", OPT_TEXT, S(text), .hidden = true, .help = "Not shown." }, { 0 } };

static const char *wait_is_5s(void *arg, const char *name)
{
	(void)arg;
	return strcmp(name, "wait") == 0 ? "5s" : NULL;
}

static void test_manual(void **state)
{
	struct arena *a = arena_new();
	struct json_out *o = json_out_new(a);
	struct buf out;

	(void)state;
	buf_init(&out);
	options_text(&out, short_table, NULL, NULL);
	assert_string_equal(out.data,
	    "  text (text, required, restart)\n"
	    "      A text | or two.\n"
	    "      allowed: a text\n"
	    "  wait (duration, not acted on yet)\n"
	    "      How long it waits before it gives up, which it does not do while there is\n"
	    "      still some hope.\n"
	    "      allowed: a duration from 1s to 2m\n"
	    "      default: 20s\n"
	    "  secret (secret)\n"
	    "      A secret.\n"
	    "      allowed: a secret as ${NAME} or file:PATH\n"
	    "      default: from setup\n");
	buf_clear(&out);
	options_markdown(&out, short_table, wait_is_5s, NULL);
	assert_string_equal(out.data,
	    "| key | values | default | meaning |\n|---|---|---|---|\n"
	    "| `text` | a text | required | A text \\| or two. Restart. |\n"
	    "| `wait` | a duration from 1s to 2m | 5s | How long it waits before it gives up, which it does not do while there is still some hope. Not acted on yet. |\n"
	    "| `secret` | a secret as ${NAME} or file:PATH | from setup | A secret. |\n");
	json_begin_array(o);
	options_json(o, "sample", short_table + 2, NULL, NULL);
	json_end_array(o);
	assert_string_equal(json_done(o, NULL),
	    "[{\"section\":\"sample\",\"key\":\"secret\",\"type\":\"secret\",\"allowed\":\"a secret as ${NAME} or file:PATH\",\"required\":false,\"default\":\"from setup\",\"secret\":true,\"restart\":false,\"acted_on\":true,\"help\":\"A secret.\"}]");
	buf_fini(&out);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_print_values),
		cmocka_unit_test(test_url),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_section_mistakes),
		cmocka_unit_test(test_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
