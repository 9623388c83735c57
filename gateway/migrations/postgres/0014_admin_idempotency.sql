-- Acts of /admin/v1 that were asked for under an Idempotency-Key: claimed before they are done, with the sealed answer
-- afterwards. What a caller wrote stands here as keyed hashes and ciphertext alone.
CREATE TABLE admin_acts (
    tenant          TEXT NOT NULL,
    key_id          TEXT NOT NULL,
    address         BYTEA NOT NULL,
    fingerprint     BYTEA NOT NULL,
    token           BYTEA NOT NULL,
    leased_until_ms BIGINT NOT NULL,
    acted           BIGINT NOT NULL,
    sealed          BYTEA,
    expires_at_ms   BIGINT NOT NULL,
    PRIMARY KEY (tenant, key_id, address)
);

CREATE INDEX admin_acts_by_expiry ON admin_acts (expires_at_ms);
