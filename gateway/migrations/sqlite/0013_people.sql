-- People who log in at a provider of the operator's, what they may do here, and where they are logged in.
CREATE TABLE people (
    id            TEXT PRIMARY KEY,
    email         TEXT NOT NULL UNIQUE,
    name          TEXT,
    role          TEXT NOT NULL,
    reach         TEXT NOT NULL,
    tenant        TEXT,
    project       TEXT,
    frozen        INTEGER NOT NULL DEFAULT 0,
    -- Who they are at their provider, from the first login on.
    issuer        TEXT,
    subject       TEXT,
    -- Role and reach come from the provider's claims.
    granted       INTEGER NOT NULL DEFAULT 0,
    created_at_ms INTEGER NOT NULL,
    changed_at_ms INTEGER NOT NULL,
    version       INTEGER NOT NULL DEFAULT 1,
    UNIQUE (issuer, subject)
) STRICT;

CREATE TABLE sessions (
    hash          BLOB PRIMARY KEY,
    person        TEXT NOT NULL REFERENCES people (id),
    created_at_ms INTEGER NOT NULL,
    seen_at_ms    INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX sessions_by_person ON sessions (person, created_at_ms);

-- Whose key for /admin/v1 it is: it opens nothing without that person.
ALTER TABLE keys ADD COLUMN person TEXT;
CREATE INDEX keys_by_person ON keys (person) WHERE person IS NOT NULL;
