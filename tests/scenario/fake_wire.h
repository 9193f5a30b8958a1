/* Stands in for net/http_out.c: requests are written down and answered when the test says so. What was
 * sent stays sent: a request is remembered here also when the program has hung up or was killed. */
#ifndef TESTS_SCENARIO_FAKE_WIRE_H
#define TESTS_SCENARIO_FAKE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/http.h"

struct http_call;

struct sent {
	TAILQ_ENTRY(sent) list;
	struct http_call *call; /* NULL: nobody waits for an answer any more */
	char *method, *url, *body, *auth;
	int64_t at_ms;
	bool is_taken; /* the far side has carried it out; what it will answer: */
	int status;
	char *answer;
	bool is_over; /* it will not be carried out any more */
	bool is_seen; /* the script has expected it */
};
TAILQ_HEAD(sent_list, sent);

extern struct sent_list fake_sent; /* in the order they were sent */

/* The oldest that waits for an answer; NULL. */
struct sent *wire_waiting(void);
/* The program hears this, now. */
void wire_answer(struct sent *s, const struct http_resp *resp);
/* The program has died: nobody waits. */
void wire_kill(void);
/* Forgets one, or all. */
void wire_forget(struct sent *s);
void wire_clear(void);

#endif
