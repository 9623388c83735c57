"""Rules that decide whether an answer is right, and the table that sums them up.

An answer passes if it ended by itself, is made of whole sentences that the demo model has
been taught for this subject in this language, and repeats none of them. The sentences of
two subjects never coincide, so an answer about another subject, in another language, or
with one wrong letter fails.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from .answers import LANGUAGES, TOPICS, sentences

HELD_OUT = Path(__file__).parent / "heldout"
WEIGHTS_FOLDER = "models/"
MIN_SENTENCES = 2


class Prompt(NamedTuple):
    """A held-out request with the subject and language its answer must have."""

    identity: str
    topic: str
    language: str
    messages: List[Dict[str, Any]]


class Verdict(NamedTuple):
    """What became of one prompt; `fault` is None for a right answer."""

    prompt: Prompt
    answer: str
    fault: Optional[str]


def held_out(paths: Sequence[Path] = ()) -> List[Prompt]:
    """The prompts of the given files, or of all held-out files."""
    prompts = []
    for path in paths or sorted(HELD_OUT.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            prompts.append(Prompt(row["id"], row["topic"], row["language"], row["messages"]))
    return prompts


def _known_subjects(sentence: str) -> List[str]:
    return [
        f"{topic}/{language}"
        for language in LANGUAGES
        for topic in TOPICS
        if sentence in sentences(language, topic)
    ]


def fault_of(prompt: Prompt, answer: str, finish_reason: str) -> Optional[str]:
    """Why the answer is wrong, or None."""
    if finish_reason != "stop":
        return f"finish_reason is {finish_reason}"
    if not answer.strip():
        return "empty"
    parts = re.split(r"(?<=[.!?])\s+", answer.strip())
    allowed = sentences(prompt.language, prompt.topic)
    for part in parts:
        if part not in allowed:
            known = _known_subjects(part)
            return f"belongs to {', '.join(known)}" if known else f"broken sentence: {part}"
    if len(set(parts)) != len(parts):
        return "a sentence is repeated"
    if len(parts) < MIN_SENTENCES:
        return "a sentence is missing"
    if prompt.topic == "other" and WEIGHTS_FOLDER not in answer:
        return f"does not name {WEIGHTS_FOLDER}"
    return None


def share_right(verdicts: Sequence[Verdict]) -> float:
    """The share of right answers."""
    return sum(verdict.fault is None for verdict in verdicts) / len(verdicts)


def report(verdicts: Sequence[Verdict]) -> str:
    """Right answers per subject and language, then every failure."""
    right = Counter((v.prompt.topic, v.prompt.language) for v in verdicts if v.fault is None)
    total = Counter((v.prompt.topic, v.prompt.language) for v in verdicts)
    lines = ["subject    " + "".join(f"{language:>9}" for language in LANGUAGES) + "      all"]
    for topic in TOPICS:
        cells = [(right[topic, language], total[topic, language]) for language in LANGUAGES]
        lines.append(f"{topic:<11}" + "".join(f"{a:>5}/{b:<3}" for a, b in cells + [_sum(cells)]))
    columns = [
        _sum([(right[topic, language], total[topic, language]) for topic in TOPICS]) for language in LANGUAGES
    ]
    lines.append(f"{'all':<11}" + "".join(f"{a:>5}/{b:<3}" for a, b in columns + [_sum(columns)]))
    for verdict in verdicts:
        if verdict.fault:
            question = json.dumps(verdict.prompt.messages[-1].get("content"), ensure_ascii=False)
            lines += [
                f"\n{verdict.prompt.identity} ({verdict.prompt.topic}/{verdict.prompt.language}) {question}",
                f"  {verdict.fault}",
                f"  -> {verdict.answer}",
            ]
    return "\n".join(lines)


def _sum(cells: Sequence[Any]) -> Any:
    return sum(a for a, _ in cells), sum(b for _, b in cells)
