"""What a detector found against what stands in the texts.

A gold value is found when predicted spans of any entity cover at least 80 % of its letters and digits
(in either message, for a value split over two). A predicted span is right when at least half of its
characters lie in gold values.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Dict, Iterable, List, Optional, Set, Tuple

from .entities import STRUCTURED
from .generation import Sample

COVERED = 0.8
OVERLAP = 0.5


@dataclass
class Predicted:
    """The detector's answer for one sample."""

    positive: bool
    complete: bool
    spans: List[Dict[str, object]]


@dataclass
class Share:
    """So many of so many."""

    hits: int = 0
    total: int = 0

    def add(self, hit: bool) -> None:
        """One more, found or not."""
        self.hits += hit
        self.total += 1

    @property
    def value(self) -> Optional[float]:
        """The share, or None of nothing."""
        return self.hits / self.total if self.total else None


@dataclass
class Report:
    """Every figure of one system on one corpus, and what it missed or invented."""

    requests: Dict[str, int] = field(default_factory=lambda: dict.fromkeys(("tp", "fp", "fn", "tn"), 0))
    incomplete: int = 0
    shares: Dict[str, Share] = field(default_factory=lambda: defaultdict(Share))
    by: Dict[str, Dict[str, Share]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Share)))
    misses: List[Tuple[str, Sample, Dict[str, object]]] = field(default_factory=list)

    def headline(self) -> Dict[str, Optional[float]]:
        """The figures that floors are set for."""
        count = self.requests
        found, said = count["tp"] + count["fn"], count["tp"] + count["fp"]
        clean = count["fp"] + count["tn"]
        return {
            "request_precision": count["tp"] / said if said else None,
            "request_recall": count["tp"] / found if found else None,
            "false_positives": count["fp"] / clean if clean else None,
            "leak_recall": self.shares["leak"].value,
            "typed_recall": self.shares["typed"].value,
            "structured_plain": self.shares["structured_plain"].value,
            "structured_obfuscated": self.shares["structured_obfuscated"].value,
            "persons": self.shares["persons"].value,
            "persons_plain": self.shares["persons_plain"].value,
            "span_precision": self.shares["span_precision"].value,
        }


Place = Tuple[int, int]


def _places(spans: Iterable[Dict[str, object]]) -> Set[Place]:
    return {(int(s["message"]), at) for s in spans for at in range(int(s["start"]), int(s["end"]))}


def _found(sample: Sample, pieces: List[Dict[str, object]], covered: Set[Place]) -> bool:
    for piece in pieces:
        message, start, end = int(piece["message"]), int(piece["start"]), int(piece["end"])
        places = [(message, at) for at in range(start, end) if sample.texts[message][at].isalnum()]
        if sum(place in covered for place in places) >= COVERED * len(places):
            return True
    return False


def values_of(sample: Sample) -> List[List[Dict[str, object]]]:
    """The gold spans by value: a split value has two."""
    values: Dict[object, List[Dict[str, object]]] = defaultdict(list)
    for span in sample.spans:
        values[span["value"]].append(span)
    return list(values.values())


def _score_values(report: Report, sample: Sample, predicted: Predicted) -> None:
    covered = _places(predicted.spans)
    for pieces in values_of(sample):
        entity, worn = str(pieces[0]["entity"]), str(pieces[0]["obfuscation"])
        found = _found(sample, pieces, covered)
        typed = _found(sample, pieces, _places(span for span in predicted.spans if span["entity"] == entity))
        report.shares["leak"].add(found)
        report.shares["typed"].add(typed)
        report.by["entity"][entity].add(found)
        report.by["entity, typed"][entity].add(typed)
        report.by["language"][sample.lang].add(found)
        report.by["obfuscation"][worn].add(found)
        plain = worn == "plain"
        if entity in STRUCTURED:
            report.shares["structured_plain" if plain else "structured_obfuscated"].add(found)
            report.by["structured, obfuscation"][worn].add(found)
        if entity == "person":
            report.shares["persons"].add(found)
            report.by["persons, language"][sample.lang].add(found)
            report.by["persons, obfuscation"][worn].add(found)
            if plain:
                report.shares["persons_plain"].add(found)
        if not found:
            report.misses.append((f"missed {entity}", sample, pieces[0]))


def _score_spans(report: Report, sample: Sample, predicted: Predicted) -> None:
    gold = _places(sample.spans)
    for span in predicted.spans:
        places = _places([span])
        right = bool(places) and len(places & gold) >= OVERLAP * len(places)
        report.shares["span_precision"].add(right)
        report.by["span precision, entity"][str(span["entity"])].add(right)
        if not right:
            report.misses.append((f"false {span['entity']}", sample, span))


def score(samples: List[Sample], predictions: List[Predicted]) -> Report:
    """The report of one system; both lists are in the same order."""
    if len(samples) != len(predictions):
        raise ValueError(f"{len(predictions)} answers to {len(samples)} texts")
    report = Report()
    for sample, predicted in zip(samples, predictions):
        cell = ("t" if predicted.positive != sample.negative else "f") + ("p" if predicted.positive else "n")
        report.requests[cell] += 1
        report.incomplete += not predicted.complete
        if cell in ("fp", "fn") and not (cell == "fp" and predicted.spans):
            report.misses.append((f"request {cell}", sample, {}))
        report.by["request, language"][sample.lang].add(predicted.positive != sample.negative)
        _score_values(report, sample, predicted)
        _score_spans(report, sample, predicted)
    return report
