"""Numbers and e-mail addresses as people say them, in Russian, Kazakh and English."""

from __future__ import annotations

import random
from typing import Dict, List, Tuple

_UNITS = {
    "ru": "ноль один два три четыре пять шесть семь восемь девять".split(),
    "kk": "нөл бір екі үш төрт бес алты жеті сегіз тоғыз".split(),
    "en": "zero one two three four five six seven eight nine".split(),
}
_TEENS = {
    "ru": (
        "десять одиннадцать двенадцать тринадцать четырнадцать пятнадцать шестнадцать семнадцать восемнадцать "
        "девятнадцать"
    ).split(),
    "en": "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(),
}
_TENS = {
    "ru": "двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто".split(),
    "kk": "он жиырма отыз қырық елу алпыс жетпіс сексен тоқсан".split(),
    "en": "twenty thirty forty fifty sixty seventy eighty ninety".split(),
}
_HUNDREDS = "сто двести триста четыреста пятьсот шестьсот семьсот восемьсот девятьсот".split()
_REPEATS = {2: "double", 3: "triple"}

EMAIL_WORDS: Dict[str, Tuple[Tuple[str, ...], str, str, str]] = {
    "ru": (("собака", "собачка"), "точка", "нижнее подчёркивание", "тире"),
    "kk": (("собака", "ит белгісі"), "нүкте", "астыңғы сызық", "дефис"),
    "en": (("at",), "dot", "underscore", "dash"),
}


def _below_hundred(number: int, lang: str) -> List[str]:
    if number < 10:
        return [_UNITS[lang][number]]
    if lang == "kk":
        words = [_TENS["kk"][number // 10 - 1]]
        return words + ([_UNITS["kk"][number % 10]] if number % 10 else [])
    if number < 20:
        return [_TEENS[lang][number - 10]]
    tens, unit = _TENS[lang][number // 10 - 2], number % 10
    if lang == "en" and unit:
        return [f"{tens}-{_UNITS['en'][unit]}"]
    return [tens] + ([_UNITS[lang][unit]] if unit else [])


def number_words(number: int, lang: str) -> List[str]:
    """The words of a number under a thousand."""
    if number < 100:
        return _below_hundred(number, lang)
    hundreds, rest = divmod(number, 100)
    if lang == "ru":
        words = [_HUNDREDS[hundreds - 1]]
    elif lang == "kk":
        words = ["жүз"] if hundreds == 1 else [_UNITS["kk"][hundreds], "жүз"]
    else:
        words = [_UNITS["en"][hundreds], "hundred"]
    return words + (_below_hundred(rest, lang) if rest else [])


def _group_words(group: str, lang: str) -> List[str]:
    zeros = len(group) - len(group.lstrip("0"))
    words = [_UNITS[lang][0]] * zeros
    return words + (number_words(int(group), lang) if group.strip("0") else [])


def _english_digits(digits: str) -> List[str]:
    words, at = [], 0
    while at < len(digits):
        run = 3 if digits[at : at + 3] == digits[at] * 3 else 2 if digits[at : at + 2] == digits[at] * 2 else 1
        digit = _UNITS["en"][int(digits[at])]
        words += [_REPEATS[run], digit] if run > 1 else [digit]
        at += run
    return words


def _grouping(rng: random.Random, count: int, is_phone: bool, lang: str) -> List[int]:
    if is_phone and count == 11:
        return rng.choice(([1, 3, 3, 2, 2], [1, 3, 3, 2, 2], [1] * 11, [1, 3, 2, 2, 3]))
    style = rng.choice((1, 2, 3) if lang != "en" else (1, 1, 1, 2))
    sizes = [style] * (count // style)
    return sizes + ([count % style] if count % style else [])


def digits_in_words(rng: random.Random, digits: str, lang: str, is_phone: bool) -> str:
    """The digits read aloud: one by one, in pairs, in threes, or as phones are read."""
    sizes = _grouping(rng, len(digits), is_phone, lang)
    if lang == "en" and set(sizes) == {1}:
        return " ".join(_english_digits(digits))
    words: List[str] = []
    at = 0
    for size in sizes:
        words += _group_words(digits[at : at + size], lang)
        at += size
    return " ".join(words)


def email_in_words(rng: random.Random, email: str, lang: str) -> str:
    """The address with its marks spoken."""
    at_words, dot, under, dash = EMAIL_WORDS[lang]
    out = email.replace("@", f" {rng.choice(at_words)} ").replace(".", f" {dot} ")
    return out.replace("_", f" {under} ").replace("-", f" {dash} ")
