-- What a month comes to, for each of those whom a line of its invoice is about: counted as rows come, so that closing a month
-- and looking at it cost the same whatever the ledger has. Only the trigger writes here.
CREATE TABLE ledger_months (
    tenant       TEXT COLLATE "C" NOT NULL,
    month        TEXT COLLATE "C" NOT NULL,
    project      TEXT COLLATE "C" NOT NULL,
    department   TEXT COLLATE "C" NOT NULL,
    key_id       TEXT COLLATE "C" NOT NULL,
    environment  TEXT COLLATE "C" NOT NULL,
    model        TEXT COLLATE "C" NOT NULL,
    is_external  BIGINT NOT NULL,
    num_rows     BIGINT NOT NULL,
    num_calls    BIGINT NOT NULL,
    num_unpriced BIGINT NOT NULL,
    tokens       BIGINT NOT NULL,
    images       BIGINT NOT NULL,
    audio_ms     BIGINT NOT NULL,
    tiyn         BIGINT NOT NULL,
    PRIMARY KEY (tenant, month, project, department, key_id, environment, model, is_external)
);

-- No row comes between what is counted here and what the trigger counts.
LOCK TABLE ledger IN SHARE ROW EXCLUSIVE MODE;

INSERT INTO ledger_months
SELECT tenant, substr(day, 1, 7), project, coalesce(department, ''), key_id, environment, model,
    CASE WHEN zone = 'external' THEN 1 ELSE 0 END, count(*), count(*) - count(corrects),
    sum(CASE WHEN tiyn IS NULL THEN 1 ELSE 0 END) - sum(settles), sum(prompt_tokens + completion_tokens), sum(images),
    sum(audio_ms), coalesce(sum(tiyn), 0)
FROM ledger GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;

CREATE FUNCTION count_ledger_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger_months AS own VALUES (
        NEW.tenant, substr(NEW.day, 1, 7), NEW.project, coalesce(NEW.department, ''), NEW.key_id, NEW.environment, NEW.model,
        CASE WHEN NEW.zone = 'external' THEN 1 ELSE 0 END, 1, CASE WHEN NEW.corrects IS NULL THEN 1 ELSE 0 END,
        CASE WHEN NEW.tiyn IS NULL THEN 1 ELSE 0 END - NEW.settles, NEW.prompt_tokens + NEW.completion_tokens, NEW.images,
        NEW.audio_ms, coalesce(NEW.tiyn, 0)
    )
    ON CONFLICT (tenant, month, project, department, key_id, environment, model, is_external) DO UPDATE SET
        num_rows = own.num_rows + excluded.num_rows, num_calls = own.num_calls + excluded.num_calls,
        num_unpriced = own.num_unpriced + excluded.num_unpriced, tokens = own.tokens + excluded.tokens,
        images = own.images + excluded.images, audio_ms = own.audio_ms + excluded.audio_ms, tiyn = own.tiyn + excluded.tiyn;
    RETURN NULL;
END
$$;

CREATE TRIGGER ledger_counted AFTER INSERT ON ledger FOR EACH ROW EXECUTE FUNCTION count_ledger_row();

DROP INDEX ledger_by_tenant_and_day;
CREATE INDEX ledger_by_tenant_and_day ON ledger (tenant, day);
