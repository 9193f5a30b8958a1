/* YAML as a tree with places, and everything that is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/mistakes.h"
#include "base/yaml_in.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void dump(struct buf *out, const struct yaml_node *node)
{
	const struct yaml_node *child;

	if (node->kind == NODE_TEXT) {
		buf_addf(out, "<%s>", node->bad ? "bad" : node->text);
		return;
	}
	buf_addc(out, node->kind == NODE_LIST ? '[' : '{');
	for (child = node->first; child != NULL; child = child->next) {
		if (child->key != NULL)
			buf_addf(out, "%s@%d:%d=", child->key, child->key_at.line,
			    child->key_at.column);
		dump(out, child);
		buf_addf(out, "@%d:%d ", child->at.line, child->at.column);
	}
	buf_addc(out, node->kind == NODE_LIST ? ']' : '}');
}

static void test_tree(void **state)
{
	static const struct {
		const char *yaml, *tree;
	} rows[] = {
		{ "", "{}" },
		{ "# nothing\n", "{}" },
		{ "\xef\xbb\xbf"
		  "a: b\n",
		    "{a@1:1=<b>@1:4 }" },
		{ "a: no\nb: 010\nc: ~\nd: \"x y\"\n",
		    "{a@1:1=<no>@1:4 b@2:1=<010>@2:4 c@3:1=<~>@3:4 d@4:1=<x y>@4:4 }" },
		{ "a: {b: [c, 'd']}\n", "{a@1:1={b@1:5=[<c>@1:9 <d>@1:12 ]@1:8 }@1:4 }" },
		{ "a:\nb: |\n  x\n  y\n", "{a@1:1=<>@1:3 b@2:1=<x\ny\n>@2:4 }" },
		{ "---\na: b\n...\n", "{a@2:1=<b>@2:4 }" },
		{ "\xc3\xa9: \xc3\xa9\n", "{\xc3\xa9@1:1=<\xc3\xa9>@1:4 }" },
		{ "%YAML 1.1\n---\na: b\n", "{a@3:1=<b>@3:4 }" },
	};
	struct mistakes m;
	struct buf out;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct yaml_node *root;

		mistakes_init(&m);
		buf_init(&out);
		root = yaml_read(m.arena, rows[i].yaml, strlen(rows[i].yaml), &m);
		assert_non_null(root);
		assert_int_equal(m.count, 0);
		dump(&out, root);
		assert_string_equal(out.data, rows[i].tree);
		buf_fini(&out);
		mistakes_fini(&m);
	}
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *yaml, *mistakes;
		bool readable; /* the rest is looked at all the same */
	} rows[] = {
		{ "a: &x b\n",
		    "1:4: a: found an anchor (&); allowed: the value itself, quoted where it begins with &\n",
		    true },
		{ "a: {b: *x}\n",
		    "1:8: a.b: found an alias (*); allowed: the value itself, quoted where it begins with *\n",
		    true },
		{ "a: !!int 3\n",
		    "1:4: a: found a tag (!); allowed: the value itself, quoted where it begins with !\n",
		    true },
		{ "a: 1\nb: 2\na: 3\n",
		    "3:1: a: given twice, before in line 1; allowed: every key once\n", true },
		{ "a:\n  b: [{c: 1, c: 2}]\n",
		    "2:14: a.b[0].c: given twice, before in line 2; allowed: every key once\n",
		    true },
		{ "a: b\n---\nc: d\n", "2:1: found a second document; allowed: one document\n",
		    true },
		{ "%YAML 1.2\n---\na: b\n", "1:1: found YAML 1.2; allowed: YAML 1.1\n", true },
		{ "- a\n", "1:1: found a list; allowed: a map of options\n", false },
		{ "hello\n", "1:1: found a text; allowed: a map of options\n", false },
		{ "a: [[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]]\n",
		    "1:19: a[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]: nested too deeply; allowed: 16 levels\n",
		    true },
		{ "? [a]\n: b\n",
		    "1:3: found a list, a map or an alias as key; allowed: a plain text as key\n",
		    false },
		{ "&k a: b\n",
		    "1:1: found an anchor, a tag or a NUL in a key; allowed: a plain text as key\n",
		    false },
		{ "a: \"b\\0c\"\n", "1:4: a: holds a NUL; allowed: text\n", true },
		{ "a: b: c\n", "1:5: not YAML: mapping values are not allowed in this context\n",
		    false },
		{ "a: [b\n",
		    "2:1: not YAML: did not find expected ',' or ']', while parsing a flow sequence\n",
		    false },
		{ "a: b\nx\xff: c\n", "2:2: found bytes that are no UTF-8; allowed: UTF-8\n",
		    false },
	};
	struct mistakes m;
	struct buf out;
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct yaml_node *root;

		mistakes_init(&m);
		buf_init(&out);
		root = yaml_read(m.arena, rows[i].yaml, strlen(rows[i].yaml), &m);
		for (j = 0; j < m.all; j++) {
			buf_addf(&out, "%d:%d: ", m.items[j].at.line, m.items[j].at.column);
			mistake_words(&out, &m.items[j]);
			buf_addc(&out, '\n');
		}
		assert_string_equal(out.data, rows[i].mistakes);
		assert_true((root != NULL) == rows[i].readable);
		assert_int_equal(m.exit, 78);
		buf_fini(&out);
		mistakes_fini(&m);
	}
}

static void test_size(void **state)
{
	size_t len = YAML_MAX_BYTES + 1;
	char *text = xmalloc(len);
	struct mistakes m;

	(void)state;
	memset(text, '#', len);
	mistakes_init(&m);
	assert_non_null(yaml_read(m.arena, text, len - 1, &m));
	assert_null(yaml_read(m.arena, text, len, &m));
	assert_string_equal(m.items[0].wrong, "the file has 1048577 bytes");
	mistakes_fini(&m);
	xfree(text);
}

/* As many keys as fit, all the same: told, and not in a minute. */
static void test_many_duplicates(void **state)
{
	struct mistakes m;
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b);
	for (i = 0; i < 200000; i++)
		buf_adds(&b, "a: \n");
	mistakes_init(&m);
	assert_non_null(yaml_read(m.arena, b.data, b.len, &m));
	assert_int_equal(m.count, 199999);
	mistakes_sort(&m);
	assert_int_equal(m.items[0].at.line, 2);
	assert_int_equal(m.items[199998].at.line, 200000);
	mistakes_fini(&m);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_many_duplicates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
