/* Which conversations are tied to which, for people who look for one. */
#ifndef STORE_LINKS_H
#define STORE_LINKS_H

#include "store/store.h"

/* What tells a link: id alone, or either of the others; with none of them all are meant. */
struct links_asked {
	int64_t id;
	/* What a platform calls a conversation, or a customer: at one of these endpoints. */
	const char *remote;
	const int *endpoints;
	size_t nendpoints;
	const char *who; /* e-mail or phone of the customer: all persons are looked through */
};

/* The newest first. */
struct op_links {
	struct store_op op;
	struct arena *arena;
	struct links_asked asked;
	int64_t before; /* ids below; 0: all */
	int limit;
	/* out */
	struct row_link *rows;
	size_t nrows;
	bool is_more;
};

#endif
