"""The engine beside llama.cpp on the same GGUF files: in-process points, and over HTTP."""

import argparse
import json
import os
import random
import subprocess
import tempfile
import threading
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from .gateways import All
from .points import Points
from .processes import CHECKOUT, Process, binaries, free_port, status

PEERS = CHECKOUT / "benches/peers/inference.sh"
SEED = 20_261_201
FORMATS = ("q4_k_m", "q8_0")


def peer_path(name: str) -> Path:
    done = subprocess.run([PEERS, "path", name], capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())


def shown(command: list[Any]) -> str:
    """A command without the folders of this machine."""
    return " ".join(Path(str(part)).name if "/" in str(part) else str(part) for part in command)


def run_json(command: list[Any]) -> Any:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{shown(command)}\n{done.stderr[-4000:]}")
    return json.loads(done.stdout)


class InProcess:
    """Prefill, decoding by depth and streams at once: our `gguf` and `llama-bench` in turns, one point each time."""

    def __init__(self, arguments: argparse.Namespace, points: Points) -> None:
        self.arguments = arguments
        self.points = points

    def measure(self, model: Path) -> None:
        for number in range(self.arguments.rounds):
            self.ours(model)
            # The better of both ways of attention counts, point by point.
            for flash in (0, 1):
                self.llama_bench(model, flash)
            if self.arguments.streams:
                self.llama_batched_bench(model)
            print(f"{model.stem}: round {number + 1} of {self.arguments.rounds}", flush=True)

    def ours(self, model: Path) -> None:
        list_of = lambda numbers: ",".join(map(str, numbers))
        arguments = self.arguments
        command = [
            binaries() / "gguf", model, "--threads", arguments.threads, "--prefill", list_of(arguments.prefill),
            "--decode", list_of(arguments.depths), "--generate", arguments.generate,
        ]
        for option, numbers in (("--prefill-at", arguments.prefill_at), ("--streams", arguments.streams)):
            command += [option, list_of(numbers)] if numbers else []
        measured = run_json(command)
        for point, value in measured["tokens_per_s"].items():
            self.points.add(f"{model.stem} {point}", "shekara", {"tokens_per_s": value}, shown(command))
        memory = {key: measured[key] for key in ("file_mb", "loaded_mb", "load_s", "read_gb_per_s")}
        self.points.add(f"{model.stem} load", "shekara", memory, shown(command))

    def llama_bench(self, model: Path, flash: int) -> None:
        arguments = self.arguments
        common = [peer_path("llama-bench"), "-m", model, "-t", arguments.threads, "-r", 1, "-fa", flash, "-o", "json"]
        who = f"llama.cpp -fa {flash}"
        for length in arguments.prefill:
            self.llama_point(f"{model.stem} prefill-{length}", who, [*common, "-p", length, "-n", 0])
        for depth in arguments.depths:
            self.llama_point(f"{model.stem} decode-at-{depth}", who, [*common, "-p", 0, "-n", arguments.generate, "-d", depth])
        for depth in arguments.prefill_at:
            self.llama_point(f"{model.stem} prefill-512-at-{depth}", who, [*common, "-p", 512, "-n", 0, "-d", depth])

    def llama_point(self, point: str, who: str, command: list[Any]) -> None:
        row, = run_json(command)
        self.points.add(point, who, {"tokens_per_s": round(row["avg_ts"], 2)}, shown(command))

    def llama_batched_bench(self, model: Path) -> None:
        for streams in self.arguments.streams:
            command = [
                peer_path("llama-batched-bench"), "-m", model, "-t", self.arguments.threads, "-fa", "on", "-npp", 16, "-ntg",
                self.arguments.generate, "-npl", streams, "-c", streams * (32 + self.arguments.generate), "--output-format", "jsonl",
            ]
            done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True)
            row = next(json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
            self.points.add(f"{model.stem} decode-of-{streams}", "llama.cpp -fa 1", {"tokens_per_s": round(row["speed_tg"], 2)}, shown(command))


class Server(Process):
    """Either engine behind HTTP, with room for the same number of sequences of the same length."""

    def __init__(self, name: str, model: Path, folder: Path, arguments: argparse.Namespace) -> None:
        port = free_port()
        slots, context = max(arguments.concurrency), arguments.context
        if name == "shekara":
            models = folder / "models"
            models.mkdir(parents=True)
            (models / "model.gguf").symlink_to(model)
            command = [binaries() / "shekara-inference", "serve", "--models-dir", models, "--listen", f"127.0.0.1:{port}",
                       "--threads", arguments.threads, "--max-num-seqs", slots, "--max-queue", 1024, "--max-context", context,
                       "--num-speculative-tokens", 0, "--kv-cache-bytes", arguments.kv_cache_mib << 20]
        else:
            command = [peer_path("llama-server"), "-m", model, "-t", arguments.threads, "-c", slots * context, "--parallel", slots,
                       "--port", port, "--host", "127.0.0.1", "-fa", "on", "--no-webui", "--alias", "model"]
        super().__init__(name, command, folder)
        self.command = shown(command)
        self.port = port
        self.wait_for(lambda: status(f"http://127.0.0.1:{port}/v1/models") == 200 and self.is_ready(), "its model")

    def is_ready(self) -> bool:
        try:
            ask(self.port, "One two three.", 1)
        except (OSError, ValueError, KeyError):
            return False
        return True


def ask(port: int, text: str, tokens: int) -> dict[str, int]:
    """The usage of a chat of `tokens` tokens exactly."""
    connection = HTTPConnection("127.0.0.1", port, timeout=1800)
    body = {"model": "model", "messages": [{"role": "user", "content": text}], "max_tokens": tokens, "temperature": 0,
            "ignore_eos": True, "cache_prompt": False}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"content-type": "application/json"})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    usage: dict[str, int] = answer["usage"]
    return usage


class Work:
    """Requests that some callers take one by one until none is left."""

    def __init__(self, requests: list[tuple[str, int]], callers: int, port: int) -> None:
        self._requests = list(reversed(requests))
        self._lock = threading.Lock()
        self._callers = callers
        self._port = port
        self.prompt_tokens = self.completion_tokens = self.failed = 0

    def run(self) -> float:
        callers = [threading.Thread(target=self._call) for _ in range(self._callers)]
        began = time.monotonic()
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        return time.monotonic() - began

    def _call(self) -> None:
        while True:
            with self._lock:
                if not self._requests:
                    return
                text, tokens = self._requests.pop()
            try:
                usage = ask(self._port, text, tokens)
            except (OSError, ValueError, KeyError):
                usage = {}
            with self._lock:
                self.prompt_tokens += usage.get("prompt_tokens", 0)
                self.completion_tokens += usage.get("completion_tokens", 0)
                self.failed += usage.get("completion_tokens") != tokens


class OverHttp:
    """Both servers in turns; the one that is not asked sleeps."""

    def __init__(self, arguments: argparse.Namespace, points: Points) -> None:
        self.arguments = arguments
        self.points = points

    def measure(self, model: Path) -> None:
        with tempfile.TemporaryDirectory(prefix="shekara-engines-") as name, All() as all_of_them:
            servers = [all_of_them.add(Server(who, model, Path(name) / who, self.arguments)) for who in ("shekara", "llama.cpp")]
            for number in range(self.arguments.rounds):
                for concurrency in self.arguments.concurrency:
                    count = max(4, concurrency) if self.arguments.quick else max(8, 2 * concurrency)
                    requests = [(words(128, (number, concurrency, one)), self.arguments.generate) for one in range(count)]
                    for server in servers:
                        self.point(f"{model.stem} http-{concurrency}", server, requests, concurrency)
            for number in range(self.arguments.workload_rounds):
                for server in servers:
                    requests = nano_vllm(self.arguments.workload, self.arguments.workload_scale, number)
                    self.point(f"{model.stem} http-workload", server, requests, max(self.arguments.concurrency))

    def point(self, point: str, server: Server, requests: list[tuple[str, int]], callers: int) -> None:
        work = Work(requests, callers, server.port)
        seconds = work.run()
        tokens = work.prompt_tokens + work.completion_tokens
        figures = {
            "tokens_per_s": round(work.completion_tokens / seconds, 2), "all_tokens_per_s": round(tokens / seconds, 2),
            "seconds": round(seconds, 2), "requests": len(requests), "failed": work.failed,
        }
        self.points.add(point, server.name, figures, server.command)


def words(count: int, seed: Any) -> str:
    """About a token and a half each, and never the same beginning."""
    chosen = random.Random(f"{SEED} {seed}")
    return " ".join(chosen.choice(("for", "name", "value", "return", "self", "import", "class", "in")) for _ in range(count))


def nano_vllm(count: int, scale: float, number: int) -> list[tuple[str, int]]:
    """Prompts and answers of 100 to 1024 tokens each, times `scale`."""
    lengths = random.Random(f"{SEED} workload {number}")
    length = lambda: max(1, round(lengths.randint(100, 1024) * scale))
    return [(words(length(), (number, one)), length()) for one in range(count)]


def ratios(points: Points) -> dict[str, float]:
    """How many times the better of llama.cpp's figures ours is."""
    best: dict[str, float] = {}
    for row in points.result():
        if row["who"] != "shekara" and "tokens_per_s" in row["median"]:
            figure = "all_tokens_per_s" if row["point"].endswith("workload") else "tokens_per_s"
            best[row["point"]] = max(best.get(row["point"], 0.0), row["median"][figure])
    told = {}
    for point, theirs in best.items():
        ours = points.median(point, "shekara", "all_tokens_per_s" if point.endswith("workload") else "tokens_per_s")
        if ours and theirs:
            told[point] = round(ours / theirs, 2)
    return told


def limits(points: Points) -> dict[str, float]:
    """Shares of what the machine's memory allows, and of the file's size."""
    told = {}
    for row in points.result():
        model, _, point = row["point"].partition(" ")
        decode = points.median(f"{model} decode-at-0", "shekara", "tokens_per_s")
        if point == "load":
            median = row["median"]
            told[f"{model} loaded, of the file's bytes"] = round(median["loaded_mb"] / median["file_mb"], 2)
            if decode:
                told[f"{model} decode-at-0, of the memory's bandwidth"] = round(decode * median["file_mb"] / 1e3 / median["read_gb_per_s"], 2)
    return told


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="benches/run --only engine", description=__doc__)
    made.add_argument("--shapes", nargs="+", default=["qwen3-0.6b", "qwen3-1.7b"])
    made.add_argument("--formats", nargs="+", default=FORMATS)
    made.add_argument("--threads", type=int, default=os.cpu_count())
    made.add_argument("--rounds", type=int, default=5)
    made.add_argument("--prefill", nargs="+", type=int, default=[512, 4096])
    made.add_argument("--depths", nargs="+", type=int, default=[0, 2048, 8192])
    made.add_argument("--prefill-at", nargs="*", type=int, default=[2048])
    made.add_argument("--streams", nargs="*", type=int, default=[8, 32], help="answers at once, without HTTP")
    made.add_argument("--generate", type=int, default=32)
    made.add_argument("--concurrency", nargs="+", type=int, default=[1, 2, 4, 8, 16, 32, 64], help="requests at once, over HTTP")
    made.add_argument("--context", type=int, default=1024, help="of each sequence over HTTP")
    made.add_argument("--kv-cache-mib", type=int, default=8192)
    made.add_argument("--workload", type=int, default=256, help="nano-vllm's: requests")
    made.add_argument("--workload-scale", type=float, default=0.1, help="of its lengths, 100 to 1024")
    made.add_argument("--workload-rounds", type=int, default=1)
    made.add_argument("--parts", nargs="+", default=["in-process", "http"])
    made.add_argument("--quick", action="store_true", help="few and short rounds: to see that it works")
    return made


def measure(told: list[str]) -> dict[str, Any]:
    arguments = parser().parse_args(told)
    if arguments.quick:
        arguments.rounds, arguments.generate, arguments.prefill, arguments.depths = 1, 8, [128], [0, 512]
        arguments.prefill_at, arguments.streams, arguments.concurrency = [], [4], [1, 4]
        arguments.workload, arguments.shapes = 8, arguments.shapes[:1]
    if not (binaries() / "gguf").exists():
        raise SystemExit(f"build first: cargo build --release --locked -p shekara-benches -p shekara-inference --bins ({binaries()})")
    subprocess.run([PEERS, "models", *arguments.shapes], check=True)
    points = Points()
    for shape in arguments.shapes:
        for form in arguments.formats:
            model = peer_path("models") / f"{shape}-{form}.gguf"
            if "in-process" in arguments.parts:
                InProcess(arguments, points).measure(model)
            if "http" in arguments.parts:
                OverHttp(arguments, points).measure(model)
    command = " ".join(["benches/run", "--only", "engine", *told])
    return {"bench": "engine", "command": command, "ratios": ratios(points), "limits": limits(points), "points": points.result()}
