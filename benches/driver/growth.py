"""Stores that have grown: many keys, a long ledger. Written by SQL, since it is not the writing that is measured."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

KEYS = """INSERT INTO keys (id, name, role, tenant, project, environment, data_class, hash, created_at_ms, settings)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :keys - 1)
SELECT printf('%010d', i), 'more', role, tenant, project, environment, data_class, randomblob(length(hash)),
    created_at_ms, settings FROM n, (SELECT * FROM keys WHERE name = 'bench' LIMIT 1)"""
# A year until now, eight projects of whom one is the load's, sixty keys, three models; one call in ten is a test.
ROWS = """INSERT INTO ledger (id, request_id, attempt, time, day, tenant, department, project, key_id, environment, provider,
    model, zone, data_class, kind, reason, outcome, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, images,
    audio_ms, usage, usage_source, usd_micro, usd_rest_pico, tiyn)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :rows - 1),
    days AS (SELECT i, date('now', '-' || (365 - i * 366 / :rows) || ' days') AS day FROM n)
SELECT 'req_01930000000070008000' || printf('%012d', i) || '-1', 'req_01930000000070008000' || printf('%012d', i), 1,
    day || 'T10:00:00.000Z', day, 'bank', 'd' || (i % 4), CASE i % 8 WHEN 0 THEN 'support' ELSE 'p' || (i % 8) END,
    CASE i % 60 WHEN 0 THEN :key ELSE 'key' || (i % 60) END, CASE WHEN i % 10 = 0 THEN 'dev' ELSE 'prod' END, 'cloud',
    CASE i % 7 WHEN 0 THEN 'gpt-6-sol' WHEN 1 THEN 'qwen3-8b' ELSE 'gpt-6-mini' END,
    CASE i % 7 WHEN 1 THEN 'local' ELSE 'external' END, 'public', 'first', 'primary', 'answered', 100 + i % 900, i % 300,
    0, 0, 0, 0, '{"prompt_tokens":500,"completion_tokens":100}', 'provider', i % 1000, 0, i % 997 FROM days"""
MONTHS = """INSERT OR REPLACE INTO ledger_months
SELECT tenant, substr(day, 1, 7), project, coalesce(department, ''), key_id, environment, model,
    CASE WHEN zone = 'external' THEN 1 ELSE 0 END, count(*), count(*) - count(corrects),
    sum(CASE WHEN tiyn IS NULL THEN 1 ELSE 0 END) - sum(settles), sum(prompt_tokens + completion_tokens), sum(images),
    sum(audio_ms), coalesce(sum(tiyn), 0)
FROM ledger GROUP BY 1, 2, 3, 4, 5, 6, 7, 8"""


def keys_filled(count: int) -> Callable[[Path], None]:
    """Other keys beside the load's own."""

    def fill(path: Path) -> None:
        with sqlite3.connect(path) as database:
            database.execute(KEYS, {"keys": count})
        database.close()

    return fill


def ledger_filled(rows: int) -> Callable[[Path], None]:
    """So many rows. Indexes and the sums of months are made behind them, which takes a tenth of the time."""

    def fill(path: Path) -> None:
        database = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode = MEMORY", "synchronous = OFF", "cache_size = -500000", "temp_store = MEMORY", "threads = 2"):
            database.execute(f"PRAGMA {pragma}")
        made = database.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE tbl_name = 'ledger' AND type IN ('index', 'trigger') AND sql IS NOT NULL"
        ).fetchall()
        key, = database.execute("SELECT id FROM keys WHERE name = 'bench'").fetchone()
        database.execute("BEGIN")
        for kind, name, _ in made:
            database.execute(f"DROP {kind} {name}")
        database.execute(ROWS, {"rows": rows, "key": key})
        database.execute(MONTHS)
        for _, _, sql in made:
            database.execute(sql)
        database.execute("COMMIT")
        database.execute("PRAGMA journal_mode = WAL")
        database.close()

    return fill
