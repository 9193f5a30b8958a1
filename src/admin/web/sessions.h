/* Who is signed in at the status page, and who has tried in vain too often. In memory only: a restart ends
 * every session, and so does another password. The clock is an argument, one that is never set. */
#ifndef ADMIN_WEB_SESSIONS_H
#define ADMIN_WEB_SESSIONS_H

#include <stdbool.h>
#include <stdint.h>

#define SESSION_MSECS (12 * 60 * 60 * INT64_C(1000))
#define SESSION_TOKEN_LEN 43 /* of 6 bits each */

struct session {
	char token[SESSION_TOKEN_LEN + 1]; /* what the cookie holds; "": the place is free */
	char csrf[SESSION_TOKEN_LEN + 1];  /* what each change has to bring besides */
	int64_t ends_ms;
};

struct sessions;

struct sessions *sessions_new(void);
void sessions_free(struct sessions *s); /* takes NULL */

enum sign_in { SIGN_IN_DONE, SIGN_IN_WRONG, SIGN_IN_TOO_OFTEN };
/* from: the address of whoever tries. DONE: *out is valid until the next call. TOO_OFTEN: the password was not
 * even looked at, and will not be for *wait_msecs. */
enum sign_in sessions_sign_in(struct sessions *s, const char *password, const char *given,
    const char *from, int64_t now_ms, const struct session **out, int64_t *wait_msecs);
/* NULL: nobody with that token is signed in, or not any more. token may be NULL. */
const struct session *sessions_find(struct sessions *s, const char *password, const char *token,
    int64_t now_ms);
void sessions_sign_out(struct sessions *s, const char *token);

#endif
