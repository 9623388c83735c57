"""Which disguise suits which entity, and its application to a rendered text."""

from __future__ import annotations

import random
import re
from typing import Dict, FrozenSet, List, Optional

from . import disguise
from .spoken import digits_in_words, email_in_words
from .template import Segment
from .transliteration import CHAT, KAZAKH_CHAT, transliterate

NUMBERS: FrozenSet[str] = frozenset({
    "iin", "bin", "phone", "card", "ru_inn", "snils", "uz_pinfl", "kg_pin", "us_ssn", "ru_passport", "id_card",
})  # fmt: skip
LETTERED: FrozenSet[str] = frozenset({"iban", "passport", "driver_licence", "plate"})
INVISIBLE_IN = (
    NUMBERS
    | LETTERED
    | {"email", "person", "address", "secret", "ip", "mac", "birth_date", "contract", "account", "crypto"}
)
SCRIPT_IN = NUMBERS | {"iban", "passport", "plate", "ip", "birth_date", "account", "driver_licence"}
ENCODED_IN = NUMBERS | {"iban", "email", "passport", "ip"}

SUITS: Dict[str, FrozenSet[str]] = {
    **{name: NUMBERS | LETTERED for name in disguise.SEPARATORS},
    **{name: INVISIBLE_IN for name in disguise.INVISIBLE},
    **{name: SCRIPT_IN for name in disguise.SCRIPTS},
    "lookalike_value": frozenset({"iban", "plate", "driver_licence", "email", "person"}),
    "lookalike_context": NUMBERS | LETTERED | {
        "contract", "account", "person", "birth_date", "diagnosis", "salary", "medical_record",
        "address",
    },
    "letter_digits": NUMBERS | {"iban", "account"},
    "words": NUMBERS | {"account"},
    "base64": ENCODED_IN,
    "hex": ENCODED_IN - {"ip"},
    "percent": ENCODED_IN | {"person", "address"},
    "html": ENCODED_IN | {"person", "address", "birth_date"},
    "unicode_escape": ENCODED_IN | {"person", "address", "birth_date"},
    "newline": NUMBERS | {"iban", "person", "address", "crypto"},
    "split": NUMBERS | {"iban", "email", "crypto", "secret"},
    "spoken_email": frozenset({"email"}),
    "upper": frozenset({
        "person", "address", "iin", "phone", "iban", "plate", "email", "diagnosis", "contract",
        "id_card", "birth_date",
    }),
    "lower": frozenset({
        "person", "address", "iin", "phone", "iban", "plate", "email", "diagnosis", "passport",
        "salary", "driver_licence",
    }),
    "translit": frozenset({
        "person", "address", "iin", "phone", "id_card", "passport", "contract", "account", "salary",
        "birth_date", "plate",
    }),
}  # fmt: skip
CASE_MATTERS = frozenset({"secret", "crypto"})
CYRILLIC = ("ru", "kk", "mixed")
# What stays as it is when a text is typed in Latin letters.
NOT_SPELLED = frozenset({"secret", "email", "handle", "crypto", "swift", "iban", "plate", "ip", "mac"})


# What nobody does in code, logs and exports.
NOT_IN_MACHINES = ("lookalike_context", "words", "spoken_email", "newline")
# Disguises that suit many entities weigh less, those that suit one or two more; the rest weigh 2.
WEIGHTS = {
    **dict.fromkeys(disguise.SEPARATORS, 1.6), **dict.fromkeys(disguise.INVISIBLE, 0.7), "lookalike_context": 0.9,
    "upper": 1.2, "lower": 1.2, "words": 4.5, "spoken_email": 9, "lookalike_value": 3.5, "split": 2.5, "translit": 1.6,
}  # fmt: skip


def choose(rng: random.Random, entity: str, lang: str, machine: bool = False) -> Optional[str]:
    """A disguise that makes sense for the entity in a text of that language; `machine`: code, logs, exports."""
    names = [name for name, entities in SUITS.items() if entity in entities]
    if lang not in CYRILLIC and "translit" in names:
        names.remove("translit")
    if lang == "en" and entity == "person":
        names = [name for name in names if name not in ("percent", "html", "unicode_escape")]
    if machine:
        names = [name for name in names if name not in NOT_IN_MACHINES]
    return rng.choices(names, [WEIGHTS.get(name, 2) for name in names])[0] if names else None


def spell(segments: List[Segment], table: Dict[str, str]) -> None:
    """Writes text and names with the table's Latin letters."""
    for segment in segments:
        if segment.entity not in NOT_SPELLED:
            segment.text = transliterate(segment.text, table)


def _whole_text(segments: List[Segment], name: str) -> bool:
    if any(segment.entity in CASE_MATTERS for segment in segments):
        return False
    before = [segment.text for segment in segments]
    if name == "translit":
        spell(segments, CHAT)
    else:
        for segment in segments:
            segment.text = segment.text.upper() if name == "upper" else segment.text.lower()
    return before != [segment.text for segment in segments]


WORD = re.compile(r"[^\W\d_]{2,}")


def _context(rng: random.Random, segments: List[Segment]) -> bool:
    changed = False
    for segment in segments:
        if segment.entity is None:
            new = WORD.sub(lambda w: disguise.lookalike(rng, w.group(), 0.6) or w.group(), segment.text)
            changed, segment.text = changed or new != segment.text, new
    return changed


def _disguised(rng: random.Random, segment: Segment, name: str, lang: str) -> Optional[str]:
    text, entity = segment.text, segment.entity or ""
    if name in disguise.SEPARATORS:
        return disguise.separated(rng, text, entity, name)
    if name in disguise.INVISIBLE:
        return disguise.with_invisible(rng, text, name)
    if name in disguise.SCRIPTS:
        return disguise.in_script(rng, text, name)
    if name in disguise.ENCODINGS:
        bare = text.replace(" ", "") if entity in NUMBERS | LETTERED else text
        return disguise.ENCODINGS[name](rng, bare)
    if name in ("words", "spoken_email"):
        spoken = _spoken(rng, text, entity, lang.replace("-latn", ""))
        return transliterate(spoken, KAZAKH_CHAT) if lang == "kk-latn" else spoken
    if name == "lookalike_value":
        return disguise.lookalike(rng, text, 0.35 if entity in ("person", "email") else 0.9)
    if name == "letter_digits":
        return disguise.letters_for_digits(rng, text)
    if name == "newline":
        return disguise.with_newline(rng, text, entity)
    return None


def _spoken(rng: random.Random, text: str, entity: str, lang: str) -> str:
    if entity == "email":
        return email_in_words(rng, text, lang)
    plus = {"ru": "плюс ", "kk": "плюс ", "en": "plus "}[lang] if text.startswith("+") else ""
    return plus + digits_in_words(rng, re.sub(r"\D", "", text), lang, entity == "phone")


def _multiline(segment: Segment) -> bool:
    return "\n" in segment.text


def apply(rng: random.Random, segments: List[Segment], name: str, target: str, spoken: str) -> bool:
    """Disguises the values of `target` and, for kinds that mark a whole text, all; false if nothing changed.

    `spoken` is the language in which digits are read: ru, kk, kk-latn or en.
    """
    if name in ("upper", "lower", "translit", "lookalike_context"):
        changed = _context(rng, segments) if name == "lookalike_context" else _whole_text(segments, name)
        for segment in segments if changed else []:
            segment.obfuscation = name
        return changed
    changed = False
    alone = name in ("words", "spoken_email") or name in disguise.ENCODINGS
    for segment in segments:
        suits = segment.entity == target or (not alone and segment.entity in SUITS[name])
        if not suits or _multiline(segment):
            continue
        text = _disguised(rng, segment, name, spoken)
        if text is not None and text != segment.text:
            segment.text, segment.obfuscation = text, name
            changed = True
    return changed


CONTINUED = (("", ""), ("", ""), ("", ""), ("...", ""), ("", "..."), ("-", ""))


def split(rng: random.Random, segments: List[Segment], target: str) -> Optional[List[List[Segment]]]:
    """The text as two messages, cut inside a value of `target`."""
    for at, segment in enumerate(segments):
        whole = segment.entity != target or _multiline(segment)
        # A typed password in two pieces would be two words to any reader.
        whole = whole or (target == "secret" and len(segment.text) < 16)
        pieces = None if whole else disguise.cut(rng, segment.text)
        if not pieces:
            continue
        after, before = rng.choice(CONTINUED)
        for other in segments:
            other.obfuscation = "split" if other is segment else other.obfuscation
        left = Segment(pieces[0], target, "split", segment.value)
        right = Segment(pieces[1], target, "split", segment.value)
        first = segments[:at] + [left] + ([Segment(after)] if after else [])
        second = ([Segment(before)] if before else []) + [right] + segments[at + 1 :]
        return [first, second]
    return None


def _escaped(text: str) -> str:
    return disguise.ONLY_CYRILLIC.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def harmless(rng: random.Random, segments: List[Segment], name: str) -> bool:
    """Disguises a text that holds no value, so that a disguise alone proves nothing."""
    if name in ("upper", "lower", "translit", "lookalike_context"):
        return apply(rng, segments, name, "", "ru")
    before = [segment.text for segment in segments]
    for segment in segments:
        if segment.entity:
            continue
        text = segment.text
        if name == "nbsp":
            text = text.replace(" ", "\u00a0")
        elif name == "unicode_escape":
            text = _escaped(text)
        elif name in disguise.INVISIBLE:
            text = (disguise.with_invisible(rng, text, name) or text) if len(text) > 8 else text
        elif name in disguise.SCRIPTS:
            text = disguise.in_script(rng, text, name) or text
        elif name == "html":
            text = "".join(f"&#{ord(char)};" if char in "«»—№" else char for char in text)
        segment.text = text
    if name == "base64":
        at = rng.randrange(len(segments) + 1)
        blob = disguise.as_base64(rng, segments[0].text[:90])
        segments.insert(at, Segment(f" data:text/plain;base64,{blob} "))
    return before != [segment.text for segment in segments]
