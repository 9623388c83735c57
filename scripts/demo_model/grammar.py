"""A small phrase grammar: one template a line, expanded at random.

`{a|b|c}` picks one alternative, `[x]` keeps x half of the time, `<slot>` expands
another rule or a generated value such as an order number. A phrase file is either a
list of templates (one a line) or, for `slots.txt`, lines of `name = template`.
Lines that start with `#` are comments.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Callable, Dict, List, Tuple, Union

PHRASES = Path(__file__).parent / "phrases"

Node = Union[str, Tuple[str, object]]
Value = Callable[[random.Random], str]


def lines_of(path: Path) -> List[str]:
    """The templates of one phrase file, comments and blank lines left out."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def parse(template: str) -> List[Node]:
    """Parses one template into a sequence of literal text and choice nodes."""
    nodes, end = _parse_sequence(template, 0, "")
    if end != len(template):
        raise ValueError(f"unbalanced {template[end]!r} in template: {template}")
    return nodes


def _parse_sequence(text: str, at: int, stops: str) -> Tuple[List[Node], int]:
    nodes: List[Node] = []
    literal = ""
    while at < len(text) and text[at] not in stops:
        char = text[at]
        if char in "{[<":
            if literal:
                nodes.append(literal)
                literal = ""
            node, at = _parse_choice(text, at)
            nodes.append(node)
        elif char in "}]>":
            break
        else:
            literal += char
            at += 1
    if literal:
        nodes.append(literal)
    return nodes, at


def _parse_choice(text: str, at: int) -> Tuple[Node, int]:
    opening = text[at]
    if opening == "<":
        end = text.index(">", at)
        return ("slot", text[at + 1 : end]), end + 1
    closing = "}" if opening == "{" else "]"
    options: List[List[Node]] = []
    at += 1
    while True:
        option, at = _parse_sequence(text, at, "|" + closing)
        options.append(option)
        if at >= len(text) or text[at] not in "|" + closing:
            raise ValueError(f"missing {closing!r} in template: {text}")
        at += 1
        if text[at - 1] == closing:
            break
    return ("choice" if opening == "{" else "optional", options), at


class Grammar:
    """The phrase rules of one language plus generated values."""

    def __init__(self, language: str, values: Dict[str, Value]) -> None:
        self.language = language
        self.values = values
        self.rules: Dict[str, List[List[Node]]] = {}
        folder = PHRASES / language
        for path in sorted(folder.glob("*.txt")):
            if path.stem == "slots":
                for line in lines_of(path):
                    name, _, template = line.partition("=")
                    self.rules[name.strip()] = [parse(template.strip())]
            else:
                self.rules[path.stem] = [parse(line) for line in lines_of(path)]

    def expand(self, rule: str, rng: random.Random) -> str:
        """One random expansion of a rule, with single spaces."""
        return " ".join(self._slot(rule, rng).split())

    def _slot(self, name: str, rng: random.Random) -> str:
        if name in self.rules:
            return self._sequence(rng.choice(self.rules[name]), rng)
        return self.values[name](rng)

    def _sequence(self, nodes: List[Node], rng: random.Random) -> str:
        return "".join(self._node(node, rng) for node in nodes)

    def _node(self, node: Node, rng: random.Random) -> str:
        if isinstance(node, str):
            return node
        kind, body = node
        if kind == "slot":
            return self._slot(str(body), rng)
        if kind == "optional" and rng.random() < 0.5:
            return ""
        return self._sequence(rng.choice(body), rng)  # type: ignore[arg-type]
