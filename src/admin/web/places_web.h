/* Endpoints, bridges and lanes, each as a resource of its own: of the first two what `status` says of them. */
#ifndef ADMIN_WEB_PLACES_WEB_H
#define ADMIN_WEB_PLACES_WEB_H

struct api_call;

void places_web_endpoints(struct api_call *c); /* GET /api/v1/endpoints */
void places_web_endpoint(struct api_call *c);  /* GET /api/v1/endpoints/{name} */
void places_web_bridges(struct api_call *c);   /* GET /api/v1/bridges */
void places_web_bridge(struct api_call *c);    /* GET /api/v1/bridges/{name} */
/* GET /api/v1/lanes?endpoint&state: those with anything to do, the newest first. A lane is a person, of whom
 * nothing is told but the number that the log has. */
void places_web_lanes(struct api_call *c);

#endif
