"""Labels of tokens to spans, as the engine does it for a folder whose configuration says `"decoding": "viterbi"`.

The likeliest sequence of labels is taken among those in which a span begins before it goes on (Viterbi 1967): the pieces
of a name are judged together, and how sure a model has to be is a matter of its first piece alone.
"""

from __future__ import annotations

import math
import sys
from typing import Dict, List, Sequence, Tuple

Spans = List[Dict[str, object]]
Shares = Sequence[Sequence[float]]


def _may_follow(before: str, after: str) -> bool:
    return not after.startswith("I-") or before[2:] == after[2:]


def best_path(shares: Shares, labels: Sequence[str]) -> List[int]:
    """The likeliest allowed labels of tokens with probabilities `[num_tokens, num_labels]`."""
    all_labels = range(len(labels))
    before = {after: [first for first in all_labels if _may_follow(labels[first], labels[after])] for after in all_labels}
    logs = [[math.log(max(share, sys.float_info.min)) for share in row] for row in shares]
    score = [-math.inf if label.startswith("I-") else own for label, own in zip(labels, logs[0])]
    origins = []
    for row in logs[1:]:
        origin = [max(before[after], key=score.__getitem__) for after in all_labels]
        score = [score[origin[after]] + row[after] for after in all_labels]
        origins.append(origin)
    path = [max(all_labels, key=score.__getitem__)]
    for origin in reversed(origins):
        path.append(origin[path[-1]])
    return path[::-1]


def spans(shares: Shares, offsets: Sequence[Tuple[int, int]], labels: Sequence[str]) -> Spans:
    """Spans of tokens that stand at these offsets, with the mean probability of their labels."""
    found: Spans = []
    if not len(shares):
        return found
    for row, label, (start, end) in zip(shares, best_path(shares, labels), offsets):
        place, _, kind = labels[label].partition("-")
        if place == "B":
            found.append({"start": start, "end": end, "kind": kind, "shares": []})
        if place != "O":
            found[-1]["end"] = end
            found[-1]["shares"].append(row[label])
    for span in found:
        own = span.pop("shares")
        span["score"] = sum(own) / len(own)
    return found
