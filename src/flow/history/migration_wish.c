/* See migration.h. A wish as JSON, which is how it stands on disk. */
#include "flow/history/migration.h"

#include <string.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "base/json_out.h"

static const char *const state_words[] = { "all", "open", "closed" };

const char *migration_wish_text(struct arena *a, const struct migration_wish *w)
{
	struct json_out *o = json_out_new(a);

	json_begin_object(o);
	json_member_text(o, "bridge", w->bridge);
	json_member_text(o, "file", w->file);
	if (w->since_ms != 0)
		json_member_int(o, "since", w->since_ms);
	if (w->until_ms != 0)
		json_member_int(o, "until", w->until_ms);
	if (w->state != WANTED_ALL)
		json_member_text(o, "state", state_words[w->state]);
	json_member_text(o, "only", w->only);
	if (w->limit != 0)
		json_member_int(o, "limit", w->limit);
	if (w->no_media)
		json_member_bool(o, "no_media", true);
	json_end_object(o);
	return json_done(o, NULL);
}

int migration_wish_read(struct arena *a, const char *text, struct migration_wish *out)
{
	struct json_error error;
	const struct json *j = text != NULL ? json_read(a, text, strlen(text), &error) : NULL;
	const char *state = json_text(j, "state");
	size_t i;

	*out = (struct migration_wish){
		.bridge = json_text(j, "bridge"),
		.file = json_text(j, "file"),
		.since_ms = json_int(j, "since", 0),
		.until_ms = json_int(j, "until", 0),
		.only = json_text(j, "only"),
		.limit = json_int(j, "limit", 0),
		.no_media = json_true(j, "no_media"),
	};
	for (i = 0; state != NULL && i < sizeof(state_words) / sizeof(state_words[0]); i++)
		if (strcmp(state_words[i], state) == 0)
			out->state = (enum wanted_state)i;
	return out->bridge != NULL ? 0 : -1;
}
