/* content_attributes.items: what a bot lets people choose from, fill in or read. The server shows it in
 * its own widget only; an inbox of the kind API shows none of it to anybody.
 *
 *   input_select  title                                  a choice
 *   cards         title description media_url actions    actions: text, type (link, postback), uri
 *   article       title description link
 *   form          label, options of it: label            a question, and what to choose from */
#include "connector/chatwoot/chatwoot.h"

#include <string.h>

#include "base/arena.h"
#include "base/json_in.h"

static void read_actions(struct arena *a, const struct json *card, struct widget_list *out)
{
	const struct json *list = json_array(card, "actions"), *j;
	const char *type;

	for (j = list != NULL ? list->child : NULL; j != NULL; j = j->next) {
		type = json_text(j, "type");
		widget_list_add(out, a,
		    &(struct widget){
			.kind = type != NULL && strcmp(type, "link") == 0 ? WIDGET_ADDRESS
									  : WIDGET_ANSWER,
			.label = json_text(j, "text"),
			.url = json_text(j, "uri"),
		    });
	}
}

static void read_question(struct arena *a, const struct json *item, struct widget_list *out)
{
	const struct json *list = json_array(item, "options"), *j;

	widget_list_add(out, a,
	    &(struct widget){ .kind = WIDGET_CARD, .label = json_text(item, "label") });
	for (j = list != NULL ? list->child : NULL; j != NULL; j = j->next)
		widget_list_add(out, a,
		    &(struct widget){ .kind = WIDGET_ANSWER, .label = json_text(j, "label") });
}

static void read_card(struct arena *a, const struct json *item, struct widget_list *out)
{
	widget_list_add(out, a,
	    &(struct widget){
		.kind = WIDGET_CARD,
		.label = json_text(item, "title"),
		.text = json_text(item, "description"),
		.url = json_text(item, "link"),
		.image = json_text(item, "media_url"),
	    });
	read_actions(a, item, out);
}

void chatwoot_read_widgets(struct arena *a, const struct json *message, struct widget_list *out)
{
	const struct json *list = json_array(message, "content_attributes.items"), *j;
	const char *type = json_text(message, "content_type");
	bool form = type != NULL && strcmp(type, "form") == 0;
	bool choice = type != NULL && strcmp(type, "input_select") == 0;

	for (j = list != NULL ? list->child : NULL; j != NULL; j = j->next) {
		if (choice)
			widget_list_add(out, a,
			    &(struct widget){ .kind = WIDGET_ANSWER,
				.label = json_text(j, "title") });
		else if (form)
			read_question(a, j, out);
		else
			read_card(a, j, out);
	}
}
