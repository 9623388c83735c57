"""Case forms of names: Russian declension and Kazakh endings by vowel harmony."""

from __future__ import annotations

RU_CASES = ("nom", "gen", "dat", "acc", "ins", "pre")
KK_CASES = ("nom", "gen", "dat", "acc", "loc", "abl", "ins")
_STEMS = {"Павел": "Павл", "Пётр": "Петр"}
_PATRONYMICS = {
    "Илья": ("Ильич", "Ильинична"), "Никита": ("Никитич", "Никитична"), "Павел": ("Павлович", "Павловна"),
    "Пётр": ("Петрович", "Петровна"), "Михаил": ("Михайлович", "Михайловна"),
    "Яков": ("Яковлевич", "Яковлевна"),
}  # fmt: skip
_BACK, _FRONT = "аоұыуяюё", "әеөүіэи"
_VOICELESS = "пфкқтсшщчцхһбвгд"


def _endings(stem: str, endings: str, case: str) -> str:
    ending = endings.split()[RU_CASES.index(case) - 1]
    return stem + ending.replace("-", "")


def russian_surname(surname: str, case: str, female: bool) -> str:
    """A surname given in its masculine nominative."""
    adjective = surname.endswith(("ский", "цкий"))
    if female and adjective:
        return surname[:-2] + "ая" if case == "nom" else _endings(surname[:-2], "ой ой ую ой ой", case)
    if female and surname.endswith(("ов", "ев", "ёв", "ин", "ын")):
        return surname + "а" if case == "nom" else _endings(surname, "ой ой у ой ой", case)
    if case == "nom" or female or surname.endswith(("ко", "ых", "их", "и", "о", "у", "е")):
        return surname
    if adjective:
        return _endings(surname[:-2], "ого ому ого им ом", case)
    if surname.endswith(("ов", "ев", "ёв", "ин", "ын")):
        return _endings(surname, "а у а ым е", case)
    if surname.endswith("й"):
        return _endings(surname[:-1], "я ю я ем е", case)
    return _endings(surname, "а у а ом е", case)


def russian_given(name: str, case: str, female: bool) -> str:
    """A given name or a patronymic."""
    if case == "nom":
        return name
    if female:
        return _russian_given_f(name, case)
    if name.endswith("ий"):
        return _endings(name[:-1], "я ю я ем и", case)
    if name.endswith(("й", "ь")):
        return _endings(name[:-1], "я ю я ем е", case)
    if name.endswith("я"):
        return _endings(name[:-1], "и е ю ёй е", case)
    if name.endswith("а"):
        return _endings(name[:-1], "ы е у ой е", case)
    if name.endswith(("ұлы", "улы", "о", "и", "у", "е")):
        return name
    soft = name.endswith(("ч", "ш", "щ", "ж", "ц"))
    return _endings(_STEMS.get(name, name), "а у а ем е" if soft else "а у а ом е", case)


def _russian_given_f(name: str, case: str) -> str:
    if name.endswith(("кызы", "қызы")):
        return name
    if name.endswith("ия"):
        return _endings(name[:-1], "и и ю ей и", case)
    if name.endswith("я"):
        return _endings(name[:-1], "и е ю ей е", case)
    if name.endswith("а"):
        hard = "и" if name[-2] in "гкхжшчщ" else "ы"
        return _endings(name[:-1], f"{hard} е у ой е", case)
    return name


def kazakh(word: str, case: str) -> str:
    """The word with a Kazakh case ending; initials take none here."""
    low = word.lower()
    if case == "nom" or low.endswith("."):
        return word
    vowels = [char for char in low if char in _BACK + _FRONT]
    front = bool(vowels) and vowels[-1] in _FRONT
    if low.endswith(("ұлы", "қызы")) and len(low) > 4:
        possessive = {"gen": "ның", "dat": "на", "acc": "н", "loc": "нда", "abl": "нан", "ins": "мен"}
        return word + possessive[case]
    last = low[-1]
    open_, dull = last in _BACK + _FRONT, last in _VOICELESS
    nasal, hushed = last in "мнң", last in "жз"
    back_front = {
        "gen": ("ның", "нің") if open_ or nasal else ("тың", "тің") if dull else ("дың", "дің"),
        "dat": ("қа", "ке") if dull else ("ға", "ге"),
        "acc": ("ны", "ні") if open_ else ("ты", "ті") if dull else ("ды", "ді"),
        "loc": ("та", "те") if dull else ("да", "де"),
        "abl": ("нан", "нен") if nasal else ("тан", "тен") if dull else ("дан", "ден"),
        "ins": ("пен", "пен") if dull else ("бен", "бен") if hushed else ("мен", "мен"),
    }
    return word + back_front[case][1 if front else 0]


def russian_spelling(name: str) -> str:
    """A Kazakh name as Russian documents spell it."""
    name = name.replace("гүл", "гуль").replace("Гүл", "Гуль")
    table = str.maketrans("әғқңөұүһіӘҒҚҢӨҰҮҺІ", "агкноуухиАГКНОУУХИ")
    return name.translate(table)


def kazakh_patronymic(father: str, female: bool) -> str:
    """Father's name with -ұлы or -қызы."""
    return father + ("қызы" if female else "ұлы")


def russian_patronymic(father: str, female: bool) -> str:
    """Father's name with -ович/-овна and its variants."""
    if father in _PATRONYMICS:
        return _PATRONYMICS[father][1 if female else 0]
    if father.endswith("ий") and father not in ("Дмитрий",):
        stem, ending = father[:-2] + "ь", "евич"
    elif father == "Дмитрий":
        stem, ending = "Дмитри", "евич"
    elif father.endswith(("й", "ь")):
        stem, ending = father[:-1], "евич"
    elif father.endswith(("а", "и", "я")):
        stem, ending = father, "евич"
    else:
        stem, ending = father, "ович"
    return stem + (ending[:-2] + "на" if female else ending)
