-- What a person said of an endpoint or a bridge: 0 go on, 1 send nothing, 2 queue nothing new.
CREATE TABLE control (
	is_bridge INTEGER NOT NULL,
	id INTEGER NOT NULL,
	control INTEGER NOT NULL,
	PRIMARY KEY (is_bridge, id)
) STRICT, WITHOUT ROWID;
