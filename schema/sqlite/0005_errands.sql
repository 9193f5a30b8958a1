-- What the agents are owed about a message: its state at the desk (step report), or a note that it could
-- not be delivered (step note). The newest per message and step. due: 1 it is still to be done; a row
-- that stays behind with 0 says what was said last, where that may matter again (a failure, a note, a
-- state that the platform had overwritten; state 0: the platform itself showed it as failed). firm: it
-- is said however late. healed: how often the platform's own word was corrected.
CREATE TABLE errand (
	event INTEGER NOT NULL,
	step INTEGER NOT NULL,
	delivery INTEGER NOT NULL,
	endpoint INTEGER NOT NULL,
	state INTEGER NOT NULL,
	reason INTEGER NOT NULL,
	why TEXT,
	made INTEGER NOT NULL,
	due INTEGER NOT NULL,
	firm INTEGER NOT NULL,
	healed INTEGER NOT NULL,
	PRIMARY KEY (event, step)
) STRICT, WITHOUT ROWID;
CREATE INDEX errand_due ON errand (event) WHERE due = 1;
