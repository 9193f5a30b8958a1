/* Preloaded into the relay by test_slow_crash.py: ends the process with SIGKILL at an exact place.
 *
 *   CRASH_AT      the place, a word of `places` below; none: it only counts
 *   CRASH_NTH     how often that place is reached, the last time included
 *   CRASH_POWER   1: as a power cut. What was written and not yet synced is taken back first
 *   CRASH_COUNTS  a file of 8 bytes per place, shared with the test: how often each was reached
 *
 * Places of the store go by file name (…-wal); those of requests by what passes a socket that the
 * relay has connected, those of callbacks by what passes one that it has accepted. Only the store's
 * thread writes and syncs, so the lock is for the other one, which may die while it does. */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum place {
	WRITE,   /* before bytes go to the write-ahead log */
	TORN,    /* when half of them are there */
	SYNC,    /* before the log is synced */
	SYNCED,  /* after that */
	PAGE,    /* before a page goes from the log to the database */
	REQUEST, /* before the first byte of a request */
	SENT,    /* after its last byte */
	ANSWER,  /* the answer has come, and the relay has not seen it */
	REPLY,   /* before a callback is answered */
	REPLIED, /* after that */
	PLACES
};

static const char *const places[PLACES] = { "write", "torn", "sync", "synced", "page", "request",
	"sent", "answer", "reply", "replied" };

#define FDS 4096
enum { OTHER, CONNECTED, ACCEPTED };

static struct {
	atomic_int is;   /* OTHER, CONNECTED, ACCEPTED */
	size_t body_due; /* of the request being sent */
	bool is_sending, is_waiting;
} fds[FDS];

/* What a write has covered, for as long as it is not synced; newest first. */
struct undo {
	struct undo *next;
	int fd;
	dev_t dev;
	ino_t ino;
	off_t offset, size; /* size: of the file before */
	ssize_t len;        /* bytes that were there */
	char bytes[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct undo *undos;
static _Atomic uint64_t *counts, own_counts[PLACES];
static enum place at = PLACES;
static uint64_t nth;
static bool is_power_cut;

static int (*real_fdatasync)(int fd);
static int (*real_connect)(int fd, const struct sockaddr *to, socklen_t len);
static int (*real_accept4)(int fd, struct sockaddr *from, socklen_t *len, int flags);
static ssize_t (*real_pwrite)(int fd, const void *bytes, size_t len, off_t offset);
static ssize_t (*real_send)(int fd, const void *bytes, size_t len, int flags);
static ssize_t (*real_recv)(int fd, void *bytes, size_t len, int flags);
static ssize_t (*real_writev)(int fd, const struct iovec *iov, int n);

static void find_next(void *function, const char *name)
{
	*(void **)function = dlsym(RTLD_NEXT, name);
}

__attribute__((constructor)) static void begin(void)
{
	const char *word = getenv("CRASH_AT"), *number = getenv("CRASH_NTH");
	const char *power = getenv("CRASH_POWER"), *path = getenv("CRASH_COUNTS");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;

	find_next(&real_fdatasync, "fdatasync");
	find_next(&real_connect, "connect");
	find_next(&real_accept4, "accept4");
	find_next(&real_pwrite, "pwrite64");
	find_next(&real_send, "send");
	find_next(&real_recv, "recv");
	find_next(&real_writev, "writev");
	is_power_cut = power != NULL && strcmp(power, "1") == 0;
	nth = number != NULL ? strtoull(number, NULL, 10) : 0;
	counts = own_counts;
	if (fd >= 0) {
		counts = mmap(NULL, sizeof(own_counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
	}
	for (at = 0; word != NULL && at < PLACES && strcmp(places[at], word) != 0;)
		at++;
	if (counts == MAP_FAILED || (word != NULL && at == PLACES)) {
		fprintf(stderr, "crash shim: cannot begin\n");
		_exit(70);
	}
	if (word == NULL)
		at = PLACES;
}

/* ---- the end ---- */

static void die(void)
{
	struct undo *u;

	if (is_power_cut) {
		pthread_mutex_lock(&lock); /* and never unlocked: nobody writes any more */
		for (u = undos; u != NULL; u = u->next)
			if (real_pwrite(u->fd, u->bytes, (size_t)u->len, u->offset) != u->len
			    || ftruncate(u->fd, u->size) != 0)
				_exit(70);
	}
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

static bool is_here(enum place place)
{
	return atomic_fetch_add(&counts[place], 1) + 1 == nth && place == at;
}

static void pass(enum place place)
{
	if (is_here(place))
		die();
}

/* ---- the store ---- */

static bool ends_with(int fd, const char *end)
{
	char link[40], path[1024];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path));
	return len >= (ssize_t)strlen(end)
	    && memcmp(path + len - strlen(end), end, strlen(end)) == 0;
}

static void keep_old(int fd, size_t len, off_t offset)
{
	struct undo *u = malloc(sizeof(*u) + len);
	struct stat st;

	if (u == NULL || fstat(fd, &st) != 0)
		abort();
	*u = (struct undo){ .next = undos,
		.fd = fd,
		.dev = st.st_dev,
		.ino = st.st_ino,
		.offset = offset,
		.size = st.st_size };
	u->len = pread(fd, u->bytes, len, offset);
	if (u->len < 0)
		u->len = 0; /* opened for writing only: nothing of the store is */
	undos = u;
}

static void forget_old(int fd)
{
	struct undo **at_end = &undos, *u;
	struct stat st;

	if (fstat(fd, &st) != 0)
		abort();
	while ((u = *at_end) != NULL)
		if (u->dev == st.st_dev && u->ino == st.st_ino) {
			*at_end = u->next;
			free(u);
		} else {
			at_end = &u->next;
		}
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t offset)
{
	bool is_log = ends_with(fd, "-wal"), is_torn;
	ssize_t done;

	if (!is_log && !ends_with(fd, ".db"))
		return real_pwrite(fd, bytes, len, offset);
	pass(is_log ? WRITE : PAGE);
	is_torn = is_log && is_here(TORN);
	pthread_mutex_lock(&lock);
	if (is_power_cut)
		keep_old(fd, len, offset);
	done = real_pwrite(fd, bytes, is_torn ? len / 2 : len, offset);
	pthread_mutex_unlock(&lock);
	if (is_torn)
		die();
	return done;
}

int fdatasync(int fd)
{
	bool is_log = ends_with(fd, "-wal");
	int ret;

	if (is_log)
		pass(SYNC);
	pthread_mutex_lock(&lock);
	ret = real_fdatasync(fd);
	if (ret == 0)
		forget_old(fd);
	pthread_mutex_unlock(&lock);
	if (is_log)
		pass(SYNCED);
	return ret;
}

int fsync(int fd)
{
	return fdatasync(fd);
}

/* ---- sockets ---- */

static bool is_of(int fd, int what)
{
	return fd >= 0 && fd < FDS && atomic_load(&fds[fd].is) == what;
}

static void become(int fd, int what)
{
	if (fd >= 0 && fd < FDS) {
		atomic_store(&fds[fd].is, what);
		fds[fd].is_sending = fds[fd].is_waiting = false;
	}
}

int connect(int fd, const struct sockaddr *to, socklen_t len)
{
	become(fd, to->sa_family == AF_INET ? CONNECTED : OTHER);
	return real_connect(fd, to, len);
}

int accept4(int fd, struct sockaddr *from, socklen_t *len, int flags)
{
	struct sockaddr_storage self;
	socklen_t self_len = sizeof(self);
	int got = real_accept4(fd, from, len, flags);

	if (got >= 0 && getsockname(got, (struct sockaddr *)&self, &self_len) == 0)
		become(got, self.ss_family == AF_INET ? ACCEPTED : OTHER);
	return got;
}

/* How much of its body is still to come behind this first piece of a request. */
static size_t body_due(const char *bytes, size_t len)
{
	const char *end = memmem(bytes, len, "\r\n\r\n", 4), *field;
	size_t have, whole;

	if (end == NULL)
		abort(); /* curl hands a head over at once */
	field = memmem(bytes, (size_t)(end - bytes), "Content-Length: ", 16);
	have = len - (size_t)(end + 4 - bytes);
	whole = field != NULL ? strtoull(field + 16, NULL, 10) : 0;
	return whole > have ? whole - have : 0;
}

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
	ssize_t done;

	if (!is_of(fd, CONNECTED))
		return real_send(fd, bytes, len, flags);
	if (!fds[fd].is_sending)
		pass(REQUEST);
	done = real_send(fd, bytes, len, flags);
	if (done < 0)
		return done; /* counted once more when it is tried again */
	if (!fds[fd].is_sending)
		fds[fd].body_due = body_due(bytes, len) + len - (size_t)done;
	else
		fds[fd].body_due -= (size_t)done;
	fds[fd].is_sending = fds[fd].body_due > 0;
	if (!fds[fd].is_sending) {
		fds[fd].is_waiting = true;
		pass(SENT);
	}
	return done;
}

ssize_t recv(int fd, void *bytes, size_t len, int flags)
{
	ssize_t done = real_recv(fd, bytes, len, flags);

	if (done > 0 && is_of(fd, CONNECTED) && fds[fd].is_waiting) {
		fds[fd].is_waiting = false;
		pass(ANSWER);
	}
	return done;
}

ssize_t writev(int fd, const struct iovec *iov, int n)
{
	bool is_reply = is_of(fd, ACCEPTED);
	ssize_t done;

	if (is_reply)
		pass(REPLY);
	done = real_writev(fd, iov, n);
	if (is_reply && done > 0)
		pass(REPLIED);
	return done;
}
