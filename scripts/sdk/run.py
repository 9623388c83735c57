#!/usr/bin/env python3
"""Runs the real OpenAI SDKs for Python and Node, and Anthropic's for Python, against the built gateway.

    run.py --binary TARGET/release/shekara --node-modules DIR/node_modules --clients DIR/bin/python [--models models] [--only NAME]

Beside them LangChain, LiteLLM and instructor, by the Python of `--clients`. One gateway and one stub upstream are shared by both suites, and a gateway with a model that hears by Node's; tests about starting, stopping and failing start gateways of
their own. The last line is `N passed, M failed`; the exit code is 0 only if nothing failed.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import unittest
from dataclasses import dataclass
from pathlib import Path

from harness.configuration import all_routes, basis
from harness.gateway import Gateway
from harness.target import Target
from harness.upstream import Upstream

HERE = Path(__file__).resolve().parent
SPEECH_MODELS = HERE.parent.parent / "inference/tests/fixtures/speech"
NODE_SUITE_S = 600.0
TEST_S = 120


@dataclass
class Count:
    passed: int = 0
    failed: int = 0

    def add(self, other: "Count") -> None:
        self.passed += other.passed
        self.failed += other.failed


class CountingResult(unittest.TextTestResult):
    """Counts tests, where unittest counts a test once for each of its failed subtests."""

    successes = 0

    def addSuccess(self, test: unittest.TestCase) -> None:
        self.successes += 1
        super().addSuccess(test)

    def count(self) -> Count:
        failed = {getattr(test, "test_case", test).id() for test, _ in self.failures + self.errors}
        return Count(self.successes, len(failed) + len(self.unexpectedSuccesses))


def run_python(only: str | None) -> Count:
    loader = unittest.TestLoader()
    if only:
        loader.testNamePatterns = [f"*{only}*"]
    suite = loader.discover(str(HERE / "python"), top_level_dir=str(HERE / "python"))
    runner = unittest.TextTestRunner(verbosity=2, resultclass=CountingResult)  # type: ignore[arg-type]
    result = runner.run(suite)
    assert isinstance(result, CountingResult)
    return result.count()


def run_clients(python: Path, only: str | None) -> Count:
    """LangChain, LiteLLM and instructor, in the environment that has them."""
    command = [str(python), "-m", "unittest", "discover", "--verbose", "--start-directory", str(HERE / "clients")]
    if only:
        command += ["-k", only]
    ended = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=NODE_SUITE_S, check=False)
    sys.stderr.write(ended.stderr)
    ran = re.search(r"^Ran (\d+) tests? in", ended.stderr, re.MULTILINE)
    failed = sum(int(number) for number in re.findall(r"(?:failures|errors)=(\d+)", ended.stderr))
    total = int(ran[1]) if ran else 0
    # Subtests fail more than once, and a suite that did not even load fails as a whole.
    failed = min(failed, total) if total else int(not only)
    return Count(total - failed, failed)


def run_node(folder: Path, node_modules: Path, only: str | None, speech: Gateway) -> Count:
    tap = folder / "node.tap"
    command = ["node", "--test", f"--test-timeout={TEST_S * 1000}"]
    command += ["--test-reporter=spec", "--test-reporter-destination=stdout"]
    command += ["--test-reporter=tap", f"--test-reporter-destination={tap}"]
    if only:
        command.append(f"--test-name-pattern={only}")
    command += [str(path) for path in sorted((HERE / "node").glob("*.test.mjs"))]
    own = {"SHEKARA_NODE_MODULES": str(node_modules), "SHEKARA_SPEECH_URL": speech.url, "SHEKARA_SPEECH_KEY": speech.key}
    environment = {**os.environ, **own}
    code = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, timeout=NODE_SUITE_S, check=False).returncode
    totals = dict(re.findall(r"^# (pass|fail|cancelled) (\d+)$", tap.read_text(), re.MULTILINE))
    count = Count(int(totals["pass"]), int(totals["fail"]) + int(totals["cancelled"]))
    if code != 0 and count.failed == 0:
        count.failed = 1
    return count


def forget_the_users_own_settings() -> None:
    """A proxy or an OpenAI account of whoever runs the tests must play no part in them."""
    for name in list(os.environ):
        if name.startswith("OPENAI_") or name.lower().endswith("_proxy"):
            del os.environ[name]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--node-modules", type=Path, required=True)
    parser.add_argument("--clients", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=HERE.parent.parent / "models")
    parser.add_argument("--only", help="only tests whose name holds this")
    arguments = parser.parse_args()
    forget_the_users_own_settings()
    binary, models = arguments.binary.resolve(), arguments.models.resolve()
    count = Count()
    with tempfile.TemporaryDirectory(prefix="shekara-sdk-") as name, Upstream() as upstream:
        folder = Path(name)
        with Gateway(binary, folder, all_routes(models, upstream.url, upstream.refusing_url)) as gateway:
            gateway.wait_ready()
            target = Target(gateway.url, gateway.key, gateway.admin_key, folder, upstream.control_url, binary, models)
            os.environ.update(target.to_environment())
            count.add(run_python(arguments.only))
            count.add(run_clients(arguments.clients.absolute(), arguments.only))
            sys.stderr.flush()
            speech_folder = folder / "speech"
            speech_folder.mkdir()
            with Gateway(binary, speech_folder, basis(SPEECH_MODELS)) as speech:
                speech.wait_ready()
                count.add(run_node(folder, arguments.node_modules.resolve(), arguments.only, speech))
    print(f"{count.passed} passed, {count.failed} failed", flush=True)
    return 0 if count.failed == 0 and count.passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
