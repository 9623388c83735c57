"""Runs a detector over samples: the project's own by its command, or a peer by its adapter."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Dict, Iterable, List

from .entities import LABEL_ONLY
from .generation import Sample
from .scoring import Predicted

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_COMMAND = f"{ROOT / 'target' / 'release' / 'shekara'} pii scan --jsonl"
PEER_VENV = ROOT / "target" / "pii_eval_presidio"
PEER_PACKAGES = ("presidio-analyzer==2.2.*",)
TIMEOUT_S = 3600


class DetectorError(Exception):
    """The detector did not answer as agreed."""


def _rows(text: str) -> List[Dict[str, object]]:
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _input(samples: Iterable[Sample], folder: str) -> Path:
    path = Path(folder) / "texts.jsonl"
    lines = (json.dumps({"texts": sample.texts}, ensure_ascii=False) for sample in samples)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _answers(command: List[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=TIMEOUT_S, check=False)
    # `pii scan` may say by its status that something was found; only an empty answer is a failure.
    if not done.stdout.strip():
        raise DetectorError(f"{command[0]} said nothing and left with {done.returncode}: {done.stderr[-500:]}")
    return done.stdout


def from_rows(rows: List[Dict[str, object]]) -> List[Predicted]:
    """Answers of `shekara pii scan --jsonl`, in order."""
    return [Predicted(row["decision"] != "clear", bool(row.get("complete", True)), list(row["spans"])) for row in rows]


def run_command(samples: List[Sample], command: str) -> List[Predicted]:
    """The project's detector: the command gets the file's name as its last argument."""
    with tempfile.TemporaryDirectory() as folder:
        return from_rows(_rows(_answers(shlex.split(command) + [str(_input(samples, folder))])))


def read_predictions(path: Path) -> List[Predicted]:
    """Answers that were kept in a file."""
    return from_rows(_rows(path.read_text(encoding="utf-8")))


def install_peer(folder: Path = PEER_VENV) -> None:
    """Presidio into a virtual environment of its own."""
    venv.create(folder, with_pip=True)
    subprocess.run([str(folder / "bin" / "pip"), "install", "--quiet", *PEER_PACKAGES], check=True)


def run_presidio(samples: List[Sample], mode: str, folder: Path = PEER_VENV) -> tuple:
    """Presidio's answers and its description; `mode` is `default` or `kz`."""
    python = folder / "bin" / "python"
    if not python.exists():
        raise DetectorError(f"there is no Presidio in {folder}: run with --install-peer")
    adapter = Path(__file__).with_name("peer_presidio.py")
    with tempfile.TemporaryDirectory() as folder_name:
        text = _answers([str(python), str(adapter), mode, str(_input(samples, folder_name))])
    first, *rows = _rows(text)
    predictions = []
    for row in rows:
        spans = list(row["spans"])
        positive = any(span["entity"] not in LABEL_ONLY for span in spans)
        predictions.append(Predicted(positive, True, spans))
    return predictions, str(first["peer"])


def warn(text: str) -> None:
    """A line for the person at the terminal."""
    print(text, file=sys.stderr)
