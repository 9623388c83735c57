-- One row for each call of a provider that used anything. Rows are never changed: corrections are rows of their own.
-- Dollars are whole millionths, and what is left of them in millionths of millionths, so that sums are exact and fit.
CREATE TABLE ledger (
    id                TEXT PRIMARY KEY,
    request_id        TEXT NOT NULL,
    attempt           INTEGER NOT NULL,
    time              TEXT NOT NULL,
    day               TEXT NOT NULL,
    tenant            TEXT NOT NULL,
    department        TEXT,
    project           TEXT NOT NULL,
    key_id            TEXT NOT NULL,
    environment       TEXT NOT NULL,
    scenario          TEXT,
    route             TEXT,
    provider          TEXT NOT NULL,
    model             TEXT NOT NULL,
    zone              TEXT NOT NULL,
    data_class        TEXT NOT NULL,
    kind              TEXT NOT NULL,
    reason            TEXT NOT NULL,
    outcome           TEXT NOT NULL,
    error_type        TEXT,
    first_token_ms    INTEGER,
    total_ms          INTEGER,
    prompt_tokens     INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    cached_tokens     INTEGER NOT NULL,
    reasoning_tokens  INTEGER NOT NULL,
    images            INTEGER NOT NULL,
    audio_ms          INTEGER NOT NULL,
    usage             TEXT NOT NULL,
    usage_source      TEXT NOT NULL,
    usd_micro         INTEGER,
    usd_rest_pico     INTEGER,
    tiyn              INTEGER,
    price_version     TEXT,
    factor            TEXT,
    fx_date           TEXT,
    fx_rate           TEXT,
    fx_source         TEXT,
    unpriced          TEXT
) STRICT;

CREATE INDEX ledger_by_tenant_and_day ON ledger (tenant, day);
CREATE INDEX ledger_by_day ON ledger (day);
CREATE INDEX ledger_by_time ON ledger (time);
CREATE INDEX ledger_by_key_and_time ON ledger (key_id, time);

-- What the dollar was on a day, as published: tenge in ten-thousandths for one.
CREATE TABLE exchange_rates (
    date            TEXT NOT NULL,
    currency        TEXT NOT NULL,
    ten_thousandths INTEGER NOT NULL,
    source          TEXT NOT NULL,
    PRIMARY KEY (currency, date)
) STRICT;

-- Whose, and for what: records of before have none.
ALTER TABLE audit ADD COLUMN department TEXT;
ALTER TABLE audit ADD COLUMN scenario TEXT;
ALTER TABLE audit ADD COLUMN day TEXT;
