-- One row for each call of a provider that used anything. Rows are never changed: corrections are rows of their own.
-- Dollars are whole millionths, and what is left of them in millionths of millionths, so that sums are exact and fit.
CREATE TABLE ledger (
    id                TEXT PRIMARY KEY,
    request_id        TEXT NOT NULL,
    attempt           BIGINT NOT NULL,
    time              TEXT COLLATE "C" NOT NULL,
    day               TEXT COLLATE "C" NOT NULL,
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
    first_token_ms    BIGINT,
    total_ms          BIGINT,
    prompt_tokens     BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL,
    cached_tokens     BIGINT NOT NULL,
    reasoning_tokens  BIGINT NOT NULL,
    images            BIGINT NOT NULL,
    audio_ms          BIGINT NOT NULL,
    usage             TEXT NOT NULL,
    usage_source      TEXT NOT NULL,
    usd_micro         BIGINT,
    usd_rest_pico     BIGINT,
    tiyn              BIGINT,
    price_version     TEXT,
    factor            TEXT,
    fx_date           TEXT,
    fx_rate           TEXT,
    fx_source         TEXT,
    unpriced          TEXT
);

CREATE INDEX ledger_by_tenant_and_day ON ledger (tenant, day);
CREATE INDEX ledger_by_day ON ledger (day);
CREATE INDEX ledger_by_time ON ledger (time);
CREATE INDEX ledger_by_key_and_time ON ledger (key_id, time);

-- What the dollar was on a day, as published: tenge in ten-thousandths for one.
CREATE TABLE exchange_rates (
    date            TEXT COLLATE "C" NOT NULL,
    currency        TEXT NOT NULL,
    ten_thousandths BIGINT NOT NULL,
    source          TEXT NOT NULL,
    PRIMARY KEY (currency, date)
);

-- Whose, and for what: records of before have none.
ALTER TABLE audit ADD COLUMN department TEXT;
ALTER TABLE audit ADD COLUMN scenario TEXT;
ALTER TABLE audit ADD COLUMN day TEXT;
