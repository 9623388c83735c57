"""Tests of the generator: published check digits, spans, seeds, splits."""

import base64
import itertools
import random
import re
import sys
import unicodedata
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pii_eval import check_digits as check  # noqa: E402
from pii_eval import disguise, finance, identifiers, noise, obfuscation, spoken, template  # noqa: E402
from pii_eval.composition import GROUPS  # noqa: E402
from pii_eval.declension import kazakh, russian_given, russian_patronymic, russian_surname  # noqa: E402
from pii_eval.entities import ENTITIES, LABEL_ONLY  # noqa: E402
from pii_eval.generation import Generator, read, write  # noqa: E402
from pii_eval.transliteration import KAZAKH_2021, PASSPORT, transliterate  # noqa: E402
from pii_eval.world import SPLITS, World  # noqa: E402


class CheckDigits(unittest.TestCase):
    def test_published_iins(self):
        for number in ("901123300258", "850101300124", "991231405675", "070615601231"):
            self.assertTrue(check.is_iin(number), number)
        for number in ("850101300123", "991331405004", "070615901234", "920315300550"):
            self.assertFalse(check.is_iin(number), number)

    def test_second_pass_and_never_issued(self):
        self.assertEqual(check.iin_check("92031530050"), 0)
        self.assertIsNone(check.iin_check("92031530055"))

    def test_published_numbers_of_other_kinds(self):
        self.assertTrue(check.is_luhn("4111111111111111"))
        self.assertFalse(check.is_luhn("4111111111111112"))
        self.assertEqual(check.iban_check("DE", "370400440532013000"), "89")
        self.assertTrue(check.is_iban("KZ86125KZT5004100100"))
        self.assertEqual(check.snils_checks("112233445"), "95")
        self.assertEqual(check.ru_inn10_check("770708389"), 3)
        self.assertEqual(check.ru_inn12_checks("5001007322"), "59")
        self.assertEqual(check.ean13_check("400638133393"), 1)

    def test_wallets(self):
        self.assertEqual(check.base58check(bytes(21)), "1111111111111111111114oLvT2")
        program = bytes.fromhex("751e76e8199196d454941c45d1b3a323f1433bd6")
        self.assertEqual(check.bech32("bc", program), "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")
        self.assertEqual(
            check.eip55("5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"), "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
        )

    def test_made_numbers_are_valid(self):
        rng = random.Random(1)
        for _ in range(300):
            self.assertTrue(check.is_iin(identifiers.iin(rng, "valid")))
            self.assertTrue(check.is_bin(identifiers.bin_number(rng)))
            self.assertTrue(check.is_luhn(finance.card(rng, "valid").replace(" ", "")))
            self.assertTrue(check.is_iban(finance.iban(rng).replace(" ", "")))
            pinfl = identifiers.uz_pinfl(rng)
            self.assertEqual(check.pinfl_check(pinfl[:13]), int(pinfl[13]))
            self.assertRegex(identifiers.kg_pin(rng), r"^[12]\d{13}$")
            self.assertLessEqual(len(re.sub(r"\W", "", finance.contract(rng))), 12)

    def test_noise_is_no_issued_number(self):
        rng = random.Random(2)
        for _ in range(3000):
            number = noise.plain_digits(rng, 12)
            self.assertFalse(check.is_iin(number) or check.is_bin(number), number)
            self.assertFalse(check.is_luhn(noise.plain_digits(rng, 16)))


class Names(unittest.TestCase):
    def test_russian_cases(self):
        forms = [russian_surname("Иванов", case, False) for case in ("nom", "gen", "dat", "acc", "ins", "pre")]
        self.assertEqual(forms, ["Иванов", "Иванова", "Иванову", "Иванова", "Ивановым", "Иванове"])
        self.assertEqual(russian_surname("Вишневский", "ins", True), "Вишневской")
        self.assertEqual(russian_surname("Ким", "dat", True), "Ким")
        self.assertEqual(russian_given("Дмитрий", "pre", False), "Дмитрии")
        self.assertEqual(russian_given("Мария", "dat", True), "Марии")
        self.assertEqual(russian_given("Иванович", "ins", False), "Ивановичем")

    def test_patronymics(self):
        self.assertEqual(russian_patronymic("Юрий", True), "Юрьевна")
        self.assertEqual(russian_patronymic("Илья", False), "Ильич")
        self.assertEqual(russian_patronymic("Нурлан", False), "Нурланович")

    def test_kazakh_endings(self):
        self.assertEqual(kazakh("Ахметов", "gen"), "Ахметовтың")
        self.assertEqual(kazakh("Айгүл", "abl"), "Айгүлден")
        self.assertEqual(kazakh("Серікұлы", "dat"), "Серікұлына")
        self.assertEqual(kazakh("Ерлан", "ins"), "Ерланмен")

    def test_latin_letters(self):
        self.assertEqual(transliterate("Жақсыбеков", PASSPORT), "Zhaksybekov")
        self.assertEqual(transliterate("Әлия ШЫҢҒЫС", KAZAKH_2021), "Älıa ŞYÑĞYS")


class Disguises(unittest.TestCase):
    def test_numbers_in_words(self):
        self.assertEqual(spoken.number_words(701, "ru"), ["семьсот", "один"])
        self.assertEqual(spoken.number_words(701, "kk"), ["жеті", "жүз", "бір"])
        self.assertEqual(spoken._english_digits("5570"), ["double", "five", "seven", "zero"])

    def test_a_disguise_keeps_the_value(self):
        rng = random.Random(3)
        for name in disguise.SEPARATORS:
            for _ in range(20):
                text = disguise.separated(rng, "901123300258", "iin", name)
                self.assertEqual(re.sub(r"\D", "", text), "901123300258")
        for name in disguise.SCRIPTS:
            text = disguise.in_script(rng, "901123300258", name)
            self.assertEqual("".join(str(unicodedata.digit(char)) for char in text), "901123300258")
        self.assertEqual(base64.b64decode(disguise.as_base64(rng, "901123300258")), b"901123300258")
        self.assertEqual("".join(disguise.cut(rng, "901123300258")), "901123300258")

    def test_every_disguise_of_the_list_exists(self):
        worn = {sample.obfuscation for sample in Generator("build").samples(4200)}
        self.assertEqual(worn, set(obfuscation.SUITS) | {"plain"})

    def test_no_street_in_base64(self):
        self.assertFalse({"address", "person"} & obfuscation.SUITS["base64"])


class Templates(unittest.TestCase):
    def test_slots_are_known_and_negatives_hold_no_entity(self):
        for split in SPLITS:
            for name, sections in World(split).templates.items():
                for section, lines in sections.items():
                    for line in lines:
                        self.assertFalse(template.unknown_slots(line), line)
                        if section == "negative":
                            self.assertFalse(template.entities_of(line), line)
                        if section == "bin_only":
                            self.assertTrue(template.entities_of(line) <= LABEL_ONLY, line)

    def test_build_has_twenty_five_per_language_and_group(self):
        world = World("build")
        for lang in ("ru", "kk", "en"):
            for group in GROUPS:
                self.assertGreaterEqual(len(world.templates[lang][group]), 25, (lang, group))

    def test_held_has_twenty_per_language_and_group(self):
        world = World("held")
        for lang in ("ru", "kk", "en"):
            for group in GROUPS:
                self.assertGreaterEqual(len(world.templates[lang][group]), 20, (lang, group))

    def test_splits_share_no_template_and_no_word(self):
        for one, other in itertools.combinations(map(World, SPLITS), 2):
            for name, sections in one.templates.items():
                ours = {line for lines in sections.values() for line in lines}
                theirs = {line for lines in other.templates[name].values() for line in lines}
                self.assertFalse(ours & theirs, (one.split, other.split, name))
            for name, words in one.words.items():
                self.assertFalse(set(words) & set(other.words[name]), (one.split, other.split, name))


class Samples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.samples = {split: list(Generator(split).samples(4200)) for split in SPLITS}

    def test_every_entity_is_frequent(self):
        for split, samples in self.samples.items():
            for entity in ENTITIES:
                count = sum(span["entity"] == entity for sample in samples for span in sample.spans)
                self.assertGreaterEqual(count, 50, (split, entity))

    def test_spans_lie_inside_and_hold_values(self):
        shapes = {
            "iin": r"\d{12}",
            "email": r"[\w.+-]+@[\w.-]+\.\w+",
            "mac": r"[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}",
            "id_card": r"0\d{8}",
        }
        for samples in self.samples.values():
            for sample in samples:
                for span in sample.spans:
                    text = sample.texts[span["message"]][span["start"] : span["end"]]
                    self.assertEqual(text, text.strip())
                    self.assertTrue(any(char.isalnum() for char in text), sample.name)
                    if span["obfuscation"] == "plain" and span["entity"] in shapes:
                        self.assertRegex(text, f"^(?:{shapes[span['entity']]})$")

    def test_spans_do_not_overlap(self):
        for sample in self.samples["held"]:
            ends = {}
            for span in sorted(sample.spans, key=lambda span: (span["message"], span["start"])):
                self.assertGreaterEqual(span["start"], ends.get(span["message"], 0), sample.name)
                ends[span["message"]] = span["end"]

    def test_negatives(self):
        for samples in self.samples.values():
            self.assertEqual(sum(sample.negative for sample in samples), 1512)
            for sample in samples:
                kinds = {span["entity"] for span in sample.spans}
                self.assertEqual(sample.negative, kinds <= LABEL_ONLY, sample.name)

    def test_seeds_reproduce(self):
        again = list(Generator("build").samples(200))
        self.assertEqual(again, self.samples["build"][:200])
        other = list(Generator("build", seed=5).samples(200))
        self.assertNotEqual(again, other)

    def test_written_samples_read_back(self):
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "texts.jsonl"
            write(self.samples["build"][:50], path)
            self.assertEqual(read(path), self.samples["build"][:50])


if __name__ == "__main__":
    unittest.main()
