"""People as texts name them: Russian, Kazakh and other names, in cases, with initials, in Latin letters."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Optional

from .declension import (
    kazakh,
    kazakh_patronymic,
    russian_given,
    russian_patronymic,
    russian_spelling,
    russian_surname,
)  # fmt: skip
from .transliteration import CHAT, KAZAKH_2018, KAZAKH_2021, KAZAKH_CHAT, PASSPORT, transliterate
from .world import World

ORIGINS = {"ru": (50, 42, 8), "kk": (14, 82, 4), "en": (22, 48, 30)}
LATIN_TABLES = {"2021": KAZAKH_2021, "2018": KAZAKH_2018, "chat": KAZAKH_CHAT}


@dataclass
class Person:
    """Parts in the spelling of the text; the surname is masculine until it is declined."""

    given: str
    surname: str
    patronymic: str
    female: bool
    russian_patronymic: bool


def _choose(rng: random.Random, world: World, lang: str, female: Optional[bool]) -> Person:
    female = rng.random() < 0.5 if female is None else female
    sex = "f" if female else "m"
    origin = rng.choices(("ru", "kk", "other"), ORIGINS[lang])[0]
    words = world.words
    if origin == "ru":
        father = rng.choice(words["ru_m"])
        return Person(
            rng.choice(words[f"ru_{sex}"]), rng.choice(words["ru_surname"]),
            russian_patronymic(father, female), female, True,
        )  # fmt: skip
    if origin == "kk":
        return _kazakh_person(rng, world, lang, female)
    nation = rng.choice(("uz", "ko", "de"))
    given_list = f"uz_{sex}" if nation == "uz" else f"ru_{sex}"
    father = rng.choice(words["uz_m" if nation == "uz" else "ru_m"])
    given, surname = rng.choice(words[given_list]), rng.choice(words[f"{nation}_surname"])
    return Person(given, surname, russian_patronymic(father, female), female, True)


def _kazakh_person(rng: random.Random, world: World, lang: str, female: bool) -> Person:
    words = world.words
    given, surname = rng.choice(words["kk_f" if female else "kk_m"]), rng.choice(words["kk_surname"])
    father = rng.choice(words["kk_m"])
    own = rng.random() < (0.85 if lang == "kk" else 0.35)
    patronymic = kazakh_patronymic(father, female) if own else ""
    if lang != "kk" or rng.random() < 0.05:
        given, surname = russian_spelling(given), russian_spelling(surname)
        patronymic = russian_spelling(patronymic) if rng.random() < 0.8 else patronymic
    if not own:
        patronymic = russian_patronymic(russian_spelling(father), female)
    return Person(given, surname, patronymic, female, not own)


def _initials(rng: random.Random, person: Person, surname: str) -> str:
    given, patronymic = person.given[0], person.patronymic[0]
    space = " " if rng.random() < 0.35 else ""
    if rng.random() < 0.15:
        return f"{surname} {given}." if rng.random() < 0.5 else f"{given}. {surname}"
    letters = f"{given}.{space}{patronymic}."
    return f"{surname} {letters}" if rng.random() < 0.65 else f"{letters} {surname}"


STYLES = ("full", "given_last", "surname_given", "given_surname", "given_patronymic", "initials")
STYLE_WEIGHTS = (28, 6, 16, 20, 14, 16)


def russian(rng: random.Random, world: World, case: str, style: str, female: Optional[bool]) -> str:
    """A person in a Russian text."""
    person = _choose(rng, world, "ru", female)
    surname = russian_surname(person.surname, case, person.female)
    given = russian_given(person.given, case, person.female)
    patronymic = russian_given(person.patronymic, case, person.female)
    if style == "first":
        return given
    style = style if style in STYLES else rng.choices(STYLES, STYLE_WEIGHTS)[0]
    return _order(rng, person, (surname, given, patronymic), style)


def _order(rng: random.Random, person: Person, parts: tuple, style: str) -> str:
    surname, given, patronymic = parts
    if style == "initials":
        return _initials(rng, person, surname)
    return {
        "full": f"{surname} {given} {patronymic}",
        "given_last": f"{given} {patronymic} {surname}",
        "surname_given": f"{surname} {given}",
        "given_surname": f"{given} {surname}",
        "given_patronymic": f"{given} {patronymic}",
    }[style]


def kazakh_person(rng: random.Random, world: World, case: str, style: str, female: Optional[bool]) -> str:
    """A person in a Kazakh text: the ending stands on the last word."""
    person = _choose(rng, world, "kk", female)
    surname = russian_surname(person.surname, "nom", person.female)
    if style == "first":
        return kazakh(person.given, case)
    style = style if style in STYLES else rng.choices(STYLES, STYLE_WEIGHTS)[0]
    text = _order(rng, person, (surname, person.given, person.patronymic), style)
    head, _, last = text.rpartition(" ")
    return f"{head} {kazakh(last, case)}".strip()


def english(rng: random.Random, world: World, style: str, female: Optional[bool]) -> str:
    """A person in an English text: a native name, or a passport's transliteration."""
    female = rng.random() < 0.5 if female is None else female
    words = world.words
    if rng.random() < 0.35:
        given = rng.choice(words["en_f" if female else "en_m"])
        surname = rng.choice(words["en_surname"])
        middle = f"{rng.choice('ABCDEJKLMRST')}. " if rng.random() < 0.15 else ""
        if style == "first":
            return given
        return f"{surname}, {given}" if style == "register" else f"{given} {middle}{surname}"
    person = _choose(rng, world, "en", female)
    latin = [
        transliterate(russian_spelling(part), PASSPORT)
        for part in (russian_surname(person.surname, "nom", female), person.given, person.patronymic)
    ]
    surname, given, patronymic = latin
    if style == "first":
        return given
    form = rng.choices(("gs", "sg", "full", "init"), (50, 22, 16, 12))[0]
    if form == "full":
        return f"{surname} {given} {patronymic}"
    if form == "init":
        return f"{given[0]}. {surname}"
    return f"{given} {surname}" if form == "gs" else f"{surname} {given}"


def person(rng: random.Random, world: World, lang: str, options: str) -> str:
    """A person for the slot `{person:options}`: a case, `m` or `f`, and a style, separated by commas."""
    case, style, female = "nom", "", None
    for option in filter(None, options.split(",")):
        if option in ("m", "f"):
            female = option == "f"
        elif option in ("gen", "dat", "acc", "ins", "pre", "loc", "abl", "nom"):
            case = option
        else:
            style = option
    if lang == "en":
        return english(rng, world, style, female)
    if lang == "kk":
        return kazakh_person(rng, world, case, style, female)
    return russian(rng, world, case, style, female)


def chat_latin(text: str) -> str:
    """The text as typed without a Cyrillic keyboard."""
    return transliterate(text, CHAT)
