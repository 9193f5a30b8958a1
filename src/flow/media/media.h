/* Files of messages: fetched as soon as their message has somewhere to go, kept beside the store until
 * every target has them, and served at an address of ours where a target takes nothing else.
 *
 * What is known of them is in the store (store/media.h); nothing here is the only copy. */
#ifndef FLOW_MEDIA_MEDIA_H
#define FLOW_MEDIA_MEDIA_H

#include <stdbool.h>
#include <stdint.h>

#include "core/file.h"
#include "flow/flow.h"
#include "store/media.h"

struct http_in_call;
struct media;
struct media_wait;

struct media *media_new(struct flow *f);
void media_free(struct media *m);                  /* takes NULL; who waits is not told */
int media_load(struct media *m, struct err *err);  /* before store_start */
void media_start(struct media *m);                 /* after it: what was not fetched yet is */
int64_t media_bytes(const struct media *m);        /* on disk */
uint64_t media_refused_24h(const struct media *m); /* for want of room */

/* The event goes somewhere: its files are fetched. */
void media_take(struct media *m, struct letter *letter);
/* Who waits for the files of an event. */
struct media_asker {
	/* Once, and not from within media_ask: where each lies, or why it is not to be had. */
	void (*done)(void *arg, const struct file *files, size_t count);
	bool (*hurries)(void *arg); /* rather none than late; asked after each failure */
	void *arg;
};
/* What is told lives in a. For an event of our store (its id is given, as a letter may be a copy). */
struct media_wait *media_ask(struct media *m, int64_t event, struct letter *letter, struct arena *a,
    const struct media_asker *asker);
void media_forget(struct media_wait *w); /* takes NULL; before done: it will not run */
/* They stand somewhere as an address of ours: they stay for as long as it is good. */
void media_serve_from_now(struct media *m, int64_t event);

bool event_has_files(const struct event *e);
/* Where the files of a store lie. */
const char *media_folder(struct arena *a, const char *store);
/* So many bytes of them are gone: somebody else has removed them. */
void media_less(struct media *m, int64_t bytes);

/* /media/<id>/<expiry>/<signature>/<name>; NULL without a public_url. expiry in seconds. */
const char *media_address(struct arena *a, const struct keys *keys, const char *public_url,
    int64_t id, int64_t expiry, const char *name);
struct flow *media_flow(const struct media *m);
const char *media_path(const struct media *m, struct arena *a, const char *sha);
/* Answers a request for such an address. */
void media_answer(struct media *m, struct http_in_call *call);

#define MEDIA_NOWHERE "its address leads nowhere"
#define MEDIA_NO_ROOM "the relay has no room for it"

/* media_judge.c: what the answer to a fetch means. */
enum media_next {
	MEDIA_TAKE,    /* the file is here */
	MEDIA_AGAIN,   /* the same address after a while, */
	MEDIA_REFRESH, /* the message is read again for its address of now, */
	MEDIA_GIVE_UP  /* or it is not to be had */
};
struct media_verdict {
	enum media_next next;
	int64_t wait_msecs;
	const char *why; /* for people; static, or in a */
	bool may_pass;   /* later it may be to be had all the same */
};
/* Each kind of failure has a patience of its own, and takes nothing of that of the others. */
enum media_fault { MEDIA_FAULT_MISSING, MEDIA_FAULT_SILENT, MEDIA_FAULT_BROKEN, MEDIA_FAULT_COUNT };
struct media_tries {
	int of[MEDIA_FAULT_COUNT];
};
/* tries: of this address so far; this answer is counted. */
struct media_verdict media_judge(struct arena *a, const struct http_resp *resp,
    struct media_tries *tries, int64_t max_size);
const char *media_size_words(struct arena *a, int64_t bytes);

#endif
