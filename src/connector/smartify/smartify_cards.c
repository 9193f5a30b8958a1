/* Buttons and galleries: attributes.attachment, read and written.
 *
 *   {type: "template", buttons: [{type: "text" | "url" | "action", value, link}]}
 *   {type: "gallery", gallery: [{preview: {src}, title, description, buttons}]}
 *
 * Pressing a text button sends its label as an ordinary message. An action button's label is all that
 * can be said of it elsewhere. */
#include "connector/smartify/smartify.h"

#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "core/rich.h"
#include "core/text.h"

/* --- read -------------------------------------------------------------------------------------- */

static void read_buttons(struct arena *a, const struct json *holder, struct widget_list *out)
{
	const struct json *list = json_array(holder, "buttons"), *j;
	const char *type;

	for (j = list != NULL ? list->child : NULL; j != NULL; j = j->next) {
		type = json_text(j, "type");
		widget_list_add(out, a,
		    &(struct widget){
			.kind = type != NULL && strcasecmp(type, "url") == 0 ? WIDGET_ADDRESS
									     : WIDGET_ANSWER,
			.label = json_text(j, "value"),
			.url = json_text(j, "link"),
		    });
	}
}

void smartify_read_widgets(struct arena *a, const struct json *message, struct widget_list *out)
{
	const struct json *attachment = json_object(message, "attributes.attachment");
	const struct json *list = json_array(attachment, "gallery"), *j;

	read_buttons(a, attachment, out);
	for (j = list != NULL ? list->child : NULL; j != NULL; j = j->next) {
		widget_list_add(out, a,
		    &(struct widget){
			.kind = WIDGET_CARD,
			.label = json_text(j, "title"),
			.text = json_text(j, "description"),
			.image = json_text(j, "preview.src"),
		    });
		read_buttons(a, j, out);
	}
}

/* --- write ------------------------------------------------------------------------------------- */

static const char *inert(struct arena *a, const char *text)
{
	return text != NULL ? text_neutralise(a, text, SMARTIFY_TEXT_RULES) : NULL;
}

static void put_button(struct arena *a, struct json_out *o, const struct widget *w)
{
	const char *label = inert(a, widget_label(a, w)), *url = inert(a, widget_url(a, w));
	bool leads = w->kind == WIDGET_ADDRESS && url != NULL;

	if (label == NULL && !leads)
		return;
	json_begin_object(o);
	json_member_text(o, "type", leads ? "url" : "text");
	json_member_text(o, "value", label != NULL ? label : url);
	if (leads) {
		json_member_text(o, "link", url);
		json_member_text(o, "target", "blank");
	}
	json_end_object(o);
}

/* Those up to the next card, behind one that leads where the card leads. Returns how many. */
static size_t put_buttons(struct arena *a, struct json_out *o, const char *url,
    const struct widget *list, size_t n)
{
	size_t i;

	json_key(o, "buttons");
	json_begin_array(o);
	put_button(a, o, &(struct widget){ .kind = WIDGET_ADDRESS, .url = url });
	for (i = 0; i < n && list[i].kind != WIDGET_CARD; i++)
		put_button(a, o, &list[i]);
	json_end_array(o);
	return i;
}

static size_t put_card(struct arena *a, struct json_out *o, const struct widget *list, size_t n)
{
	const char *image = inert(a, rich_address(a, list->image));
	size_t used;

	json_begin_object(o);
	json_key(o, "preview");
	json_begin_object(o);
	json_member_text(o, "src", image != NULL ? image : "");
	json_end_object(o);
	json_member_text(o, "title", inert(a, widget_label(a, list)));
	json_member_text(o, "description", inert(a, list->text));
	used = put_buttons(a, o, list->url, list + 1, n - 1);
	json_end_object(o);
	return 1 + used;
}

static bool has_card(const struct widget *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (list[i].kind == WIDGET_CARD)
			return true;
	return false;
}

const char *smartify_widgets(struct arena *a, const struct widget *list, size_t n, size_t *len)
{
	struct json_out *o = json_out_new(a);
	bool gallery = has_card(list, n);
	size_t i = 0;

	json_begin_object(o);
	json_member_text(o, "type", gallery ? "gallery" : "template");
	if (!gallery || list[0].kind != WIDGET_CARD)
		i = put_buttons(a, o, NULL, list, n);
	if (gallery) {
		json_key(o, "gallery");
		json_begin_array(o);
		while (i < n)
			i += put_card(a, o, list + i, n - i);
		json_end_array(o);
	}
	json_end_object(o);
	return json_done(o, len);
}
