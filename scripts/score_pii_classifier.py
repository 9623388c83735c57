#!/usr/bin/env python3
"""Measures a model that labels names and addresses beside the detector's rules, on texts that it was not trained on.

Three systems are scored by `pii_eval`'s own scorer: the rules, the model alone, and both together as the gateway joins
them (`[privacy] classifier`): the model is asked about messages in which a word may begin with a capital, and its spans count
from the threshold on. Needs the packages of
requirements-train.txt and a built `shekara`.

    score_pii_classifier.py models/pii-names                       the held-back split and the independent texts
    score_pii_classifier.py models/pii-names --misses 5            and examples of what both together do wrong
    score_pii_classifier.py models/pii-names --spans held.jsonl    and the model's own spans, a line for each text
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Tuple

import torch
from transformers import AutoModelForTokenClassification, PreTrainedTokenizerFast

from pii_classifier.decoding import Spans, spans
from pii_classifier.tokenizer import LABELS
from pii_eval import detectors, generation, reporting
from pii_eval.scoring import Predicted, Report, score

INDEPENDENT = Path(__file__).resolve().parent / "pii_eval" / "independent.jsonl"
ENTITIES = {"PER": "person", "ADDRESS": "address"}
BATCH = 32


@dataclass
class Tagger:
    """A folder's model, read as the engine reads it."""

    tokenizer: PreTrainedTokenizerFast
    model: torch.nn.Module

    @classmethod
    def load(cls, folder: Path) -> Tagger:
        """In single precision, as the engine computes it on a CPU."""
        model = AutoModelForTokenClassification.from_pretrained(folder, dtype=torch.float32)
        return cls(PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json")), model.eval())

    def spans(self, texts: List[str]) -> List[Spans]:
        """Labelled spans of each text, in characters, with their mean probability."""
        pieces: List[Tuple[int, List[int], List[Tuple[int, int]]]] = []
        room = self.model.config.max_position_embeddings - 2
        for index, text in enumerate(texts):
            encoding = self.tokenizer.backend_tokenizer.encode(text, add_special_tokens=False)
            for first, count in windows(len(encoding.ids), room):
                pieces.append((index, encoding.ids[first : first + count], encoding.offsets[first : first + count]))
        found: List[Spans] = [[] for _ in texts]
        for at in range(0, len(pieces), BATCH):
            for (index, _, offsets), rows in zip(pieces[at : at + BATCH], self.rows(pieces[at : at + BATCH])):
                for span in spans(rows.tolist(), offsets, LABELS):
                    found[index].append({**span, "entity": ENTITIES[str(span["kind"])]})
        return found

    @torch.no_grad()
    def rows(self, pieces: List[Tuple[int, List[int], List[Tuple[int, int]]]]) -> Iterator[torch.Tensor]:
        """Probabilities `[num_tokens, num_labels]` of each piece."""
        begin, end = (self.tokenizer.convert_tokens_to_ids(token) for token in ("[CLS]", "[SEP]"))
        framed = [[begin, *ids, end] for _, ids, _ in pieces]
        longest = max(map(len, framed))
        ids = torch.tensor([row + [0] * (longest - len(row)) for row in framed])
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in framed])
        shares = self.model(ids, attention_mask=mask).logits.softmax(-1)
        return (row[1 : len(own) - 1] for row, own in zip(shares, framed))


def windows(count: int, room: int) -> List[Tuple[int, int]]:
    """First token and length of the pieces of a text; they overlap by a quarter."""
    if count <= room:
        return [(0, count)] if count else []
    return [(first, room) for first in range(0, count - room, room - room // 4)] + [(count - room, room)]


def may_hold_name(text: str) -> bool:
    """Whether the gateway asks about a text: a word of it begins with something else than a small letter."""
    before = False
    for char in text:
        if char.isalpha() and not before and not char.islower():
            return True
        before = char.isalpha()
    return False


def classified(tagger: Tagger, samples: List[generation.Sample], threshold: float) -> List[Predicted]:
    """The model's answers to samples."""
    messages = ((number, at) for number, sample in enumerate(samples) for at in range(len(sample.texts)))
    asked = [(number, at) for number, at in messages if may_hold_name(samples[number].texts[at])]
    asked.sort(key=lambda place: len(samples[place[0]].texts[place[1]]))
    found: Dict[int, Spans] = {}
    for at in range(0, len(asked), BATCH):
        chosen = asked[at : at + BATCH]
        for (number, message), own in zip(chosen, tagger.spans([samples[n].texts[m] for n, m in chosen])):
            counted = (span for span in own if round(100 * span["score"]) >= threshold)
            found.setdefault(number, []).extend({"message": message, **span} for span in counted)
    return [Predicted(bool(found.get(number)), True, found.get(number, [])) for number in range(len(samples))]


def together(rules: List[Predicted], model: List[Predicted]) -> List[Predicted]:
    """What both found."""
    return [
        Predicted(first.positive or second.positive, first.complete, first.spans + second.spans)
        for first, second in zip(rules, model)
    ]


def figures(report: Report) -> Dict[str, object]:
    """What the issue asks about, of one system."""
    headline = report.headline()
    address = report.by["entity"]["address"]
    kept = {name: headline[name] for name in ("persons", "persons_plain")}
    requests = {name: headline[name] for name in ("request_recall", "request_precision", "false_positives")}
    return {
        **kept, "addresses": address.value, **requests, "span_precision": headline["span_precision"],
        "counts": dict(report.requests),
    }  # fmt: skip


def table(reports: Dict[str, Report], source: str, num_texts: int) -> str:
    """Markdown of one corpus."""
    rows = {name: figures(report) for name, report in reports.items()}
    names = [name for name in next(iter(rows.values())) if name != "counts"]
    lines = [f"Texts `{source}`, {num_texts}.", "", "| | " + " | ".join(rows) + " |", "|---" * (len(rows) + 1) + "|"]
    for name in names:
        values = ("–" if row[name] is None else f"{row[name]:.4f}" for row in rows.values())
        lines.append(f"| {name.replace('_', ' ')} | " + " | ".join(values) + " |")
    counts = (f"{row['counts']['fp']}, {row['counts']['fn']}" for row in rows.values())
    lines.append("| requests wrongly kept, wrongly let go | " + " | ".join(counts) + " |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Scores as the settings say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--texts", type=Path, action="append", help="these texts instead")
    parser.add_argument("--detector", default=detectors.DEFAULT_COMMAND, help="the rules: gets a file as last argument")
    parser.add_argument("--threshold", type=float, default=50, help="in percent")
    parser.add_argument("--misses", type=int, default=0, metavar="N")
    parser.add_argument("--spans", type=Path, help="write the model's spans there")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    tagger = Tagger.load(options.folder)
    corpora = {path.stem: generation.read(path) for path in options.texts or [INDEPENDENT]}
    if not options.texts:
        corpora["held"] = list(generation.Generator("held").samples())
    for source, samples in corpora.items():
        rules = detectors.run_command(samples, options.detector)
        model = classified(tagger, samples, options.threshold)
        both = together(rules, model)
        systems = {"rules": rules, "model": model, "both": both}
        reports = {name: score(samples, answers) for name, answers in systems.items()}
        print(table(reports, source, len(samples)))
        if options.misses:
            print(reporting.examples(reports["both"], options.misses))
        if options.spans:
            with options.spans.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(answer.spans, ensure_ascii=False) + "\n" for answer in model)
    return 0


if __name__ == "__main__":
    sys.exit(main())
