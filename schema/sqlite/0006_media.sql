-- Files of messages: the n-th attachment of an event. state: 0 to be fetched, 1 here, 2 not to be had
-- (why). sha names the file beside the store, in which several rows may have a part; keep: served at an
-- address of ours until then. Ids stand in addresses and are not given twice.
CREATE TABLE media (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	event INTEGER NOT NULL,
	n INTEGER NOT NULL,
	state INTEGER NOT NULL DEFAULT 0,
	at INTEGER NOT NULL,
	keep INTEGER NOT NULL DEFAULT 0,
	sha TEXT,
	size INTEGER NOT NULL DEFAULT 0,
	type TEXT,
	name TEXT,
	why TEXT,
	UNIQUE (event, n)
) STRICT;
CREATE INDEX media_sha ON media (sha) WHERE sha IS NOT NULL;
CREATE INDEX media_wanted ON media (event) WHERE state = 0;
