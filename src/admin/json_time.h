/* Instants in the documents that the relay's own interface answers with. */
#ifndef ADMIN_JSON_TIME_H
#define ADMIN_JSON_TIME_H

#include <stdint.h>

struct json_out;

/* As time_format writes it. What is not known (0) is nothing, … */
void json_member_time(struct json_out *o, const char *key, int64_t ms);
/* … or null. */
void json_member_time_or_null(struct json_out *o, const char *key, int64_t ms);

#endif
