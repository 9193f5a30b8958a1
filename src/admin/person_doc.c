/* See person_doc.h. */
#include "admin/person_doc.h"

#include <inttypes.h>
#include <string.h>

#include "admin/json_time.h"
#include "admin/repair_doc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "config/config.h"

static const char *name_of(const struct config *c, int endpoint)
{
	size_t i;

	for (i = 0; i < c->nendpoints; i++)
		if (c->endpoints[i].id == endpoint)
			return c->endpoints[i].name;
	return NULL;
}

static const char *at(struct arena *a, const struct config *c, int endpoint, const char *remote)
{
	const char *name = name_of(c, endpoint);

	return remote == NULL ? NULL : arena_printf(a, "%s:%s", name != NULL ? name : "?", remote);
}

/* ---- export ---- */

static void put_object(struct arena *a, struct json_out *o, const char *key, const char *text)
{
	struct json_error error;
	const struct json *j = text != NULL ? json_read(a, text, strlen(text), &error) : NULL;

	if (j == NULL)
		return;
	json_key(o, key);
	json_put(o, j);
}

/* What was told of them besides, at each place. */
static void put_facts(struct arena *a, struct json_out *o, const struct config *c,
    const struct op_person *p, int64_t conversation)
{
	const struct person_fact *f;

	json_key(o, "facts");
	json_begin_array(o);
	for (f = p->facts; f < p->facts + p->nfacts; f++) {
		if (f->conversation != conversation)
			continue;
		json_begin_object(o);
		json_member_text(o, "endpoint", f->place != 0 ? name_of(c, f->place) : NULL);
		put_object(a, o, "told", f->seen);
		put_object(a, o, "agreed", f->ours);
		put_object(a, o, "before", f->was);
		json_end_object(o);
	}
	json_end_array(o);
}

static void put_person(struct arena *a, struct json_out *o, const struct config *c,
    const struct op_person *p, const struct person_row *row)
{
	const struct person_contact *k;

	json_begin_object(o);
	json_member_text(o, "id", arena_printf(a, "p%" PRId64, row->id));
	json_member_text(o, "endpoint", name_of(c, row->endpoint));
	json_member_text(o, "identity", row->person.identity);
	json_member_text(o, "remote", row->person.id);
	json_member_text(o, "address", row->person.address);
	json_member_text(o, "name", row->person.name);
	json_member_text(o, "email", row->person.email);
	json_member_text(o, "phone", row->person.phone);
	json_key(o, "contacts");
	json_begin_array(o);
	for (k = p->contacts; k < p->contacts + p->ncontacts; k++) {
		if (k->person != row->id)
			continue;
		json_begin_object(o);
		json_member_text(o, "endpoint", name_of(c, k->endpoint));
		json_member_text(o, "contact", k->contact);
		json_member_text(o, "address", k->address);
		json_end_object(o);
	}
	json_end_array(o);
	json_end_object(o);
}

static void put_talk(struct arena *a, struct json_out *o, const struct config *c,
    const struct op_person *p, const struct person_talk *t)
{
	json_begin_object(o);
	json_member_text(o, "remote", at(a, c, t->endpoint, t->remote));
	if (t->state != STATE_NONE)
		json_member_text(o, "state", state_word((int)t->state));
	put_facts(a, o, c, p, t->thread);
	json_end_object(o);
}

const char *person_export_doc(struct arena *a, const struct config *c, const struct person_job *j,
    const char *who, int64_t now_ms, size_t *len)
{
	const struct op_person *p = &j->found;
	struct json_out *o = json_out_new(a);
	size_t i;

	json_begin_object(o);
	json_member_text(o, "who", who);
	json_member_time(o, "at", now_ms);
	json_key(o, "persons");
	json_begin_array(o);
	for (i = 0; i < p->npersons; i++)
		put_person(a, o, c, p, &p->persons[i]);
	json_end_array(o);
	put_facts(a, o, c, p, 0);
	json_key(o, "conversations");
	json_begin_array(o);
	for (i = 0; i < p->ntalks; i++)
		put_talk(a, o, c, p, &p->talks[i]);
	json_end_array(o);
	json_key(o, "messages");
	json_begin_array(o);
	for (i = 0; i < j->nmessages; i++)
		trace_put(a, o, c, &j->messages[i]);
	json_end_array(o);
	json_end_object(o);
	return json_done(o, len);
}

/* ---- receipt ---- */

static void put_ids(struct arena *a, struct json_out *o, const char *key, char letter,
    const void *rows, size_t n, size_t size)
{
	size_t i;

	json_key(o, key);
	json_begin_array(o);
	for (i = 0; i < n; i++)
		json_put_text(o,
		    arena_printf(a, "%c%" PRId64, letter,
			*(const int64_t *)((const char *)rows + i * size)));
	json_end_array(o);
}

const char *person_receipt_doc(struct arena *a, const struct person_job *j, int64_t now_ms,
    size_t *len)
{
	const struct op_person *p = &j->found;
	const struct person_counts *c = &j->counts;
	struct json_out *o = json_out_new(a);

	json_begin_object(o);
	json_member_time(o, "at", now_ms);
	json_member_bool(o, "dry_run", j->is_dry);
	put_ids(a, o, "persons", 'p', p->persons, p->npersons, sizeof(*p->persons));
	put_ids(a, o, "conversations", 't', p->talks, p->ntalks, sizeof(*p->talks));
	put_ids(a, o, "links", 'k', p->links, p->nlinks, sizeof(*p->links));
	json_key(o, "messages");
	json_begin_object(o);
	json_member_int(o, "count", c->messages);
	if (c->messages > 0) {
		json_member_text(o, "first", arena_printf(a, "e%" PRId64, c->first));
		json_member_text(o, "last", arena_printf(a, "e%" PRId64, c->last));
	}
	json_end_object(o);
	json_member_int(o, "given_up", c->given_up);
	json_member_int(o, "files", c->files);
	json_member_int(o, "callbacks", c->callbacks);
	if (!j->is_dry)
		json_member_bool(o, "wiped", j->is_wiped);
	json_end_object(o);
	return json_done(o, len);
}

static void print_ids(struct buf *out, const struct json *receipt, const char *key)
{
	const struct json *list = json_array(receipt, key), *j;

	buf_addf(out, "%-14s", key);
	for (j = list != NULL ? list->child : NULL; j != NULL; j = j->next)
		buf_addf(out, "%s%s", j->text, j->next != NULL ? " " : "");
	buf_addf(out, "\n");
}

void person_print_receipt(struct buf *out, const struct json *r)
{
	const char *first = json_text(r, "messages.first"), *last = json_text(r, "messages.last");
	bool is_dry = json_true(r, "dry_run");

	buf_addf(out, "%-14s%s%s\n", is_dry ? "would erase" : "erased", json_text(r, "at"),
	    is_dry ? ", nothing was changed" : "");
	print_ids(out, r, "persons");
	print_ids(out, r, "conversations");
	print_ids(out, r, "links");
	buf_addf(out, "%-14s%" PRId64, "messages", json_int(r, "messages.count", 0));
	if (first != NULL && last != NULL)
		buf_addf(out, " (%s to %s)", first, last);
	buf_addf(out, "\n%-14s%" PRId64 "\n", "given up", json_int(r, "given_up", 0));
	buf_addf(out, "%-14s%" PRId64 "\n", "files", json_int(r, "files", 0));
	buf_addf(out, "%-14s%" PRId64 "\n", "callbacks", json_int(r, "callbacks", 0));
	if (!is_dry && !json_true(r, "wiped"))
		buf_addf(out,
		    "somebody read the store just then: its files hold old pages until the relay stops\n");
}
