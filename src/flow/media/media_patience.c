/* See media_patience.h. */
#include "flow/media/media_patience.h"

#include <string.h>

#include "base/mem.h"

#define HOSTS_MOST 1024 /* addresses are named by people */
#define FIRST_WAIT_MSECS (30 * 1000)
#define MOST_WAIT_MSECS (2 * 60 * 1000) /* whoever begins to hurry waits for the rest of one */
#define WAITS_WHERE_SERVED 10           /* a quarter of an hour */
#define STRANGER_MOST_MSECS (60 * 60 * 1000)

struct host {
	struct map_node node;
	int64_t down_ms;   /* since when it has failed; 0: it served last */
	int64_t served_ms; /* last */
	char *name;
};

void media_hosts_init(struct media_hosts *h)
{
	map_init(&h->map);
}

void media_hosts_fini(struct media_hosts *h)
{
	struct map_node *n;

	while ((n = map_walk(&h->map, NULL)) != NULL) {
		map_remove(&h->map, n);
		xfree(((struct host *)n)->name);
		xfree(n);
	}
	map_fini(&h->map);
}

static struct host *find(const struct media_hosts *h, const char *name)
{
	struct map_node *n;

	for (n = map_find(&h->map, hash_text(name, 0)); n != NULL; n = map_find_next(n))
		if (strcmp(((struct host *)n)->name, name) == 0)
			return (struct host *)n;
	return NULL;
}

static struct host *get(struct media_hosts *h, const char *name)
{
	struct host *host = find(h, name);

	if (host != NULL)
		return host;
	if (h->map.count >= HOSTS_MOST) {
		media_hosts_fini(h);
		media_hosts_init(h);
	}
	host = xcalloc(1, sizeof(*host));
	host->name = xstrdup(name);
	map_add(&h->map, &host->node, hash_text(name, 0));
	return host;
}

void media_host_failed(struct media_hosts *h, const char *name, int64_t now_ms)
{
	struct host *host = get(h, name);

	if (host->down_ms == 0)
		host->down_ms = now_ms;
}

void media_host_served(struct media_hosts *h, const char *name, int64_t now_ms)
{
	struct host *host = get(h, name);

	host->down_ms = 0;
	host->served_ms = now_ms;
}

int64_t media_patience(const struct media_hosts *h, const char *name, const struct media_past *past,
    int64_t most_msecs, int64_t now_ms)
{
	const struct host *host = find(h, name);
	int64_t wait = FIRST_WAIT_MSECS;
	int i;

	if (host == NULL)
		return wait;
	if (host->served_ms == 0 && most_msecs > STRANGER_MOST_MSECS)
		most_msecs = STRANGER_MOST_MSECS;
	if (host->served_ms != 0 && host->served_ms >= past->failed_ms) {
		if (past->waits >= WAITS_WHERE_SERVED)
			return -1;
	} else if (host->down_ms != 0 && now_ms - host->down_ms >= most_msecs) {
		return -1;
	}
	for (i = 0; i < past->waits && wait < MOST_WAIT_MSECS; i++)
		wait *= 2;
	return wait;
}
