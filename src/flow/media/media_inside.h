/* What media.c and media_fetch.c share. Nobody else includes it. */
#ifndef FLOW_MEDIA_MEDIA_INSIDE_H
#define FLOW_MEDIA_MEDIA_INSIDE_H

#include <sys/queue.h>

#include "base/map.h"
#include "flow/media/media.h"
#include "flow/media/media_patience.h"
#include "flow/pager.h"

#define PART_PREFIX ".part-" /* of files that are not whole */

/* One file of an event. */
struct item {
	struct media_row row;
	const struct attachment *from;
	const char *url;
	struct media_tries tries;
	struct media_past past;
	bool is_refreshed;
};

/* One event with its files. */
struct fetching {
	struct map_node node;
	struct media *media;
	struct arena *arena;
	int64_t event;
	struct letter *letter;
	struct item *items;
	size_t nitems, at;
	TAILQ_HEAD(, media_wait) waits;
	TAILQ_ENTRY(fetching) list; /* of the queue, or of those running */
	bool is_queued, is_running;
	bool is_patient; /* its timer is that of somebody who is in no hurry */
	struct http_req req;
	struct http_into into;
	struct http_call *call;
	struct config *config; /* a reference, while a call runs */
	struct loop_timer *timer;
	struct page page;
	const char *cursor;
	int pages;
	const char *why; /* of the last failure */
	struct op_media_open open;
	struct op_media_set set;
};

struct media_wait {
	TAILQ_ENTRY(media_wait) next;
	struct fetching *job;
	struct arena *arena;
	struct media_asker asker;
};

TAILQ_HEAD(fetching_list, fetching);

struct media {
	struct flow *flow;
	char *folder;
	struct map jobs; /* by event */
	struct fetching_list queue, running;
	size_t nrunning;
	struct media_hosts hosts;
	uint64_t parts; /* temporary files, counted */
	int64_t bytes;
	struct day refused; /* for want of room */
	struct loop_timer *timer;
	struct op_media_retain retain;
	bool is_sweeping;
	struct op_media_load *load; /* between load and start */
	struct arena *loaded;
};

int64_t media_now(const struct media *m);
const struct media_conf *media_conf_of(const struct media *m);
/* Removes what nobody needs, now. */
void media_start_sweep(struct media *m);

/* media.c: the file at hand is settled. */
void job_next(struct fetching *j);
/* media_fetch.c: it is to be fetched; or it is known not to be had. */
void job_queue(struct fetching *j);
void job_hurry(struct fetching *j); /* who asks now may be in a hurry: its patience is over */
void job_fail(struct fetching *j, const char *why);
/* What is queued goes on its way, as far as there is room. */
void media_pump(struct media *m);

#endif
