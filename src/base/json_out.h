/* JSON written over yajl into an arena. Compact, members in the order of the calls, text as raw
 * UTF-8 (only what JSON demands is escaped; platforms count the bytes on the wire). Invalid UTF-8
 * is written as U+FFFD. Calls out of order abort: they are mistakes of the program. */
#ifndef BASE_JSON_OUT_H
#define BASE_JSON_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct json;
struct json_out;

struct json_out *json_out_new(struct arena *a);
/* In objects every value follows its key; the x_member forms write both, and nothing where a text is
 * NULL. */
void json_begin_object(struct json_out *o);
void json_end_object(struct json_out *o);
void json_begin_array(struct json_out *o);
void json_end_array(struct json_out *o);
void json_key(struct json_out *o, const char *key);
void json_put_text(struct json_out *o, const char *text); /* NULL: null */
void json_put_text_len(struct json_out *o, const char *text, size_t len);
void json_put_int(struct json_out *o, int64_t n);
void json_put_bool(struct json_out *o, bool b);
void json_put_null(struct json_out *o);
/* As written; must be a JSON number. */
void json_put_number(struct json_out *o, const char *digits);
void json_put(struct json_out *o, const struct json *j); /* a tree that was read */
/* One whole value that is JSON already; trusted. */
void json_put_raw(struct json_out *o, const char *json, size_t len);

void json_member_text(struct json_out *o, const char *key, const char *text);
void json_member_text_or_null(struct json_out *o, const char *key, const char *text);
void json_member_int(struct json_out *o, const char *key, int64_t n);
void json_member_bool(struct json_out *o, const char *key, bool b);
/* An id: a number where it is all decimal digits, at most 18, no needless zero in front; else a text.
 * Nothing where NULL. */
void json_member_id(struct json_out *o, const char *key, const char *id);

/* Ends the writing. NUL-terminated, in the arena; *len may be NULL. */
const char *json_done(struct json_out *o, size_t *len);

#endif
