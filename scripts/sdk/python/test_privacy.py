"""Two hundred IINs in every place and spelling: answered inside, and not a byte of one outside."""

import json
import unittest
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

from openai import OpenAI

from harness.identifiers import SPELLINGS, check_digit, iins, occurs
from harness.target import Target

TARGET = Target.from_environment()
COUNT = 200
SEED = 20261122
WORKERS = 8
ORDER_NUMBER = "000123456789"
"""Twelve digits that are no IIN: they go out, and show that the search of what was received would find one."""

Body = dict[str, Any]


def question(text: str, **fields: Any) -> Body:
    return {"messages": [{"role": "user", "content": text}], **fields}


def in_text(iin: str) -> Body:
    return question(f"Здравствуйте! {iin} — это я, что с моей картой?")


def in_text_part(iin: str) -> Body:
    parts = [{"type": "text", "text": "Менің картам бұғатталды."}, {"type": "text", "text": f"ЖСН {iin}"}]
    return {"messages": [{"role": "user", "content": parts}]}


def in_system_prompt(iin: str) -> Body:
    system = {"role": "system", "content": f"You talk to the client {iin}. Be brief."}
    return {"messages": [system, {"role": "user", "content": "Where is my parcel?"}]}


def in_tool_call(iin: str) -> Body:
    return _with_tool(json.dumps({"client": {"number": iin}}), "nothing found")


def in_tool_call_unescaped(iin: str) -> Body:
    return _with_tool(json.dumps({"client": iin}, ensure_ascii=False), "nothing found")


def in_tool_result(iin: str) -> Body:
    return _with_tool('{"parcel": "A-17"}', json.dumps({"parcels": [{"owner": iin}]}))


def in_name(iin: str) -> Body:
    return {"messages": [{"role": "user", "name": f"client_{iin}", "content": "Где моя посылка?"}]}


def in_metadata(iin: str) -> Body:
    return question("Где моя посылка?", metadata={"client": iin})


def _with_tool(arguments: str, result: str) -> Body:
    call = {"id": "call_1", "type": "function", "function": {"name": "find_client", "arguments": arguments}}
    return {
        "messages": [
            {"role": "user", "content": "Найдите посылку."},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_1", "content": result},
        ]
    }


PLACES = (
    in_text, in_text_part, in_system_prompt, in_tool_call, in_tool_call_unescaped, in_tool_result, in_name, in_metadata,
)


class Generator(unittest.TestCase):
    def test_made_up_numbers_follow_the_states_rules(self) -> None:
        for valid in ("901123300258", "850101300124", "991231405675", "070615601231", "920315300500"):
            self.assertEqual(check_digit(valid[:11]), int(valid[11]))
        self.assertIsNone(check_digit("92031530055"))
        self.assertEqual(len(set(iins(COUNT, SEED))), COUNT)


class NoByteLeaves(unittest.TestCase):
    numbers = iins(COUNT, SEED)

    def test_every_place_and_spelling(self) -> None:
        client = TARGET.client()
        # Every number in every place; the spellings take turns, so that each place sees each of them many times.
        spellings = list(SPELLINGS.values())
        cases = [
            (place, spellings[(index + shift) % len(spellings)](number), (index + shift) % 5 == 0)
            for (index, number), (shift, place) in product(enumerate(self.numbers), enumerate(PLACES))
        ]
        with ThreadPoolExecutor(WORKERS) as pool:
            wrong = [line for line in pool.map(lambda case: _sent(client, *case), cases) if line]
        self.assertEqual(wrong[:5], [], f"{len(wrong)} of {len(cases)} answers are wrong, these among them")
        self._assert_nothing_received()
        self._assert_nothing_kept()

    def _assert_nothing_received(self) -> None:
        ordinary = TARGET.client().chat.completions.with_raw_response.create(
            model="support-chat", messages=[{"role": "user", "content": f"Где заказ {ORDER_NUMBER[:6]} {ORDER_NUMBER[6:]}?"}]
        )
        self.assertEqual(ordinary.headers.get("x-shekara-zone"), "external")
        received = TARGET.received_upstream()
        self.assertTrue(occurs(ORDER_NUMBER, received), "the search finds what was really received")
        self.assertEqual([number for number in self.numbers if occurs(number, received)], [])

    def _assert_nothing_kept(self) -> None:
        """Neither journal, database nor logs hold one: they record that there was an IIN, not which."""
        for path in TARGET.folder.rglob("*"):
            if path.is_file():
                data = path.read_bytes()
                self.assertEqual([number for number in self.numbers if number.encode() in data], [], path.name)


def _sent(client: OpenAI, place: Any, spelled: str, stream: bool) -> str | None:
    """What was wrong with the answer, if anything."""
    response = client.chat.completions.with_raw_response.create(
        model="support-chat", max_tokens=1, stream=stream, **place(spelled)
    )
    if stream:
        for _ in response.parse():
            pass
    seen = {name: response.headers.get(f"x-shekara-{name}") for name in ("reason", "zone", "provider")}
    if seen == {"reason": "pii", "zone": "local", "provider": "local"}:
        return None
    return f"{place.__name__} {spelled!r}: {seen}"
