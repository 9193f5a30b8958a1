/* A folder of what a platform has answered to somebody who saved it, a page in a file, in the place of a platform
 * that could be read. In memory is which file tells which conversation; a file is read when its turn comes. */
#ifndef FLOW_HISTORY_HISTORY_PAGES_H
#define FLOW_HISTORY_HISTORY_PAGES_H

#include "flow/pager.h"

struct history_pages;

/* That name is one of a page. */
bool history_pages_is_name(const char *path);
/* path: of the folder, or of a single page. */
struct history_pages *history_pages_new(const struct endpoint *e, const char *path, bool is_folder);
void history_pages_free(struct history_pages *h); /* takes NULL */
/* Reads the next file. 1: there are more; 0: all of it is understood; -1: err says what is not. */
int history_pages_check(struct history_pages *h, struct err *err);
bool history_pages_has(const struct history_pages *h, const char *conversation);
/* As history_file_ask. -1: the files are not any more what was checked. */
int history_pages_answer(struct history_pages *h, const struct page *p, struct arena *a,
    struct outcome *o);

#endif
