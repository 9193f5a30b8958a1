/* See migration_inside.h. With which conversation at the agents' side one that is moved is a pair, and what of it
 * stands there already: so that what an earlier life has written, whose store was lost or is an older copy, is not
 * there twice.
 *
 *   what the store knows ─ nothing ─▶ is there one (adoption.h)? ─▶ done;  asked for: the marks in it, page by page
 */
#include "flow/history/migration_inside.h"

#include <string.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/mem.h"
#include "flow/adoption.h"

struct there {
	struct map_node node;
	struct root root;
};

struct migration_pair {
	struct migration_run *run;
	struct arena *arena;
	const char *conversation;
	const struct event *about;
	const struct root *said;
	size_t count;
	struct op_migration_links links;
	bool is_asking; /* the store has links */
	struct adoption *adoption;
	struct page page;
	size_t at;
	struct map roots;
	bool is_read;
	void (*done)(void *arg);
	void *arg;
};

static struct endpoint *target_of(const struct migration_pair *p)
{
	return endpoint_find(p->run->flow, migration_bridge(p->run)->agents->id);
}

/* ---- what stands there ---- */

static const struct there *find(const struct migration_pair *p, const struct root *root)
{
	const struct map_node *n = map_find(&p->roots, hash_bytes(root->b, sizeof(root->b), 0));

	for (; n != NULL; n = map_find_next(n))
		if (root_equal(&((const struct there *)n)->root, root))
			return (const struct there *)n;
	return NULL;
}

static struct root root_at(const struct endpoint *e, const char *remote)
{
	return ids_root(e->connector->name, e->conf.host, e->conf.tenant, remote);
}

/* A copy, or what was written there first. */
static void add(struct migration_pair *p, const struct event *e)
{
	struct mark mark;
	struct root root;
	struct there *t;

	if (e->kind != EVENT_MESSAGE || e->remote == NULL)
		return;
	if (!mark_read(&p->run->flow->keys, e->mark, &mark))
		root = root_at(target_of(p), e->remote);
	else if (mark.kind == 'h' || mark.kind == 'm')
		root = mark.root;
	else
		return;
	if (find(p, &root) != NULL)
		return;
	t = arena_zalloc(p->arena, sizeof(*t));
	t->root = root;
	map_add(&p->roots, &t->node, hash_bytes(root.b, sizeof(root.b), 0));
}

static void read_next(struct migration_pair *p, const char *cursor);

static void on_page(void *arg, struct arena *a, const struct outcome *o)
{
	struct migration_pair *p = arg;
	const char *cursor = NULL;
	size_t i;

	for (i = 0; o->effect.kind != EFFECT_REJECTED && i < o->events.count; i++)
		add(p, &o->events.items[i]);
	if (o->effect.kind != EFFECT_REJECTED)
		cursor = arena_strdup(p->arena, o->cursor);
	arena_free(a);
	if (cursor == NULL)
		p->at++;
	read_next(p, cursor);
}

static void read_next(struct migration_pair *p, const char *cursor)
{
	if (p->at == p->links.nremotes) {
		p->is_read = true;
		p->done(p->arg);
		return;
	}
	p->page.job = (struct job){ .step = STEP_LIST_MESSAGES, .cursor = cursor };
	p->page.known = (struct known){ .conversation = p->links.remotes[p->at] };
	p->page.is_history = true;
	p->page.done = on_page;
	p->page.arg = p;
	page_ask(target_of(p), &p->page);
}

bool migration_pair_read(struct migration_pair *p)
{
	if (p->is_read || p->links.nremotes == 0)
		return false;
	read_next(p, NULL);
	return true;
}

bool migration_pair_holds(const struct migration_pair *p, const struct event *e)
{
	struct root root;
	struct mark mark;

	if (!p->is_read)
		return false;
	root = migration_is_copy(p->run, e, &mark) ? mark.root : root_at(p->run->source, e->remote);
	return find(p, &root) != NULL;
}

bool migration_is_copy(const struct migration_run *r, const struct event *e, struct mark *mark)
{
	return e->author.role != ROLE_CUSTOMER && mark_read(&r->flow->keys, e->mark, mark)
	    && (mark->kind == 'm' || mark->kind == 'h');
}

/* ---- which it is ---- */

static void on_adopted(void *arg, const struct adoption_result *result)
{
	struct migration_pair *p = arg;

	p->adoption = NULL;
	if (result->is_found)
		p->links.remotes[p->links.nremotes++] =
		    arena_strdup(p->arena, result->conversation);
	p->done(p->arg);
}

/* Of one that is empty nothing would be moved. */
static bool may_adopt(const struct migration_pair *p)
{
	return p->count > 0 && p->about != NULL && p->about->person.identity != NULL
	    && target_of(p)->conf.caps->lists_conversations;
}

static void on_links(struct store_op *op)
{
	struct migration_pair *p =
	    (struct migration_pair *)((char *)op - offsetof(struct migration_pair, links.op));

	if (flow_redo(p->run->flow, op))
		return;
	p->is_asking = false;
	if (p->done == NULL) { /* nobody waits for it any more */
		migration_pair_free(p);
	} else if (p->links.nremotes > 0 || !may_adopt(p)) {
		p->done(p->arg);
	} else {
		p->adoption = adoption_start(
		    &(struct adoption_order){
			.bridge = migration_bridge(p->run),
			.source = p->run->source,
			.target = target_of(p),
			.conversation = p->conversation,
			.person = &p->about->person,
			.generation = 1,
			.about = p->about,
			.said = p->said,
			.nsaid = p->count,
			.is_offline = p->run->file != NULL,
			.is_dry = p->run->is_dry,
		    },
		    on_adopted, p);
	}
}

static void on_links_lost(struct store_op *op)
{
	struct migration_pair *p =
	    (struct migration_pair *)((char *)op - offsetof(struct migration_pair, links.op));

	p->is_asking = false;
	if (p->done == NULL)
		migration_pair_free(p);
}

struct migration_pair *migration_pair_find(struct migration_run *r, const char *conversation,
    const struct event *about, const struct root *said, size_t count, void (*done)(void *arg),
    void *arg)
{
	struct migration_pair *p = xcalloc(1, sizeof(*p));

	p->run = r;
	p->arena = arena_new();
	p->conversation = arena_strdup(p->arena, conversation);
	p->about = about;
	p->said = said;
	p->count = count;
	p->done = done;
	p->arg = arg;
	map_init(&p->roots);
	p->links = (struct op_migration_links){
		.op = { .kind = STORE_MIGRATION_LINKS, .done = on_links, .lost = on_links_lost },
		.arena = p->arena,
		.bridge = r->row.bridge,
		.endpoint = r->source->conf.id,
		.conversation = p->conversation,
	};
	p->is_asking = true;
	flow_submit(r->flow, &p->links.op);
	return p;
}

void migration_pair_free(struct migration_pair *p)
{
	if (p == NULL)
		return;
	if (p->is_asking) {
		p->done = NULL;
		return;
	}
	adoption_free(p->adoption);
	page_cancel(&p->page);
	map_fini(&p->roots);
	arena_free(p->arena);
	xfree(p);
}
