/* See mirror.h: what callbacks tell of persons and conversations, on its way to disk. Most of it was told before:
 * what was heard lately is remembered by its digest, and costs nothing. */
#include "flow/mirror.h"

#include "base/mem.h"
#include "flow/endpoint.h"
#include "flow/router.h"

#define HEARD_MOST 16384

struct heard {
	struct map_node node;
	uint64_t what;
};

struct hearings {
	struct map map;
	size_t count;
};

struct hearings *hearings_new(void)
{
	struct hearings *h = xcalloc(1, sizeof(*h));

	map_init(&h->map);
	return h;
}

void hearings_forget(struct hearings *h)
{
	struct map_node *n, *next;

	for (n = map_walk(&h->map, NULL); n != NULL; n = next) {
		next = map_walk(&h->map, n);
		map_remove(&h->map, n);
		xfree(n);
	}
	h->count = 0;
}

void hearings_free(struct hearings *h)
{
	if (h == NULL)
		return;
	hearings_forget(h);
	map_fini(&h->map);
	xfree(h);
}

static uint64_t subject_of(const struct endpoint *e, const struct event *event)
{
	const char *id = event->conversation != NULL ? event->conversation : event->person.id;

	return hash_text(id != NULL ? id : "",
	    (uint64_t)e->conf.id << 1 | (event->conversation != NULL));
}

/* Where nothing of the facts is carried, what counts is who it is. */
static uint64_t digest_of(const struct event *event, bool with_facts)
{
	const char *id = event->person.id, *address = event->person.address;
	uint64_t h = hash_text(id != NULL ? id : "", 7);
	int f;

	h = hash_text(address != NULL ? address : "", h);
	for (f = 0; with_facts && f < FACT_COUNT; f++)
		h = hash_text(event->facts->v[f] != NULL ? event->facts->v[f] : "\x01", h);
	return h;
}

static struct heard *heard_of(const struct hearings *h, uint64_t subject)
{
	return (struct heard *)map_find(&h->map, subject);
}

bool mirror_hear(struct endpoint *e, const struct letter *letter, struct op_hear *op)
{
	const struct event *event = letter->event;
	const struct heard *heard;
	bool customers, hears = false;
	enum side to;
	size_t i;

	if (event->facts == NULL || (event->flags & (EVENT_IS_DRAFT | EVENT_IS_PREFLIGHT)) != 0)
		return false;
	for (i = 0; i < e->nbridges; i++) {
		const struct bridge_conf *b = e->bridges[i];

		customers = e->asks[i].side == SIDE_CUSTOMERS;
		to = customers ? SIDE_AGENTS : SIDE_CUSTOMERS;
		if ((customers ? b->profile_to_agents : b->profile_to_customers)
		    && mirror_takes(b, to))
			op->tells_person |= 1u << i;
		if (mirror_carries(b, to))
			op->tells |= 1u << i;
		hears |= customers; /* who it is, and what both sides begin with */
	}
	op->keeps = hears || op->tells_person != 0 || op->tells != 0;
	if (!op->keeps && event->person.address == NULL)
		return false;
	heard = heard_of(e->flow->hearings, subject_of(e, event));
	if (heard != NULL && heard->what == digest_of(event, op->keeps))
		return false;
	op->op.kind = STORE_HEAR;
	op->endpoint = e->conf.id;
	op->person = &event->person;
	op->conversation = event->conversation;
	op->facts = event->facts;
	op->person_version = event->person_version;
	op->version = event->facts_version;
	op->asks = e->asks;
	op->nasks = e->nbridges;
	op->now_ms = event->here_ms;
	return true;
}

void mirror_heard(struct endpoint *e, const struct letter *letter, const struct op_hear *op)
{
	struct hearings *h = e->flow->hearings;
	uint64_t subject = subject_of(e, letter->event);
	struct heard *heard = heard_of(h, subject);
	size_t i;

	for (i = 0; i < op->ndue; i++)
		mirror_owed(e->flow, &op->due[i]);
	if (op->moved != 0)
		router_forget(e->flow->router, 0, op->moved);
	if (heard == NULL && h->count == HEARD_MOST)
		hearings_forget(h);
	if (heard == NULL) {
		heard = xcalloc(1, sizeof(*heard));
		map_add(&h->map, &heard->node, subject);
		h->count++;
	}
	heard->what = op->is_waiting ? 0 : digest_of(letter->event, op->keeps);
}
