"""One record per request, whatever becomes of the process."""

import signal
import tempfile
import threading
import unittest
from pathlib import Path
from typing import Any

import openai
from openai import OpenAI

from harness.configuration import CLOUD_MODEL, LOCAL_MODEL, support_chat
from harness.gateway import Gateway
from harness.target import Target
from harness.upstream import Upstream
from harness.waiting import wait_until

TARGET = Target.from_environment()
IIN = "901123300258"
WORKERS = 8
ANSWERS_BEFORE_THE_KILL = 400


class OwnGateway(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.upstream = self.enterContext(Upstream())
        self.gateway = Gateway(TARGET.binary, self.folder, support_chat(TARGET.models, self.upstream.url))
        self.enterContext(self.gateway)
        self.gateway.wait_ready()


class Records(OwnGateway):
    def test_who_when_and_how_but_not_what(self) -> None:
        chat = self.gateway.client().chat.completions
        ordinary = chat.with_raw_response.create(
            model="support-chat", messages=[{"role": "user", "content": "question-nobody-should-keep"}]
        )
        sensitive = chat.with_raw_response.create(
            model="support-chat", messages=[{"role": "user", "content": f"ИИН {IIN}"}], max_tokens=3, stream=True
        )
        streamed = list(sensitive.parse())
        with self.assertRaises(openai.NotFoundError) as caught:
            chat.create(model="no-such-model", messages=[{"role": "user", "content": "x"}])
        exported = self.gateway.command("audit", "export")
        rows = {row["request_id"]: row for row in self.gateway.audit()}

        row = rows[str(ordinary.headers.get("x-request-id"))]
        expected = {
            "tenant": "default", "project": "default", "environment": "dev", "actor": "first application",
            "endpoint": "POST /v1/chat/completions", "route": "support-chat", "reason": "primary", "provider": "cloud",
            "model": CLOUD_MODEL, "zone": "external", "data_class": "public", "entities": {}, "outcome": "completed",
            "status": 200, "streamed": False, "attempts": 1, "prompt_tokens": 7, "completion_tokens": 6,
        }
        self.assertEqual({name: row[name] for name in expected}, expected)
        self.assertTrue(self.gateway.key.startswith(f"sk-sh-{row['key_id']}"))
        self.assertRegex(row["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")

        row = rows[str(sensitive.headers.get("x-request-id"))]
        expected = {
            "reason": "pii", "provider": "local", "model": LOCAL_MODEL, "zone": "local", "data_class": "personal",
            "entities": {"iin": 1}, "pii_action": "local", "outcome": "completed", "streamed": True,
        }
        self.assertEqual({name: row[name] for name in expected}, expected)
        self.assertGreater(row["completion_tokens"], 0)
        self.assertGreaterEqual(row["total_ms"], row["first_token_ms"])
        self.assertTrue(streamed)

        row = rows[str(caught.exception.request_id)]
        self.assertEqual((row["outcome"], row["status"], row["error_code"]), ("failed", 404, "model_not_found"))
        for secret in ("question-nobody-should-keep", IIN, self.gateway.key):
            self.assertNotIn(secret, exported.stdout)

    def test_a_client_that_leaves_is_recorded_as_such(self) -> None:
        stream = self.gateway.client().chat.completions.with_raw_response.create(
            model=LOCAL_MODEL, messages=[{"role": "user", "content": "Где моя посылка?"}], stream=True,
            extra_body={"ignore_eos": True}, max_tokens=100_000,
        )
        chunks = stream.parse()
        next(iter(chunks))
        chunks.close()
        request_id = stream.headers.get("x-request-id")

        def recorded() -> Any:
            return [row["outcome"] for row in self.gateway.audit() if row["request_id"] == request_id]

        self.assertEqual(wait_until(recorded, "the record of the request that was left"), ["aborted"])


class Killed(OwnGateway):
    def test_no_row_of_an_answered_request_is_lost(self) -> None:
        load = Load(self.gateway.client())
        load.start()
        reached = load.reached.wait(90)
        self.gateway.send_signal(signal.SIGKILL)
        load.join()
        self.assertTrue(reached, f"only {len(load.answered)} answers: {load.unexpected}")
        self.assertEqual(load.unexpected, [])
        self.assertEqual(self.gateway.wait(), -signal.SIGKILL)
        self._assert_complete(load.answered)
        self.gateway.start().wait_ready()
        self._assert_complete(load.answered)

    def _assert_complete(self, answered: list[str]) -> None:
        rows = self.gateway.audit()
        completed = [row["request_id"] for row in rows if row["outcome"] == "completed"]
        self.assertEqual(set(answered) - set(completed), set())
        self.assertEqual(len(completed), len(set(completed)))


class Load:
    """Threads that ask one question after the other, of both kinds, plain and streamed, until the gateway is gone."""

    def __init__(self, client: OpenAI) -> None:
        self.client = client
        self.answered: list[str] = []
        self.unexpected: list[str] = []
        self.reached = threading.Event()
        self._threads = [threading.Thread(target=self._ask_on, args=(number,)) for number in range(WORKERS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _ask_on(self, number: int) -> None:
        sensitive, stream = bool(number & 1), bool(number & 2)
        text = f"ИИН {IIN}" if sensitive else "Где моя посылка?"
        try:
            while True:
                response = self.client.chat.completions.with_raw_response.create(
                    model="support-chat", messages=[{"role": "user", "content": text}], max_tokens=2, stream=stream
                )
                if stream:
                    chunks: list[Any] = list(response.parse())
                    if not chunks[-1].choices[0].finish_reason:
                        # Cut off by the kill: not an answer.
                        return
                self.answered.append(str(response.headers.get("x-request-id")))
                if len(self.answered) >= ANSWERS_BEFORE_THE_KILL:
                    self.reached.set()
        except openai.APIConnectionError:
            # The gateway was killed, as planned.
            return
        except openai.APIError as error:
            self.unexpected.append(repr(error))
        except Exception as error:
            # A stream cut in the middle surfaces as an error of the SDK's transport.
            if not type(error).__module__.startswith("httpx"):
                self.unexpected.append(repr(error))
