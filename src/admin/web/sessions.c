/* See sessions.h. Two tables of fixed size, so that nobody can make them grow. A new session takes the place of
 * the one that would end first; a new address that of the one whose last try is longest ago. */
#include "admin/web/sessions.h"

#include <string.h>

#include "base/address.h"
#include "base/mem.h"
#include "base/secret.h"

#define SESSIONS_MOST 32
#define ADDRESSES_MOST 1024
#define TRIES_MOST 5
#define TRIES_MSECS (60 * 1000)

/* One address, or (IPv6) one network of those that a single customer of a provider is given. */
struct tries {
	struct address from;
	int64_t at_ms[TRIES_MOST]; /* of the last ones in vain, as a ring */
	unsigned count;            /* of all of them; 0: the place is free */
};

struct sessions {
	struct session items[SESSIONS_MOST];
	unsigned char of[SHA256_SIZE]; /* the password that they were begun with */
	struct tries tries[ADDRESSES_MOST];
};

struct sessions *sessions_new(void)
{
	return xcalloc(1, sizeof(struct sessions));
}

void sessions_free(struct sessions *s)
{
	xfree(s);
}

/* ---- tries in vain ---- */

static struct address place_of(const char *from)
{
	static const unsigned char v4[12] = { [10] = 0xff, [11] = 0xff };
	struct address a = { { 0 } };

	if (address_parse(from, &a) && memcmp(a.b, v4, sizeof(v4)) != 0)
		memset(a.b + 8, 0, 8); /* a /64 */
	return a;
}

static int64_t last_ms(const struct tries *t)
{
	return t->count == 0 ? INT64_MIN : t->at_ms[(t->count - 1) % TRIES_MOST];
}

static struct tries *tries_of(struct sessions *s, const char *from)
{
	struct address place = place_of(from);
	struct tries *t, *oldest = s->tries;

	for (t = s->tries; t < s->tries + ADDRESSES_MOST; t++) {
		if (t->count > 0 && memcmp(&t->from, &place, sizeof(place)) == 0)
			return t;
		if (last_ms(t) < last_ms(oldest))
			oldest = t;
	}
	*oldest = (struct tries){ .from = place };
	return oldest;
}

/* How long until one more may be made; 0: now. */
static int64_t wait_of(const struct tries *t, int64_t now_ms)
{
	int64_t free_ms;

	if (t->count < TRIES_MOST)
		return 0;
	free_ms = t->at_ms[t->count % TRIES_MOST] + TRIES_MSECS;
	return free_ms > now_ms ? free_ms - now_ms : 0;
}

/* ---- sessions ---- */

/* Another password ends what was begun with the one before. */
static void follow(struct sessions *s, const char *password)
{
	unsigned char now[SHA256_SIZE];

	sha256(password, strlen(password), now);
	if (secret_equal_bytes(now, s->of, sizeof(now)))
		return;
	memset(s->items, 0, sizeof(s->items));
	memcpy(s->of, now, sizeof(now));
}

static struct session *begin(struct sessions *s, int64_t now_ms)
{
	struct session *i, *place = s->items;

	for (i = s->items; i < s->items + SESSIONS_MOST; i++)
		if (i->ends_ms < place->ends_ms)
			place = i;
	random_text(place->token, SESSION_TOKEN_LEN);
	random_text(place->csrf, SESSION_TOKEN_LEN);
	place->ends_ms = now_ms + SESSION_MSECS;
	return place;
}

enum sign_in sessions_sign_in(struct sessions *s, const char *password, const char *given,
    const char *from, int64_t now_ms, const struct session **out, int64_t *wait_msecs)
{
	struct tries *t = tries_of(s, from);

	*wait_msecs = wait_of(t, now_ms);
	if (*wait_msecs > 0)
		return SIGN_IN_TOO_OFTEN;
	if (!secret_equal(password, given)) {
		t->at_ms[t->count++ % TRIES_MOST] = now_ms;
		if (t->count == 2 * TRIES_MOST) /* the ring goes on, the number stays small */
			t->count = TRIES_MOST;
		return SIGN_IN_WRONG;
	}
	follow(s, password);
	*out = begin(s, now_ms);
	return SIGN_IN_DONE;
}

const struct session *sessions_find(struct sessions *s, const char *password, const char *token,
    int64_t now_ms)
{
	const struct session *i, *found = NULL;

	follow(s, password);
	if (token == NULL || *token == '\0')
		return NULL;
	for (i = s->items; i < s->items + SESSIONS_MOST; i++)
		if (secret_equal(i->token, token) && i->ends_ms > now_ms)
			found = i;
	return found;
}

void sessions_sign_out(struct sessions *s, const char *token)
{
	struct session *i;

	for (i = s->items; i < s->items + SESSIONS_MOST; i++)
		if (secret_equal(i->token, token))
			*i = (struct session){ .ends_ms = 0 };
}
