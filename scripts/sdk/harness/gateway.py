"""The built gateway as a process of its own, in a folder of its own."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from openai import OpenAI

from .configuration import CLOUD_KEY, CLOUD_KEY_VARIABLE
from .waiting import wait_until

START_S = 120.0
STOP_S = 60.0
COMMAND_S = 60.0
REQUEST_S = 60.0


class Gateway:
    """Starts the binary with `config`, reads its address and first keys from what it prints, and ends it."""

    def __init__(self, binary: Path, folder: Path, config: str) -> None:
        self.binary = binary
        self.folder = folder
        self.config = folder / "shekara.toml"
        self.config.write_text(config)
        self.url = ""
        self.key = ""
        self.admin_key = ""
        self._starts = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Returns when the gateway has printed its address and everything after it. Keys of an earlier start stay."""
        self._starts += 1
        with self._log("out").open("wb") as out, self._log("err").open("wb") as err:
            self._process = subprocess.Popen(
                [self.binary, "--config", self.config], cwd=self.folder, env=_environment(), stdin=subprocess.DEVNULL,
                stdout=out, stderr=err,
            )
        announced = wait_until(self._announced, "the gateway to print its address", START_S)
        self.url = announced
        self.key = self._printed(r"^Application key \(shown once\):\s+(\S+)$") or self.key
        self.admin_key = self._printed(r"^Admin key \(shown once\):\s+(\S+)$") or self.admin_key
        return self

    def _announced(self) -> str | None:
        if self.process.poll() is not None:
            raise AssertionError(f"the gateway ended with {self.process.returncode}: {self.errors()}")
        if self._printed(r"^(curl .*|Keys: .*)\n") is None:
            return None
        return self._printed(r"^Shekara listens on (\S+)$")

    def _printed(self, pattern: str) -> str | None:
        match = re.search(pattern, self.output(), re.MULTILINE)
        return match.group(1) if match else None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise AssertionError("the gateway was not started")
        return self._process

    def output(self) -> str:
        """Standard output since the last start."""
        return self._log("out").read_text()

    def errors(self) -> str:
        """Standard error since the last start."""
        return self._log("err").read_text()

    def _log(self, name: str) -> Path:
        return self.folder / f"start-{self._starts}.{name}"

    def client(self, **options: Any) -> OpenAI:
        """An SDK client that does not retry, so that counts are exact."""
        return OpenAI(**{"base_url": f"{self.url}/v1", "api_key": self.key, "max_retries": 0, "timeout": REQUEST_S, **options})

    def status_of(self, path: str) -> int | None:
        """The status of a GET, None where nothing answers."""
        try:
            with urlopen(Request(self.url + path), timeout=REQUEST_S) as response:
                return int(response.status)
        except HTTPError as error:
            return error.code
        except (URLError, OSError):
            return None

    def wait_ready(self) -> Self:
        wait_until(lambda: self.status_of("/readyz") == 200, f"/readyz to be green\n{self.output()}", START_S)
        return self

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command of the binary on the same configuration."""
        return run_binary(self.binary, self.folder, *arguments, "--config", str(self.config))

    def audit(self) -> list[dict[str, Any]]:
        """`shekara audit export`, parsed: the last record of each request, oldest request first."""
        exported = self.command("audit", "export")
        if exported.returncode != 0:
            raise AssertionError(exported.stderr)
        lines = [json.loads(line) for line in exported.stdout.splitlines()]
        records: dict[str, dict[str, Any]] = {}
        for record in (line["record"] for line in lines if "record" in line):
            records[record["request_id"]] = record
        return list(records.values())

    def send_signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        """The exit code, once the process has ended."""
        return self.process.wait(STOP_S)

    def stop(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_S)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def run_binary(binary: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs one command of the binary in `folder` to its end."""
    return subprocess.run(
        [binary, *arguments], cwd=folder, env=_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=COMMAND_S, check=False,
    )


def _environment() -> dict[str, str]:
    return {**os.environ, CLOUD_KEY_VARIABLE: CLOUD_KEY}
