/* See migration_inside.h. Both ends of one conversation are read once more:
 *
 *   what the store knows of each message ─▶ where it was written to ─▶ what stands there ─▶ by root
 *
 * What should be there is what is neither parked nor was left out by a decision. The text that should stand there
 * is made by the very code that writes messages; with files, whose parts depend on what they are, only whether
 * they are there is looked at. */
#include "flow/migration_inside.h"

#include <string.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/mem.h"
#include "core/text.h"
#include "flow/ingest.h"
#include "flow/plan.h"

#define WINDOW 64
#define NOT_AVAILABLE "file not available"

struct copy { /* one message that bears a mark, at the other side */
	struct map_node node;
	struct mark mark;
	size_t place;
	const char *text;
	size_t files;
};

struct migration_comparison {
	struct migration_run *run;
	struct arena *arena;
	const char *conversation;
	struct event *const *events;
	size_t count, at;
	enum migration_found *found; /* of each */
	struct op_migration_look look;
	const char *keys[WINDOW];
	struct op_migration_links links;
	size_t link;
	struct page page;
	struct arena **pages;
	size_t npages;
	struct copy **copies; /* as the pages tell them: newer pages come first */
	size_t ncopies, size;
	struct map by_root;
	void (*done)(void *arg);
	void *arg;
};

static struct endpoint *target_of(const struct migration_comparison *c)
{
	return endpoint_find(c->run->flow, migration_bridge(c->run)->agents->id);
}

void migration_comparison_free(struct migration_comparison *c)
{
	size_t i;

	if (c == NULL)
		return;
	page_cancel(&c->page);
	map_fini(&c->by_root);
	for (i = 0; i < c->npages; i++)
		arena_free(c->pages[i]);
	xfree(c->pages);
	xfree(c->copies);
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
		if (root_equal(&((struct copy *)n)->mark.root, root))
			return true;
	return false;
}

static struct root root_of(const struct migration_comparison *c, const struct event *e)
{
	const struct endpoint_conf *from = &c->run->source->conf;

	return ids_root(c->run->source->connector->name, from->host, from->tenant, e->remote);
}

/* What message at replies to: before it, and mostly not far. */
static const struct event *replied_by(const struct migration_comparison *c, size_t at)
{
	const char *remote = c->events[at]->reply_to;

	while (remote != NULL && at-- > 0)
		if (strcmp(c->events[at]->remote, remote) == 0)
			return c->events[at];
	return NULL;
}

/* Message at as it should stand there. False: it would not be written at all. */
static bool expect(struct migration_comparison *c, struct arena *a, size_t at, bool is_history,
    struct composed *out)
{
	struct migration_run *r = c->run;
	const struct bridge_conf *b = migration_bridge(r);
	struct endpoint *target = target_of(c);
	const struct row_link link = { .bridge = b->id,
		.customers_remote = c->conversation,
		.agents_remote = c->conversation,
		.generation = 1 };
	const struct row_lane lane = { 0 };
	struct event *event = event_copy(a, c->events[at]);
	const struct event *replied = replied_by(c, at);
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

static bool is_same_text(struct arena *a, const char *wanted, const char *there)
{
	const char *x = text_clean(a, wanted, strlen(wanted));
	const char *y = there != NULL ? text_clean(a, there, strlen(there)) : "";

	return strcmp(x, y) == 0;
}

static size_t count_files(const struct event *e)
{
	size_t i, n = 0;

	for (i = 0; i < e->nattachments; i++)
		n += e->attachments[i].kind != ATTACHMENT_LOCATION
		    && e->attachments[i].kind != ATTACHMENT_CONTACT;
	return n;
}

/* All copies of one message. last: how far down the conversation the one before stands. */
static void compare(struct migration_comparison *c, size_t at, size_t *last)
{
	const struct event *e = c->events[at];
	struct migration_verdict *v = c->run->verdict;
	struct arena *a = arena_new();
	struct composed words;
	struct map_node *n;
	struct copy *copy;
	size_t files = 0, first = SIZE_MAX, seen = 0;
	bool is_told = false, is_different = false, is_twice = false, is_history = true;
	const struct root root = root_of(c, e);

	v->compared++;
	for (n = map_find(&c->by_root, root_hash(&root)); n != NULL; n = map_find_next(n)) {
		copy = (struct copy *)n;
		if (root_equal(&copy->mark.root, &root))
			is_history = copy->mark.kind == 'h';
	}
	if (!expect(c, a, at, is_history, &words))
		words.message.parts = 0;
	for (n = map_find(&c->by_root, root_hash(&root)); n != NULL; n = map_find_next(n)) {
		copy = (struct copy *)n;
		if (!root_equal(&copy->mark.root, &root))
			continue;
		seen++;
		files += copy->files;
		is_told |= copy->text != NULL && strstr(copy->text, NOT_AVAILABLE) != NULL;
		if (copy->place < first)
			first = copy->place;
		if (e->nattachments > 0 || e->nwidgets > 0)
			continue;
		is_different |= copy->mark.part >= words.message.parts
		    || !is_same_text(a, words.message.texts[copy->mark.part], copy->text);
	}
	is_twice = e->nattachments == 0 && e->nwidgets == 0 && seen > (size_t)words.message.parts;
	v->missing += seen == 0;
	v->twice += is_twice;
	v->different += seen > 0 && is_different && !is_twice;
	v->fileless += seen > 0 && files < count_files(e) && !is_told && !c->run->wish.no_media;
	v->disordered += seen > 0 && first < *last;
	if (seen > 0 && is_history)
		*last = first;
	arena_free(a);
}

static bool is_due(enum migration_found found)
{
	return found == FOUND_WRITTEN || found == FOUND_PRESENT || found == FOUND_NOTHING
	    || found == FOUND_UNDER_WAY;
}

static void finish(struct migration_comparison *c)
{
	void (*done)(void *arg) = c->done;
	void *arg = c->arg;
	struct mark mark;
	size_t i, last = 0;

	for (i = 0; i < c->count; i++)
		if (is_due(c->found[i]) && !migration_is_copy(c->run, c->events[i], &mark))
			compare(c, i, &last);
	migration_comparison_free(c);
	done(arg);
}

/* ---- what stands at the other side ---- */

static void next_link(struct migration_comparison *c);

static void add_copy(struct migration_comparison *c, struct arena *a, const struct event *e)
{
	struct copy *copy = arena_zalloc(a, sizeof(*copy));

	if (!mark_read(&c->run->flow->keys, e->mark, &copy->mark)
	    || (copy->mark.kind != 'h' && copy->mark.kind != 'm'))
		return;
	copy->text = e->text;
	copy->files = count_files(e);
	if (c->ncopies == c->size) {
		c->size = c->size > 0 ? c->size * 2 : 64;
		c->copies = xrealloc(c->copies, c->size * sizeof(*c->copies));
	}
	c->copies[c->ncopies++] = copy;
}

/* Pages come newest first, each in itself oldest first: those of this one go before all that were read. */
static void put_before(struct migration_comparison *c, size_t from, size_t old)
{
	size_t n = c->ncopies - old;
	struct copy **page = xcalloc(n + 1, sizeof(*page));

	memcpy(page, c->copies + old, n * sizeof(*page));
	memmove(c->copies + from + n, c->copies + from, (old - from) * sizeof(*page));
	memcpy(c->copies + from, page, n * sizeof(*page));
	xfree(page);
}

static void on_there(void *arg, struct arena *a, const struct outcome *o);

static void ask_there(struct migration_comparison *c, const char *cursor)
{
	c->page.job = (struct job){ .step = STEP_LIST_MESSAGES, .cursor = cursor };
	c->page.known.conversation = c->links.remotes[c->link];
	c->page.done = on_there;
	c->page.arg = c;
	page_ask(target_of(c), &c->page);
}

static void on_there(void *arg, struct arena *a, const struct outcome *o)
{
	struct migration_comparison *c = arg;
	size_t old = c->ncopies, i;

	c->pages = xrealloc(c->pages, (c->npages + 1) * sizeof(*c->pages));
	c->pages[c->npages++] = a;
	for (i = 0; o->effect.kind != EFFECT_REJECTED && i < o->events.count; i++)
		add_copy(c, a, &o->events.items[i]);
	put_before(c, c->at, old);
	if (o->effect.kind != EFFECT_REJECTED && o->cursor != NULL) {
		ask_there(c, o->cursor);
		return;
	}
	c->link++;
	next_link(c);
}

static void next_link(struct migration_comparison *c)
{
	size_t i;

	c->at = c->ncopies; /* those of another conversation stand behind */
	if (c->link < c->links.nremotes) {
		ask_there(c, NULL);
		return;
	}
	for (i = 0; i < c->ncopies; i++) {
		c->copies[i]->place = i;
		map_add(&c->by_root, &c->copies[i]->node, root_hash(&c->copies[i]->mark.root));
	}
	finish(c);
}

/* ---- what the store knows ---- */

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

static void look_on(struct migration_comparison *c);

static void on_looked(struct store_op *op)
{
	struct migration_comparison *c = (struct migration_comparison *)((char *)op
	    - offsetof(struct migration_comparison, look.op));

	if (flow_redo(c->run->flow, op))
		return;
	c->at += c->look.nkeys;
	look_on(c);
}

static void look_on(struct migration_comparison *c)
{
	size_t n = c->count - c->at < WINDOW ? c->count - c->at : WINDOW, i;

	if (n == 0) {
		ask_links(c);
		return;
	}
	for (i = 0; i < n; i++)
		c->keys[i] = ingest_key(c->run->source, c->arena, c->events[c->at + i]);
	c->look = (struct op_migration_look){
		.op = { .kind = STORE_MIGRATION_LOOK, .done = on_looked },
		.endpoint = c->run->source->conf.id,
		.bridge = c->run->row.bridge,
		.keys = c->keys,
		.nkeys = n,
		.found = c->found + c->at,
	};
	flow_submit(c->run->flow, &c->look.op);
}

struct migration_comparison *migration_compare(struct migration_run *r, const char *conversation,
    struct event *const *events, size_t count, void (*done)(void *arg), void *arg)
{
	struct migration_comparison *c = xcalloc(1, sizeof(*c));

	c->run = r;
	c->arena = arena_new();
	c->conversation = arena_strdup(c->arena, conversation);
	c->events = events;
	c->count = count;
	c->found = arena_zalloc(c->arena, (count + 1) * sizeof(*c->found));
	map_init(&c->by_root);
	c->done = done;
	c->arg = arg;
	look_on(c);
	return c;
}
