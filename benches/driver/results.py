"""Results on disk: JSON with every round and command, a table, a plot."""

import datetime
import json
import os
import re
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent.parent / "results"
ROW, BAR, LEFT, WIDTH = 22, 14, 300, 900
OURS, THEIRS = "#1f6feb", "#8c959f"


def machine() -> str:
    """The processor's name and the number of its cores."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    match = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return f"{match[1].strip() if match else 'unknown'}, {os.cpu_count()} cores"


def header() -> dict[str, Any]:
    return {"date": datetime.date.today().isoformat(), "machine": machine(), "load_average_before": os.getloadavg()[0]}


def save(result: dict[str, Any], folder: Path, kind: str) -> list[Path]:
    """Writes all three and says where they are. `kind` tells runs of parts from whole ones."""
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^a-z0-9]+", "-", f"{result['date']}-{result['machine']}-{kind}".lower()).strip("-")
    paths = [folder / f"{name}.{ending}" for ending in ("json", "md", "svg")]
    for path, text in zip(paths, (json.dumps(result, indent=1, ensure_ascii=False) + "\n", table(result), plot(result))):
        path.write_text(text)
    return paths


def table(result: dict[str, Any]) -> str:
    lines = [f"# {result['date']}, {result['machine']}", ""]
    lines += [f"Made by `{result['command']}`. Medians of rounds that took turns; load, upstream and what is measured share the cores.", ""]
    for bench in result["benches"]:
        lines += [f"## {bench['bench']}", "", f"`{bench['command']}`", ""]
        for name in ("ratios", "limits"):
            told = {point: value for point, value in bench.get(name, {}).items() if value is not None}
            if told:
                lines += ["| | |", "|---|---:|", *(f"| {point} | {value} |" for point, value in told.items()), ""]
        for figures, rows in by_figures(bench["points"]).items():
            lines += [f"| point | of | {' | '.join(figures)} | rounds |", f"|---|---|{'---:|' * (len(figures) + 1)}"]
            for row in rows:
                values = " | ".join(shown(row["median"].get(figure)) for figure in figures)
                lines.append(f"| {row['point']} | {row['who']} | {values} | {len(row['rounds'])} |")
            lines.append("")
    return "\n".join(lines)


def by_figures(points: list[dict[str, Any]]) -> dict[tuple[str, ...], list[dict[str, Any]]]:
    """Points with the same figures share a table. What direct answers lack is left empty."""
    tables: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in points:
        figures = tuple(row["median"])
        kin = next((known for known in tables if set(figures) <= set(known)), None)
        wider = next((known for known in tables if set(known) <= set(figures)), None)
        if kin is None and wider is not None:
            tables[figures] = tables.pop(wider)
        tables.setdefault(kin or figures, []).append(row)
    return tables


def shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def plot(result: dict[str, Any]) -> str:
    """Bars, as shares of the best of each point."""
    groups = [group for bench in result["benches"] for group in plotted(bench)]
    height = sum(ROW * (len(group[1]) + 1) for group in groups) + ROW * 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        text(8, 20, f"{result['date']}, {result['machine']}", bold=True),
    ]
    y = ROW * 2
    for title, bars in groups:
        parts.append(text(8, y + BAR - 2, title, bold=True))
        y += ROW
        most = max(value for _, value in bars)
        for who, value in bars:
            width = max(1, round((WIDTH - LEFT - 110) * value / most))
            colour = OURS if who == "shekara" else THEIRS
            parts.append(text(24, y + BAR - 2, who))
            parts.append(f'<rect x="{LEFT}" y="{y}" width="{width}" height="{BAR}" fill="{colour}"/>')
            parts.append(text(LEFT + width + 6, y + BAR - 2, shown(value)))
            y += ROW
    return "\n".join([*parts, "</svg>"]) + "\n"


def plotted(bench: dict[str, Any]) -> list[tuple[str, list[tuple[str, float]]]]:
    """What is worth a bar: speeds, of each point of which there is more than one."""
    groups: dict[str, list[tuple[str, float]]] = {}
    for row in bench["points"]:
        if row["point"] == "half-load":
            continue  # at rates that were chosen
        for figure, unit in (("requests_per_s", "requests a second"), ("tokens_per_s", "tokens a second")):
            if figure in row["median"]:
                groups.setdefault(f"{row['point']}, {unit}", []).append((row["who"], row["median"][figure]))
    return [(title, bars) for title, bars in groups.items() if len(bars) > 1 and any(value for _, value in bars)]


def text(x: int, y: int, words: str, bold: bool = False) -> str:
    escaped = words.replace("&", "&amp;").replace("<", "&lt;")
    return f'<text x="{x}" y="{y}"{" font-weight=" + chr(34) + "bold" + chr(34) if bold else ""}>{escaped}</text>'
