-- Acts of /admin/v1 that were asked for under an Idempotency-Key: claimed before they are done, with the sealed answer
-- afterwards. What a caller wrote stands here as keyed hashes and ciphertext alone.
CREATE TABLE admin_acts (
    tenant          TEXT NOT NULL,
    key_id          TEXT NOT NULL,
    address         BLOB NOT NULL,
    fingerprint     BLOB NOT NULL,
    token           BLOB NOT NULL,
    leased_until_ms INTEGER NOT NULL,
    acted           INTEGER NOT NULL,
    sealed          BLOB,
    expires_at_ms   INTEGER NOT NULL,
    PRIMARY KEY (tenant, key_id, address)
) STRICT;

CREATE INDEX admin_acts_by_expiry ON admin_acts (expires_at_ms);
