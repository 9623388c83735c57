"""The seeded generator: samples with gold spans, the same for the same split and seed."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Tuple

from . import obfuscation
from .composition import MACHINE_SCENES, Composer, is_negative
from .entities import ENTITIES, LANGUAGES
from .template import Segment
from .world import World

SEEDS = {"build": 20261122, "tuned": 77120345, "held": 58203971}
DEFAULT_SIZE = 4200
NEGATIVE_SHARE = 0.36
PLAIN_SHARE = 0.45
LANGUAGE_WEIGHTS = (31, 25, 10, 20, 14)
# Weights of what texts are about; the rest weigh 3.
ENTITY_WEIGHTS = {
    "person": 16,
    "iin": 9,
    "phone": 9,
    "iban": 6,
    "card": 6,
    "email": 6,
    "address": 6,
    "secret": 5,
    "bin": 1,
    "swift": 1,
}
# Disguises that a harmless text may wear too, so that a disguise alone proves nothing.
HARMLESS = (
    "upper", "lower", "translit", "lookalike_context", "nbsp", "zero_width", "soft_hyphen", "bom", "fullwidth",
    "math_digits", "html", "unicode_escape", "base64",
)  # fmt: skip


@dataclass
class Sample:
    """Messages of one request and the values in them."""

    name: str
    lang: str
    split: str
    obfuscation: str
    texts: List[str]
    spans: List[Dict[str, object]]
    negative: bool

    def to_json(self) -> Dict[str, object]:
        """The line of the corpus."""
        return {
            "id": self.name, "lang": self.lang, "split": self.split, "obfuscation": self.obfuscation,
            "texts": self.texts, "spans": self.spans, "negative": self.negative,
        }  # fmt: skip


def _entities(messages: List[List[Segment]]) -> List[str]:
    return [segment.entity for segments in messages for segment in segments if segment.entity]


def to_sample(name: str, lang: str, split: str, worn: str, messages: List[List[Segment]]) -> Sample:
    """Joins the segments; offsets count Unicode code points."""
    texts: List[str] = []
    spans: List[Dict[str, object]] = []
    for index, segments in enumerate(messages):
        text = ""
        for segment in segments:
            if segment.entity:
                spans.append({
                    "message": index, "start": len(text), "end": len(text) + len(segment.text),
                    "entity": segment.entity, "value": segment.value, "obfuscation": segment.obfuscation,
                })  # fmt: skip
            text += segment.text
        texts.append(text)
    return Sample(name, lang, split, worn, texts, spans, is_negative(_entities(messages)))


class Generator:
    """Makes the samples of one split."""

    # How often an entity is what a text is about.
    weights = {entity: ENTITY_WEIGHTS.get(entity, 3) for entity in ENTITIES}

    def __init__(self, split: str, seed: Optional[int] = None, world: Optional[World] = None) -> None:
        self.split = split
        self.seed = SEEDS[split] if seed is None else seed
        self.composer = Composer(world or World(split))

    def samples(self, count: int = DEFAULT_SIZE) -> Iterable[Sample]:
        """Each sample has its own seeded generator, so that one more template does not move the others' draws."""
        for index in range(count):
            rng = random.Random(f"{self.split}/{self.seed}/{index}")
            name = f"{self.split}-{index:05d}"
            negative = int(index * NEGATIVE_SHARE) != int((index + 1) * NEGATIVE_SHARE)
            lang = rng.choices(LANGUAGES, LANGUAGE_WEIGHTS)[0]
            yield self._negative(rng, name, lang) if negative else self._positive(rng, name, lang)

    def _positive(self, rng: random.Random, name: str, lang: str) -> Sample:
        weights = list(self.weights.values())
        while True:
            target = rng.choices(ENTITIES, weights)[0]
            segments, scene, base = self.composer.positive(rng, lang, target)
            if is_negative(_entities([segments])):
                continue
            for value, segment in enumerate(segment for segment in segments if segment.entity):
                segment.value = value
            machine = scene in MACHINE_SCENES
            messages, worn = self._disguise(rng, segments, target, lang, base, machine)
            if lang != "mixed" and len(messages) == 1 and scene != "prompt" and rng.random() < 0.07:
                rule = self.composer.world.templates[base]["rule"]
                messages.insert(0, [Segment(rng.choice(rule))])
            return to_sample(name, lang, self.split, worn, messages)

    def _disguise(
        self, rng: random.Random, segments: List[Segment], target: str, lang: str, base: str, machine: bool
    ) -> Tuple[List[List[Segment]], str]:
        worn = None if rng.random() < PLAIN_SHARE else obfuscation.choose(rng, target, lang, machine)
        if worn is None:
            return [segments], "plain"
        if worn == "split":
            messages = obfuscation.split(rng, segments, target)
            return (messages, worn) if messages else ([segments], "plain")
        done = obfuscation.apply(rng, segments, worn, target, "kk-latn" if lang == "kk-latn" else base)
        return [segments], worn if done else "plain"

    def _negative(self, rng: random.Random, name: str, lang: str) -> Sample:
        segments, _ = self.composer.negative(rng, lang)
        worn = "plain"
        if rng.random() < 0.24:
            kind = rng.choice(HARMLESS)
            if not (kind == "translit" and lang not in obfuscation.CYRILLIC):
                worn = kind if obfuscation.harmless(rng, segments, kind) else "plain"
        return to_sample(name, lang, self.split, worn, [segments])


def write(samples: Iterable[Sample], path: Path) -> int:
    """One JSON object per line; returns how many."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for sample in samples:
            file.write(json.dumps(sample.to_json(), ensure_ascii=False) + "\n")
            count += 1
    return count


def read(path: Path) -> List[Sample]:
    """A corpus that `write` wrote."""
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line)
    return [
        Sample(row["id"], row["lang"], row["split"], row["obfuscation"], row["texts"], row["spans"], row["negative"])
        for row in rows
    ]
