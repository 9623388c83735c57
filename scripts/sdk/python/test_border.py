"""Sensitive requests while the outside fails in every way, and while nothing inside can answer."""

import tempfile
import threading
import time
import unittest
from pathlib import Path
from typing import Any

import openai

from harness.configuration import LOCAL_MODEL, support_chat
from harness.gateway import Gateway
from harness.target import Target
from harness.upstream import Upstream
from harness.waiting import wait_until

TARGET = Target.from_environment()
ORDINARY: list[Any] = [{"role": "user", "content": "Где моя посылка?"}]
SENSITIVE: list[Any] = [{"role": "user", "content": "Мой ИИН 901123300258, где моя посылка?"}]


class ProviderFails(unittest.TestCase):
    def setUp(self) -> None:
        self.chat = TARGET.client().chat.completions

    def assert_sensitive_works(self, route: str) -> None:
        for stream in (False, True):
            raw = self.chat.with_raw_response.create(model=route, messages=SENSITIVE, max_tokens=4, stream=stream)
            self.assertEqual((raw.headers.get("x-shekara-reason"), raw.headers.get("x-shekara-zone")), ("pii", "local"))
            if stream:
                self.assertTrue(list(raw.parse()))

    def assert_ordinary_fails(self, route: str, status: int, code: str) -> None:
        with self.assertRaises(openai.InternalServerError) as caught:
            self.chat.create(model=route, messages=ORDINARY, max_tokens=4, stream=True)
        self.assertEqual((caught.exception.status_code, caught.exception.code), (status, code))

    def test_down(self) -> None:
        self.assert_ordinary_fails("cloud-down", 502, "provider_unreachable")
        self.assert_sensitive_works("cloud-down")

    def test_without_its_credential(self) -> None:
        with self.assertRaises(openai.InternalServerError):
            self.chat.create(model="cloud-unset", messages=[{"role": "user", "content": "never-sent-unset"}])
        self.assertNotIn(b"never-sent-unset", TARGET.received_upstream())
        self.assert_sensitive_works("cloud-unset")

    def test_slow(self) -> None:
        waiting = threading.Thread(target=self.assert_ordinary_fails, args=("cloud-slow", 504, "provider_timeout"))
        waiting.start()
        self.assert_sensitive_works("cloud-slow")
        waiting.join()
        self.assert_ordinary_fails("cloud-slow", 504, "provider_timeout")

    def test_down_with_a_fallback(self) -> None:
        raw = self.chat.with_raw_response.create(model="cloud-with-fallback", messages=ORDINARY)
        self.assertEqual(raw.headers.get("x-shekara-reason"), "fallback:connect")
        self.assertEqual(raw.headers.get("x-shekara-attempts"), "2")
        self.assert_sensitive_works("cloud-with-fallback")


class NoLocalModel(unittest.TestCase):
    def test_a_sensitive_request_goes_nowhere(self) -> None:
        with tempfile.TemporaryDirectory() as name, Upstream() as upstream:
            folder = Path(name)
            empty = folder / "models"
            empty.mkdir()
            with Gateway(TARGET.binary, folder, support_chat(empty, upstream.url)) as gateway:
                wait_until(lambda: gateway.status_of("/healthz") == 200, "/healthz to be green")
                self.assertEqual(gateway.status_of("/readyz"), 503)
                for stream in (False, True):
                    self._refused_at_once(gateway, stream)
                with self.assertRaises(openai.NotFoundError):
                    gateway.client().chat.completions.create(model=LOCAL_MODEL, messages=ORDINARY)
                self.assertEqual(upstream.received(), b"")
                ordinary = gateway.client().chat.completions.with_raw_response.create(
                    model="support-chat", messages=ORDINARY
                )
                self.assertEqual(ordinary.headers.get("x-shekara-zone"), "external")

    def _refused_at_once(self, gateway: Gateway, stream: bool) -> None:
        begun = time.monotonic()
        with self.assertRaises(openai.InternalServerError) as caught:
            # With the SDK's own retries: the error says that they cannot help.
            gateway.client(max_retries=2).chat.completions.create(model="support-chat", messages=SENSITIVE, stream=stream)
        self.assertEqual((caught.exception.status_code, caught.exception.code), (503, "no_local_model"))
        self.assertEqual(caught.exception.response.headers.get("x-should-retry"), "false")
        self.assertLess(time.monotonic() - begun, 10.0)
