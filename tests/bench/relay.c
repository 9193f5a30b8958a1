/* The relay as the benchmark's child: the real program, with a configuration written here, on a core of
 * its own. What it used is read from /proc. */
#include "bench.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READY_SECS = 60 };

static unsigned free_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) != 0
	    || getsockname(fd, (struct sockaddr *)&at, &len) != 0)
		fatal("no free port: %s", strerror(errno));
	close(fd);
	return ntohs(at.sin_port);
}

static const char *in_dir(const struct relay *r, const char *name, char path[512])
{
	snprintf(path, 512, "%s/%s", r->dir, name);
	return path;
}

static void write_config(const struct relay *r, unsigned sink_port)
{
	char path[512];
	FILE *f = fopen(in_dir(r, "bench.yaml", path), "we");

	if (f == NULL)
		fatal("%s: %s", path, strerror(errno));
	fprintf(f,
	    "listen: \"127.0.0.1:%u\"\n"
	    "public_url: \"http://127.0.0.1:%u\"\n"
	    "store: \"sqlite:%s/bench.db\"\n"
	    "admin:\n"
	    "  socket: \"%s/bench.sock\"\n"
	    "log:\n"
	    "  level: warn\n"
	    "limits:\n"
	    "  lane: 1000000\n"
	    "endpoints:\n"
	    "  shop:\n"
	    "    platform: smartify\n"
	    "    base_url: \"http://127.0.0.1:%u/api\"\n"
	    "    project_id: " PROJECT "\n"
	    "    email: relay@example.com\n"
	    "    password: bench-relay-password\n"
	    "    webhook_secret: " SHOP_SECRET "\n"
	    "    hook_key: " SHOP_KEY "\n"
	    "    rate: 0\n"
	    "    reconcile: never\n"
	    "    concurrency: 64\n"
	    "  desk:\n"
	    "    platform: chatwoot\n"
	    "    base_url: \"http://127.0.0.1:%u\"\n"
	    "    api_token: bench-desk-token\n"
	    "    account_id: 1\n"
	    "    inbox_id: 12\n"
	    "    webhook_secret: " DESK_SECRET "\n"
	    "    hook_key: " DESK_KEY "\n"
	    "    settle: 0s\n"
	    "    rate: 0\n"
	    "    reconcile: never\n"
	    "    conversation_rate: 0\n"
	    "    concurrency: 64\n"
	    "bridges:\n"
	    "  support: {customers: shop, agents: desk}\n",
	    r->port, r->port, r->dir, r->dir, sink_port, sink_port);
	fclose(f);
}

static void remove_store(const struct relay *r)
{
	static const char *const names[] = { "bench.db", "bench.db-wal", "bench.db-shm",
		"bench.db.lock" };
	char path[512];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(in_dir(r, names[i], path));
}

static void share_count(struct relay *r)
{
	uint64_t zero = 0;
	char path[512];
	int fd = open(in_dir(r, "syncs", path), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	void *map;

	if (fd < 0 || write(fd, &zero, sizeof(zero)) != sizeof(zero))
		fatal("%s: %s", path, strerror(errno));
	map = mmap(NULL, sizeof(zero), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		fatal("%s: %s", path, strerror(errno));
	close(fd);
	r->syncs = map;
}

static void set_preload(const struct relay *r, int slower_msecs)
{
	char path[512], self[512], msecs[16];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[len > 0 ? len : 0] = '\0';
	snprintf(path, sizeof(path), "%s/slow_fsync.so", dirname(self));
	setenv("LD_PRELOAD", path, 1);
	setenv("BENCH_FSYNC_COUNT", in_dir(r, "syncs", path), 1);
	snprintf(msecs, sizeof(msecs), "%d", slower_msecs);
	setenv("BENCH_FSYNC_MSECS", msecs, 1);
}

static void become_relay(const struct relay *r, const struct relay_plan *p)
{
	char config[512], log[512];
	int fd = open(in_dir(r, "bench.log", log), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pin(p->both_cores ? -1 : RELAY_CORE);
	if (r->syncs != NULL)
		set_preload(r, p->slower_msecs);
	dup2(fd, STDERR_FILENO);
	execl(p->binary, p->binary, "-c", in_dir(r, "bench.yaml", config), "serve", NULL);
	_exit(127);
}

static bool is_ready(const struct relay *r)
{
	static const char ask[] = "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)r->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ready = false;
	char said[64];

	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0
	    && send(fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL) == sizeof(ask) - 1)
		ready = recv(fd, said, sizeof(said), 0) > 12 && memcmp(said + 9, "200", 3) == 0;
	close(fd);
	return ready;
}

void relay_start(struct relay *r, const struct relay_plan *p)
{
	int64_t begun;

	*r = (struct relay){ .port = free_port() };
	snprintf(r->dir, sizeof(r->dir), "%s", p->dir);
	mkdir(r->dir, 0700);
	if (!p->keep)
		remove_store(r);
	write_config(r, p->sink_port);
	if (p->is_counted || p->slower_msecs > 0)
		share_count(r);
	begun = now_us();
	r->pid = fork();
	if (r->pid == 0)
		become_relay(r, p);
	while (!is_ready(r)) {
		if (waitpid(r->pid, NULL, WNOHANG) == r->pid
		    || now_us() - begun > READY_SECS * 1000000)
			fatal("the relay did not start: see %s/bench.log", r->dir);
		usleep(200);
	}
	r->start_msecs = (double)(now_us() - begun) / 1000;
}

static void end(struct relay *r, int signal)
{
	kill(r->pid, signal);
	waitpid(r->pid, NULL, 0);
	if (r->syncs != NULL)
		munmap((void *)r->syncs, sizeof(*r->syncs));
	r->pid = 0;
}

void relay_stop(struct relay *r)
{
	end(r, SIGTERM);
}

void relay_kill(struct relay *r)
{
	end(r, SIGKILL);
}

/* ---- what it used ---- */

static bool read_text(const char *path, char *to, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, to, size - 1);

	if (fd >= 0)
		close(fd);
	to[len > 0 ? len : 0] = '\0';
	return len > 0;
}

static double number_behind(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at != NULL ? strtod(at + strlen(name), NULL) : 0;
}

static void read_threads(pid_t pid, struct usage *u)
{
	char path[512], text[256];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	d = opendir(path);
	while (d != NULL && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%.20s/schedstat", (int)pid, e->d_name);
		if (!read_text(path, text, sizeof(text)))
			continue;
		if (atoi(e->d_name) == pid)
			u->loop_secs += strtod(text, NULL) / 1e9;
		else
			u->store_secs += strtod(text, NULL) / 1e9;
	}
	if (d != NULL)
		closedir(d);
}

static uint64_t size_of(const struct relay *r, const char *name)
{
	char path[512];
	struct stat st;

	return stat(in_dir(r, name, path), &st) == 0 ? (uint64_t)st.st_size : 0;
}

void relay_usage(const struct relay *r, struct usage *u)
{
	char path[64], text[4096];

	*u = (struct usage){ 0 };
	read_threads(r->pid, u);
	snprintf(path, sizeof(path), "/proc/%d/io", (int)r->pid);
	if (read_text(path, text, sizeof(text))) {
		u->written = (uint64_t)number_behind(text, "\nwrite_bytes:");
		u->calls =
		    (uint64_t)(number_behind(text, "syscr:") + number_behind(text, "syscw:"));
	}
	snprintf(path, sizeof(path), "/proc/%d/status", (int)r->pid);
	if (read_text(path, text, sizeof(text))) {
		u->anon_mb = number_behind(text, "RssAnon:") / 1024;
		u->file_mb = number_behind(text, "RssFile:") / 1024;
	}
	u->file = size_of(r, "bench.db");
	u->syncs = r->syncs != NULL ? *r->syncs : 0;
}
