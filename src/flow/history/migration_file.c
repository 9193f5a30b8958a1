/* See migration_inside.h: a run whose source is a file. */
#include <string.h>

#include "base/arena.h"
#include "flow/history/history_file.h"
#include "flow/history/migration_inside.h"

void migration_file_check(struct migration_run *r, void (*done)(void *arg, const char *why))
{
	migration_file_close(r);
	r->file = history_file_new(r->source, r->wish.file);
	r->is_asking = true;
	history_file_check(r->file, done, r);
}

void migration_file_close(struct migration_run *r)
{
	history_file_free(r->file);
	r->file = NULL;
}

bool migration_file_lacks(const struct migration_run *r, const char *conversation)
{
	return r->wish.file != NULL
	    && (r->file == NULL || !history_file_has(r->file, conversation));
}

bool migration_file_is_unread(const struct migration_run *r)
{
	return r->wish.file != NULL && (r->file == NULL || !history_file_is_checked(r->file));
}

void migration_ask(struct migration_run *r, struct page *p)
{
	if (r->file != NULL)
		history_file_ask(r->file, p);
	else {
		p->is_history = true;
		page_ask(r->source, p);
	}
}

void migration_cancel(struct migration_run *r, struct page *p)
{
	if (r->file != NULL)
		history_file_cancel(r->file, p);
	page_cancel(p);
}

const char *migration_file_changed(const struct migration_run *r)
{
	return arena_printf(r->arena, "%s: it has changed since it was checked", r->wish.file);
}
