/* See person.h: who somebody is, and what there is of him. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "store/sqlite_db.h"
#include "store/sqlite_person_inside.h"

#define SEEN_AT_ONCE 2000

/* A list that grows in an arena. */
struct list {
	void *items;
	size_t count, size, item;
};

static void *list_add(struct list *l, struct arena *a)
{
	void *more;

	if (l->count == l->size) {
		l->size = l->size == 0 ? 8 : l->size * 2;
		more = arena_zalloc(a, l->size * l->item);
		if (l->count > 0)
			memcpy(more, l->items, l->count * l->item);
		l->items = more;
	}
	return (char *)l->items + l->count++ * l->item;
}

static int by_id(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

bool id_is_in(const int64_t *ids, size_t n, int64_t id)
{
	return id != 0 && n > 0 && bsearch(&id, ids, n, sizeof(*ids), by_id) != NULL;
}

/* ---- all that is theirs ---- */

static int add_contacts(struct store_db *db, struct arena *a, int64_t person, struct list *out)
{
	struct stmt *q = query(db, Q_LANES_OF);
	struct person_contact *c;
	enum stmt_result r;

	stmt_i64(q, person);
	while ((r = stmt_step(q)) == STMT_ROW) {
		c = list_add(out, a);
		c->lane = stmt_col_i64(q, 0);
		c->person = person;
		c->endpoint = stmt_col_int(q, 1);
		c->contact = stmt_col_text(q, 2, a);
		c->address = stmt_col_text(q, 3, a);
	}
	return r == STMT_ERROR ? -1 : 0;
}

static int add_talks(struct store_db *db, struct arena *a, int64_t person, struct list *out)
{
	struct stmt *q = query(db, Q_TALKS_OF);
	struct person_talk *t;
	enum stmt_result r;

	stmt_i64(q, person);
	while ((r = stmt_step(q)) == STMT_ROW) {
		t = list_add(out, a);
		t->thread = stmt_col_i64(q, 0);
		t->endpoint = stmt_col_int(q, 1);
		t->remote = stmt_col_text(q, 2, a);
		t->ref = stmt_col_text(q, 3, a);
		t->state = (enum state)stmt_col_int(q, 4);
	}
	return r == STMT_ERROR ? -1 : 0;
}

static int add_links(struct store_db *db, struct arena *a, int64_t person, struct list *out)
{
	struct stmt *q = query(db, Q_LINKS_OF);
	enum stmt_result r;

	stmt_i64(q, person);
	while ((r = stmt_step(q)) == STMT_ROW)
		*(int64_t *)list_add(out, a) = stmt_col_i64(q, 0);
	return r == STMT_ERROR ? -1 : 0;
}

/* The first member of each is its id. */
static int64_t *ids_of(struct arena *a, const struct list *rows)
{
	int64_t *ids = arena_zalloc(a, (rows->count + 1) * sizeof(*ids));
	size_t i;

	if (rows->count > 0)
		qsort(rows->items, rows->count, rows->item, by_id);
	for (i = 0; i < rows->count; i++)
		ids[i] = *(const int64_t *)((const char *)rows->items + i * rows->item);
	return ids;
}

int crowd_read(struct store_db *db, struct arena *a, const int64_t *persons, size_t npersons,
    struct crowd *out)
{
	struct list contacts = { .item = sizeof(struct person_contact) };
	struct list talks = { .item = sizeof(struct person_talk) };
	struct list links = { .item = sizeof(int64_t) };
	size_t i;

	for (i = 0; i < npersons; i++)
		if (add_contacts(db, a, persons[i], &contacts) != 0
		    || add_talks(db, a, persons[i], &talks) != 0
		    || add_links(db, a, persons[i], &links) != 0)
			return -1;
	*out = (struct crowd){ .persons = persons, .npersons = npersons };
	out->lanes = ids_of(a, &contacts);
	out->threads = ids_of(a, &talks);
	out->links = ids_of(a, &links);
	out->contacts = contacts.items;
	out->ncontacts = contacts.count;
	out->talks = talks.items;
	out->ntalks = talks.count;
	out->nlinks = links.count;
	return 0;
}

/* ---- who ---- */

static struct stmt *who_query(struct store_db *db, const struct who *who)
{
	struct stmt *q = NULL;

	switch (who->kind) {
	case WHO_EMAIL: q = query(db, Q_WHO_EMAIL); break;
	case WHO_PHONE: q = query(db, Q_WHO_PHONE); break;
	case WHO_ID: q = query(db, Q_WHO_ID); break;
	}
	stmt_text(q, who->text);
	if (who->kind == WHO_ID)
		stmt_i64(q, who->endpoint);
	return q;
}

static int find_persons(struct store_db *db, struct op_person *op)
{
	struct list rows = { .item = sizeof(struct person_row) };
	struct stmt *q = who_query(db, &op->who);
	struct person_row *p;
	enum stmt_result r;

	while ((r = stmt_step(q)) == STMT_ROW) {
		p = list_add(&rows, op->arena);
		p->id = stmt_col_i64(q, 0);
		p->endpoint = stmt_col_int(q, 1);
		p->person = (struct person){
			.identity = stmt_col_text(q, 2, op->arena),
			.id = stmt_col_text(q, 3, op->arena),
			.address = stmt_col_text(q, 4, op->arena),
			.name = stmt_col_text(q, 5, op->arena),
			.email = stmt_col_text(q, 6, op->arena),
			.phone = stmt_col_text(q, 7, op->arena),
		};
	}
	op->persons = rows.items;
	op->npersons = rows.count;
	return r == STMT_ERROR ? -1 : 0;
}

static int add_facts(struct store_db *db, struct arena *a, int64_t subject, bool is_talk,
    struct list *out)
{
	struct stmt *q = query(db, Q_FACTS_OF);
	struct person_fact *f;
	enum stmt_result r;

	stmt_i64(q, subject);
	stmt_i64(q, !is_talk);
	while ((r = stmt_step(q)) == STMT_ROW) {
		f = list_add(out, a);
		f->conversation = is_talk ? subject : 0;
		f->place = stmt_col_int(q, 0);
		f->seen = stmt_col_text(q, 1, a);
		f->ours = stmt_col_text(q, 2, a);
		f->was = stmt_col_text(q, 3, a);
	}
	return r == STMT_ERROR ? -1 : 0;
}

int sqlite_person(struct store_db *db, struct op_person *op)
{
	struct list facts = { .item = sizeof(struct person_fact) };
	struct crowd crowd;
	int64_t *ids;
	size_t i;

	if (find_persons(db, op) != 0)
		return -1;
	ids = arena_zalloc(op->arena, (op->npersons + 1) * sizeof(*ids));
	for (i = 0; i < op->npersons; i++)
		ids[i] = op->persons[i].id;
	if (crowd_read(db, op->arena, ids, op->npersons, &crowd) != 0)
		return -1;
	op->contacts = crowd.contacts;
	op->ncontacts = crowd.ncontacts;
	op->talks = crowd.talks;
	op->ntalks = crowd.ntalks;
	op->links = crowd.links;
	op->nlinks = crowd.nlinks;
	for (i = 0; i < op->npersons; i++)
		if (add_facts(db, op->arena, ids[i], false, &facts) != 0)
			return -1;
	for (i = 0; i < op->ntalks; i++)
		if (add_facts(db, op->arena, op->talks[i].thread, true, &facts) != 0)
			return -1;
	op->facts = facts.items;
	op->nfacts = facts.count;
	return 0;
}

/* ---- what was said ---- */

static int list_said(struct store_db *db, struct op_person_said *op, const struct crowd *crowd,
    struct list *ids)
{
	struct stmt *q = query(db, Q_EVENT_THREADS);
	enum stmt_result r;
	int seen = 0;

	stmt_i64(q, op->after);
	stmt_i64(q, SEEN_AT_ONCE);
	while ((r = stmt_step(q)) == STMT_ROW) {
		seen++;
		op->last = stmt_col_i64(q, 0);
		if (id_is_in(crowd->threads, crowd->ntalks, stmt_col_i64(q, 1)))
			*(int64_t *)list_add(ids, op->arena) = op->last;
	}
	if (seen < SEEN_AT_ONCE)
		op->last = 0;
	return r == STMT_ERROR ? -1 : 0;
}

int sqlite_person_said(struct store_db *db, struct op_person_said *op)
{
	struct list ids = { .item = sizeof(int64_t) };
	struct crowd crowd;
	size_t i;

	op->last = 0;
	if (crowd_read(db, op->arena, op->persons, op->npersons, &crowd) != 0
	    || list_said(db, op, &crowd, &ids) != 0)
		return -1;
	op->nmessages = ids.count;
	op->messages = arena_zalloc(op->arena, (ids.count + 1) * sizeof(*op->messages));
	for (i = 0; i < ids.count; i++) {
		op->messages[i] =
		    (struct op_trace){ .arena = op->arena, .event_id = ((int64_t *)ids.items)[i] };
		if (sqlite_trace(db, &op->messages[i]) != 0)
			return -1;
	}
	return 0;
}
