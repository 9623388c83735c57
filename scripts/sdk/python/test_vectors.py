"""Embeddings through the SDK, from tiny committed models; what they should be was computed by transformers."""

import json
import math
import tempfile
import unittest
from pathlib import Path

import openai

from harness.configuration import basis
from harness.gateway import Gateway
from harness.target import Target

TARGET = Target.from_environment()
MODELS = Path(__file__).resolve().parents[3] / "inference/tests/fixtures/encoders"
MODEL = "modernbert"


def cosine(one: list[float], other: list[float]) -> float:
    def dot(a: list[float], b: list[float]) -> float:
        return sum(x * y for x, y in zip(a, b, strict=True))

    return dot(one, other) / math.sqrt(dot(one, one) * dot(other, other))


class Embeddings(unittest.TestCase):
    gateway: Gateway
    cases: list[dict]

    @classmethod
    def setUpClass(cls) -> None:
        folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.gateway = Gateway(TARGET.binary, folder, basis(MODELS)).start()
        cls.addClassCleanup(cls.gateway.stop)
        cls.cases = json.loads((MODELS / MODEL / "golden.json").read_text())["cases"][:2]

    def test_the_sdks_own_format_and_plain_numbers(self) -> None:
        texts = [case["text"] for case in self.cases]
        client = self.gateway.client()
        # The SDK asks for base64 unless told otherwise.
        packed = client.embeddings.create(model=MODEL, input=texts)
        plain = client.embeddings.create(model=MODEL, input=texts, encoding_format="float")
        for case, one, other in zip(self.cases, packed.data, plain.data, strict=True):
            self.assertGreater(cosine(one.embedding, case["vector"]), 0.9999)
            self.assertGreater(cosine(other.embedding, one.embedding), 0.999999)
        self.assertEqual(packed.usage.prompt_tokens, sum(len(case["tokens"]) for case in self.cases))

    def test_tokens_and_fewer_dimensions(self) -> None:
        case = self.cases[0]
        short = self.gateway.client().embeddings.create(model=MODEL, input=case["tokens"], dimensions=8)
        vector = short.data[0].embedding
        self.assertEqual(len(vector), 8)
        self.assertAlmostEqual(math.hypot(*vector), 1.0, places=5)

    def test_mistakes_are_the_sdks_errors(self) -> None:
        client = self.gateway.client()
        with self.assertRaises(openai.BadRequestError) as caught:
            client.embeddings.create(model=MODEL, input="")
        self.assertEqual(caught.exception.param, "input")
        with self.assertRaises(openai.BadRequestError) as caught:
            client.embeddings.create(model=MODEL, input="слово " * 500)
        self.assertEqual(caught.exception.code, "context_length_exceeded")
        with self.assertRaises(openai.BadRequestError) as caught:
            client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "hello"}])
        self.assertEqual(caught.exception.code, "unsupported_model")
