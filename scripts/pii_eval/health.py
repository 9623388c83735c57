"""Dates of birth, diagnoses and the numbers of medical records."""

from __future__ import annotations

import random

from .identifiers import digits
from .world import World

MONTHS = {
    "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря".split(),
    "kk": "қаңтар ақпан наурыз сәуір мамыр маусым шілде тамыз қыркүйек қазан қараша желтоқсан".split(),
    "en": "January February March April May June July August September October November December".split(),
}
ICD_LETTERS = "AABCDEFGHIIIJJKKLMNOPQRSTZ"


def birth_date(rng: random.Random, lang: str) -> str:
    """A date of birth as the language writes dates."""
    year, month, day = rng.randint(1945, 2019), rng.randint(1, 12), rng.randint(1, 28)
    if rng.random() < 0.68:
        shape = rng.choices(
            ("{d:02d}.{m:02d}.{y}", "{y}-{m:02d}-{d:02d}", "{d:02d}/{m:02d}/{y}", "{d}.{m:02d}.{y}"), (60, 16, 14, 10)
        )[0]
        return shape.format(d=day, m=month, y=year)
    name = MONTHS[lang][month - 1]
    if lang == "kk":
        return f"{year} жылғы {day} {name}" if rng.random() < 0.7 else f"{day} {name} {year}"
    if lang == "en":
        return rng.choice((f"{day} {name} {year}", f"{name} {day}, {year}", f"{day} {name[:3]} {year}"))
    return f"{day} {name} {year}"


def diagnosis(rng: random.Random, world: World, lang: str, options: str) -> str:
    """An ICD-10 code; the name of an illness where the template allows it."""
    if options != "code" and rng.random() < 0.25:
        return rng.choice(world.words[f"{lang}_diagnosis"])
    code = f"{rng.choice(ICD_LETTERS)}{rng.randint(0, 99):02d}"
    return code + (f".{rng.randint(0, 9)}" if rng.random() < 0.85 else "")


def medical_record(rng: random.Random) -> str:
    """The number of a medical history or an outpatient card."""
    return rng.choice((digits(rng, rng.randint(5, 8)), f"{digits(rng, 5)}/{rng.randint(20, 26)}", f"A{digits(rng, 6)}"))
