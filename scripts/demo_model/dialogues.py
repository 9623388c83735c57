"""Whole training dialogues in the shape of a chat request.

A dialogue is a list of OpenAI-style messages. Assistant turns that carry a taught answer
are marked, so that the trainer learns from those only and not from tool calls or from
replies that some other model might have given earlier in the history.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional

from . import offtopic
from .answers import LANGUAGES, TOPICS, compose, compose_followup
from .messages import Message, followup, grammar_of, off_topic, request
from .values import order_number, pseudo_word

TOPIC_WEIGHTS = {
    "greeting": 6,
    "thanks": 6,
    "help": 8,
    "parcel": 11,
    "time": 11,
    "refund": 10,
    "address": 10,
    "card": 10,
    "other": 28,
}
LONG_SHARE = 0.012
DEFAULT_LANGUAGE = "en"
SUBJECTS = [(language, topic) for language in LANGUAGES for topic in TOPICS]


@dataclass
class Dialogue:
    """Messages of one request; `taught` maps assistant turns to learn to their subject."""

    messages: List[Dict[str, Any]] = field(default_factory=list)
    tools: Optional[List[Dict[str, Any]]] = None
    taught: Dict[int, int] = field(default_factory=dict)

    def ask(self, message: Message) -> None:
        """Adds a user message."""
        self.messages.append({"role": "user", "content": message.text})

    def teach(self, answer: str, language: str, topic: str) -> None:
        """Adds an answer to learn and notes what it is about."""
        self.taught[len(self.messages)] = SUBJECTS.index((language, topic))
        self.messages.append({"role": "assistant", "content": answer})

    def answer(self, message: Message, language: str) -> None:
        """Adds the answer to a message in a language."""
        text = compose(language, message.topic, message.text, message.greeted, message.angry)
        self.teach(text, language, message.topic)


def pick(language: str, rng: random.Random) -> Message:
    """A message of a random subject."""
    topic = rng.choices(TOPICS, [TOPIC_WEIGHTS[name] for name in TOPICS])[0]
    return off_topic(language, rng) if topic == "other" else request(language, topic, rng)


def _exchange(dialogue: Dialogue, language: str, heard: str, rng: random.Random) -> str:
    """One question with its answer; returns the language that was spoken.

    A message of no language, such as a bare number, is answered in the language `heard`
    in the turn before it.
    """
    message = pick(language, rng)
    spoken = message.language or heard
    dialogue.ask(message)
    dialogue.answer(message, spoken)
    asks = message.topic in ("parcel", "time", "refund", "address")
    if asks and rng.random() < 0.12:
        detail = followup(spoken, message.topic, rng)
        dialogue.ask(detail)
        dialogue.teach(compose_followup(spoken, message.topic), spoken, message.topic)
    return spoken


def _system(dialogue: Dialogue, language: str, rng: random.Random) -> None:
    prompt_language = language if rng.random() < 0.6 else rng.choice(LANGUAGES)
    sentences = [
        grammar_of(prompt_language).expand("system", rng) for _ in range(rng.choice([1, 1, 1, 2, 3]))
    ]
    role = "developer" if rng.random() < 0.1 else "system"
    dialogue.messages.append({"role": role, "content": " ".join(sentences)})


def _tool_round(dialogue: Dialogue, language: str, rng: random.Random) -> None:
    """A question, a tool call and its result, answered by the subject of the question."""
    message = pick(language, rng)
    dialogue.ask(message)
    name = rng.choice(
        [
            "get_order",
            "track_parcel",
            "get_weather",
            "find_client",
            "card_status",
            "search",
            pseudo_word(rng, False),
        ]
    )
    arguments = json.dumps(
        {rng.choice(["id", "query", "iin", "city"]): order_number(rng)}, ensure_ascii=False
    )
    identity = f"call_{rng.randrange(10**6)}"
    call = {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}
    dialogue.messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
    dialogue.messages.append({"role": "tool", "tool_call_id": identity, "content": offtopic.data(rng)})
    dialogue.answer(message, message.language or DEFAULT_LANGUAGE)
    if rng.random() < 0.5:
        dialogue.tools = [
            {
                "type": "function",
                "function": {
                    "name": name,
                    "description": name,
                    "parameters": {"type": "object", "properties": {}},
                },
            }
        ]


def _foreign_history(dialogue: Dialogue, language: str, rng: random.Random) -> None:
    """Earlier turns that another model answered; nothing in them is taught."""
    for _ in range(rng.choice([1, 1, 2, 3])):
        dialogue.ask(pick(language, rng))
        reply = offtopic.long_text(grammar_of(language), rng, rng.randrange(1, 4))
        dialogue.messages.append({"role": "assistant", "content": reply})


def _long(dialogue: Dialogue, language: str, rng: random.Random) -> None:
    """A prompt of many hundreds of tokens: a pasted text or a long history."""
    grammar = grammar_of(language)
    if rng.random() < 0.5:
        text = offtopic.long_text(grammar, rng, rng.randrange(8, 30))
        pasted = Message(text, language, "other", False, False)
        dialogue.ask(pasted)
        dialogue.answer(pasted, language)
    heard = language
    for _ in range(rng.randrange(3, 12)):
        heard = _exchange(dialogue, language, heard, rng)


def sample(rng: random.Random) -> Dialogue:
    """One random dialogue."""
    language = rng.choice(LANGUAGES)
    dialogue = Dialogue()
    if rng.random() < 0.25:
        _system(dialogue, language, rng)
    heard = DEFAULT_LANGUAGE
    turns = rng.choices([1, 2, 3, 4], [80, 11, 6, 3])[0]
    kind = rng.random()
    if kind < LONG_SHARE:
        _long(dialogue, language, rng)
        turns = 0
    elif kind < 0.05:
        _tool_round(dialogue, language, rng)
        heard, turns = language, rng.choice([0, 1])
    elif kind < 0.09:
        _foreign_history(dialogue, language, rng)
        heard, turns = language, 1
    for _ in range(turns):
        heard = _exchange(dialogue, language, heard, rng)
        if rng.random() < 0.1:
            language = rng.choice(LANGUAGES)
    return dialogue
