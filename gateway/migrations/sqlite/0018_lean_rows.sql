-- No question was ever answered by these: each names all that it can be asked for, set or not, which SQLite cannot look up.
-- What is left of them is a write, or several, for every request.
DROP INDEX audit_by_tenant_and_time;
DROP INDEX audit_by_key_and_time;
DROP INDEX audit_entries_by_time;
DROP INDEX ledger_by_day;
DROP INDEX ledger_by_key_and_time;
DROP INDEX ledger_by_tenant_and_day;

-- Rows that come with the journal are summed up before they are written, many at a time; the others here, as ever.
DROP TRIGGER ledger_counted;
CREATE TRIGGER ledger_counted AFTER INSERT ON ledger WHEN NEW.corrects IS NOT NULL BEGIN
    INSERT INTO ledger_months VALUES (
        NEW.tenant, substr(NEW.day, 1, 7), NEW.project, coalesce(NEW.department, ''), NEW.key_id, NEW.environment, NEW.model,
        CASE WHEN NEW.zone = 'external' THEN 1 ELSE 0 END, 1, 0,
        CASE WHEN NEW.tiyn IS NULL THEN 1 ELSE 0 END - NEW.settles, NEW.prompt_tokens + NEW.completion_tokens, NEW.images,
        NEW.audio_ms, coalesce(NEW.tiyn, 0)
    )
    ON CONFLICT (tenant, month, project, department, key_id, environment, model, is_external) DO UPDATE SET
        num_rows = num_rows + excluded.num_rows, num_calls = num_calls + excluded.num_calls,
        num_unpriced = num_unpriced + excluded.num_unpriced, tokens = tokens + excluded.tokens,
        images = images + excluded.images, audio_ms = audio_ms + excluded.audio_ms, tiyn = tiyn + excluded.tiyn;
END;
