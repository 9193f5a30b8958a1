/* Answer → outcome.
 *
 * A body with `error` in it is a failure, whatever the status of the answer, and its code is what counts
 * then. Whoever asks too often is locked out: for a minute, and each further time for a minute longer. How
 * many times in a row that was is kept, so that a restart does not begin at one. */
#include "connector/smartsender/smartsender.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "connector/answer.h"
#include "core/file.h"
#include "core/text.h"

#define WHY_MAX 200
#define PAGE_ATTEMPTS 5
#define SCARCE 10 /* requests left, of those of a minute */
#define LOCK_MSECS ((int64_t)60 * 1000)
#define LOCK_MOST_MSECS (12 * LOCK_MSECS)
#define MARGIN_MSECS 500                 /* a moment too early, and it is a time more */
#define FORGIVEN_MSECS (60 * LOCK_MSECS) /* so long without one, and it begins at one again */
#define CLOCKS_APART_MSECS ((int64_t)120 * 1000)

struct answer {
	const struct via *via;
	struct arena *arena;
	const struct job *job;
	const struct http_resp *resp;
	const struct json *json; /* NULL: not JSON */
	int status;              /* what it amounts to */
	struct outcome *out;
};

/* --- words ------------------------------------------------------------------------------------- */

/* The first complaint about a field, which says more than the message. */
static const char *description_of(const struct json *j)
{
	const struct json *d = json_object(j, "error.description");

	if (d == NULL || d->child == NULL)
		return NULL;
	return d->child->type == JSON_STRING ? d->child->text : json_text(d->child, "0");
}

static const char *words_of(const struct answer *ans)
{
	const char *text = description_of(ans->json);

	if (text == NULL)
		text = json_text(ans->json, "error.message");
	if (text == NULL)
		text = json_text(ans->json, "error");
	if (text == NULL)
		text = json_text(ans->json, "message");
	if (text == NULL && ans->json == NULL && strchr(ans->resp->body, '<') != NULL)
		text = "a page of HTML";
	if (text == NULL && ans->resp->status == 0)
		text = ans->resp->detail;
	return text != NULL && *text != '\0' ? text_excerpt(ans->arena, text, WHY_MAX) : NULL;
}

static void conclude(const struct answer *ans, enum effect_kind kind, enum reason reason)
{
	ans->out->effect = (struct effect){ .kind = kind,
		.reason = reason,
		.wait_msecs = ans->resp->retry_after_msecs,
		.why = words_of(ans) };
}

/* --- what it amounts to ------------------------------------------------------------------------ */

static bool has_error(const struct json *j)
{
	const struct json *error =
	    j != NULL && j->type == JSON_OBJECT ? json_member(j, "error") : NULL;

	return error != NULL && error->type != JSON_NULL && error->type != JSON_FALSE;
}

/* An error without a number that says what it is: the token, or what was asked for. */
static int status_of(const struct answer *ans)
{
	const char *text = json_text(ans->json, "error.message");
	int64_t code;

	if (!has_error(ans->json))
		return ans->resp->status;
	code = json_int(ans->json, "error.code", 0);
	if (code >= 400 && code <= 599)
		return (int)code;
	if (text != NULL && strstr(text, "Unauthenticated") != NULL)
		return 401;
	return ans->resp->status >= 400 ? ans->resp->status : 422;
}

static bool is_done(const struct answer *ans)
{
	return ans->resp->transport == TRANSPORT_OK && ans->status >= 200 && ans->status < 300
	    && ans->json != NULL;
}

/* --- locked out -------------------------------------------------------------------------------- */

static int64_t memo_int(const struct via *via, const char *key)
{
	const char *text = memo_get(via, key);

	return text != NULL ? strtoll(text, NULL, 10) : 0;
}

static void remember(const struct answer *ans, const char *key, int64_t value)
{
	ans->out->memo[ans->out->nmemo++] =
	    (struct memo){ key, arena_printf(ans->arena, "%" PRId64, value), true };
}

/* What was under way when the lock fell is refused as well, and that is no further time. */
static void locked_out(const struct answer *ans)
{
	int64_t count = memo_int(ans->via, MEMO_LOCKOUTS);
	int64_t ends_ms = memo_int(ans->via, MEMO_LOCKED_AT), now_ms = ans->via->now_ms;
	int64_t wait;

	conclude(ans, EFFECT_RETRY, REASON_BUSY);
	if (ends_ms > now_ms && ends_ms - now_ms <= FORGIVEN_MSECS) {
		ans->out->effect.wait_msecs = ends_ms - now_ms;
		return;
	}
	count = now_ms - ends_ms > FORGIVEN_MSECS || count < 0 ? 1 : count + 1;
	wait = ans->resp->retry_after_msecs;
	if (wait < 0)
		wait = count * LOCK_MSECS < LOCK_MOST_MSECS ? count * LOCK_MSECS : LOCK_MOST_MSECS;
	wait += MARGIN_MSECS;
	ans->out->effect.wait_msecs = wait;
	remember(ans, MEMO_LOCKOUTS, count);
	remember(ans, MEMO_LOCKED_AT, now_ms + wait);
}

/* --- refusals ---------------------------------------------------------------------------------- */

/* He has blocked the bot, or left it. The words are not published: where they are others it is refused all the
 * same, and said as it was told. */
static bool is_gone(const struct answer *ans)
{
	const char *words = words_of(ans);

	return words != NULL && strcasestr(words, "subscribed") != NULL;
}

/* once: what was asked for must not be done twice. */
static void interpret_failure(const struct answer *ans, bool once)
{
	enum effect_kind doubt = once ? EFFECT_UNSURE : EFFECT_RETRY;
	int status = ans->status;

	if (status == 0 && !ans->resp->sent)
		conclude(ans, EFFECT_RETRY, answer_transport_reason(ans->resp->transport));
	else if (status < 400)
		conclude(ans, doubt, answer_transport_reason(ans->resp->transport));
	else if (status == 429)
		locked_out(ans);
	else if (status == 503)
		conclude(ans, EFFECT_RETRY, REASON_BUSY);
	else if (status == 408)
		conclude(ans, doubt, REASON_TIMEOUT);
	else if (status >= 500)
		conclude(ans, doubt, REASON_SERVER_ERROR);
	else if (ans->resp->transport != TRANSPORT_OK)
		conclude(ans, EFFECT_RETRY, answer_transport_reason(ans->resp->transport));
	else if (status == 401 || status == 403)
		conclude(ans, EFFECT_PAUSE, REASON_CREDENTIALS);
	else if (status == 404)
		conclude(ans, EFFECT_REJECTED, REASON_NOT_FOUND);
	else if (status == 413)
		conclude(ans, EFFECT_REJECTED, REASON_TOO_LARGE);
	else
		conclude(ans, EFFECT_REJECTED, is_gone(ans) ? REASON_UNREACHABLE : REASON_INVALID);
}

/* --- steps ------------------------------------------------------------------------------------- */

static void interpret_me(const struct answer *ans)
{
	struct outcome *out = ans->out;
	const char *id = json_id(ans->json, "id"), *name;

	if (!is_done(ans)) {
		interpret_failure(ans, false);
		return;
	}
	out->effect = (struct effect){ .kind = EFFECT_NEXT_STEP, .wait_msecs = -1 };
	out->memo[out->nmemo++] = (struct memo){ MEMO_USER, "1", false };
	if (id == NULL || *id == '\0')
		id = ans->via->endpoint->name;
	out->memo[out->nmemo++] = (struct memo){ MEMO_TENANT, id, true };
	name = text_name(ans->arena, json_text(ans->json, "name"));
	if (name != NULL)
		out->memo[out->nmemo++] = (struct memo){ MEMO_TITLE, name, true };
}

/* A file that is not taken, as far as the answer tells, is named with its address instead. */
static bool may_link(const struct answer *ans)
{
	const struct file *f = smartsender_file(ans->job->message);
	const struct effect *e = &ans->out->effect;

	return f != NULL && f->address != NULL && ans->job->cursor == NULL
	    && e->kind == EFFECT_REJECTED
	    && (e->reason == REASON_INVALID || e->reason == REASON_TOO_LARGE);
}

static void send_link(const struct answer *ans)
{
	ans->out->effect = (struct effect){ .kind = EFFECT_NEXT_STEP, .wait_msecs = -1 };
	ans->out->cursor = "link";
}

/* Who works there is a courtesy as long as the token is good. */
static void interpret_endpoint(const struct answer *ans)
{
	if (ans->job->step != STEP_LOOK_UP)
		interpret_me(ans);
	else if (ans->status == 429 || ans->status == 401)
		interpret_failure(ans, false);
	else
		smartsender_take_team(ans->via, ans->arena, ans->json, ans->out);
}

static void interpret_command(const struct answer *ans, enum effect_kind done);

/* A contact that is gone has nothing to be told of. */
static void interpret_facts(const struct answer *ans)
{
	struct outcome *out = ans->out;

	if (ans->job->kind != JOB_FACTS) {
		interpret_command(ans, EFFECT_DELIVERED);
		return;
	}
	if (is_done(ans) && smartsender_take_facts(ans->arena, ans->job, ans->json, out))
		out->effect = (struct effect){ .kind = EFFECT_NEXT_STEP, .wait_msecs = -1 };
	else if (is_done(ans))
		conclude(ans, EFFECT_RETRY, REASON_BAD_ANSWER);
	else if (ans->status == 404)
		out->effect = (struct effect){ .kind = EFFECT_NEXT_STEP, .wait_msecs = -1 };
	else
		interpret_failure(ans, false);
}

static void interpret_send(const struct answer *ans)
{
	const char *id = json_id(ans->json, "id");

	if (!is_done(ans) || id == NULL || *id == '\0') {
		interpret_failure(ans, true);
		if (may_link(ans))
			send_link(ans);
		return;
	}
	ans->out->effect =
	    (struct effect){ .kind = EFFECT_DELIVERED, .wait_msecs = -1, .remote_id = id };
	ans->out->learned.message = id;
}

/* Whatever the status says, it was done only where state is true. */
static void interpret_command(const struct answer *ans, enum effect_kind done)
{
	struct effect *effect = &ans->out->effect;

	if (is_done(ans) && json_true(ans->json, "state"))
		*effect = (struct effect){ .kind = done, .wait_msecs = -1 };
	else if (is_done(ans))
		conclude(ans, EFFECT_REJECTED, REASON_BAD_ANSWER);
	else
		interpret_failure(ans, false);
}

/* That mark is no more than a courtesy: no other chat waits for it. */
static void interpret_mark(const struct answer *ans)
{
	struct effect *effect = &ans->out->effect;

	interpret_command(ans, EFFECT_NEXT_STEP);
	if (effect->kind == EFFECT_RETRY && effect->reason != REASON_BUSY)
		effect->kind = EFFECT_REJECTED;
}

/* --- look-ups ---------------------------------------------------------------------------------- */

static const char *normal(struct arena *a, const char *text)
{
	char *clean = text_clean(a, text, strlen(text));
	size_t len;

	clean += strspn(clean, " \t\n");
	for (len = strlen(clean); len > 0 && strchr(" \t\n", clean[len - 1]) != NULL; len--)
		;
	return arena_strndup(a, clean, len);
}

/* The last part of an address, or all of it. */
static const char *base_name(const char *url)
{
	const char *slash = strrchr(url, '/');

	return slash != NULL ? slash + 1 : url;
}

/* A number may come back as a text, and with other zeros behind it. */
static bool is_same_card(const struct attachment *card, const struct json *p)
{
	const char *latitude = json_id(p, "latitude"), *longitude = json_id(p, "longitude");
	const char *phone = json_id(p, "phoneNumber");

	if (card->kind == ATTACHMENT_CONTACT)
		return phone != NULL && strcmp(phone, card->phone) == 0;
	return latitude != NULL && longitude != NULL
	    && strtod(latitude, NULL) == strtod(card->latitude, NULL)
	    && strtod(longitude, NULL) == strtod(card->longitude, NULL);
}

/* A file whose form does not fit its type is shown as a document. */
static bool is_same_type(const char *type, const char *ours)
{
	enum attachment_kind kind, our_kind;

	if (strcmp(type, ours) == 0)
		return true;
	return smartsender_media(type, &kind) && smartsender_media(ours, &our_kind)
	    && (kind == our_kind || kind == ATTACHMENT_FILE);
}

static bool says_the_same(const struct answer *ans, const struct json *m)
{
	const struct message *ours = ans->job->message;
	const struct json *content = json_object(m, "content");
	const char *type = json_text(content, "type"), *text, *url;
	const struct file *f = smartsender_file(ours);

	if (type == NULL)
		return false;
	if (f != NULL && f->address != NULL && strcmp(type, "text") == 0) {
		text = smartsender_text(ans->arena, content);
		return text != NULL
		    && strcmp(normal(ans->arena, text), smartsender_link(ans->arena, f)) == 0;
	}
	if (!is_same_type(type, smartsender_type(ours)))
		return false;
	if (smartsender_card(ours) != NULL)
		return is_same_card(smartsender_card(ours),
		    json_object(content, "resource.parameters"));
	if (f != NULL && f->address != NULL) {
		url = json_text(content, "resource.parameters.url");
		return url == NULL || strcmp(base_name(url), base_name(f->address)) == 0
		    || strcmp(base_name(url), f->name) == 0;
	}
	text = smartsender_text(ans->arena, content);
	return text != NULL
	    && strcmp(normal(ans->arena, text), normal(ans->arena, ours->text)) == 0;
}

/* Those that may be what is looked for; who knows which of them are somebody's already takes the rest. What
 * was there before the agent had written is none. */
static void find_copies(const struct answer *ans, const struct json *list)
{
	const struct smartsender_chat chat = { .id = ans->job->known->conversation };
	int64_t since_ms = ans->job->message->at_ms - CLOCKS_APART_MSECS;
	const struct json *m;
	const char *sender;
	int64_t at_ms, before_ms = smartsender_latest(ans->via);

	for (m = list->child; m != NULL; m = m->next) {
		sender = json_text(m, "sender.type");
		at_ms = smartsender_time(ans->via, m, "createdAt", before_ms);
		if (at_ms != 0 && at_ms < before_ms)
			before_ms = at_ms;
		if (json_id(m, "id") == NULL || (sender != NULL && strcmp(sender, "contact") == 0)
		    || (at_ms != 0 && at_ms < since_ms) || !says_the_same(ans, m))
			continue;
		smartsender_read_message(ans->via, ans->arena, m, &chat, before_ms,
		    event_list_add(&ans->out->events, ans->arena));
	}
}

static void interpret_look(const struct answer *ans)
{
	const struct json *list = is_done(ans) ? smartsender_list(ans->json, "collection") : NULL;

	if (list == NULL) {
		interpret_failure(ans, true);
		ans->out->effect.kind = EFFECT_UNSURE;
		return;
	}
	ans->out->effect = (struct effect){ .kind = EFFECT_NEXT_STEP, .wait_msecs = -1 };
	if (ans->job->message != NULL)
		find_copies(ans, list);
}

/* One chat that cannot be read must not keep all others waiting: it is left, and tried again when it is
 * looked at next. */
static void give_up(const struct answer *ans)
{
	struct effect *effect = &ans->out->effect;

	if (ans->job->step == STEP_LIST_MESSAGES && ans->job->attempt >= PAGE_ATTEMPTS
	    && effect->kind == EFFECT_RETRY
	    && (effect->reason == REASON_SERVER_ERROR || effect->reason == REASON_BAD_ANSWER))
		effect->kind = EFFECT_REJECTED;
}

static void interpret_page(const struct answer *ans)
{
	if (!is_done(ans))
		interpret_failure(ans, false);
	else if (smartsender_take_page(ans->via, ans->arena, ans->job, ans->json, ans->out))
		ans->out->effect = (struct effect){ .kind = EFFECT_NEXT_STEP, .wait_msecs = -1 };
	else
		conclude(ans, EFFECT_RETRY, REASON_BAD_ANSWER);
	give_up(ans);
}

/* How many it will take yet, as far as anybody knows; anything else tells nothing. */
static bool is_scarce(const struct http_resp *resp)
{
	return resp->wanted != NULL && resp->wanted[0] >= '0' && resp->wanted[0] <= '9'
	    && strtoll(resp->wanted, NULL, 10) <= SCARCE;
}

void smartsender_interpret(const struct via *via, struct arena *a, const struct job *job,
    const struct http_resp *resp, struct outcome *out)
{
	struct json_error error;
	struct answer ans = { .via = via, .arena = a, .job = job, .resp = resp, .out = out };

	*out = (struct outcome){ 0 };
	ans.json = json_read(a, resp->body, resp->body_len, &error);
	ans.status = status_of(&ans);
	if (job->kind == JOB_ENDPOINT)
		interpret_endpoint(&ans);
	else if (smartsender_is_of_facts(job))
		interpret_facts(&ans);
	else if (job->step == STEP_MARK_READ)
		interpret_mark(&ans);
	else if (job->step == STEP_SET_STATUS)
		interpret_command(&ans, EFFECT_DELIVERED);
	else if (job->kind == JOB_PAGE)
		interpret_page(&ans);
	else if (job->kind == JOB_LOOK)
		interpret_look(&ans);
	else
		interpret_send(&ans);
	out->effect.is_scarce = is_scarce(resp);
}
