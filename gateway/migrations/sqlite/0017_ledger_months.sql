-- What a month comes to, for each of those whom a line of its invoice is about: counted as rows come, so that closing a month
-- and looking at it cost the same whatever the ledger has. Only the trigger writes here.
CREATE TABLE ledger_months (
    tenant       TEXT NOT NULL,
    month        TEXT NOT NULL,
    project      TEXT NOT NULL,
    department   TEXT NOT NULL,
    key_id       TEXT NOT NULL,
    environment  TEXT NOT NULL,
    model        TEXT NOT NULL,
    is_external  INTEGER NOT NULL,
    num_rows     INTEGER NOT NULL,
    num_calls    INTEGER NOT NULL,
    num_unpriced INTEGER NOT NULL,
    tokens       INTEGER NOT NULL,
    images       INTEGER NOT NULL,
    audio_ms     INTEGER NOT NULL,
    tiyn         INTEGER NOT NULL,
    PRIMARY KEY (tenant, month, project, department, key_id, environment, model, is_external)
) STRICT;

INSERT INTO ledger_months
SELECT tenant, substr(day, 1, 7), project, coalesce(department, ''), key_id, environment, model,
    CASE WHEN zone = 'external' THEN 1 ELSE 0 END, count(*), count(*) - count(corrects),
    sum(CASE WHEN tiyn IS NULL THEN 1 ELSE 0 END) - sum(settles), sum(prompt_tokens + completion_tokens), sum(images),
    sum(audio_ms), coalesce(sum(tiyn), 0)
FROM ledger GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;

CREATE TRIGGER ledger_counted AFTER INSERT ON ledger BEGIN
    INSERT INTO ledger_months VALUES (
        NEW.tenant, substr(NEW.day, 1, 7), NEW.project, coalesce(NEW.department, ''), NEW.key_id, NEW.environment, NEW.model,
        CASE WHEN NEW.zone = 'external' THEN 1 ELSE 0 END, 1, CASE WHEN NEW.corrects IS NULL THEN 1 ELSE 0 END,
        CASE WHEN NEW.tiyn IS NULL THEN 1 ELSE 0 END - NEW.settles, NEW.prompt_tokens + NEW.completion_tokens, NEW.images,
        NEW.audio_ms, coalesce(NEW.tiyn, 0)
    )
    ON CONFLICT (tenant, month, project, department, key_id, environment, model, is_external) DO UPDATE SET
        num_rows = num_rows + excluded.num_rows, num_calls = num_calls + excluded.num_calls,
        num_unpriced = num_unpriced + excluded.num_unpriced, tokens = tokens + excluded.tokens,
        images = images + excluded.images, audio_ms = audio_ms + excluded.audio_ms, tiyn = tiyn + excluded.tiyn;
END;

DROP INDEX ledger_by_tenant_and_day;
CREATE INDEX ledger_by_tenant_and_day ON ledger (tenant, day);
