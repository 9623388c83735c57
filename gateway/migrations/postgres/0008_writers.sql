-- How far each gateway's journal has been carried into this database.
CREATE TABLE journal_positions (
    writer      TEXT PRIMARY KEY,
    segment     BIGINT NOT NULL,
    byte_offset BIGINT NOT NULL
);

-- What all gateways of this database must agree on.
CREATE TABLE installation (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
