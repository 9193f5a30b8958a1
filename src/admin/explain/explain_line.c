/* What every part of explain writes and remembers with. */
#include <stdio.h>
#include <string.h>

#include "admin/explain/explain.h"

struct json_out *explain_line(struct explain *x, const char *type)
{
	struct json_out *o = json_out_new(x->a);

	json_begin_object(o);
	json_member_text(o, "type", type);
	json_member_int(o, "n", x->n);
	json_member_text(o, "endpoint", x->endpoint->name);
	return o;
}

void explain_line_end(struct json_out *o)
{
	const char *text;
	size_t len;

	json_end_object(o);
	text = json_done(o, &len);
	fwrite(text, 1, len, stdout);
	fputc('\n', stdout);
}

struct via explain_via(const struct explain *x, const struct endpoint_conf *e)
{
	return (struct via){
		.endpoint = e,
		.conf = e->conf,
		.keys = &x->keys,
		.now_ms = x->now_ms,
		.explain = true,
	};
}

void explain_texts_add(struct arena *a, struct explain_texts *t, const char *text)
{
	const char **grown;

	if (t->count == t->size) {
		t->size = t->size == 0 ? 16 : t->size * 2;
		grown = arena_zalloc(a, t->size * sizeof(*grown));
		if (t->count > 0)
			memcpy(grown, t->items, t->count * sizeof(*grown));
		t->items = grown;
	}
	t->items[t->count++] = text;
}

bool explain_texts_have(const struct explain_texts *t, const char *text)
{
	size_t i;

	for (i = 0; text != NULL && i < t->count; i++)
		if (strcmp(t->items[i], text) == 0)
			return true;
	return false;
}
