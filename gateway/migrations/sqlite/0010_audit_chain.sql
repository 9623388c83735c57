-- The audit's chains. What counts is `line`, kept to the byte; the columns beside it are for finding, and verification
-- compares them with it. An entry that differs from one of its number is kept beside it, so that a fork shows.
CREATE TABLE audit_entries (
    writer     TEXT NOT NULL,
    tenant     TEXT NOT NULL,
    sequence   INTEGER NOT NULL,
    hash       TEXT NOT NULL,
    request_id TEXT,
    time       TEXT NOT NULL,
    line       TEXT NOT NULL,
    PRIMARY KEY (writer, tenant, sequence, hash)
) STRICT;

CREATE INDEX audit_entries_by_request ON audit_entries (request_id);
CREATE INDEX audit_entries_by_time ON audit_entries (writer, tenant, time);

CREATE TABLE audit_checkpoints (
    writer TEXT NOT NULL,
    number INTEGER NOT NULL,
    line   TEXT NOT NULL,
    PRIMARY KEY (writer, number)
) STRICT;

CREATE TABLE audit_heads (
    writer   TEXT NOT NULL,
    tenant   TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    line     TEXT NOT NULL,
    PRIMARY KEY (writer, tenant, sequence, number)
) STRICT;

CREATE INDEX audit_heads_by_checkpoint ON audit_heads (writer, number);

CREATE TABLE audit_seals (
    writer         TEXT NOT NULL,
    tenant         TEXT NOT NULL,
    first_sequence INTEGER NOT NULL,
    line           TEXT NOT NULL,
    PRIMARY KEY (writer, tenant, first_sequence)
) STRICT;

-- What was under way when a gateway ended is looked for at its next start.
CREATE INDEX audit_under_way ON audit (request_id) WHERE outcome = 'dispatched';
