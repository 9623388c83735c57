"""Bad input, as the SDK's error classes see it and, where the SDK could not send it, as raw HTTP."""

import http.client
import json
import unittest
from typing import Any
from urllib.parse import urlsplit

import openai
from openai import APIStatusError, OpenAI

from harness.configuration import LOCAL_MODEL, MAX_BODY_BYTES
from harness.gateway import REQUEST_S
from harness.target import Target

TARGET = Target.from_environment()
HELLO: list[Any] = [{"role": "user", "content": "Здравствуйте"}]
IIN = "901123300258"


def post(body: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
    """A chat request as raw bytes; without `authorization` it carries no key."""
    connection = http.client.HTTPConnection(urlsplit(TARGET.url).netloc, timeout=REQUEST_S)
    try:
        connection.request("POST", "/v1/chat/completions", body, {"content-type": "application/json", **headers})
        response = connection.getresponse()
        return response.status, json.loads(response.read())["error"]
    finally:
        connection.close()


class SdkErrors(unittest.TestCase):
    def refused(self, kind: type[APIStatusError], client: OpenAI | None = None, **request: Any) -> APIStatusError:
        asked = {"model": LOCAL_MODEL, "messages": HELLO, "max_tokens": 4, **request}
        with self.assertRaises(kind) as caught:
            (client or TARGET.client()).chat.completions.create(**asked)
        error = caught.exception
        self.assertTrue(error.request_id)
        self.assertTrue(error.message)
        return error

    def test_a_bad_key(self) -> None:
        error = self.refused(openai.AuthenticationError, TARGET.client(api_key="sk-sh-nobody"))
        self.assertEqual((error.status_code, error.code), (401, "invalid_api_key"))
        with self.assertRaises(openai.AuthenticationError):
            TARGET.client(api_key="sk-sh-nobody").models.list()

    def test_an_admin_key_opens_no_model(self) -> None:
        error = self.refused(openai.PermissionDeniedError, TARGET.client(api_key=TARGET.admin_key))
        self.assertEqual(error.code, "wrong_key_role")

    def test_an_unknown_model(self) -> None:
        error = self.refused(openai.NotFoundError, model="no-such-model")
        self.assertEqual((error.code, error.param), ("model_not_found", "model"))
        with self.assertRaises(openai.NotFoundError):
            TARGET.client().models.retrieve("no-such-model")

    def test_empty_messages(self) -> None:
        error = self.refused(openai.BadRequestError, messages=[])
        self.assertEqual((error.code, error.param, error.type), ("empty_array", "messages", "invalid_request_error"))

    def test_a_wrong_type_is_named(self) -> None:
        cases: list[tuple[str, Any, str]] = [
            ("temperature", "hot", "temperature"),
            ("max_tokens", "many", "max_tokens"),
            ("messages", "hello", "messages"),
            ("messages", [{"role": "user", "content": 5}], "messages[0].content"),
            ("messages", [{"role": "nobody", "content": "x"}], "messages[0].role"),
        ]
        for field, value, param in cases:
            with self.subTest(param=param):
                self.assertEqual(self.refused(openai.BadRequestError, **{field: value}).param, param)

    def test_a_value_out_of_range_is_named(self) -> None:
        cases: list[tuple[str, Any]] = [("temperature", 3.5), ("top_p", 0.0), ("max_tokens", 0)]
        for field, value in cases:
            with self.subTest(field=field):
                self.assertEqual(self.refused(openai.BadRequestError, **{field: value}).param, field)

    def test_too_long_a_prompt(self) -> None:
        long = [{"role": "user", "content": "Где моя посылка? " * 6000}]
        error = self.refused(openai.BadRequestError, messages=long)
        self.assertEqual((error.code, error.param), ("context_length_exceeded", "messages"))
        streamed = self.refused(openai.BadRequestError, messages=long, stream=True)
        self.assertEqual(streamed.code, "context_length_exceeded")

    def test_a_sensitive_prompt_too_long_for_the_local_model_goes_nowhere(self) -> None:
        long = [{"role": "user", "content": f"too-long-and-sensitive {IIN} " + "Где моя посылка? " * 6000}]
        error = self.refused(openai.UnprocessableEntityError, model="support-chat", messages=long)
        self.assertEqual(error.code, "no_capable_local_model")
        self.assertNotIn(b"too-long-and-sensitive", TARGET.received_upstream())

    def test_a_body_above_the_limit(self) -> None:
        error = self.refused(APIStatusError, messages=[{"role": "user", "content": "a" * (MAX_BODY_BYTES + 1)}])
        self.assertEqual(error.status_code, 413)

    def test_a_credential_that_the_provider_refuses_is_not_the_callers_and_not_retried(self) -> None:
        messages = [{"role": "user", "content": "once-and-never-again"}]
        client = TARGET.client(max_retries=2)
        error = self.refused(openai.InternalServerError, client, model="cloud-refusing", messages=messages)
        self.assertEqual((error.status_code, error.code), (502, "provider_auth_failed"))
        self.assertEqual(error.response.headers.get("x-should-retry"), "false")
        self.assertEqual(TARGET.received_upstream().count(b"once-and-never-again"), 1)


class RawErrors(unittest.TestCase):
    def refused(self, body: bytes, status: int, code: str | None) -> dict[str, Any]:
        answered, error = post(body, authorization=f"Bearer {TARGET.key}")
        self.assertEqual((answered, error["code"]), (status, code), error)
        self.assertEqual(set(error), {"message", "type", "param", "code"})
        return error

    def test_malformed_json(self) -> None:
        self.refused(b'{"model": "demo", "messages": [', 400, "invalid_json")
        self.refused(b"", 400, "invalid_json")

    def test_what_could_be_read_in_two_ways(self) -> None:
        for body in [
            b'{"model":"support-chat","model":"demo","messages":[{"role":"user","content":"x"}]}',
            b'{"model":"support-chat","messages":[{"role":"user","content":"x","content":"y"}]}',
            b'{"model":"support-chat","messages":[{"role":"user","content":"\xff\xfe"}]}',
            b'{"model":"support-chat","messages":[{"role":"user","content":"\\ud83d"}]}',
        ]:
            with self.subTest(body=body):
                answered, error = post(body, authorization=f"Bearer {TARGET.key}")
                self.assertEqual((answered, error["type"]), (400, "invalid_request_error"))

    def test_a_missing_field_is_named(self) -> None:
        error = self.refused(b'{"messages":[{"role":"user","content":"x"}]}', 400, "missing_required_parameter")
        self.assertEqual(error["param"], "model")

    def test_no_key(self) -> None:
        status, error = post(b"{}")
        self.assertEqual((status, error["code"]), (401, "invalid_api_key"))

    def test_a_key_may_come_in_three_headers(self) -> None:
        body = json.dumps({"model": LOCAL_MODEL, "messages": []}).encode()
        for header in ({"authorization": f"Bearer {TARGET.key}"}, {"x-api-key": TARGET.key}, {"api-key": TARGET.key}):
            with self.subTest(header=list(header)):
                self.assertEqual(post(body, **header)[0], 400)

    def test_an_error_text_repeats_nothing_that_was_sent(self) -> None:
        for body in (f'{{"model":"{IIN}","messages":[{{"role":"user","content":"x"}}]}}', f'{{"messages":"{IIN}"}}'):
            _, error = post(body.encode(), authorization=f"Bearer {TARGET.key}")
            self.assertNotIn(IIN, json.dumps(error))
