-- How far an endpoint was compared with what we know. done: the last comparison that came to its end
-- began then, 0 none did; reached: the one after it has seen all that changed before, 0 it did not
-- begin.
CREATE TABLE sweep (
	endpoint INTEGER PRIMARY KEY,
	done INTEGER NOT NULL,
	reached INTEGER NOT NULL
) STRICT;
