"""Reports as Markdown and JSON, the floors, and examples of what went wrong."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Dict, List, Optional

from .generation import Sample
from .scoring import Report

FLOORS = Path(__file__).with_name("floors.json")
# Floors that are ceilings: less is better.
CEILINGS = ("false_positives",)
NAMES = {
    "request_precision": "request precision", "request_recall": "request recall",
    "false_positives": "false positives", "leak_recall": "leak recall, all values",
    "typed_recall": "entity-typed recall", "structured_plain": "structured values, plain",
    "structured_obfuscated": "structured values, obfuscated", "persons": "persons, all",
    "persons_plain": "persons, plain", "span_precision": "span precision",
}  # fmt: skip
BREAKDOWNS = (
    "entity", "entity, typed", "language", "obfuscation", "structured, obfuscation", "persons, language",
    "persons, obfuscation", "span precision, entity", "request, language",
)  # fmt: skip


def _cell(value: Optional[float]) -> str:
    return "–" if value is None else f"{value:.3f}"


def markdown(reports: Dict[str, Report], split: str, size: int, floors: Dict[str, float]) -> str:
    """One table of headlines, then a table for each breakdown; a column per system."""
    names = list(reports)
    out = [f"Split `{split}`, {size} texts.", ""]
    out += ["| | floor | " + " | ".join(names) + " |", "|---|---|" + "---|" * len(names)]
    heads = {name: report.headline() for name, report in reports.items()}
    for key, title in NAMES.items():
        floor = ("≤ " if key in CEILINGS else "≥ ") + f"{floors[key]:g}" if key in floors else ""
        out.append(f"| {title} | {floor} | " + " | ".join(_cell(heads[name][key]) for name in names) + " |")
    out.append("| scans that did not finish | | " + " | ".join(str(reports[name].incomplete) for name in names) + " |")
    for breakdown in BREAKDOWNS:
        keys = sorted({key for report in reports.values() for key in report.by[breakdown]})
        if not keys:
            continue
        out += ["", f"**By {breakdown}** (share, of how many)", ""]
        out += ["| | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
        for key in keys:
            shares = [reports[name].by[breakdown][key] for name in names]
            out.append(f"| {key} | " + " | ".join(f"{_cell(share.value)} of {share.total}" for share in shares) + " |")
    return "\n".join(out) + "\n"


def as_json(reports: Dict[str, Report], split: str, size: int) -> Dict[str, object]:
    """The same figures for machines."""
    systems = {}
    for name, report in reports.items():
        systems[name] = {
            "headline": report.headline(),
            "requests": report.requests,
            "incomplete": report.incomplete,
            "by": {
                breakdown: {key: {"hits": share.hits, "total": share.total} for key, share in sorted(shares.items())}
                for breakdown, shares in report.by.items()
            },
        }
    return {"split": split, "size": size, "systems": systems}


def read_floors() -> Dict[str, float]:
    """What the detector must reach."""
    return json.loads(FLOORS.read_text(encoding="utf-8"))


def below_floors(report: Report, floors: Dict[str, float]) -> List[str]:
    """The floors that were missed, in words."""
    missed = []
    for key, value in report.headline().items():
        if key not in floors:
            continue
        floor = floors[key]
        good = value is not None and (value <= floor if key in CEILINGS else value >= floor)
        if not good:
            missed.append(f"{NAMES[key]}: {_cell(value)}, the floor is {floor:g}")
    return missed


def _marked(sample: Sample, span: Dict[str, object]) -> str:
    texts = list(sample.texts)
    if span:
        message, start, end = int(span["message"]), int(span["start"]), int(span["end"])
        text = texts[message]
        texts[message] = text[:start] + "⟦" + text[start:end] + "⟧" + text[end:]
    return " ‖ ".join(texts).replace("\n", "⏎")


def examples(report: Report, count: int) -> str:
    """Up to `count` examples of each kind of mistake, the commonest kind first."""
    kinds = defaultdict(list)
    for kind, sample, span in report.misses:
        worn = span.get("obfuscation") if span.get("obfuscation") else sample.obfuscation
        kinds[kind].append((sample, worn, span))
    lines = []
    for kind, many in sorted(kinds.items(), key=lambda item: -len(item[1])):
        worn = ", ".join(f"{name} {number}" for name, number in Counter(w for _, w, _ in many).most_common(8))
        lines.append(f"\n{kind}: {len(many)} ({worn})")
        for sample, worn, span in many[:count]:
            rule = f" rule={span['rule']}" if "rule" in span else ""
            lines.append(f"  {sample.name} {sample.lang} {worn}{rule}: {_marked(sample, span)}")
    return "\n".join(lines)
