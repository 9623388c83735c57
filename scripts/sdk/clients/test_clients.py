"""Clients that applications use instead of the plain SDK, unchanged: LangChain's ChatOpenAI, LiteLLM and instructor.

Each asks a route that works, the local model, and a route whose primary fails every other time: of that nothing may show.
"""

import asyncio
import os
import unittest
from typing import Any

import instructor
import litellm
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from openai import OpenAI
from pydantic import BaseModel

URL, KEY = f"{os.environ['SHEKARA_URL']}/v1", os.environ["SHEKARA_KEY"]
TEXT = "Ваша посылка уже в пути 🚚."
"""What the stub upstream says."""
STEADY, FLAKY, LOCAL = "support-chat", "cloud-flaky", "demo"
TURNS = 12
"""Enough to meet every fault of the flaky upstream."""
litellm.telemetry = False


@tool
def find_client(parcel: str) -> str:
    """Finds whose parcel it is."""
    return f"{parcel} is Айгуль's"


class LangChain(unittest.TestCase):
    def chat(self, model: str, **options: Any) -> ChatOpenAI:
        return ChatOpenAI(model=model, base_url=URL, api_key=KEY, max_retries=0, timeout=60, **options)

    def test_plain_streamed_and_asynchronous(self) -> None:
        for model in (STEADY, FLAKY):
            for turn in range(TURNS if model == FLAKY else 1):
                with self.subTest(model=model, turn=turn):
                    self.assertEqual(self.chat(model).invoke("Где посылка?").text, TEXT)
                    pieces = [chunk.text for chunk in self.chat(model).stream("Где посылка?")]
                    self.assertEqual("".join(pieces), TEXT)
        answer = asyncio.run(self.chat(STEADY).ainvoke([HumanMessage("Где посылка?")]))
        self.assertEqual((answer.text, answer.usage_metadata["total_tokens"]), (TEXT, 13))

    def test_usage_of_a_stream(self) -> None:
        chunks = list(self.chat(STEADY, stream_usage=True).stream("Где посылка?"))
        used = [chunk.usage_metadata for chunk in chunks if chunk.usage_metadata]
        self.assertEqual([usage["output_tokens"] for usage in used], [6])

    def test_a_tool_is_called_and_its_result_answered(self) -> None:
        for model in (STEADY, *[FLAKY] * TURNS):
            chat = self.chat(model).bind_tools([find_client])
            asked: list[Any] = [HumanMessage("Чья посылка A-17?")]
            called = chat.invoke(asked)
            self.assertEqual([call["args"] for call in called.tool_calls], [{"parcel": "A-17"}])
            result = find_client.invoke(called.tool_calls[0])
            self.assertIsInstance(result, ToolMessage)
            self.assertEqual(chat.invoke([*asked, called, result]).text, TEXT)

    def test_a_local_model_answers_personal_questions(self) -> None:
        answer = self.chat(STEADY, max_tokens=40).invoke("Мой ИИН 901123300258, где моя посылка?")
        self.assertNotEqual(answer.text, TEXT)
        self.assertTrue(answer.text)


class LiteLlm(unittest.TestCase):
    def ask(self, model: str, **options: Any) -> Any:
        messages = [{"role": "user", "content": "Где посылка?"}]
        return litellm.completion(
            model=f"openai/{model}", api_base=URL, api_key=KEY, messages=messages, num_retries=0, max_retries=0, timeout=60,
            **options,
        )

    def test_plain_and_streamed(self) -> None:
        for model in (STEADY, *[FLAKY] * TURNS):
            answer = self.ask(model)
            self.assertEqual((answer.choices[0].message.content, answer.usage.total_tokens), (TEXT, 13))
            pieces = [chunk.choices[0].delta.content or "" for chunk in self.ask(model, stream=True) if chunk.choices]
            self.assertEqual("".join(pieces), TEXT)

    def test_tools(self) -> None:
        schema = {"type": "object", "properties": {"parcel": {"type": "string"}}, "required": ["parcel"]}
        tools = [{"type": "function", "function": {"name": "find_client", "parameters": schema}}]
        for model in (STEADY, *[FLAKY] * TURNS):
            calls = self.ask(model, tools=tools).choices[0].message.tool_calls
            self.assertEqual([call.function.arguments for call in calls], ['{"parcel": "A-17"}'])

    def test_an_error_is_that_of_the_api(self) -> None:
        with self.assertRaises(litellm.exceptions.NotFoundError):
            self.ask("no-such-model")


class find_client_parcel(BaseModel):
    parcel: str


find_client_parcel.__name__ = find_client_parcel.__qualname__ = "find_client"
"""The stub upstream calls the tool of this name."""


class Status(BaseModel):
    answer: str
    is_found: bool


class Instructor(unittest.TestCase):
    def setUp(self) -> None:
        self.client = OpenAI(base_url=URL, api_key=KEY, max_retries=0, timeout=60)

    def test_tools(self) -> None:
        client = instructor.from_openai(self.client, mode=instructor.Mode.TOOLS)
        for model in (STEADY, *[FLAKY] * TURNS):
            found = client.chat.completions.create(
                model=model, response_model=find_client_parcel, max_retries=0,
                messages=[{"role": "user", "content": "Чья посылка A-17?"}],
            )
            self.assertEqual(found.parcel, "A-17")

    def test_a_local_model_keeps_to_the_schema(self) -> None:
        client = instructor.from_openai(self.client, mode=instructor.Mode.JSON_SCHEMA)
        status = client.chat.completions.create(
            model=LOCAL, response_model=Status, max_retries=0, max_tokens=80,
            messages=[{"role": "user", "content": "Где моя посылка?"}],
        )
        self.assertIsInstance(status, Status)


if __name__ == "__main__":
    unittest.main()
