"""Generated values for the phrase slots: numbers, times, invented words.

Identity numbers, cards and phones are random digits of the right shape; some carry a
valid check digit and some do not, since a customer may type either.
"""

from __future__ import annotations

import random
import string
from typing import Callable, Dict

CYRILLIC_ONSETS = "б в г д ж з к л м н п р с т ф х ц ч ш бр гр др кл пл ст тр хр".split()
CYRILLIC_NUCLEI = "а е и о у ы я ю э".split()
CYRILLIC_CODAS = ["", "", "", "н", "р", "л", "к", "т", "м", "с", "нт", "рд"]
LATIN_ONSETS = "b c d f g h j k l m n p r s t v w z br cr dr fl gr pl st tr sh th".split()
LATIN_NUCLEI = "a e i o u ai ea oo".split()
LATIN_CODAS = ["", "", "", "n", "r", "l", "k", "t", "m", "s", "nd", "ck"]


def digits(rng: random.Random, count: int) -> str:
    """A string of random digits."""
    return "".join(rng.choice(string.digits) for _ in range(count))


def pseudo_word(rng: random.Random, cyrillic: bool) -> str:
    """An invented word, so that unknown words are nothing special to the model."""
    onsets, nuclei, codas = (
        (CYRILLIC_ONSETS, CYRILLIC_NUCLEI, CYRILLIC_CODAS)
        if cyrillic
        else (LATIN_ONSETS, LATIN_NUCLEI, LATIN_CODAS)
    )
    syllables = rng.choice([1, 2, 2, 3, 3, 4])
    return "".join(rng.choice(onsets) + rng.choice(nuclei) + rng.choice(codas) for _ in range(syllables))


def order_number(rng: random.Random) -> str:
    """An order or tracking number in one of the usual shapes."""
    shape = rng.randrange(8)
    if shape == 0:
        return f"KZ{digits(rng, rng.choice([6, 8, 9]))}{rng.choice(['', 'KZ', 'CN', 'RU'])}"
    if shape == 1:
        return f"{rng.choice('ABCDEKRSTX')}{rng.choice('ABCDEKRSTX')}-{digits(rng, rng.choice([4, 5, 6]))}"
    if shape == 2:
        return f"№{digits(rng, rng.choice([4, 5, 6, 8]))}"
    if shape == 3:
        return f"#{digits(rng, rng.choice([3, 4, 5, 6]))}"
    if shape == 4:
        return f"{digits(rng, 3)}-{digits(rng, 3)}-{digits(rng, 3)}"
    return digits(rng, rng.choice([4, 5, 6, 7, 8, 10, 14]))


def iin(rng: random.Random) -> str:
    """Twelve digits that begin with a plausible birth date."""
    year, month, day = rng.randrange(100), rng.randrange(1, 13), rng.randrange(1, 29)
    text = f"{year:02d}{month:02d}{day:02d}{rng.randrange(3, 7)}{digits(rng, 5)}"
    separator = rng.choice(["", "", "", "", " ", "-", "\u00a0"])
    if not separator:
        return text
    step = rng.choice([3, 4, 6, 1])
    return separator.join(text[i : i + step] for i in range(0, 12, step))


def phone(rng: random.Random) -> str:
    """A mobile number as people write it."""
    code, a, b, c = (
        rng.choice("700 701 702 705 707 708 747 771 775 777 778".split()),
        digits(rng, 3),
        digits(rng, 2),
        digits(rng, 2),
    )
    return rng.choice(
        [
            f"+7{code}{a}{b}{c}",
            f"8{code}{a}{b}{c}",
            f"+7 {code} {a} {b} {c}",
            f"8 ({code}) {a}-{b}-{c}",
            f"+7-{code}-{a}-{b}-{c}",
        ]
    )


def pan(rng: random.Random) -> str:
    """A sixteen-digit card number."""
    groups = [rng.choice("45") + digits(rng, 3)] + [digits(rng, 4) for _ in range(3)]
    return rng.choice([" ", "", "-"]).join(groups)


def iban(rng: random.Random) -> str:
    """An account number in Kazakhstan's format."""
    return f"KZ{digits(rng, 2)}{digits(rng, 3)}{''.join(rng.choice('0123456789ABCDKZ') for _ in range(13))}"


def email(rng: random.Random) -> str:
    """An e-mail address."""
    return f"{pseudo_word(rng, False)}{rng.choice(['', '.', '_'])}{pseudo_word(rng, False)}@{rng.choice(['mail.kz', 'gmail.com', 'example.org', 'inbox.ru'])}"


def clock(rng: random.Random) -> str:
    """A time of day."""
    hour = rng.randrange(8, 23)
    return rng.choice(
        [f"{hour}:00", f"{hour}:30", f"{hour}", f"{hour}.00", f"{hour}:{rng.randrange(10, 60)}"]
    )


def amount(rng: random.Random) -> str:
    """A sum of money without its currency."""
    value = rng.choice([rng.randrange(1, 99) * 100, rng.randrange(1000, 90000), rng.randrange(1, 90) * 1000])
    return rng.choice([str(value), f"{value:,}".replace(",", " ")])


def values_for(language: str) -> Dict[str, Callable[[random.Random], str]]:
    """The generated slots of one language."""
    cyrillic = language != "en"
    return {
        "order": order_number,
        "iin": iin,
        "phone": phone,
        "pan": pan,
        "iban": iban,
        "email": email,
        "clock": clock,
        "amount": amount,
        "pseudo": lambda rng: pseudo_word(rng, cyrillic),
        "latin": lambda rng: pseudo_word(rng, False),
        "pseudoname": lambda rng: pseudo_word(rng, cyrillic).capitalize(),
        "d2": lambda rng: str(rng.randrange(2, 31)),
        "d4": lambda rng: digits(rng, 4),
        "n": lambda rng: str(rng.randrange(1, 200)),
        "big": lambda rng: str(rng.randrange(10, 10 ** rng.choice([2, 3, 4, 6]) + 10)),
    }
