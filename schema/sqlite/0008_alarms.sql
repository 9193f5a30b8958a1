-- Conversations whose platform has still to tell what a request of ours has made of them. There are few.
CREATE INDEX thread_asked ON thread (id) WHERE asked <> 0;

-- What was told to the operator, the newest few hundred. Times are ms, 0: not yet. owed: what the webhook has
-- still to be told of it: 1 raised, 2 reminded, 4 cleared.
CREATE TABLE alarm (
	id INTEGER PRIMARY KEY,
	kind INTEGER NOT NULL,
	endpoint TEXT,
	bridge TEXT,
	since INTEGER NOT NULL,
	raised INTEGER NOT NULL,
	reminded INTEGER NOT NULL,
	cleared INTEGER NOT NULL,
	owed INTEGER NOT NULL,
	text TEXT NOT NULL,
	next TEXT NOT NULL
) STRICT;

-- Hours since the epoch in which a genuine callback came, kept for eight days: is silence a wonder?
CREATE TABLE heard (
	endpoint INTEGER NOT NULL,
	hour INTEGER NOT NULL,
	PRIMARY KEY (endpoint, hour)
) STRICT, WITHOUT ROWID;
