-- What is told of persons and conversations besides words and states, a record for each place (see
-- core/facts.h): place is an endpoint, and subject a person; or place is 0, and subject a thread. seen, ours
-- and was are JSON objects of facts by name.
CREATE TABLE fact (
	subject INTEGER NOT NULL,
	place INTEGER NOT NULL,
	seen TEXT,
	ours TEXT,
	was TEXT,
	version INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (subject, place)
) STRICT, WITHOUT ROWID;

-- What of them is to be carried: to this side of the link, of its person (step find_contact) or of its
-- conversation (find_conversation). endpoint is that side's. seq: how often it became due again.
CREATE TABLE mirror (
	link INTEGER NOT NULL,
	side INTEGER NOT NULL,
	step INTEGER NOT NULL,
	endpoint INTEGER NOT NULL,
	seq INTEGER NOT NULL,
	made INTEGER NOT NULL,
	PRIMARY KEY (link, side, step)
) STRICT, WITHOUT ROWID;

-- Persons by what their platform calls them, for what is told of them outside any conversation.
CREATE INDEX lane_contact ON lane (endpoint, contact) WHERE contact IS NOT NULL;
CREATE INDEX person_remote ON person (endpoint, remote) WHERE remote IS NOT NULL;

-- Contacts that were made before: with what their customers' side said of them.
INSERT INTO fact(subject, place, ours)
	SELECT p.id, l.endpoint, json_patch(json_patch('{}', CASE WHEN p.name IS NULL THEN '{}' ELSE
	json_object('name', p.name) END), json_patch(CASE WHEN p.email IS NULL THEN '{}' ELSE
	json_object('email', lower(p.email)) END, CASE WHEN p.phone IS NULL THEN '{}' ELSE
	json_object('phone', p.phone) END))
	FROM lane l JOIN person p ON p.id = l.person
	WHERE l.endpoint <> p.endpoint AND coalesce(p.name, p.email, p.phone) IS NOT NULL;
