/* Answer → outcome. A send is accepted with an id; what becomes of it is told later, by events. Errors are
 * known by the digits of their code, which comes in several spellings. */
#include "connector/syniverse/syniverse.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "connector/answer.h"
#include "core/text.h"

#define WHY_MAX 200
#define LOOK_MOST 1000 /* messages to one address that are gone through */
#define MUCH_LATER_MSECS (10 * 60 * 1000)

enum code {
	CODE_CHANGED = 1001,
	CODE_RECIPIENT = 1002,
	CODE_CONSENT = 1005,
	CODE_SIZE = 1012,
	CODE_MEDIA_SIZE = 1019,
	CODE_THROTTLED = 1039,
	CODE_TOO_MANY = 1067,
	CODE_LENGTH = 4005,
	CODE_MEDIA_COUNT = 4009,
	CODE_TOKEN_EXPIRED = 4046,
	CODE_MEDIA_DOWNLOAD = 4220,
	CODE_NO_MEDIA = 40016,
	CODE_BAD_RECIPIENT = 40024,
};

struct answer {
	const struct via *via;
	struct arena *arena;
	const struct job *job;
	const struct http_resp *resp;
	const struct json *json; /* NULL: not JSON */
	int code;
	struct outcome *out;
};

/* --- words ------------------------------------------------------------------------------------- */

int syniverse_code(const struct json *answer)
{
	const char *text = json_id(answer, "error_code"), *at;
	int n = 0;

	if (text == NULL)
		text = json_id(answer, "errorCode");
	if (text == NULL)
		return 0;
	at = strrchr(text, '_');
	for (text = at != NULL ? at + 1 : text; isdigit((unsigned char)*text) && n < 1000000;
	     text++)
		n = n * 10 + (*text - '0');
	return n;
}

const char *syniverse_words(struct arena *a, const struct http_resp *resp,
    const struct json *answer)
{
	static const char *const keys[] = { "error_description", "message", "userMsg", "moreInfo",
		"error" };
	const char *text = NULL;
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(*keys) && text == NULL; i++) {
		text = json_text(answer, keys[i]);
		if (text != NULL && *text == '\0')
			text = NULL;
	}
	if (text == NULL && answer == NULL && strchr(resp->body, '<') != NULL)
		text = "a page of HTML";
	if (text == NULL)
		return resp->status == 0 ? resp->detail : NULL;
	return text_excerpt(a, text, WHY_MAX);
}

static void conclude(const struct answer *ans, enum effect_kind kind, enum reason reason)
{
	const char *why = syniverse_words(ans->arena, ans->resp, ans->json);

	if (ans->code != 0)
		why = arena_printf(ans->arena, "%s (%d)", why != NULL ? why : "refused", ans->code);
	ans->out->effect = (struct effect){ .kind = kind,
		.reason = reason,
		.wait_msecs = ans->resp->retry_after_msecs,
		.why = why };
}

static void go_on(const struct answer *ans, const char *cursor)
{
	ans->out->effect = (struct effect){ .kind = EFFECT_NEXT_STEP, .wait_msecs = -1 };
	ans->out->cursor = cursor;
}

/* --- the token --------------------------------------------------------------------------------- */

static bool is_token_refused(const struct answer *ans)
{
	return ans->resp->status == 401
	    || (ans->resp->status == 404 && ans->code == CODE_TOKEN_EXPIRED);
}

/* The next errand renews it; the request is made again behind that. Where nothing can, people must. */
static void refuse_token(const struct answer *ans, enum effect_kind otherwise)
{
	if (syniverse_may_renew_token(ans->via)) {
		ans->out->memo[ans->out->nmemo++] = (struct memo){ MEMO_TOKEN_STALE, "1", false };
		conclude(ans, otherwise, REASON_CREDENTIALS);
		ans->out->effect.wait_msecs = 0;
	} else {
		conclude(ans, EFFECT_PAUSE, REASON_CREDENTIALS);
	}
}

/* --- send -------------------------------------------------------------------------------------- */

static void refuse_by_code(const struct answer *ans)
{
	switch (ans->code) {
	case CODE_CONSENT:
		conclude(ans, EFFECT_REJECTED, REASON_OPTED_OUT);
		ans->out->effect.why = "Syniverse 1005";
		return;
	case CODE_RECIPIENT:
	case CODE_BAD_RECIPIENT: conclude(ans, EFFECT_REJECTED, REASON_UNREACHABLE); return;
	case CODE_SIZE:
	case CODE_MEDIA_SIZE:
	case CODE_LENGTH: conclude(ans, EFFECT_REJECTED, REASON_TOO_LARGE); return;
	case CODE_CHANGED:
	case CODE_THROTTLED: conclude(ans, EFFECT_RETRY, REASON_BUSY); return;
	case CODE_TOO_MANY:
		conclude(ans, EFFECT_RETRY, REASON_BUSY);
		ans->out->effect.wait_msecs = MUCH_LATER_MSECS;
		return;
	default: break;
	}
	if (ans->resp->status == 402)
		conclude(ans, EFFECT_REJECTED, REASON_QUOTA);
	else if (ans->resp->status == 409)
		conclude(ans, EFFECT_RETRY, REASON_BUSY);
	else if (ans->resp->status == 413)
		conclude(ans, EFFECT_REJECTED, REASON_TOO_LARGE);
	else
		conclude(ans, EFFECT_REJECTED, REASON_INVALID);
}

/* The sender cannot do files, or they could not be fetched. */
static bool is_media_refused(const struct answer *ans)
{
	bool refused = ans->code == CODE_NO_MEDIA || ans->code == CODE_MEDIA_COUNT
	    || ans->code == CODE_MEDIA_DOWNLOAD || ans->resp->status == 422;

	return refused && syniverse_has_media(ans->job->message)
	    && (ans->job->cursor == NULL || strcmp(ans->job->cursor, CURSOR_LINKS) != 0);
}

/* For the trace: what a long text costs. NULL: one. */
static const char *segments_of(const struct answer *ans)
{
	bool is_wide;
	int n = syniverse_segments(ans->job->message->text, &is_wide);

	if (n < 2)
		return NULL;
	return arena_printf(ans->arena, "%d segments (%s)", n, is_wide ? "UCS-2" : "GSM-7");
}

static void interpret_send(const struct answer *ans)
{
	const struct http_resp *resp = ans->resp;
	const char *id = json_id(ans->json, "id");
	int status = resp->status;

	if (answer_is_good(ans->resp) && id != NULL) {
		ans->out->effect = (struct effect){ .kind = EFFECT_DELIVERED,
			.wait_msecs = -1,
			.remote_id = id,
			.why = segments_of(ans) };
		ans->out->learned.message = id;
	} else if (status == 0 && !resp->sent) {
		conclude(ans, EFFECT_RETRY, answer_transport_reason(resp->transport));
	} else if (status < 300) {
		conclude(ans, EFFECT_UNSURE, answer_transport_reason(resp->transport));
	} else if (status == 429 || status == 503) {
		conclude(ans, EFFECT_RETRY, REASON_BUSY);
	} else if (status == 408) {
		conclude(ans, EFFECT_RETRY, REASON_TIMEOUT);
	} else if (status >= 500) {
		conclude(ans, EFFECT_UNSURE, REASON_SERVER_ERROR);
	} else if (is_token_refused(ans)) {
		refuse_token(ans, EFFECT_RETRY);
	} else if (is_media_refused(ans)) {
		go_on(ans, CURSOR_LINKS);
	} else if (resp->transport != TRANSPORT_OK) {
		/* Refused, and the words that say why are lost. */
		conclude(ans, EFFECT_RETRY, answer_transport_reason(resp->transport));
	} else {
		refuse_by_code(ans);
	}
}

/* --- look-up ----------------------------------------------------------------------------------- */

/* The id of the request that bears our mark; NULL: none of them does. */
static const char *find(const struct json *list, const char *mark, bool are_requests)
{
	static const char *const places[] = { "external_id", "external_message_request_id" };
	const struct json *j;
	const char *text, *id;
	size_t i;

	for (j = list->child; mark != NULL && j != NULL; j = j->next)
		for (i = 0; i < 2; i++) {
			text = json_text(j, places[i]);
			if (text == NULL || strcmp(text, mark) != 0)
				continue;
			id = are_requests ? json_id(j, "id") : json_id(j, "message_request_id");
			return id != NULL ? id : json_id(j, "id");
		}
	return NULL;
}

static void take_list(const struct answer *ans, const struct json *list)
{
	bool are_requests = ans->job->cursor == NULL;
	const char *id = find(list, ans->job->message->mark, are_requests);
	int64_t offset = are_requests ? 0 : strtoll(ans->job->cursor, NULL, 10) + list->count;
	int64_t total = json_int(ans->json, "total", INT64_MAX);

	if (id != NULL) {
		ans->out->found = true;
		ans->out->effect =
		    (struct effect){ .kind = EFFECT_DELIVERED, .wait_msecs = -1, .remote_id = id };
		ans->out->learned.message = id;
	} else if (are_requests) {
		go_on(ans, "0");
	} else if (list->count == 0 || offset >= total || offset >= LOOK_MOST) {
		go_on(ans, NULL); /* it is not found */
	} else {
		go_on(ans, arena_printf(ans->arena, "%" PRId64, offset));
	}
}

static void interpret_look(const struct answer *ans)
{
	const struct json *list = json_array(ans->json, "list");

	if (list == NULL && ans->json != NULL && ans->json->type == JSON_ARRAY)
		list = ans->json;
	if (answer_is_good(ans->resp) && list != NULL)
		take_list(ans, list);
	else if (is_token_refused(ans))
		refuse_token(ans, EFFECT_UNSURE);
	else if (ans->job->cursor == NULL && ans->resp->status >= 400 && ans->resp->status < 500
	    && ans->resp->status != 429 && ans->resp->status != 408)
		go_on(ans, "0"); /* it does not search so */
	else
		conclude(ans, EFFECT_UNSURE,
		    ans->resp->status >= 500 ? REASON_SERVER_ERROR
					     : answer_transport_reason(ans->resp->transport));
}

/* --- pages ------------------------------------------------------------------------------------- */

static void interpret_page(const struct answer *ans)
{
	int status = ans->resp->status;

	if (answer_is_good(ans->resp)
	    && syniverse_take_page(ans->via, ans->arena, ans->job, ans->json, ans->out))
		go_on(ans, ans->out->cursor);
	else if (is_token_refused(ans))
		refuse_token(ans, EFFECT_RETRY);
	else if (status == 404)
		conclude(ans, EFFECT_REJECTED, REASON_NOT_FOUND);
	else if (status == 429)
		conclude(ans, EFFECT_RETRY, REASON_BUSY);
	else if (status >= 500)
		conclude(ans, EFFECT_RETRY, REASON_SERVER_ERROR);
	else if (status >= 400 && status != 408)
		conclude(ans, EFFECT_REJECTED, REASON_INVALID);
	else
		conclude(ans, EFFECT_RETRY, answer_transport_reason(ans->resp->transport));
}

void syniverse_interpret(const struct via *via, struct arena *a, const struct job *job,
    const struct http_resp *resp, struct outcome *out)
{
	struct json_error error;
	struct answer ans = { .via = via, .arena = a, .job = job, .resp = resp, .out = out };

	*out = (struct outcome){ 0 };
	if (job->kind == JOB_ENDPOINT) {
		syniverse_errand_interpret(via, a, job, resp, out);
		return;
	}
	ans.json = json_read(a, resp->body, resp->body_len, &error);
	ans.code = syniverse_code(ans.json);
	if (job->kind == JOB_LOOK)
		interpret_look(&ans);
	else if (job->kind == JOB_PAGE)
		interpret_page(&ans);
	else
		interpret_send(&ans);
}
