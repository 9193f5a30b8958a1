/* What is known of a person, for programs: GET /persons/{who}, and DELETE, which erases it. */
#ifndef ADMIN_WEB_PERSON_WEB_H
#define ADMIN_WEB_PERSON_WEB_H

struct api_call;

void person_web_export(struct api_call *c);
void person_web_erase(struct api_call *c);

#endif
