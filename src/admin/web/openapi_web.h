/* What there is below /api/v1, for programs: OpenAPI 3.1, written from the list of routes and what openapi_web.c says of
 * each. tests/admin/test_openapi.c sees that nothing is missing and nothing too much. */
#ifndef ADMIN_WEB_OPENAPI_WEB_H
#define ADMIN_WEB_OPENAPI_WEB_H

#include <stddef.h>

struct api_call;
struct arena;

void openapi_web_show(struct api_call *c); /* GET /api/v1/openapi.json */
const char *openapi_document(struct arena *a, size_t *len);

#endif
