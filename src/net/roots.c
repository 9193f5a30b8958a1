/* See roots.h. */
#include "net/roots.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"

static int read_whole(const char *path, struct buf *to, struct err *err)
{
	FILE *f = fopen(path, "re");
	char part[8192];
	size_t len;
	int ret = 0;

	if (f == NULL)
		return err_set(err, "%s: %s", path, strerror(errno));
	while ((len = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(to, part, len);
	if (ferror(f))
		ret = err_set(err, "%s: %s", path, strerror(errno));
	fclose(f);
	return ret;
}

/* curl takes one file of roots. With ca_file that is one without a name, holding the system's and
 * ours: a blob would be parsed anew for each connection, 5 ms of the loop each time. */
int roots_add(struct roots *r, const char *ca_file, struct err *err)
{
	static const char mark[] = "-----BEGIN CERTIFICATE-----";
	const char *system_file = curl_version_info(CURLVERSION_NOW)->cainfo;
	struct buf all;
	int ret = -1;

	buf_init(&all);
	if (read_whole(ca_file, &all, err) != 0)
		goto out;
	if (all.len == 0 || memmem(all.data, all.len, mark, sizeof(mark) - 1) == NULL) {
		err_set(err, "%s: no PEM certificate in it", ca_file);
		goto out;
	}
	buf_addc(&all, '\n');
	if (system_file != NULL)
		read_whole(system_file, &all, NULL); /* a host may have none */
	r->fd = memfd_create("roots", MFD_CLOEXEC);
	if (r->fd < 0 || write(r->fd, all.data, all.len) != (ssize_t)all.len) {
		err_set(err, "roots: %s", strerror(errno));
		goto out;
	}
	snprintf(r->path, sizeof(r->path), "/proc/self/fd/%d", r->fd);
	ret = 0;
out:
	buf_fini(&all);
	return ret;
}

void roots_init(struct roots *r)
{
	*r = (struct roots){ .fd = -1 };
}

void roots_fini(struct roots *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}
