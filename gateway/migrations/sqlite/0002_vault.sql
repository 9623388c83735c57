-- Tokens of masked conversations, sealed: neither the tenant nor the conversation nor a value can be read from a row.
CREATE TABLE vault (
    tenant_hash       BLOB NOT NULL,
    conversation_hash BLOB NOT NULL,
    sealed            BLOB NOT NULL,
    expires_at_ms     INTEGER NOT NULL,
    PRIMARY KEY (tenant_hash, conversation_hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX vault_by_expiry ON vault (expires_at_ms);
