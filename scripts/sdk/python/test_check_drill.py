"""`shekara check` against a running gateway, and `shekara drill` beside its data."""

import json
import tempfile
import unittest
from pathlib import Path
from typing import Any

from harness.configuration import CLOUD_MODEL, LOCAL_MODEL, basis, provider, support_chat
from harness.gateway import Gateway
from harness.target import Target
from harness.upstream import Upstream

TARGET = Target.from_environment()
REQUESTS = 2


class Case(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.upstream = self.enterContext(Upstream())

    def gateway(self, config: str) -> Gateway:
        gateway = Gateway(TARGET.binary, self.folder, config)
        self.addCleanup(gateway.stop)
        return gateway


class Check(Case):
    def test_the_local_model_and_a_provider_are_told_apart_and_compared(self) -> None:
        gateway = self.gateway(support_chat(TARGET.models, self.upstream.url)).start().wait_ready()
        (self.folder / "application.key").write_text(gateway.key)
        ended = gateway.command(
            "check", "--url", gateway.url, "--key", "file:application.key", "--route", LOCAL_MODEL, "--route",
            "support-chat", "--long-tokens", "200", "--max-tokens", "16", "--json",
        )
        report = json.loads(ended.stdout)
        self.assertEqual(ended.returncode, 1 if report["failed"] else 0, ended.stderr)
        self.assertNotIn(gateway.key, ended.stdout)
        rows: dict[tuple[str, str], dict[str, Any]] = {(row["route"], row["request"]): row for row in report["routes"]}
        self.assertEqual(len(rows), 8, report["routes"])
        for request in ("normal", "streamed", "long"):
            with self.subTest(request=request):
                own, cloud = rows[LOCAL_MODEL, request], rows["support-chat", request]
                self.assertEqual((own["ok"], own["zone"], own["provider"]), (True, "local", "local"), own)
                self.assertEqual((cloud["ok"], cloud["zone"], cloud["model"]), (True, "external", CLOUD_MODEL), cloud)
                self.assertTrue(own["is_openai_shape"] and own["has_usage"], own)
        self.assertTrue(rows[LOCAL_MODEL, "tool"]["is_openai_shape"], rows[LOCAL_MODEL, "tool"])
        # The stub calls a tool of its own.
        self.assertEqual(rows["support-chat", "tool"]["problems"], ["a tool was called that there is not"])
        targets = {row["target"] for row in report["targets"] if row["route"] == "support-chat"}
        self.assertEqual(targets, {f"cloud/{CLOUD_MODEL}", f"local/{LOCAL_MODEL}"})

    def test_a_model_of_another_kind_fails_nothing(self) -> None:
        gateway = self.gateway(basis(TARGET.models)).start().wait_ready()
        (self.folder / "application.key").write_text(gateway.key)
        ended = gateway.command(
            "check", "--url", gateway.url, "--key", "file:application.key", "--route", "pii-names", "--json"
        )
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual([row["kind"] for row in json.loads(ended.stdout)["routes"]], ["other"])


class Drill(Case):
    def test_the_local_model_takes_over_from_a_provider_that_nobody_asks(self) -> None:
        route = (
            f'[[routes]]\nmodel = "support-chat"\ntargets = [{{ provider = "cloud", model = "{CLOUD_MODEL}" }}]\n'
            f'fallback = [{{ provider = "local", model = "{LOCAL_MODEL}" }}]\n'
        )
        gateway = self.gateway(basis(TARGET.models) + provider("cloud", f"{self.upstream.url}/v1") + route)
        ended = gateway.command("drill", "--route", "support-chat", "--requests", str(REQUESTS), "--json")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        report = json.loads(ended.stdout)
        self.assertEqual([one["ok"] for one in report["faults"]], [True] * 6)
        for one in report["faults"]:
            with self.subTest(fault=one["fault"]):
                is_half = one["fault"] == "cut after content"
                self.assertEqual(one["error_rate"], 1.0 if is_half else 0.0)
                self.assertEqual(one["answered_by"], {} if is_half else {f"local/{LOCAL_MODEL}": REQUESTS})
                self.assertEqual(one["half_answered_and_switched"], 0)
        self.assertEqual(self.upstream.received(), b"", "the first target itself is not asked")
        self.assertFalse((self.folder / "data").exists(), "the data of the real gateway is left alone")
