"""Names of people and of what is not people: the detector's own word lists, and names that nobody has.

The lists are read from the sources of the gateway, where they stand in lower case and in the nominative. Composed names
are put together from syllables, so that a model cannot learn names by heart and has to look at their endings and at the
words around.
"""

from __future__ import annotations

import random
import re
from functools import lru_cache
from pathlib import Path
from typing import Dict, List

LISTS = Path(__file__).resolve().parents[2] / "gateway" / "src" / "pii" / "detector" / "person"
CONSTANT = re.compile(r'const (\w+): &str = "\n(.*?)";', re.DOTALL)
CYRILLIC = re.compile(r"[а-яёәғқңөұүһі-]{3,}")
LATIN = re.compile(r"[a-z'-]{3,}")

ONSETS = {
    "ru": "б в г д ж з к л м н п р с т х ч ш бр гр др кр пр тр гл сл ст св ск зл".split(),
    "kk": "б д ж қ к м н с т ш е ә ғ р а ай".split(),
    "en": "b c d f g h j k l m n p r s t v w br cr dr fl gr sh st th tr wh".split(),
}
NUCLEI = {"ru": "а е и о у ы я ё".split(), "kk": "а ә е о ө ұ ү і ы".split(), "en": "a e i o u ea oo ie ay".split()}
CODAS = {
    "ru": ["", "", "", "н", "р", "л", "к", "т", "м", "с", "в", "й", "ш", "ж"],
    "kk": ["", "", "н", "р", "л", "қ", "т", "м", "с", "й", "ң", "з"],
    "en": ["", "", "n", "r", "l", "ck", "t", "m", "s", "ng", "rd", "ll", "ss"],
}
RUSSIAN_ENDINGS = (
    "ов", "ев", "ин", "ский", "ова", "енко", "ук", "юк", "ян", "дзе", "швили", "их", "ко", "ец", "ич", "",
)  # fmt: skip
KAZAKH_HEADS = (
    "Нұр Бек Ай Жан Тұр Қай Ер Дәу Сай Мұр Ал Есен Құл Дос Жақсы Бай Тоқ Сұл Әб Қож Жұма Ора Сер Кен Шың Тем Ақ Бол "
    "Өмір Сағын Мейір Рай Нар Мақ Асқ Тоғ Шаң Ырыс Көш Тілеу Бақыт Үс Қалам Мырза"
).split()
KAZAKH_TAILS = {
    "m": "бек бай хан жан лан ғали мұрат болат дос тай ғазы кен ман сын гелді берді тас әлі қын жол нияз рат дық".split(),
    "f": "гүл жан нұр ай бике мира ша ира ым зада сұлу шолпан ия на көз гүлім дана".split(),
}
ENGLISH_ENDINGS = (
    "son", "ton", "ley", "man", "field", "wood", "ford", "well", "ski", "berg", "er", "", "", "ini", "ez", "sen",
)  # fmt: skip


def titled(name: str) -> str:
    """The name with capitals, behind hyphens as well."""
    return "-".join(part[:1].upper() + part[1:] for part in name.split("-"))


@lru_cache(maxsize=None)
def constant(file: str, name: str) -> str:
    """The text of a list in the gateway's sources."""
    found = dict(CONSTANT.findall((LISTS / f"{file}.rs").read_text(encoding="utf-8")))
    return found[name]


def words(file: str, name: str, letters: re.Pattern = CYRILLIC) -> List[str]:
    """A list's words in those letters, with capitals."""
    return [titled(word) for word in constant(file, name).split() if letters.fullmatch(word)]


def figures(file: str, name: str) -> List[str]:
    """First name and surname of a list of public figures; what follows them are other spellings."""
    entries = (" ".join(entry.split()[:2]) for entry in constant(file, name).replace("\n", " ").split(","))
    return [" ".join(map(titled, entry.split())) for entry in entries if len(entry) > 4]


def _syllables(rng: random.Random, lang: str, count: int) -> str:
    return "".join(rng.choice(ONSETS[lang]) + rng.choice(NUCLEI[lang]) + rng.choice(CODAS[lang]) for _ in range(count))


def composed(rng: random.Random, kind: str) -> str:
    """A name for a word list of the generator, e.g. `ru_surname` or `kk_f`."""
    lang, _, part = kind.partition("_")
    if lang == "kk":
        female = part == "f" or part == "surname" and rng.random() < 0.1
        name = rng.choice(KAZAKH_HEADS) + rng.choice(KAZAKH_TAILS["f" if female else "m"])
        if rng.random() < 0.25:
            name = titled(_syllables(rng, "kk", rng.choice((2, 3))))
        return name + rng.choice(("ов", "ев", "ов", "ин", "")) if part == "surname" else name
    letters = "en" if lang == "en" else "ru"
    stem = titled(_syllables(rng, letters, rng.choice((1, 2, 2, 3) if part == "surname" else (2, 2, 3))))
    if part == "surname":
        return stem + rng.choice(ENGLISH_ENDINGS if lang == "en" else RUSSIAN_ENDINGS)
    if part == "f":
        endings = ("a", "e", "ine") if lang == "en" else ("а", "ия", "я", "ина")
        return re.sub("[аеиоуыяёaeiouy]+$", "", stem) + rng.choice(endings)
    return stem


def _by_sex(names: List[str]) -> Dict[str, List[str]]:
    women = [name for name in names if name.endswith(("а", "я", "гуль", "гүл"))]
    return {"f": women, "m": [name for name in names if name not in set(women)]}


@lru_cache(maxsize=None)
def known() -> Dict[str, List[str]]:
    """Names of the detector's lists by the generator's word lists that they belong to."""
    russian = _by_sex(words("names_russian", "FULL") + words("names_russian", "FAMILIAR"))
    turkic = [*words("names_turkic", "SOUTHERN"), *words("names_turkic", "KYRGYZ"), *words("names_turkic", "TATAR")]
    foreign = [*words("names_western", "EUROPEAN"), *words("names_western", "CAUCASIAN")]
    foreign += [*words("names_world", "TURKISH"), *words("names_world", "ARABIC"), *words("names_world", "EAST_ASIAN")]
    others = _by_sex(turkic + foreign)
    latin = words("names_western", "EUROPEAN_LATIN", LATIN)
    plain = words("surnames", "PLAIN") + words("surnames", "FREQUENT")
    return {
        "ru_m": russian["m"], "ru_f": russian["f"], "ru_surname": words("surnames", "FREQUENT") + plain,
        "kk_m": words("names_kazakh", "MEN"), "kk_f": words("names_kazakh", "WOMEN"),
        "kk_surname": words("names_kazakh", "MEN"), "uz_m": others["m"], "uz_f": others["f"], "uz_surname": plain,
        "ko_surname": plain + words("names_turkic", "KOREAN"), "de_surname": plain, "en_m": latin, "en_f": latin,
        "en_surname": words("surnames", "LATIN", LATIN) + words("surnames", "PLAIN", LATIN),
    }  # fmt: skip


@lru_cache(maxsize=None)
def public() -> Dict[str, List[str]]:
    """Public figures by the generator's word lists."""
    cyrillic = figures("figures", "FULL") + figures("figures_cyrillic", "CYRILLIC")
    cyrillic = [name for name in cyrillic if re.search("[а-яё]", name)]
    return {"figure": cyrillic, "kk_figure": cyrillic, "en_figure": figures("figures_latin", "LATIN")}


@lru_cache(maxsize=None)
def places() -> List[str]:
    """Towns and districts that are named like people."""
    return words("ordinary", "PLACES")
