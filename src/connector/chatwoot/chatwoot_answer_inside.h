/* What the files that read answers share: chatwoot_answer.c, chatwoot_accepted.c and chatwoot_refused.c. */
#ifndef CONNECTOR_CHATWOOT_CHATWOOT_ANSWER_INSIDE_H
#define CONNECTOR_CHATWOOT_CHATWOOT_ANSWER_INSIDE_H

#include "connector/chatwoot/chatwoot.h"

/* One answer being read. */
struct chatwoot_answer {
	const struct via *via;
	struct arena *a;
	const struct job *job;
	const struct http_resp *resp;
	const struct json *body; /* NULL: it is not JSON */
	struct outcome *out;
};

/* ---- chatwoot_answer.c ---- */

void chatwoot_conclude(struct chatwoot_answer *r, enum effect_kind kind, enum reason reason,
    const char *why);
void chatwoot_next_step(struct chatwoot_answer *r);
/* It may have happened, unless the request is one that may be repeated. */
void chatwoot_doubt(struct chatwoot_answer *r, enum reason reason, const char *why);
void chatwoot_delivered(struct chatwoot_answer *r, const char *id);
/* There should have been an id. */
void chatwoot_bad_answer(struct chatwoot_answer *r);
/* NULL: there is none. */
const char *chatwoot_id_at(const struct json *j, const char *path);
/* The far side's words; NULL: none. */
const char *chatwoot_words(const struct chatwoot_answer *r);
bool chatwoot_says(const struct chatwoot_answer *r, const char *part);
enum side chatwoot_side(const struct chatwoot_answer *r);

/* ---- chatwoot_accepted.c ---- */

/* Of a delivery or a look. */
void chatwoot_accepted(struct chatwoot_answer *r);

/* ---- chatwoot_refused.c ---- */

/* Any other status. */
void chatwoot_refused(struct chatwoot_answer *r);
/* What is written of a contact or a conversation; false: it is refused like anything else. */
bool chatwoot_facts_refused(struct chatwoot_answer *r);
/* No whole answer. */
void chatwoot_unanswered(struct chatwoot_answer *r);

#endif
