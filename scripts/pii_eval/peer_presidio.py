"""Presidio as a peer: reads {"texts": [...]} lines, prints a line on itself and then an answer per line.

Runs in Presidio's own environment: `peer_presidio.py default|kz FILE`. PyPI has no spaCy models, so the
pipeline is blank: tokens without named entities or lemmas. `kz` adds recognizers for Kazakhstan's numbers
with check digits and context, and a few words of context in Russian and Kazakh.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from typing import List, Optional

import spacy
from presidio_analyzer import AnalyzerEngine, Pattern, PatternRecognizer, RecognizerRegistry
from presidio_analyzer.nlp_engine import SpacyNlpEngine
from presidio_analyzer.predefined_recognizers import PhoneRecognizer

THRESHOLD = 0.35
IGNORED = ("DATE_TIME", "URL", "NRP")
ENTITIES = {
    "PHONE_NUMBER": "phone", "EMAIL_ADDRESS": "email", "IBAN_CODE": "iban", "CREDIT_CARD": "card",
    "IP_ADDRESS": "ip", "CRYPTO": "crypto", "US_SSN": "us_ssn", "PERSON": "person", "MAC_ADDRESS": "mac",
    "US_PASSPORT": "passport", "US_DRIVER_LICENSE": "driver_licence", "LOCATION": "address",
}  # fmt: skip


class BlankEngine(SpacyNlpEngine):
    """A tokenizer in place of a model."""

    def __init__(self) -> None:
        super().__init__(models=[{"lang_code": "en", "model_name": "blank"}])

    def load(self) -> None:
        """Nothing to download."""
        self.nlp = {"en": spacy.blank("en")}


def _iin_like(text: str, first_digits: str) -> Optional[bool]:
    digits = [int(char) for char in text if char.isdigit()]
    if len(digits) != 12 or str(digits[4]) not in first_digits:
        return False
    for weights in (range(1, 12), (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)):
        check = sum(digit * weight for digit, weight in zip(digits, weights)) % 11
        if check < 10:
            return check == digits[11]
    return False


class NumberRecognizer(PatternRecognizer):
    """Twelve digits with Kazakhstan's check digit."""

    def __init__(self, entity: str, fifth: str, context: List[str]) -> None:
        self.fifth = fifth
        super().__init__(entity, patterns=[Pattern(entity, r"\b\d{12}\b", 0.3)], context=context)

    def validate_result(self, pattern_text: str) -> Optional[bool]:
        """True lifts the score to certain, False drops the match."""
        return _iin_like(pattern_text, self.fifth)


def _kz_recognizers() -> List[PatternRecognizer]:
    def by_context(entity: str, pattern: str, context: List[str], score: float = 0.1) -> PatternRecognizer:
        return PatternRecognizer(entity, patterns=[Pattern(entity, pattern, score)], context=context)

    name = r"[А-ЯЁӘҒҚҢӨҰҮҺІ][а-яёәғқңөұүһі]+"
    surname = r"[А-ЯЁӘҒҚҢӨҰҮҺІ][а-яёәғқңөұүһі]+(?:ов|ев|ёв|ин|ова|ева|ина|ұлы|қызы|улы|кызы)"
    return [
        NumberRecognizer("iin", "0123", ["иин", "жсн", "iin"]),
        NumberRecognizer("bin", "456", ["бин", "бсн", "bin"]),
        by_context("id_card", r"\b0\d{8}\b", ["удостоверение", "удостоверения", "куәлік", "id", "card"]),
        by_context("passport", r"\bN ?\d{8}\b", ["паспорт", "passport", "төлқұжат"], 0.5),
        by_context("plate", r"\b\d{3} ?[A-Z]{2,3} ?(?:0[1-9]|1\d|20)\b", ["авто", "машина", "көлік"], 0.5),
        by_context("ru_inn", r"\b\d{12}\b", ["инн", "inn"]),
        by_context("snils", r"\b\d{3}-\d{3}-\d{3} \d{2}\b", ["снилс"], 0.5),
        by_context("uz_pinfl", r"\b\d{14}\b", ["пинфл", "pinfl"]),
        by_context("kg_pin", r"\b[12]\d{13}\b", ["пин", "pin"]),
        by_context("contract", r"\b[A-ZА-Я]{0,2}-?\d{5,10}\b", ["договор", "договору", "шарт", "contract"]),
        by_context("address", r"(?:ул\.?|улица|пр\.?|мкр\.?) [^\n,]{2,40},? ?(?:д\.? ?)?\d+", [], 0.5),
        by_context("person", rf"\b{surname} {name}(?: {name})?\b|\b{name} {surname}\b", [], 0.5),
    ]


def engine(mode: str) -> AnalyzerEngine:
    """Presidio with its own recognizers, and in `kz` with those above."""
    nlp = BlankEngine()
    nlp.load()
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"], nlp_engine=nlp)
    if mode == "kz":
        registry.remove_recognizer("PhoneRecognizer")
        registry.add_recognizer(PhoneRecognizer(supported_regions=("KZ", "RU", "UZ", "KG", "US", "GB", "DE")))
        for recognizer in _kz_recognizers():
            registry.add_recognizer(recognizer)
    return AnalyzerEngine(registry=registry, nlp_engine=nlp, supported_languages=["en"])


def main() -> None:
    """Scans the file."""
    mode, path = sys.argv[1:3]
    analyzer = engine(mode)
    kind = "patterns only, no NER" + (", with recognizers for Kazakhstan" if mode == "kz" else "")
    print(json.dumps({"peer": f"Presidio {version('presidio-analyzer')} ({kind})"}))
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            spans = []
            for message, text in enumerate(json.loads(line)["texts"]):
                for found in analyzer.analyze(text=text, language="en", score_threshold=THRESHOLD):
                    if found.entity_type not in IGNORED:
                        entity = ENTITIES.get(found.entity_type, found.entity_type.lower())
                        spans.append({"message": message, "entity": entity, "start": found.start, "end": found.end})
            print(json.dumps({"spans": spans}))


if __name__ == "__main__":
    main()
