#!/usr/bin/env python3
"""The invoice of a month with a million calls: seconds and memory of its draft, its close and its PDF, on SQLite.

    scripts/measure_invoice.py target/release/shekara [ROWS]
"""

import os
import sqlite3
import subprocess
import sys
import tempfile
import time

CONFIG = """[local]
enabled = false
[store]
data_dir = "data"
url = "sqlite:data/shekara.db"
[billing.supplier]
name = "ТОО «Шекара Технологиялары»"
name_kk = "«Шекара Технологиялары» ЖШС"
bin = "180140000008"
address = "010000, г. Астана, пр. Мәңгілік Ел, 55"
bank = { name = "АО «Народный Банк Казахстана»", iik = "KZ86125KZT5004100100", bic = "HSBKKZKX" }
signer = { position = "Директор", name = "Әбдірахманова Г. Қ." }
vat = "16"
"""
BUYER = '{"billing":{"name":"АО «Қазына»","bin":"990440000385","address":"г. Алматы"}}'
# Eight projects, sixty keys, three models; one call in ten is a test, one in seven is answered inside.
ROWS = """INSERT INTO ledger (id, request_id, attempt, time, day, tenant, department, project, key_id, environment, provider,
    model, zone, data_class, kind, reason, outcome, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, images,
    audio_ms, usage, usage_source, usd_micro, usd_rest_pico, tiyn)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :rows - 1),
    days AS (SELECT i, '2026-10-' || printf('%02d', i * 31 / :rows + 1) AS day FROM n)
SELECT 'req_01930000000070008000' || i || '-1', 'req_01930000000070008000' || i, 1, day || 'T10:00:00.000Z', day, 'bank',
    'd' || (i % 4), 'p' || (i % 8), 'key' || (i % 60), CASE WHEN i % 10 = 0 THEN 'dev' ELSE 'prod' END, 'openai',
    CASE i % 7 WHEN 0 THEN 'gpt-6-sol' WHEN 1 THEN 'qwen3-8b' ELSE 'gpt-6-mini' END,
    CASE i % 7 WHEN 1 THEN 'local' ELSE 'external' END, 'public', 'first', 'primary', 'answered', 100 + i % 900, i % 300,
    0, 0, 0, 0, '{"prompt_tokens":500,"completion_tokens":100}', 'provider', i % 1000, 0, i % 997 FROM days"""


def measured(what, command, folder):
    began = time.monotonic()
    process = subprocess.Popen(command, cwd=folder)
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0, f"{what} failed"
    print(f"{what}: {time.monotonic() - began:.2f} s, {used.ru_maxrss / 1024:.0f} MB at most")


def main():
    shekara, rows = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "shekara.toml"), "w", encoding="utf-8") as file:
            file.write(CONFIG)
        subprocess.run([shekara, "invoice", "list"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with sqlite3.connect(os.path.join(folder, "data", "shekara.db")) as database:
            tenant = "INSERT INTO tenants (id, name, settings, frozen, created_at_ms, version) VALUES ('bank', 'Bank', ?, 0, 0, 1)"
            database.execute(tenant, (BUYER,))
            database.execute(ROWS, {"rows": rows})
        database.close()
        print_pdf = [shekara, "invoice", "--customer", "bank", "--month", "2026-10", "--format", "pdf", "--output", "x.pdf"]
        measured("draft", print_pdf, folder)
        measured("close", [shekara, "invoice", "close", "--month", "2026-10"], folder)
        measured("PDF", print_pdf, folder)


main()
