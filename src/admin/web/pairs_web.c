/* See pairs_web.h. POST {"mode": "check" | "plan" | "link", "pairs": [{"customers", "agents"}]}, few at a time: the
 * answer, which comes when all of them are over, has {"result", "reason"} for each in their order. */
#include "admin/web/pairs_web.h"

#include <string.h>

#include "admin/web/api.h"
#include "admin/web/web.h"
#include "base/arena.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "flow/history/pairing.h"

#define CHECKED_MOST 1000
#define ASKED_MOST 20 /* both ends are asked for each */

struct taking {
	struct api_call *call;
	struct pairing_item *items;
	size_t count;
};

static void on_done(void *arg, bool is_over)
{
	struct taking *t = arg;
	struct api_call *c = t->call;
	struct json_out *o = json_out_new(c->arena);
	const char *body;
	size_t i, len;

	if (is_over) {
		api_problem(c, API_BUSY, "the relay stops", NULL);
		return;
	}
	json_begin_object(o);
	json_key(o, "items");
	json_begin_array(o);
	for (i = 0; i < t->count; i++) {
		json_begin_object(o);
		json_member_text(o, "result", pairing_result_word(t->items[i].result));
		json_member_text(o, "reason", t->items[i].why);
		json_end_object(o);
	}
	json_end_array(o);
	json_member_text_or_null(o, "next", NULL);
	json_end_object(o);
	body = json_done(o, &len);
	api_reply(c, 200, body, len);
}

static bool read_mode(struct api_call *c, const struct json *body, enum pairing_mode *mode)
{
	static const char *const words[] = { "check", "plan", "link" };
	const char *text = json_text(body, "mode");
	size_t i;

	for (i = 0; text != NULL && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], text) == 0) {
			*mode = (enum pairing_mode)i;
			return true;
		}
	api_problem(c, API_INVALID, "mode: allowed: check, plan, link", NULL);
	return false;
}

static bool read_pairs(struct api_call *c, const struct json *list, size_t most, struct taking *t)
{
	const struct json *j;

	if (list == NULL || list->count > most) {
		api_problem(c, API_INVALID,
		    arena_printf(c->arena, "pairs: allowed: a list of at most %zu", most), NULL);
		return false;
	}
	t->items = arena_zalloc(c->arena, (list->count + 1) * sizeof(*t->items));
	for (j = list->child; j != NULL; j = j->next) {
		t->items[t->count].customers = arena_strdup(c->arena, json_text(j, "customers"));
		t->items[t->count].agents = arena_strdup(c->arena, json_text(j, "agents"));
		if (t->items[t->count].customers == NULL || t->items[t->count].agents == NULL) {
			api_problem(c, API_INVALID,
			    "pairs: allowed: objects with customers and agents, texts", NULL);
			return false;
		}
		t->count++;
	}
	return true;
}

void pairs_web_take(struct api_call *c)
{
	const struct json *body = api_body(c);
	struct taking *t = ARENA_NEW(c->arena, struct taking);
	enum pairing_mode mode;

	if (body == NULL || !read_mode(c, body, &mode)
	    || !read_pairs(c, json_array(body, "pairs"),
		mode == PAIRING_CHECK ? CHECKED_MOST : ASKED_MOST, t))
		return;
	t->call = c;
	pairing_start(c->web->flow, mode, t->items, t->count, c->arena, on_done, t);
}
