"""Cyrillic to Latin: passports, the Kazakh Latin alphabets, and what people type in chats."""

from __future__ import annotations

from typing import Dict

_RU = dict(zip("абвгдеёзийклмнопрстуфхыэъь", "a b v g d e e z i i k l m n o p r s t u f kh y e".split() + ["", ""]))
_RU.update({"ж": "zh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ю": "iu", "я": "ia"})
_KK_PASSPORT = {"ә": "a", "ғ": "g", "қ": "k", "ң": "n", "ө": "o", "ұ": "u", "ү": "u", "һ": "h", "і": "i"}

PASSPORT: Dict[str, str] = {**_RU, **_KK_PASSPORT, "й": "y", "ю": "yu", "я": "ya"}
CHAT: Dict[str, str] = {**PASSPORT, "х": "h", "й": "y", "щ": "sh", "ё": "yo"}
KAZAKH_2021: Dict[str, str] = {
    **_RU, "ә": "ä", "ғ": "ğ", "қ": "q", "ң": "ñ", "ө": "ö", "ұ": "ū", "ү": "ü", "һ": "h", "і": "i", "І": "İ", "ы": "y",
    "ж": "j", "ш": "ş", "ч": "ch", "х": "h", "у": "u", "и": "ı", "И": "I", "й": "ı", "Й": "I",
    "щ": "şş", "ю": "iu", "я": "ia",
}  # fmt: skip
KAZAKH_2018: Dict[str, str] = {
    **KAZAKH_2021, "ә": "á", "ғ": "ǵ", "ң": "ń", "ө": "ó", "ұ": "u", "ү": "ú", "І": "I", "ш": "sh", "у": "ý", "щ": "sh",
}  # fmt: skip
KAZAKH_CHAT: Dict[str, str] = {
    **CHAT, "қ": "q", "ж": "j", "ә": "a", "і": "i", "ы": "y", "ң": "n", "ү": "u", "ө": "o", "и": "i", "й": "i",
}  # fmt: skip


def transliterate(text: str, table: Dict[str, str]) -> str:
    """Letter by letter; a capital stays a capital, all capitals stay so."""
    out = []
    for at, char in enumerate(text):
        low = char.lower()
        if low not in table:
            out.append(char)
            continue
        new = table.get(char, table[low])
        if low == "я" and new == "ia" and text[at - 1 : at].lower() == "и":
            new = "a"
        if char != low and char not in table:
            loud = text[at + 1 : at + 2].isupper() or (at > 0 and text[at - 1].isupper())
            new = new.upper() if loud else new.capitalize()
        out.append(new)
    return "".join(out)
