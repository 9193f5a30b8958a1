/* See migration.h. What is told of the runs: where they are, and how long a plan would take. */
#include "flow/history/migration_inside.h"

#include "base/arena.h"

static void estimate(const struct migration_run *r, struct migration_estimate *e)
{
	const struct endpoint_conf *to = migration_bridge(r)->agents;
	const struct rate *from = &r->source->conf.rate, *each = &to->history_rate;

	*e = r->estimate;
	migration_estimate(e, r->row.totals.written, 2 * r->row.totals.conversations,
	    (struct migration_limit){ to->rate.count, to->rate.period_msecs },
	    (struct migration_limit){ each->count, each->period_msecs },
	    (struct migration_limit){ from->count, from->period_msecs });
}

static void report_of(const struct migration_run *r, struct arena *a, struct migration_report *out)
{
	const struct migration_item *item;
	const struct bridge_conf *b = r->source != NULL ? migration_bridge(r) : NULL;
	struct migration_totals now = { 0 };

	*out = (struct migration_report){
		.id = r->row.id,
		.bridge = arena_strdup(a, r->wish.bridge),
		.file = arena_strdup(a, r->wish.file),
		.from = b != NULL ? arena_strdup(a, b->customers->name) : NULL,
		.to = b != NULL ? arena_strdup(a, b->agents->name) : NULL,
		.state = r->row.state,
		.is_dry = r->is_dry,
		.verdict =
		    r->verdict != NULL ? arena_memdup(a, r->verdict, sizeof(*r->verdict)) : NULL,
		.wish = arena_strdup(a, r->row.wish),
		.why = arena_strdup(a, r->row.why),
		.begun_ms = r->row.begun_ms,
		.ended_ms = r->row.ended_ms,
		.under_way = r->nitems,
		.totals = r->row.totals,
	};
	if (r->is_dry && b != NULL)
		estimate(r, &out->estimate);
	out->first = r->row.first;
	out->target = b != NULL ? b->agents->id : 0;
	TAILQ_FOREACH(item, &r->items, next) {
		now = item->totals;
		now.conversations = 0;
		migration_add(&out->totals, &now);
	}
}

size_t migration_reports(struct migrations *m, struct arena *a, struct migration_report **out)
{
	struct migration_run *r;
	int64_t last =
	    INT64_MAX; /* a later run begins where an earlier one of its bridge has ended */
	size_t n = 0;

	TAILQ_FOREACH(r, &m->runs, next)
		n++;
	*out = arena_zalloc(a, (n + 1) * sizeof(**out));
	n = 0;
	TAILQ_FOREACH(r, &m->runs, next)
		if (r->row.id != 0) { /* else it is just being written down */
			report_of(r, a, &(*out)[n]);
			(*out)[n++].last = last;
			last = r->is_dry ? last : r->row.first;
		}
	return n;
}
