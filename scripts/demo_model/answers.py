"""What the demo model answers: sentences per language and subject.

An answer is an optional prefix (a greeting back, a word of regret) and one sentence from
each part of the subject. Which sentence is taken depends on the question, so that answers
vary from question to question and stay the same for the same question.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Dict, FrozenSet, List

LANGUAGES = ("ru", "kk", "en")
TOPICS = ("greeting", "thanks", "help", "parcel", "time", "refund", "address", "card", "other")
SUPPORT = ("parcel", "time", "refund", "address", "card")
SHORT_QUESTION = 45


@lru_cache(maxsize=None)
def book(language: str) -> Dict[str, Dict]:
    """The answer sentences of one language."""
    path = Path(__file__).parent / "answers" / f"{language}.json"
    return json.loads(path.read_text(encoding="utf-8"))


def compose(language: str, topic: str, question: str, greeted: bool, angry: bool) -> str:
    """The answer to a question of a known subject."""
    parts = book(language)["topics"][topic]
    first = parts[0][0] if len(question) < SHORT_QUESTION else parts[0][-1]
    has_digits = any(char.isdigit() for char in question)
    second = parts[1][0] if has_digits or "?" in question else parts[1][-1]
    sentences = [first, second]
    if topic in SUPPORT and angry:
        sentences.insert(0, book(language)["prefixes"]["sorry"])
    elif topic in SUPPORT and greeted:
        sentences.insert(0, book(language)["prefixes"]["greeted"])
    return " ".join(sentences)


def compose_followup(language: str, topic: str) -> str:
    """The answer to a detail that the previous answer asked for."""
    return " ".join(part[0] for part in book(language)["followups"][topic])


@lru_cache(maxsize=None)
def sentences(language: str, topic: str) -> FrozenSet[str]:
    """Every sentence that may stand in an answer of this subject and language."""
    texts: List[str] = []
    for part in book(language)["topics"][topic] + book(language)["followups"].get(topic, []):
        texts.extend(part)
    if topic in SUPPORT:
        texts.extend(book(language)["prefixes"].values())
    return frozenset(texts)
