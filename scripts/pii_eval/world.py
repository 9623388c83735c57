"""The words and templates of one split, read from the text files beside this module."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, List

FOLDER = Path(__file__).parent
# `build` and `tuned` were looked at while the detector was made; nobody tunes on `held`.
SPLITS = ("build", "tuned", "held")


def sections(text: str) -> Dict[str, List[str]]:
    """The lines under each `[heading]`; blank lines and lines that begin with `# ` are skipped."""
    found: Dict[str, List[str]] = {}
    current: List[str] = []
    for line in text.splitlines():
        line = line.strip()
        heading = re.fullmatch(r"\[([a-z0-9_]+)\]", line)
        if heading:
            current = found.setdefault(heading.group(1), [])
        elif line and not line.startswith("# "):
            current.append(line)
    return found


class World:
    """Word lists (`words`) and sections of templates by file name (`templates`)."""

    def __init__(self, split: str) -> None:
        if split not in SPLITS:
            raise ValueError(f"no split is called {split}")
        self.split = split
        text = (FOLDER / "words" / f"{split}.txt").read_text(encoding="utf-8")
        self.words = {name: _words(lines) for name, lines in sections(text).items()}
        self.templates: Dict[str, Dict[str, List[str]]] = {}
        for file in sorted((FOLDER / "templates" / split).glob("*.txt")):
            self.templates[file.stem] = sections(file.read_text(encoding="utf-8"))


def _words(lines: List[str]) -> List[str]:
    return [word.strip() for line in lines for word in line.split(",") if word.strip()]
