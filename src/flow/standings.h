/* Requests that were to open or close a conversation, and were answered: most are told of by the platform at
 * once, which is how they are known from what people do there. Where nothing is told, since it was lost, or since
 * the conversation was so before, the conversation is read (core/standing.h). */
#ifndef FLOW_STANDINGS_H
#define FLOW_STANDINGS_H

#include <stdint.h>

#include "flow/flow.h"

struct standings;
struct endpoint;

struct standings *standings_new(struct endpoint *e);
void standings_free(struct standings *s); /* takes NULL */
/* It was answered then, and not told of yet. */
void standings_await(struct standings *s, const char *conversation, int64_t answered_ms);
/* Nothing is to be told of that conversation any more. */
void standings_told(struct standings *s, const char *conversation);

#endif
