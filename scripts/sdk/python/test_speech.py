"""Speech to text through the SDK, from a tiny committed Whisper; what it should say was computed by transformers."""

import json
import tempfile
import unittest
from pathlib import Path

import openai

from harness.configuration import basis
from harness.gateway import Gateway
from harness.target import Target

TARGET = Target.from_environment()
FIXTURES = Path(__file__).resolve().parents[3] / "inference/tests/fixtures"
MODEL = "whisper-tiny"


class Speech(unittest.TestCase):
    gateway: Gateway
    golden: dict

    @classmethod
    def setUpClass(cls) -> None:
        folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        # Exact keys and values, as in the reference.
        config = basis(FIXTURES / "speech") + '[local.engine]\nkv_cache_dtype = "f32"\n'
        cls.gateway = Gateway(TARGET.binary, folder, config).start()
        cls.addClassCleanup(cls.gateway.stop)
        cls.golden = json.loads((FIXTURES / "speech" / MODEL / "golden.json").read_text())
        cls.text = cls.golden["cases"]["plain"]["text"].strip()

    def file(self, name: str = "clip.wav") -> tuple[str, bytes]:
        return name, (FIXTURES / "audio" / name).read_bytes()

    def test_plain_text_and_its_seconds(self) -> None:
        client = self.gateway.client()
        for name in ("clip.wav", "clip.flac"):
            heard = client.audio.transcriptions.create(model=MODEL, file=self.file(name), language="en")
            self.assertEqual(heard.text, self.text)
            self.assertEqual((heard.usage.type, heard.usage.seconds), ("duration", 3.1))

    def test_segments_have_times_and_tokens(self) -> None:
        heard = self.gateway.client().audio.transcriptions.create(
            model=MODEL, file=self.file(), language="en", response_format="verbose_json",
            timestamp_granularities=["segment"],
        )
        self.assertEqual([segment.tokens for segment in heard.segments], [s["tokens"] for s in self.golden["segments"]])
        self.assertEqual(heard.language, "english")
        srt = self.gateway.client().audio.transcriptions.create(
            model=MODEL, file=self.file(), language="en", response_format="srt"
        )
        self.assertEqual(srt.count(" --> "), len(heard.segments))

    def test_a_stream_and_a_translation(self) -> None:
        client = self.gateway.client()
        events = list(client.audio.transcriptions.create(model=MODEL, file=self.file(), language="en", stream=True))
        self.assertEqual(events[-1].type, "transcript.text.done")
        self.assertEqual(events[-1].text, self.text)
        self.assertEqual("".join(event.delta for event in events[:-1]).strip(), self.text)
        english = client.audio.translations.create(
            model=MODEL, file=self.file("clip.mp3"), extra_body={"language": "ru"}
        )
        self.assertIsInstance(english.text, str)

    def test_mistakes_are_the_sdks_errors(self) -> None:
        create = self.gateway.client().audio.transcriptions.create
        with self.assertRaises(openai.BadRequestError) as caught:
            create(model=MODEL, file=("a.wav", b"This is no sound. " * 99))
        self.assertEqual((caught.exception.code, caught.exception.param), ("unsupported_audio", "file"))
        with self.assertRaises(openai.BadRequestError) as caught:
            create(
                model=MODEL, file=self.file(), response_format="verbose_json", timestamp_granularities=["word"]
            )
        self.assertEqual(caught.exception.code, "unsupported_value")
