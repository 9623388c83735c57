"""The bank's chat through the unchanged SDK: ordinary questions go out, those that hold an IIN stay."""

import asyncio
import unittest

from openai.types.chat import ChatCompletionMessageParam

from harness import replies
from harness.configuration import CLOUD_KEY, CLOUD_MODEL, LOCAL_MODEL
from harness.target import Target

TARGET = Target.from_environment()
IIN = "901123300258"


def user(text: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "user", "content": text}]


class OrdinaryQuestions(unittest.TestCase):
    def setUp(self) -> None:
        self.chat = TARGET.client().chat.completions

    def test_plain_answer_of_the_provider(self) -> None:
        answer = self.chat.create(model="support-chat", messages=user("Где посылка? plain-17"))
        self.assertEqual(answer.choices[0].message.content, replies.TEXT)
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        assert answer.usage is not None
        self.assertEqual(answer.usage.total_tokens, replies.USAGE["total_tokens"])
        self.assertIn(b"plain-17", TARGET.received_upstream())

    def test_headers_say_who_answered_and_why(self) -> None:
        raw = self.chat.with_raw_response.create(model="support-chat", messages=user("Где посылка?"))
        expected = {
            "x-shekara-route": "support-chat", "x-shekara-provider": "cloud", "x-shekara-model": CLOUD_MODEL,
            "x-shekara-zone": "external", "x-shekara-reason": "primary", "x-shekara-attempts": "1",
            "x-shekara-data-class": "public", "x-shekara-pii-action": "none", "x-shekara-synthetic": "1",
        }
        self.assertEqual({name: raw.headers.get(name) for name in expected}, expected)
        self.assertIsNone(raw.headers.get("x-shekara-pii"))
        self.assertTrue(raw.headers.get("x-request-id"))
        self.assertEqual(raw.parse()._request_id, raw.headers.get("x-request-id"))

    def test_stream_comes_in_pieces_and_without_usage_that_nobody_asked_for(self) -> None:
        chunks = list(self.chat.create(model="support-chat", messages=user("Где посылка?"), stream=True))
        pieces = [chunk.choices[0].delta.content for chunk in chunks]
        self.assertEqual([piece for piece in pieces if piece], list(replies.WORDS))
        self.assertEqual(chunks[-1].choices[0].finish_reason, "stop")
        self.assertTrue(all(chunk.usage is None for chunk in chunks))

    def test_stream_with_usage(self) -> None:
        stream = self.chat.create(
            model="support-chat", messages=user("Где посылка?"), stream=True, stream_options={"include_usage": True}
        )
        last = list(stream)[-1]
        assert last.usage is not None
        self.assertEqual((last.choices, last.usage.completion_tokens), ([], replies.USAGE["completion_tokens"]))

    def test_streaming_response_and_its_headers(self) -> None:
        with self.chat.with_streaming_response.create(
            model="support-chat", messages=user("Где посылка?"), stream=True
        ) as response:
            self.assertEqual(response.headers.get("x-shekara-zone"), "external")
            self.assertTrue((response.headers.get("content-type") or "").startswith("text/event-stream"))
            lines = [line for line in response.iter_lines() if line]
        self.assertEqual(lines[-1], "data: [DONE]")

    def test_the_sdks_own_stream_helper(self) -> None:
        with self.chat.stream(model="support-chat", messages=user("Где посылка?")) as stream:
            final = stream.get_final_completion()
        self.assertEqual(final.choices[0].message.content, replies.TEXT)

    def test_the_provider_gets_the_gateways_credential_and_none_of_the_callers_headers(self) -> None:
        client = TARGET.client(default_headers={"x-note": "header-of-the-caller"}, organization="organization-of-the-caller")
        client.chat.completions.create(model="support-chat", messages=user("Кто спрашивает?"))
        received = TARGET.received_upstream()
        self.assertIn(f"Bearer {CLOUD_KEY}".encode(), received)
        for secret in (TARGET.key, "header-of-the-caller", "organization-of-the-caller", "x-stainless"):
            self.assertNotIn(secret.encode(), received)

    def test_fields_that_the_gateway_does_not_know_reach_the_provider(self) -> None:
        self.chat.create(model="support-chat", messages=user("Привет"), extra_body={"field_of_tomorrow": ["kept-as-it-is"]})
        self.assertIn(b'"field_of_tomorrow"', TARGET.received_upstream())
        self.assertIn(b"kept-as-it-is", TARGET.received_upstream())


class SensitiveQuestions(unittest.TestCase):
    def setUp(self) -> None:
        self.chat = TARGET.client().chat.completions

    def assert_local(self, headers: object) -> None:
        expected = {
            "x-shekara-route": "support-chat", "x-shekara-provider": "local", "x-shekara-model": LOCAL_MODEL,
            "x-shekara-zone": "local", "x-shekara-reason": "pii", "x-shekara-data-class": "personal",
            "x-shekara-pii-action": "local", "x-shekara-synthetic": "1",
        }
        found = {name: headers.get(name) for name in expected}  # type: ignore[attr-defined]
        self.assertEqual(found, expected)

    def test_plain(self) -> None:
        raw = self.chat.with_raw_response.create(model="support-chat", messages=user(f"Мой ИИН {IIN}"), max_tokens=16)
        self.assert_local(raw.headers)
        self.assertEqual(raw.headers.get("x-shekara-pii"), "iin=1")
        answer = raw.parse()
        self.assertTrue(answer.choices[0].message.content)
        assert answer.usage is not None
        self.assertGreater(answer.usage.prompt_tokens, 0)

    def test_streamed(self) -> None:
        with self.chat.with_streaming_response.create(
            model="support-chat", messages=user(f"Мой ИИН {IIN}"), max_tokens=16, stream=True
        ) as response:
            self.assert_local(response.headers)
            text = "".join(chunk.choices[0].delta.content or "" for chunk in response.parse())
        self.assertTrue(text)

    def test_a_caller_may_raise_the_class_of_its_data(self) -> None:
        raw = self.chat.with_raw_response.create(
            model="support-chat", messages=user("stays-inside-by-wish"), max_tokens=4,
            extra_headers={"x-shekara-data-class": "special"},
        )
        self.assertEqual(raw.headers.get("x-shekara-reason"), "data-class")
        self.assertEqual(raw.headers.get("x-shekara-zone"), "local")
        self.assertNotIn(b"stays-inside-by-wish", TARGET.received_upstream())

    def test_a_tool_result_that_holds_an_iin_turns_the_conversation_inward(self) -> None:
        tool = {"type": "function", "function": {"name": replies.TOOL_NAME, "parameters": {"type": "object"}}}
        messages = user("Найдите клиента по посылке A-17")
        first = self.chat.with_raw_response.create(model="support-chat", messages=messages, tools=[tool])  # type: ignore[list-item]
        self.assertEqual(first.headers.get("x-shekara-zone"), "external")
        choice = first.parse().choices[0]
        self.assertEqual(choice.finish_reason, "tool_calls")
        assert choice.message.tool_calls is not None
        messages.append(choice.message.to_dict())  # type: ignore[arg-type]
        messages.append({"role": "tool", "tool_call_id": choice.message.tool_calls[0].id, "content": f'{{"client": "{IIN}"}}'})
        second = self.chat.with_raw_response.create(model="support-chat", messages=messages, tools=[tool], max_tokens=8)  # type: ignore[list-item]
        self.assert_local(second.headers)
        self.assertNotIn(IIN.encode(), TARGET.received_upstream())

    def test_an_image_cannot_be_read_and_stays(self) -> None:
        image = {"type": "image_url", "image_url": {"url": "https://example.kz/passport-scan.png"}}
        with self.assertRaises(Exception) as caught:
            self.chat.create(model="support-chat", messages=[{"role": "user", "content": [image]}])  # type: ignore[list-item,misc]
        self.assertEqual(getattr(caught.exception, "status_code", None), 422)
        self.assertEqual(getattr(caught.exception, "code", None), "no_capable_local_model")
        self.assertNotIn(b"passport-scan", TARGET.received_upstream())


class LocalModel(unittest.TestCase):
    def setUp(self) -> None:
        self.chat = TARGET.client().chat.completions

    def test_the_same_text_plain_and_streamed_at_temperature_zero(self) -> None:
        messages = user("Сәлеметсіз бе! Where is my parcel? 📦")
        plain = self.chat.create(model=LOCAL_MODEL, messages=messages, temperature=0, max_tokens=48)
        stream = self.chat.create(model=LOCAL_MODEL, messages=messages, temperature=0, max_tokens=48, stream=True)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
        self.assertEqual(text, plain.choices[0].message.content)
        self.assertTrue(text)

    def test_max_tokens_bounds_the_answer(self) -> None:
        answer = self.chat.create(model=LOCAL_MODEL, messages=user("Где моя посылка?"), max_tokens=2)
        assert answer.usage is not None
        self.assertEqual((answer.choices[0].finish_reason, answer.usage.completion_tokens), ("length", 2))

    def test_a_seed_repeats_itself(self) -> None:
        def ask() -> str | None:
            answer = self.chat.create(
                model=LOCAL_MODEL, messages=user("Где моя посылка?"), temperature=1.0, seed=7, max_tokens=16
            )
            return answer.choices[0].message.content

        self.assertEqual(ask(), ask())

    def test_a_stop_text_ends_the_answer_before_it(self) -> None:
        messages = user("Где моя посылка?")
        whole = self.chat.create(model=LOCAL_MODEL, messages=messages, temperature=0, max_tokens=24).choices[0].message.content
        assert whole is not None
        stop = whole[len(whole) // 2 :][:3]
        cut = self.chat.create(model=LOCAL_MODEL, messages=messages, temperature=0, max_tokens=24, stop=[stop])
        self.assertEqual(cut.choices[0].message.content, whole[: whole.index(stop)])
        self.assertEqual(cut.choices[0].finish_reason, "stop")

    def test_models_are_listed_and_shown(self) -> None:
        client = TARGET.client()
        listed = {model.id: model for model in client.models.list()}
        self.assertLessEqual({LOCAL_MODEL, "support-chat"}, listed.keys())
        self.assertEqual(listed[LOCAL_MODEL].object, "model")
        self.assertEqual(client.models.retrieve(LOCAL_MODEL).id, LOCAL_MODEL)

    def test_a_route_of_provider_and_model_needs_no_configuration(self) -> None:
        raw = self.chat.with_raw_response.create(model="cloud/other-model", messages=user("Привет"))
        self.assertEqual(raw.headers.get("x-shekara-model"), "other-model")
        self.assertIn(b'"other-model"', TARGET.received_upstream())


class ManyAtOnce(unittest.IsolatedAsyncioTestCase):
    STREAMS = 32

    async def asyncSetUp(self) -> None:
        # unittest switches on asyncio's debug mode, which reports every slow moment of a busy machine.
        asyncio.get_running_loop().set_debug(False)

    async def test_concurrent_streams_say_the_same_as_each_one_alone(self) -> None:
        async with TARGET.async_client() as client:

            async def ask(number: int) -> str:
                stream = await client.chat.completions.create(
                    model=LOCAL_MODEL, messages=user("Где моя посылка? " * (1 + number % 5) + f"Заказ {number}."),
                    temperature=0, max_tokens=4 + number, stream=True,
                )
                return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

            alone = [await ask(number) for number in range(self.STREAMS)]
            together = await asyncio.gather(*(ask(number) for number in range(self.STREAMS)))
        self.assertEqual(together, alone)
        self.assertTrue(all(alone))

    async def test_concurrent_streams_of_both_kinds_keep_apart(self) -> None:
        async with TARGET.async_client() as client:

            async def ask(number: int) -> tuple[bool, str | None]:
                sensitive = number % 2 == 0
                text = f"ИИН {IIN}, заказ {number}" if sensitive else f"Заказ {number}"
                response = await client.chat.completions.with_raw_response.create(
                    model="support-chat", messages=user(text), max_tokens=4, stream=True
                )
                async for _ in response.parse():
                    pass
                return sensitive, response.headers.get("x-shekara-zone")

            seen = await asyncio.gather(*(ask(number) for number in range(self.STREAMS)))
        self.assertEqual(set(seen), {(True, "local"), (False, "external")})
