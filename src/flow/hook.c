/* See hook.h. */
#include "flow/hook.h"

#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/secret.h"

#define PREFIX "/hooks/"

bool hook_path(struct arena *a, const char *path, const char **name, const char **key)
{
	const char *slash;

	if (strncmp(path, PREFIX, strlen(PREFIX)) != 0)
		return false;
	path += strlen(PREFIX);
	slash = strchr(path, '/');
	if (slash == NULL || slash == path || strchr(slash + 1, '/') != NULL || slash[1] == '\0')
		return false;
	*name = arena_strndup(a, path, (size_t)(slash - path));
	*key = arena_strdup(a, slash + 1);
	return true;
}

bool hook_key_fits(const struct endpoint_conf *e, const char *key)
{
	bool fits = false;
	size_t i;

	for (i = 0; i < e->hook_key.n; i++)
		fits |= secret_equal(e->hook_key.v[i], key);
	return fits;
}

static struct hook_verdict refuse(enum refusal refusal, const char *detail)
{
	return (struct hook_verdict){ .refusal = refusal, .detail = detail };
}

/* application/json or …+json, letters in any case, charset UTF-8 or none. */
static bool is_json(const char *type)
{
	const char *end, *charset;
	size_t len;

	if (type == NULL)
		return false;
	end = type + strcspn(type, "; \t");
	len = (size_t)(end - type);
	if (!(len == 16 && strncasecmp(type, "application/json", 16) == 0)
	    && !(len > 5 && strncasecmp(end - 5, "+json", 5) == 0))
		return false;
	charset = strcasestr(end, "charset=");
	if (charset == NULL)
		return true;
	charset += strlen("charset=");
	charset += *charset == '"';
	return strncasecmp(charset, "utf-8", 5) == 0 || strncasecmp(charset, "utf8", 4) == 0;
}

struct hook_verdict hook_judge_form(const struct endpoint_conf *e, const struct http_in *in)
{
	bool loose = e->caps != NULL && e->caps->loose_callbacks;

	if (strcmp(in->method, "POST") != 0 && !(loose && strcmp(in->method, "PUT") == 0))
		return refuse(REFUSE_METHOD,
		    loose ? "only POST and PUT are taken here" : "only POST is taken here");
	if ((int64_t)in->body_len > e->body_max)
		return refuse(REFUSE_TOO_LARGE, "the body is larger than this endpoint takes");
	if (!loose && !is_json(http_header(in->headers, in->nheaders, "content-type")))
		return refuse(REFUSE_MEDIA_TYPE, "the content type is not JSON in UTF-8");
	return refuse(REFUSE_NONE, NULL);
}

struct hook_verdict hook_judge_proof(const struct via *via, const struct connector *c,
    const struct http_in *in)
{
	struct hook_verdict v = { .verify = c->verify(via, in) };

	switch (v.verify) {
	case VERIFY_OK:
	case VERIFY_UNCHECKED: break;
	case VERIFY_NO_SIGNATURE:
		v.refusal = REFUSE_NO_SIGNATURE;
		v.detail = "what proves it genuine is missing";
		break;
	case VERIFY_BAD_SIGNATURE:
		v.refusal = REFUSE_BAD_SIGNATURE;
		v.detail = "signed with another secret, or the body was changed on the way";
		break;
	case VERIFY_OLD_TIMESTAMP:
		v.refusal = REFUSE_OLD_TIMESTAMP;
		v.detail = "signed more than 5 minutes from now: replayed, or a clock is wrong";
		break;
	case VERIFY_BAD_SECRET:
		v.refusal = REFUSE_BAD_SECRET;
		v.detail = "its secret is not the one configured";
		break;
	}
	return v;
}
