/* Whom TLS trusts: the system's roots, and those of one more file. */
#ifndef NET_ROOTS_H
#define NET_ROOTS_H

#include "base/err.h"

struct roots {
	int fd;        /* of a file without a name that holds both; -1: the system's alone */
	char path[40]; /* by which it is opened; "" */
};

void roots_init(struct roots *r);
void roots_fini(struct roots *r);
/* -1 with err: the file cannot be read, or has no certificate. */
int roots_add(struct roots *r, const char *ca_file, struct err *err);

#endif
