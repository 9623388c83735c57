"""Tests of the texts that the classifier learns from. Standard library only."""

import itertools
import math
import random
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pii_classifier import names  # noqa: E402
from pii_classifier.decoding import best_path, spans  # noqa: E402
from pii_classifier.examples import FOLDER, SPLITS, UNTAUGHT, Piece, examples, pieces_of, roughened, world  # noqa: E402
from pii_eval.generation import Generator, Sample  # noqa: E402
from pii_eval.template import unknown_slots  # noqa: E402
from pii_eval.world import World, sections  # noqa: E402


def drawn(count, **settings):
    return list(itertools.islice(examples(5, **settings), count))


class Examples(unittest.TestCase):
    def test_the_same_seed_gives_the_same_texts(self):
        self.assertEqual(drawn(300), drawn(300))
        self.assertNotEqual(drawn(5), list(itertools.islice(examples(6), 5)))

    def test_names_addresses_and_clean_texts_are_all_there(self):
        labels = [{piece.label for piece in example} for example in drawn(600)]
        self.assertGreater(sum("PER" in found for found in labels), 120)
        self.assertGreater(sum("ADDRESS" in found for found in labels), 30)
        self.assertGreater(sum(found == {None} for found in labels), 200)

    def test_validation_shares_no_template_of_a_clause_with_training(self):
        for split in SPLITS:
            taught, kept = world(split, False).templates, world(split, True).templates
            for lang in ("ru", "kk", "en"):
                for section in ("person", "negative"):
                    self.assertFalse(set(taught[lang][section]) & set(kept[lang][section]), (split, lang, section))
                    self.assertGreater(len(taught[lang][section]), 5 * len(kept[lang][section]))

    def test_nothing_of_the_held_back_split_is_taught(self):
        self.assertNotIn("held", SPLITS)
        held = World("held").templates
        for lang in ("ru", "kk", "en"):
            own = sections((FOLDER / f"{lang}.txt").read_text(encoding="utf-8"))
            for section, lines in own.items():
                self.assertFalse(set(lines) & set(held[lang][section]), (lang, section))
                self.assertEqual([line for line in lines if unknown_slots(line)], [])

    def test_spans_become_pieces_of_the_same_text(self):
        for sample in Generator("build").samples(300):
            for text, pieces in zip(sample.texts, pieces_of(sample)):
                self.assertEqual("".join(piece.text for piece in pieces), text)

    def test_of_encoded_values_nothing_is_taught(self):
        span = {"message": 0, "start": 2, "end": 4, "entity": "person", "value": 0, "obfuscation": "base64"}
        sample = Sample("", "ru", "build", "base64", ["a bc d"], [span], False)
        self.assertEqual(pieces_of(sample), [[Piece("a "), Piece("bc", UNTAUGHT), Piece(" d")]])

    def test_roughening_keeps_labels(self):
        for seed in range(200):
            pieces = roughened(random.Random(seed), [Piece("Клиент "), Piece("Анна Ким", "PER"), Piece(", здесь.")])
            self.assertEqual([piece.label for piece in pieces], [None, "PER", None])


class Decoding(unittest.TestCase):
    LABELS = ("O", "B-PER", "I-PER", "B-ADDRESS", "I-ADDRESS")

    def test_the_best_path_is_the_best_of_all_that_are_allowed(self):
        rng = random.Random(9)
        for _ in range(50):
            shares = [[rng.random() for _ in self.LABELS] for _ in range(4)]
            allowed = [
                path
                for path in itertools.product(range(5), repeat=4)
                if all(
                    not self.LABELS[after].startswith("I-") or before in (after, after - 1)
                    for before, after in zip((0, *path), path)
                )
            ]
            value = lambda path: math.prod(row[label] for row, label in zip(shares, path))  # noqa: E731
            self.assertEqual(tuple(best_path(shares, self.LABELS)), max(allowed, key=value))

    def test_pieces_of_a_name_are_one_span(self):
        rows = [[0.8, 0.1, 0.1, 0, 0], [0.3, 0.6, 0.1, 0, 0], [0.1, 0.1, 0.8, 0, 0], [0.1, 0.9, 0, 0, 0]]
        found = spans(rows, [(0, 2), (3, 5), (5, 7), (8, 9)], self.LABELS)
        self.assertEqual([(span["start"], span["end"], span["kind"]) for span in found], [(3, 7, "PER"), (8, 9, "PER")])
        self.assertAlmostEqual(found[0]["score"], 0.7)
        self.assertEqual(spans([], [], self.LABELS), [])


class Names(unittest.TestCase):
    def test_the_detectors_lists_are_read(self):
        for kind, found in names.known().items():
            self.assertGreater(len(found), 50, kind)
            self.assertTrue(all(name[0].isupper() for name in found), kind)
        self.assertIn("Мухтар Ауэзов", names.public()["figure"])

    def test_composed_names_are_many(self):
        rng = random.Random(3)
        for kind in names.known():
            self.assertGreater(len({names.composed(rng, kind) for _ in range(200)}), 100, kind)


if __name__ == "__main__":
    unittest.main()
