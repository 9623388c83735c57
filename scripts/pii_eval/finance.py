"""Accounts, cards, contracts and wages."""

from __future__ import annotations

import random

from . import check_digits as check
from .identifiers import digits

UPPER = "ABCDEFGHJKLMNPRSTUVWXYZ"
KZ_BANKS = ("722", "601", "856", "914", "926", "998", "319", "563", "766", "821", "551", "125")
SWIFT_BANKS = (
    "HSBKKZ", "CASPKZ", "IRTYKZ", "KCJBKZ", "TSESKZ", "ALFAKZ", "EURIKZ", "NBRKKZ", "SABRRU", "VTBRRU",
    "DEUTDE", "COBADE", "CHASUS", "CITIUS", "BARCGB", "TCZBTR",
)  # fmt: skip


def iban(rng: random.Random, options: str = "") -> str:
    """Mostly Kazakhstan's 20 characters, whole or in groups of four."""
    country, bban = "KZ", rng.choice(KZ_BANKS)
    bban += digits(rng, 13) if rng.random() < 0.45 else rng.choice(UPPER) + digits(rng, 12)
    if rng.random() < 0.25:
        bban = bban[:3] + "".join(rng.choice(UPPER + "0123456789") for _ in range(13))
    if rng.random() < 0.15 and options != "kz":
        country, bban = rng.choice((
            ("DE", digits(rng, 18)), ("GB", "BARC" + digits(rng, 14)), ("TR", "00062" + digits(rng, 17)),
            ("AE", digits(rng, 19)), ("LT", digits(rng, 16)), ("GE", "TB" + digits(rng, 16)),
        ))  # fmt: skip
    number = country + check.iban_check(country, bban) + bban
    if rng.random() < 0.25:
        return " ".join(number[at : at + 4] for at in range(0, len(number), 4))
    return number


def card(rng: random.Random, options: str = "") -> str:
    """A payment card; one in twenty fails Luhn where a context word stands by, unless `valid`."""
    prefix, length = rng.choice((
        ("4", 16), ("4400", 16), ("51", 16), ("5169", 16), ("5536", 16), ("2221", 16), ("2200", 16),
        ("2202", 16), ("2204", 16), ("9860", 16), ("8600", 16), ("6221", 16), ("67", 18), ("4", 16), ("5", 16),
    ))  # fmt: skip
    if prefix == "5":
        prefix += rng.choice("12345")
    body = prefix + digits(rng, length - len(prefix) - 1)
    last = check.luhn_check(body)
    if options != "valid" and rng.random() < 0.05:
        last = (last + rng.randint(1, 9)) % 10
    number = body + str(last)
    if length == 16 and rng.random() < 0.45:
        return " ".join(number[at : at + 4] for at in range(0, 16, 4))
    return number


def swift(rng: random.Random, options: str = "") -> str:
    """A bank's code of 8 or 11 characters."""
    bank = rng.choice(SWIFT_BANKS)
    return bank + rng.choice(("KX", "KA", "MM", "XX", "2X", "22", "33"))[:2] + rng.choice(("", "", "XXX", "ALM"))


def contract(rng: random.Random, options: str = "") -> str:
    """A contract's number: 5 to 12 characters, always beside its noun."""
    year = rng.randint(2017, 2026)
    return rng.choice((
        digits(rng, rng.randint(5, 9)), digits(rng, rng.randint(6, 10)),
        f"{rng.choice('ДКПА')}-{digits(rng, 6)}", f"{rng.choice('ABKZMP')}{rng.choice('BCDKT')}-{digits(rng, 6)}",
        f"{digits(rng, 4)}/{year}", f"{year}-{digits(rng, 5)}", f"{rng.choice('ABCKLM')}{digits(rng, 7)}",
    ))  # fmt: skip


def account(rng: random.Random, options: str = "") -> str:
    """A subscriber's or resident's account with a provider."""
    return rng.choice((digits(rng, rng.randint(6, 10)), f"{rng.choice('1234567')}{digits(rng, 6)}", digits(rng, 8)))


def salary(rng: random.Random, options: str = "") -> str:
    """An amount of wages without its currency."""
    amount = rng.choice((rng.randint(85, 990) * 1000, rng.randint(17, 300) * 5000, rng.randint(85000, 999999)))
    plain = str(amount)
    spaced = f"{plain[:-3]} {plain[-3:]}" if len(plain) < 7 else f"{plain[:-6]} {plain[-6:-3]} {plain[-3:]}"
    return rng.choices((spaced, plain, spaced.replace(" ", "\u00a0")), (60, 34, 6))[0]
