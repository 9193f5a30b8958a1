/* A file of what `tieline export` has written, or what a platform itself has answered (history_pages.h), in the
 * place of a customers' side that could be read: it answers the same questions as a pager. Lines are read one by
 * one; of all of it only where conversations begin is kept. */
#ifndef FLOW_HISTORY_HISTORY_FILE_H
#define FLOW_HISTORY_HISTORY_FILE_H

#include "flow/pager.h"

struct endpoint;
struct history_file;

/* source: the only endpoint that its conversations may be of. */
struct history_file *history_file_new(const struct endpoint *source, const char *path);
void history_file_free(struct history_file *f); /* takes NULL; nothing is answered any more */
/* Reads all of it once, bit by bit, before anything is asked. why: where it is not understood, until it is
 * asked again; NULL: all of it is. */
void history_file_check(struct history_file *f, void (*done)(void *arg, const char *why),
    void *arg);
/* STEP_LIST_CONVERSATIONS (of p->known.conversation, if that is named) or STEP_LIST_MESSAGES (of that one).
 * REJECTED: the file is not any more what was checked. */
void history_file_ask(struct history_file *f, struct page *p);
void history_file_cancel(struct history_file *f, struct page *p);
/* What is in it is known. */
bool history_file_is_checked(const struct history_file *f);
/* False also before it is checked. */
bool history_file_has(const struct history_file *f, const char *conversation);

#endif
