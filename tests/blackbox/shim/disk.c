/* Preloaded into the relay by test_slow_disk.py: a disk that turns bad, or slow, and is well again, while it runs.
 *
 *   DISK_CONTROL  a file of three 32-bit numbers, shared with the test and changed by it at any time:
 *                 errno of writes to the store, errno of its syncs (0: they work), milliseconds that each
 *                 sync takes longer */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static struct control {
	_Atomic int32_t write_errno, sync_errno, sync_msecs;
} * control;
static int (*real_fdatasync)(int fd);
static ssize_t (*real_pwrite)(int fd, const void *bytes, size_t len, off_t offset);

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("DISK_CONTROL");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;

	*(void **)&real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
	*(void **)&real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
	control = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (control == MAP_FAILED) {
		fprintf(stderr, "disk shim: cannot begin\n");
		_exit(70);
	}
	close(fd);
}

static bool is_of_the_store(int fd)
{
	char link[40], path[1024];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	if (len < 0)
		return false;
	path[len] = '\0';
	return strstr(path, ".db") != NULL && strstr(path, ".lock") == NULL;
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t offset)
{
	int32_t fails = atomic_load(&control->write_errno);

	if (fails != 0 && is_of_the_store(fd)) {
		errno = fails;
		return -1;
	}
	return real_pwrite(fd, bytes, len, offset);
}

int fdatasync(int fd)
{
	int32_t fails = atomic_load(&control->sync_errno),
		msecs = atomic_load(&control->sync_msecs);
	struct timespec t = { msecs / 1000, msecs % 1000 * 1000000L };

	if (msecs > 0)
		nanosleep(&t, NULL);
	if (fails != 0) {
		errno = fails;
		return -1;
	}
	return real_fdatasync(fd);
}

int fsync(int fd)
{
	return fdatasync(fd);
}
