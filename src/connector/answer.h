/* What answers of all platforms have in common. */
#ifndef CONNECTOR_ANSWER_H
#define CONNECTOR_ANSWER_H

#include <stdbool.h>

#include "base/http.h"
#include "core/words.h"

/* Why there is no whole answer, in the words of outcomes. Of a whole one: it made no sense. */
enum reason answer_transport_reason(enum transport transport);

/* A whole answer that says yes. */
static inline bool answer_is_good(const struct http_resp *resp)
{
	return resp->transport == TRANSPORT_OK && resp->status >= 200 && resp->status < 300;
}

#endif
