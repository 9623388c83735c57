#!/usr/bin/env python3
"""PostgreSQL is killed under load and comes back: what requests get meanwhile, and whether a record is lost.

    scripts/measure_outage.py target/release/shekara [SECONDS]

Once with `[audit] mode = "batched"` and once with "strict": load for ten seconds, then SECONDS (60) without the database, then
ten more with it. Ends with 1 if a batched request is refused, a strict one is sent while its intent is not durable, a record
is missing or doubled, or `shekara audit verify` finds anything. Needs PostgreSQL's initdb and pg_ctl.
"""

import glob
import http.client
import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

CLIENTS = 8
BEFORE = AFTER = 10
CONFIG = """[server]
listen = "127.0.0.1:0"
[local]
enabled = false
[store]
data_dir = "data"
url = "{database}"
[audit]
mode = "{mode}"
strict_timeout_ms = 500
[[providers]]
name = "cloud"
kind = "openai-compatible"
base_url = "http://127.0.0.1:{port}/v1"
[[routes]]
model = "chat"
targets = [{{ provider = "cloud", model = "big" }}]
"""
ANSWER = json.dumps({
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "fine"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 5, "completion_tokens": 1},
}).encode()


class Provider(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    calls = []

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        Provider.calls.append(time.monotonic())
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_):
        pass


def program(name):
    found = shutil.which(name) or next(iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True)), None)
    return found or sys.exit(f"{name} is not installed (Debian: postgresql)")


class PostgreSQL:
    """One of its own, on a socket in a folder; not as root, which it refuses."""

    def __init__(self, folder):
        self.folder = folder
        os.chmod(folder, 0o777)
        self.run("initdb", "--username", "shekara", "--auth", "trust", "--encoding", "UTF8", "--no-locale")
        self.start()

    def run(self, name, *arguments):
        command = [program(name), "--pgdata", os.path.join(self.folder, "data"), *arguments]
        command = ["runuser", "-u", "nobody", "--", *command] if os.getuid() == 0 else command
        subprocess.run(command, cwd=self.folder, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def start(self):
        options = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}'"
        self.run("pg_ctl", "--log", os.path.join(self.folder, "log"), "--wait", "--silent", "--options", options, "start")

    def kill(self):
        self.run("pg_ctl", "--mode", "immediate", "--silent", "stop")

    def url(self):
        return f"postgres:///postgres?host={self.folder}&user=shekara"


def load(port, key, until, answers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    body = json.dumps({"model": "chat", "messages": [{"role": "user", "content": "hi"}]})
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    while time.monotonic() < until:
        began = time.monotonic()
        connection.request("POST", "/v1/chat/completions", body, headers)
        answer = connection.getresponse()
        answer.read()
        answers.append((began, time.monotonic(), answer.status, answer.getheader("x-request-id")))
        if answer.status != 200:
            time.sleep(0.1)


def started(shekara, folder):
    process = subprocess.Popen([shekara, "serve"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    port = key = None
    for line in process.stdout:
        if "Shekara listens on " in line:
            port = int(line.rsplit(":", 1)[1].strip().strip("/"))
        if "Application key (shown once):" in line:
            key = line.rsplit(" ", 1)[1].strip()
        if port and key:
            break
    # What it says later has a reader too.
    threading.Thread(target=process.stdout.read, daemon=True).start()
    return process, port, key


def one_run(shekara, mode, seconds, port):
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as database_folder:
        database = PostgreSQL(database_folder)
        with open(os.path.join(folder, "shekara.toml"), "w", encoding="utf-8") as file:
            file.write(CONFIG.format(database=database.url(), mode=mode, port=port))
        process, own_port, key = started(shekara, folder)
        try:
            Provider.calls.clear()
            answers, began = [], time.monotonic()
            until = began + BEFORE + seconds + AFTER
            clients = [threading.Thread(target=load, args=(own_port, key, until, answers)) for _ in range(CLIENTS)]
            for client in clients:
                client.start()
            time.sleep(BEFORE)
            database.kill()
            killed = time.monotonic()
            time.sleep(max(0, began + BEFORE + seconds - time.monotonic()))
            back = time.monotonic()
            database.start()
            for client in clients:
                client.join()
            process.terminate()
            process.wait(60)
        finally:
            process.kill()
        try:
            return told(shekara, folder, mode, answers, (killed, back))
        finally:
            database.kill()


def told(shekara, folder, mode, answers, span):
    away = [answer for answer in answers if span[0] < answer[0] and answer[1] < span[1]]
    by_status = lambda some: {status: sum(1 for one in some if one[2] == status) for status in sorted({one[2] for one in some})}
    sent = sum(1 for call in Provider.calls if span[0] + 1 < call < span[1])
    times = sorted(answer[1] - answer[0] for answer in away)
    print(f"{mode}: {len(answers)} requests {by_status(answers)}; {len(away)} of them within {span[1] - span[0]:.0f} s without "
          f"the database {by_status(away)}, median {times[len(times) // 2] * 1e3:.1f} ms, longest {times[-1] * 1e3:.0f} ms; "
          f"{sent} sent out meanwhile")
    verified = subprocess.run([shekara, "audit", "verify", "--json"], cwd=folder, capture_output=True, text=True)
    export = subprocess.run([shekara, "audit", "export"], cwd=folder, capture_output=True, text=True, check=True).stdout
    lines = [json.loads(line) for line in export.splitlines()]
    ended = [line["record"]["request_id"] for line in lines if "record" in line and line["record"]["outcome"] != "dispatched"]
    ended = [request for request in ended if request]
    asked = {answer[3] for answer in answers}
    lost, doubled = asked - set(ended), len(ended) - len(set(ended))
    print(f"  {len(asked & set(ended))} of {len(asked)} have their record, {doubled} doubled; "
          f"audit verify: {'sound' if verified.returncode == 0 else verified.stdout + verified.stderr}")
    is_good = not lost and not doubled and verified.returncode == 0
    if mode == "batched":
        return is_good and set(by_status(answers)) == {200}
    return is_good and sent == 0 and set(by_status(away)) <= {200, 503} and 503 in by_status(away)


def main():
    shekara, seconds = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 60
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    results = [one_run(shekara, mode, seconds, server.server_port) for mode in ("batched", "strict")]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
