-- What people ask for: since when something is parked, what was tried, what they changed.

-- When it was over; 0: it is not, or that was before this column was.
ALTER TABLE delivery ADD COLUMN ended INTEGER NOT NULL DEFAULT 0;

-- What became of attempts that did not simply succeed, and what people did (who), oldest first. state
-- is the delivery's from then on.
CREATE TABLE attempt (
	delivery INTEGER NOT NULL,
	n INTEGER NOT NULL,
	at INTEGER NOT NULL,
	attempt INTEGER NOT NULL,
	step INTEGER NOT NULL,
	state INTEGER NOT NULL,
	reason INTEGER NOT NULL,
	why TEXT,
	who TEXT,
	PRIMARY KEY (delivery, n)
) STRICT, WITHOUT ROWID;

-- The words a person put in place of those the platform refused.
CREATE TABLE edit (
	delivery INTEGER PRIMARY KEY,
	text TEXT NOT NULL,
	at INTEGER NOT NULL,
	who TEXT
) STRICT;

-- flags of a lane: 2 it waits for a person (on_rejected: stop). There are few.
CREATE INDEX lane_held ON lane (id) WHERE flags & 2 <> 0;
