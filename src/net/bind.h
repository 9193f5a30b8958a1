/* Sockets that have an address and do not listen yet; not blocking. All: -1 with err. */
#ifndef NET_BIND_H
#define NET_BIND_H

#include "base/err.h"

/* "host:port" or "[v6]:port"; an empty host is any address, port 0 a free one. */
int bind_tcp(const char *address, struct err *err);
/* Takes the place of a socket that nobody answers on any more, and of nothing else. */
int bind_unix(const char *path, unsigned mode, struct err *err);
unsigned bound_port(int fd); /* 0: it has none */

#endif
