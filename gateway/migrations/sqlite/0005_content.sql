-- What has to be kept of requests and answers, sealed: replays of idempotent requests, stored responses, cached answers.
-- Tenant, project and key are names that this database has elsewhere too; everything a caller wrote is a keyed hash.
CREATE TABLE content (
    tenant            TEXT NOT NULL,
    kind              TEXT NOT NULL,
    address           BLOB NOT NULL,
    project           TEXT NOT NULL,
    key_id            TEXT NOT NULL,
    user_hash         BLOB,
    conversation_hash BLOB,
    sealed            BLOB NOT NULL,
    expires_at_ms     INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, address)
) STRICT;

CREATE INDEX content_by_expiry ON content (expires_at_ms);
CREATE INDEX content_to_give_way ON content (tenant, kind, expires_at_ms);

-- What each tenant's rows take, so that a bound is checked without reading them all.
CREATE TABLE content_bytes (
    tenant TEXT PRIMARY KEY,
    bytes  INTEGER NOT NULL
) STRICT;

CREATE TRIGGER content_comes AFTER INSERT ON content BEGIN
    INSERT INTO content_bytes (tenant, bytes) VALUES (new.tenant, length(new.sealed))
    ON CONFLICT (tenant) DO UPDATE SET bytes = bytes + excluded.bytes;
END;

CREATE TRIGGER content_goes AFTER DELETE ON content BEGIN
    UPDATE content_bytes SET bytes = bytes - length(old.sealed) WHERE tenant = old.tenant;
END;
