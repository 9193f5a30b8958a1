/* See json_time.h. */
#include "admin/json_time.h"

#include "base/clock.h"
#include "base/json_out.h"

void json_member_time(struct json_out *o, const char *key, int64_t ms)
{
	char text[TIME_TEXT_SIZE];

	if (ms > 0)
		json_member_text(o, key, time_format(ms, text));
}

void json_member_time_or_null(struct json_out *o, const char *key, int64_t ms)
{
	char text[TIME_TEXT_SIZE];

	json_member_text_or_null(o, key, ms > 0 ? time_format(ms, text) : NULL);
}
