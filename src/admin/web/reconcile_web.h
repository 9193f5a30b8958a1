/* The resource `reconciliations` of /api/v1. */
#ifndef ADMIN_WEB_RECONCILE_WEB_H
#define ADMIN_WEB_RECONCILE_WEB_H

struct api_call;

/* GET /reconciliations: the last sweep of each endpoint: endpoint running dry_run since begun ended
 * conversations messages repaired (dry_run: missing) error. */
void reconcile_web_list(struct api_call *c);
/* POST /reconciliations {"bridges":[…],"since":T,"dry_run":bool} → 202, the same list. */
void reconcile_web_start(struct api_call *c);

#endif
