/* One table parses, checks, documents and hides an option.
 *
 * A table describes the keys of one section of the configuration and where in a struct each of them
 * stands. options_read fills the struct from what the file says, tells every mistake, and puts the
 * fallback where nothing was said; options_text and its sisters print the same table as a manual. */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct buf;
struct err;
struct json_out;
struct mistakes;
struct yaml_node;

#define SECRETS_MAX 4
#define OPTION_CUSTOM_MAX 1024
#define MSECS_NEVER INT64_MAX

/* The first is used for sending, all are accepted. */
struct secrets {
	const char *v[SECRETS_MAX];
	size_t n;
};

/* events per period; count 0 = no limit. */
struct rate {
	int64_t count, period_msecs;
};

struct option_list {
	const char *const *items;
	size_t count;
};

/* Keys with a text each; same: the word `same` stood in place of a map. */
struct option_map {
	bool same;
	const char *const *keys, *const *values;
	size_t count;
};

/* What stands at offset: */
enum option_type {
	OPT_TEXT,      /* const char * */
	OPT_SECRET,    /* const char *; never printed */
	OPT_SECRETS,   /* struct secrets; one, or a list of two */
	OPT_URL,       /* const char *, http or https, no trailing slash kept */
	OPT_BOOL,      /* bool */
	OPT_FLAG,      /* bool: words has two, the first is false */
	OPT_INT,       /* int64_t between min and max */
	OPT_SIZE,      /* int64_t bytes */
	OPT_MSECS,     /* int64_t; a word (where words has it) is MSECS_NEVER */
	OPT_RATE,      /* struct rate */
	OPT_WORD,      /* int or enum: index into words */
	OPT_DIRECTION, /* bool[2]: to_agents, and right behind it to_customers */
	OPT_LIST,      /* struct option_list of texts, one or many */
	OPT_MAP,       /* struct option_map; words: the only keys there are */
	OPT_CUSTOM,    /* read() does it, into at most OPTION_CUSTOM_MAX bytes */
};

struct option {
	const char *name; /* NULL ends a table; "limits.body" in a group */
	enum option_type type;
	size_t offset;
	bool required, restart, hidden;
	bool later;           /* read and checked, but this version does not act on it yet */
	bool word_is_zero;    /* OPT_MSECS: the word stands for 0, not for MSECS_NEVER */
	const char *fallback; /* read like a given value; NULL: the field stays as it is; of a list,
				 * items with ", " between */
	const char *fallback_words; /* where it needs saying in words, for the manual */
	int64_t min, max;           /* max 0: no upper bound */
	const char *const *words; /* allowed words, NULL-terminated; of OPT_CUSTOM only for hints */
	bool or_same;             /* OPT_MAP: the word `same` will do */
	bool
	    of_lists; /* OPT_MAP: a value may be a list, which becomes its items with ", " between */
	const char *allowed; /* what is allowed, in words, where the type does not say enough */
	bool (*valid)(const char *text); /* of a text, of each item of a list */
	int (*read)(struct arena *a, const char *text, void *field, struct err *err);
	const char *help;
};

/* A table and the struct that it fills. Several tables may share one section of the file. */
struct option_part {
	const struct option *table;
	void *conf;
};

/* Reads the section `map` (NULL: nothing was said, and nothing is required). What is kept lives in a.
 * Keys that stand in `others` (NULL-terminated, or NULL) are somebody else's. */
void options_read(struct arena *a, const struct option_part *parts, size_t nparts,
    const struct yaml_node *map, const char *const *others, struct mistakes *m);

/* Reads one text as the option's value, into field. -1: it is not one; err->text, where it is not
 * empty, says more than "found …" would, and never the text itself. */
int option_read_text(struct arena *a, const struct option *o, const char *text, void *field,
    struct err *err);
bool option_is_secret(const struct option *o);
/* What is allowed, in words: "true, false", "a size from 64KiB to 64MiB". */
const char *option_allowed(struct arena *a, const struct option *o);
const struct option *option_find(const struct option *table, const char *name);

/* The values themselves, for whoever reads or prints one. -1: it is not one. */
int size_parse(const char *text, int64_t *bytes);
int msecs_parse(const char *text, int64_t *msecs);
int rate_parse(const char *text, struct rate *rate);
const char *size_text(struct arena *a, int64_t bytes);
const char *msecs_text(struct arena *a, int64_t msecs);
const char *rate_text(struct arena *a, struct rate rate);

/* The manual. A default that depends on the platform is asked of default_of, which may be NULL: its
 * words, OPTION_REQUIRED, or NULL for what the table says. */
#define OPTION_REQUIRED "required"
typedef const char *option_default(void *arg, const char *name);

void options_text(struct buf *out, const struct option *table, option_default *default_of,
    void *arg);
void options_markdown(struct buf *out, const struct option *table, option_default *default_of,
    void *arg);
/* One object per option, in the array that is open. */
void options_json(struct json_out *out, const char *section, const struct option *table,
    option_default *default_of, void *arg);

#endif
