/* A message was changed where it was said, or one replies to another.
 *
 * An edit travels behind its message in the same lane. Where that has not left yet it leaves with the new words,
 * and the edit, when its turn comes, has nothing more to say: the words of a row in `edit` that bears nobody's
 * name are those of an edit, of the time at which that came. What a person has put in their place stays. */
#include <string.h>

#include "store/sqlite_db.h"

#define TARGET_BITS 4
#define TARGETS_MAX 15

static const char *words_of(const struct event *e)
{
	return e->choice != NULL ? e->choice : e->text != NULL ? e->text : "";
}

/* ---- edits ---- */

static int fold(struct store_db *db, const struct event *edit, int64_t original, int bridge,
    enum side to)
{
	const enum query steps[] = { Q_EDIT_FOLD, Q_EDIT_FLAG };
	struct stmt *q;
	size_t i;

	for (i = 0; i < 2; i++) {
		q = query(db, steps[i]);
		stmt_i64(q, original << TARGET_BITS | 1);
		stmt_i64(q, original << TARGET_BITS | TARGETS_MAX);
		stmt_i64(q, bridge);
		stmt_i64(q, to == SIDE_AGENTS ? DELIVERY_TO_AGENTS : 0);
		if (i == 0) {
			stmt_text(q, words_of(edit));
			stmt_i64(q, edit->here_ms);
		}
		if (stmt_run(q) != 0)
			return -1;
	}
	return 0;
}

int sqlite_fold_edit(struct store_db *db, int64_t event, const struct route_row *row,
    struct arena *a)
{
	struct event *edit;
	int64_t original;

	if (row_event(db, event, a, &edit) != 1 || sqlite_event_about(db, edit, &original) != 0)
		return -1;
	return original == 0 ? 0 : fold(db, edit, original, row->bridge, row->to);
}

/* Whether that delivery went with the words of this edit, or of a later one. */
static int is_folded(struct store_db *db, int64_t delivery, const struct event *edit,
    struct arena *a)
{
	struct stmt *q = query(db, Q_EDIT_GET);
	bool folded = false;

	stmt_i64(q, delivery);
	switch (stmt_step(q)) {
	case STMT_ROW:
		folded = stmt_col_text(q, 2, a) == NULL && stmt_col_i64(q, 1) >= edit->here_ms;
		stmt_end(q);
		return folded;
	case STMT_DONE: return 0;
	case STMT_ERROR: break;
	}
	return -1;
}

/* The message was told of when it was changed already. */
static bool is_old_news(const struct event *original, const struct event *edit)
{
	if (original == NULL)
		return false;
	return (edit->version != 0 && original->version >= edit->version)
	    || (original->here_ms == edit->here_ms
		&& strcmp(words_of(original), words_of(edit)) == 0);
}

int sqlite_find_edited(struct store_db *db, struct row_trip *t, const struct event *edit,
    struct arena *a)
{
	struct row_trip copy = { 0 };
	struct event *original;
	int64_t event;
	int ret = sqlite_delivery_about(db, edit, t->delivery.bridge, t->delivery.to, a, &copy);

	t->delivery.was_written = false;
	if (ret <= 0)
		return ret;
	event = copy.delivery.id >> TARGET_BITS;
	if (copy.delivery.state == DELIVERY_PARKED) /* since the edit was routed */
		return fold(db, edit, event, t->delivery.bridge, t->delivery.to);
	if (copy.delivery.state != DELIVERY_DELIVERED)
		return 0;
	ret = is_folded(db, copy.delivery.id, edit, a);
	if (ret < 0 || row_event(db, event, a, &original) < 0)
		return -1;
	t->delivery.was_written = ret == 0 && !is_old_news(original, edit);
	return 0;
}

/* ---- replies ---- */

/* It was said where the reply was: its copy, as far as that stands in the same conversation. */
static int copy_of(struct store_db *db, struct row_trip *t, int64_t event, struct arena *a)
{
	const struct row_delivery *d = &t->delivery;
	struct row_trip copy;
	struct stmt *q = query(db, Q_DELIVERY_IN_BRIDGE);
	int64_t id;
	int ret;

	stmt_i64(q, event << TARGET_BITS | 1);
	stmt_i64(q, event << TARGET_BITS | TARGETS_MAX);
	stmt_i64(q, d->bridge);
	stmt_i64(q, DELIVERY_TO_AGENTS);
	stmt_i64(q, d->to == SIDE_AGENTS ? DELIVERY_TO_AGENTS : 0);
	ret = stmt_number(q, &id);
	if (ret == 1)
		ret = row_trip(db, id, a, &copy);
	if (ret == 1 && copy.delivery.state == DELIVERY_DELIVERED && copy.link.id == t->link.id)
		t->replied_remote = copy.delivery.remote_id;
	return ret < 0 ? -1 : 0;
}

/* It is itself a copy of ours: the original stands where the reply goes, if it came from there. */
static int original_of(struct store_db *db, struct row_trip *t, int64_t delivery, struct arena *a)
{
	struct row_trip copy;
	int ret = row_trip(db, delivery, a, &copy);

	if (ret == 1 && copy.delivery.bridge == t->delivery.bridge && copy.link.id == t->link.id)
		t->replied_remote = t->replied->remote;
	return ret < 0 ? -1 : 0;
}

int sqlite_find_replied(struct store_db *db, struct row_trip *t, int endpoint, const char *remote,
    struct arena *a)
{
	struct event *event = NULL;
	struct stmt *q;
	int64_t ref;
	int ret;

	t->replied = NULL;
	t->replied_remote = NULL;
	if (remote == NULL || t->delivery.is_status || t->delivery.is_deletion)
		return 0;
	q = query(db, Q_IDMAP_GET);
	stmt_i64(q, endpoint);
	stmt_i64(q, 'm');
	stmt_remote(q, remote);
	ret = stmt_number(q, &ref);
	if (ret == 1)
		ret = row_event(db, ref >> TARGET_BITS, a, &event);
	if (ret < 0 || event == NULL)
		return ret < 0 ? -1 : 0;
	t->replied = event;
	return (ref & TARGETS_MAX) == 0 ? copy_of(db, t, ref >> TARGET_BITS, a)
					: original_of(db, t, ref, a);
}
