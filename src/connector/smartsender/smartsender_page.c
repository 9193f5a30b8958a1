/* Pages of what is there become events.
 *
 * Paging is by number: what is new moves the rest on while one reads. What is met twice is known by its
 * id; what slips by has changed its chat, which is read again when it is next looked at.
 *
 * Chats are asked for by what is unread (quick: mostly one request), or all that are open, and then those
 * that somebody has closed since. The latest come first, as far as anybody knows; so where nobody wants all
 * of them, a page of nothing but older ones is the last. Messages of a chat come newest first, up to a page that reaches back far enough. */
#include "connector/smartsender/smartsender.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json_in.h"

#define PAGES_MAX 100000
#define CLOSED "closed " /* before the number, where the walk has come to the closed ones */

static bool is_closed(const char *cursor)
{
	return cursor != NULL && strncmp(cursor, CLOSED, strlen(CLOSED)) == 0;
}

static int64_t number_of(const char *cursor)
{
	int64_t n = 1;

	if (cursor != NULL)
		n = strtoll(is_closed(cursor) ? cursor + strlen(CLOSED) : cursor, NULL, 10);
	return n >= 1 ? n : 1;
}

/* When the oldest message of the page before was written. */
static int64_t behind_of(const struct via *via, const char *cursor)
{
	const char *blank = cursor != NULL ? strchr(cursor, ' ') : NULL;

	return blank != NULL ? strtoll(blank, NULL, 10) : smartsender_latest(via);
}

const char *smartsender_page_path(struct arena *a, const struct job *job)
{
	const char *id = job->known->conversation;

	if (job->step == STEP_LIST_MESSAGES)
		return arena_printf(a, "/chats/%s/messages?limitation=%d&page=%" PRId64,
		    http_encode(a, id), SMARTSENDER_PAGE, number_of(job->cursor));
	if (id != NULL)
		return arena_printf(a, "/chats/%s", http_encode(a, id));
	return arena_printf(a,
	    "/chats?state=%s&selector%%5Bname%%5D=%s&limitation=%d&page=%" PRId64,
	    is_closed(job->cursor) ? "closed" : "open", job->is_quick ? "unread" : "none",
	    SMARTSENDER_PAGE, number_of(job->cursor));
}

/* Whether there is a page behind this one, by what it says itself; without a cursor it is the only one. */
static bool has_more(const struct json *answer, const struct json *list, int64_t page)
{
	return list->count > 0 && page < json_int(answer, "cursor.pages", 0) && page < PAGES_MAX;
}

static const char *next_page(struct arena *a, const struct json *answer, const struct json *list,
    const char *cursor)
{
	int64_t page = number_of(cursor);

	return has_more(answer, list, page)
	    ? arena_printf(a, "%s%" PRId64, is_closed(cursor) ? CLOSED : "", page + 1)
	    : NULL;
}

/* --- messages ---------------------------------------------------------------------------------- */

/* Times are whole seconds. */
static bool is_before(int64_t at_ms, int64_t since_ms)
{
	return at_ms < since_ms - 999; /* at_ms is whatever they say */
}

static int64_t oldest_of(int64_t at_ms, int64_t oldest_ms)
{
	return at_ms < oldest_ms ? at_ms : oldest_ms;
}

/* The list is turned round: oldest first. *oldest_ms is when
 * that was, and to begin with when the one behind this page was. A clock that is put back shows an hour twice: what stands before another cannot have been written after it. */
static void read_messages(const struct via *via, struct arena *a, const struct json *list,
    const struct smartsender_chat *chat, struct event_list *out, size_t *unreadable,
    int64_t *oldest_ms)
{
	const struct json **all = arena_alloc(a, (list->count + 1) * sizeof(struct json *)), *m;
	int64_t *before_ms = arena_alloc(a, (list->count + 1) * sizeof(*before_ms)), at_ms;
	size_t n = 0, first;

	before_ms[0] = *oldest_ms;
	for (m = list->child; m != NULL; m = m->next, n++) {
		all[n] = m;
		at_ms = smartsender_time(via, m, "createdAt", before_ms[n]);
		before_ms[n + 1] = at_ms != 0 ? oldest_of(at_ms, before_ms[n]) : before_ms[n];
	}
	*oldest_ms = INT64_MAX;
	while (n > 0) {
		m = all[--n];
		if (json_id(m, "id") == NULL || *json_id(m, "id") == '\0') {
			++*unreadable;
			continue;
		}
		first = out->count;
		smartsender_add_message(via, a, m, chat, before_ms[n], out);
		*oldest_ms = oldest_of(out->items[first].at_ms, *oldest_ms);
		for (; first < out->count; first++)
			out->items[first].origin = ORIGIN_HISTORY;
	}
}

static const struct json *collection_of(const struct json *answer)
{
	return answer != NULL && answer->type == JSON_OBJECT
	    ? smartsender_list(answer, "collection")
	    : NULL;
}

int smartsender_parse_page(const struct via *via, struct arena *a, const char *conversation,
    const struct http_resp *resp, struct event_list *out, const char **cursor,
    struct parse_error *error)
{
	/* A page of messages does not say whose they are; the page of chats before it did. */
	const struct smartsender_chat chat = { .id = conversation,
		.person = via->explain ? "{person}" : NULL };
	const struct json *answer, *list;
	struct json_error fault;
	size_t unreadable = 0;
	int64_t oldest_ms = smartsender_latest(via);

	*error = (struct parse_error){ 0 };
	*cursor = NULL;
	answer = json_read(a, resp->body, resp->body_len, &fault);
	if (answer == NULL) {
		*error = (struct parse_error){ smartsender_unparsable((int)fault.fault),
			fault.offset, fault.detail };
		return -1;
	}
	list = collection_of(answer);
	if (list == NULL) {
		*error = (struct parse_error){ .reason = UNPARSABLE_BAD_FIELD,
			.detail = "the page has no collection" };
		return -1;
	}
	read_messages(via, a, list, &chat, out, &unreadable, &oldest_ms);
	if (conversation == NULL && out->count > 0) {
		*error = (struct parse_error){ .reason = UNPARSABLE_BAD_FIELD,
			.detail = "the page does not say which chat it is of" };
		return -1;
	}
	if (unreadable > 0) {
		*error = (struct parse_error){ .reason = UNPARSABLE_BAD_FIELD,
			.detail = "the collection holds what is no message" };
		return -1;
	}
	*cursor = next_page(a, answer, list,
	    arena_printf(a, "%" PRId64, json_int(answer, "cursor.page", 1)));
	return 0;
}

static bool take_messages(const struct via *via, struct arena *a, const struct job *job,
    const struct json *answer, struct outcome *out)
{
	struct smartsender_chat chat = { .id = job->known->conversation };
	const struct json *list = collection_of(answer);
	int64_t oldest_ms = behind_of(via, job->cursor);

	if (list == NULL)
		return false;
	smartsender_chat_of(a, job->about, &chat);
	read_messages(via, a, list, &chat, &out->events, &out->unreadable, &oldest_ms);
	if (is_before(oldest_ms, job->since_ms))
		return true;
	out->cursor = next_page(a, answer, list, job->cursor);
	if (out->cursor != NULL && oldest_ms != INT64_MAX)
		out->cursor = arena_printf(a, "%s %" PRId64, out->cursor, oldest_ms);
	return true;
}

/* --- chats ------------------------------------------------------------------------------------- */

static bool take_chats(const struct via *via, struct arena *a, const struct job *job,
    const struct json *answer, struct outcome *out)
{
	const struct json *list = collection_of(answer), *j;
	bool is_over = !job->is_quick, closed = is_closed(job->cursor);

	if (list == NULL)
		return false;
	for (j = list->child; j != NULL; j = j->next) {
		if (!smartsender_read_chat(via, a, j, closed ? STATE_RESOLVED : STATE_OPEN,
			&out->events))
			out->unreadable++;
		else if (!is_before(out->events.items[out->events.count - 1].version,
			     job->since_ms))
			is_over = false;
	}
	if (!is_over)
		out->cursor = next_page(a, answer, list, job->cursor);
	if (out->cursor == NULL && !closed && !job->is_quick)
		out->cursor = CLOSED "1";
	return true;
}

bool smartsender_take_page(const struct via *via, struct arena *a, const struct job *job,
    const struct json *answer, struct outcome *out)
{
	if (job->step == STEP_LIST_MESSAGES)
		return take_messages(via, a, job, answer, out);
	if (job->known->conversation != NULL)
		return smartsender_read_chat(via, a, answer, STATE_NONE, &out->events);
	return take_chats(via, a, job, answer, out);
}
