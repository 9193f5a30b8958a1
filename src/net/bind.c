/* See bind.h. */
#include "net/bind.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Splits "host:port" or "[v6]:port"; an empty host is any address. */
static int split_address(const char *address, char *host, size_t host_size, const char **port)
{
	const char *end = address, *start = address;

	if (*address == '[') {
		start = address + 1;
		end = strchr(start, ']');
		if (end == NULL || end[1] != ':')
			return -1;
		*port = end + 2;
	} else {
		end = strrchr(address, ':');
		if (end == NULL || memchr(address, ':', (size_t)(end - address)) != NULL)
			return -1;
		*port = end + 1;
	}
	if ((size_t)(end - start) >= host_size || **port == '\0'
	    || (*port)[strspn(*port, "0123456789")] != '\0')
		return -1;
	memcpy(host, start, (size_t)(end - start));
	host[end - start] = '\0';
	return 0;
}

static int bound_socket(const struct addrinfo *at, struct err *err)
{
	int on = 1, fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_set(err, "%s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* inherited by what is accepted */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (bind(fd, at->ai_addr, at->ai_addrlen) != 0) {
		err_set(err, "%s", strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

unsigned bound_port(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} at = { .v6 = { 0 } };
	socklen_t len = sizeof(at);

	if (getsockname(fd, &at.any, &len) != 0)
		return 0;
	return ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port : at.v4.sin_port);
}

int bind_tcp(const char *address, struct err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *at, *list;
	const char *port;
	char host[256];
	int rc, fd = -1;

	if (split_address(address, host, sizeof(host), &port) != 0)
		return err_set(err, "not host:port or [v6]:port");
	rc = getaddrinfo(*host == '\0' ? NULL : host, port, &hints, &list);
	if (rc != 0)
		return err_set(err, "%s", gai_strerror(rc));
	for (at = list; at != NULL && fd < 0; at = at->ai_next)
		fd = bound_socket(at, err);
	freeaddrinfo(list);
	return fd;
}

/* Removes a socket that nobody answers on any more. */
static int make_way(const struct sockaddr_un *at, struct err *err)
{
	struct stat st;
	int fd, rc;

	if (lstat(at->sun_path, &st) != 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, "there is a file of that name, and it is not a socket");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, "%s", strerror(errno));
	rc = connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0 ? 0 : errno;
	close(fd);
	if (rc != ECONNREFUSED) /* EAGAIN, too: its queue is full */
		return err_set(err, "%s",
		    rc == 0 || rc == EAGAIN ? "another process answers there" : strerror(rc));
	if (unlink(at->sun_path) != 0)
		return err_set(err, "%s", strerror(errno));
	return 0;
}

int bind_unix(const char *path, unsigned mode, struct err *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(at.sun_path))
		return err_set(err, "longer than %zu bytes", sizeof(at.sun_path) - 1);
	memcpy(at.sun_path, path, strlen(path));
	if (make_way(&at, err) != 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, "%s", strerror(errno));
	/* Nobody can connect before it listens, so the mode is never too wide. */
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || chmod(path, mode) != 0) {
		err_set(err, "%s", strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}
