/* curl's multi interface, driven by our loop. */
#ifndef NET_CURL_DRIVE_H
#define NET_CURL_DRIVE_H

#include <curl/curl.h>

#include "base/loop.h"

struct curl_drive;

/* reap runs outside of curl whenever something may have come to its end. Never NULL. */
struct curl_drive *curl_drive_new(struct loop *l, void (*reap)(void *arg), void *arg);
void curl_drive_free(struct curl_drive *d); /* no easy handle is in it any more */
CURLM *curl_drive_multi(struct curl_drive *d);
/* For CURLOPT_OPENSOCKETFUNCTION: a socket that curl_drive_closes sees the end of; CURL_SOCKET_BAD. */
curl_socket_t curl_drive_open(struct curl_drive *d, const struct curl_sockaddr *at);
/* Sets CURLOPT_CLOSESOCKETFUNCTION and its data. */
void curl_drive_closes(struct curl_drive *d, CURL *easy);

#endif
