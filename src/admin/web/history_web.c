/* See history_web.h. */
#include "admin/web/history_web.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "admin/json_time.h"
#include "admin/web/api.h"
#include "admin/web/web.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "base/mem.h"
#include "flow/endpoint.h"
#include "flow/pager.h"
#include "net/http_in.h"

#define STOPS "the relay stops"

struct leaf {
	struct leaf *next;
	struct arena *arena;
};

/* One request; it lives until it is answered. */
struct asking {
	LIST_ENTRY(asking) next;
	struct api_call *call;
	struct endpoint *endpoint;
	struct page page;
	int64_t since_ms;
	struct leaf *leaves;
	struct event **events;
	size_t count, size;
};

struct history_web {
	LIST_HEAD(, asking) askings;
};

static void done(struct asking *k)
{
	struct leaf *l, *next;

	LIST_REMOVE(k, next);
	for (l = k->leaves; l != NULL; l = next) {
		next = l->next;
		arena_free(l->arena);
		xfree(l);
	}
	xfree(k->events);
	xfree(k);
}

static void keep(struct asking *k, struct arena *a)
{
	struct leaf *l = xcalloc(1, sizeof(*l));

	l->arena = a;
	l->next = k->leaves;
	k->leaves = l;
}

/* ---- writing down ---- */

static void put_person(struct json_out *o, const struct person *p)
{
	json_key(o, "person");
	json_begin_object(o);
	json_member_text(o, "identity", p->identity);
	json_member_text(o, "id", p->id);
	json_member_text(o, "address", p->address);
	json_member_text(o, "name", p->name);
	json_member_text(o, "email", p->email);
	json_member_text(o, "phone", p->phone);
	json_member_text(o, "avatar", p->avatar);
	json_end_object(o);
}

/* What stands in place of what the conversation's page does not say of him. */
static void put_assignee(struct json_out *o, const struct endpoint *e, const struct event *c)
{
	const struct via via = endpoint_via(e);
	const char *id = c->facts != NULL ? c->facts->v[FACT_AGENT] : NULL;
	const char *team = memo_get(&via, MEMO_TEAM);
	struct author who = c->assignee;
	struct arena *a = arena_new();
	struct json_error error;
	const struct json *j;

	if (id == NULL || *id == '\0')
		goto out;
	j = team != NULL ? json_read(a, team, strlen(team), &error) : NULL;
	for (j = j != NULL ? j->child : NULL; j != NULL; j = j->next)
		if (json_text(j, "id") != NULL && strcmp(json_text(j, "id"), id) == 0)
			break;
	json_key(o, "assignee");
	json_begin_object(o);
	json_member_text(o, "id", id);
	json_member_text(o, "name", who.name != NULL ? who.name : json_text(j, "name"));
	json_member_text(o, "email", who.email != NULL ? who.email : json_text(j, "email"));
	json_end_object(o);
out:
	arena_free(a);
}

static void put_facts(struct json_out *o, const struct facts *f)
{
	if (f == NULL)
		return;
	if (f->v[FACT_PRIORITY] != NULL && *f->v[FACT_PRIORITY] != '\0')
		json_member_text(o, "priority", f->v[FACT_PRIORITY]);
	if (f->v[FACT_ATTRIBUTES] == NULL)
		return;
	json_key(o, "attributes");
	json_put_raw(o, f->v[FACT_ATTRIBUTES], strlen(f->v[FACT_ATTRIBUTES]));
}

static void put_conversation(struct json_out *o, const struct endpoint *e, const struct event *c)
{
	size_t i;

	json_begin_object(o);
	json_member_text(o, "type", "conversation");
	json_member_text(o, "endpoint", e->conf.name);
	json_member_text(o, "platform", e->connector->name);
	json_member_text(o, "id", c->conversation);
	json_member_text(o, "state", c->state != STATE_NONE ? state_word((int)c->state) : NULL);
	json_member_time(o, "begun", c->conversation_at_ms);
	json_member_time(o, "changed", c->version);
	json_member_text(o, "channel", c->channel);
	json_member_text(o, "department", c->department);
	json_member_text(o, "department_name", c->department_name);
	json_key(o, "tags");
	json_begin_array(o);
	for (i = 0; i < c->ntags; i++)
		json_put_text(o, c->tags[i]);
	json_end_array(o);
	put_assignee(o, e, c);
	put_facts(o, c->facts);
	put_person(o, &c->person);
	json_end_object(o);
}

static void put_file(struct json_out *o, const struct attachment *f)
{
	json_begin_object(o);
	json_member_text(o, "kind", attachment_kind_word((int)f->kind));
	json_member_text(o, "url", f->url);
	json_member_text(o, "type", f->type);
	json_member_text(o, "name", f->name);
	if (f->size >= 0)
		json_member_int(o, "size", f->size);
	json_member_text(o, "latitude", f->latitude);
	json_member_text(o, "longitude", f->longitude);
	json_member_text(o, "title", f->title);
	json_member_text(o, "contact_name", f->contact_name);
	json_member_text(o, "phone", f->phone);
	json_end_object(o);
}

/* What a bridge would not simply carry. */
static void put_flags(struct json_out *o, const struct event *e)
{
	static const struct {
		unsigned flag;
		const char *word;
	} flags[] = { { EVENT_IS_DRAFT, "draft" }, { EVENT_IS_HIDDEN, "hidden" },
		{ EVENT_IS_SYSTEM, "system" }, { EVENT_IS_COMMAND, "command" },
		{ EVENT_IS_PREFLIGHT, "preflight" }, { EVENT_IS_DELETED, "deleted" },
		{ EVENT_IS_AUTOMATIC, "automatic" }, { EVENT_IS_STICKER, "sticker" },
		{ EVENT_IS_EMPTY, "empty" } };
	size_t i;

	json_key(o, "flags");
	json_begin_array(o);
	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (e->flags & flags[i].flag)
			json_put_text(o, flags[i].word);
	json_end_array(o);
}

static void put_widget(struct json_out *o, const struct widget *w)
{
	json_begin_object(o);
	json_member_text(o, "kind", widget_kind_word((int)w->kind));
	json_member_text(o, "label", w->label);
	json_member_text(o, "text", w->text);
	json_member_text(o, "url", w->url);
	json_member_text(o, "image", w->image);
	json_end_object(o);
}

/* What few messages have. */
static void put_rest(struct json_out *o, const struct event *e)
{
	size_t i;

	json_member_text(o, "choice", e->choice);
	json_member_text(o, "mark", e->mark);
	if (e->nwidgets == 0)
		return;
	json_key(o, "widgets");
	json_begin_array(o);
	for (i = 0; i < e->nwidgets; i++)
		put_widget(o, &e->widgets[i]);
	json_end_array(o);
}

static void put_message(struct json_out *o, const struct event *e)
{
	size_t i;

	json_begin_object(o);
	json_member_text(o, "type", "message");
	json_member_text(o, "conversation", e->conversation);
	json_member_text(o, "id", e->remote);
	json_member_time(o, "at", e->at_ms);
	json_member_text(o, "role", role_word((int)e->author.role));
	json_member_text(o, "author", e->author.id);
	json_member_text(o, "name", e->author.name);
	json_member_bool(o, "private", e->is_private);
	put_flags(o, e);
	json_member_text(o, "format", format_word((int)e->format));
	json_member_text(o, "text", e->text);
	json_member_text(o, "reply_to", e->reply_to);
	json_key(o, "files");
	json_begin_array(o);
	for (i = 0; i < e->nattachments; i++)
		put_file(o, &e->attachments[i]);
	json_end_array(o);
	put_rest(o, e);
	json_end_object(o);
}

static struct json_out *begin(struct asking *k)
{
	struct json_out *o = json_out_new(k->call->arena);

	json_begin_object(o);
	json_key(o, "items");
	json_begin_array(o);
	return o;
}

static void answer(struct asking *k, struct json_out *o, const char *next)
{
	const char *body;
	size_t len;

	json_end_array(o);
	json_key(o, "next");
	json_put_text(o, next);
	json_end_object(o);
	body = json_done(o, &len);
	api_reply(k->call, 200, body, len);
	done(k);
}

static void refuse(struct asking *k, const struct outcome *o, const char *what)
{
	api_problem(k->call, API_NOT_FOUND,
	    o->effect.why != NULL ? arena_strdup(k->call->arena, o->effect.why) : what, NULL);
	done(k);
}

/* ---- conversations ---- */

static void on_conversations(void *arg, struct arena *a, const struct outcome *o)
{
	struct asking *k = arg;
	struct json_out *out;
	size_t i;

	keep(k, a);
	if (o->effect.kind == EFFECT_REJECTED) {
		refuse(k, o, "its conversations cannot be listed");
		return;
	}
	out = begin(k);
	for (i = 0; i < o->events.count; i++)
		if (o->events.items[i].drop == DROP_NONE && o->events.items[i].conversation != NULL)
			put_conversation(out, k->endpoint, &o->events.items[i]);
	answer(k, out, o->cursor);
}

/* ---- messages ---- */

static int compare(const void *a, const void *b)
{
	const struct event *const *x = a, *const *y = b;
	size_t lx = strlen((*x)->remote), ly = strlen((*y)->remote);

	if ((*x)->at_ms != (*y)->at_ms)
		return (*x)->at_ms < (*y)->at_ms ? -1 : 1;
	return lx != ly ? (lx < ly ? -1 : 1) : strcmp((*x)->remote, (*y)->remote);
}

static void on_messages(void *arg, struct arena *a, const struct outcome *o);

static void ask_messages(struct asking *k, const char *cursor)
{
	k->page.job = (struct job){ .step = STEP_LIST_MESSAGES,
		.cursor = cursor,
		.since_ms = k->since_ms,
		.about = k->page.job.about };
	k->page.done = on_messages;
	page_ask(k->endpoint, &k->page);
}

static void add(struct asking *k, struct arena *a, struct event *e)
{
	event_as_history(a, e);
	if (e->remote == NULL || e->kind != EVENT_MESSAGE || e->at_ms < k->since_ms
	    || e->drop != DROP_NONE)
		return;
	if (k->count == k->size) {
		k->size = k->size > 0 ? k->size * 2 : 64;
		k->events = xrealloc(k->events, k->size * sizeof(struct event *));
	}
	k->events[k->count++] = e;
}

static void on_messages(void *arg, struct arena *a, const struct outcome *o)
{
	struct asking *k = arg;
	struct json_out *out;
	size_t i;

	keep(k, a);
	if (o->effect.kind == EFFECT_REJECTED) {
		refuse(k, o, "there is no such conversation");
		return;
	}
	if (http_in_call_is_gone(k->call->call)) {
		refuse(k, o, "nobody waits for it");
		return;
	}
	for (i = 0; i < o->events.count; i++)
		add(k, a, &o->events.items[i]);
	if (o->cursor != NULL) {
		ask_messages(k, o->cursor);
		return;
	}
	if (k->count > 1)
		qsort(k->events, k->count, sizeof(struct event *), compare);
	out = begin(k);
	for (i = 0; i < k->count; i++)
		put_message(out, k->events[i]);
	answer(k, out, NULL);
}

static void on_about(void *arg, struct arena *a, const struct outcome *o)
{
	struct asking *k = arg;

	keep(k, a);
	if (o->effect.kind == EFFECT_REJECTED || o->events.count == 0) {
		refuse(k, o, "there is no such conversation");
		return;
	}
	k->page.job.about = &o->events.items[0];
	ask_messages(k, NULL);
}

/* ---- requests ---- */

static struct endpoint *endpoint_named(const struct flow *f, const char *name)
{
	size_t i;

	for (i = 0; name != NULL && i < f->nendpoints; i++)
		if (strcmp(f->endpoints[i].conf.name, name) == 0)
			return &f->endpoints[i];
	return NULL;
}

/* NULL: it is answered why not. */
static struct asking *asking_new(struct api_call *c)
{
	struct endpoint *e = endpoint_named(c->web->flow, api_query(c, "endpoint"));
	const char *since = api_query(c, "since");
	int64_t since_ms = 0;
	struct asking *k;

	if (e == NULL) {
		api_problem(c, API_NOT_FOUND, "endpoint: there is none of that name", NULL);
		return NULL;
	}
	if (c->web->flow->draining) {
		api_problem(c, API_BUSY, STOPS, NULL);
		return NULL;
	}
	if (!e->conf.caps->pages) {
		api_problem(c, API_INVALID, "its platform does not tell what was said", NULL);
		return NULL;
	}
	if (since != NULL && time_parse(since, &since_ms) != 0) {
		api_problem(c, API_INVALID, "since: allowed: a time like 2026-11-20T20:29:16Z",
		    NULL);
		return NULL;
	}
	k = xcalloc(1, sizeof(*k));
	k->call = c;
	k->endpoint = e;
	k->since_ms = since_ms;
	k->page.arg = k;
	LIST_INSERT_HEAD(&c->web->history->askings, k, next);
	return k;
}

void history_web_list(struct api_call *c)
{
	struct asking *k = asking_new(c);

	if (k == NULL)
		return;
	k->page.job = (struct job){ .step = STEP_LIST_CONVERSATIONS,
		.cursor = api_query(c, "cursor"),
		.since_ms = k->since_ms };
	k->page.done = on_conversations;
	page_ask(k->endpoint, &k->page);
}

void history_web_show(struct api_call *c)
{
	struct asking *k = asking_new(c);

	if (k == NULL)
		return;
	k->page.known.conversation = c->name;
	k->page.job = (struct job){ .step = STEP_LIST_CONVERSATIONS };
	k->page.done = on_about;
	page_ask(k->endpoint, &k->page);
}

/* ---- life ---- */

struct history_web *history_web_new(void)
{
	struct history_web *h = xcalloc(1, sizeof(*h));

	LIST_INIT(&h->askings);
	return h;
}

bool history_web_stop(struct history_web *h)
{
	bool is_somebody = !LIST_EMPTY(&h->askings);
	struct asking *k;

	while ((k = LIST_FIRST(&h->askings)) != NULL) {
		page_cancel(&k->page);
		api_problem(k->call, API_BUSY, STOPS, NULL);
		done(k);
	}
	return is_somebody;
}

void history_web_free(struct history_web *h)
{
	if (h == NULL)
		return;
	history_web_stop(h);
	xfree(h);
}
