"""Files and batches through the SDK: made, seen, read back, and gone on with after the process was killed."""

import json
import signal
import tempfile
import time
import unittest
from pathlib import Path

import openai
from openai import OpenAI
from openai.types import Batch

from harness.configuration import support_chat
from harness.gateway import Gateway
from harness.target import Target

TARGET = Target.from_environment()
IIN = "901123300258"
WAIT_S = 60.0
POLL_S = 0.05


def lines(*texts: str) -> bytes:
    requests = [
        {
            "custom_id": f"line-{number}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"model": "support-chat", "max_tokens": 8, "messages": [{"role": "user", "content": text}]},
        }
        for number, text in enumerate(texts)
    ]
    return "\n".join(json.dumps(request, ensure_ascii=False) for request in requests).encode()


def ordered(client: OpenAI, content: bytes) -> Batch:
    file = client.files.create(file=("in.jsonl", content), purpose="batch")
    return client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata={"job": "night"}
    )


def ended(client: OpenAI, batch_id: str) -> Batch:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        batch = client.batches.retrieve(batch_id)
        if batch.status in ("completed", "failed", "expired", "cancelled"):
            return batch
        time.sleep(POLL_S)
    raise AssertionError(f"the batch is still {batch.status}: {batch.request_counts}")


def results(client: OpenAI, file_id: str) -> dict[str, dict]:
    read = (json.loads(line) for line in client.files.content(file_id).text.splitlines())
    return {line["custom_id"]: line for line in read}


class Files(unittest.TestCase):
    def test_a_file_is_made_listed_read_and_deleted(self) -> None:
        client = TARGET.client()
        content = bytes(range(256)) * 5_000
        file = client.files.create(
            file=("отчёт.bin", content), purpose="user_data",
            expires_after={"anchor": "created_at", "seconds": 3600},
        )
        self.assertEqual((file.bytes, file.filename, file.purpose), (len(content), "отчёт.bin", "user_data"))
        self.assertEqual(file.expires_at - file.created_at, 3600)
        self.assertIn(file.id, [other.id for other in client.files.list(limit=1)], "pages follow each other")
        self.assertEqual(client.files.content(file.id).read(), content)
        self.assertEqual(client.files.wait_for_processing(file.id).status, "processed")
        self.assertTrue(client.files.delete(file.id).deleted)
        with self.assertRaises(openai.NotFoundError) as caught:
            client.files.retrieve(file.id)
        self.assertEqual(caught.exception.code, "file_not_found")

    def test_a_file_that_a_request_names_decides_who_answers(self) -> None:
        client = TARGET.client()

        def asked(text: str) -> str:
            file = client.files.create(file=("note.txt", text.encode()), purpose="user_data")
            part = {"type": "file", "file": {"file_id": file.id}}
            answer = client.chat.completions.with_raw_response.create(
                model="support-chat", max_tokens=8,
                messages=[{"role": "user", "content": [{"type": "text", "text": "Read it."}, part]}],
            )
            return answer.headers["x-shekara-zone"]

        self.assertEqual(asked("Opening hours: nine to six."), "external")
        # It must stay, and the demo model reads no files.
        with self.assertRaises(openai.UnprocessableEntityError) as caught:
            asked(f"ИИН {IIN}")
        self.assertEqual(caught.exception.code, "no_capable_local_model")
        self.assertNotIn(IIN.encode(), TARGET.received_upstream())


class Batches(unittest.TestCase):
    def test_lines_are_answered_on_their_own_side_of_the_border(self) -> None:
        client = TARGET.client()
        batch = ordered(client, lines("What are your opening hours?", f"мой ИИН {IIN}"))
        self.assertEqual((batch.status, batch.metadata), ("validating", {"job": "night"}))
        batch = ended(client, batch.id)
        self.assertEqual((batch.status, batch.request_counts.completed), ("completed", 2), batch.errors)
        output = results(client, batch.output_file_id)
        zones = [output[f"line-{number}"]["response"]["body"]["shekara"]["zone"] for number in (0, 1)]
        self.assertEqual(zones, ["external", "local"])
        self.assertNotIn(IIN.encode(), TARGET.received_upstream())
        # Those of one second stand in any order.
        self.assertIn(batch.id, [listed.id for listed in client.batches.list(limit=20).data])

    def test_a_file_that_is_none_of_requests_fails_and_says_where(self) -> None:
        client = TARGET.client()
        batch = ended(client, ordered(client, lines("fine") + b"\nno json").id)
        self.assertEqual(batch.status, "failed")
        self.assertEqual([(error.code, error.line) for error in batch.errors.data], [("invalid_json_line", 2)])

    def test_a_batch_outlives_a_killed_process(self) -> None:
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        # The demo model answers slowly enough to be interrupted.
        config = support_chat(TARGET.models, "http://127.0.0.1:9") + "[batches]\nmax_in_flight = 1\n"
        gateway = Gateway(TARGET.binary, folder, config).start()
        self.addCleanup(gateway.stop)
        client = gateway.client()
        batch = ordered(client, lines(*(f"мой ИИН {IIN}, вопрос {number}" for number in range(40))))
        deadline = time.monotonic() + WAIT_S
        while client.batches.retrieve(batch.id).request_counts.completed < 1 and time.monotonic() < deadline:
            time.sleep(POLL_S)
        gateway.send_signal(signal.SIGKILL)
        gateway.wait()
        client = gateway.start().client()
        batch = ended(client, batch.id)
        self.assertEqual((batch.status, batch.request_counts.completed), ("completed", 40), batch)
        self.assertEqual(len(results(client, batch.output_file_id)), 40)
