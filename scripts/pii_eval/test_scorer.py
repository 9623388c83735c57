"""Tests of the scorer: what counts as found, as right, and as below a floor."""

import json
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pii_eval import detectors, reporting  # noqa: E402
from pii_eval.generation import Generator, Sample  # noqa: E402
from pii_eval.scoring import Predicted, score  # noqa: E402


def gold(start, end, entity="iin", message=0, value=0, obfuscation="plain"):
    return {
        "message": message,
        "start": start,
        "end": end,
        "entity": entity,
        "value": value,
        "obfuscation": obfuscation,
    }


def said(start, end, entity="iin", message=0):
    return {"message": message, "start": start, "end": end, "entity": entity}


def sample(texts, spans, negative=False):
    return Sample("t-0", "ru", "held", "plain", texts, spans, negative)


class Values(unittest.TestCase):
    def leak(self, texts, spans, predicted):
        report = score([sample(texts, spans)], [Predicted(True, True, predicted)])
        return report.shares["leak"].hits

    def test_four_fifths_are_enough_and_less_is_not(self):
        text = ["0123456789"]
        self.assertEqual(self.leak(text, [gold(0, 10)], [said(0, 8)]), 1)
        self.assertEqual(self.leak(text, [gold(0, 10)], [said(0, 7)]), 0)

    def test_only_letters_and_digits_count(self):
        self.assertEqual(self.leak(["8 (701) 1"], [gold(0, 9)], [said(0, 1), said(3, 6), said(8, 9)]), 1)

    def test_any_entity_finds_but_only_the_same_is_typed(self):
        report = score([sample(["0123456789"], [gold(0, 10)])], [Predicted(True, True, [said(0, 10, "card")])])
        self.assertEqual(report.shares["leak"].hits, 1)
        self.assertEqual(report.shares["typed"].hits, 0)

    def test_a_split_value_is_found_in_either_message(self):
        spans = [gold(0, 6, message=0), gold(0, 6, message=1)]
        self.assertEqual(self.leak(["012345", "678901"], spans, [said(0, 6, message=1)]), 1)
        self.assertEqual(self.leak(["012345", "678901"], spans, []), 0)

    def test_span_precision_needs_half(self):
        one = sample(["0123456789"], [gold(0, 5)])
        report = score([one], [Predicted(True, True, [said(0, 10), said(0, 11), said(5, 8)])])
        self.assertEqual((report.shares["span_precision"].hits, report.shares["span_precision"].total), (1, 3))


class Requests(unittest.TestCase):
    def test_cells_and_headline(self):
        samples = [
            sample(["a1"], [gold(0, 2)]),
            sample(["b2"], [gold(0, 2)]),
            sample(["c"], [], True),
            sample(["d"], [], True),
        ]
        answers = [
            Predicted(True, True, [said(0, 2)]),
            Predicted(False, True, []),
            Predicted(True, True, [said(0, 1)]),
            Predicted(False, False, []),
        ]
        report = score(samples, answers)
        self.assertEqual(report.requests, {"tp": 1, "fp": 1, "fn": 1, "tn": 1})
        self.assertEqual(report.headline()["request_precision"], 0.5)
        self.assertEqual(report.headline()["false_positives"], 0.5)
        self.assertEqual(report.incomplete, 1)
        self.assertIn("missed iin", reporting.examples(report, 1))
        self.assertIn("false iin", reporting.examples(report, 1))

    def test_answers_must_match_texts(self):
        with self.assertRaises(ValueError):
            score([sample(["a"], [])], [])


class Floors(unittest.TestCase):
    def setUp(self):
        self.samples = list(Generator("held").samples(300))

    def test_perfect_answers_pass_every_floor(self):
        answers = [Predicted(not one.negative, True, one.spans) for one in self.samples]
        report = score(self.samples, answers)
        self.assertEqual(reporting.below_floors(report, reporting.read_floors()), [])
        for key, value in report.headline().items():
            self.assertEqual(value, 0.0 if key == "false_positives" else 1.0, key)

    def test_silence_misses_them(self):
        answers = [Predicted(False, True, []) for _ in self.samples]
        missed = reporting.below_floors(score(self.samples, answers), reporting.read_floors())
        self.assertEqual(len(missed), 6)

    def test_tables_name_every_system(self):
        report = score(self.samples, [Predicted(not one.negative, True, one.spans) for one in self.samples])
        tables = reporting.markdown({"ours": report, "peer": report}, "held", 300, reporting.read_floors())
        self.assertIn("| request recall | ≥ 0.985 | 1.000 | 1.000 |", tables)
        json.dumps(reporting.as_json({"ours": report}, "held", 300))


class Command(unittest.TestCase):
    def test_the_command_gets_the_file_and_answers_by_line(self):
        script = (
            "import json, sys\n"
            "for line in open(sys.argv[-1], encoding='utf-8'):\n"
            "    texts = json.loads(line)['texts']\n"
            "    spans = [{'message': 0, 'entity': 'person', 'start': 0, 'end': len(texts[0])}]\n"
            "    print(json.dumps({'decision': 'confine', 'complete': True, 'spans': spans}))\n"
            "sys.exit(1)\n"
        )
        samples = list(Generator("build").samples(5))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "fake.py"
            path.write_text(script, encoding="utf-8")
            answers = detectors.run_command(samples, f"{sys.executable} {path} --jsonl")
        self.assertEqual([answer.spans[0]["end"] for answer in answers], [len(one.texts[0]) for one in samples])
        self.assertTrue(all(answer.positive for answer in answers))

    def test_silence_is_an_error(self):
        with self.assertRaises(detectors.DetectorError):
            detectors.run_command(list(Generator("build").samples(2)), "true")


if __name__ == "__main__":
    unittest.main()
