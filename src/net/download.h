/* The body of an answer on its way into a file. Private to net. */
#ifndef NET_DOWNLOAD_H
#define NET_DOWNLOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/http.h"

struct download;

/* Nothing is made before the first byte. */
struct download *download_new(const struct http_into *into);
/* False: too much, or the disk does not take it (download_is_disk). */
bool download_add(struct download *d, const void *data, size_t len);
bool download_is_disk(const struct download *d);
bool download_is_too_large(const struct download *d);
/* The end: what is in the file is told to resp. False: the disk. d is gone. */
bool download_keep(struct download *d, struct http_resp *resp);
/* Or there is none: the file goes. Takes NULL. */
void download_drop(struct download *d);

#endif
