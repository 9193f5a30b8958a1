-- Moving what was said before. A run: which bridge, what was asked for (wish, JSON), how far it is in the
-- list of conversations (cursor: of the page it is at; NULL the first), what has come of it. first: the
-- newest event when it began; what the run has taken in is newer. skipped: JSON, number by reason.
CREATE TABLE migration (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	bridge INTEGER NOT NULL,
	state INTEGER NOT NULL,
	wish TEXT,
	cursor TEXT,
	why TEXT,
	first INTEGER NOT NULL,
	begun INTEGER NOT NULL,
	ended INTEGER NOT NULL DEFAULT 0,
	conversations INTEGER NOT NULL DEFAULT 0,
	read INTEGER NOT NULL DEFAULT 0,
	written INTEGER NOT NULL DEFAULT 0,
	failed INTEGER NOT NULL DEFAULT 0,
	files INTEGER NOT NULL DEFAULT 0,
	skipped TEXT
) STRICT;

-- A conversation of a run. state: 0 under way (what is said in it now waits), 1 over.
CREATE TABLE migration_item (
	migration INTEGER NOT NULL,
	remote TEXT NOT NULL,
	state INTEGER NOT NULL,
	read INTEGER NOT NULL DEFAULT 0,
	written INTEGER NOT NULL DEFAULT 0,
	failed INTEGER NOT NULL DEFAULT 0,
	files INTEGER NOT NULL DEFAULT 0,
	skipped TEXT,
	PRIMARY KEY (migration, remote)
) STRICT, WITHOUT ROWID;
