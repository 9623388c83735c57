"""How one value is written so that a naive pattern misses it. Every function keeps what a reader sees.

A function takes the generator and a value and returns the disguised text, or None where the disguise
makes no sense for that value.
"""

from __future__ import annotations

import base64
import random
import re
from typing import Callable, Dict, List, Optional, Tuple

SEPARATORS = {
    "spaces": " ", "dots": ".", "dashes": "-", "nbsp": "\u00a0", "en_dash": "\u2013", "underscores": "_",
    "commas": ",",
}  # fmt: skip
INVISIBLE = {"zero_width": "\u200b\u200c\u200d\u2060", "soft_hyphen": "\u00ad", "bom": "\ufeff"}
SCRIPTS = {
    "fullwidth": (0xFF10,),
    "arabic_indic": (0x0660, 0x06F0),
    "math_digits": (0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6),
}
TO_LATIN = dict(zip("АВСЕНКМОРТХУІаесорхуі", "ABCEHKMOPTXYIaecopxyi"))
ONLY_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
TO_CYRILLIC = {latin: cyrillic for cyrillic, latin in TO_LATIN.items()}
LETTERS_FOR_DIGITS = {"0": "ОоOo", "3": "З", "1": "lI"}
NATURAL_GROUPS = {
    "us_ssn": (3, 2, 4),
    "ru_passport": (2, 2, 6),
    "id_card": (3, 3, 3),
    "snils": (3, 3, 3, 2),
    "passport": (1, 4, 4),
    "driver_licence": (2, 3, 3),
}


def _groups(rng: random.Random, text: str, entity: str) -> List[str]:
    if entity == "plate":
        return re.findall(r"\d+|\D+", text)
    sizes: Tuple[int, ...] = NATURAL_GROUPS.get(entity, ())
    if not sizes:
        size = rng.choice((1, 2, 3, 4, 4, 6))
        sizes = (size,) * (len(text) // size + 1)
        if entity == "phone" and text.startswith("+") and rng.random() < 0.8:
            sizes = (2, 3, 3, 2, 2, 2, 2)
        elif entity == "phone" and rng.random() < 0.8:
            sizes = (1, 3, 3, 2, 2, 2, 2)
    parts, at = [], 0
    for size in sizes:
        parts.append(text[at : at + size])
        at += size
    return [part for part in parts + [text[at:]] if part]


def separated(rng: random.Random, text: str, entity: str, name: str) -> Optional[str]:
    """The characters in groups with the separator between them."""
    bare = re.sub(r"[^0-9A-Za-zА-Яа-я+]", "", text)
    parts = _groups(rng, bare, entity)
    out = SEPARATORS[name].join(parts)
    return out if len(parts) > 1 and out != text else None


def with_invisible(rng: random.Random, text: str, name: str) -> Optional[str]:
    """Invisible characters at one to four places inside."""
    if len(text) < 3:
        return None
    places = sorted(rng.sample(range(1, len(text)), min(rng.randint(1, 4), len(text) - 1)), reverse=True)
    mark = rng.choice(INVISIBLE[name])
    for place in places:
        text = text[:place] + mark + text[place:]
    return text


def in_script(rng: random.Random, text: str, name: str) -> Optional[str]:
    """Every digit in another script; fullwidth also takes letters and marks now and then."""
    zero = rng.choice(SCRIPTS[name])
    out = "".join(chr(zero + int(char)) if char in "0123456789" else char for char in text)
    if name == "fullwidth" and rng.random() < 0.3:
        out = "".join(chr(ord(char) + 0xFEE0) if "A" <= char <= "Z" or char in "+@" else char for char in out)
    return out if out != text else None


def lookalike(rng: random.Random, text: str, share: float = 0.7) -> Optional[str]:
    """Some letters replaced with their twins of the other alphabet; at least one."""
    out = "".join(TO_LATIN.get(char, TO_CYRILLIC.get(char, char)) if rng.random() < share else char for char in text)
    return out if out != text else None


def letters_for_digits(rng: random.Random, text: str) -> Optional[str]:
    """One to three digits typed as letters that look like them."""
    places = [at for at, char in enumerate(text) if char in LETTERS_FOR_DIGITS]
    if not places:
        return None
    letters = list(text)
    for place in rng.sample(places, min(len(places), rng.randint(1, 3))):
        letters[place] = rng.choice(LETTERS_FOR_DIGITS[text[place]])
    return "".join(letters)


def with_newline(rng: random.Random, text: str, entity: str) -> Optional[str]:
    """A line break inside: at a space where there is one, else near the middle."""
    spaces = [at for at, char in enumerate(text) if char == " "]
    brk = rng.choice(("\n", "\n", "\r\n"))
    if spaces:
        place = rng.choice(spaces)
        return text[:place] + brk + text[place + 1 :]
    if entity in ("person", "address") or len(text) < 5:
        return None
    place = rng.randint(2, len(text) - 2)
    return text[:place] + brk + text[place:]


def cut(rng: random.Random, text: str) -> Optional[Tuple[str, str]]:
    """The value in two pieces for two messages."""
    if len(text) < 6:
        return None
    place = rng.randint(len(text) // 3, len(text) - len(text) // 3)
    left, right = text[:place].rstrip(" -"), text[place:].lstrip(" -")
    return (left, right) if left and right else None


def as_percent(rng: random.Random, text: str) -> Optional[str]:
    """Percent-encoding of every byte, or only of what a URL must escape."""
    if rng.random() < 0.5 or text.isascii() and text.isalnum():
        return "".join(f"%{byte:02X}" for byte in text.encode())
    out = "".join(
        c if c.isascii() and (c.isalnum() or c in "-._~") else "".join(f"%{b:02X}" for b in c.encode()) for c in text
    )
    return out if out != text else None


def as_html(rng: random.Random, text: str) -> Optional[str]:
    """HTML character references, decimal or hexadecimal; of an address sometimes only the marks."""
    shape = rng.choice(("&#{0};", "&#{0};", "&#x{0:x};"))
    only_marks = "@" in text and rng.random() < 0.5
    return "".join(shape.format(ord(c)) if not only_marks or c in "@." else c for c in text)


def as_unicode_escape(rng: random.Random, text: str) -> Optional[str]:
    r"""`\uXXXX` for every character, as JSON writers do for what is not ASCII."""
    if not text.isascii() and rng.random() < 0.7:
        return "".join(f"\\u{ord(c):04x}" if ord(c) > 127 else c for c in text)
    return "".join(f"\\u{ord(c):04x}" for c in text)


def as_hex(rng: random.Random, text: str) -> Optional[str]:
    """The bytes in hexadecimal."""
    raw = text.encode().hex()
    return rng.choice(
        (raw, raw, raw.upper(), "0x" + raw, "".join(f"\\x{raw[at : at + 2]}" for at in range(0, len(raw), 2)))
    )


def as_base64(rng: random.Random, text: str) -> Optional[str]:
    """Base64 of the value alone."""
    return base64.b64encode(text.encode()).decode()


def base64_with_label(text: str, label: str) -> Tuple[str, str]:
    """Base64 of `label` and the value: the characters before the value's, and the value's."""
    code = base64.b64encode((label + text).encode()).decode()
    start = len(label.encode()) // 3 * 4
    return code[:start], code[start:]


ENCODINGS: Dict[str, Callable[[random.Random, str], Optional[str]]] = {
    "base64": as_base64,
    "hex": as_hex,
    "percent": as_percent,
    "html": as_html,
    "unicode_escape": as_unicode_escape,
}
