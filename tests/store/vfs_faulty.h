/* A disk that fails when told to: an SQLite VFS over the usual one. */
#ifndef TESTS_STORE_VFS_FAULTY_H
#define TESTS_STORE_VFS_FAULTY_H

#include <stdatomic.h>

struct disk {
	atomic_int full;                  /* writes: SQLITE_FULL */
	atomic_int sync_fails;            /* SQLITE_IOERR_FSYNC */
	atomic_int read_only;             /* writes: SQLITE_READONLY */
	atomic_int broken;                /* reads and writes: SQLITE_IOERR */
	atomic_int damaged;               /* writes: SQLITE_CORRUPT */
	atomic_int is_quick;              /* syncs are left out: no test of ours ends the machine */
	atomic_long bytes, syncs, writes; /* counted while all is well */
};

extern struct disk disk;

void vfs_faulty_install(void); /* as the default */

#endif
