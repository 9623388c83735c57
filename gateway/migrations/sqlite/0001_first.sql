CREATE TABLE tenants (
    id            TEXT PRIMARY KEY,
    created_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE projects (
    tenant        TEXT NOT NULL REFERENCES tenants (id),
    id            TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;

CREATE TABLE keys (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    role          TEXT NOT NULL,
    tenant        TEXT NOT NULL,
    project       TEXT NOT NULL,
    environment   TEXT NOT NULL,
    data_class    TEXT NOT NULL,
    hash          BLOB NOT NULL,
    created_at_ms INTEGER NOT NULL,
    revoked       INTEGER NOT NULL DEFAULT 0,
    FOREIGN KEY (tenant, project) REFERENCES projects (tenant, id)
) STRICT;

CREATE TABLE audit (
    sequence          INTEGER PRIMARY KEY AUTOINCREMENT,
    request_id        TEXT NOT NULL UNIQUE,
    time              TEXT NOT NULL,
    tenant            TEXT NOT NULL,
    project           TEXT NOT NULL,
    environment       TEXT NOT NULL,
    key_id            TEXT NOT NULL,
    actor             TEXT NOT NULL,
    endpoint          TEXT NOT NULL,
    route             TEXT,
    reason            TEXT,
    provider          TEXT,
    model             TEXT,
    zone              TEXT,
    data_class        TEXT NOT NULL,
    entities          TEXT NOT NULL,
    pii_action        TEXT NOT NULL,
    policy_version    TEXT NOT NULL,
    outcome           TEXT NOT NULL,
    status            INTEGER NOT NULL,
    error_code        TEXT,
    streamed          INTEGER NOT NULL,
    attempts          INTEGER NOT NULL,
    prompt_tokens     INTEGER,
    completion_tokens INTEGER,
    usage_source      TEXT,
    first_token_ms    INTEGER,
    total_ms          INTEGER NOT NULL
) STRICT;

CREATE INDEX audit_by_tenant_and_time ON audit (tenant, time);
CREATE INDEX audit_by_key_and_time ON audit (key_id, time);

-- How far the journal has been carried into this database.
CREATE TABLE journal_position (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    segment  INTEGER NOT NULL,
    offset   INTEGER NOT NULL
) STRICT;

INSERT INTO journal_position (only_row, segment, offset) VALUES (1, 0, 0);
