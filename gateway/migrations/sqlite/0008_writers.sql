-- How far each gateway's journal has been carried into this database. Before writers had names there was one: it is named
-- when the database is opened.
CREATE TABLE journal_positions (
    writer      TEXT PRIMARY KEY,
    segment     INTEGER NOT NULL,
    byte_offset INTEGER NOT NULL
) STRICT;

INSERT INTO journal_positions (writer, segment, byte_offset) SELECT '', segment, "offset" FROM journal_position;
DROP TABLE journal_position;

-- What all gateways of this database must agree on.
CREATE TABLE installation (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
