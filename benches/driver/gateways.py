"""The gateways that are measured, each before the same upstream."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any, Self
from urllib.request import Request, urlopen

from .processes import CHECKOUT, Process, binaries, free_port

WIDE = 1_000_000_000
# Looked at for every request, and never reached.
LIMITS = {
    "requests_per_minute": WIDE, "tokens_per_minute": WIDE, "tokens_per_day": 1000 * WIDE, "concurrent_requests": 1_000_000,
    "budgets": [{"period": "month", "tenge": "1000000000000", "hard": True}],
}
CONFIG = """[server]
listen = "127.0.0.1:0"
max_in_flight = 8192
[store]
url = "sqlite:data/shekara.db"
[local]
enabled = false
[audit]
mode = "batched"
{labels}
[[providers]]
name = "cloud"
kind = "openai-compatible"
base_url = "{upstream}/v1"
api_key = "env:SHEKARA_BENCH_CLOUD_KEY"
[[billing.prices]]
provider = "cloud"
model = "mock"
prompt_per_million = "0.25"
completion_per_million = "2.00"
[billing.exchange]
source = "fixed"
rate = "512.34"
"""
ROUTE = '[[routes]]\nmodel = "{model}"\ntargets = [{{ provider = "cloud", model = "mock" }}]\n'
ENVIRONMENT = {"SHEKARA_BENCH_CLOUD_KEY": "sk-mock"}


class Mock(Process):
    """The upstream."""

    def __init__(self, folder: Path, *arguments: Any) -> None:
        super().__init__("mock", [binaries() / "mock_upstream", "--listen", "127.0.0.1:0", *arguments], folder)
        self.url = self.wait_for(lambda: re.search(r"(http://[\d.:]+)/v1", self.said()), "its address")[1]


class Shekara(Process):
    """The gateway with everything on: key, limits and a budget, screening, audit, usage and its price in the ledger.

    `prepare` gets the data folder's database before the start that counts.
    """

    def __init__(self, folder: Path, upstream: str, routes: int = 10, prepare: Any = None) -> None:
        folder.mkdir(parents=True)
        self.binary = binaries() / "shekara"
        write_config(self.binary, folder, upstream, routes)
        command = [self.binary, "serve", "--config", "shekara.toml"]
        super().__init__("shekara", command, folder, ENVIRONMENT)
        self._wait_listening()
        admin = self._printed(r"^Admin key \(shown once\):\s+(\S+)$")
        self.key = self._make_key(admin)
        if prepare is not None:
            self.stop()
            prepare(folder / "data" / "shekara.db")
            super().__init__("shekara", command, folder, ENVIRONMENT)
            self._wait_listening()
        self.load = ("--url", self.url, "--model", "route-0")

    def _wait_listening(self) -> None:
        self.url = self.wait_for(lambda: self._printed(r"^Shekara listens on (\S+)$"), "its address")
        self.wait_answers(self.url + "/healthz")

    def _printed(self, pattern: str) -> str:
        match = re.search(pattern, self.said(), re.MULTILINE)
        return match[1] if match else ""

    def _make_key(self, admin: str) -> str:
        body = {"name": "bench", "tenant": "bank", "project": "support", "environment": "prod", "limits": LIMITS}
        headers = {"authorization": f"Bearer {admin}", "content-type": "application/json"}
        with urlopen(Request(self.url + "/admin/v1/keys", json.dumps(body).encode(), headers), timeout=30) as response:
            key: str = json.load(response)["key"]
        return key


def write_config(binary: Path, folder: Path, upstream: str, routes: int) -> None:
    """With unsigned labels where the gateway can leave signatures out: they are an option."""
    for labels in ("[labels]\nsignatures = false", ""):
        text = CONFIG.format(upstream=upstream, labels=labels)
        text += "".join(ROUTE.format(model=f"route-{number}") for number in range(routes))
        (folder / "shekara.toml").write_text(text)
        command = [str(binary), "config", "check", "--config", "shekara.toml"]
        done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
    raise SystemExit(done.stdout + done.stderr)


class Peer(Process):
    """Another gateway, as `benches/peers/gateway.sh` starts it."""

    READY = {"nginx": "/", "sglang-router": "/health", "portkey": "/", "litellm": "/health/liveliness"}
    MODELS = {"tensorzero": "tensorzero::model_name::mock"}

    def __init__(self, name: str, folder: Path, upstream: str) -> None:
        port = free_port()
        command = [CHECKOUT / "benches/peers/gateway.sh", "run", name, upstream.rsplit(":", 1)[1], port]
        super().__init__(name, command, folder)
        self.key = "sk-mock"
        url = f"http://127.0.0.1:{port}"
        if name == "tensorzero":
            url = self.wait_for(lambda: re.search(r"^listens on (\S+)$", self.said(), re.MULTILINE), "its address")[1] + "/chat/completions"
        else:
            self.wait_answers(url + self.READY[name])
        self.load: tuple[str, ...] = ("--url", url, "--model", self.MODELS.get(name, "mock"))
        if name == "portkey":
            self.load += ("--header", "x-portkey-provider: openai", "--header", f"x-portkey-custom-host: {upstream}/v1")


def started(name: str, folder: Path, upstream: str) -> Shekara | Peer:
    return Shekara(folder / name, upstream) if name == "shekara" else Peer(name, folder / name, upstream)


class All:
    """Several servers at once, all ended at the end."""

    def __init__(self) -> None:
        self._servers: list[Process] = []

    def add(self, server: Any) -> Any:
        self._servers.append(server)
        return server

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        for server in reversed(self._servers):
            server.stop()
