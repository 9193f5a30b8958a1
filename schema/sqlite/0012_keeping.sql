-- How long things are kept, and for whom.

-- Callbacks as they came, where retention.callbacks says so.
CREATE TABLE callback (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	endpoint INTEGER NOT NULL,
	at INTEGER NOT NULL,
	headers TEXT,
	body BLOB NOT NULL
) STRICT;
-- What each of them told of: a message (remote), a conversation; its n-th piece of news.
CREATE TABLE callback_of (
	callback INTEGER NOT NULL,
	n INTEGER NOT NULL,
	endpoint INTEGER NOT NULL,
	remote TEXT,
	conversation TEXT,
	PRIMARY KEY (callback, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX callback_of_remote ON callback_of (endpoint, remote) WHERE remote IS NOT NULL;

-- The newest event that is known to have come on a day (since the epoch) or before it: when the ids of messages
-- were given whose words are gone.
CREATE TABLE day (
	day INTEGER PRIMARY KEY,
	event INTEGER NOT NULL
) STRICT;
INSERT INTO day(day, event) SELECT at_here / 86400000, max(id) FROM event GROUP BY 1;

-- The day on which something last went over a link; 0: not known.
ALTER TABLE link ADD COLUMN used INTEGER NOT NULL DEFAULT 0;

-- All conversations of a person.
CREATE INDEX thread_person ON thread (person) WHERE person IS NOT NULL;
