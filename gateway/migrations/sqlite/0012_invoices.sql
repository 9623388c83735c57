-- Documents as they were issued; none is ever changed. Amounts are in tiyn.
CREATE TABLE invoices (
    number       TEXT PRIMARY KEY,
    kind         TEXT NOT NULL,
    tenant       TEXT NOT NULL,
    month        TEXT NOT NULL,
    issued_at_ms INTEGER NOT NULL,
    lines_tiyn   INTEGER NOT NULL,
    net_tiyn     INTEGER NOT NULL,
    vat_tiyn     INTEGER NOT NULL,
    total_tiyn   INTEGER NOT NULL,
    corrects     TEXT REFERENCES invoices (number),
    document     TEXT NOT NULL
) STRICT;

CREATE INDEX invoices_by_tenant_and_month ON invoices (tenant, month);
CREATE INDEX invoices_by_corrected ON invoices (corrects);

-- The appendix of an invoice, with the names of then.
CREATE TABLE invoice_usage (
    number     TEXT NOT NULL REFERENCES invoices (number),
    position   INTEGER NOT NULL,
    project    TEXT NOT NULL,
    department TEXT,
    key_name   TEXT NOT NULL,
    model      TEXT NOT NULL,
    unit       TEXT NOT NULL,
    millionths INTEGER NOT NULL,
    tokens     INTEGER NOT NULL,
    tiyn       INTEGER NOT NULL,
    PRIMARY KEY (number, position)
) STRICT;

-- The last number that was given in a year: there are no gaps.
CREATE TABLE invoice_numbers (
    year        INTEGER PRIMARY KEY,
    last_number INTEGER NOT NULL
) STRICT;

CREATE TABLE closed_months (
    tenant       TEXT NOT NULL,
    month        TEXT NOT NULL,
    closed_at_ms INTEGER NOT NULL,
    tiyn         INTEGER NOT NULL,
    PRIMARY KEY (tenant, month)
) STRICT;

-- What of the ledger's months was billed when a month was closed: its own rows, and those of closed months that came late.
CREATE TABLE billed_months (
    tenant    TEXT NOT NULL,
    month     TEXT NOT NULL,
    billed_in TEXT NOT NULL,
    tiyn      INTEGER NOT NULL,
    tokens    INTEGER NOT NULL,
    PRIMARY KEY (tenant, month, billed_in)
) STRICT;

-- Sums of a tenant's months are read from the index alone.
DROP INDEX ledger_by_tenant_and_day;
CREATE INDEX ledger_by_tenant_and_day ON ledger (tenant, day, tiyn, prompt_tokens, completion_tokens);
