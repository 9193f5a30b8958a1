/* What the status page is made of: the files of src/admin/page, compiled in (cmake/embed.cmake). */
#ifndef ADMIN_WEB_PAGE_FILES_H
#define ADMIN_WEB_PAGE_FILES_H

#include <stddef.h>

struct page_file {
	const char *name, *type, *etag;
	const unsigned char *data;
	size_t len;
};

extern const struct page_file page_files[];
extern const size_t page_files_count;

#endif
