/* See health.h. */
#include "admin/health.h"

#include <string.h>

#include "admin/web/web.h"

#define STUCK_MSECS 10000

const char *health_alive(const struct web *w)
{
	struct store_health h;

	store_health(w->flow->store, &h);
	return h.stuck_msecs > STUCK_MSECS ? "store" : NULL;
}

/* Stricter than the callbacks' own judgement: after a fault of the disk each of them still tries, and is
 * refused where that fails, but nobody should be sent here on purpose. */
const char *health_ready(const struct web *w)
{
	enum refusal closed = ingest_closed(w->ingest);
	struct store_health h;

	if (closed != REFUSE_NONE)
		return refusal_word((int)closed);
	store_health(w->flow->store, &h);
	return h.last_fault != STORE_FAULT_NONE || h.stuck_msecs > STUCK_MSECS ? "store" : NULL;
}

const char *health_sentence(const char *word)
{
	static const struct {
		const char *word, *sentence;
	} rows[] = {
		{ "store", "the store makes no progress, or cannot be written" },
		{ "disk_full", "less disk is free than limits.disk_reserve" },
		{ "draining", "it was told to stop, and finishes what is under way" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].word, word) == 0)
			return rows[i].sentence;
	return word;
}
