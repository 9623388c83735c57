"""Processes that are measured, and the load on them."""

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

START_S = 180.0
STOP_S = 30.0
LOAD_S = 600.0
CHECKOUT = Path(__file__).resolve().parent.parent.parent


def free_port() -> int:
    """A port that nobody listens on, nor on the next one, which some peers take for their metrics."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


class Process:
    """A server in a group of its own, ended with all that it started."""

    def __init__(self, name: str, command: list[Any], folder: Path, environment: dict[str, str] | None = None) -> None:
        self.name = name
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.output = folder / f"{name}.out"
        with self.output.open("wb") as output:
            self._process = subprocess.Popen(
                [str(part) for part in command], cwd=folder, env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def said(self) -> str:
        return self.output.read_text(errors="replace")

    def wait_for(self, condition: Any, what: str) -> Any:
        """What `condition` gives, once that is something."""
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            if self._process.poll() is not None:
                raise SystemExit(f"{self.name} ended with {self._process.returncode}:\n{self.said()[-4000:]}")
            found = condition()
            if found:
                return found
            time.sleep(0.02)
        raise SystemExit(f"{self.name}: {what} took too long:\n{self.said()[-4000:]}")

    def wait_answers(self, url: str) -> Self:
        """Until anything but a refusal to connect or "not yet" comes from there."""
        self.wait_for(lambda: status(url) not in (None, 503), f"an answer of {url}")
        return self

    def stop(self) -> None:
        if self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def status(url: str) -> int | None:
    try:
        with urlopen(Request(url), timeout=5) as response:
            return int(response.status)
    except HTTPError as error:
        return error.code
    except (URLError, OSError):
        return None


def binaries() -> Path:
    """Where `cargo build --release` puts programs."""
    target = os.environ.get("CARGO_TARGET_DIR")
    return (Path(target) if target else CHECKOUT / "target").resolve() / "release"


def load(*arguments: Any, key: str | None = None) -> dict[str, Any]:
    """Runs the load driver and gives its figures."""
    environment = {**os.environ, **({"SHEKARA_API_KEY": key} if key else {})}
    command = [str(part) for part in (binaries() / "load", *arguments, "--json", "-")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LOAD_S, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures
