/* Preloaded into the relay by test_clock_steps.py: somebody sets the clock while it runs.
 *
 *   CLOCK_CONTROL  a file of one 64-bit number, shared with the test and changed by it at any time: by how many
 *                  seconds the wall clock is off */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static _Atomic int64_t *off;
static int (*real_clock_gettime)(clockid_t id, struct timespec *t);

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("CLOCK_CONTROL");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;

	*(void **)&real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
	off = mmap(NULL, sizeof(*off), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (off == MAP_FAILED || real_clock_gettime == NULL) {
		fprintf(stderr, "clock shim: cannot begin\n");
		_exit(70);
	}
	close(fd);
}

int clock_gettime(clockid_t id, struct timespec *t)
{
	int ret;

	if (real_clock_gettime == NULL) /* called by what is loaded before us */
		*(void **)&real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
	ret = real_clock_gettime(id, t);
	if (ret == 0 && off != NULL && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		t->tv_sec += atomic_load(off);
	return ret;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	*t = (struct timeval){ now.tv_sec, now.tv_nsec / 1000 };
	return 0;
}

time_t time(time_t *t)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (t != NULL)
		*t = now.tv_sec;
	return now.tv_sec;
}
