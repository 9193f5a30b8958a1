/* What a database must be able to do to be a store. Store-wide matters (mailbox, thread, batches)
 * are store.c's; a driver knows operations, and runs them one after another. All calls but size come
 * from one thread at a time. */
#ifndef STORE_DRIVER_H
#define STORE_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "store/store.h"

struct store_db; /* a driver's own */

struct store_failure {
	enum store_fault fault;
	struct err err;
};

struct store_driver {
	const char *scheme; /* "sqlite": urls begin with it and a colon */
	/* path is what follows the colon. NULL with *why and err. */
	struct store_db *(*open)(const struct store_options *options, const char *path,
	    enum store_open *why, struct err *err);
	void (*close)(struct store_db *db);

	/* One transaction at a time. -1: failure filled; after it, rollback. is_write false: apply
	 * will only be given operations that read. */
	int (*begin)(struct store_db *db, bool is_write, struct store_failure *failure);
	/* Sets every out field of op but result, fault and err. */
	int (*apply)(struct store_db *db, struct store_op *op, struct store_failure *failure);
	int (*commit)(struct store_db *db, struct store_failure *failure);
	void (*rollback)(struct store_db *db);

	/* The functions of store.h that have the same name. */
	int (*endpoint_id)(struct store_db *db, const char *name, const char *platform,
	    const char *ident, int *id, struct err *err);
	int (*bridge_id)(struct store_db *db, const char *name, int64_t now_ms, int *id,
	    int64_t *since_ms, struct err *err);
	const char *(*endpoint_memo)(struct store_db *db, struct arena *a, int id);
	const char *(*keep)(struct store_db *db, struct arena *a, const char *key,
	    const char *made_up, struct err *err);

	/* Bytes on disk, and free there (-1: unknown); any thread. */
	void (*size)(struct store_db *db, int64_t *bytes, int64_t *disk_free);
	int (*schema)(struct store_db *db);
	int64_t (*put_back)(struct store_db *db);
};

extern const struct store_driver store_sqlite;

#endif
