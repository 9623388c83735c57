"""While a stream runs: Ctrl-C lets it finish and turns away what is new; a full gateway says when to come back."""

import signal
import tempfile
import unittest
from pathlib import Path
from typing import Any

import openai

from harness import replies
from harness.configuration import LOCAL_MODEL, basis, provider, route
from harness.gateway import Gateway
from harness.target import Target
from harness.upstream import Upstream
from harness.waiting import wait_until

TARGET = Target.from_environment()
HELLO: list[Any] = [{"role": "user", "content": "Где моя посылка?"}]


class HeldStream(unittest.TestCase):
    def begin(self, server: str) -> tuple[Upstream, Gateway, Any]:
        """A gateway and a stream through it whose first piece has arrived and whose end the upstream holds back."""
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        upstream = self.enterContext(Upstream())
        held = provider("held", f"{upstream.url}/held/v1") + route("support-chat", "held")
        gateway = Gateway(TARGET.binary, folder, basis(TARGET.models, server) + held)
        self.enterContext(gateway)
        gateway.wait_ready()
        stream = iter(gateway.client().chat.completions.create(model="support-chat", messages=HELLO, stream=True))
        self.assertEqual(self._next_text(stream), replies.WORDS[0])
        return upstream, gateway, stream

    @staticmethod
    def _next_text(stream: Any) -> str:
        return str(next(text for chunk in stream if (text := chunk.choices[0].delta.content)))


class Full(HeldStream):
    def test_one_request_more_than_may_run_is_told_when_to_come_back(self) -> None:
        upstream, gateway, stream = self.begin("max_in_flight = 1")
        with self.assertRaises(openai.RateLimitError) as caught:
            gateway.client().chat.completions.create(model="support-chat", messages=HELLO)
        self.assertGreaterEqual(int(caught.exception.response.headers["retry-after"]), 1)
        upstream.release()
        self.assertTrue(list(stream))
        # The SDK's own retries find the place that the stream has left.
        gateway.client(max_retries=5).chat.completions.create(model="support-chat", messages=HELLO, stream=True).close()


class CtrlC(HeldStream):
    def test_a_running_stream_finishes_and_new_requests_get_503(self) -> None:
        upstream, gateway, stream = self.begin("grace_s = 60")
        gateway.send_signal(signal.SIGINT)
        wait_until(lambda: gateway.status_of("/readyz") == 503, "/readyz to turn red")
        with self.assertRaises(openai.InternalServerError) as caught:
            gateway.client().chat.completions.create(model="support-chat", messages=HELLO)
        self.assertEqual((caught.exception.status_code, caught.exception.code), (503, "shutting_down"))
        self.assertTrue(caught.exception.response.headers.get("retry-after"))
        self.assertIsNone(gateway.process.poll())
        upstream.release()
        rest = list(stream)
        self.assertEqual("".join(chunk.choices[0].delta.content or "" for chunk in rest), "".join(replies.WORDS[1:]))
        self.assertEqual(rest[-1].choices[0].finish_reason, "stop")
        self.assertEqual(gateway.wait(), 0)
        self.assertEqual([row["outcome"] for row in gateway.audit()], ["completed"])

    def test_a_running_local_stream_finishes(self) -> None:
        _, gateway, _ = self.begin("grace_s = 60")
        stream = gateway.client().chat.completions.create(
            model=LOCAL_MODEL, messages=HELLO, stream=True, max_tokens=200, extra_body={"ignore_eos": True}
        )
        chunks = iter(stream)
        self.assertTrue(self._next_text(chunks))
        gateway.send_signal(signal.SIGINT)
        self.assertEqual(list(chunks)[-1].choices[0].finish_reason, "length")

    def test_after_the_grace_period_a_stream_ends_with_an_error(self) -> None:
        _, gateway, stream = self.begin("grace_s = 1")
        gateway.send_signal(signal.SIGTERM)
        with self.assertRaises(openai.APIError) as caught:
            list(stream)
        self.assertEqual(caught.exception.code, "stream_interrupted")
        self.assertEqual(gateway.wait(), 0)
        self.assertEqual([row["outcome"] for row in gateway.audit()], ["failed"])

    def test_a_second_ctrl_c_ends_at_once(self) -> None:
        _, gateway, _ = self.begin("grace_s = 600")
        gateway.send_signal(signal.SIGINT)
        wait_until(lambda: gateway.status_of("/readyz") == 503, "/readyz to turn red")
        gateway.send_signal(signal.SIGINT)
        self.assertEqual(gateway.wait(), 0)
