/* See download.h. Written piece by piece as it comes, never whole in memory, and summed on the way. What
 * is there when it ends early is removed, so that a file by that name is always a whole one. */
#include "net/download.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/secret.h"

struct download {
	char *path;
	int64_t max, len;
	int fd; /* -1: not made yet */
	bool is_disk, is_too_large;
	struct sha256_sum *sum;
};

struct download *download_new(const struct http_into *into)
{
	struct download *d = xcalloc(1, sizeof(*d));

	d->path = xstrdup(into->path);
	d->max = into->max;
	d->fd = -1;
	d->sum = sha256_begin();
	return d;
}

static bool make_file(struct download *d)
{
	if (d->fd < 0)
		d->fd = open(d->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	d->is_disk = d->fd < 0;
	return !d->is_disk;
}

static bool write_all(int fd, const char *data, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

bool download_add(struct download *d, const void *data, size_t len)
{
	d->is_too_large = (int64_t)len > d->max - d->len;
	if (d->is_too_large || !make_file(d))
		return false;
	d->is_disk = !write_all(d->fd, data, len);
	if (d->is_disk)
		return false;
	sha256_add(d->sum, data, len);
	d->len += (int64_t)len;
	return true;
}

bool download_is_disk(const struct download *d)
{
	return d->is_disk;
}

bool download_is_too_large(const struct download *d)
{
	return d->is_too_large;
}

static void download_free(struct download *d)
{
	xfree(d->path);
	xfree(d);
}

bool download_keep(struct download *d, struct http_resp *resp)
{
	if (!make_file(d) || close(d->fd) != 0) {
		d->fd = -1;
		unlink(d->path);
		download_drop(d);
		return false;
	}
	resp->file_len = d->len;
	sha256_end(d->sum, resp->file_sha256);
	download_free(d);
	return true;
}

void download_drop(struct download *d)
{
	if (d == NULL)
		return;
	if (d->fd >= 0) {
		close(d->fd);
		unlink(d->path);
	}
	sha256_end(d->sum, NULL);
	download_free(d);
}
