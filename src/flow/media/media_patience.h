/* How long somebody who is in no hurry goes on asking for a file, behind the brief tries that each has.
 *
 * A server that serves nobody is down: its files are asked for, ever more rarely, for as long as a message is tried,
 * or an hour where it has never served since we began: a platform that people leave may be gone for good. That
 * counts for the server and not for each file, so such a one holds up a history once. Where others get theirs from it
 * meanwhile, it is the file. */
#ifndef FLOW_MEDIA_MEDIA_PATIENCE_H
#define FLOW_MEDIA_MEDIA_PATIENCE_H

#include <stdint.h>

#include "base/map.h"

struct media_hosts {
	struct map map;
};

void media_hosts_init(struct media_hosts *h);
void media_hosts_fini(struct media_hosts *h);
void media_host_failed(struct media_hosts *h, const char *host, int64_t now_ms);
void media_host_served(struct media_hosts *h, const char *host, int64_t now_ms);

struct media_past {
	int64_t failed_ms; /* for the first time; 0: never */
	int waits;         /* so often it was waited, behind the brief tries */
};
/* Until it is asked for again, having failed just now; -1: never. most_msecs: for so long a server may be down. */
int64_t media_patience(const struct media_hosts *h, const char *host, const struct media_past *past,
    int64_t most_msecs, int64_t now_ms);

#endif
