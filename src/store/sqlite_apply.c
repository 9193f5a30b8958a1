/* The operations, in the order a message meets them: append and route are sqlite_route.c's, then claim, step,
 * settle; then what stands beside that way. Each sets every field its caller reads, so that it may run twice. */
#include <string.h>

#include <sqlite3.h>

#include "base/arena.h"
#include "store/adopt.h"
#include "store/alarm.h"
#include "store/backup.h"
#include "store/errand.h"
#include "store/facts.h"
#include "store/migration.h"
#include "store/person.h"
#include "store/question.h"
#include "store/repair.h"
#include "store/retain.h"
#include "store/sqlite_db.h"

#define TARGET_BITS 4

/* ---- claim ---- */

/* At its own endpoint; NULL: it is about no other. */
const char *sqlite_replied_to(const struct event *e)
{
	return e->kind == EVENT_EDIT ? e->remote : e->reply_to;
}

static int apply_claim(struct store_db *db, struct op_claim *op)
{
	struct stmt *q = query(db, Q_DELIVERY_HEAD);
	struct event *event;
	int64_t head = 0, due = 0;
	int state = 0;

	op->is_empty = op->is_early = op->is_doubted = false;
	op->head_due_ms = 0;
	memset(&op->trip, 0, sizeof(op->trip));
	stmt_i64(q, op->lane);
	switch (stmt_step(q)) {
	case STMT_ROW:
		head = stmt_col_i64(q, 0);
		state = stmt_col_int(q, 1);
		due = stmt_col_i64(q, 2);
		stmt_end(q);
		break;
	case STMT_DONE: op->is_empty = true; return 0;
	case STMT_ERROR: return -1;
	}
	if (state == DELIVERY_SENDING
	    || (state != DELIVERY_QUEUED && due > op->now_ms && !op->is_due)) {
		op->is_early = true;
		op->head_due_ms = state == DELIVERY_SENDING ? INT64_MAX : due;
		return 0;
	}
	q = query(db, Q_DELIVERY_CLAIM);
	stmt_i64(q, DELIVERY_SENDING);
	stmt_i64(q, op->owner);
	stmt_i64(q, op->now_ms);
	stmt_i64(q, head);
	if (stmt_run(q) != 0 || row_trip(db, head, op->arena, &op->trip) < 0
	    || row_event(db, head >> TARGET_BITS, op->arena, &event) < 0)
		return -1;
	if (event == NULL)
		return sqlite_refuse(db, "delivery %lld has no event", (long long)head);
	/* What history ends with is done whatever the conversation there is taken for: it was opened to wait. */
	if (op->trip.delivery.is_status && event->origin == ORIGIN_HISTORY)
		op->trip.delivery.set_state = event->state;
	if (sqlite_ask(db, &op->trip, op->now_ms) != 0)
		return -1;
	if (op->trip.delivery.is_deletion
	    && sqlite_find_written(db, &op->trip, event, op->now_ms, op->arena) != 0)
		return -1;
	if (op->trip.delivery.is_edit && sqlite_find_edited(db, &op->trip, event, op->arena) != 0)
		return -1;
	if (sqlite_find_replied(db, &op->trip, event->endpoint, sqlite_replied_to(event), op->arena)
	    != 0)
		return -1;
	op->is_doubted = state == DELIVERY_UNSURE;
	op->trip.event = event;
	return op->trip.delivery.edited ? sqlite_take_edit(db, head, op->arena, event) : 0;
}

/* ---- step and settle ---- */

static bool is_news(const char *said, const char *known)
{
	return said != NULL && (known == NULL || strcmp(said, known) != 0);
}

static int update_lane(struct store_db *db, int64_t id, const struct learned *l, struct arena *a)
{
	const struct known *k = &l->known;
	struct row_lane lane;
	bool signed_in;

	if (row_lane_by_id(db, id, a, &lane) != 1)
		return sqlite_refuse(db, "there is no lane %lld", (long long)id);
	signed_in = (lane.signed_in || k->signed_in) && !l->forget_sign_in;
	if (!is_news(k->contact, lane.contact) && !is_news(k->address, lane.address)
	    && signed_in == lane.signed_in)
		return 0;
	if (k->contact != NULL)
		lane.contact = k->contact;
	if (k->address != NULL)
		lane.address = k->address;
	lane.signed_in = signed_in;
	return sqlite_save_lane(db, &lane);
}

static int learn_lane(struct store_db *db, int64_t id, const struct learned *l)
{
	const struct known *k = &l->known;
	struct arena *a;
	int ret;

	if (k->contact == NULL && k->address == NULL && !k->signed_in && !l->forget_sign_in)
		return 0;
	a = arena_new();
	ret = update_lane(db, id, l, a);
	arena_free(a);
	return ret;
}

static int flag_link(struct store_db *db, int64_t id, int flag)
{
	struct stmt *q = query(db, Q_LINK_FLAGS);

	stmt_i64(q, id);
	stmt_i64(q, flag);
	return stmt_run(q);
}

static int learn_link(struct store_db *db, int64_t id, const struct learned *l)
{
	const struct known *k = &l->known;
	struct view thread = { 0 };
	struct stmt *q;

	if (k->taken_over && flag_link(db, id, LINK_TAKEN_OVER) != 0)
		return -1;
	if (k->conversation == NULL)
		return 0;
	if (make_thread(db, l->endpoint, k->conversation, k->conversation_ref, 0, &thread) != 0)
		return -1;
	if (l->to == SIDE_AGENTS)
		return sqlite_set_link_agents(db, id, thread.thread);
	q = query(db, Q_LINK_CUSTOMERS);
	stmt_i64(q, id);
	stmt_i64(q, thread.thread);
	return stmt_run(q);
}

static int add_remote(struct store_db *db, int endpoint, const char *remote, int64_t delivery)
{
	struct stmt *q = query(db, Q_IDMAP_ADD);

	stmt_i64(q, endpoint);
	stmt_i64(q, 'm');
	stmt_remote(q, remote);
	stmt_i64(q, delivery);
	return stmt_run(q);
}

struct place {
	int64_t lane, link;
	int bridge, flags;
};

static int read_place(struct store_db *db, int64_t delivery, struct place *p)
{
	struct stmt *q = query(db, Q_DELIVERY_PLACE);

	stmt_i64(q, delivery);
	switch (stmt_step(q)) {
	case STMT_ROW:
		p->lane = stmt_col_i64(q, 0);
		p->link = stmt_col_i64(q, 1);
		p->bridge = stmt_col_int(q, 2);
		p->flags = stmt_col_int(q, 3);
		stmt_end(q);
		return 0;
	case STMT_DONE: return sqlite_refuse(db, "there is no delivery %lld", (long long)delivery);
	case STMT_ERROR: break;
	}
	return -1;
}

static int learn(struct store_db *db, const struct learned *l, const struct place *p)
{
	if (learn_lane(db, l->lane != 0 ? l->lane : p->lane, l) != 0)
		return -1;
	return learn_link(db, l->link != 0 ? l->link : p->link, l);
}

static int apply_step(struct store_db *db, struct op_step *op)
{
	struct place place = { 0 };
	struct stmt *q;

	if (read_place(db, op->delivery, &place) != 0 || learn(db, &op->learned, &place) != 0)
		return -1;
	if (op->part_remote != NULL
	    && add_remote(db, op->learned.endpoint, op->part_remote, op->delivery) != 0)
		return -1;
	q = query(db, Q_DELIVERY_STEP);
	stmt_i64(q, op->step);
	stmt_i64(q, op->part);
	stmt_text(q, op->carry);
	stmt_i64(q, op->delivery);
	return stmt_run(q);
}

/* The first message that got across says where a conversation began on that side. */
static int note_first(struct store_db *db, const struct place *p, const char *remote)
{
	struct stmt *q =
	    query(db, (p->flags & DELIVERY_TO_AGENTS) != 0 ? Q_LINK_FIRST_A : Q_LINK_FIRST_C);

	stmt_i64(q, p->link);
	stmt_remote(q, remote);
	return stmt_run(q);
}

/* Who settles knows it mostly. */
static int place_of(struct store_db *db, const struct op_settle *op, struct place *p)
{
	if (op->bridge == 0)
		return read_place(db, op->delivery, p);
	*p = (struct place){
		.lane = op->learned.lane,
		.link = op->learned.link,
		.bridge = op->bridge,
		.flags = (op->learned.to == SIDE_AGENTS ? DELIVERY_TO_AGENTS : 0)
		    | (op->is_message ? 0 : DELIVERY_STATUS),
	};
	return 0;
}

static int settle_delivered(struct store_db *db, const struct op_settle *op, const struct place *p)
{
	struct row_lane lane = { .endpoint = op->learned.endpoint };

	if (lane.endpoint == 0 && row_lane_by_id(db, p->lane, op->arena, &lane) < 0)
		return -1;
	if (op->remote_id != NULL
	    && (add_remote(db, lane.endpoint, op->remote_id, op->delivery) != 0
		|| (p->link != 0 && !op->has_first && note_first(db, p, op->remote_id) != 0)))
		return -1;
	if (sqlite_root_add(db, lane.endpoint, op->root, op->delivery) != 0)
		return -1;
	if ((p->flags & (DELIVERY_STATUS | DELIVERY_DELETION)) != 0)
		return 0;
	return sqlite_tally(db, p->bridge,
	    (p->flags & DELIVERY_TO_AGENTS) != 0 ? SIDE_AGENTS : SIDE_CUSTOMERS, op->now_ms);
}

/* What did not simply succeed is remembered for who asks what happened. */
static int settle_failed(struct store_db *db, const struct op_settle *op, const struct place *p)
{
	const struct happening h = {
		.delivery = op->delivery,
		.at_ms = op->now_ms,
		.attempt = -1,
		.step = (int)op->step,
		.state = (int)op->state,
		.reason = (int)op->reason,
		.why = op->why,
	};
	struct stmt *q;

	if (sqlite_happened(db, &h) != 0)
		return -1;
	if (!op->hold_lane || op->state != DELIVERY_PARKED || p->lane == 0)
		return 0;
	q = query(db, Q_LANE_HOLD);
	stmt_i64(q, p->lane);
	return stmt_run(q);
}

/* What was asked of the conversation there is done, or is left to a person: then it is as it was heard to be,
 * and the next one asks again. */
static int settle_asked(struct store_db *db, struct op_settle *op, const struct place *p)
{
	bool is_done = op->state == DELIVERY_DELIVERED;
	struct row_link l;
	struct stmt *q;

	if (!op->was_asked || p->link == 0 || (!is_done && op->state != DELIVERY_PARKED))
		return 0;
	if (row_link_by_id(db, p->link, op->arena, &l) < 0)
		return -1;
	q = query(db, is_done ? Q_THREAD_ASKED : Q_THREAD_UNASK);
	stmt_i64(q, (p->flags & DELIVERY_TO_AGENTS) != 0 ? l.agents : l.customers);
	stmt_i64(q, op->now_ms);
	if (!is_done)
		stmt_i64(q, STATE_RESOLVED);
	if (stmt_run(q) != 0)
		return -1;
	op->is_awaited = is_done && sqlite3_changes(db->handle) == 1;
	return 0;
}

static int settle_owe(struct store_db *db, struct op_settle *op)
{
	const struct ending end = { op->delivery, op->now_ms, op->state, op->reason, op->why };

	return sqlite_owe(db, &end, &op->owe);
}

static int apply_settle(struct store_db *db, struct op_settle *op)
{
	bool is_over = op->state >= DELIVERY_DELIVERED;
	struct place place = { 0 };
	struct stmt *q;

	memset(&op->next, 0, sizeof(op->next));
	op->is_awaited = false;
	if (place_of(db, op, &place) != 0 || learn(db, &op->learned, &place) != 0
	    || (op->link_gone && place.link != 0 && flag_link(db, place.link, LINK_GONE) != 0))
		return -1;
	q = query(db, Q_DELIVERY_SETTLE);
	stmt_i64(q, op->delivery);
	stmt_i64(q, op->state);
	stmt_i64(q, is_over ? 0 : op->due_ms);
	stmt_i64(q, op->step);
	stmt_i64(q, op->part);
	stmt_i64(q, op->reason);
	stmt_text(q, op->why);
	stmt_remote(q, op->remote_id);
	stmt_i64(q, op->now_ms);
	if (stmt_run(q) != 0)
		return -1;
	if (sqlite3_changes(db->handle) == 0)
		return sqlite_refuse(db, "there is no delivery %lld", (long long)op->delivery);
	if (op->state == DELIVERY_DELIVERED && settle_delivered(db, op, &place) != 0)
		return -1;
	if (op->state != DELIVERY_DELIVERED && op->state != DELIVERY_FOLDED
	    && settle_failed(db, op, &place) != 0)
		return -1;
	if (settle_asked(db, op, &place) != 0 || settle_owe(db, op) != 0)
		return -1;
	if (!op->claim_next || !is_over)
		return 0;
	op->next = (struct op_claim){ .arena = op->arena,
		.lane = place.lane,
		.owner = op->owner,
		.now_ms = op->now_ms };
	return apply_claim(db, &op->next);
}

/* ---- beside the way ---- */

static int apply_view(struct store_db *db, struct op_view *op)
{
	memset(&op->view, 0, sizeof(op->view));
	return sqlite_view(db, op->event, op->asks, op->nasks, op->root, op->arena, &op->view);
}

static int apply_echo(struct store_db *db, struct op_echo *op)
{
	struct stmt *q = query(db, Q_IDMAP_GET);
	int64_t ref;
	int ret;

	stmt_i64(q, op->endpoint);
	stmt_i64(q, 'm');
	stmt_remote(q, op->remote);
	ret = stmt_number(q, &ref);
	op->is_known = ret == 1;
	return ret < 0 ? -1 : 0;
}

static int apply_endpoint(struct store_db *db, struct op_endpoint *op)
{
	struct stmt *q = query(db, Q_ENDPOINT_REMEMBER);

	stmt_i64(q, op->endpoint);
	stmt_text(q, op->memo);
	return stmt_run(q);
}

static int apply_shift(struct store_db *db, const struct op_shift *op)
{
	struct stmt *q = query(db, Q_DELIVERY_SHIFT);

	stmt_i64(q, op->by_ms);
	return stmt_run(q);
}

static int apply_probe(struct store_db *db, struct op_probe *op)
{
	struct stmt *q = query(db, Q_PROBE);

	stmt_i64(q, op->now_ms);
	return stmt_run(q);
}

#define AS(type, op) ((struct type *)(op)) /* struct store_op stands first in all of them */

static int apply_kind(struct store_db *db, struct store_op *op)
{
	switch (op->kind) {
	case STORE_APPEND: return sqlite_append(db, AS(op_append, op));
	case STORE_ROUTE: return sqlite_route(db, AS(op_route, op));
	case STORE_CLAIM: return apply_claim(db, AS(op_claim, op));
	case STORE_STEP: return apply_step(db, AS(op_step, op));
	case STORE_SETTLE: return apply_settle(db, AS(op_settle, op));
	case STORE_ECHO: return apply_echo(db, AS(op_echo, op));
	case STORE_STATE: return sqlite_state(db, AS(op_state, op));
	case STORE_ENDPOINT: return apply_endpoint(db, AS(op_endpoint, op));
	case STORE_RAW: return sqlite_raw(db, AS(op_raw, op));
	case STORE_LOAD: return sqlite_load(db, AS(op_load, op));
	case STORE_STATUS: return sqlite_status(db, AS(op_status, op));
	case STORE_RETAIN: return sqlite_retain(db, AS(op_retain, op));
	case STORE_CALLBACK: return sqlite_callback(db, AS(op_callback, op));
	case STORE_CALLBACK_OF: return sqlite_callback_of(db, AS(op_callback_of, op));
	case STORE_VIEW: return apply_view(db, AS(op_view, op));
	case STORE_PROBE: return apply_probe(db, AS(op_probe, op));
	case STORE_BACKUP: return sqlite_backup(db, AS(op_backup, op));
	case STORE_PERSON: return sqlite_person(db, AS(op_person, op));
	case STORE_PERSON_SAID: return sqlite_person_said(db, AS(op_person_said, op));
	case STORE_PERSON_ERASE: return sqlite_person_erase(db, AS(op_person_erase, op));
	case STORE_KNOWN: return sqlite_known(db, AS(op_known, op));
	case STORE_SWEEP_GET: return sqlite_sweep_get(db, AS(op_sweep_get, op));
	case STORE_SWEEP_SET: return sqlite_sweep_set(db, AS(op_sweep_set, op));
	case STORE_PARKED: return sqlite_parked(db, AS(op_parked, op));
	case STORE_MEND: return sqlite_mend(db, AS(op_mend, op));
	case STORE_TRACE: return sqlite_trace(db, AS(op_trace, op));
	case STORE_RAW_READ: return sqlite_raw_read(db, AS(op_raw_read, op));
	case STORE_CONTROL: return sqlite_control(db, AS(op_control, op));
	case STORE_CONTROLLED: return sqlite_controlled(db, AS(op_control, op));
	case STORE_MEDIA_OPEN: return sqlite_media_open(db, AS(op_media_open, op));
	case STORE_MEDIA_SET: return sqlite_media_set(db, AS(op_media_set, op));
	case STORE_MEDIA_KEEP: return sqlite_media_keep(db, AS(op_media_keep, op));
	case STORE_MEDIA_GET: return sqlite_media_get(db, AS(op_media_get, op));
	case STORE_MEDIA_LOAD: return sqlite_media_load(db, AS(op_media_load, op));
	case STORE_MEDIA_RETAIN: return sqlite_media_retain(db, AS(op_media_retain, op));
	case STORE_ERRAND: return sqlite_errand(db, AS(op_errand, op));
	case STORE_ERRAND_DONE: return sqlite_errand_done(db, AS(op_errand_done, op));
	case STORE_ERRANDS: return sqlite_errands(db, AS(op_errands, op));
	case STORE_HEARD: return sqlite_heard(db, AS(op_heard, op));
	case STORE_HEAR: return sqlite_hear(db, AS(op_hear, op));
	case STORE_MIRROR: return sqlite_mirror(db, AS(op_mirror, op));
	case STORE_MIRROR_ASK: return sqlite_mirror_ask(db, AS(op_mirror_ask, op));
	case STORE_MIRROR_DONE: return sqlite_mirror_done(db, AS(op_mirror_done, op));
	case STORE_MIRRORS: return sqlite_mirrors(db, AS(op_mirrors, op));
	case STORE_QUESTION: return sqlite_question(db, AS(op_question, op));
	case STORE_QUESTIONS: return sqlite_questions(db, AS(op_questions, op));
	case STORE_LINKS: return sqlite_links(db, AS(op_links, op));
	case STORE_SHIFT: return apply_shift(db, AS(op_shift, op));
	case STORE_ALARM: return sqlite_alarm(db, AS(op_alarm, op));
	case STORE_ALARMS: return sqlite_alarms(db, AS(op_alarms, op));
	case STORE_HOUR: return sqlite_hour(db, AS(op_hour, op));
	case STORE_HOURS: return sqlite_hours(db, AS(op_hours, op));
	case STORE_RECEIPT: return sqlite_receipt(db, AS(op_receipt, op));
	case STORE_ADOPT: return sqlite_adopt(db, AS(op_adopt, op));
	case STORE_PAIRED: return sqlite_paired(db, AS(op_paired, op));
	case STORE_MIGRATION: return sqlite_migration(db, AS(op_migration, op));
	case STORE_MIGRATIONS: return sqlite_migrations(db, AS(op_migrations, op));
	case STORE_MIGRATION_ITEM: return sqlite_migration_item(db, AS(op_migration_item, op));
	case STORE_MIGRATION_ITEMS: return sqlite_migration_items(db, AS(op_migration_items, op));
	case STORE_MIGRATION_LOOK: return sqlite_migration_look(db, AS(op_migration_look, op));
	case STORE_MIGRATION_LINKS: return sqlite_migration_links(db, AS(op_migration_links, op));
	case STORE_MIGRATION_FACTS: return sqlite_migration_facts(db, AS(op_migration_facts, op));
	case STORE_MIGRATION_MADE: return sqlite_migration_made(db, AS(op_migration_made, op));
	case STORE_MIGRATION_END: return sqlite_migration_end(db, AS(op_migration_end, op));
	}
	return sqlite_refuse(db, "operation %d is none", (int)op->kind);
}

int sqlite_apply(struct store_db *db, struct store_op *op)
{
	int before = sqlite3_total_changes(db->handle);

	if (apply_kind(db, op) != 0)
		return -1;
	op->is_changed = sqlite3_total_changes(db->handle) != before;
	return 0;
}
