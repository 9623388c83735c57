"""Templates into segments: plain text and values, each value with its entity.

A template holds slots `{entity:options}`, noise slots `{_name:options}` and choices `<<a|b>>`.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import List, Optional, Set

from . import contacts, credentials, finance, health, identifiers
from .entities import ENTITIES
from .noise import NOISE, noise
from .persons import person
from .world import World

SLOT = re.compile(r"\{(_[a-z0-9_]+|[a-z][a-z0-9_]*)(?::([^{}\"]*))?\}")
CHOICE = re.compile(r"<<([^<>]*)>>")
NUMBERS = {
    "iin": identifiers.iin, "bin": identifiers.bin_number, "phone": identifiers.phone, "iban": finance.iban,
    "card": finance.card, "id_card": identifiers.id_card, "passport": identifiers.passport,
    "driver_licence": identifiers.driver_licence, "plate": identifiers.plate, "contract": finance.contract,
    "account": finance.account, "salary": finance.salary, "ru_inn": identifiers.ru_inn,
    "snils": identifiers.snils, "ru_passport": identifiers.ru_passport, "uz_pinfl": identifiers.uz_pinfl,
    "kg_pin": identifiers.kg_pin, "us_ssn": identifiers.us_ssn, "swift": finance.swift,
}  # fmt: skip
WORD_NOISE = {"_n", "_city", "_company", "_figure", "_street", "_surname", "_bank", "_domain", "_month", "_illness"}


@dataclass
class Segment:
    """A piece of a message; gold where `entity` is set. Pieces of one value share `value`."""

    text: str
    entity: Optional[str] = None
    obfuscation: str = "plain"
    value: int = 0


def value(rng: random.Random, world: World, lang: str, entity: str, options: str = "") -> str:
    """A value of the entity, as a text in that language would write it."""
    if entity in NUMBERS:
        return NUMBERS[entity](rng, options)
    if entity == "person":
        return person(rng, world, lang, options)
    if entity == "secret":
        return credentials.password(rng) if options == "password" else credentials.token(rng)
    if entity == "diagnosis":
        return health.diagnosis(rng, world, lang, options)
    made = {
        "email": lambda: contacts.email(rng, world),
        "handle": lambda: contacts.handle(rng, world),
        "ip": lambda: contacts.public_ip(rng),
        "mac": lambda: contacts.mac(rng),
        "geo": lambda: contacts.geo(rng),
        "crypto": lambda: contacts.crypto(rng),
        "address": lambda: contacts.address(rng, world, lang),
        "birth_date": lambda: health.birth_date(rng, lang),
        "medical_record": lambda: health.medical_record(rng),
    }
    return made[entity]()


def entities_of(template: str) -> Set[str]:
    """The entities that a template's slots name."""
    return {name for name, _ in SLOT.findall(template) if name in ENTITIES}


def unknown_slots(template: str) -> Set[str]:
    """Slots of a template that nothing fills: mistakes."""
    names = {name for name, _ in SLOT.findall(template)}
    return names - set(ENTITIES) - set(NOISE) - WORD_NOISE


def render(rng: random.Random, world: World, lang: str, template: str) -> List[Segment]:
    """Fills the choices, then the slots."""
    while CHOICE.search(template):
        template = CHOICE.sub(lambda found: rng.choice(found.group(1).split("|")), template)
    template = template.replace("\\n", "\n")
    segments: List[Segment] = []
    at = 0
    for slot in SLOT.finditer(template):
        name, options = slot.group(1), slot.group(2) or ""
        segments.append(Segment(template[at : slot.start()]))
        if name in ENTITIES:
            segments.append(Segment(value(rng, world, lang, name, options), name))
        else:
            segments.append(Segment(noise(rng, world, lang, name, options)))
        at = slot.end()
    segments.append(Segment(template[at:]))
    return [segment for segment in segments if segment.text]
