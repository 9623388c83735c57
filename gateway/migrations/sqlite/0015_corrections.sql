-- Rows that correct others stand in the ledger beside them, under the same names, day and time, so that every sum counts
-- them once: amounts are what is to be added, also below zero. None is ever changed, as no row is.
ALTER TABLE ledger ADD COLUMN corrects TEXT;
-- The act that it was written in.
ALTER TABLE ledger ADD COLUMN correction TEXT;
-- Whether it gives an amount to a row that had none.
ALTER TABLE ledger ADD COLUMN settles INTEGER NOT NULL DEFAULT 0;

-- A row gets an amount once, whoever gives it.
CREATE UNIQUE INDEX ledger_settled ON ledger (corrects) WHERE settles = 1;
CREATE INDEX ledger_by_corrected ON ledger (corrects) WHERE corrects IS NOT NULL;
CREATE INDEX ledger_by_correction ON ledger (correction, id) WHERE correction IS NOT NULL;
CREATE INDEX ledger_unpriced ON ledger (id) WHERE tiyn IS NULL;

-- Why rows were corrected, by whom and when, and by which file.
CREATE TABLE corrections (
    id         TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    reason     TEXT NOT NULL,
    made_by    TEXT NOT NULL,
    made_at_ms INTEGER NOT NULL,
    provider   TEXT,
    from_day   TEXT,
    until_day  TEXT,
    file       TEXT,
    file_hash  TEXT
) STRICT;

-- Sums of a tenant's months are read from the index alone.
DROP INDEX ledger_by_tenant_and_day;
CREATE INDEX ledger_by_tenant_and_day ON ledger (tenant, day, tiyn, prompt_tokens, completion_tokens, settles);
