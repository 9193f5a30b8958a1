/* The interface for programs: pause, resume, drain, reload. */
#ifndef ADMIN_WEB_CONTROL_WEB_H
#define ADMIN_WEB_CONTROL_WEB_H

struct api_call;

void control_web_reload(struct api_call *c);
void control_web_pause_endpoint(struct api_call *c);
void control_web_resume_endpoint(struct api_call *c);
void control_web_drain_endpoint(struct api_call *c);
void control_web_pause_bridge(struct api_call *c);
void control_web_resume_bridge(struct api_call *c);
void control_web_drain_bridge(struct api_call *c);

#endif
