"""Values in structured surroundings: forms, JSON, CSV, tables, log lines, code, URLs."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Callable, Dict, List, Tuple

from .template import Segment, render, value
from .world import World

FOLDER = Path(__file__).parent / "labels"
Pair = Tuple[str, str]
# What stands together in one record.
RECORDS: Tuple[Tuple[str, ...], ...] = (
    ("person", "iin", "phone", "birth_date"), ("person", "iin", "address"), ("person", "phone", "email"),
    ("person", "iban", "iin"), ("iban", "bin", "swift"), ("person", "card", "phone"), ("person", "id_card", "iin"),
    ("person", "passport", "birth_date"), ("person", "plate", "driver_licence"), ("contract", "account", "address"),
    ("medical_record", "person", "diagnosis"), ("person", "salary", "iin"), ("snils", "ru_inn", "ru_passport"),
    ("uz_pinfl", "person", "passport"), ("kg_pin", "person"), ("email", "secret"), ("ip", "mac"), ("geo", "address"),
    ("crypto", "email"), ("handle", "phone"), ("us_ssn", "person"), ("contract", "bin"), ("ip", "email"),
)  # fmt: skip


def read_labels(split: str) -> Dict[str, Dict[str, List[str]]]:
    """Entity → language or `key` → labels."""
    found: Dict[str, Dict[str, List[str]]] = {}
    for line in (FOLDER / f"{split}.txt").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        entity, *parts = [part.strip() for part in line.split(";")]
        found[entity] = {lang: words.strip().split("|") for lang, _, words in (part.partition(":") for part in parts)}
    return found


# What stands between a label and its value, and before a label.
FORM_MARKS = {
    "tuned": ((": ", " - ", " = ", ":\n"), ("", "- ", "• ")),
    "held": ((": ", " \u2013 ", ":  ", ":\n  "), ("", "* ", "\u2013 ", "\u25aa ")),
}


class Records:
    """Writes records of one split."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.labels = read_labels(world.split)
        self.shapes: Dict[str, Callable[[random.Random, str, List[str]], List[Segment]]] = {
            "form": self._form if world.split == "build" else self._marked_form,
            "json": self._json,
            "csv": self._csv,
            "table": self._table,
            "log": self._log,
            "code": self._code,
        }

    def write(self, rng: random.Random, lang: str, target: str, shape: str) -> List[Segment]:
        """A record of that shape which holds the target."""
        fitting = [record for record in RECORDS if target in record]
        entities = list(rng.choice(fitting)) if fitting else [target]
        if len(entities) > 2 and rng.random() < 0.3:
            entities = [entity for entity in entities if entity == target or rng.random() < 0.5]
        if rng.random() < 0.3:
            rng.shuffle(entities)
        return self.shapes[shape](rng, lang, entities)

    def _label(self, rng: random.Random, lang: str, entity: str) -> str:
        return rng.choice(self.labels[entity][lang])

    def _value(self, rng: random.Random, lang: str, entity: str, label: str) -> Segment:
        options = {"person": rng.choice(("full", "full", "surname_given", "initials")), "diagnosis": ""}.get(entity, "")
        if entity == "secret":
            options = (
                "password" if any(word in label.lower() for word in ("парол", "құпиясөз", "құпия сөз", "passw")) else ""
            )
        text = value(rng, self.world, lang, entity, options)
        while "\n" in text:
            text = value(rng, self.world, lang, entity, options)
        return Segment(text, entity)

    def _noise(self, rng: random.Random, lang: str) -> Pair:
        names = {
            "ru": ("Статус", "Дата обращения", "Канал"),
            "kk": ("Күйі", "Өтініш күні", "Арна"),
            "en": ("Status", "Request date", "Channel"),
        }[lang]
        values = {
            "ru": ("в работе", "{_date}", "сайт"),
            "kk": ("өңделуде", "{_date}", "сайт"),
            "en": ("open", "{_date}", "web"),
        }[lang]
        at = rng.randrange(3)
        return names[at], "".join(part.text for part in render(rng, self.world, lang, values[at]))

    def _form(self, rng: random.Random, lang: str, entities: List[str]) -> List[Segment]:
        mark = rng.choice((": ", ": ", " — ", ":\t"))
        return self._lines(rng, lang, entities, mark, "")

    def _marked_form(self, rng: random.Random, lang: str, entities: List[str]) -> List[Segment]:
        marks, bullets = FORM_MARKS[self.world.split]
        return self._lines(rng, lang, entities, rng.choice(marks), rng.choice(bullets))

    def _lines(self, rng: random.Random, lang: str, entities: List[str], mark: str, bullet: str) -> List[Segment]:
        segments: List[Segment] = []
        for entity in entities:
            label = self._label(rng, lang, entity)
            segments += [Segment(bullet + label + mark), self._value(rng, lang, entity, label), Segment("\n")]
        if rng.random() < 0.4:
            name, text = self._noise(rng, lang)
            segments.append(Segment(f"{bullet}{name}{mark}{text}\n"))
        segments[-1].text = segments[-1].text.rstrip("\n")
        return [segment for segment in segments if segment.text]

    def _keyed(self, rng: random.Random, lang: str, entities: List[str]) -> List[Tuple[str, Segment]]:
        keyed = []
        for entity in entities:
            key = rng.choice(self.labels[entity]["key"])
            segment = self._value(rng, lang, entity, key)
            if entity == "salary":
                segment.text = segment.text.replace(" ", "").replace("\u00a0", "")
            keyed.append((key, segment))
        return keyed

    def _json(self, rng: random.Random, lang: str, entities: List[str]) -> List[Segment]:
        indent = rng.random() < 0.4
        newline, comma = ("\n  ", ",\n  ") if indent else ("", ", ")
        segments = [Segment("{" + newline)]
        if rng.random() < 0.5:
            segments.append(Segment(f'"id": {rng.randint(100, 99999)}{comma}'))
        for at, (key, segment) in enumerate(self._keyed(rng, lang, entities)):
            bare = segment.entity == "salary" or (
                segment.entity in ("iin", "card")
                and segment.text.isdigit()
                and segment.text[0] != "0"
                and rng.random() < 0.15
            )
            quote = "" if bare else '"'
            segment.text = segment.text if bare else json.dumps(segment.text, ensure_ascii=False)[1:-1]
            lead = comma if at else ""
            segments += [Segment(f'{lead}"{key}": {quote}'), segment, Segment(quote)]
        segments.append(Segment(("\n" if indent else "") + "}"))
        return [segment for segment in segments if segment.text]

    def _csv(self, rng: random.Random, lang: str, entities: List[str]) -> List[Segment]:
        mark = rng.choice((";", ";", ",", "\t"))
        own = rng.random() < 0.5
        names = [
            self._label(rng, lang, entity) if own else rng.choice(self.labels[entity]["key"]) for entity in entities
        ]
        segments = [Segment(mark.join(["№" if own else "id"] + names) + "\n")]
        for row in range(1, rng.randint(2, 4)):
            segments.append(Segment(str(row)))
            for entity, name in zip(entities, names):
                segment = self._value(rng, lang, entity, name)
                quote = '"' if mark in segment.text else ""
                segments += [Segment(mark + quote), segment, Segment(quote)]
            segments.append(Segment("\n"))
        segments[-1].text = ""
        return [segment for segment in segments if segment.text]

    def _table(self, rng: random.Random, lang: str, entities: List[str]) -> List[Segment]:
        names = [self._label(rng, lang, entity) for entity in entities]
        segments = [Segment("| " + " | ".join(names) + " |\n" + "|---" * len(names) + "|\n")]
        for row in range(rng.randint(1, 2)):
            for entity, name in zip(entities, names):
                segments += [Segment("| "), self._value(rng, lang, entity, name), Segment(" ")]
            segments.append(Segment("|\n"))
        segments[-1].text = "|"
        return segments

    def _pairs(self, rng: random.Random, lang: str, entities: List[str], shape: str, joint: str) -> List[Segment]:
        segments: List[Segment] = []
        for at, (key, segment) in enumerate(self._keyed(rng, lang, entities)):
            head, tail = shape.format(key).split("§")
            if head.endswith("=") and not segment.text.isalnum():
                head, tail = head + '"', '"' + tail
            segments += [Segment((joint if at else "") + head), segment, Segment(tail)]
        return segments

    def _framed(self, rng: random.Random, lang: str, frame: str, inside: List[Segment]) -> List[Segment]:
        head, tail = frame.split("§")
        framed = render(rng, self.world, lang, head) + inside + render(rng, self.world, lang, tail)
        return [segment for segment in framed if segment.text]

    def _log(self, rng: random.Random, lang: str, entities: List[str]) -> List[Segment]:
        frame = rng.choice(self.world.templates["frames"]["log"])
        return self._framed(rng, lang, frame, self._pairs(rng, lang, entities, "{}=§", rng.choice((" ", " ", ", "))))

    def _code(self, rng: random.Random, lang: str, entities: List[str]) -> List[Segment]:
        frame = rng.choice(self.world.templates["frames"]["code"])
        if "@" in frame:
            keyed = self._keyed(rng, lang, entities)
            inside: List[Segment] = []
            for at, (_, segment) in enumerate(keyed):
                inside += [Segment("', '" if at else "'"), segment]
            return self._framed(
                rng, lang, frame.replace("@", ", ".join(key for key, _ in keyed)), inside + [Segment("'")]
            )
        if "WHERE" in frame:
            return self._framed(rng, lang, frame, self._pairs(rng, lang, entities, "{} = '§'", " AND "))
        if "'§'" in frame:
            return self._framed(rng, lang, frame, self._json(rng, lang, entities))
        return self._framed(rng, lang, frame, self._pairs(rng, lang, entities, '"{}": "§"', ", "))
