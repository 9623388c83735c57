"""The gateway beside nginx and other gateways: speed, latency, memory, streams, and how its cost grows."""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from .gateways import All, Mock, Shekara, started
from .growth import keys_filled, ledger_filled
from .points import Points, quantile
from .processes import binaries, load

# Of a stream's chunks, in milliseconds; an answer of a hundred takes two seconds.
INTERVAL_MS = 20
CHUNKS = 100
ENOUGH = 0.97
ADDED_LIMIT_US = 1000


def whole(figures: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a load of whole answers."""
    measured = figures["measured"]
    kept = {
        "requests_per_s": measured["requests_per_s"], "p50_us": quantile(measured, "total_us", "p50"),
        "p99_us": quantile(measured, "total_us", "p99"), "errors": sum(measured["errors"].values()),
        "cpu_ms_per_request": measured.get("cpu_ms_per_request"), "resident_mb": measured.get("resident_mb"),
    }
    for name in ("p50", "p99"):
        kept[f"added_{name}_us"] = quantile(figures.get("added", {}), "total_us", name)
    return {name: value for name, value in kept.items() if value is not None}


def streamed(figures: dict[str, Any], streams: int) -> dict[str, Any]:
    measured = figures["measured"]
    expected = streams * 1000 / INTERVAL_MS
    return {
        "streams": streams, "chunks_per_s": measured["chunks_per_s"], "carried": round(measured["chunks_per_s"] / expected, 3),
        "transit_p50_us": quantile(measured, "transit_us", "p50"), "transit_p99_us": quantile(measured, "transit_us", "p99"),
        "added_p50_us": quantile(figures["added"], "transit_us", "p50"),
        "added_p99_us": quantile(figures["added"], "transit_us", "p99"),
        "errors": sum(measured["errors"].values()), "cpu_us_per_chunk": measured.get("cpu_us_per_chunk"),
        "resident_mb": measured.get("resident_mb"),
    }


class Bench:
    """One upstream, several gateways before it, and what is measured of them in turns."""

    def __init__(self, arguments: argparse.Namespace, folder: Path, all_of_them: All) -> None:
        self.arguments = arguments
        self.points = Points()
        self.mock = all_of_them.add(Mock(folder / "mock"))
        self.servers = {name: all_of_them.add(started(name, folder, self.mock.url)) for name in arguments.who}

    def ask(self, server: Any, *arguments: Any, slices: int = 1) -> dict[str, Any]:
        return load(*server.load, "--pid", server.pid, "--slices", slices, *arguments, key=server.key)

    def whole_answers(self) -> None:
        """A closed loop at one and at many connections; direct is the upstream itself."""
        seconds = self.arguments.seconds
        for _ in range(self.arguments.rounds):
            for connections in (1, 32):
                settings = ("--connections", connections, "--seconds", seconds)
                direct = load("--url", self.mock.url, "--slices", 1, *settings)
                self.points.add(f"closed-{connections}", "direct", whole(direct), direct["command"])
                for name, server in self.servers.items():
                    if connections == 1:
                        figures = self.ask(server, *settings, "--direct", self.mock.url, slices=2)
                    else:
                        figures = self.ask(server, *settings)
                    self.points.add(f"closed-{connections}", name, whole(figures), figures["command"])

    def half_load(self) -> None:
        """Arrivals on a schedule, half as many as each can take; and at our half, beside the peers."""
        for _ in range(self.arguments.rounds):
            for name, server in self.servers.items():
                highest = self.points.median("closed-32", name, "requests_per_s")
                if highest is None:
                    continue
                settings = ("--connections", 64, "--rate", round(highest / 2), "--seconds", self.arguments.seconds)
                figures = self.ask(server, *settings, "--direct", self.mock.url)
                self.points.add("half-load", name, whole(figures), figures["command"])

    def streams(self) -> None:
        """Downward from what was asked for, until a gateway carries all chunks and adds less than the limit."""
        for name, server in self.servers.items():
            for streams in downward(self.arguments.streams):
                settings = ("--stream", "--chunks", CHUNKS, "--interval-ms", INTERVAL_MS, "--connections", streams)
                for _ in range(self.arguments.stream_rounds):
                    figures = self.ask(server, *settings, "--seconds", self.arguments.stream_seconds, "--direct", self.mock.url)
                    self.points.add(f"streams-{streams}", name, streamed(figures, streams), figures["command"])
                if self.is_carried(name, streams):
                    break

    def is_carried(self, name: str, streams: int) -> bool:
        carried = self.points.median(f"streams-{streams}", name, "carried") or 0.0
        added = self.points.median(f"streams-{streams}", name, "added_p99_us") or 0.0
        return carried >= ENOUGH and added < ADDED_LIMIT_US

    def memory(self) -> None:
        """Resident after all that."""
        for name, server in self.servers.items():
            figures = self.ask(server, "--connections", 32, "--seconds", 0.5)
            memory = {key: figures["measured"][key] for key in ("resident_mb", "peak_mb")}
            self.points.add("memory", name, memory, figures["command"])


def downward(most: int) -> list[int]:
    steps, streams = [], float(most)
    while streams >= 50 and len(steps) < 8:
        steps.append(int(round(streams, -1)))
        streams *= 0.7
    return steps


def growth(bench: Bench, folder: Path, all_of_them: All) -> None:
    """The same load before ten and many keys and routes, and before an empty and a long ledger."""
    arguments = bench.arguments
    variants: dict[str, dict[str, Any]] = {
        "growth-base": {},
        f"growth-{arguments.many_keys}-keys": {"prepare": keys_filled(arguments.many_keys)},
        f"growth-{arguments.many_routes}-routes": {"routes": arguments.many_routes},
        f"growth-{arguments.ledger_rows}-ledger-rows": {"prepare": ledger_filled(arguments.ledger_rows)},
    }
    servers = {name: all_of_them.add(Shekara(folder / name, bench.mock.url, **how)) for name, how in variants.items()}
    for _ in range(arguments.rounds):
        for name, server in servers.items():
            figures = bench.ask(server, "--connections", 32, "--seconds", arguments.seconds)
            bench.points.add(name, "shekara", whole(figures), figures["command"])


def ratios(points: Points, who: list[str]) -> dict[str, Any]:
    """What the goals are about."""
    told: dict[str, Any] = {}
    for name in who:
        if name != "shekara":
            told[f"requests_per_s at 32, of {name}'s"] = points.ratio("closed-32", "shekara", name, "requests_per_s")
    for point, figure in (("closed-1", "added_p50_us"), ("half-load", "p99_us"), ("half-load", "added_p99_us"),
                          ("closed-32", "cpu_ms_per_request"), ("memory", "resident_mb")):
        told[f"{point} {figure}"] = points.median(point, "shekara", figure)
    base = points.median("growth-base", "shekara", "requests_per_s")
    for row in points.result():
        if base and row["point"].startswith("growth-") and row["point"] != "growth-base":
            told[f"{row['point']}, of the base's requests_per_s"] = round(row["median"]["requests_per_s"] / base, 3)
    return told


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="benches/run --only gateway", description=__doc__)
    made.add_argument("--who", nargs="+", default=["shekara", "nginx", "sglang-router"], help="as benches/peers/gateway.sh names them")
    made.add_argument("--rounds", type=int, default=5)
    made.add_argument("--seconds", type=float, default=2.0, help="of each slice")
    made.add_argument("--streams", type=int, default=1000)
    made.add_argument("--stream-seconds", type=float, default=4.0)
    made.add_argument("--stream-rounds", type=int, default=3)
    made.add_argument("--many-keys", type=int, default=10_000)
    made.add_argument("--many-routes", type=int, default=1000)
    made.add_argument("--ledger-rows", type=int, default=10_000_000)
    made.add_argument("--parts", nargs="+", default=["whole", "half", "streams", "memory", "growth"])
    made.add_argument("--quick", action="store_true", help="few and short rounds, a short ledger: to see that it works")
    return made


def measure(words: list[str]) -> dict[str, Any]:
    arguments = parser().parse_args(words)
    if arguments.quick:
        arguments.rounds, arguments.seconds, arguments.stream_seconds, arguments.stream_rounds = 2, 0.5, 1.0, 1
        arguments.ledger_rows = min(arguments.ledger_rows, 100_000)
    if not (binaries() / "load").exists():
        raise SystemExit(f"build first: cargo build --release --locked -p shekara-benches -p shekara-gateway --bins ({binaries()})")
    with tempfile.TemporaryDirectory(prefix="shekara-gateways-") as name, All() as all_of_them:
        folder = Path(name)
        bench = Bench(arguments, folder, all_of_them)
        if "whole" in arguments.parts or "half" in arguments.parts:
            bench.whole_answers()
        if "half" in arguments.parts:
            bench.half_load()
        if "streams" in arguments.parts:
            bench.streams()
        if "memory" in arguments.parts:
            bench.memory()
        if "growth" in arguments.parts:
            growth(bench, folder, all_of_them)
        points = bench.points
    command = " ".join(["benches/run", "--only", "gateway", *words])
    return {"bench": "gateway", "command": command, "ratios": ratios(points, arguments.who), "points": points.result()}
