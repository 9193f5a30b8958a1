/* What the files of the SQLite driver share. */
#ifndef STORE_SQLITE_DB_H
#define STORE_SQLITE_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "store/driver.h"
#include "store/sqlite_stmt.h"

#define LANE_SIGNED_IN 1
#define LANE_HELD 2
#define LINK_TAKEN_OVER 1
#define LINK_GONE 2
#define LINK_HOW_SHIFT 2 /* two bits: enum link_how */
#define DELIVERY_REOPEN 1
#define DELIVERY_TAKE_OVER 2
#define DELIVERY_TO_AGENTS 4
#define DELIVERY_EDITED 8
#define DELIVERY_OPENS 16
#define DELIVERY_STATUS 32
#define DELIVERY_DELETION 64
#define DELIVERY_TAKEN_BACK 128
#define DELIVERY_EDIT 256

/* Deliveries counted in this transaction, written with its commit. */
#define TALLY_MAX 16
struct tally {
	int bridge, side;
	int64_t hour, count;
};

struct store_db {
	struct sqlite3 *handle;
	struct stmt q[QUERY_COUNT];
	struct store_failure failure; /* of the operation that runs */
	const char *path;
	char *wal, *lock;
	int lock_fd;
	char left[48];     /* what the last life wrote there at its end; "": it did not, or runs */
	bool was_new_lock; /* there was none */
	int64_t put_back;  /* see store_put_back */
	bool is_open;      /* all of it could be read */
	int schema;
	int64_t last_event;         /* newest id given */
	int64_t last_pos, kept_pos; /* given; up to which meta promises that none is given twice */
	struct tally tally[TALLY_MAX];
	int ntally;
	int64_t tally_hour; /* newest seen: with a new one the oldest go */
	struct buf bytes;   /* of the event being written */
	int64_t noted_day;  /* the last one of which it is known how far events had come */
	/* Ids are gone through step by step: the last one that was looked at, of this endpoint and kind. */
	struct sqlite3_value *retain_id;
	int retain_endpoint, retain_kind;
	struct sqlite_backup_state *backup; /* NULL: none is under way */
	bool was_copy;                      /* a backup was put in its place */
	enum { WIPE_NONE, WIPE_WANTED, WIPE_DONE, WIPE_FAILED } wipe; /* the WAL, behind a commit */
};

static inline struct stmt *query(struct store_db *db, enum query name)
{
	return stmt_begin(&db->q[name]);
}

/* migrate.c */
int sqlite_migrate(struct sqlite3 *handle, const char *path, bool read_only, int *version,
    enum store_open *why, struct err *err);

/* sqlite_apply.c, sqlite_upkeep.c. -1: db->failure is filled. */
int sqlite_apply(struct store_db *db, struct store_op *op);
int sqlite_load(struct store_db *db, struct op_load *op);
int sqlite_status(struct store_db *db, struct op_status *op);
int sqlite_raw(struct store_db *db, struct op_raw *op);
int sqlite_tally(struct store_db *db, int bridge, int side, int64_t now_ms);
int sqlite_tally_write(struct store_db *db);

/* sqlite_route.c */
/* 1: the key is new and stands for the event now, 0: it is known (its ref), -1. */
int sqlite_add_key(struct store_db *db, int endpoint, const char *key, int64_t event,
    int64_t *known);
int sqlite_append(struct store_db *db, struct op_append *op);
int sqlite_route(struct store_db *db, struct op_route *op);
int sqlite_add_event(struct store_db *db, const struct event *e, int64_t id, int64_t thread,
    bool is_routed);
/* A place that was never given before, in this life of the process or an earlier one. */
int sqlite_next_pos(struct store_db *db, int64_t *pos);
int sqlite_save_lane(struct store_db *db, const struct row_lane *lane);
int sqlite_set_link_agents(struct store_db *db, int64_t link, int64_t agents);

/* sqlite_repair.c */
struct op_parked;
struct op_mend;
struct op_trace;
struct op_raw_read;
int sqlite_parked(struct store_db *db, struct op_parked *op);
int sqlite_mend(struct store_db *db, struct op_mend *op);
int sqlite_trace(struct store_db *db, struct op_trace *op);
int sqlite_raw_read(struct store_db *db, struct op_raw_read *op);
/* One more line of a delivery's life; who NULL: the relay itself. */
struct happening {
	int64_t delivery, at_ms;
	int attempt; /* -1: as the row says */
	int step, state, reason;
	const char *why, *who;
};
int sqlite_happened(struct store_db *db, const struct happening *h);
/* Puts a person's words into the event of an edited delivery. */
int sqlite_take_edit(struct store_db *db, int64_t delivery, struct arena *a, struct event *event);

/* sqlite_sweep.c */
int sqlite_known(struct store_db *db, struct op_known *op);
int sqlite_sweep_get(struct store_db *db, struct op_sweep_get *op);
int sqlite_sweep_set(struct store_db *db, struct op_sweep_set *op);

/* sqlite_links.c */
struct op_links;
int sqlite_links(struct store_db *db, struct op_links *op);

/* sqlite_retain.c, sqlite_retain_links.c */
struct op_retain;
int sqlite_retain(struct store_db *db, struct op_retain *op);
/* The words of a message, and what was tried with them. */
int sqlite_delete_event(struct store_db *db, int64_t id);
/* A step of these: as many rows as there is room for. 1: all were seen, 0: there are more, -1. */
struct retain_work;
int sqlite_retain_links(struct store_db *db, struct retain_work *w);
int sqlite_retain_ids(struct store_db *db, struct retain_work *w);
int sqlite_retain_deliveries(struct store_db *db, struct retain_work *w);

/* sqlite_person.c, sqlite_erase.c */
struct op_person;
struct op_person_said;
struct op_person_erase;
int sqlite_person(struct store_db *db, struct op_person *op);
int sqlite_person_said(struct store_db *db, struct op_person_said *op);
int sqlite_person_erase(struct store_db *db, struct op_person_erase *op);
/* His row is empty. */
bool sqlite_is_erased(const struct person *p);

/* sqlite_backup.c */
struct op_backup;
int sqlite_backup(struct store_db *db, struct op_backup *op);
void sqlite_backup_stop(struct store_db *db);
void sqlite_backup_committed(struct store_db *db);
/* A backup that was never opened: what lies beside it as its WAL is another file's. */
bool sqlite_is_copy(const char *path);

/* sqlite_callback.c */
struct op_callback;
struct op_callback_of;
int sqlite_callback(struct store_db *db, struct op_callback *op);
int sqlite_callback_of(struct store_db *db, struct op_callback_of *op);
int sqlite_delete_callback(struct store_db *db, int64_t id);

/* sqlite_question.c */
struct op_question;
struct op_questions;
int sqlite_question(struct store_db *db, struct op_question *op);
int sqlite_questions(struct store_db *db, struct op_questions *op);

/* sqlite_control.c */
int sqlite_control(struct store_db *db, struct op_control *op);
int sqlite_controlled(struct store_db *db, struct op_control *op);

/* sqlite_media.c */
struct op_media_open;
struct op_media_set;
struct op_media_keep;
struct op_media_get;
struct op_media_load;
struct op_media_retain;
int sqlite_media_open(struct store_db *db, struct op_media_open *op);
int sqlite_media_set(struct store_db *db, struct op_media_set *op);
int sqlite_media_keep(struct store_db *db, struct op_media_keep *op);
int sqlite_media_get(struct store_db *db, struct op_media_get *op);
int sqlite_media_load(struct store_db *db, struct op_media_load *op);
int sqlite_media_retain(struct store_db *db, struct op_media_retain *op);

/* sqlite_errand.c */
struct op_errand;
struct op_errand_done;
struct op_errands;
struct op_heard;
struct op_receipt;
/* What became of a delivery, for those who are owed to know. */
struct ending {
	int64_t delivery, now_ms;
	enum delivery_state state;
	enum reason reason;
	const char *why;
};
int sqlite_owe(struct store_db *db, const struct ending *end, struct owe *owe);
int sqlite_errand(struct store_db *db, struct op_errand *op);
int sqlite_errand_done(struct store_db *db, struct op_errand_done *op);
int sqlite_errands(struct store_db *db, struct op_errands *op);
int sqlite_heard(struct store_db *db, struct op_heard *op);
int sqlite_receipt(struct store_db *db, struct op_receipt *op);

/* sqlite_edit.c */
/* An edit is routed: what of its message did not leave yet leaves with the new words. */
int sqlite_fold_edit(struct store_db *db, int64_t event, const struct route_row *row,
    struct arena *a);
/* Its turn has come: is there anything to say? Sets was_written. */
int sqlite_find_edited(struct store_db *db, struct row_trip *t, const struct event *edit,
    struct arena *a);
const char *sqlite_replied_to(const struct event *e);
/* What the message is about, where it replies to one or says it anew: fills replied, replied_remote. */
int sqlite_find_replied(struct store_db *db, struct row_trip *t, int endpoint, const char *remote,
    struct arena *a);
/* sqlite_facts.c */
struct op_hear;
struct op_mirror;
struct op_mirror_ask;
struct op_mirror_done;
struct op_mirrors;
int sqlite_hear(struct store_db *db, struct op_hear *op);
int sqlite_mirror(struct store_db *db, struct op_mirror *op);
int sqlite_mirror_ask(struct store_db *db, struct op_mirror_ask *op);
int sqlite_mirror_done(struct store_db *db, struct op_mirror_done *op);
int sqlite_mirrors(struct store_db *db, struct op_mirrors *op);
/* A link was just made for the row. */
int sqlite_mirror_opens(struct store_db *db, struct route_row *row, int64_t now_ms);
struct op_migration_facts;
int sqlite_migration_facts(struct store_db *db, struct op_migration_facts *op);
/* A contact goes by another id. */
int sqlite_contact_is_now(struct store_db *db, int endpoint, const char *was, const char *now);

/* sqlite_delete.c */
/* 1 found, 0 there is none in that bridge and direction, -1: what was made of the message that a later event
 * is about. */
int sqlite_delivery_about(struct store_db *db, const struct event *later, int bridge, enum side to,
    struct arena *a, struct row_trip *out);
/* The event of that message; 0: it is not known any more. */
int sqlite_event_about(struct store_db *db, const struct event *later, int64_t *event);
/* A deletion is routed: what of its message did not leave yet is not to. */
int sqlite_take_back(struct store_db *db, int64_t event, const struct route_row *row,
    struct arena *a);
/* Its turn has come: what there is to take back, and where. */
int sqlite_find_written(struct store_db *db, struct row_trip *t, const struct event *deletion,
    int64_t now_ms, struct arena *a);
/* The copy at the agents' side of the message that was deleted; NULL: none. */
int sqlite_copy_of(struct store_db *db, const struct event *deletion, int bridge, struct arena *a,
    const char **remote);

/* sqlite_alarm.c */
struct op_alarm;
struct op_alarms;
struct op_hour;
struct op_hours;
int sqlite_alarm(struct store_db *db, const struct op_alarm *op);
int sqlite_alarms(struct store_db *db, struct op_alarms *op);
int sqlite_hour(struct store_db *db, const struct op_hour *op);
int sqlite_hours(struct store_db *db, struct op_hours *op);

/* sqlite_state.c */
int sqlite_state(struct store_db *db, struct op_state *op);
/* A row with a customer's word: what is to be closed stays open. */
int sqlite_want_open(struct store_db *db, const struct route_row *row, struct row_link *l);
/* Of a delivery that is claimed: what it will make of the conversation there; sets has_asked. */
int sqlite_ask(struct store_db *db, struct row_trip *t, int64_t now_ms);

/* sqlite_adopt.c */
struct op_adopt;
struct op_paired;
int sqlite_adopt(struct store_db *db, struct op_adopt *op);
int sqlite_paired(struct store_db *db, struct op_paired *op);

/* sqlite_migration.c */
struct op_migration;
struct op_migrations;
struct op_migration_item;
struct op_migration_items;
struct op_migration_look;
struct op_migration_end;
struct op_migration_links;
struct op_migration_made;
int sqlite_migration_made(struct store_db *db, struct op_migration_made *op);
int sqlite_migration_links(struct store_db *db, struct op_migration_links *op);
int sqlite_migration(struct store_db *db, struct op_migration *op);
int sqlite_migrations(struct store_db *db, struct op_migrations *op);
int sqlite_migration_item(struct store_db *db, struct op_migration_item *op);
int sqlite_migration_items(struct store_db *db, struct op_migration_items *op);
int sqlite_migration_look(struct store_db *db, struct op_migration_look *op);
int sqlite_migration_end(struct store_db *db, struct op_migration_end *op);

/* sqlite_rows.c: 1 found, 0 not, -1. What is not found is left cleared. */
int row_link(struct stmt *q, struct arena *a, struct row_link *out);
int row_link_by_id(struct store_db *db, int64_t id, struct arena *a, struct row_link *out);
int row_lane(struct stmt *q, struct arena *a, struct row_lane *out);
int row_lane_by_id(struct store_db *db, int64_t id, struct arena *a, struct row_lane *out);
int row_lane_of(struct store_db *db, int endpoint, int64_t person, struct arena *a,
    struct row_lane *out);
int row_person(struct stmt *q, struct arena *a, int64_t *id, struct person *out);
int row_person_by_id(struct store_db *db, int64_t id, struct arena *a, struct person *out);
int row_event(struct store_db *db, int64_t id, struct arena *a, struct event **out);
/* All of a delivery but its event. */
int row_trip(struct store_db *db, int64_t delivery, struct arena *a, struct row_trip *out);

/* sqlite_rows.c: found, or made and brought up to date. 0 or -1. */
int make_thread(struct store_db *db, int endpoint, const char *remote, const char *ref,
    int64_t person, struct view *out);
/* *id: who it most likely is, 0: nobody in particular. out: as the row is now. */
int make_person(struct store_db *db, const struct event *e, struct arena *a, int64_t *id,
    struct person *out);

/* sqlite_view.c */
/* 1: something is on its way to that person whose conversation nobody knows yet; 0; -1. */
int sqlite_is_opening(struct store_db *db, const struct event *e, const struct ask *asks,
    size_t nasks, struct arena *a);
int sqlite_view(struct store_db *db, const struct event *e, const struct ask *asks, size_t nasks,
    const unsigned char *root, struct arena *a, struct view *view);
int sqlite_root_add(struct store_db *db, int endpoint, const unsigned char *root, int64_t ref);

/* Our own mistakes and our callers': fills the failure. Returns -1. */
int sqlite_refuse(struct store_db *db, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
