"""Numbers that states and carriers issue: made from their definitions, valid unless said otherwise."""

from __future__ import annotations

import random

from . import check_digits as check


def digits(rng: random.Random, count: int) -> str:
    """That many random digits; never all the same."""
    text = "".join(rng.choice("0123456789") for _ in range(count))
    return text if len(set(text)) > 1 or count < 3 else digits(rng, count)


def iin(rng: random.Random, options: str = "") -> str:
    """An IIN; one in twelve carries a wrong check digit where a context word stands by, unless `valid`."""
    while True:
        year = rng.randint(1945, 2020)
        month, day = rng.randint(1, 12), rng.randint(1, 28)
        sex = rng.choice("34" if year < 2000 else "56")
        body = f"{year % 100:02d}{month:02d}{day:02d}{sex}{rng.choice('0123')}{digits(rng, 3)}"
        last = check.iin_check(body)
        if last is None:
            continue
        if options != "valid" and rng.random() < 0.08:
            last = (last + rng.randint(1, 9)) % 10
        return body + str(last)


def bin_number(rng: random.Random, options: str = "") -> str:
    """A company's BIN."""
    while True:
        body = f"{rng.randint(0, 25):02d}{rng.randint(1, 12):02d}{rng.choice('444456')}{rng.choice('00012')}"
        body += digits(rng, 5)
        last = check.iin_check(body)
        if last is not None:
            return body + str(last)


KZ_MOBILE = ("700", "701", "702", "705", "706", "707", "708", "747", "771", "775", "776", "777", "778")
KZ_LANDLINE = ("727", "7172", "7252", "7212", "7132", "7122", "7142", "7182", "7232", "7222")


def phone(rng: random.Random, options: str = "") -> str:
    """A phone as people write it: mostly Kazakhstan's mobiles, some landlines, some abroad."""
    kind = rng.choices(("mobile", "landline", "ru", "abroad"), (74, 8, 8, 10))[0]
    if options == "kz":
        kind = "mobile"
    if kind == "abroad":
        return _foreign_phone(rng)
    if kind == "landline":
        code = rng.choice(KZ_LANDLINE)
        rest = f"{rng.choice('23456')}{digits(rng, 9 - len(code))}"
        return rng.choice(("8 ({0}) {1}", "+7 ({0}) {1}", "8 {0} {1}")).format(code, _grouped_tail(rng, rest))
    code = rng.choice(KZ_MOBILE) if kind == "mobile" else f"9{rng.choice('01256789')}{rng.choice('0123456789')}"
    a, b, c = f"{rng.randint(2, 9)}{digits(rng, 2)}", digits(rng, 2), digits(rng, 2)
    shapes = (
        "+7{0}{1}{2}{3}", "8{0}{1}{2}{3}", "+7 {0} {1} {2} {3}", "+7 ({0}) {1}-{2}-{3}", "8 {0} {1} {2} {3}",
        "8({0}){1}-{2}-{3}", "8-{0}-{1}-{2}-{3}", "+7-{0}-{1}-{2}-{3}", "+7({0}){1}{2}{3}", "8 {0} {1}-{2}-{3}",
        "+7 {0} {1}{2}{3}", "7{0}{1}{2}{3}", "8 ({0}) {1} {2} {3}",
    )  # fmt: skip
    return rng.choices(shapes, (22, 18, 10, 9, 8, 6, 4, 4, 4, 6, 4, 2, 3))[0].format(code, a, b, c)


def _grouped_tail(rng: random.Random, rest: str) -> str:
    mark = rng.choice("- ")
    return f"{rest[:-4]}{mark}{rest[-4:-2]}{mark}{rest[-2:]}"


def _foreign_phone(rng: random.Random) -> str:
    shape = rng.choice((
        "+998 9{1} {3} {2} {2}", "+9989{1}{3}{2}{2}", "+996 55{1} {3} {3}", "+996 70{1} {6}", "+1 415 {h} {4}",
        "+1 (212) {h}-{4}", "+49 151 {8}", "+44 7911 {6}", "+90 532 {h} {2} {2}", "+82 10 {g} {4}",
        "+86 138 {4} {4}", "+971 50 {h} {4}",
    ))  # fmt: skip
    for mark, count in (("{1}", 1), ("{2}", 2), ("{3}", 3), ("{4}", 4), ("{6}", 6), ("{8}", 8)):
        while mark in shape:
            shape = shape.replace(mark, digits(rng, count), 1)
    return shape.replace("{h}", f"{rng.randint(2, 9)}{digits(rng, 2)}").replace(
        "{g}", f"{rng.randint(2, 9)}{digits(rng, 3)}"
    )


def id_card(rng: random.Random, options: str = "") -> str:
    """Nine digits of an identity card."""
    return f"0{rng.randint(2, 6)}{digits(rng, 7)}"


def passport(rng: random.Random, options: str = "") -> str:
    """Kazakhstan's passport: N and eight digits."""
    return f"N{rng.choice(('', '', '', ' '))}{rng.randint(0, 1)}{digits(rng, 7)}"


def driver_licence(rng: random.Random, options: str = "") -> str:
    """Two letters and six digits."""
    return f"{rng.choice('ABCEHKMPT')}{rng.choice('ABCEHKMPT')}{rng.choice(('', '', ' '))}{digits(rng, 6)}"


def plate(rng: random.Random, options: str = "") -> str:
    """Kazakhstan's number plate, with or without spaces."""
    region, mark = f"{rng.randint(1, 20):02d}", rng.choice((" ", " ", "", ""))
    letters = "".join(rng.choice("ABCDEFHKLMNPRSTUVXYZ") for _ in range(rng.choice((3, 3, 3, 3, 2))))
    return f"{digits(rng, 3)}{mark}{letters}{mark}{region}"


def ru_inn(rng: random.Random, options: str = "") -> str:
    """A Russian person's INN."""
    body = f"{rng.randint(1, 92):02d}{digits(rng, 8)}"
    number = body + check.ru_inn12_checks(body)
    return ru_inn(rng) if check.is_iin(number) else number


def snils(rng: random.Random, options: str = "") -> str:
    """A SNILS, usually as printed on the card."""
    body = f"{rng.randint(2, 199):03d}{digits(rng, 6)}"
    checks = check.snils_checks(body)
    if rng.random() < 0.7:
        return f"{body[:3]}-{body[3:6]}-{body[6:]} {checks}"
    return body + checks


def ru_passport(rng: random.Random, options: str = "") -> str:
    """Series and number of a Russian passport."""
    series = f"{rng.randint(1, 92):02d}{rng.randint(0, 25):02d}"
    mark = rng.choice((" ", " ", ""))
    spaced = f"{series[:2]} {series[2:]}" if mark and rng.random() < 0.5 else series
    return f"{spaced}{mark}{digits(rng, 6)}"


def uz_pinfl(rng: random.Random, options: str = "") -> str:
    """Uzbekistan's PINFL."""
    year = rng.randint(1950, 2015)
    sex = rng.choice("34" if year < 2000 else "56")
    body = f"{sex}{rng.randint(1, 28):02d}{rng.randint(1, 12):02d}{year % 100:02d}{digits(rng, 6)}"
    return body + str(check.pinfl_check(body))


def kg_pin(rng: random.Random, options: str = "") -> str:
    """Kyrgyzstan's PIN: sex digit, DDMMYYYY, five digits."""
    return (
        f"{rng.choice('12')}{rng.randint(1, 28):02d}{rng.randint(1, 12):02d}{rng.randint(1950, 2015)}{digits(rng, 5)}"
    )


def us_ssn(rng: random.Random, options: str = "") -> str:
    """A United States SSN of an issued shape."""
    area = rng.choice([number for number in range(1, 900) if number != 666])
    return f"{area:03d}-{rng.randint(1, 99):02d}-{rng.randint(1, 9999):04d}"
