/* See person.h. A job is a row of operations: who it is, then all messages in steps; after the last of an erasure what
 * memory knows of them is dropped. While one is under way no message takes the short way, which relies on that. What
 * is on the wire to or from them just now is waited for. */
#include "flow/person.h"

#include <ctype.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/config.h"
#include "flow/choices.h"
#include "flow/endpoint.h"
#include "flow/lanes.h"
#include "flow/media/media.h"
#include "flow/mirror.h"
#include "flow/router.h"

#define STEP_MSECS 5
#define BUSY_MSECS 500
#define BUSY_TRIES 40
/* A reader of the store stands in the way of emptying its WAL for a moment. */
#define WIPE_TRIES 10

enum { FINDING, WORKING, OVER };

/* ---- who ---- */

static bool read_phone(struct arena *a, const char *text, struct who *out)
{
	char *digits = arena_strdup(a, text);
	size_t i, n = 1;

	for (i = 1; text[i] != '\0'; i++) {
		if (isdigit((unsigned char)text[i]))
			digits[n++] = text[i];
		else if (strchr(" -().", text[i]) == NULL)
			return false;
	}
	digits[n] = '\0';
	out->kind = WHO_PHONE;
	out->text = digits;
	return n > 4;
}

bool person_who(struct arena *a, const struct config *c, const char *text, struct who *out)
{
	const char *colon = strchr(text, ':');
	size_t i, len = colon != NULL ? (size_t)(colon - text) : 0;

	*out = (struct who){ 0 };
	if (text[0] == '+')
		return read_phone(a, text, out);
	for (i = 0; colon != NULL && i < c->nendpoints; i++) {
		if (strlen(c->endpoints[i].name) != len
		    || strncmp(c->endpoints[i].name, text, len) != 0)
			continue;
		*out = (struct who){ WHO_ID, arena_strdup(a, colon + 1), c->endpoints[i].id };
		return colon[1] != '\0';
	}
	if (strchr(text, '@') == NULL)
		return false;
	*out = (struct who){ WHO_EMAIL, arena_strdup(a, text), 0 };
	return true;
}

/* ---- one operation after the other ---- */

static struct store_op *find_op(struct person_job *j)
{
	j->found =
	    (struct op_person){ .op = { .kind = STORE_PERSON }, .arena = j->arena, .who = j->who };
	return &j->found.op;
}

static struct store_op *work_op(struct person_job *j)
{
	arena_free(j->step);
	j->step = arena_new();
	if (j->task == PERSON_EXPORT) {
		j->said.op = (struct store_op){ .kind = STORE_PERSON_SAID };
		j->said.arena = j->arena;
		j->said.persons = j->ids;
		j->said.npersons = j->found.npersons;
		return &j->said.op;
	}
	j->erase.op = (struct store_op){ .kind = STORE_PERSON_ERASE };
	j->erase.arena = j->step;
	j->erase.persons = j->ids;
	j->erase.npersons = j->found.npersons;
	j->erase.text = j->who.text;
	j->erase.folder = j->folder;
	j->erase.is_dry = j->is_dry;
	j->erase.is_alone = j->is_alone;
	return &j->erase.op;
}

static void take_found(struct person_job *j)
{
	int64_t *ids = arena_zalloc(j->arena, (j->found.npersons + 1) * sizeof(*ids));
	size_t i;

	for (i = 0; i < j->found.npersons; i++)
		ids[i] = j->found.persons[i].id;
	j->ids = ids;
	j->state = j->found.npersons > 0 ? WORKING : OVER;
}

static void take_said(struct person_job *j)
{
	size_t n = j->nmessages + j->said.nmessages;
	struct op_trace *more;

	if (n > j->size) {
		j->size = n * 2;
		more = arena_zalloc(j->arena, j->size * sizeof(*more));
		if (j->nmessages > 0)
			memcpy(more, j->messages, j->nmessages * sizeof(*more));
		j->messages = more;
	}
	if (j->said.nmessages > 0)
		memcpy(j->messages + j->nmessages, j->said.messages,
		    j->said.nmessages * sizeof(*j->messages));
	j->nmessages = n;
	j->said.after = j->said.last;
	if (j->said.last == 0)
		j->state = OVER;
}

/* How long to wait before the next step. */
static int64_t take_erased(struct person_job *j)
{
	const struct person_counts *c = &j->erase.counts;

	j->counts.messages += c->messages;
	j->counts.given_up += c->given_up;
	j->counts.files += c->files;
	j->counts.callbacks += c->callbacks;
	if (j->counts.first == 0)
		j->counts.first = c->first;
	if (c->last != 0)
		j->counts.last = c->last;
	if (j->flow != NULL)
		media_less(j->flow->media, j->erase.bytes);
	j->erase.from = j->erase.to;
	if (j->erase.is_busy) {
		j->erase.from = (struct erase_place){ 0 };
		j->is_busy = ++j->tries >= BUSY_TRIES;
		if (j->is_busy)
			j->state = OVER;
		return BUSY_MSECS;
	}
	if (j->erase.to.stage != ERASE_DONE)
		return STEP_MSECS;
	j->is_wiped = j->erase.is_wiped;
	if (j->is_wiped || j->is_dry || ++j->tries >= WIPE_TRIES) {
		j->state = OVER;
		return 0;
	}
	j->erase.from = (struct erase_place){ .stage = ERASE_WIPE };
	return BUSY_MSECS;
}

/* What the operation has brought; how long to wait before the next one. */
static int64_t take(struct person_job *j, const struct store_op *op)
{
	if (op->result != 0) {
		j->is_failed = true;
		j->err = op->err;
		j->state = OVER;
	} else if (j->state == FINDING) {
		take_found(j);
	} else if (j->task == PERSON_EXPORT) {
		take_said(j);
	} else {
		return take_erased(j);
	}
	return STEP_MSECS;
}

/* ---- by the relay ---- */

static void forget(struct person_job *j)
{
	struct flow *f = j->flow;
	struct endpoint *e;
	size_t i;

	for (i = 0; i < j->found.ncontacts; i++) {
		e = endpoint_find(f, j->found.contacts[i].endpoint);
		if (e != NULL)
			lane_empty(lane_get(e, j->found.contacts[i].person));
	}
	for (i = 0; i < j->found.ntalks; i++) {
		router_forget(f->router, 0, j->found.talks[i].thread);
		choices_forget(f->choices, j->found.talks[i].endpoint, j->found.talks[i].remote);
	}
	hearings_forget(f->hearings);
}

static void end(struct person_job *j)
{
	struct flow *f = j->flow;
	struct person_job **at;

	for (at = &f->persons; *at != j; at = &(*at)->next)
		;
	*at = j->next;
	if (j->task == PERSON_ERASE && !j->is_dry) {
		f->erasing--;
		forget(j);
	}
	loop_timer_free(j->timer);
	j->timer = NULL;
	arena_free(j->step);
	j->step = NULL;
	j->done(j);
}

static void on_found(struct store_op *op);
static void on_said(struct store_op *op);
static void on_erased(struct store_op *op);

static void go_on(void *arg)
{
	struct person_job *j = arg;
	struct store_op *op = j->state == FINDING ? find_op(j) : work_op(j);

	j->erase.now_ms = loop_now_ms(j->flow->loop);
	op->done = j->state == FINDING ? on_found : j->task == PERSON_EXPORT ? on_said : on_erased;
	if (flow_offer(j->flow, op) != 0)
		loop_timer_set(j->timer, BUSY_MSECS);
}

static void on_step(struct person_job *j, const struct store_op *op)
{
	int64_t wait = take(j, op);

	if (j->state == OVER)
		end(j);
	else
		loop_timer_set(j->timer, wait);
}

static void on_found(struct store_op *op)
{
	on_step((struct person_job *)((char *)op - offsetof(struct person_job, found.op)), op);
}

static void on_said(struct store_op *op)
{
	on_step((struct person_job *)((char *)op - offsetof(struct person_job, said.op)), op);
}

static void on_erased(struct store_op *op)
{
	on_step((struct person_job *)((char *)op - offsetof(struct person_job, erase.op)), op);
}

void person_start(struct flow *f, struct person_job *j)
{
	j->flow = f;
	j->next = f->persons;
	f->persons = j;
	j->timer = loop_timer_new(f->loop, go_on, j);
	if (j->task == PERSON_ERASE && !j->is_dry)
		f->erasing++;
	go_on(j);
}

void persons_end(struct flow *f)
{
	struct person_job *j;

	while ((j = f->persons) != NULL) {
		j->is_failed = true;
		err_set(&j->err, "the relay stops; again when it runs");
		end(j);
	}
}

/* ---- without one ---- */

void person_run(struct store *s, struct person_job *j, int64_t now_ms)
{
	struct store_op *op;

	j->erase.now_ms = now_ms;
	j->is_alone = true;
	while (j->state != OVER) {
		op = j->state == FINDING ? find_op(j) : work_op(j);
		store_run(s, op);
		take(j, op);
	}
	arena_free(j->step);
	j->step = NULL;
}
