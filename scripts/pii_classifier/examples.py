"""Labelled texts without end, seeded: the evaluation's generator, with more names, and the demo model's phrases.

Only the splits `build` and `tuned` of the generator take part, never `held`. An example is a list of pieces: text
outside of everything, a person, an address, or a value in an encoding, of which nothing is taught.
"""

from __future__ import annotations

import random
import re
import zlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Tuple

from demo_model.grammar import Grammar
from demo_model.values import values_for
from pii_eval.composition import GROUPS
from pii_eval.disguise import ENCODINGS
from pii_eval.entities import ENTITIES, LANGUAGES
from pii_eval.generation import LANGUAGE_WEIGHTS, Generator, Sample
from pii_eval.persons import person
from pii_eval.world import World, sections

from .names import composed, known, places, public, titled

FOLDER = Path(__file__).parent / "phrases"
SPLITS = ("build", "tuned")
LABELS = {"person": "PER", "address": "ADDRESS"}
UNTAUGHT = "?"
HELD_OUT_OF = 12
NAME_LISTS = (
    "ru_m", "ru_f", "ru_surname", "kk_m", "kk_f", "kk_surname", "uz_m", "uz_f", "uz_surname", "ko_surname",
    "de_surname", "en_m", "en_f", "en_surname",
)  # fmt: skip
WEIGHTS = {**dict.fromkeys(ENTITIES, 1.0), "person": 40.0, "address": 14.0}
# Companies, towns and streets that do not exist.
INVENTED: Dict[str, Tuple[Tuple[str, ...], Tuple[str, ...]]] = {
    "company": (("ТОО «{}»", "АО «{}»", "ИП «{}»", "{}", "ТОО «{} и К»"), ("ru_surname",)),
    "kk_company": (("«{}» ЖШС", "«{}» АҚ", "{}"), ("kk_m", "kk_f")),
    "en_company": (("{} LLP", "{} & Co", "{}", "{} Group"), ("en_surname",)),
    "city": (("{}",), ("ru_m", "place")),
    "kk_city": (("{}",), ("kk_m", "place")),
    "en_city": (("{}",), ("en_surname",)),
    "ru_street": (("{}а",), ("ru_surname", "kk_m", "ru_m")),
    "kk_street": (("{}",), ("kk_m", "kk_surname")),
    "en_street": (("{}",), ("en_surname",)),
    "bank": (("{}",), ("ru_m", "en_surname")),
}
# Samples that share their lists of names.
NAMES_LAST = 40
WORD = re.compile(r"\w+")
PUNCTUATION = str.maketrans("", "", ".,;:!?—–\"«»()")


@dataclass
class Piece:
    """A part of a text; `label` is PER, ADDRESS, UNTAUGHT or nothing."""

    text: str
    label: Optional[str] = None


Example = List[Piece]


def is_held_out(template: str) -> bool:
    """Whether a template is kept for validation, whatever the seed."""
    return zlib.crc32(template.encode()) % HELD_OUT_OF == 0


def world(split: str, validation: bool) -> World:
    """The split's words and templates together with this folder's, those of training or those of validation."""
    made = World(split)
    for lang in ("ru", "kk", "en"):
        own = sections((FOLDER / f"{lang}.txt").read_text(encoding="utf-8"))
        for name in ("person", "negative"):
            made.templates[lang][name] = made.templates[lang][name] + own[name]
    for name, groups in made.templates.items():
        for section, lines in groups.items():
            if name != "frames" and section in (*GROUPS, "any", "negative"):
                kept = [line for line in lines if is_held_out(line) == validation]
                groups[section] = kept or lines
    return made


def invented(rng: random.Random, kind: str) -> str:
    """A company, a town or a street for a word list of the generator."""
    shapes, parts = INVENTED[kind]
    part = rng.choice(parts)
    return rng.choice(shapes).format(rng.choice(places()) if part == "place" else composed(rng, part))


class Wide(Generator):
    """The generator with more about names, whose lists change all the time."""

    def __init__(self, split: str, seed: int, validation: bool) -> None:
        super().__init__(split, seed, world(split, validation))
        self.words = {name: list(words) for name, words in self.composer.world.words.items()}
        # Few templates are kept for validation: not every entity has one.
        clauses = self.composer.clauses["ru"]
        self.weights = {entity: weight if clauses[entity] else 0.0 for entity, weight in WEIGHTS.items()}

    def rename(self, rng: random.Random) -> None:
        """New lists of names and of public figures: the split's, the detector's and composed ones."""
        current = self.composer.world.words
        for name in NAME_LISTS:
            current[name] = [
                *rng.sample(self.words[name], min(6, len(self.words[name]))), *rng.sample(known()[name], 14),
                *(composed(rng, name) for _ in range(14)),
            ]  # fmt: skip
        for name, people in public().items():
            current[name] = self.words[name] + rng.sample(people, 30)
        # Unknown words with capitals are not always people.
        for name in INVENTED:
            current[name] = self.words[name] + [invented(rng, name) for _ in range(12)]

    def example(self, rng: random.Random, name: str) -> List[Example]:
        """A positive or a negative sample's messages."""
        lang = rng.choices(LANGUAGES, LANGUAGE_WEIGHTS)[0]
        if rng.random() < 0.4:
            return pieces_of(self._negative(rng, name, lang))
        return pieces_of(self._positive(rng, name, lang))


def pieces_of(sample: Sample) -> List[Example]:
    """The messages of a sample as pieces."""
    examples = []
    for index, text in enumerate(sample.texts):
        pieces, at = [], 0
        for span in sorted((s for s in sample.spans if s["message"] == index), key=lambda s: s["start"]):
            label = LABELS.get(span["entity"])
            if label and (span["obfuscation"] in ENCODINGS or span["obfuscation"] == "split"):
                label = UNTAUGHT
            pieces += [Piece(text[at : span["start"]]), Piece(text[span["start"] : span["end"]], label)]
            at = span["end"]
        examples.append([piece for piece in [*pieces, Piece(text[at:])] if piece.text])
    return examples


class Phrases:
    """Questions of the demo model's training, with names in them."""

    RULES = (
        "greeting", "help", "parcel", "refund", "thanks", "time", "card", "story", "closing", "other", "other", "other",
        "opening", "angry", "system",
    )  # fmt: skip
    # Around a person, and what stands where nobody says whose it is: letters that no text has.
    BEGIN, END, UNCLEAR = "\ue000", "\ue001", "\ue002"

    def __init__(self, worlds: List[World]) -> None:
        self.worlds = worlds
        self.grammars = {lang: Grammar(lang, values_for(lang)) for lang in ("ru", "kk", "en")}
        for lang, grammar in self.grammars.items():
            slots = {
                "name": partial(self._name, lang), "surname": partial(self._surname, lang),
                **dict.fromkeys(("pseudoname", "street", "place"), lambda _: self.UNCLEAR),
            }  # fmt: skip
            for slot in slots:
                grammar.rules.pop(slot, None)
            grammar.values.update(slots)

    def _name(self, lang: str, rng: random.Random) -> str:
        return self.BEGIN + person(rng, rng.choice(self.worlds), lang, rng.choice(("first", ""))) + self.END

    def _surname(self, lang: str, rng: random.Random) -> str:
        return self.BEGIN + rng.choice(rng.choice(self.worlds).words[f"{lang}_surname"]) + self.END

    def example(self, rng: random.Random) -> Example:
        """One to three sentences."""
        grammar = self.grammars[rng.choice(("ru", "kk", "en"))]
        rules = [rule for rule in self.RULES if rule in grammar.rules]
        while True:
            text = " ".join(grammar.expand(rng.choice(rules), rng) for _ in range(rng.choice((1, 1, 2, 3))))
            if text and self.UNCLEAR not in text:
                break
        text = text.replace(f"{self.END} {self.BEGIN}", " ").replace(self.END, self.BEGIN)
        if rng.random() < 0.6:
            text = text[:1].upper() + text[1:]
        parts = enumerate(text.split(self.BEGIN))
        return [Piece(part, "PER" if at % 2 else None) for at, part in parts if part]


def misspelt(rng: random.Random, text: str) -> str:
    """The text with one letter lost, doubled, moved or replaced."""
    places = [at for at in range(1, len(text) - 1) if text[at].isalpha() and text[at + 1].isalpha()]
    if not places:
        return text
    at = rng.choice(places)
    other = rng.choice([char for char in text if char.isalpha()]).lower()
    return text[:at] + rng.choice(("", text[at] * 2, text[at + 1] + text[at], other)) + text[at + 1 :]


def roughened(rng: random.Random, example: Example) -> Example:
    """The example as hurried people would write it, now and then."""
    for piece in example:
        if piece.label in ("PER", "ADDRESS") and rng.random() < 0.08:
            piece.text = misspelt(rng, piece.text)
        elif piece.label is None and rng.random() < 0.02:
            piece.text = misspelt(rng, piece.text)
    chance = rng.random()
    if chance < 0.06:
        for piece in example:
            piece.text = piece.text.lower()
    elif chance < 0.09:
        for piece in example:
            piece.text = piece.text.upper()
    elif chance < 0.12:
        for piece in example:
            if piece.label is None:
                piece.text = piece.text.lower()
    elif chance < 0.16:
        for piece in example:
            if piece.label is None:
                piece.text = WORD.sub(lambda word: titled(word[0]) if rng.random() < 0.4 else word[0], piece.text)
    if rng.random() < 0.07:
        for piece in example:
            piece.text = piece.text.translate(PUNCTUATION) if piece.label is None else piece.text
    return [piece for piece in example if piece.text]


def examples(seed: int, validation: bool = False) -> Iterator[Example]:
    """Examples without end, the same for the same seed."""
    generators = {split: Wide(split, seed, validation) for split in SPLITS}
    phrases = Phrases([generator.composer.world for generator in generators.values()])
    number = 0
    while True:
        rng = random.Random(f"{seed}/{validation}/{number}")
        if number % NAMES_LAST == 0:
            for generator in generators.values():
                generator.rename(rng)
        number += 1
        if not validation and rng.random() < 0.2:
            made = [phrases.example(rng)]
        else:
            made = generators[rng.choice(SPLITS)].example(rng, str(number))
        for example in made:
            yield example if validation else roughened(rng, example)
