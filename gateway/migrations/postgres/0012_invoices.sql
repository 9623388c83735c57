-- Documents as they were issued; none is ever changed. Amounts are in tiyn.
CREATE TABLE invoices (
    number       TEXT PRIMARY KEY,
    kind         TEXT NOT NULL,
    tenant       TEXT NOT NULL,
    month        TEXT NOT NULL,
    issued_at_ms BIGINT NOT NULL,
    lines_tiyn   BIGINT NOT NULL,
    net_tiyn     BIGINT NOT NULL,
    vat_tiyn     BIGINT NOT NULL,
    total_tiyn   BIGINT NOT NULL,
    corrects     TEXT REFERENCES invoices (number),
    document     TEXT NOT NULL
);

CREATE INDEX invoices_by_tenant_and_month ON invoices (tenant, month);
CREATE INDEX invoices_by_corrected ON invoices (corrects);

-- The appendix of an invoice, with the names of then.
CREATE TABLE invoice_usage (
    number     TEXT NOT NULL REFERENCES invoices (number),
    position   BIGINT NOT NULL,
    project    TEXT NOT NULL,
    department TEXT,
    key_name   TEXT NOT NULL,
    model      TEXT NOT NULL,
    unit       TEXT NOT NULL,
    millionths BIGINT NOT NULL,
    tokens     BIGINT NOT NULL,
    tiyn       BIGINT NOT NULL,
    PRIMARY KEY (number, position)
);

-- The last number that was given in a year: there are no gaps.
CREATE TABLE invoice_numbers (
    year        BIGINT PRIMARY KEY,
    last_number BIGINT NOT NULL
);

CREATE TABLE closed_months (
    tenant       TEXT NOT NULL,
    month        TEXT COLLATE "C" NOT NULL,
    closed_at_ms BIGINT NOT NULL,
    tiyn         BIGINT NOT NULL,
    PRIMARY KEY (tenant, month)
);

-- What of the ledger's months was billed when a month was closed: its own rows, and those of closed months that came late.
CREATE TABLE billed_months (
    tenant    TEXT NOT NULL,
    month     TEXT COLLATE "C" NOT NULL,
    billed_in TEXT COLLATE "C" NOT NULL,
    tiyn      BIGINT NOT NULL,
    tokens    BIGINT NOT NULL,
    PRIMARY KEY (tenant, month, billed_in)
);

-- Sums of a tenant's months are read from the index alone.
DROP INDEX ledger_by_tenant_and_day;
CREATE INDEX ledger_by_tenant_and_day ON ledger (tenant, day, tiyn, prompt_tokens, completion_tokens);
