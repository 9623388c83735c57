"""User messages: a request of one subject with everything people put around it."""

from __future__ import annotations

import random
from functools import lru_cache
from typing import List, NamedTuple

from . import offtopic
from .answers import SUPPORT
from .grammar import Grammar
from .noise import roughen
from .values import values_for

PLAIN_SHARE = 0.12
STORY_TOPICS = ("parcel", "time", "refund", "address")


class Message(NamedTuple):
    """A user message and what its answer depends on."""

    text: str
    language: str
    topic: str
    greeted: bool
    angry: bool


@lru_cache(maxsize=None)
def grammar_of(language: str) -> Grammar:
    """The phrase grammar of one language."""
    return Grammar(language, values_for(language))


def _join(parts: List[str], rng: random.Random) -> str:
    """Joins sentences as a hurried person would."""
    text = ""
    for part in parts:
        if text and text[-1].isalnum() and part[:1].isalnum():
            text += rng.choice([". ", ". ", ". ", ", ", " ", "! ", "\n", "? "])
            if text[-2:-1] != "," and rng.random() < 0.6:
                part = part[:1].upper() + part[1:]
        elif text and (part[:1].isalnum() or part[:1] in '№#+*"«'):
            text += " "
        text += part
    return text


def _core(language: str, topic: str, rng: random.Random) -> List[str]:
    grammar = grammar_of(language)
    plain = topic != "other" and rng.random() < PLAIN_SHARE
    parts = [grammar.expand(f"plain_{topic}" if plain else topic, rng)]
    if topic in SUPPORT and rng.random() < 0.10:
        parts.append(grammar.expand(topic, rng))
    if topic in STORY_TOPICS and rng.random() < 0.16:
        for _ in range(rng.choice([1, 1, 2, 3])):
            parts.insert(rng.choice([0, 0, 0, len(parts)]), grammar.expand("story", rng))
    return parts


def request(language: str, topic: str, rng: random.Random) -> Message:
    """A message of one subject in one language."""
    grammar = grammar_of(language)
    parts = _core(language, topic, rng)
    greeted = angry = False
    if topic in SUPPORT and rng.random() < 0.10:
        angry = True
        parts.insert(rng.choice([0, len(parts)]), grammar.expand("angry", rng))
    if topic != "thanks" and rng.random() < (0.14 if topic in SUPPORT or topic == "other" else 0.0):
        parts.insert(rng.choice([0, len(parts), len(parts)]), grammar.expand("detail", rng))
    if topic not in ("greeting", "thanks") and rng.random() < 0.33:
        opening = grammar.expand("opening", rng)
        greeted = _is_greeting(opening, language)
        parts.insert(0, opening)
    if topic not in ("greeting", "thanks") and rng.random() < 0.22:
        parts.append(grammar.expand("closing", rng))
    text = roughen(_join(parts, rng), language, rng, calm=topic in ("greeting", "thanks"))
    return Message(text, language, topic, greeted, angry)


def _is_greeting(opening: str, language: str) -> bool:
    words = {
        "ru": ("здрав", "привет", "добр", "здрас", "салам", "всем прив"),
        "kk": ("сәлем", "қайырлы", "ассала", "саламат", "армысы", "салем"),
        "en": ("hi", "hello", "hey", "good ", "greet"),
    }
    return opening.lower().startswith(words[language])


def off_topic(language: str, rng: random.Random) -> Message:
    """Anything else: mostly phrased questions, partly text made by rule."""
    draw = rng.random()
    if draw < 0.80:
        return request(language, "other", rng)
    if draw < 0.90:
        return Message(offtopic.neutral(rng), "", "other", False, False)
    if draw < 0.94:
        answer_language, text = offtopic.foreign(rng)
        if rng.random() < 0.3:
            text = text.lower().rstrip("?.!")
        return Message(text, answer_language, "other", False, False)
    if draw < 0.97:
        text = f"{grammar_of(language).expand('other', rng)}: {offtopic.neutral(rng)}"
        return Message(text, language, "other", False, False)
    text = offtopic.long_text(grammar_of(language), rng, rng.randrange(2, 9))
    return Message(text, language, "other", False, False)


def followup(language: str, topic: str, rng: random.Random) -> Message:
    """The detail that the previous answer asked for, on its own."""
    grammar = grammar_of(language)
    slot = {"parcel": "ordref", "time": "when", "refund": "ordref", "address": "place"}[topic]
    parts = [grammar.expand(slot, rng)]
    if rng.random() < 0.25:
        parts.append(grammar.expand("closing", rng))
    if rng.random() < 0.2:
        parts.insert(0, grammar.expand("ack", rng))
    return Message(roughen(_join(parts, rng), language, rng), language, topic, False, False)
