"""The same gateway through `client.responses` and through Anthropic's SDK: other words, the same border."""

import unittest
from typing import Any

import anthropic
import openai

from harness.replies import CALL_ID, SEALED, SIGNATURE, TEXT, THOUGHT, TOOL_NAME
from harness.target import Target

TARGET = Target.from_environment()
ROUTE = "support-chat"
IIN = "Мой ИИН 901123300258, где моя посылка?"
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"parcel": {"type": "string"}}, "required": ["parcel"]}


class Responses(unittest.TestCase):
    def setUp(self) -> None:
        self.responses = TARGET.client().responses

    def test_an_ordinary_question_goes_out(self) -> None:
        raw = self.responses.with_raw_response.create(model=ROUTE, instructions="Отвечай кратко.", input="Где посылка?")
        answer = raw.parse()
        self.assertEqual((answer.output_text, answer.status), (TEXT, "completed"))
        self.assertEqual(raw.headers.get("x-shekara-zone"), "external")
        assert answer.usage is not None
        self.assertEqual((answer.usage.input_tokens, answer.usage.output_tokens), (7, 6))

    def test_a_stream_says_the_same(self) -> None:
        events = list(self.responses.create(model=ROUTE, input="Где посылка?", stream=True))
        text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        self.assertEqual(text, TEXT)
        self.assertEqual((events[0].type, events[-1].type), ("response.created", "response.completed"))

    def test_a_tool_is_called_and_its_result_taken(self) -> None:
        tools: list[Any] = [{"type": "function", "name": TOOL_NAME, "parameters": SCHEMA}]
        call = self.responses.create(model=ROUTE, input="Найди A-17", tools=tools).output[0]
        assert call.type == "function_call"
        self.assertEqual((call.name, call.call_id, call.arguments), (TOOL_NAME, CALL_ID, '{"parcel": "A-17"}'))
        result = {"type": "function_call_output", "call_id": call.call_id, "output": "в пути"}
        asked: list[Any] = [{"role": "user", "content": "Найди A-17"}, call.to_dict(), result]
        self.assertEqual(self.responses.create(model=ROUTE, input=asked, tools=tools).output_text, TEXT)

    def test_personal_data_stays_inside(self) -> None:
        for stream in (False, True):
            raw = self.responses.with_raw_response.create(
                model=ROUTE, input=IIN, max_output_tokens=4, stream=stream
            )
            self.assertEqual((raw.headers.get("x-shekara-reason"), raw.headers.get("x-shekara-zone")), ("pii", "local"))
            self.assertTrue(list(raw.parse()))
        self.assertNotIn(b"901123300258", TARGET.received_upstream())

    def test_what_is_not_kept_is_refused_by_name(self) -> None:
        with self.assertRaises(openai.BadRequestError) as caught:
            self.responses.create(model=ROUTE, input="А теперь?", previous_response_id="resp_1")
        self.assertEqual(caught.exception.param, "previous_response_id")


class Messages(unittest.TestCase):
    def setUp(self) -> None:
        self.messages = TARGET.anthropic().messages

    def ask(self, text: str, **more: Any) -> anthropic.types.Message:
        messages: list[Any] = [{"role": "user", "content": text}]
        return self.messages.create(**{"model": ROUTE, "max_tokens": 64, "messages": messages, **more})

    def test_an_ordinary_question_goes_out(self) -> None:
        answer = self.ask("Где посылка?", system="Отвечай кратко.")
        block = answer.content[0]
        assert block.type == "text"
        self.assertEqual((block.text, answer.stop_reason), (TEXT, "end_turn"))
        self.assertEqual((answer.usage.input_tokens, answer.usage.output_tokens), (7, 6))

    def test_a_stream_says_the_same(self) -> None:
        messages: list[Any] = [{"role": "user", "content": "Где посылка?"}]
        with self.messages.stream(model=ROUTE, max_tokens=64, messages=messages) as stream:
            self.assertEqual("".join(stream.text_stream), TEXT)
            self.assertEqual(stream.get_final_message().usage.output_tokens, 6)

    def test_a_tool_is_called_and_its_result_taken(self) -> None:
        tools: list[Any] = [{"name": TOOL_NAME, "input_schema": SCHEMA}]
        answer = self.ask("Найди A-17", tools=tools)
        call = answer.content[0]
        assert call.type == "tool_use"
        self.assertEqual((call.name, call.input, answer.stop_reason), (TOOL_NAME, {"parcel": "A-17"}, "tool_use"))
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "в пути"}
        turns: list[Any] = [
            {"role": "user", "content": "Найди A-17"},
            {"role": "assistant", "content": answer.content},
            {"role": "user", "content": [result]},
        ]
        block = self.messages.create(model=ROUTE, max_tokens=64, messages=turns, tools=tools).content[0]
        assert block.type == "text"
        self.assertEqual(block.text, TEXT)

    def test_thoughts_go_round_with_their_signatures(self) -> None:
        thinking: Any = {"type": "enabled", "budget_tokens": 1024}
        asked: list[Any] = [{"role": "user", "content": "Где посылка?"}]
        wanted: dict[str, Any] = {"model": "claude-chat", "max_tokens": 2000, "thinking": thinking}
        whole = self.messages.create(messages=asked, **wanted)
        with self.messages.stream(messages=asked, **wanted) as stream:
            streamed = stream.get_final_message()
        for answer in (whole, streamed):
            thought, sealed, text = answer.content
            assert thought.type == "thinking" and sealed.type == "redacted_thinking" and text.type == "text"
            self.assertEqual((thought.thinking, thought.signature, sealed.data, text.text), (THOUGHT, SIGNATURE, SEALED, TEXT))
        asked += [{"role": "assistant", "content": whole.content}, {"role": "user", "content": "А когда?"}]
        before = len(TARGET.received_upstream())
        self.messages.create(messages=asked, **wanted)
        sent = TARGET.received_upstream()[before:]
        self.assertTrue(SIGNATURE.encode() in sent and SEALED.encode() in sent and b'"budget_tokens":1024' in sent)

    def test_images_go_where_the_route_allows_it(self) -> None:
        source: Any = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
        content: list[Any] = [{"type": "text", "text": "Что здесь?"}, {"type": "image", "source": source}]
        before = len(TARGET.received_upstream())
        raw = self.messages.with_raw_response.create(
            model="claude-chat", max_tokens=64, messages=[{"role": "user", "content": content}]
        )
        self.assertEqual(raw.headers.get("x-shekara-zone"), "external")
        self.assertIn(b'"media_type":"image/png","data":"iVBORw0KGgo="', TARGET.received_upstream()[before:])
        with self.assertRaises(anthropic.UnprocessableEntityError):
            self.messages.create(model=ROUTE, max_tokens=4, messages=[{"role": "user", "content": content}])

    def test_tokens_are_counted(self) -> None:
        asked: list[Any] = [{"role": "user", "content": "Где посылка?"}]
        self.assertEqual(self.messages.count_tokens(model="claude-chat", messages=asked).input_tokens, 7)
        self.assertGreater(self.messages.count_tokens(model="demo", messages=asked).input_tokens, 0)

    def test_personal_data_stays_inside(self) -> None:
        raw = self.messages.with_raw_response.create(
            model=ROUTE, max_tokens=4, messages=[{"role": "user", "content": IIN}]
        )
        self.assertEqual((raw.headers.get("x-shekara-reason"), raw.headers.get("x-shekara-zone")), ("pii", "local"))
        self.assertNotIn(b"901123300258", TARGET.received_upstream())

    def test_errors_are_anthropics(self) -> None:
        with self.assertRaises(anthropic.NotFoundError) as missing:
            self.ask("Где посылка?", model="no-such-model")
        self.assertEqual(missing.exception.body["error"]["type"], "not_found_error")  # type: ignore[index,call-overload]
        with self.assertRaises(anthropic.BadRequestError):
            self.ask("Где посылка?", max_tokens=0)
        stranger = anthropic.Anthropic(base_url=TARGET.url, api_key="sk-none", max_retries=0)
        with self.assertRaises(anthropic.AuthenticationError):
            stranger.messages.create(model=ROUTE, max_tokens=4, messages=[{"role": "user", "content": "hi"}])
