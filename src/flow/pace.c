/* See pace.h. */
#include "flow/pace.h"

#include <string.h>
#include <sys/queue.h>

#include "base/http.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "core/bucket.h"
#include "core/fuse.h"
#include "flow/endpoint.h"
#include "flow/flow.h"
#include "flow/lanes.h"

#define PACES_MOST 16384

struct pace {
	struct map_node node;
	TAILQ_ENTRY(pace) lru;
	const struct endpoint *target;
	int64_t person;
	struct bucket bucket;
	struct fuse fuse;
};

struct paces {
	struct flow *flow;
	struct map map;
	TAILQ_HEAD(, pace) lru; /* the oldest first */
	size_t blown;
};

static uint64_t hash_of(const struct endpoint *target, int64_t person)
{
	return hash_int((uint64_t)person, (uint64_t)target->conf.id);
}

static struct pace *pace_find(const struct paces *p, const struct endpoint *target, int64_t person)
{
	struct map_node *n = map_find(&p->map, hash_of(target, person));
	struct pace *e;

	for (; n != NULL; n = map_find_next(n)) {
		e = (struct pace *)n;
		if (e->target == target && e->person == person)
			return e;
	}
	return NULL;
}

static void pace_free(struct paces *p, struct pace *e)
{
	p->blown -= e->fuse.is_blown;
	map_remove(&p->map, &e->node);
	TAILQ_REMOVE(&p->lru, e, lru);
	xfree(e);
}

static struct pace *pace_get(struct paces *p, const struct endpoint *target, int64_t person)
{
	struct pace *e = pace_find(p, target, person);

	if (e != NULL) {
		TAILQ_REMOVE(&p->lru, e, lru);
	} else {
		if (p->map.count >= PACES_MOST)
			pace_free(p, TAILQ_FIRST(&p->lru));
		e = xcalloc(1, sizeof(*e));
		e->target = target;
		e->person = person;
		map_add(&p->map, &e->node, hash_of(target, person));
	}
	TAILQ_INSERT_TAIL(&p->lru, e, lru);
	return e;
}

/* ---- the conversation's bucket ---- */

static const struct rate *rate_of(const struct lane *l)
{
	return &l->target->conf.conversation_rate;
}

/* In thousandths of a message, beyond the one that it is. */
static int64_t weight_of_history(const struct lane *l)
{
	const struct rate *all = rate_of(l), *history = &l->target->conf.history_rate;

	if (history->count == 0)
		return 0;
	return 1000 * all->count * history->period_msecs / (history->count * all->period_msecs)
	    - 1000;
}

void pace_took(struct lane *l, bool is_history)
{
	const struct flow *f = l->target->flow;
	int64_t now_ms = loop_mono_ms(f->loop);
	struct pace *e;

	if (rate_of(l)->count == 0)
		return;
	e = pace_get(f->paces, l->target, l->person);
	bucket_take(&e->bucket, rate_of(l), now_ms);
	if (is_history)
		bucket_charge(&e->bucket, rate_of(l), weight_of_history(l), now_ms);
}

void pace_refused(struct lane *l, const struct effect *effect, const struct http_resp *resp)
{
	const struct flow *f = l->target->flow;

	if (rate_of(l)->count == 0 || gate_is_for_all(resp))
		return;
	bucket_refused(&pace_get(f->paces, l->target, l->person)->bucket, effect->wait_msecs,
	    loop_mono_ms(f->loop));
}

int64_t pace_wait(const struct lane *l)
{
	const struct flow *f = l->target->flow;
	struct bucket then;
	const struct pace *e;
	int64_t wait;

	if (rate_of(l)->count == 0 || (e = pace_find(f->paces, l->target, l->person)) == NULL)
		return 0;
	then = e->bucket; /* looking takes none */
	wait = l->turn == TURN_LIVE ? bucket_take(&then, rate_of(l), loop_mono_ms(f->loop))
				    : bucket_take_spare(&then, rate_of(l), loop_mono_ms(f->loop));
	if (wait > 0)
		LOG(LOG_DEBUG, "lane_held", F_STR("endpoint", l->target->conf.name),
		    F_ID("lane", 'l', l->id), F_INT("wait_ms", wait));
	return wait;
}

/* ---- the fuse ---- */

static const struct rate *fuse_rate(const struct flow *f)
{
	return &f->config->limits.fuse;
}

static uint64_t text_hash(const struct event *event)
{
	return event->text != NULL && *event->text != '\0' ? hash_text(event->text, 0) | 1 : 0;
}

/* What is read later comes in bunches, and says nothing about now. */
static bool is_counted(const struct flow *f, const struct event *event)
{
	return fuse_rate(f)->count > 0 && event->origin == ORIGIN_LIVE
	    && event->kind == EVENT_MESSAGE
	    && (event->author.role == ROLE_AGENT || event->author.role == ROLE_BOT);
}

bool pace_holds(struct flow *f, struct endpoint *target, int64_t person, const struct event *event)
{
	const struct pace *e;

	if (!is_counted(f, event) || (e = pace_find(f->paces, target, person)) == NULL)
		return false;
	return fuse_holds(&e->fuse, fuse_rate(f), text_hash(event), loop_mono_ms(f->loop));
}

void pace_count(struct flow *f, struct endpoint *target, int64_t person, const struct event *event)
{
	if (is_counted(f, event))
		fuse_count(&pace_get(f->paces, target, person)->fuse, fuse_rate(f),
		    text_hash(event), loop_mono_ms(f->loop));
}

void pace_take_back(struct flow *f, struct endpoint *target, int64_t person,
    const struct event *event)
{
	struct pace *e;

	if (is_counted(f, event) && (e = pace_find(f->paces, target, person)) != NULL)
		fuse_take_back(&e->fuse);
}

void pace_blew(struct flow *f, struct endpoint *target, int64_t person)
{
	struct pace *e = pace_get(f->paces, target, person);

	if (!fuse_blow(&e->fuse))
		return;
	f->paces->blown++;
}

void pace_rearm(struct flow *f, struct endpoint *target, int64_t person)
{
	struct pace *e;

	if (f->paces->map.count == 0 || (e = pace_find(f->paces, target, person)) == NULL)
		return;
	if (e->fuse.is_blown)
		f->paces->blown--;
	e->fuse = (struct fuse){ 0 };
}

/* ---- life ---- */

struct paces *paces_new(struct flow *f)
{
	struct paces *p = xcalloc(1, sizeof(*p));

	p->flow = f;
	map_init(&p->map);
	TAILQ_INIT(&p->lru);
	return p;
}

void paces_free(struct paces *p)
{
	struct pace *e;

	if (p == NULL)
		return;
	while ((e = TAILQ_FIRST(&p->lru)) != NULL)
		pace_free(p, e);
	map_fini(&p->map);
	xfree(p);
}

size_t paces_blown(const struct paces *p)
{
	return p->blown;
}

size_t paces_blown_at(const struct paces *p, const struct endpoint *e)
{
	const struct pace *at;
	size_t count = 0;

	if (p->blown == 0)
		return 0;
	TAILQ_FOREACH(at, &p->lru, lru)
		count += at->target == e && at->fuse.is_blown;
	return count;
}
