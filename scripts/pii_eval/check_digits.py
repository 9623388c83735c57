"""Check digits, computed from their published definitions.

Each `*_check` function takes the digits without the check digit and returns it, or None where
such a number is never issued; `is_*` functions take the whole number.
"""

from __future__ import annotations

import hashlib
from datetime import date
from typing import List, Optional, Sequence

IIN_FIRST = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
IIN_SECOND = (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def _weighted(digits: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights))


def iin_check(digits: str) -> Optional[int]:
    """The 12th digit of an IIN or BIN from its first eleven."""
    for weights in (IIN_FIRST, IIN_SECOND):
        check = _weighted(digits, weights) % 11
        if check < 10:
            return check
    return None


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def is_iin(number: str) -> bool:
    """Date, century digit and check digit all agree."""
    if len(number) != 12 or not number.isdigit() or number[6] not in "123456":
        return False
    century = (1800, 1900, 2000)[(int(number[6]) - 1) // 2]
    if not _is_date(century + int(number[:2]), int(number[2:4]), int(number[4:6])):
        return False
    return iin_check(number[:11]) == int(number[11])


def is_bin(number: str) -> bool:
    """Month, kind digits and check digit all agree."""
    if len(number) != 12 or not number.isdigit():
        return False
    shape = 1 <= int(number[2:4]) <= 12 and number[4] in "456" and number[5] in "0123"
    return shape and iin_check(number[:11]) == int(number[11])


def luhn_check(digits: str) -> int:
    """The last digit that makes the whole number pass Luhn."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return -total % 10


def is_luhn(number: str) -> bool:
    """Whether the whole number passes Luhn."""
    return number.isdigit() and len(number) > 1 and luhn_check(number[:-1]) == int(number[-1])


def iban_check(country: str, account: str) -> str:
    """The two check digits of an IBAN (ISO 13616, mod 97)."""
    text = "".join(str(int(char, 36)) for char in account + country + "00")
    return f"{98 - int(text) % 97:02d}"


def is_iban(number: str) -> bool:
    """Whether the IBAN, written without spaces, is 1 modulo 97."""
    moved = number[4:] + number[:4]
    return int("".join(str(int(char, 36)) for char in moved)) % 97 == 1


def ru_inn10_check(digits: str) -> int:
    """The 10th digit of a Russian company's INN."""
    return _weighted(digits, (2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10


def ru_inn12_checks(digits: str) -> str:
    """The last two digits of a Russian person's INN from the first ten."""
    first = _weighted(digits, (7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10
    second = _weighted(digits + str(first), (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10
    return f"{first}{second}"


def snils_checks(digits: str) -> str:
    """The last two digits of a SNILS from the first nine."""
    check = _weighted(digits, range(9, 0, -1)) % 101
    return f"{check % 100:02d}" if check < 100 else "00"


def pinfl_check(digits: str) -> int:
    """The 14th digit of an Uzbek PINFL: weights 7, 3, 1 repeated, modulo 10."""
    return _weighted(digits, (7, 3, 1) * 5) % 10


def ean13_check(digits: str) -> int:
    """The last digit of an EAN-13 or ISBN-13."""
    return -_weighted(digits, (1, 3) * 6) % 10


def base58check(payload: bytes) -> str:
    """Base58 with four bytes of a double SHA-256, as Bitcoin and Tron write addresses."""
    data = payload + hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        text = BASE58[rest] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def _bech32_polymod(values: Sequence[int]) -> int:
    generator = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for place in range(5):
            check ^= generator[place] if top >> place & 1 else 0
    return check


def bech32(prefix: str, program: bytes) -> str:
    """A segwit version 0 address (BIP 173)."""
    bits = "".join(f"{byte:08b}" for byte in program)
    bits += "0" * (-len(bits) % 5)
    data = [0] + [int(bits[at : at + 5], 2) for at in range(0, len(bits), 5)]
    head = [ord(char) >> 5 for char in prefix] + [0] + [ord(char) & 31 for char in prefix]
    polymod = _bech32_polymod(head + data + [0] * 6) ^ 1
    data += [polymod >> 5 * (5 - place) & 31 for place in range(6)]
    return prefix + "1" + "".join(BECH32[value] for value in data)


KECCAK_ROUNDS = (
    0x0000000000000001, 0x0000000000008082, 0x800000000000808A, 0x8000000080008000, 0x000000000000808B,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008A, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000A, 0x000000008000808B, 0x800000000000008B, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800A, 0x800000008000000A,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
)  # fmt: skip
MASK64 = (1 << 64) - 1


def _rotate(value: int, by: int) -> int:
    by %= 64
    return (value << by | value >> (64 - by)) & MASK64


def _keccak_f(lanes: List[List[int]]) -> List[List[int]]:
    for constant in KECCAK_ROUNDS:
        parity = [lanes[x][0] ^ lanes[x][1] ^ lanes[x][2] ^ lanes[x][3] ^ lanes[x][4] for x in range(5)]
        spread = [parity[(x - 1) % 5] ^ _rotate(parity[(x + 1) % 5], 1) for x in range(5)]
        lanes = [[lanes[x][y] ^ spread[x] for y in range(5)] for x in range(5)]
        x, y, current = 1, 0, lanes[1][0]
        for step in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            current, lanes[x][y] = lanes[x][y], _rotate(current, (step + 1) * (step + 2) // 2)
        lanes = [[lanes[x][y] ^ (~lanes[(x + 1) % 5][y] & lanes[(x + 2) % 5][y]) for y in range(5)] for x in range(5)]
        lanes[0][0] ^= constant
    return lanes


def keccak256(data: bytes) -> bytes:
    """Keccak-256 with the original padding, as Ethereum uses it (inputs under one block)."""
    rate = 136
    assert len(data) < rate, "only one block is needed for addresses"
    block = bytearray(data + b"\x01" + b"\0" * (rate - len(data) - 1))
    block[-1] |= 0x80
    lanes = [[0] * 5 for _ in range(5)]
    for index in range(rate // 8):
        lanes[index % 5][index // 5] = int.from_bytes(block[8 * index : 8 * index + 8], "little")
    lanes = _keccak_f(lanes)
    return b"".join(lanes[index % 5][index // 5].to_bytes(8, "little") for index in range(4))


def eip55(address: str) -> str:
    """Forty hexadecimal digits with the letters' case as checksum."""
    digest = keccak256(address.lower().encode()).hex()
    return "".join(char.upper() if int(digest[at], 16) > 7 else char for at, char in enumerate(address.lower()))
