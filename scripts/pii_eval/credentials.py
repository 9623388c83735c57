"""Secrets of the shapes that services hand out, and passwords that people type."""

from __future__ import annotations

import base64
import random
import string

ALNUM = string.ascii_letters + string.digits
PASSWORD_WORDS = ("Almaty", "qwerty", "Snow", "Barys", "Zima", "Kaisar", "dragon", "Astana", "Tulpan", "Medeu")


def _text(rng: random.Random, alphabet: str, count: int) -> str:
    return "".join(rng.choice(alphabet) for _ in range(count))


def _jwt(rng: random.Random) -> str:
    def part(text: str) -> str:
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    head = part('{"alg":"HS256","typ":"JWT"}')
    body = part(f'{{"sub":"{rng.randint(1000, 99999)}","exp":{rng.randint(1700000000, 1900000000)}}}')
    return f"{head}.{body}.{_text(rng, ALNUM + '-_', 43)}"


def _pem(rng: random.Random) -> str:
    kind = rng.choice(("RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY"))
    lines = "\n".join(_text(rng, ALNUM + "+/", 64) for _ in range(rng.randint(2, 4)))
    return f"-----BEGIN {kind}-----\n{lines}\n-----END {kind}-----"


def token(rng: random.Random) -> str:
    """A token that is known by its prefix or shape."""
    kind = rng.randint(0, 9)
    if kind == 0:
        return "sk-" + rng.choice(("", "proj-")) + _text(rng, ALNUM, 48)
    if kind == 1:
        return "AKIA" + _text(rng, string.ascii_uppercase + "234567", 16)
    if kind == 2:
        return rng.choice(("ghp_", "gho_")) + _text(rng, ALNUM, 36)
    if kind == 3:
        return f"{rng.randint(100000000, 7999999999)}:AA{_text(rng, ALNUM + '-_', 33)}"
    if kind == 4:
        return _pem(rng)
    if kind == 5:
        return f"xoxb-{rng.randint(10**11, 10**12)}-{_text(rng, ALNUM, 24)}"
    if kind == 6:
        return "glpat-" + _text(rng, ALNUM, 20)
    if kind == 7:
        return "AIza" + _text(rng, ALNUM + "-_", 35)
    return _jwt(rng)


def password(rng: random.Random) -> str:
    """A password, always beside a word that says so."""
    word, number = rng.choice(PASSWORD_WORDS), rng.randint(10, 9999)
    return rng.choice((
        f"{word}{number}{rng.choice('!#$*')}", f"{word}_{number}", _text(rng, ALNUM, 10) + rng.choice("!@#%") + "7",
        f"{word.swapcase()}@{number}", _text(rng, ALNUM + "!#%^*", 12) + "4",
    ))  # fmt: skip


def url_credentials(rng: random.Random) -> str:
    """The user:password part of a connection string."""
    return _text(rng, ALNUM, 14)
