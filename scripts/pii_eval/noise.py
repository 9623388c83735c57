"""Values that look personal and are not: orders, parcels, barcodes, hashes, prices, public people."""

from __future__ import annotations

import random
from typing import Callable, Dict

from . import check_digits as check
from .contacts import private_ip
from .health import MONTHS
from .identifiers import digits
from .world import World

HEX = "0123456789abcdef"
CITY_LISTS = {"ru": "city", "kk": "kk_city", "en": "en_city"}


def _hex(rng: random.Random, count: int) -> str:
    return "".join(rng.choice(HEX) for _ in range(count))


def plain_digits(rng: random.Random, count: int) -> str:
    """Digits that do not happen to be an IIN, a BIN, a card or a phone."""
    while True:
        text = str(rng.randint(1, 9)) + digits(rng, count - 1) if count > 1 else digits(rng, 1)
        phone = count in (10, 11) and (text[:2] in ("77", "76", "79", "87", "86", "89") or text[0] in "679")
        looks_like_card = count >= 13 and check.is_luhn(text)
        pinfl = count == 14 and (check.pinfl_check(text[:13]) == int(text[13]) or text[0] in "12")
        inn = count == 12 and check.ru_inn12_checks(text[:10]) == text[10:]
        snils = count == 11 and check.snils_checks(text[:9]) == text[9:]
        if not (phone or looks_like_card or pinfl or inn or snils or check.is_iin(text) or check.is_bin(text)):
            return text


def _ean(rng: random.Random, prefix: str) -> str:
    body = prefix + digits(rng, 12 - len(prefix))
    return body + str(check.ean13_check(body))


def _isbn(rng: random.Random) -> str:
    number = _ean(rng, rng.choice(("978601", "978500", "978014")))
    return (
        number
        if rng.random() < 0.4
        else f"{number[:3]}-{number[3:6] if number[3] == '6' else number[3]}-{number[6:9]}-{number[9:12]}-{number[12]}"
    )


def _money(rng: random.Random) -> str:
    amount = rng.choice((rng.randint(1, 990) * 100, rng.randint(10, 900) * 1000, rng.randint(100, 9_999_999)))
    text = f"{amount:,}".replace(",", rng.choice((" ", " ", "\u00a0", "")))
    return text + rng.choice(("", "", ",00", ",50"))


def _order(rng: random.Random) -> str:
    return rng.choice((
        plain_digits(rng, rng.randint(5, 10)), f"{rng.randint(2024, 2026)}-{digits(rng, 6)}", f"ORD-{digits(rng, 7)}",
        plain_digits(rng, 12), plain_digits(rng, rng.randint(6, 9)),
    ))  # fmt: skip


def _track(rng: random.Random) -> str:
    return rng.choice((
        f"R{rng.choice('ABCLR')}{digits(rng, 9)}{rng.choice(('KZ', 'CN', 'RU'))}",
        f"CP{digits(rng, 9)}KZ", plain_digits(rng, 14),
        plain_digits(rng, 12), f"1Z{digits(rng, 6)}{digits(rng, 10)}", f"KZ{digits(rng, 9)}",
    ))  # fmt: skip


def _sku(rng: random.Random) -> str:
    letters = "".join(rng.choice("ABCDEFGHKMPRSTVX") for _ in range(rng.randint(2, 3)))
    return rng.choice(
        (
            f"{letters}-{digits(rng, 5)}",
            f"{letters}{digits(rng, 4)}-{rng.choice('BWRG')}",
            plain_digits(rng, 8),
            f"{letters}.{digits(rng, 3)}.{digits(rng, 3)}",
        )
    )


def _version(rng: random.Random) -> str:
    parts = [rng.randint(0, 30), rng.randint(0, 20), rng.randint(0, 40)]
    text = ".".join(map(str, parts))
    return text + rng.choice(("", "", "-rc1", f".{rng.randint(100, 9999)}", "+build.77"))


def _uuid(rng: random.Random) -> str:
    text = _hex(rng, 32)
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def _date(rng: random.Random) -> str:
    year, month, day = rng.randint(2022, 2027), rng.randint(1, 12), rng.randint(1, 28)
    return rng.choice(
        (f"{day:02d}.{month:02d}.{year}", f"{day:02d}.{month:02d}.{year}", f"{year}-{month:02d}-{day:02d}")
    )


def _stamp(rng: random.Random) -> str:
    """Year to minute without separators, as in names of backups: twelve digits that are never an IIN."""
    day = f"{rng.randint(2022, 2026)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}"
    return f"{day}{rng.randint(0, 23):02d}{rng.randint(0, 59):02d}"


def _iso(rng: random.Random) -> str:
    day = f"{rng.randint(2024, 2026)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
    clock = f"{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}:{rng.randint(0, 59):02d}"
    return rng.choice(
        (f"{day}T{clock}Z", f"{day}T{clock}+05:00", f"{day} {clock}", f"{day} {clock},{rng.randint(0, 999):03d}")
    )


NOISE: Dict[str, Callable[[random.Random], str]] = {
    "_order": _order,
    "_track": _track,
    "_isbn": _isbn,
    "_ean": lambda rng: _ean(rng, rng.choice(("487", "460", "590", "690", "869"))),
    "_money": _money,
    "_sku": _sku,
    "_version": _version,
    "_uuid": _uuid,
    "_sha": lambda rng: _hex(rng, 40),
    "_sha256": lambda rng: _hex(rng, 64),
    "_md5": lambda rng: _hex(rng, 32),
    "_commit": lambda rng: _hex(rng, 7),
    "_ts": lambda rng: str(rng.randint(1_600_000_000, 1_790_000_000)),
    "_tsms": lambda rng: str(rng.randint(1_600_000_000_000, 1_790_000_000_000)),
    "_stamp": _stamp,
    "_date": _date,
    "_iso": _iso,
    "_time": lambda rng: f"{rng.randint(0, 23)}:{rng.randint(0, 59):02d}",
    "_privip": private_ip,
    "_8800": lambda rng: rng.choice(
        ("8-800-{0}-{1}-{2}", "8 800 {0} {1} {2}", "8 (800) {0}-{1}-{2}", "8800{0}{1}{2}")
    ).format(digits(rng, 3), digits(rng, 2), digits(rng, 2)),
    "_short": lambda rng: rng.choice(
        ("101", "102", "103", "112", "1414", "7711", "2424", "150", "1460", "5505", "*100#", "*111#")
    ),
    "_price": lambda rng: f"{rng.randint(1, 999) * 10}",
    "_pct": lambda rng: f"{rng.randint(1, 99)},{rng.randint(0, 9)} %",
    "_meter": lambda rng: plain_digits(rng, rng.choice((8, 9))),
    "_port": lambda rng: str(rng.choice((80, 443, 5432, 6379, 8080, 9092, 27017))),
    "_year": lambda rng: str(rng.randint(1991, 2026)),
    "_small": lambda rng: str(rng.randint(2, 60)),
    "_cadastre": lambda rng: f"{rng.randint(1, 25):02d}:{digits(rng, 3)}:{digits(rng, 3)}:{digits(rng, 3)}",
    "_float": lambda rng: f"{rng.uniform(0, 100):.{rng.choice((2, 3, 6, 10))}f}",
    "_card4": lambda rng: digits(rng, 4),
}


def noise(rng: random.Random, world: World, lang: str, name: str, options: str) -> str:
    """The value of a slot that begins with an underscore."""
    if name == "_n":
        return plain_digits(rng, int(options))
    if name == "_city":
        return rng.choice(world.words[CITY_LISTS[lang]])
    if name in ("_company", "_figure"):
        return rng.choice(world.words[name[1:] if lang == "ru" else f"{lang}{name}"])
    if name == "_street":
        return rng.choice(world.words[f"{lang}_street"])
    if name == "_surname":
        return rng.choice(world.words["en_surname" if lang == "en" else f"{lang}_surname"])
    if name == "_bank":
        return rng.choice(world.words["bank"])
    if name == "_domain":
        return rng.choice(world.words["domain"])
    if name == "_month":
        return rng.choice(MONTHS[lang])
    if name == "_illness":
        return rng.choice(world.words[f"{lang}_diagnosis"])
    return NOISE[name](rng)
