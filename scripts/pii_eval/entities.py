"""The entities that are generated and scored, and the groups that the reports speak of."""

from __future__ import annotations

from typing import FrozenSet, Tuple

ENTITIES: Tuple[str, ...] = (
    "iin", "bin", "phone", "iban", "card", "id_card", "passport", "driver_licence", "plate", "address",
    "contract", "account", "medical_record", "person", "birth_date", "salary", "diagnosis", "ru_inn",
    "snils", "ru_passport", "uz_pinfl", "kg_pin", "secret", "email", "ip", "mac", "geo", "crypto",
    "handle", "us_ssn", "swift",
)  # fmt: skip

# These are only noted: a text that holds nothing else may leave.
LABEL_ONLY: FrozenSet[str] = frozenset({"bin", "swift"})

STRUCTURED: FrozenSet[str] = frozenset({
    "iin", "bin", "phone", "iban", "card", "ru_inn", "snils", "uz_pinfl", "kg_pin", "email", "ip", "mac",
    "crypto", "us_ssn", "ru_passport", "id_card", "passport", "driver_licence", "plate", "swift",
})  # fmt: skip

LANGUAGES: Tuple[str, ...] = ("ru", "kk", "kk-latn", "en", "mixed")
