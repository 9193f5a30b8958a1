/* The first message of a person, an answer and another message, in all orders of hand-overs that depart
 * from the ordinary one in a few places. */
#ifndef TESTS_SCENARIO_ORDERS_H
#define TESTS_SCENARIO_ORDERS_H

/* At most so many departures; with stride n only each nth of the orders that have that many. $ORDER names
 * one ("12:3,17:5": at the 12th hand-over the third option …), which is told as it is played. */
void orders_run(const char *config, int departures, int stride);

#endif
