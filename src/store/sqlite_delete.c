/* A message was deleted where it was said. Its deletion travels behind it in the same lane: when its turn
 * comes, the message is there, or will never be. */
#include <string.h>

#include "store/sqlite_db.h"

#define TARGET_BITS 4
#define TARGETS_MAX 15

/* The event of what is deleted; 0: it is not known any more. */
int sqlite_event_about(struct store_db *db, const struct event *deletion, int64_t *event)
{
	struct stmt *q = query(db, Q_IDMAP_GET);
	int64_t ref = 0;
	int ret;

	stmt_i64(q, deletion->endpoint);
	stmt_i64(q, 'm');
	stmt_remote(q, deletion->remote);
	ret = stmt_number(q, &ref);
	*event = ret == 1 && (ref & TARGETS_MAX) == 0 ? ref >> TARGET_BITS : 0;
	return ret < 0 ? -1 : 0;
}

/* 1 found, 0 there is none in that bridge and direction, -1. */
int sqlite_delivery_about(struct store_db *db, const struct event *deletion, int bridge,
    enum side to, struct arena *a, struct row_trip *out)
{
	struct stmt *q;
	int64_t event, id;
	int ret;

	if (sqlite_event_about(db, deletion, &event) != 0)
		return -1;
	if (event == 0)
		return 0;
	q = query(db, Q_DELIVERY_IN_BRIDGE);
	stmt_i64(q, event << TARGET_BITS | 1);
	stmt_i64(q, event << TARGET_BITS | TARGETS_MAX);
	stmt_i64(q, bridge);
	stmt_i64(q, DELIVERY_TO_AGENTS);
	stmt_i64(q, to == SIDE_AGENTS ? DELIVERY_TO_AGENTS : 0);
	ret = stmt_number(q, &id);
	return ret == 1 ? row_trip(db, id, a, out) : ret;
}

int sqlite_take_back(struct store_db *db, int64_t event, const struct route_row *row,
    struct arena *a)
{
	struct event *deletion;
	int64_t original;
	struct stmt *q;

	if (row_event(db, event, a, &deletion) != 1
	    || sqlite_event_about(db, deletion, &original) != 0)
		return -1;
	if (original == 0)
		return 0;
	q = query(db, Q_DELIVERY_TAKE_BACK);
	stmt_i64(q, original << TARGET_BITS | 1);
	stmt_i64(q, original << TARGET_BITS | TARGETS_MAX);
	stmt_i64(q, row->bridge);
	stmt_i64(q, DELIVERY_TAKEN_BACK);
	return stmt_run(q);
}

/* What is parked is not to be put back by anybody. */
static int discard(struct store_db *db, int64_t delivery, int64_t now_ms)
{
	const struct happening h = {
		.delivery = delivery,
		.at_ms = now_ms,
		.attempt = -1,
		.state = DELIVERY_DISCARDED,
		.why = "deleted where it was said",
	};
	struct stmt *q = query(db, Q_MEND_DISCARD);

	stmt_i64(q, delivery);
	stmt_i64(q, now_ms);
	return stmt_run(q) != 0 ? -1 : sqlite_happened(db, &h);
}

int sqlite_find_written(struct store_db *db, struct row_trip *t, const struct event *deletion,
    int64_t now_ms, struct arena *a)
{
	struct row_trip original = { 0 };
	int ret =
	    sqlite_delivery_about(db, deletion, t->delivery.bridge, t->delivery.to, a, &original);

	t->delivery.was_written = false;
	t->delivery.written = NULL;
	if (ret <= 0)
		return ret;
	if (original.delivery.state == DELIVERY_PARKED)
		return discard(db, original.delivery.id, now_ms);
	if (original.delivery.state != DELIVERY_DELIVERED)
		return 0;
	t->delivery.was_written = true;
	t->link = original.link;
	if (original.delivery.part == 0)
		t->delivery.written = original.delivery.remote_id;
	return 0;
}

int sqlite_copy_of(struct store_db *db, const struct event *deletion, int bridge, struct arena *a,
    const char **remote)
{
	struct row_trip original;
	int ret = sqlite_delivery_about(db, deletion, bridge, SIDE_AGENTS, a, &original);

	*remote = ret == 1 ? original.delivery.remote_id : NULL;
	return ret < 0 ? -1 : 0;
}
