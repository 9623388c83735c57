#!/usr/bin/env python3
"""Writes what num2words says of some amounts: gateway/tests/fixtures/amounts_in_words.tsv.

A line is an amount in tenge, the same in Russian and in Kazakh, as invoices in Kazakhstan write it. Needs num2words 0.5.14
(`pip install num2words==0.5.14`), which knows Kazakh as `kz`. Run it by hand, only to change the fixture: it is committed.

Only its cardinal numbers are taken. Its sums of money (`to="currency"`) read "тенге, восемьдесят девять тиынов"; invoices
have no comma, tiyn as two digits, and "тиын" unchanged. Its numbers needed no correction: "тысяча" is feminine in them, the
rest masculine, and Kazakh has "жүз" but "бір мың", which is what the gateway writes (words_kk.rs says why). Should another
version differ there, the checks below stop the script.
"""

import importlib.metadata
import itertools
import pathlib
import random

from num2words import num2words

OUT = pathlib.Path(__file__).parent.parent / "gateway/tests/fixtures/amounts_in_words.tsv"
VERSION = "0.5.14"
# One, few and many, teens that end like them, and compounds.
TELLING = [1, 2, 5, 11, 12, 15, 21]
SEED = 20260101


def amounts():
    yield from range(131)
    yield from range(200, 1000, 100)
    for power in range(2, 13):
        for step in (-1, 0, 1):
            yield 10**power + step
        yield from (2 * 10**power, 5 * 10**power)
    for millions, thousands, ones in itertools.product(TELLING, repeat=3):
        yield millions * 10**6 + thousands * 10**3 + ones
    # With an empty group above, below or between.
    for high, low in itertools.product(TELLING, repeat=2):
        yield high * 10**9 + low * 10**6
        yield high * 10**9 + low
    for group in (*TELLING, 101, 112, 202, 315, 421, 999):
        for power in (3, 6, 9, 12, 15):
            if group * 10**power < 9 * 10**16:
                yield group * 10**power
    draw = random.Random(SEED)
    for digits in range(4, 13):
        for _ in range(12):
            yield draw.randrange(10 ** (digits - 1), 10**digits)


def sentence(tenge, tiyn, lang, unit):
    words = num2words(tenge, lang=lang)
    return f"{words[0].upper()}{words[1:]} {unit} {tiyn:02} тиын"


def check():
    version = importlib.metadata.version("num2words")
    assert version == VERSION, f"num2words is {version}, the fixture is made with {VERSION}"
    for number, lang, words in [
        (1000, "ru", "одна тысяча"),
        (22_000, "ru", "двадцать две тысячи"),
        (2_000_002, "ru", "два миллиона два"),
        (100, "kz", "жүз"),
        (1000, "kz", "бір мың"),
        (10**6, "kz", "бір миллион"),
    ]:
        assert num2words(number, lang=lang) == words, (number, lang)


def main():
    check()
    lines = []
    for tenge in sorted(set(amounts())):
        tiyn = tenge * 37 % 100
        russian, kazakh = sentence(tenge, tiyn, "ru", "тенге"), sentence(tenge, tiyn, "kz", "теңге")
        lines.append(f"{tenge},{tiyn:02}\t{russian}\t{kazakh}\n")
    OUT.write_text("".join(lines), encoding="utf-8")
    print(f"{len(lines)} amounts")


if __name__ == "__main__":
    main()
