#!/usr/bin/env python3
"""What a failing provider costs: the switch to the backup, a primary that hangs, and a client that leaves.

    scripts/failover_time.py --binary TARGET/release/shekara [--requests 300]

Stub providers and the gateway run on this machine, one request at a time. The switch is the time of a request whose
primary answers 503, less that of one call of the primary and of one request that the backup answers alone.
"""

import argparse
import http.client
import json
import socket
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "sdk"))

from harness.configuration import provider
from harness.gateway import Gateway

EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"one "}}]}\n\n'
END = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
WHOLE = b'{"choices":[{"index":0,"message":{"role":"assistant","content":"one"},"finish_reason":"stop"}]}'
EVENTS_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"


class Stub:
    """A provider: `503`, `ok`, `hangs`, or `endless`, which streams until it is left and notes when that was."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.left_at: list[float] = []
        self._server = socket.create_server(("127.0.0.1", 0), backlog=64)
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.getsockname()[1]}/v1"

    def _serve(self) -> None:
        while True:
            connection, _ = self._server.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        pending = b""
        with connection:
            while True:
                while b"\r\n\r\n" not in pending:
                    data = connection.recv(1 << 16)
                    if not data:
                        return
                    pending += data
                head, pending = pending.split(b"\r\n\r\n", 1)
                length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                while len(pending) < length:
                    pending += connection.recv(1 << 16)
                body, pending = pending[:length], pending[length:]
                if not self._answer(connection, b'"stream":true' in body.replace(b" ", b"")):
                    return

    def _answer(self, connection: socket.socket, is_stream: bool) -> bool:
        match self.kind:
            case "503":
                connection.sendall(b"HTTP/1.1 503 X\r\ncontent-length: 2\r\n\r\n{}")
                return True
            case "hangs":
                connection.recv(1)
                return False
            case "endless":
                connection.sendall(EVENTS_HEAD + EVENT)
                try:
                    connection.recv(1)
                except OSError:
                    pass
                self.left_at.append(time.perf_counter())
                return False
            case _ if is_stream:
                connection.sendall(EVENTS_HEAD + EVENT + END)
                return False
            case _:
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(WHOLE) + WHOLE)
                return True


def route(model: str, first: str, rest: str, fallback: str | None = None) -> str:
    text = f'[[routes]]\nmodel = "{model}"\ntargets = [{{ provider = "{first}", model = "{model}" }}]\n{rest}\n'
    return text + (f'fallback = [{{ provider = "{fallback}", model = "m" }}]\n' if fallback else "")


class Client:
    def __init__(self, gateway: Gateway) -> None:
        self._address = gateway.url.removeprefix("http://")
        self._headers = {"authorization": f"Bearer {gateway.key}", "content-type": "application/json"}
        self._connection = http.client.HTTPConnection(self._address)

    def ask(self, model: str, stream: bool = False) -> tuple[float, float, str]:
        """When it was sent, when its first byte of content came, and which reason the headers gave."""
        body = json.dumps({"model": model, "stream": stream, "messages": [{"role": "user", "content": "hi"}]})
        began = time.perf_counter()
        self._connection.request("POST", "/v1/chat/completions", body, self._headers)
        response = self._connection.getresponse()
        response.read(1)
        first = time.perf_counter()
        response.read()
        assert response.status == 200, response.status
        return began, first, response.headers["x-shekara-reason"]

    def leave(self, model: str) -> float:
        """Reads the first event and goes; gives the moment of going."""
        connection = http.client.HTTPConnection(self._address)
        body = json.dumps({"model": model, "stream": True, "messages": [{"role": "user", "content": "hi"}]})
        connection.request("POST", "/v1/chat/completions", body, self._headers)
        connection.getresponse().read(1)
        left = time.perf_counter()
        connection.sock.shutdown(socket.SHUT_RDWR)
        connection.close()
        return left


def milliseconds(seconds: list[float]) -> str:
    ordered = sorted(second * 1e3 for second in seconds)
    return f"median {statistics.median(ordered):.2f} ms, p99 {ordered[int(len(ordered) * 0.99)]:.2f} ms, most {ordered[-1]:.2f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--requests", type=int, default=300)
    arguments = parser.parse_args()
    stubs = {kind: Stub(kind) for kind in ("503", "ok", "hangs", "endless")}
    impatient = "timeouts = { first_token_ms = 2000, total_ms = 60000 }\n"
    config = '[server]\nlisten = "127.0.0.1:0"\n[local]\nenabled = false\n'
    config += "".join(provider(kind, stub.url) for kind, stub in stubs.items())
    config += route("alone", "ok", "") + route("endless", "endless", "")
    # A model of its own for each request: none is passed over because it failed before.
    config += "".join(route(f"switch-{turn}", "503", "", "ok") for turn in range(arguments.requests))
    config += route("hung-once", "hangs", impatient + "retries = { timeout = 0 }", "ok") + route("hung", "hangs", impatient, "ok")
    with tempfile.TemporaryDirectory(prefix="shekara-failover-") as name, Gateway(arguments.binary.resolve(), Path(name), config) as gateway:
        client = Client(gateway)
        for _ in range(50):
            client.ask("alone")
        calls = []
        for _ in range(arguments.requests):
            began = time.perf_counter()
            connection = http.client.HTTPConnection(stubs["503"].url.removeprefix("http://").removesuffix("/v1"))
            connection.request("POST", "/v1", "{}")
            connection.getresponse().read()
            calls.append(time.perf_counter() - began)
        alone, switched = [], []
        for turn in range(arguments.requests):
            began, first, _ = client.ask("alone")
            alone.append(first - began)
            began, first, reason = client.ask(f"switch-{turn}")
            assert reason == "fallback:5xx", reason
            switched.append(first - began)
        print(f"answered by the backup alone:  {milliseconds(alone)}")
        print(f"primary answers 503:           {milliseconds(switched)}")
        cost = statistics.median(switched) - statistics.median(alone) - statistics.median(calls)
        worst = sorted(switched)[int(len(switched) * 0.99)] - statistics.median(alone) - statistics.median(calls)
        print(f"the switch itself:             median {cost * 1e3:.2f} ms, p99 {worst * 1e3:.2f} ms")
        for model, what in (("hung-once", "retries = { timeout = 0 }"), ("hung", "by default")):
            began, first, _ = client.ask(model, stream=True)
            print(f"hung primary, 2 s, {what}: the backup's first token after {first - began:.3f} s")
        gone = []
        for turn in range(min(arguments.requests, 100)):
            left = client.leave("endless")
            while len(stubs["endless"].left_at) <= turn:
                time.sleep(0.0005)
            gone.append(stubs["endless"].left_at[turn] - left)
        print(f"client leaves, upstream closed: {milliseconds(gone)}")


if __name__ == "__main__":
    main()
