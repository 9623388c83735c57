"""A provider that fails every other time: of that the SDKs see nothing where another target can answer, and with the
SDK's own retries no tool is called twice. A configuration that changes under load costs no request."""

import signal
import tempfile
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from openai import OpenAI

from harness import replies
from harness.configuration import LOCAL_MODEL, basis
from harness.gateway import Gateway
from harness.target import Target
from harness.upstream import Upstream
from harness.waiting import wait_until

TARGET = Target.from_environment()
TURNS = 2 * len(replies.FAULTS)
"""Enough to meet every fault."""
QUESTION: list[Any] = [{"role": "user", "content": "Где посылка?"}]
SCHEMA = {"type": "object", "properties": {"parcel": {"type": "string"}}, "required": ["parcel"]}
TOOLS: list[Any] = [{"type": "function", "function": {"name": replies.TOOL_NAME, "parameters": SCHEMA}}]


class FallbackIsInvisible(unittest.TestCase):
    def test_chat_plain_streamed_and_with_tools(self) -> None:
        chat = TARGET.client().chat.completions
        for _ in range(TURNS):
            self.assertEqual(chat.create(model="cloud-flaky", messages=QUESTION).choices[0].message.content, replies.TEXT)
            chunks = list(chat.create(model="cloud-flaky", messages=QUESTION, stream=True))
            self.assertEqual("".join(chunk.choices[0].delta.content or "" for chunk in chunks), replies.TEXT)
            called = chat.create(model="cloud-flaky", messages=QUESTION, tools=TOOLS).choices[0].message.tool_calls
            self.assertEqual([call.id for call in called or []], [replies.CALL_ID])

    def test_responses_and_messages(self) -> None:
        openai, anthropic = TARGET.client(), TARGET.anthropic()
        for _ in range(TURNS):
            self.assertEqual(openai.responses.create(model="cloud-flaky", input="Где посылка?").output_text, replies.TEXT)
            message = anthropic.messages.create(model="cloud-flaky", max_tokens=50, messages=QUESTION)
            self.assertEqual(message.content[0].text, replies.TEXT)


class TheSdksOwnRetries(unittest.TestCase):
    def test_no_tool_is_called_twice(self) -> None:
        chat = TARGET.client(max_retries=4).chat.completions
        for _ in range(TURNS):
            called = chat.create(model="cloud-flaky-alone", messages=QUESTION, tools=TOOLS).choices[0].message.tool_calls
            self.assertEqual([call.id for call in called or []], [replies.CALL_ID])


class Reload(unittest.TestCase):
    """Requests go on while providers, weights and keys change, and while the file is broken."""

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.upstream = self.enterContext(Upstream())

    def configuration(self, turn: int) -> str:
        key = self.folder / "key"
        providers = "".join(
            f'[[providers]]\nname = "p{number}"\nkind = "openai-compatible"\n'
            f'base_url = "{self.upstream.url}/v1"\napi_key = "file:{key}"\n'
            for number in range(1 + turn % 3)
        )
        targets = ", ".join(
            f'{{ provider = "p{number}", model = "m", weight = {1 + (turn + number) % 5} }}' for number in range(1 + turn % 3)
        )
        return basis(TARGET.models) + providers + f'[[routes]]\nmodel = "chat"\ntargets = [{targets}]\n'

    @staticmethod
    def reads(gateway: Gateway) -> int:
        """How often the file was read anew, with success or without."""
        return gateway.errors().count("the configuration ")

    def test_no_request_fails(self) -> None:
        (self.folder / "key").write_text("key-0")
        gateway = Gateway(TARGET.binary, self.folder, self.configuration(0))
        self.addCleanup(gateway.stop)
        gateway.start().wait_ready()
        over = threading.Event()

        def ask(number: int) -> int:
            client = OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0, timeout=60)
            answered = 0
            while not over.is_set():
                if number % 2:
                    answer = client.chat.completions.create(model="chat", messages=QUESTION).choices[0].message.content
                else:
                    chunks = client.chat.completions.create(model="chat", messages=QUESTION, stream=True)
                    answer = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
                self.assertEqual(answer, replies.TEXT)
                answered += 1
            return answered

        with ThreadPoolExecutor(8) as clients:
            asking = [clients.submit(ask, number) for number in range(8)]
            try:
                for turn in range(1, 13):
                    broken = turn % 4 == 0 and turn < 12
                    gateway.config.write_text("[server\n" if broken else self.configuration(turn))
                    (self.folder / "key").write_text(f"key-{turn}")
                    before = self.reads(gateway)
                    gateway.send_signal(signal.SIGHUP)
                    wait_until(lambda: self.reads(gateway) > before, "the file to be read")
            finally:
                over.set()
            self.assertTrue(all(done.result() > 0 for done in asking))
        self.assertIn(b"key-12", self.upstream.received(), "the rotated key is used at once")
        self.assertIn("stays as it was", gateway.errors())

    def test_a_changed_file_is_noticed_without_a_signal(self) -> None:
        (self.folder / "key").write_text("key")
        gateway = Gateway(TARGET.binary, self.folder, self.configuration(0))
        self.addCleanup(gateway.stop)
        gateway.start().wait_ready()
        client = OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0, timeout=60)
        gateway.config.write_text(self.configuration(0).replace('model = "chat"', 'model = "renamed"'))

        def renamed() -> bool:
            return any(model.id == "renamed" for model in client.models.list())

        wait_until(renamed, "the new name of the route")
        self.assertTrue(any(model.id == LOCAL_MODEL for model in client.models.list()))
