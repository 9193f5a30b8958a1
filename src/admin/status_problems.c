/* See status_problems.h. A next step names a command only where this program has it. */
#include "admin/status_problems.h"

#include <inttypes.h>
#include <libgen.h>
#include <string.h>

#include "admin/words_of.h"
#include "base/arena.h"
#include "base/clock.h"
#include "flow/endpoint.h"
#include "flow/history/migration.h"
#include "flow/media/media.h"
#include "flow/pace.h"

#define STUCK_MSECS 10000
#define FAILED_RUN_MSECS \
	(7 * 24 * 60 * 60 * 1000) /* who did not begin it again by then does not want it */

static void add(struct arena *a, struct status *s, const struct status_problem *like)
{
	struct status_problem *all = arena_alloc(a, (s->nproblems + 1) * sizeof(*all));

	if (s->nproblems > 0)
		memcpy(all, s->problems, s->nproblems * sizeof(*all));
	all[s->nproblems] = *like;
	s->problems = all;
	s->nproblems++;
}

/* "14 messages wait.", where any do. */
static const char *what_waits(struct arena *a, const struct status_endpoint *row)
{
	if (row->waiting == 0)
		return "";
	return arena_printf(a, " %" PRId64 " message%s.", row->waiting,
	    row->waiting == 1 ? " waits" : "s wait");
}

static const char *since(struct arena *a, int64_t ms, int64_t now_ms)
{
	char text[TIME_TEXT_SIZE];

	time_format(ms, text);
	if (now_ms - ms < 24 * 60 * 60 * 1000)
		return arena_printf(a, "%.5s", text + 11); /* 10:02 */
	return arena_printf(a, "%.10s %.5s", text, text + 11);
}

/* ---- endpoints ---- */

static const char *quoted(struct arena *a, const char *note)
{
	return note != NULL ? arena_printf(a, " (\"%s\")", note) : "";
}

static void refused_credentials(struct arena *a, struct status *s, const struct endpoint *e,
    const struct status_endpoint *row)
{
	const struct operator_words *w = &e->connector->words;
	const char *credential = w->credential != NULL ? w->credential : "credentials";
	const char *renew = w->renew != NULL ? w->renew : "get new ones";

	add(a, s,
	    &(struct status_problem){ ALARM_CREDENTIALS, row->name, NULL, row->since_ms,
		arena_printf(a, "%s: %s refused our %s%s.%s", row->name, row->host, credential,
		    quoted(a, row->note), what_waits(a, row)),
		arena_printf(a,
		    "%s, put it where %s is given, restart (or use file: and tieline reload).",
		    renew, credential) });
}

static bool is_deaf(const struct endpoint *e)
{
	return !e->conf.poll && e->conf.webhook_secret.n == 0 && !e->conf.caps->key_proves;
}

static void wrong(struct arena *a, struct status *s, const struct endpoint *e,
    const struct status_endpoint *row)
{
	const char *next =
	    arena_printf(a, "tieline setup %s, or correct endpoints.%s in %s, restart.", row->name,
		row->name, s->relay.config);

	if (!e->gate.is_shut && is_deaf(e))
		next = arena_printf(a,
		    "tieline setup %s, or set endpoints.%s.webhook_secret, restart.", row->name,
		    row->name);
	add(a, s,
	    &(struct status_problem){ ALARM_WRONG_SETUP, row->name, NULL, row->since_ms,
		arena_printf(a, "%s: %s.%s", row->name,
		    row->note != NULL ? row->note : "its check failed", what_waits(a, row)),
		next });
}

static void down(struct arena *a, struct status *s, const struct endpoint *e,
    const struct status_endpoint *row)
{
	const char *text = e->state == ENDPOINT_STARTING
	    ? arena_printf(a, "%s: nothing was heard from %s yet.%s", row->name, row->host,
		what_waits(a, row))
	    : arena_printf(a, "%s: no usable answer from %s since %s%s.%s", row->name, row->host,
		since(a, row->since_ms, s->now_ms), quoted(a, row->note), what_waits(a, row));

	add(a, s,
	    &(struct status_problem){ ALARM_ENDPOINT_DOWN, row->name, NULL, row->since_ms, text,
		arena_printf(a,
		    "see whether %s works, and can be reached from here; we go on trying, and "
		    "nothing is lost.",
		    row->host) });
}

/* It is told nothing without one. *since_ms: when it had one last; 0: not known. */
static bool lacks_session(const struct endpoint *e, int64_t now_ms, int64_t *since_ms)
{
	const struct via via = endpoint_via((struct endpoint *)e);

	*since_ms =
	    e->connector->session_ends_ms != NULL ? e->connector->session_ends_ms(&via) : INT64_MAX;
	return *since_ms <= now_ms;
}

static void no_session(struct arena *a, struct status *s, const struct status_endpoint *row,
    int64_t since_ms)
{
	if (since_ms == 0)
		since_ms = row->since_ms;
	add(a, s,
	    &(struct status_problem){ ALARM_SESSION, row->name, NULL, since_ms,
		arena_printf(a,
		    "%s: there is no session since %s%s, so nobody tells us what customers write.%s",
		    row->name, since(a, since_ms, s->now_ms), quoted(a, row->note),
		    what_waits(a, row)),
		"see what tieline check says of it; we go on asking for one, and what is said to "
		"customers waits." });
}

static void locked(struct arena *a, struct status *s, const struct status_endpoint *row)
{
	add(a, s,
	    &(struct status_problem){ ALARM_LOCKED, row->name, NULL, row->since_ms,
		arena_printf(a, "%s: %s locked us out%s.%s", row->name, row->host,
		    quoted(a, row->note), what_waits(a, row)),
		arena_printf(a,
		    "nothing now; if it repeats, lower endpoints.%s.rate, or find who else uses "
		    "this account.",
		    row->name) });
}

static void not_enabled(struct arena *a, struct status *s, const struct status_endpoint *row)
{
	add(a, s,
	    &(struct status_problem){ ALARM_NOT_ENABLED, row->name, NULL, row->since_ms,
		arena_printf(a, "%s: %s answers that it is not enabled for us%s.%s", row->name,
		    row->host, quoted(a, row->note), what_waits(a, row)),
		"ask the provider to enable it; we try again by ourselves." });
}

static void check_endpoint(struct arena *a, struct status *s, const struct endpoint *e,
    const struct status_endpoint *row)
{
	int64_t since_ms;

	switch (e->state) {
	case ENDPOINT_PAUSED: /* a person wanted it so */
	case ENDPOINT_DRAINING: break;
	case ENDPOINT_OK:
	case ENDPOINT_SLOW: /* nothing is to be done about it */
	case ENDPOINT_DOWN:
		if (lacks_session(e, s->now_ms, &since_ms))
			no_session(a, s, row, since_ms);
		else if (e->state == ENDPOINT_DOWN)
			down(a, s, e, row);
		break;
	case ENDPOINT_STARTING: down(a, s, e, row); break;
	case ENDPOINT_LOCKED: locked(a, s, row); break;
	case ENDPOINT_CREDENTIALS: refused_credentials(a, s, e, row); break;
	case ENDPOINT_WRONG: wrong(a, s, e, row); break;
	case ENDPOINT_NOT_ENABLED: not_enabled(a, s, row); break;
	}
}

/* ---- callbacks without proof ---- */

static void clocks(struct arena *a, struct status *s, const struct status_endpoint *row,
    const struct misfits *m)
{
	add(a, s,
	    &(struct status_problem){ ALARM_CLOCK, row->name, NULL, m->since_ms,
		arena_printf(a,
		    "%s: %" PRIu64 " callback%s refused since %s: clocks differ by more than "
		    "300 s, or old ones are sent again.",
		    row->name, m->count, m->count == 1 ? "" : "s",
		    since(a, m->since_ms, s->now_ms)),
		arena_printf(a, "check NTP on this host first, then on %s.", row->host) });
}

static const char *misfit_words(enum refusal reason)
{
	switch (reason) {
	case REFUSE_BAD_SIGNATURE: return "signature does not fit webhook_secret";
	case REFUSE_NO_SIGNATURE: return "they carry no signature";
	default: return "their secret is not webhook_secret";
	}
}

/* Behind the count: what it means there, and what becomes of them. */
static const char *misfit_means(struct arena *a, const struct endpoint *e)
{
	const char *words = e->connector->words.refused_callback;

	return arena_printf(a, "%s%s They will be fetched by reconciliation.",
	    words != NULL ? " " : "", words != NULL ? words : "");
}

static const char *misfit_next(struct arena *a, const struct endpoint *e)
{
	const char *name = e->conf.name;

	if (e->given->webhook_secret.n > 0) /* which wins over what setup reads */
		return arena_printf(a,
		    "take endpoints.%s.webhook_secret out, reload; tieline setup %s reads the present "
		    "secret.",
		    name, name);
	return arena_printf(a, "tieline setup %s reads the present secret.", name);
}

static void check_proofs(struct arena *a, struct status *s, const struct endpoint *e,
    const struct status_endpoint *row)
{
	const struct misfits *m = &e->stats.misfits;

	if (!misfits_last(m, s->now_ms) || is_deaf(e))
		return;
	if (m->reason == REFUSE_OLD_TIMESTAMP) {
		clocks(a, s, row, m);
		return;
	}
	add(a, s,
	    &(struct status_problem){ ALARM_CALLBACKS_REFUSED, row->name, NULL, m->since_ms,
		arena_printf(a, "%s: %" PRIu64 " callback%s refused since %s: %s.%s", row->name,
		    m->count, m->count == 1 ? "" : "s", since(a, m->since_ms, s->now_ms),
		    misfit_words(m->reason), misfit_means(a, e)),
		misfit_next(a, e) });
}

/* ---- callbacks that never came ---- */

static void check_repaired(struct arena *a, struct status *s, const struct endpoint *e,
    const struct status_endpoint *row)
{
	uint64_t count = day_sum(&e->stats.lost, s->now_ms);

	if (count == 0)
		return;
	add(a, s,
	    &(struct status_problem){ ALARM_CALLBACKS_LOST, row->name, NULL, 0,
		arena_printf(a,
		    "%s: %" PRIu64 " message%s of the last 24 h came by no callback; %s found by "
		    "reconciliation, and passed on.",
		    row->name, count, count == 1 ? "" : "s", count == 1 ? "it was" : "they were"),
		arena_printf(a,
		    "see whether the callbacks of %s reach us: their address there, the proxy in "
		    "front, at=refused in the log.",
		    row->name) });
}

/* ---- callbacks that ought to come ---- */

static void check_silence(struct arena *a, struct status *s, const struct flow *f,
    const struct endpoint *e, const struct status_endpoint *row)
{
	int64_t most = f->config->alarms.silence_msecs;
	int64_t last_ms = e->stats.last_hook_ms > 0 ? e->stats.last_hook_ms : e->began_ms;

	if (e->conf.poll || most == MSECS_NEVER || e->control != CONTROL_RUN
	    || !week_wonders(&e->stats.week, last_ms, s->now_ms, most))
		return;
	add(a, s,
	    &(struct status_problem){ ALARM_SILENCE, row->name, NULL, last_ms,
		arena_printf(a,
		    "%s: no callback since %s; a week ago there were some in the same hours.",
		    row->name, since(a, last_ms, s->now_ms)),
		arena_printf(a,
		    "see whether callbacks of %s reach us: their address there, the proxy in front; "
		    "what was said meanwhile is found by reconciliation.",
		    row->name) });
}

/* ---- bots that talk to each other ---- */

static void check_loops(struct arena *a, struct status *s, const struct flow *f,
    const struct endpoint *e, const struct status_endpoint *row)
{
	size_t count = paces_blown_at(f->paces, e);

	if (count == 0)
		return;
	add(a, s,
	    &(struct status_problem){ ALARM_LOOP, row->name, NULL, 0,
		arena_printf(a,
		    "%s: bots or agents wrote more than limits.fuse, or always the same, to %zu "
		    "person%s without a word from them. What follows is parked until they write.",
		    row->name, count, count == 1 ? "" : "s"),
		"see what answers at both ends; then tieline parked retry --all --reason loop, or "
		"drop." });
}

/* ---- bridges ---- */

static void check_bridge(struct arena *a, struct status *s, const struct status_bridge_row *b)
{
	static const char *const ways[] = { "customers", "agents" };
	int to;

	if (b->state == NULL || strcmp(b->state, "behind") != 0)
		return;
	for (to = 0; to < 2; to++) {
		const struct status_way *w = &b->ways[to];

		if (w->waiting == 0)
			continue;
		add(a, s,
		    &(struct status_problem){ ALARM_BACKLOG, NULL, b->name,
			s->now_ms - w->oldest_ms,
			arena_printf(a, "%s: %" PRId64 " message%s to %s, the oldest for %s.",
			    b->name, w->waiting, w->waiting == 1 ? " waits" : "s wait", ways[to],
			    span_words(a, w->oldest_ms)),
			arena_printf(a, "see %s and %s above.", b->customers, b->agents) });
	}
}

/* The last run of each bridge, where it came to nothing. */
static void check_migrations(struct arena *a, struct status *s, const struct flow *f)
{
	struct migration_report *all, *last;
	size_t i, n = migration_reports(f->migrations, a, &all); /* the newest first */
	int64_t at_ms;

	for (i = 0; i < s->nbridges; i++) {
		const char *name = s->bridges[i].name;

		for (last = all; last < all + n; last++)
			if (!last->is_dry && strcmp(last->bridge, name) == 0)
				break;
		if (last == all + n || last->state != MIGRATION_FAILED)
			continue;
		at_ms = last->ended_ms > 0 ? last->ended_ms : last->begun_ms;
		if (s->now_ms - at_ms > FAILED_RUN_MSECS)
			continue;
		add(a, s,
		    &(struct status_problem){ ALARM_MIGRATION, NULL, name, at_ms,
			arena_printf(a, "%s: moving its history (m%" PRId64 ") failed at %s: %s.",
			    name, last->id, since(a, at_ms, s->now_ms),
			    last->why != NULL ? last->why : "nobody knows why"),
			arena_printf(a,
			    "mend that, then tieline migrate --resume m%" PRId64
			    ", which goes on where it was.",
			    last->id) });
	}
}

static void check_parked(struct arena *a, struct status *s)
{
	int64_t total = 0;
	int i;

	for (i = 0; i < REASON_COUNT; i++)
		total += s->parked[i];
	if (total > 0)
		add(a, s,
		    &(struct status_problem){ ALARM_PARKED, NULL, NULL, 0,
			arena_printf(a, "%" PRId64 " %s parked, waiting for a person.", total,
			    total == 1 ? "is" : "are"),
			"tieline parked." });
}

/* ---- the store ---- */

static void check_store(struct arena *a, struct status *s, const struct store_health *h)
{
	const char *folder = dirname(arena_strdup(a, s->store.path));

	if (strcmp(s->store.state, "disk_low") == 0 && h->disk_free >= s->store.disk_reserve)
		add(a, s,
		    &(struct status_problem){ ALARM_DISK, NULL, NULL, 0,
			arena_printf(a,
			    "store: %s cannot be written: the disk is full, it says, with %s free. New "
			    "callbacks get 503.",
			    s->store.path, bytes_words(a, h->disk_free)),
			"look at quotas and inodes there; we go on by ourselves." });
	else if (strcmp(s->store.state, "disk_low") == 0)
		add(a, s,
		    &(struct status_problem){ ALARM_DISK, NULL, NULL, 0,
			arena_printf(a,
			    "store: %s free on %s, reserve is %s. New callbacks get 503; sending goes on.",
			    bytes_words(a, h->disk_free), folder,
			    bytes_words(a, s->store.disk_reserve)),
			"free space there; we take callbacks again by ourselves." });
	else if (strcmp(s->store.state, "error") == 0)
		add(a, s,
		    &(struct status_problem){ ALARM_STORE, NULL, NULL, 0,
			arena_printf(a, "store: %s cannot be written (%s). New callbacks get 503.",
			    s->store.path, store_fault_word(h->last_fault)),
			"look for at=store_error in the log, and at the disk; we go on trying." });
	else if (h->stuck_msecs > STUCK_MSECS)
		add(a, s,
		    &(struct status_problem){ ALARM_STORE, NULL, NULL, s->now_ms - h->stuck_msecs,
			arena_printf(a,
			    "store: no progress for %s. Callbacks wait for their answers.",
			    span_words(a, h->stuck_msecs)),
			arena_printf(a, "look at the disk that holds %s.", folder) });
}

static void check_media(struct arena *a, struct status *s, const struct flow *f)
{
	uint64_t count = media_refused_24h(f->media);

	if (count == 0)
		return;
	add(a, s,
	    &(struct status_problem){ ALARM_MEDIA_QUOTA, NULL, NULL, 0,
		arena_printf(a,
		    "files: there was no room for %" PRIu64
		    " of the last 24 h; %s of media.quota (%s) are "
		    "used now.",
		    count, bytes_words(a, media_bytes(f->media)),
		    bytes_words(a, f->config->media.quota)),
		"free space on the disk, or raise media.quota; files of parked messages stay until "
		"somebody says what becomes of those." });
}

void status_find_problems(struct arena *a, const struct flow *f, const struct store_health *health,
    struct status *s)
{
	const struct endpoint *e;
	size_t i;

	check_store(a, s, health);
	for (i = 0; i < f->nendpoints; i++) {
		e = endpoint_find((struct flow *)f, f->config->endpoints[i].id);
		check_endpoint(a, s, e, &s->endpoints[i]);
		check_proofs(a, s, e, &s->endpoints[i]);
		check_repaired(a, s, e, &s->endpoints[i]);
		check_silence(a, s, f, e, &s->endpoints[i]);
		check_loops(a, s, f, e, &s->endpoints[i]);
	}
	for (i = 0; i < s->nbridges; i++)
		check_bridge(a, s, &s->bridges[i]);
	check_migrations(a, s, f);
	check_parked(a, s);
	check_media(a, s, f);
}

void status_find_problems_stopped(struct arena *a, const struct config *c,
    const struct store_health *health, struct status *s)
{
	(void)c;
	check_store(a, s, health);
	check_parked(a, s);
}
