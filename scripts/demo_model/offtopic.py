"""Off-topic messages made by rule: code, data, sums, noise, other languages, long text."""

from __future__ import annotations

import json
import random
import string
from functools import lru_cache
from typing import List, Tuple

from .grammar import PHRASES, Grammar, lines_of
from .values import digits, email, iban, iin, pan, phone, pseudo_word

CODE = [
    "def {a}({b}):\n    return {b} + {n}",
    "for {a} in range({n}):\n    print({a})",
    "fn {a}({b}: u32) -> u32 {{\n    {b} * {n}\n}}",
    "SELECT {a}, {b} FROM {a}_table WHERE id = {n};",
    "const {a} = async ({b}) => {{ await fetch('/{a}/{n}'); }};",
    '#include <stdio.h>\nint main() {{ printf("{a}"); return {n}; }}',
    "docker run -p {n}:80 {a}/{b}:latest",
    "curl -X POST http://localhost:{n}/{a} -d '{{\"{b}\": {n}}}'",
    'Traceback (most recent call last):\n  File "{a}.py", line {n}\n{b}Error: {a}',
    '<div class="{a}"><p>{b} {n}</p></div>',
    'git commit -m "{a} {b}" && git push',
    "import {a}\nfrom {b} import {a}\n{a}.{b}({n})",
    "ERROR {n} [{a}] {b}: connection refused",
    "class {a}:\n    def __init__(self, {b}):\n        self.{b} = {n}",
    '{a}={n}\n{b}=true\n[{a}.{b}]\nkey = "{a}"',
    "https://{a}.example.com/{b}?id={n}",
]
SHORT = [
    "123",
    "1",
    "0",
    "42",
    "ping",
    "test",
    "ok",
    "?",
    "!",
    "...",
    "??",
    ".",
    "-",
    "+",
    ":)",
    "🙂",
    "🔥🔥",
    "null",
    "{}",
    "[]",
    "x",
    "a",
    "7",
    "1234567890",
    "qwerty",
    "xD",
    "$$$",
    "👍",
    "😡😡😡",
]


def code(rng: random.Random) -> str:
    """A snippet of source text, markup, a command or a log line."""
    shape = rng.choice(CODE)
    return shape.format(a=pseudo_word(rng, False), b=pseudo_word(rng, False), n=rng.randrange(1, 9999))


def data(rng: random.Random) -> str:
    """A JSON object or a few lines of CSV with invented fields."""
    fields = {
        rng.choice(
            ["id", "name", "status", "price", "items", "iin", "order", "error", pseudo_word(rng, False)]
        ): rng.choice(
            [
                rng.randrange(10000),
                pseudo_word(rng, False),
                None,
                True,
                iin(rng),
                [1, 2, rng.randrange(9)],
                {"a": rng.random()},
            ]
        )
        for _ in range(rng.randrange(1, 6))
    }
    if rng.random() < 0.6:
        return json.dumps(fields, ensure_ascii=False, indent=rng.choice([None, None, 2]))
    rows = [",".join(pseudo_word(rng, False) for _ in range(3)) for _ in range(rng.randrange(2, 6))]
    return "\n".join([",".join(list(fields)[:3]), *rows])


def arithmetic(rng: random.Random) -> str:
    """A bare sum."""
    numbers = [str(rng.randrange(1, 10 ** rng.randrange(1, 5))) for _ in range(rng.choice([2, 2, 3]))]
    sign = rng.choice([" + ", "+", " - ", "*", " * ", "/", " / ", "^", " % ", "x"])
    return sign.join(numbers) + rng.choice(["", "=", " =", "=?", " = ?", "?"])


def gibberish(rng: random.Random) -> str:
    """Keys hit at random."""
    alphabet = rng.choice(
        [string.ascii_lowercase, string.ascii_letters + string.digits, string.punctuation, "asdfgh"]
    )
    return " ".join(
        "".join(rng.choice(alphabet) for _ in range(rng.randrange(3, 14)))
        for _ in range(rng.choice([1, 1, 2, 3]))
    )


def bare_value(rng: random.Random) -> str:
    """A number or address on its own, as in a paste."""
    return rng.choice([iin, pan, phone, iban, email, lambda r: digits(r, r.randrange(2, 14))])(rng)


def neutral(rng: random.Random) -> str:
    """A message that belongs to no language."""
    maker = rng.choice(
        [code, code, data, arithmetic, gibberish, bare_value, bare_value, lambda r: r.choice(SHORT)]
    )
    return maker(rng)


@lru_cache(maxsize=None)
def _foreign_lines() -> Tuple[Tuple[str, str], ...]:
    return tuple((line[:2], line[3:]) for line in lines_of(PHRASES / "foreign.txt"))


def foreign(rng: random.Random) -> Tuple[str, str]:
    """A sentence in another language and the language it is answered in."""
    return rng.choice(_foreign_lines())


def long_text(grammar: Grammar, rng: random.Random, num_sentences: int) -> str:
    """A pasted document: sentences about anything, invented words, data."""
    cyrillic = grammar.language != "en"
    parts: List[str] = []
    kind = rng.randrange(3)
    for _ in range(num_sentences):
        draw = rng.random()
        if kind == 0 or draw < 0.4:
            count = rng.randrange(4, 14)
            sentence = " ".join(pseudo_word(rng, cyrillic) for _ in range(count))
        elif draw < 0.85:
            sentence = grammar.expand("other", rng)
        else:
            sentence = grammar.expand("story", rng)
        parts.append(sentence[:1].upper() + sentence[1:] + rng.choice([".", ".", ".", "!", "?"]))
    return rng.choice([" ", " ", "\n"]).join(parts)
