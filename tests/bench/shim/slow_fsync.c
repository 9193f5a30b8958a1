/* Preloaded into the relay by the benchmark: counts what is synced to the disk, and makes each sync
 * take longer, as on a slower disk.
 *
 *   BENCH_FSYNC_COUNT   a file of eight bytes, shared with the benchmark: syncs so far
 *   BENCH_FSYNC_MSECS   what is added to each */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static _Atomic uint64_t *count;
static long msecs;
static int (*real_fsync)(int fd);
static int (*real_fdatasync)(int fd);

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("BENCH_FSYNC_COUNT"), *added = getenv("BENCH_FSYNC_MSECS");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *map;

	*(void **)&real_fsync = dlsym(RTLD_NEXT, "fsync");
	*(void **)&real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
	msecs = added != NULL ? strtol(added, NULL, 10) : 0;
	if (fd < 0)
		return;
	map = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map != MAP_FAILED)
		count = map;
	close(fd);
}

static void before_sync(void)
{
	struct timespec t = { msecs / 1000, msecs % 1000 * 1000000 };

	if (count != NULL)
		atomic_fetch_add(count, 1);
	if (msecs > 0)
		nanosleep(&t, NULL);
}

int fsync(int fd)
{
	before_sync();
	return real_fsync(fd);
}

int fdatasync(int fd)
{
	before_sync();
	return real_fdatasync(fd);
}
