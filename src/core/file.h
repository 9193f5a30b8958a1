/* Files that people send: what they are called and what they are, whatever is claimed about them. Pure;
 * results lie in the arena or are static. */
#ifndef CORE_FILE_H
#define CORE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/model.h"

struct arena;
struct option_list;

#define FILE_NAME_POINTS 100
#define FILE_NAME_BYTES \
	200 /* a far side may make a file of that name: 255 is what most disks take */
#define FILE_HEAD_SIZE 512 /* bytes that tell what a file is */
/* Carried of one message; of what is more only the number is told. */
#define FILES_PER_MESSAGE 20
#define FILES_PER_MESSAGE_TEXT "20"

/* One file of a message, as it is to be carried. */
struct file {
	enum attachment_kind kind; /* IMAGE, AUDIO, VIDEO or FILE */
	const char *name;          /* to be shown: file_name */
	const char *type;
	int64_t size;
	const char *path;    /* where it lies; NULL: it is not to be had, */
	const char *why;     /* for this reason, in words for people */
	const char *address; /* where anybody may read it for a while; NULL: nowhere */
};

/* Of an attachment that has bytes: no location, no card. */
bool attachment_is_file(const struct attachment *f);

/* One line without control characters, those for the direction of writing, or anything that a path, a
 * header or a page could take for its own; its extension stays when it is cut. Where nothing is given, or
 * nothing is left, the last part of the url; else "image.png" and the like. Never NULL. */
const char *file_name(struct arena *a, const char *given, const char *url, const char *type,
    enum attachment_kind kind);
/* Behind the last dot of a name, lower case, at most 10 letters or digits; "" where there is none. */
const char *file_extension(struct arena *a, const char *name);

/* What the first bytes say; NULL: nothing that we know. */
const char *file_type_of(const void *head, size_t len);
/* The media type to go by: what the bytes say; else what was said with the file, then what was claimed
 * about it before, unless the bytes would show if that were so. NULL: it is a web page in the place of
 * something else, as one gets it from a server that wants a sign-in. */
const char *file_type(struct arena *a, const void *head, size_t len, const char *said,
    const char *claimed, const char *name);
/* By the extension; NULL: not known. */
const char *file_type_by_name(struct arena *a, const char *name);
enum attachment_kind file_kind(const char *type);
/* A pattern is a type, or all of a kind: "video" or "video/" and a star. */
bool file_type_is(const char *type, const struct option_list *patterns);

/* The line that stands for a file which is not carried. */
const char *file_not_available(struct arena *a, const char *name, const char *why);

#endif
