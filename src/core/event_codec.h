/* An event as bytes, for the journal. Every version ever written can be read; what a later version
 * added is skipped. */
#ifndef CORE_EVENT_CODEC_H
#define CORE_EVENT_CODEC_H

#include <stddef.h>

#include "base/err.h"
#include "core/model.h"

struct arena;
struct buf;

#define EVENT_CODEC_VERSION 1

/* Adds the bytes to out. The event's id is not among them: it is the row's. */
void event_encode(const struct event *event, struct buf *out);
/* Reads what event_encode wrote; bytes are only read, the event lives in the arena. -1 with err where
 * they are not an event: they may come from anywhere. id is left 0. */
int event_decode(const void *bytes, size_t len, struct arena *a, struct event *out,
    struct err *err);

#endif
