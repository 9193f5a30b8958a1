/* See person.h: what there is of somebody goes. Rows that others point to stay, with nothing in them: so ids are not
 * given again, and an operation that is on its way with one of them finds it. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/arena.h"
#include "store/migration.h"
#include "store/sqlite_db.h"
#include "store/sqlite_person_inside.h"

#define SEEN_AT_ONCE 2000
#define BODIES_AT_ONCE 50
#define BYTES_AT_ONCE (1 << 20)
#define NEEDLES_MOST 256
#define NEEDLE_LEAST 7 /* shorter texts may stand anywhere */
#define DAY_MS INT64_C(86400000)

struct erasing {
	struct op_person_erase *op;
	struct crowd crowd;
	const char *needles[NEEDLES_MOST];
	size_t nneedles;
};

static int run1(struct store_db *db, enum query name, int64_t a)
{
	struct stmt *q = query(db, name);

	stmt_i64(q, a);
	return stmt_run(q);
}

static int run_range(struct store_db *db, enum query name, int64_t from, int64_t to)
{
	struct stmt *q = query(db, name);

	stmt_i64(q, from);
	stmt_i64(q, to);
	return stmt_run(q);
}

/* ---- messages ---- */

struct file {
	int64_t id, size;
	char sha[80];
};

static int erase_file(struct store_db *db, struct op_person_erase *op, const struct file *f)
{
	char path[4096];
	int64_t one;
	struct stmt *q;
	int ret;

	op->counts.files++;
	if (op->is_dry)
		return 0;
	if (run1(db, Q_MEDIA_DELETE, f->id) != 0)
		return -1;
	if (f->sha[0] == '\0')
		return 0;
	q = query(db, Q_MEDIA_SHARED);
	stmt_text(q, f->sha);
	ret = stmt_number(q, &one);
	if (ret != 0)
		return ret < 0 ? -1 : 0;
	snprintf(path, sizeof(path), "%s/%s", op->folder, f->sha);
	unlink(path);
	op->bytes += f->size;
	return 0;
}

static int erase_files(struct store_db *db, struct op_person_erase *op, int64_t event)
{
	struct file files[64];
	struct stmt *q = query(db, Q_MEDIA_OF_EVENT);
	enum stmt_result r;
	size_t n = 0, i;

	stmt_i64(q, event);
	while ((r = stmt_step(q)) == STMT_ROW)
		if (n < sizeof(files) / sizeof(files[0])) {
			files[n].id = stmt_col_i64(q, 0);
			files[n].size = stmt_col_i64(q, 2);
			snprintf(files[n].sha, sizeof(files[n].sha), "%s",
			    stmt_col_peek(q, 1) != NULL ? stmt_col_peek(q, 1) : "");
			n++;
		}
	if (r == STMT_ERROR)
		return -1;
	for (i = 0; i < n; i++)
		if (erase_file(db, op, &files[i]) != 0)
			return -1;
	return 0;
}

/* What waits is given up, and of what is over only ids stay. 1: done, 0: one is under way, -1. */
static int erase_deliveries(struct store_db *db, struct op_person_erase *op, int64_t from,
    int64_t to)
{
	struct stmt *q = query(db, Q_DELIVERIES_WAITING);
	int64_t waiting = 0;
	enum stmt_result r;
	bool is_under_way = false;
	int state;

	stmt_i64(q, from);
	stmt_i64(q, to);
	while ((r = stmt_step(q)) == STMT_ROW) {
		state = stmt_col_int(q, 0);
		waiting++;
		is_under_way |= state == DELIVERY_SENDING || state == DELIVERY_UNSURE;
	}
	if (r == STMT_ERROR)
		return -1;
	if (is_under_way && !op->is_dry && !op->is_alone)
		return 0;
	op->counts.given_up += waiting;
	if (op->is_dry)
		return 1;
	q = query(db, Q_DELIVERY_ERASE);
	stmt_i64(q, from);
	stmt_i64(q, to);
	stmt_i64(q, op->now_ms);
	if (stmt_run(q) != 0 || run_range(db, Q_ATTEMPT_DELETE, from, to) != 0
	    || run_range(db, Q_EDIT_DELETE, from, to) != 0)
		return -1;
	return 1;
}

/* 1: done, 0: something of it is under way, -1. */
static int erase_message(struct store_db *db, struct op_person_erase *op, int64_t event)
{
	int ret = erase_deliveries(db, op, event << 4, event << 4 | 15);

	if (ret <= 0)
		return ret;
	if (erase_files(db, op, event) != 0)
		return -1;
	op->counts.messages++;
	if (op->counts.first == 0)
		op->counts.first = event;
	op->counts.last = event;
	return op->is_dry || sqlite_delete_event(db, event) == 0 ? 1 : -1;
}

/* Some of the events behind after. 1: all were seen, 0: there are more, or (is_busy) something is under way, -1. */
static int erase_messages(struct store_db *db, struct erasing *e)
{
	int64_t *ids = arena_zalloc(e->op->arena, SEEN_AT_ONCE * sizeof(*ids));
	int64_t id = e->op->to.messages;
	struct stmt *q = query(db, Q_EVENT_THREADS);
	enum stmt_result r;
	size_t n = 0, i;
	int seen = 0, ret;

	stmt_i64(q, id);
	stmt_i64(q, SEEN_AT_ONCE);
	while ((r = stmt_step(q)) == STMT_ROW) {
		seen++;
		id = stmt_col_i64(q, 0);
		if (id_is_in(e->crowd.threads, e->crowd.ntalks, stmt_col_i64(q, 1)))
			ids[n++] = id;
	}
	if (r == STMT_ERROR)
		return -1;
	for (i = 0; i < n; i++) {
		ret = erase_message(db, e->op, ids[i]);
		if (ret < 0)
			return -1;
		if (ret == 0)
			e->op->is_busy = true;
	}
	e->op->to.messages = id;
	return seen < SEEN_AT_ONCE && !e->op->is_busy;
}

/* Of a delivery whose message is gone already: what was said of it, and files that are still served. */
static int erase_rest_of(struct store_db *db, struct op_person_erase *op, int64_t delivery,
    bool has_words)
{
	struct stmt *q = query(db, Q_EVENT_AT);
	int64_t at;
	int ret;

	stmt_i64(q, delivery >> 4);
	ret = stmt_number(q, &at);
	if (ret < 0 || (ret == 0 && erase_files(db, op, delivery >> 4) != 0))
		return -1;
	if (!has_words || op->is_dry)
		return 1;
	return erase_deliveries(db, op, delivery, delivery);
}

static int erase_rests(struct store_db *db, struct erasing *e)
{
	int64_t *ids = arena_zalloc(e->op->arena, SEEN_AT_ONCE * sizeof(*ids));
	bool *has_words = arena_zalloc(e->op->arena, SEEN_AT_ONCE * sizeof(*has_words));
	int64_t id = e->op->to.deliveries;
	struct stmt *q = query(db, Q_DELIVERY_PLACES);
	enum stmt_result r;
	size_t n = 0, i;
	int seen = 0, ret;

	stmt_i64(q, id);
	stmt_i64(q, SEEN_AT_ONCE);
	while ((r = stmt_step(q)) == STMT_ROW) {
		seen++;
		id = stmt_col_i64(q, 0);
		if (id_is_in(e->crowd.lanes, e->crowd.ncontacts, stmt_col_i64(q, 1))
		    || id_is_in(e->crowd.links, e->crowd.nlinks, stmt_col_i64(q, 2))) {
			has_words[n] = stmt_col_int(q, 3) != 0;
			ids[n++] = id;
		}
	}
	if (r == STMT_ERROR)
		return -1;
	for (i = 0; i < n; i++) {
		ret = erase_rest_of(db, e->op, ids[i], has_words[i]);
		if (ret < 0)
			return -1;
		if (ret == 0)
			e->op->is_busy = true;
	}
	e->op->to.deliveries = id;
	return seen < SEEN_AT_ONCE && !e->op->is_busy;
}

/* ---- callbacks ---- */

static void add_needle(struct erasing *e, const char *text)
{
	if (text != NULL && strlen(text) >= NEEDLE_LEAST && e->nneedles < NEEDLES_MOST)
		e->needles[e->nneedles++] = text;
}

static int find_needles(struct store_db *db, struct erasing *e)
{
	struct arena *a = e->op->arena;
	struct person p;
	size_t i;

	add_needle(e, e->op->text != NULL && e->op->text[0] == '+' ? e->op->text + 1 : e->op->text);
	for (i = 0; i < e->op->npersons; i++) {
		if (row_person_by_id(db, e->op->persons[i], a, &p) < 0)
			return -1;
		add_needle(e, p.identity);
		add_needle(e, p.id);
		add_needle(e, p.address);
		add_needle(e, p.email);
		add_needle(e, p.phone != NULL && p.phone[0] == '+' ? p.phone + 1 : p.phone);
	}
	for (i = 0; i < e->crowd.ncontacts; i++) {
		add_needle(e, e->crowd.contacts[i].contact);
		add_needle(e, e->crowd.contacts[i].address);
	}
	for (i = 0; i < e->crowd.ntalks; i++) {
		add_needle(e, e->crowd.talks[i].remote);
		add_needle(e, e->crowd.talks[i].ref);
	}
	return 0;
}

/* Letters of ASCII in either case. */
static bool holds(const char *text, size_t len, const char *needle)
{
	char first[2] = { (char)tolower((unsigned char)needle[0]),
		(char)toupper((unsigned char)needle[0]) };
	size_t n = strlen(needle), i;

	for (i = 0; i + n <= len; i++)
		if ((text[i] == first[0] || text[i] == first[1])
		    && strncasecmp(text + i, needle, n) == 0)
			return true;
	return false;
}

static bool names_them(const struct erasing *e, const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < e->nneedles; i++)
		if (holds(text, len, e->needles[i]))
			return true;
	return false;
}

/* Its conversation may be called by a short number, which says nothing where it stands in a body. 1: is theirs. */
static int is_of_talk(struct store_db *db, const struct erasing *e, int64_t callback)
{
	struct stmt *q = query(db, Q_CALLBACK_TALKS);
	enum stmt_result r;
	bool is = false;
	size_t i;

	stmt_i64(q, callback);
	while ((r = stmt_step(q)) == STMT_ROW)
		for (i = 0; i < e->crowd.ntalks; i++)
			is |= e->crowd.talks[i].endpoint == stmt_col_int(q, 0)
			    && strcmp(e->crowd.talks[i].remote, stmt_col_peek(q, 1)) == 0;
	return r == STMT_ERROR ? -1 : is;
}

static int drop_callback(struct store_db *db, struct erasing *e, int64_t id, bool is_raw)
{
	e->op->counts.callbacks++;
	if (e->op->is_dry)
		return 0;
	return is_raw ? run1(db, Q_RAW_DROP, id) : sqlite_delete_callback(db, id);
}

static int erase_kept(struct store_db *db, struct erasing *e, bool is_raw)
{
	int64_t ids[BODIES_AT_ONCE];
	bool hits[BODIES_AT_ONCE];
	struct stmt *q = query(db, is_raw ? Q_RAW_BODIES : Q_CALLBACK_BODIES);
	enum stmt_result r = STMT_ROW;
	const char *body;
	size_t len, seen = 0;
	int n = 0, i, ret;

	stmt_i64(q, e->op->to.after);
	stmt_i64(q, BODIES_AT_ONCE);
	while (seen < BYTES_AT_ONCE && (r = stmt_step(q)) == STMT_ROW) {
		ids[n] = stmt_col_i64(q, 0);
		body = stmt_col_blob(q, 1, &len);
		hits[n++] = names_them(e, body, len);
		seen += len;
	}
	if (r == STMT_ERROR)
		return -1;
	stmt_end(q);
	for (i = 0; i < n; i++) {
		ret = hits[i] || is_raw ? hits[i] : is_of_talk(db, e, ids[i]);
		if (ret < 0 || (ret > 0 && drop_callback(db, e, ids[i], is_raw) != 0))
			return -1;
		e->op->to.after = ids[i];
	}
	return r == STMT_DONE && n < BODIES_AT_ONCE;
}

static int erase_raw(struct store_db *db, struct erasing *e)
{
	return erase_kept(db, e, true);
}

static int erase_callbacks(struct store_db *db, struct erasing *e)
{
	return erase_kept(db, e, false);
}

/* ---- what is known of them ---- */

static int is_moving(struct store_db *db, const struct erasing *e)
{
	struct stmt *q;
	int64_t one;
	size_t i;
	int ret = 0;

	for (i = 0; i < e->crowd.ntalks && ret == 0; i++) {
		q = query(db, Q_TALK_MOVING);
		stmt_text(q, e->crowd.talks[i].remote);
		stmt_i64(q, MIGRATION_RUNNING);
		stmt_i64(q, MIGRATION_STOPPING);
		ret = stmt_number(q, &one);
	}
	return ret;
}

static int blank_talk(struct store_db *db, const struct person_talk *t)
{
	struct stmt *q = query(db, Q_ITEM_BLANK);

	stmt_i64(q, t->thread);
	stmt_text(q, t->remote);
	if (stmt_run(q) != 0)
		return -1;
	return run1(db, Q_QUESTION_OF_THREAD, t->thread) != 0
		|| run1(db, Q_FACT_OF_THREAD, t->thread) != 0
		|| run1(db, Q_THREAD_BLANK, t->thread) != 0
	    ? -1
	    : 0;
}

/* Who is wished for stays somebody: a run that is resumed would be for all. */
static int blank_wishes(struct store_db *db, const struct erasing *e)
{
	struct stmt *q;
	size_t i;

	for (i = 0; i < e->nneedles; i++) {
		q = query(db, Q_WISH_BLANK);
		stmt_text(q, e->needles[i]);
		if (stmt_run(q) != 0)
			return -1;
	}
	return 0;
}

static int blank_persons(struct store_db *db, const struct erasing *e)
{
	static const enum query steps[] = { Q_FACT_OF_PERSON, Q_ALIAS_OF_PERSON, Q_LANES_BLANK,
		Q_PERSON_BLANK };
	size_t i, j;

	for (i = 0; i < e->op->npersons; i++)
		for (j = 0; j < sizeof(steps) / sizeof(steps[0]); j++)
			if (run1(db, steps[j], e->op->persons[i]) != 0)
				return -1;
	for (i = 0; i < e->crowd.nlinks; i++)
		if (run1(db, Q_MIRROR_OF_LINK, e->crowd.links[i]) != 0)
			return -1;
	for (i = 0; i < e->crowd.ntalks; i++)
		if (blank_talk(db, &e->crowd.talks[i]) != 0)
			return -1;
	return blank_wishes(db, e);
}

/* That no event gets an id again. */
static int keep_last_id(struct store_db *db, int64_t now_ms)
{
	struct stmt *q = query(db, Q_DAY_ADD);

	stmt_i64(q, now_ms / DAY_MS);
	stmt_i64(q, db->last_event);
	return stmt_run(q);
}

/* With what has come since it was looked at. */
static int erase_rest(struct store_db *db, struct erasing *e)
{
	int ret = e->op->is_alone || e->op->is_dry ? 0 : is_moving(db, e);

	if (ret != 0) {
		e->op->is_busy = ret > 0;
		return ret < 0 ? -1 : 0;
	}
	do
		ret = erase_messages(db, e);
	while (ret == 0 && !e->op->is_busy);
	while (ret == 1 && !e->op->is_busy) {
		ret = erase_rests(db, e);
		if (ret == 1)
			break;
		ret = ret == 0 && !e->op->is_busy ? 1 : ret;
	}
	if (ret < 0 || e->op->is_busy || e->op->is_dry)
		return ret < 0 ? -1 : !e->op->is_busy;
	return blank_persons(db, e) == 0 && keep_last_id(db, e->op->now_ms) == 0 ? 1 : -1;
}

/* The next commit writes all back into the file and empties the WAL (sqlite_commit); the step after it looks
 * whether that was so. */
static int wipe(struct store_db *db, struct erasing *e)
{
	if (e->op->is_dry)
		return 1;
	if (e->op->to.after == 0) {
		e->op->to.after = 1;
		db->wipe = WIPE_WANTED;
		return 0;
	}
	e->op->is_wiped = db->wipe == WIPE_DONE;
	return 1;
}

bool sqlite_is_erased(const struct person *p)
{
	return strncmp(p->identity, "erased:", strlen("erased:")) == 0;
}

int sqlite_person_erase(struct store_db *db, struct op_person_erase *op)
{
	static int (*const stages[])(struct store_db * db, struct erasing * e) = {
		[ERASE_MESSAGES] = erase_messages,
		[ERASE_DELIVERIES] = erase_rests,
		[ERASE_RAW] = erase_raw,
		[ERASE_CALLBACKS] = erase_callbacks,
		[ERASE_REST] = erase_rest,
		[ERASE_WIPE] = wipe,
	};
	struct erasing e = { .op = op };
	int ret;

	op->to = op->from;
	op->is_busy = op->is_wiped = false;
	op->counts = (struct person_counts){ 0 };
	op->bytes = 0;
	if (op->to.stage == ERASE_DONE)
		return 0;
	if (crowd_read(db, op->arena, op->persons, op->npersons, &e.crowd) != 0
	    || find_needles(db, &e) != 0)
		return -1;
	ret = stages[op->to.stage](db, &e);
	if (ret < 0)
		return -1;
	if (ret == 1) {
		op->to.stage++;
		op->to.after = 0;
	}
	return 0;
}
