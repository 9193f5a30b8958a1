/* Copies of the store, asked for over the socket: POST /backup. */
#ifndef ADMIN_WEB_BACKUP_WEB_H
#define ADMIN_WEB_BACKUP_WEB_H

struct api_call;

void backup_web_start(struct api_call *c);

#endif
