-- What was asked with numbers at the customers' side, and may still be answered with one: the newest per
-- conversation. labels: one a line, in the order of their numbers. answered: the message that did, whose
-- callback may come again.
CREATE TABLE question (
	endpoint INTEGER NOT NULL,
	conversation TEXT NOT NULL,
	told INTEGER NOT NULL,
	labels TEXT NOT NULL,
	answered TEXT,
	PRIMARY KEY (endpoint, conversation)
) STRICT, WITHOUT ROWID;
