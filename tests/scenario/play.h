/* People write, callbacks come, requests fare well or ill, the program dies: whatever may happen next is
 * an option, and somebody chooses. At the end all goes well, and then each message must have crossed
 * exactly once, and in order. */
#ifndef TESTS_SCENARIO_PLAY_H
#define TESTS_SCENARIO_PLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "stage.h"

#define SAID_MAX 64
#define OPTIONS_MAX 256

enum act {
	ACT_TELL,   /* the loop hears what was written */
	ACT_COMMIT, /* the oldest operation is written */
	ACT_POST,   /* a callback, for the first time or because it was refused */
	ACT_MEET,   /* a request fares */
	ACT_SAY,    /* the next of what is to be said, by a customer or an agent */
	ACT_ECHO,   /* the callback of what we wrote */
	ACT_TIME,   /* the next timer, or a little time */
	ACT_CARRY,  /* a request is carried out; its answer is on its way */
	ACT_LATE,   /* so is one that nobody waits for any more */
	ACT_AGAIN,  /* a callback that was taken */
	ACT_FAIL,   /* the next operation of the store */
	ACT_STATE,  /* somebody closes a conversation, or opens it again */
	ACT_FORGET, /* what memory knows of a link */
	ACT_RESTART,
	ACT_KILL,
	ACT_COUNT
};

struct option_now {
	enum act act;
	struct sent *sent;
	enum fate fate;
	struct callback *callback;
	int weight; /* of random choice */
};

/* A message of a customer or of an agent. */
struct said {
	struct far *from, *to;
	struct far_conversation *conversation;
	struct far_message *message;
	int64_t first_ms, accepted_ms;
	int first, accepted; /* numbers of postings; accepted 0: not yet */
	int faults;
	bool is_given_up; /* the program died before it answered, and it was not posted again */
};

struct play {
	struct stage stage;
	struct far *customers, *agents;
	struct said said[SAID_MAX];
	int nsaid, postings, kills, failures;
	int to_say;                              /* how many more */
	uint32_t (*pick)(void *arg, uint32_t n); /* below n: for who speaks, and how long */
	void *arg;
	struct option_now options[OPTIONS_MAX];
	int noptions;
	bool follows;  /* what is closed at the one side is to be closed at the other */
	bool is_quiet; /* no trouble but what is chosen: for enumerations */
};

void play_start(struct play *p, const char *config, int to_say,
    uint32_t (*pick)(void *arg, uint32_t n), void *arg);
/* What may happen next, the most ordinary first. 0: nothing is left to happen. */
int play_options(struct play *p);
void play_do(struct play *p, const struct option_now *o);
/* All goes well from here on, and all is looked at. NULL: it is as it should be; else what is wrong, in
 * words that live until the next call. */
const char *play_end(struct play *p);
const char *play_words(const struct option_now *o);

#endif
