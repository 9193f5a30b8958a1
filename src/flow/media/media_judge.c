/* What the answer to a fetch means. Pure.
 *
 * A file may be announced before it is in the platform's storage, so what is missing is asked for again for
 * a quarter of a minute. A server that is down gets a minute; the person's next messages wait meanwhile.
 * An address that is refused may have expired: the message, read again, may have another one. */
#include "flow/media/media.h"

#include <inttypes.h>

#include "base/arena.h"

#define FIRST_WAIT_MSECS 1000
#define MOST_WAIT_MSECS 30000
#define BRIEF_TRIES 5   /* 1 + 2 + 4 + 8 s */
#define PATIENT_TRIES 7 /* … + 16 + 30 s */
#define BROKEN_TRIES 3

#define MEDIA_SILENT "its server does not answer"
#define MISSING "it is not there any more"

static int64_t wait_after(int tries, int64_t asked_msecs)
{
	int64_t wait = FIRST_WAIT_MSECS;

	while (--tries > 0 && wait < MOST_WAIT_MSECS)
		wait *= 2;
	if (asked_msecs > wait)
		wait = asked_msecs;
	return wait < MOST_WAIT_MSECS ? wait : MOST_WAIT_MSECS;
}

static struct media_verdict again(const struct http_resp *resp, struct media_tries *tries,
    enum media_fault fault, const char *why)
{
	static const int most[] = { [MEDIA_FAULT_MISSING] = BRIEF_TRIES,
		[MEDIA_FAULT_SILENT] = PATIENT_TRIES,
		[MEDIA_FAULT_BROKEN] = BROKEN_TRIES };
	int n = ++tries->of[fault];

	return (struct media_verdict){ n < most[fault] ? MEDIA_AGAIN : MEDIA_GIVE_UP,
		wait_after(n, resp->retry_after_msecs), why, fault != MEDIA_FAULT_MISSING };
}

static struct media_verdict give_up(const char *why)
{
	return (struct media_verdict){ MEDIA_GIVE_UP, 0, why, false };
}

static struct media_verdict refresh(const char *why)
{
	return (struct media_verdict){ MEDIA_REFRESH, 0, why, false };
}

/* Announced, and not in the platform's storage yet; or gone from where it was. */
static struct media_verdict missing(const struct http_resp *resp, struct media_tries *tries)
{
	const struct media_verdict v = again(resp, tries, MEDIA_FAULT_MISSING, MISSING);

	return v.next == MEDIA_AGAIN ? v : refresh(MISSING);
}

const char *media_size_words(struct arena *a, int64_t bytes)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB" };
	size_t unit = 0;

	while (unit < 3 && bytes >= 1024 && bytes % 1024 == 0) {
		bytes /= 1024;
		unit++;
	}
	return arena_printf(a, "%" PRId64 " %s", bytes, units[unit]);
}

static struct media_verdict judge_status(struct arena *a, const struct http_resp *resp,
    struct media_tries *tries)
{
	int status = resp->status;

	if (status >= 200 && status <= 299 && status != 206)
		return (struct media_verdict){ MEDIA_TAKE, 0, NULL, false };
	if (status == 404)
		return missing(resp, tries);
	if (status == 401 || status == 403 || status == 410)
		return refresh(MISSING);
	if (status == 408 || status == 425 || status == 429 || status >= 500)
		return again(resp, tries, MEDIA_FAULT_SILENT,
		    arena_printf(a, "its server answered %d", status));
	return give_up(arena_printf(a, "its server answered %d", status));
}

struct media_verdict media_judge(struct arena *a, const struct http_resp *resp,
    struct media_tries *tries, int64_t max_size)
{
	if (resp->is_forbidden)
		return give_up("its address is not a public one");
	if (resp->is_disk)
		return again(resp, tries, MEDIA_FAULT_SILENT, MEDIA_NO_ROOM);
	if (resp->is_unknown)
		return again(resp, tries, MEDIA_FAULT_BROKEN, MEDIA_NOWHERE);
	switch (resp->transport) {
	case TRANSPORT_OK: return judge_status(a, resp, tries);
	case TRANSPORT_TOO_LARGE:
		return give_up(arena_printf(a, "larger than %s", media_size_words(a, max_size)));
	case TRANSPORT_CONNECT: return again(resp, tries, MEDIA_FAULT_SILENT, MEDIA_SILENT);
	case TRANSPORT_TLS:
		return again(resp, tries, MEDIA_FAULT_BROKEN, "its server cannot be trusted");
	case TRANSPORT_TIMEOUT: return again(resp, tries, MEDIA_FAULT_BROKEN, "it took too long");
	case TRANSPORT_CUT:
		/* A server that is just going down, or coming up. */
		return resp->is_silent ? again(resp, tries, MEDIA_FAULT_SILENT, MEDIA_SILENT)
				       : again(resp, tries, MEDIA_FAULT_BROKEN, "it broke off");
	}
	return give_up("");
}
