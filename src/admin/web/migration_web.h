/* The resource `migrations` of /api/v1. */
#ifndef ADMIN_WEB_MIGRATION_WEB_H
#define ADMIN_WEB_MIGRATION_WEB_H

struct api_call;

/* GET /migrations, the newest first; GET /migrations/m3 (a plan: p1). */
void migration_web_list(struct api_call *c);
void migration_web_show(struct api_call *c);
/* POST /migrations {"from","to","since","until","state","only","limit","dry_run"}, or {"resume":"m3"} → 202
 * the run. */
void migration_web_start(struct api_call *c);
/* POST /migrations/m3/stop → 202 the run. */
void migration_web_stop(struct api_call *c);
/* GET /migrations/m3/made?after=ID: what it has made at the other side: [{"conversation","message"}…], next. */
void migration_web_made(struct api_call *c);

#endif
