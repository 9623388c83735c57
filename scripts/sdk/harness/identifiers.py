"""Individual identification numbers (IIN) that pass every check and belong to nobody in particular, and their spellings."""

import random
import re
from collections.abc import Callable

FIRST_WEIGHTS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
SECOND_WEIGHTS = (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)
NBSP = "\u00a0"


def check_digit(first_eleven: str) -> int | None:
    """The twelfth digit; None for numbers that are never issued."""
    for weights in (FIRST_WEIGHTS, SECOND_WEIGHTS):
        remainder = sum(int(digit) * weight for digit, weight in zip(first_eleven, weights, strict=True)) % 11
        if remainder < 10:
            return remainder
    return None


def iins(count: int, seed: int) -> list[str]:
    """`count` different valid numbers, the same for the same seed."""
    source = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        century_and_sex = source.randint(1, 6)
        year = source.randint(0, 25) if century_and_sex > 4 else source.randint(0, 99)
        month, day = source.randint(1, 12), source.randint(1, 28)
        eleven = f"{year:02}{month:02}{day:02}{century_and_sex}{source.randint(0, 9999):04}"
        last = check_digit(eleven)
        if last is not None:
            found[f"{eleven}{last}"] = None
    return list(found)


def _groups(size: int, separator: str) -> Callable[[str], str]:
    return lambda digits: separator.join(re.findall(f".{{1,{size}}}", digits))


SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda digits: digits,
    "spaces": _groups(3, " "),
    "dashes": _groups(4, "-"),
    "nbsp": _groups(6, NBSP),
    "every digit apart": _groups(1, " "),
    "dash between spaces": _groups(6, " - "),
    "nbsp and dashes": lambda digits: f"{digits[:4]}{NBSP}{digits[4:8]}-{digits[8:]}",
    "all three": lambda digits: f"{digits[:2]} {digits[2:6]}-{digits[6:9]}{NBSP}{digits[9:]}",
}


def occurs(digits: str, data: bytes) -> bool:
    """Whether the number stands in `data`, with or without anything but digits in between."""
    return digits.encode() in data or digits.encode() in digits_of(data)


def digits_of(data: bytes) -> bytes:
    """All digits of `data` in their order. An escaped NBSP holds digits of its own, so it goes first."""
    return re.sub(rb"[^0-9]", b"", data.replace(b"\\u00a0", b"").replace(b"\\u00A0", b""))
