"""What a local model does beyond plain text, through the gateway and the unchanged SDK."""

import json
import unittest

from openai import BadRequestError
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from pydantic import BaseModel

from harness.configuration import LOCAL_MODEL
from harness.target import Target

TARGET = Target.from_environment()
QUESTION: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Where is my parcel?"}]


class Parcel(BaseModel):
    number: int
    places: list[str]
    delivered: bool | None


WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "weather", "strict": True,
        "parameters": {
            "type": "object", "additionalProperties": False, "required": ["city", "days"],
            "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 7}},
        },
    },
}


class LocalAbilities(unittest.TestCase):
    def setUp(self) -> None:
        self.chat = TARGET.client().chat.completions

    def test_the_sdk_parses_an_answer_into_a_class(self) -> None:
        for seed in range(5):
            answer = self.chat.parse(
                model=LOCAL_MODEL, messages=QUESTION, response_format=Parcel, max_tokens=150, temperature=1, seed=seed
            )
            self.assertIsInstance(answer.choices[0].message.parsed, Parcel)

    def test_a_streamed_answer_has_its_form_too(self) -> None:
        with self.chat.stream(
            model=LOCAL_MODEL, messages=QUESTION, response_format=Parcel, max_tokens=150, temperature=1, seed=7
        ) as stream:
            final = stream.get_final_completion()
        self.assertIsInstance(final.choices[0].message.parsed, Parcel)

    def test_a_required_call_comes_whole_and_streamed(self) -> None:
        asked = {
            "model": LOCAL_MODEL, "messages": QUESTION, "tools": [WEATHER], "tool_choice": "required",
            "parallel_tool_calls": False, "max_tokens": 150, "temperature": 1, "seed": 3,
        }
        answer = self.chat.create(**asked)
        self.assertEqual(answer.choices[0].finish_reason, "tool_calls")
        call = (answer.choices[0].message.tool_calls or [])[0]
        self.assertEqual(call.function.name, "weather")
        arguments = json.loads(call.function.arguments)
        self.assertEqual(set(arguments), {"city", "days"})
        self.assertIn(arguments["days"], range(1, 8))
        pieces = []
        for chunk in self.chat.create(**asked, stream=True):
            for part in chunk.choices[0].delta.tool_calls or []:
                pieces.append(part.function.arguments or "")
        self.assertGreater(len(pieces), 2)
        self.assertEqual("".join(pieces), call.function.arguments)

    def test_a_call_and_its_answer_can_be_sent_back(self) -> None:
        messages = [
            *QUESTION,
            {"role": "assistant", "content": None, "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Almaty\"}"}}]},
            {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
        ]
        answer = self.chat.create(model=LOCAL_MODEL, messages=messages, tools=[WEATHER], max_tokens=20)
        self.assertIn(answer.choices[0].finish_reason, ("stop", "length", "tool_calls"))

    def test_choices_and_log_probabilities(self) -> None:
        answer = self.chat.create(
            model=LOCAL_MODEL, messages=QUESTION, n=3, logprobs=True, top_logprobs=2, max_tokens=12, temperature=1, seed=5
        )
        self.assertEqual([choice.index for choice in answer.choices], [0, 1, 2])
        for choice in answer.choices:
            assert choice.logprobs is not None and choice.logprobs.content is not None
            read = b"".join(bytes(token.bytes or []) for token in choice.logprobs.content)
            self.assertTrue(read.decode().startswith(choice.message.content or ""))
            self.assertTrue(all(len(token.top_logprobs) == 2 for token in choice.logprobs.content))

    def test_streamed_choices_come_to_their_ends_each(self) -> None:
        ended, texts = set(), {0: "", 1: ""}
        for chunk in self.chat.create(model=LOCAL_MODEL, messages=QUESTION, n=2, max_tokens=12, stream=True):
            for choice in chunk.choices:
                texts[choice.index] += choice.delta.content or ""
                if choice.finish_reason:
                    ended.add(choice.index)
        self.assertEqual(ended, {0, 1})
        self.assertTrue(all(texts.values()))

    def test_a_repeated_prompt_is_found_in_the_cache(self) -> None:
        asked = {"model": LOCAL_MODEL, "messages": [{"role": "user", "content": "Where is my parcel? " * 8}], "max_tokens": 2}
        self.chat.create(**asked)
        again = self.chat.create(**asked)
        assert again.usage is not None and again.usage.prompt_tokens_details is not None
        self.assertGreater(again.usage.prompt_tokens_details.cached_tokens or 0, 0)

    def test_a_wrong_schema_is_named(self) -> None:
        schema = {"type": "object", "properties": {"a": {"type": "strin"}}}
        with self.assertRaises(BadRequestError) as caught:
            self.chat.create(
                model=LOCAL_MODEL, messages=QUESTION,
                response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
            )
        self.assertEqual(caught.exception.param, "response_format.json_schema.schema.properties.a.type")


if __name__ == "__main__":
    unittest.main()
