"""What was measured: points with a figure for each round, their medians, and the command that makes each again."""

import statistics
import sys
from typing import Any


class Points:
    """Figures by what was measured and of whom, in the order in which they came."""

    def __init__(self) -> None:
        self._rounds: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self._commands: dict[tuple[str, str], str] = {}

    def add(self, point: str, who: str, figures: dict[str, Any], command: str) -> None:
        self._rounds.setdefault((point, who), []).append(figures)
        self._commands[(point, who)] = command
        told = ", ".join(f"{name} {value}" for name, value in figures.items())
        print(f"{point:<28} {who:<22} {told}", file=sys.stderr, flush=True)

    def median(self, point: str, who: str, figure: str) -> float | None:
        rounds = [one[figure] for one in self._rounds.get((point, who), []) if one.get(figure) is not None]
        return round(statistics.median(rounds), 4) if rounds else None

    def ratio(self, point: str, who: str, to: str, figure: str) -> float | None:
        """Of the medians: how many times `to`'s is `who`'s."""
        ours, theirs = self.median(point, who, figure), self.median(point, to, figure)
        return round(ours / theirs, 3) if ours is not None and theirs else None

    def result(self) -> list[dict[str, Any]]:
        rows = []
        for (point, who), rounds in self._rounds.items():
            figures = {name: self.median(point, who, name) for name in rounds[0]}
            medians = {name: value for name, value in figures.items() if value is not None}
            rows.append({"point": point, "who": who, "median": medians, "rounds": rounds, "command": self._commands[(point, who)]})
        return rows


def quantile(figures: dict[str, Any], part: str, name: str) -> float | None:
    value: float | None = figures.get(part, {}).get(name)
    return value
