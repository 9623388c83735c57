"""A stub of an external provider on a loopback port. It keeps every byte that any client sends to it.

The first part of the path chooses how it behaves: `/v1` answers, `/silent/v1` reads and never answers, `/held/v1` begins
a stream and ends it when `release` is called, `/flaky/v1` fails every other time, each
time in another way, before it has said anything, `/unauthorized/v1` refuses the key, `/claude/v1` answers in Anthropic's shape.
"""

import json
import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from . import replies

IDLE_S = 120.0
"""A connection on which nothing happens for so long is closed: a bound for tests that hang."""


class Upstream:
    """The stub and, on a second port so that it leaves no trace in the record, a control endpoint (GET /received)."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self._lock = threading.Lock()
        self._received = bytearray()
        self._turn = 0
        # Bound and never listening: whoever connects is refused, and nobody else can take the port meanwhile.
        self._refusing = socket.socket()
        self._refusing.bind(("127.0.0.1", 0))
        self._server = _Server(("127.0.0.1", 0), _Connection)
        self._server.upstream = self
        self._control = _Control(("127.0.0.1", 0), _ControlRequest)
        self._control.upstream = self
        for server in (self._server, self._control):
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def refusing_url(self) -> str:
        """Where every connection is refused."""
        return f"http://127.0.0.1:{self._refusing.getsockname()[1]}"

    @property
    def control_url(self) -> str:
        return f"http://127.0.0.1:{self._control.server_address[1]}"

    def record(self, data: bytes) -> None:
        with self._lock:
            self._received += data

    def received(self) -> bytes:
        """Everything received so far, on all connections, as it came."""
        with self._lock:
            return bytes(self._received)

    def next_fault(self) -> str | None:
        """How the flaky provider fails next; None answers."""
        with self._lock:
            self._turn += 1
            return None if self._turn % 2 else replies.FAULTS[self._turn // 2 % len(replies.FAULTS)]

    def release(self) -> None:
        """Lets held streams end."""
        self.released.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()
        for server in (self._server, self._control):
            server.shutdown()
            server.server_close()
        self._refusing.close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    upstream: Upstream


class _Connection(socketserver.BaseRequestHandler):
    """One connection: requests one after the other, each byte recorded before it is looked at."""

    server: _Server

    def setup(self) -> None:
        self.request.settimeout(IDLE_S)
        self._pending = b""

    def handle(self) -> None:
        try:
            while self._one_request():
                pass
        except OSError:
            # The client left or went silent, which several tests are about.
            return

    def _one_request(self) -> bool:
        while b"\r\n\r\n" not in self._pending:
            if not self._receive():
                return False
        head, self._pending = self._pending.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        length = int(headers.get("content-length", "0"))
        while len(self._pending) < length:
            if not self._receive():
                return False
        body, self._pending = self._pending[:length], self._pending[length:]
        path = lines[0].split(" ")[1]
        return self._answer(path, json.loads(body))

    def _receive(self) -> bool:
        data = self.request.recv(1 << 16)
        self.server.upstream.record(data)
        self._pending += data
        return bool(data)

    def _answer(self, path: str, body: dict[str, Any]) -> bool:
        match path.split("/")[1]:
            case "silent":
                while self._receive():
                    pass
                return False
            case "held":
                begin, end = replies.stream_halves(body)
                self.request.sendall(replies.chunked_head() + replies.chunk(begin))
                self.server.upstream.released.wait(IDLE_S)
                self.request.sendall(replies.chunk(end) + replies.chunk(b""))
            case "flaky" if (fault := self.server.upstream.next_fault()) is not None:
                self.request.sendall(replies.fault(fault, bool(body.get("stream"))))
                return fault != "cut"
            case "unauthorized":
                self.request.sendall(replies.whole(401, replies.UNAUTHORIZED))
            case "claude" if path.endswith("/count_tokens"):
                self.request.sendall(replies.whole(200, {"input_tokens": 7}))
            case "claude" if body.get("stream"):
                events = replies.message_events(body)
                self.request.sendall(replies.chunked_head() + replies.chunk(events) + replies.chunk(b""))
            case "claude":
                self.request.sendall(replies.whole(200, replies.message(body)))
            case _ if body.get("stream"):
                events = b"".join(replies.stream_halves(body))
                self.request.sendall(replies.chunked_head() + replies.chunk(events) + replies.chunk(b""))
            case _:
                self.request.sendall(replies.whole(200, replies.completion(body)))
        return True


class _Control(ThreadingHTTPServer):
    daemon_threads = True
    upstream: Upstream


class _ControlRequest(BaseHTTPRequestHandler):
    server: _Control

    def do_GET(self) -> None:
        received = self.server.upstream.received()
        self.send_response(200)
        self.send_header("content-type", "application/octet-stream")
        self.send_header("content-length", str(len(received)))
        self.end_headers()
        self.wfile.write(received)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the tests' own output is what matters."""
