/* See migration_inside.h. Both ends of one conversation are read once more:
 *
 *   where it was written to ─▶ what stands there, by root ─▶ window of what was said: what the store knows ─▶ by root
 *
 * What should be there is what is neither parked nor was left out by a decision. The text that should stand there
 * is made by the very code that writes messages; with files, whose parts depend on what they are, only whether
 * they are there is looked at. Of what stands there some hundred bytes a message are kept, of what was said a
 * window. */
#include "flow/history/migration_inside.h"

#include <string.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/mem.h"
#include "core/text.h"
#include "flow/history/spool.h"
#include "flow/ingest.h"
#include "flow/plan.h"

#define WINDOW 64
#define NOT_AVAILABLE "file not available"

/* How far down all of it a message stands: pages come newest first, links the oldest first. */
#define PLACES_OF_PAGE (1LL << 20)
#define PLACES_OF_LINK (1LL << 40)

struct copy { /* one message that bears a mark, at the other side */
	struct map_node node;
	struct root root;
	char kind;
	int part;
	int64_t place;
	uint64_t text; /* digest */
	uint32_t files;
	bool is_told; /* that a file is not to be had */
};

struct replied { /* a message that another one replies to */
	struct map_node node;
	struct event *event;
};

struct slot {
	struct arena *arena;
	struct event *event;
};

struct migration_comparison {
	struct migration_run *run;
	struct arena *arena;
	const char *conversation;
	struct spool *said;
	struct slot slots[WINDOW];
	enum migration_found found[WINDOW];
	const char *keys[WINDOW];
	size_t count;
	bool is_last, has_words;
	struct op_migration_look look;
	struct op_migration_links links;
	size_t link;
	struct page page;
	char *cursor;
	int64_t place; /* where the page's first message stands */
	struct map by_root, replied;
	int64_t last; /* how far down the one before stands */
	void (*done)(void *arg, bool has_words, const char *why);
	void *arg;
};

static struct endpoint *target_of(const struct migration_comparison *c)
{
	return endpoint_find(c->run->flow, migration_bridge(c->run)->agents->id);
}

static void drop_slots(struct migration_comparison *c)
{
	while (c->count > 0)
		arena_free(c->slots[--c->count].arena);
}

void migration_comparison_free(struct migration_comparison *c)
{
	if (c == NULL)
		return;
	page_cancel(&c->page);
	drop_slots(c);
	xfree(c->cursor);
	map_fini(&c->by_root);
	map_fini(&c->replied);
	arena_free(c->arena);
	xfree(c);
}

/* ---- comparing ---- */

static uint64_t root_hash(const struct root *root)
{
	return hash_bytes(root->b, sizeof(root->b), 0);
}

static bool is_there(const struct migration_comparison *c, const struct root *root)
{
	struct map_node *n;

	for (n = map_find(&c->by_root, root_hash(root)); n != NULL; n = map_find_next(n))
		if (root_equal(&((struct copy *)n)->root, root))
			return true;
	return false;
}

static struct root root_of(const struct migration_comparison *c, const struct event *e)
{
	const struct endpoint_conf *from = &c->run->source->conf;

	return ids_root(c->run->source->connector->name, from->host, from->tenant, e->remote);
}

/* What it replies to: said before it, and kept, since something does. */
static const struct event *replied_by(const struct migration_comparison *c, const struct event *e)
{
	struct map_node *n;

	if (e->reply_to == NULL)
		return NULL;
	for (n = map_find(&c->replied, hash_text(e->reply_to, 0)); n != NULL; n = map_find_next(n))
		if (strcmp(((const struct replied *)n)->event->remote, e->reply_to) == 0)
			return ((const struct replied *)n)->event;
	return NULL;
}

static void keep_replied(struct migration_comparison *c, const struct event *e)
{
	struct replied *r;

	if (!spool_is_replied_to(c->said, e->remote))
		return;
	r = ARENA_NEW(c->arena, struct replied);
	r->event = event_copy(c->arena, e);
	map_add(&c->replied, &r->node, hash_text(e->remote, 0));
}

/* The message as it should stand there. False: it would not be written at all. */
static bool expect(struct migration_comparison *c, struct arena *a, const struct event *e,
    bool is_history, struct composed *out)
{
	struct migration_run *r = c->run;
	const struct bridge_conf *b = migration_bridge(r);
	struct endpoint *target = target_of(c);
	const struct row_link link = { .bridge = b->id,
		.customers_remote = c->conversation,
		.agents_remote = c->conversation,
		.generation = 1 };
	const struct row_lane lane = { 0 };
	struct event *event = event_copy(a, e);
	const struct event *replied = replied_by(c, e);
	const struct root root = replied != NULL ? root_of(c, replied) : (struct root){ 0 };
	struct effect refused;
	struct plan plan;
	struct known known;
	const struct cargo cargo = {
		.keys = &r->flow->keys,
		.event = event,
		.bridge = b,
		.to = SIDE_AGENTS,
		.target = endpoint_via(target),
		.desk = endpoint_via(target),
		.from = &r->source->conf,
		.customers = &r->source->conf,
		.link = &link,
		.lane = &lane,
		.person = &event->person,
		.replied = replied,
		.replied_remote = replied != NULL && is_there(c, &root) ? replied->remote : NULL,
	};

	event->origin = is_history ? ORIGIN_HISTORY : ORIGIN_LIVE;
	plan_words(a, &cargo, out, &known);
	return plan_steps(a, &cargo.target, out, &known, &plan, &refused);
}

static uint64_t digest(struct arena *a, const char *text)
{
	return text != NULL ? hash_text(text_clean(a, text, strlen(text)), 0) : hash_text("", 0);
}

static size_t count_files(const struct event *e)
{
	size_t i, n = 0;

	for (i = 0; i < e->nattachments; i++)
		n += e->attachments[i].kind != ATTACHMENT_LOCATION
		    && e->attachments[i].kind != ATTACHMENT_CONTACT;
	return n;
}

/* All copies of one message. */
static void compare(struct migration_comparison *c, const struct event *e)
{
	struct migration_verdict *v = c->run->verdict;
	struct arena *a = arena_new();
	struct composed words;
	struct map_node *n;
	const struct copy *copy;
	int64_t first = INT64_MAX;
	size_t files = 0, seen = 0;
	bool is_told = false, is_different = false, is_twice = false, is_history = true;
	const struct root root = root_of(c, e);

	v->compared++;
	for (n = map_find(&c->by_root, root_hash(&root)); n != NULL; n = map_find_next(n)) {
		copy = (const struct copy *)n;
		if (root_equal(&copy->root, &root))
			is_history = copy->kind == 'h';
	}
	if (!expect(c, a, e, is_history, &words))
		words.message.parts = 0;
	for (n = map_find(&c->by_root, root_hash(&root)); n != NULL; n = map_find_next(n)) {
		copy = (const struct copy *)n;
		if (!root_equal(&copy->root, &root))
			continue;
		seen++;
		files += copy->files;
		is_told |= copy->is_told;
		if (copy->place < first)
			first = copy->place;
		if (e->nattachments > 0 || e->nwidgets > 0)
			continue;
		is_different |= copy->part >= words.message.parts
		    || digest(a, words.message.texts[copy->part]) != copy->text;
	}
	is_twice = e->nattachments == 0 && e->nwidgets == 0 && seen > (size_t)words.message.parts;
	v->missing += seen == 0;
	v->twice += is_twice;
	v->different += seen > 0 && is_different && !is_twice;
	v->fileless += seen > 0 && files < count_files(e) && !is_told && !c->run->wish.no_media;
	v->disordered += seen > 0 && first < c->last;
	if (seen > 0 && is_history)
		c->last = first;
	arena_free(a);
}

static bool is_due(enum migration_found found)
{
	return found == FOUND_WRITTEN || found == FOUND_PRESENT || found == FOUND_NOTHING
	    || found == FOUND_UNDER_WAY;
}

static void finish(struct migration_comparison *c, const char *why)
{
	void (*done)(void *arg, bool has_words, const char *why) = c->done;
	void *arg = c->arg;
	bool has_words = c->has_words;

	migration_comparison_free(c);
	done(arg, has_words, why);
}

/* ---- what was said, and what the store knows of it ---- */

static void on_looked(struct store_op *op);

static void look_on(struct migration_comparison *c)
{
	struct slot *s;
	struct err err;

	while (c->count < WINDOW && !c->is_last) {
		s = &c->slots[c->count++];
		s->arena = arena_new();
		if (spool_next(c->said, s->arena, &s->event, &err) != 0) {
			finish(c, err.text);
			return;
		}
		c->is_last = s->event == NULL;
		c->has_words |= !c->is_last && !migration_is_line(s->event);
		if (c->is_last || !c->has_words) /* as migration_item.c passes them */
			arena_free(c->slots[--c->count].arena);
		else
			c->keys[c->count - 1] = ingest_key(c->run->source, s->arena, s->event);
	}
	if (c->count == 0) {
		finish(c, NULL);
		return;
	}
	c->look = (struct op_migration_look){
		.op = { .kind = STORE_MIGRATION_LOOK, .done = on_looked },
		.endpoint = c->run->source->conf.id,
		.bridge = c->run->row.bridge,
		.keys = c->keys,
		.nkeys = c->count,
		.found = c->found,
	};
	flow_submit(c->run->flow, &c->look.op);
}

static void on_looked(struct store_op *op)
{
	struct migration_comparison *c = (struct migration_comparison *)((char *)op
	    - offsetof(struct migration_comparison, look.op));
	struct mark mark;
	size_t i;

	if (flow_redo(c->run->flow, op))
		return;
	for (i = 0; i < c->count; i++) {
		if (is_due(c->found[i]) && !migration_is_copy(c->run, c->slots[i].event, &mark))
			compare(c, c->slots[i].event);
		keep_replied(c, c->slots[i].event);
	}
	drop_slots(c);
	look_on(c);
}

/* ---- what stands at the other side ---- */

static void next_link(struct migration_comparison *c);

static void add_copy(struct migration_comparison *c, struct arena *a, const struct event *e,
    int64_t place)
{
	struct mark mark;
	struct copy *copy;

	if (!mark_read(&c->run->flow->keys, e->mark, &mark)
	    || (mark.kind != 'h' && mark.kind != 'm'))
		return;
	copy = ARENA_NEW(c->arena, struct copy);
	copy->root = mark.root;
	copy->kind = mark.kind;
	copy->part = mark.part;
	copy->place = place;
	copy->text = digest(a, e->text);
	copy->files = (uint32_t)count_files(e);
	copy->is_told = e->text != NULL && strstr(e->text, NOT_AVAILABLE) != NULL;
	map_add(&c->by_root, &copy->node, root_hash(&copy->root));
}

static void on_there(void *arg, struct arena *a, const struct outcome *o);

static void ask_there(struct migration_comparison *c, const char *cursor)
{
	xfree(c->cursor);
	c->cursor = xstrdup(cursor);
	c->page.job = (struct job){ .step = STEP_LIST_MESSAGES, .cursor = c->cursor };
	c->page.known.conversation = c->links.remotes[c->link];
	c->page.done = on_there;
	c->page.arg = c;
	c->page.is_history = true;
	page_ask(target_of(c), &c->page);
}

static void on_there(void *arg, struct arena *a, const struct outcome *o)
{
	struct migration_comparison *c = arg;
	bool is_gone = o->effect.kind == EFFECT_REJECTED;
	size_t i;

	for (i = 0; !is_gone && i < o->events.count; i++)
		add_copy(c, a, &o->events.items[i], c->place + (int64_t)i);
	c->place -= PLACES_OF_PAGE;
	if (!is_gone && o->cursor != NULL) {
		ask_there(c, o->cursor);
	} else {
		c->link++;
		next_link(c);
	}
	arena_free(a);
}

static void next_link(struct migration_comparison *c)
{
	if (c->link == c->links.nremotes) {
		look_on(c);
		return;
	}
	c->place = (int64_t)(c->link + 1) * PLACES_OF_LINK;
	ask_there(c, NULL);
}

/* ---- where it was written to ---- */

static void on_links(struct store_op *op)
{
	struct migration_comparison *c = (struct migration_comparison *)((char *)op
	    - offsetof(struct migration_comparison, links.op));

	if (!flow_redo(c->run->flow, op))
		next_link(c);
}

static void ask_links(struct migration_comparison *c)
{
	c->links = (struct op_migration_links){
		.op = { .kind = STORE_MIGRATION_LINKS, .done = on_links },
		.arena = c->arena,
		.bridge = c->run->row.bridge,
		.endpoint = c->run->source->conf.id,
		.conversation = c->conversation,
	};
	flow_submit(c->run->flow, &c->links.op);
}

struct migration_comparison *migration_compare(struct migration_run *r, const char *conversation,
    struct spool *said, void (*done)(void *arg, bool has_words, const char *why), void *arg)
{
	struct migration_comparison *c = xcalloc(1, sizeof(*c));

	c->run = r;
	c->arena = arena_new();
	c->conversation = arena_strdup(c->arena, conversation);
	c->said = said;
	map_init(&c->by_root);
	map_init(&c->replied);
	c->done = done;
	c->arg = arg;
	ask_links(c);
	return c;
}
