/* See vfs_faulty.h. Files of the shim hold the real file behind their own header. */
#include "vfs_faulty.h"

#include <sqlite3.h>
#include <string.h>

struct disk disk;

struct faulty_file {
	sqlite3_file base;
	sqlite3_file *real;
};

static sqlite3_vfs *real_vfs;
static sqlite3_vfs faulty_vfs;
static sqlite3_io_methods methods;

static sqlite3_file *real_of(sqlite3_file *file)
{
	return ((struct faulty_file *)file)->real;
}

#define REAL(file, call, ...) \
	real_of(file)->pMethods->call(real_of(file) __VA_OPT__(, ) __VA_ARGS__)

static int on_close(sqlite3_file *f)
{
	return REAL(f, xClose);
}

static int on_read(sqlite3_file *f, void *to, int len, sqlite3_int64 at)
{
	return disk.broken ? SQLITE_IOERR_READ : REAL(f, xRead, to, len, at);
}

static int on_write(sqlite3_file *f, const void *from, int len, sqlite3_int64 at)
{
	if (disk.full)
		return SQLITE_FULL;
	if (disk.read_only)
		return SQLITE_READONLY;
	if (disk.broken)
		return SQLITE_IOERR_WRITE;
	if (disk.damaged)
		return SQLITE_CORRUPT;
	disk.bytes += len;
	disk.writes++;
	return REAL(f, xWrite, from, len, at);
}

static int on_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	return REAL(f, xTruncate, size);
}

static int on_sync(sqlite3_file *f, int flags)
{
	if (disk.sync_fails)
		return SQLITE_IOERR_FSYNC;
	disk.syncs++;
	return disk.is_quick ? SQLITE_OK : REAL(f, xSync, flags);
}

static int on_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return REAL(f, xFileSize, size);
}

static int on_lock(sqlite3_file *f, int level)
{
	return REAL(f, xLock, level);
}

static int on_unlock(sqlite3_file *f, int level)
{
	return REAL(f, xUnlock, level);
}

static int on_check_lock(sqlite3_file *f, int *out)
{
	return REAL(f, xCheckReservedLock, out);
}

static int on_control(sqlite3_file *f, int op, void *arg)
{
	return REAL(f, xFileControl, op, arg);
}

static int on_sector(sqlite3_file *f)
{
	return REAL(f, xSectorSize);
}

static int on_device(sqlite3_file *f)
{
	return REAL(f, xDeviceCharacteristics);
}

static int on_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
	return REAL(f, xShmMap, page, size, extend, out);
}

static int on_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return REAL(f, xShmLock, offset, n, flags);
}

static void on_shm_barrier(sqlite3_file *f)
{
	REAL(f, xShmBarrier);
}

static int on_shm_unmap(sqlite3_file *f, int remove)
{
	return REAL(f, xShmUnmap, remove);
}

static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
	struct faulty_file *f = (struct faulty_file *)file;
	int rc;

	(void)vfs;
	f->real = (sqlite3_file *)(f + 1);
	rc = real_vfs->xOpen(real_vfs, name, f->real, flags, out);
	f->base.pMethods = f->real->pMethods != NULL ? &methods : NULL;
	return rc;
}

void vfs_faulty_install(void)
{
	if (real_vfs != NULL)
		return;
	real_vfs = sqlite3_vfs_find(NULL);
	faulty_vfs = *real_vfs;
	faulty_vfs.zName = "faulty";
	faulty_vfs.pNext = NULL;
	faulty_vfs.szOsFile = (int)sizeof(struct faulty_file) + real_vfs->szOsFile;
	faulty_vfs.xOpen = on_open;
	methods = (sqlite3_io_methods){
		.iVersion = 2,
		.xClose = on_close,
		.xRead = on_read,
		.xWrite = on_write,
		.xTruncate = on_truncate,
		.xSync = on_sync,
		.xFileSize = on_size,
		.xLock = on_lock,
		.xUnlock = on_unlock,
		.xCheckReservedLock = on_check_lock,
		.xFileControl = on_control,
		.xSectorSize = on_sector,
		.xDeviceCharacteristics = on_device,
		.xShmMap = on_shm_map,
		.xShmLock = on_shm_lock,
		.xShmBarrier = on_shm_barrier,
		.xShmUnmap = on_shm_unmap,
	};
	sqlite3_vfs_register(&faulty_vfs, 1);
}
