-- The journal. Times are ms since the epoch, ids 64 bits, what the code names is stored as its
-- number. Narrow rows that change stand apart from wide ones that do not: an UPDATE writes the whole
-- record again.

-- Values kept once for the store: instance_key, hook keys, the next place in lanes (pos).
CREATE TABLE meta (
	key TEXT PRIMARY KEY,
	value ANY NOT NULL
) STRICT, WITHOUT ROWID;

-- ident is what the endpoint is (host, tenant), memo what it remembers (JSON).
CREATE TABLE endpoint (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE,
	platform TEXT NOT NULL,
	ident TEXT,
	memo TEXT
) STRICT;

CREATE TABLE bridge (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE,
	since INTEGER NOT NULL
) STRICT;

-- Customers, as last described by the customers' side (endpoint, remote: who they are there).
CREATE TABLE person (
	id INTEGER PRIMARY KEY,
	identity TEXT NOT NULL UNIQUE,
	endpoint INTEGER NOT NULL,
	remote TEXT,
	address TEXT,
	name TEXT,
	email TEXT,
	phone TEXT
) STRICT;

-- Conversations at an endpoint. version orders what we hear of its state; closed_at is when we heard
-- that it was closed, 0 while it is not.
CREATE TABLE thread (
	id INTEGER PRIMARY KEY,
	endpoint INTEGER NOT NULL,
	remote TEXT NOT NULL,
	ref TEXT,
	person INTEGER,
	state INTEGER NOT NULL DEFAULT 0,
	version INTEGER NOT NULL DEFAULT 0,
	closed_at INTEGER NOT NULL DEFAULT 0,
	UNIQUE (endpoint, remote)
) STRICT;

-- A person at a target endpoint: the order of deliveries, and what is known of the person there.
-- flags: 1 signed in.
CREATE TABLE lane (
	id INTEGER PRIMARY KEY,
	endpoint INTEGER NOT NULL,
	person INTEGER NOT NULL,
	contact TEXT,
	address TEXT,
	flags INTEGER NOT NULL DEFAULT 0,
	UNIQUE (endpoint, person)
) STRICT;
CREATE INDEX lane_address ON lane (endpoint, address) WHERE address IS NOT NULL;

-- A conversation of each side, tied. generation counts the agents' conversations of one customers'
-- conversation; first_c, first_a are the messages it began with. flags: 1 taken over, 2 gone.
CREATE TABLE link (
	id INTEGER PRIMARY KEY,
	bridge INTEGER NOT NULL,
	person INTEGER NOT NULL,
	customers INTEGER,
	generation INTEGER NOT NULL,
	agents INTEGER,
	first_c ANY,
	first_a ANY,
	flags INTEGER NOT NULL DEFAULT 0,
	UNIQUE (bridge, customers, generation)
) STRICT;
CREATE INDEX link_agents ON link (agents) WHERE agents IS NOT NULL;
CREATE INDEX link_person ON link (bridge, person);

-- body is the encoded event. The newest row is never deleted, so ids are never used again.
CREATE TABLE event (
	id INTEGER PRIMARY KEY,
	endpoint INTEGER NOT NULL,
	thread INTEGER,
	kind INTEGER NOT NULL,
	origin INTEGER NOT NULL,
	at_source INTEGER NOT NULL,
	at_here INTEGER NOT NULL,
	routed INTEGER NOT NULL,
	body BLOB NOT NULL
) STRICT;
CREATE INDEX event_unrouted ON event (id) WHERE routed = 0;

-- Ids of an endpoint to ours, and the dedupe keys: the row of a message is its dedupe key. kind is
-- the letter of the key; remote an integer where it is decimal; ref = event << 4 | n, n = 0 the
-- original, 1 to 15 a copy (a delivery's id).
CREATE TABLE idmap (
	endpoint INTEGER NOT NULL,
	kind INTEGER NOT NULL,
	remote ANY NOT NULL,
	ref INTEGER NOT NULL,
	PRIMARY KEY (endpoint, kind, remote)
) STRICT, WITHOUT ROWID;

-- id = event << 4 | n. pos is the place in the lane. State below 10: not over. flags: 1 reopen,
-- 2 take over, 4 goes to the agents' side. report: 0 none, 1 a notice is due, 2 it was given.
CREATE TABLE delivery (
	id INTEGER PRIMARY KEY,
	lane INTEGER,
	link INTEGER,
	bridge INTEGER NOT NULL,
	pos INTEGER NOT NULL,
	state INTEGER NOT NULL,
	attempt INTEGER NOT NULL DEFAULT 0,
	owner INTEGER NOT NULL DEFAULT 0,
	claimed INTEGER NOT NULL DEFAULT 0,
	due INTEGER NOT NULL DEFAULT 0,
	expires INTEGER NOT NULL DEFAULT 0,
	step INTEGER NOT NULL DEFAULT 0,
	part INTEGER NOT NULL DEFAULT 0,
	flags INTEGER NOT NULL DEFAULT 0,
	carry TEXT,
	reason INTEGER NOT NULL DEFAULT 0,
	why TEXT,
	remote_id ANY,
	report INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX delivery_pending ON delivery (lane, pos, due, state, bridge, flags) WHERE state < 10;
CREATE INDEX delivery_parked ON delivery (id) WHERE state = 11;

-- How much was delivered, by hour and side (1: to the agents), kept a day.
CREATE TABLE tally (
	bridge INTEGER NOT NULL,
	side INTEGER NOT NULL,
	hour INTEGER NOT NULL,
	delivered INTEGER NOT NULL,
	PRIMARY KEY (bridge, side, hour)
) STRICT, WITHOUT ROWID;

-- Authentic callbacks that nobody could read.
CREATE TABLE raw (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	endpoint INTEGER NOT NULL,
	at INTEGER NOT NULL,
	reason INTEGER NOT NULL,
	offset INTEGER NOT NULL,
	headers TEXT,
	body BLOB NOT NULL
) STRICT;
CREATE INDEX raw_endpoint ON raw (endpoint);

-- Ids that became another: a merged contact.
CREATE TABLE alias (
	endpoint INTEGER NOT NULL,
	kind INTEGER NOT NULL,
	remote ANY NOT NULL,
	now ANY NOT NULL,
	PRIMARY KEY (endpoint, kind, remote)
) STRICT, WITHOUT ROWID;
