"""How people really type: case, punctuation, typos, missing letters, other alphabets."""

from __future__ import annotations

import random
import re
from typing import Dict, List

KAZAKH_TO_RUSSIAN = str.maketrans(dict(zip("әғқңөұүһіӘҒҚҢӨҰҮҺІ", "агкноуухиАГКНОУУХИ")))
LATIN: Dict[str, List[str]] = {
    "а": ["a"],
    "б": ["b"],
    "в": ["v"],
    "г": ["g"],
    "д": ["d"],
    "е": ["e"],
    "ё": ["e", "yo"],
    "ж": ["zh", "j"],
    "з": ["z"],
    "и": ["i"],
    "й": ["y", "i", "j"],
    "к": ["k"],
    "л": ["l"],
    "м": ["m"],
    "н": ["n"],
    "о": ["o"],
    "п": ["p"],
    "р": ["r"],
    "с": ["s"],
    "т": ["t"],
    "у": ["u"],
    "ф": ["f"],
    "х": ["h", "kh"],
    "ц": ["c", "ts"],
    "ч": ["ch", "4"],
    "ш": ["sh"],
    "щ": ["sch", "sh"],
    "ъ": [""],
    "ы": ["y", "i"],
    "ь": [""],
    "э": ["e"],
    "ю": ["yu", "u"],
    "я": ["ya", "ia"],
    "ә": ["a"],
    "ғ": ["g"],
    "қ": ["q", "k"],
    "ң": ["n"],
    "ө": ["o"],
    "ұ": ["u"],
    "ү": ["u"],
    "һ": ["h"],
    "і": ["i"],
}
LETTERS = {
    "ru": "абвгдежзийклмнопрстуфхцчшыьэюя",
    "kk": "абгдежзийклмнопрстушыәіңғүұқө",
    "en": "abcdefghijklmnopqrstuvwxyz",
}


def transliterate(text: str, rng: random.Random) -> str:
    """Cyrillic text in Latin letters, each letter spelt one way throughout."""
    spelling = {letter: rng.choice(options) for letter, options in LATIN.items()}
    return "".join(spelling.get(char, spelling.get(char.lower(), char)) for char in text)


def typo(text: str, language: str, rng: random.Random) -> str:
    """One slip of the finger in a word of at least four letters."""
    spots = [m for m in re.finditer(r"[^\W\d_]{4,}", text)]
    if not spots:
        return text
    word = rng.choice(spots)
    at = rng.randrange(word.start() + 1, word.end() - 1)
    kind = rng.randrange(4)
    if kind == 0:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    if kind == 1:
        return text[:at] + text[at + 1 :]
    if kind == 2:
        return text[:at] + text[at] + text[at:]
    return text[:at] + rng.choice(LETTERS[language]) + text[at + 1 :]


def _words(text: str, rng: random.Random) -> str:
    """Drops a word or swaps two neighbours in a message of at least four words."""
    words = text.split(" ")
    if len(words) < 4:
        return text
    at = rng.randrange(len(words) - 1)
    if rng.random() < 0.5:
        words[at], words[at + 1] = words[at + 1], words[at]
    else:
        del words[at]
    return " ".join(words)


def _case(text: str, rng: random.Random) -> str:
    draw = rng.random()
    if draw < 0.45:
        return text[:1].upper() + text[1:]
    if draw < 0.52:
        return text.upper()
    if draw < 0.60:
        return text.lower()
    return text


def _ending(text: str, calm: bool, rng: random.Random) -> str:
    if text[-1:] in "?!.)…":
        return text
    weights = [50, 5, 15, 27, 0, 1, 2] if calm else [52, 28, 12, 5, 1, 1, 1]
    return text + rng.choices(["", "?", ".", "!", "??", "...", "!!!"], weights)[0]


def roughen(text: str, language: str, rng: random.Random, calm: bool = False) -> str:
    """A clean phrase as a customer might type it; a `calm` one is seldom a question."""
    if language == "ru" and rng.random() < 0.75:
        text = text.replace("ё", "е").replace("Ё", "Е")
    if language == "kk" and rng.random() < 0.14:
        text = text.translate(KAZAKH_TO_RUSSIAN)
    if language != "en" and rng.random() < 0.05:
        text = transliterate(text, rng)
    if rng.random() < 0.08:
        text = re.sub(r"[,.!?:;\"()«»]", "", text)
    if rng.random() < 0.10:
        text = _words(text, rng)
    if rng.random() < 0.22:
        for _ in range(rng.choice([1, 1, 2, 3])):
            text = typo(text, language, rng)
    if rng.random() < 0.03:
        text = text.replace(" ", rng.choice(["  ", "\n"]), 1)
    return _ending(_case(text.strip(), rng), calm, rng)
