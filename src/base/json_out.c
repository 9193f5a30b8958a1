/* See json_out.h. yajl knows where commas and colons belong and what must be escaped; the bytes go
 * to a buffer in the arena. A call out of order (a value without a key, one end too many) is a
 * mistake in the program, not in the data, and aborts. */
#include "base/json_out.h"

#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_gen.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "base/utf8.h"

#define FIRST_SIZE 512

struct json_out {
	struct arena *arena;
	yajl_gen gen;
	char *data;
	size_t len, size;
};

static void on_print(void *ctx, const char *text, size_t len)
{
	struct json_out *o = ctx;
	char *old = o->data;

	if (o->size - o->len <= len) { /* one byte stays free for the NUL */
		o->size = 2 * (o->len + len) < FIRST_SIZE ? FIRST_SIZE : 2 * (o->len + len);
		o->data = arena_alloc(o->arena, o->size);
		if (o->len > 0)
			memcpy(o->data, old, o->len);
	}
	if (len > 0)
		memcpy(o->data + o->len, text, len);
	o->len += len;
}

static void *gen_malloc(void *ctx, size_t size)
{
	return arena_alloc(ctx, size);
}

/* Never called: only yajl's own buffer would grow, and on_print is in its place. */
static void *gen_realloc(void *ctx, void *old, size_t size)
{
	(void)ctx, (void)old, (void)size;
	abort();
}

static void gen_release(void *ctx, void *p)
{
	(void)ctx, (void)p;
}

struct json_out *json_out_new(struct arena *a)
{
	yajl_alloc_funcs memory = { gen_malloc, gen_realloc, gen_release, a };
	struct json_out *o = ARENA_NEW(a, struct json_out);

	o->arena = a;
	o->gen = yajl_gen_alloc(&memory);
	yajl_gen_config(o->gen, yajl_gen_print_callback, on_print, o);
	return o;
}

static void must(yajl_gen_status status)
{
	if (status != yajl_gen_status_ok)
		abort();
}

void json_begin_object(struct json_out *o)
{
	must(yajl_gen_map_open(o->gen));
}

void json_end_object(struct json_out *o)
{
	must(yajl_gen_map_close(o->gen));
}

void json_begin_array(struct json_out *o)
{
	must(yajl_gen_array_open(o->gen));
}

void json_end_array(struct json_out *o)
{
	must(yajl_gen_array_close(o->gen));
}

void json_put_text_len(struct json_out *o, const char *text, size_t len)
{
	if (!utf8_valid(text, len))
		text = utf8_repair(o->arena, text, len, &len);
	must(yajl_gen_string(o->gen, (const unsigned char *)text, len));
}

void json_key(struct json_out *o, const char *key)
{
	json_put_text_len(o, key, strlen(key));
}

void json_put_text(struct json_out *o, const char *text)
{
	if (text == NULL)
		json_put_null(o);
	else
		json_put_text_len(o, text, strlen(text));
}

void json_put_int(struct json_out *o, int64_t n)
{
	must(yajl_gen_integer(o->gen, n));
}

void json_put_bool(struct json_out *o, bool b)
{
	must(yajl_gen_bool(o->gen, b));
}

void json_put_null(struct json_out *o)
{
	must(yajl_gen_null(o->gen));
}

void json_put_number(struct json_out *o, const char *digits)
{
	must(yajl_gen_number(o->gen, digits, strlen(digits)));
}

void json_put_raw(struct json_out *o, const char *json, size_t len)
{
	must(yajl_gen_number(o->gen, json, len)); /* yajl copies it as it is */
}

static void put_children(struct json_out *o, const struct json *j)
{
	for (j = j->child; j != NULL; j = j->next) {
		if (j->key != NULL)
			json_key(o, j->key);
		json_put(o, j);
	}
}

void json_put(struct json_out *o, const struct json *j)
{
	switch (j->type) {
	case JSON_NULL: json_put_null(o); break;
	case JSON_FALSE: json_put_bool(o, false); break;
	case JSON_TRUE: json_put_bool(o, true); break;
	case JSON_NUMBER: json_put_raw(o, j->text, j->len); break;
	case JSON_STRING: json_put_text_len(o, j->text, j->len); break;
	case JSON_ARRAY:
		json_begin_array(o);
		put_children(o, j);
		json_end_array(o);
		break;
	case JSON_OBJECT:
		json_begin_object(o);
		put_children(o, j);
		json_end_object(o);
		break;
	}
}

void json_member_text(struct json_out *o, const char *key, const char *text)
{
	if (text != NULL)
		json_member_text_or_null(o, key, text);
}

void json_member_text_or_null(struct json_out *o, const char *key, const char *text)
{
	json_key(o, key);
	json_put_text(o, text);
}

void json_member_int(struct json_out *o, const char *key, int64_t n)
{
	json_key(o, key);
	json_put_int(o, n);
}

void json_member_bool(struct json_out *o, const char *key, bool b)
{
	json_key(o, key);
	json_put_bool(o, b);
}

void json_member_id(struct json_out *o, const char *key, const char *id)
{
	size_t len = id != NULL ? strlen(id) : 0;

	if (id == NULL)
		return;
	json_key(o, key);
	if (len > 0 && len <= 18 && strspn(id, "0123456789") == len && (*id != '0' || len == 1))
		json_put_number(o, id);
	else
		json_put_text(o, id);
}

const char *json_done(struct json_out *o, size_t *len)
{
	/* Complete is what yajl takes nothing more for. */
	if (yajl_gen_null(o->gen) != yajl_gen_generation_complete)
		abort();
	o->data[o->len] = '\0';
	if (len != NULL)
		*len = o->len;
	return o->data;
}
