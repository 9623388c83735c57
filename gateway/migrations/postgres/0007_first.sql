-- What SQLite's migrations 1 to 7 come to. Times are RFC 3339 in UTC and compared as bytes; what is 0 or 1 is a BIGINT, so
-- that both databases are asked the same.
CREATE TABLE tenants (
    id            TEXT PRIMARY KEY,
    created_at_ms BIGINT NOT NULL
);

CREATE TABLE projects (
    tenant        TEXT NOT NULL REFERENCES tenants (id),
    id            TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE TABLE keys (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    role          TEXT NOT NULL,
    tenant        TEXT NOT NULL,
    project       TEXT NOT NULL,
    environment   TEXT NOT NULL,
    data_class    TEXT NOT NULL,
    hash          BYTEA NOT NULL,
    created_at_ms BIGINT NOT NULL,
    revoked       BIGINT NOT NULL DEFAULT 0,
    FOREIGN KEY (tenant, project) REFERENCES projects (tenant, id)
);

CREATE TABLE audit (
    sequence          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request_id        TEXT NOT NULL UNIQUE,
    time              TEXT COLLATE "C" NOT NULL,
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
    status            BIGINT NOT NULL,
    error_code        TEXT,
    streamed          BIGINT NOT NULL,
    attempts          BIGINT NOT NULL,
    prompt_tokens     BIGINT,
    completion_tokens BIGINT,
    usage_source      TEXT,
    first_token_ms    BIGINT,
    total_ms          BIGINT NOT NULL,
    answer_entities   TEXT NOT NULL DEFAULT '{}',
    audio_seconds     DOUBLE PRECISION,
    tries             TEXT NOT NULL DEFAULT '[]'
);

CREATE INDEX audit_by_tenant_and_time ON audit (tenant, time);
CREATE INDEX audit_by_key_and_time ON audit (key_id, time);
CREATE INDEX audit_by_time ON audit (time);

CREATE TABLE vault (
    tenant_hash       BYTEA NOT NULL,
    conversation_hash BYTEA NOT NULL,
    sealed            BYTEA NOT NULL,
    expires_at_ms     BIGINT NOT NULL,
    PRIMARY KEY (tenant_hash, conversation_hash)
);

CREATE INDEX vault_by_expiry ON vault (expires_at_ms);

CREATE TABLE content (
    tenant            TEXT NOT NULL,
    kind              TEXT NOT NULL,
    address           BYTEA NOT NULL,
    project           TEXT NOT NULL,
    key_id            TEXT NOT NULL,
    user_hash         BYTEA,
    conversation_hash BYTEA,
    sealed            BYTEA NOT NULL,
    expires_at_ms     BIGINT NOT NULL,
    PRIMARY KEY (tenant, kind, address)
);

CREATE INDEX content_by_expiry ON content (expires_at_ms);
CREATE INDEX content_to_give_way ON content (tenant, kind, expires_at_ms);
CREATE INDEX content_by_kind ON content (kind, tenant, project);

CREATE TABLE content_bytes (
    tenant TEXT PRIMARY KEY,
    bytes  BIGINT NOT NULL
);

CREATE FUNCTION content_comes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO content_bytes (tenant, bytes) VALUES (new.tenant, length(new.sealed))
    ON CONFLICT (tenant) DO UPDATE SET bytes = content_bytes.bytes + excluded.bytes;
    RETURN NULL;
END
$$;

CREATE FUNCTION content_goes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE content_bytes SET bytes = bytes - length(old.sealed) WHERE tenant = old.tenant;
    RETURN NULL;
END
$$;

CREATE TRIGGER content_comes AFTER INSERT ON content FOR EACH ROW EXECUTE FUNCTION content_comes();
CREATE TRIGGER content_goes AFTER DELETE ON content FOR EACH ROW EXECUTE FUNCTION content_goes();
