#!/usr/bin/env python3
"""Generates texts with personal data and scores detectors on them.

    run.py --split held                        this project's detector, the report on the terminal
    run.py --split held --check                the same, exit status 1 when a floor is missed
    run.py --texts independent.jsonl           texts of an author who knew neither the detector nor this generator
    run.py --split build --misses 5            examples of every kind of mistake
    run.py --split build --out texts.jsonl     only writes the texts with their gold spans
    run.py --install-peer --peer presidio      Presidio beside it, in an environment of its own

Standard library only; the peer is optional.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Dict, List

HERE = Path(__file__).resolve().parent
# The folder's own modules must not stand in for the standard library's.
sys.path = [entry for entry in sys.path if Path(entry or ".").resolve() != HERE]
sys.path.insert(0, str(HERE.parent))

from pii_eval import detectors, generation, reporting  # noqa: E402
from pii_eval.scoring import Report, score  # noqa: E402
from pii_eval.world import SPLITS  # noqa: E402

OWN = "shekara"


def arguments() -> argparse.Namespace:
    """The settings of a run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=SPLITS, default="held")
    parser.add_argument("--size", type=int, default=generation.DEFAULT_SIZE, help="how many texts")
    parser.add_argument("--seed", type=int, help="another seed than the split's own")
    parser.add_argument("--texts", type=Path, help="score on these texts instead of generating them")
    parser.add_argument("--out", type=Path, help="write the texts there and stop")
    parser.add_argument(
        "--detector", default=detectors.DEFAULT_COMMAND, help="command that gets the texts' file as last argument"
    )
    parser.add_argument("--predictions", type=Path, help="score these answers instead of running the detector")
    parser.add_argument("--peer", choices=("presidio",), help="score a peer beside it")
    parser.add_argument("--only-peer", action="store_true", help="do not run this project's detector")
    parser.add_argument("--install-peer", action="store_true", help="install the peer first")
    parser.add_argument("--peer-venv", type=Path, default=detectors.PEER_VENV)
    parser.add_argument("--misses", type=int, default=0, metavar="N", help="print N examples of each kind of mistake")
    parser.add_argument("--report", type=Path, help="write the Markdown tables there too")
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a floor is missed")
    return parser.parse_args()


def evaluate(options: argparse.Namespace, samples: List[generation.Sample]) -> Dict[str, Report]:
    """A report for each system that was asked for."""
    reports: Dict[str, Report] = {}
    if not options.only_peer:
        if options.predictions:
            predictions = detectors.read_predictions(options.predictions)
        else:
            predictions = detectors.run_command(samples, options.detector)
        reports[OWN] = score(samples, predictions)
    if options.peer or options.only_peer:
        for mode in ("default", "kz"):
            predictions, name = detectors.run_presidio(samples, mode, options.peer_venv)
            reports[name] = score(samples, predictions)
    return reports


def main() -> int:
    """Runs as the settings say; the exit status."""
    options = arguments()
    if options.texts:
        samples = generation.read(options.texts)
    else:
        samples = list(generation.Generator(options.split, options.seed).samples(options.size))
    if options.out:
        print(f"{generation.write(samples, options.out)} texts in {options.out}")
        return 0
    if options.install_peer:
        detectors.install_peer(options.peer_venv)
    try:
        reports = evaluate(options, samples)
    except detectors.DetectorError as error:
        detectors.warn(f"failed to scan: {error}")
        return 2
    floors = reporting.read_floors()
    source = options.texts.stem if options.texts else options.split
    tables = reporting.markdown(reports, source, len(samples), floors)
    print(tables)
    if options.report:
        options.report.write_text(tables, encoding="utf-8")
    if options.json:
        figures = reporting.as_json(reports, source, len(samples))
        options.json.write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for name, report in reports.items():
        if options.misses:
            print(f"## {name}{reporting.examples(report, options.misses)}")
    missed = reporting.below_floors(reports[OWN], floors) if options.check and OWN in reports else []
    for line in missed:
        detectors.warn(f"below the floor: {line}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
