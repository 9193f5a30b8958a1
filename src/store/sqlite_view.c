/* What routing needs to know of an event's conversation. */
#include <string.h>

#include "base/arena.h"
#include "store/sqlite_db.h"

#define ROOT_SIZE 10

int sqlite_root_add(struct store_db *db, int endpoint, const unsigned char *root, int64_t ref)
{
	struct stmt *q;

	if (root == NULL)
		return 0;
	q = query(db, Q_IDMAP_ADD);
	stmt_i64(q, endpoint);
	stmt_i64(q, 'r');
	stmt_blob(q, root, ROOT_SIZE);
	stmt_i64(q, ref);
	return stmt_run(q);
}

static int has_root(struct store_db *db, int endpoint, const unsigned char *root)
{
	struct stmt *q;
	int64_t ref;

	if (root == NULL)
		return 0;
	q = query(db, Q_IDMAP_GET);
	stmt_i64(q, endpoint);
	stmt_i64(q, 'r');
	stmt_blob(q, root, ROOT_SIZE);
	return stmt_number(q, &ref);
}

static int find_link(struct store_db *db, enum query by, int bridge, int64_t what, struct arena *a,
    struct row_link *out)
{
	struct stmt *q = query(db, by);

	stmt_i64(q, bridge);
	stmt_i64(q, what);
	return row_link(q, a, out);
}

static int lane_by_address(struct store_db *db, const struct event *e, struct arena *a,
    struct row_lane *lane)
{
	struct stmt *q = query(db, Q_LANE_BY_ADDRESS);

	stmt_i64(q, e->endpoint);
	stmt_text(q, e->person.address);
	return row_lane(q, a, lane);
}

/* At the customers' side the platform says who it is. The agents' side knows the person by the
 * address we gave the contact, else by the identity we wrote there. */
static int find_person(struct store_db *db, const struct event *e, bool is_agents_side,
    struct arena *a, int64_t *id)
{
	struct row_lane lane;
	struct person ignored;
	struct stmt *q;

	if (is_agents_side && e->person.address != NULL) {
		if (lane_by_address(db, e, a, &lane) < 0)
			return -1;
		if (lane.id != 0) {
			*id = lane.person;
			return 0;
		}
	}
	if (e->person.identity == NULL)
		return 0;
	q = query(db, Q_PERSON_BY_IDENTITY);
	stmt_text(q, e->person.identity);
	return row_person(q, a, id, &ignored) < 0 ? -1 : 0;
}

/* A conversation's state goes to the one that it is tied to now. */
static int view_left(struct store_db *db, struct view_bridge *b)
{
	struct stmt *q = query(db, Q_LINK_IS_LEFT);
	int64_t is_left = 0;

	stmt_i64(q, b->link.id);
	if (b->link.id != 0 && stmt_number(q, &is_left) < 0)
		return -1;
	b->is_left = is_left != 0;
	return 0;
}

static int view_links(struct store_db *db, const struct event *e, const struct ask *asks,
    size_t nasks, struct arena *a, struct view *view)
{
	enum query by;
	size_t i;

	for (i = 0; i < nasks && view->thread != 0; i++) {
		by = asks[i].side == SIDE_CUSTOMERS ? Q_LINK_BY_CUSTOMERS : Q_LINK_BY_AGENTS;
		if (find_link(db, by, asks[i].bridge, view->thread, a, &view->bridges[i].link) < 0)
			return -1;
		if (e->kind == EVENT_CONVERSATION && view_left(db, &view->bridges[i]) != 0)
			return -1;
	}
	return 0;
}

static int view_person(struct store_db *db, const struct ask *ask, int64_t person, struct arena *a,
    struct view_bridge *out)
{
	struct row_lane lane;

	if (out->link.id == 0
	    && find_link(db, Q_LINK_BY_PERSON, ask->bridge, person, a, &out->latest) < 0)
		return -1;
	if (row_lane_of(db, ask->other, person, a, &lane) < 0)
		return -1;
	out->lane = lane.id;
	return 0;
}

/* Whoever has the contact's address, though the endpoint may be the customers' side of another bridge, which
 * calls him something else; and the link whose conversation is just being opened there, if one is. */
static int find_opening(struct store_db *db, const struct event *e, const struct ask *ask,
    struct arena *a, int64_t *person, int64_t *link)
{
	struct row_lane lane;
	struct stmt *q;

	*link = 0;
	if (ask->side != SIDE_AGENTS || e->person.address == NULL)
		return 0;
	if (lane_by_address(db, e, a, &lane) < 0)
		return -1;
	if (lane.id == 0)
		return 0;
	*person = lane.person;
	q = query(db, Q_LANE_OPENING);
	stmt_i64(q, lane.id);
	stmt_i64(q, ask->bridge);
	return stmt_number(q, link);
}

int sqlite_is_opening(struct store_db *db, const struct event *e, const struct ask *asks,
    size_t nasks, struct arena *a)
{
	int64_t ignored, link;
	size_t i;
	int ret = 0;

	for (i = 0; i < nasks && ret == 0; i++)
		ret = find_opening(db, e, &asks[i], a, &ignored, &link);
	return ret;
}

static int view_others(struct store_db *db, const struct event *e, const struct ask *asks,
    size_t nasks, const unsigned char *root, struct arena *a, struct view *view)
{
	struct view_bridge *b;
	int64_t person;
	size_t i;
	int ret;

	for (i = 0; i < nasks; i++) {
		b = &view->bridges[i];
		person = view->person;
		if (b->link.id == 0 && find_opening(db, e, &asks[i], a, &person, &b->opening) < 0)
			return -1;
		if (person != 0 && view_person(db, &asks[i], person, a, b) != 0)
			return -1;
		ret = has_root(db, asks[i].other, root);
		if (ret < 0)
			return -1;
		b->root_at_target = ret == 1;
	}
	return 0;
}

static bool has_side(const struct ask *asks, size_t nasks, enum side side)
{
	size_t i;

	for (i = 0; i < nasks; i++)
		if (asks[i].side == side)
			return true;
	return false;
}

/* view->thread, and view->person where the event itself told, are set by who called. */
int sqlite_view(struct store_db *db, const struct event *e, const struct ask *asks, size_t nasks,
    const unsigned char *root, struct arena *a, struct view *view)
{
	struct stmt *q;
	size_t i;

	if (nasks > BRIDGES_PER_ENDPOINT)
		return sqlite_refuse(db, "%zu bridges at one endpoint", nasks);
	if (view->thread == 0 && e->conversation != NULL) {
		q = query(db, Q_THREAD_GET);
		stmt_i64(q, e->endpoint);
		stmt_text(q, e->conversation);
		switch (stmt_step(q)) {
		case STMT_ROW:
			view->thread = stmt_col_i64(q, 0);
			if (view->person == 0)
				view->person = stmt_col_i64(q, 2);
			view->state = (enum state)stmt_col_int(q, 3);
			view->state_version = stmt_col_i64(q, 4);
			stmt_end(q);
			break;
		case STMT_DONE: break;
		case STMT_ERROR: return -1;
		}
	}
	if (view_links(db, e, asks, nasks, a, view) != 0)
		return -1;
	/* Whom a linked conversation belongs to was settled when it was linked. */
	for (i = 0; i < nasks && view->person == 0; i++)
		view->person = view->bridges[i].link.person;
	if (view->person == 0
	    && find_person(db, e, has_side(asks, nasks, SIDE_AGENTS), a, &view->person) != 0)
		return -1;
	return view_others(db, e, asks, nasks, root, a, view);
}
