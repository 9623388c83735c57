"""An endless stream of freshly generated training batches of similar length."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Dict, Iterator, List, NamedTuple, Tuple

import torch
from tokenizers import Tokenizer
from torch import Tensor

from .dialogues import sample
from .tokenizer import NO_SUBJECT, Example, encode

POOL = 2048
TARGET_STEP = 256
IGNORED = -100
MERGE_DROPOUT = 0.08
WHOLE_SHARE = 0.3
OPENING_TOKENS = 12


class Goal(NamedTuple):
    """Flat positions in `[batch, length]` and what is to be told there."""

    places: Tensor
    targets: Tensor


class Batch(NamedTuple):
    """Token ids `[batch, length]`, the tokens that follow, and the subjects of questions."""

    ids: Tensor
    words: Goal
    subjects: Goal


def goal(places: List[int], targets: List[int]) -> Goal:
    """A goal padded to a round size with targets that the loss leaves out."""
    spare = -len(targets) % TARGET_STEP
    return Goal(torch.tensor(places + [0] * spare), torch.tensor(targets + [IGNORED] * spare))


def rounded(length: int) -> int:
    """The padded length of an example: a CPU kernel is built anew for each new shape."""
    step = 16 if length <= 256 else 128
    return -(-length // step) * step


def pad(examples: List[Example], length: int) -> Batch:
    """Examples of one batch, padded on the right with zeros."""
    ids = torch.zeros(len(examples), length, dtype=torch.long)
    words: List[Tuple[int, int]] = []
    subjects: List[Tuple[int, int]] = []
    for row, example in enumerate(examples):
        ids[row, : len(example.ids)] = torch.tensor(example.ids)
        start = row * length
        words += [(start + at - 1, example.ids[at]) for at, taught in enumerate(example.taught) if taught]
        subjects += [
            (start + at, subject) for at, subject in enumerate(example.subjects) if subject != NO_SUBJECT
        ]
    return Batch(ids, goal(*map(list, zip(*words))), goal(*map(list, zip(*subjects))))


class Buckets:
    """Collects examples by padded length and gives out batches of about equal size.

    Examples longer than `limit` are left out: what is to be learned stands at their end.
    """

    def __init__(self, batch_tokens: int, limit: int) -> None:
        self.batch_tokens = batch_tokens
        self.limit = limit
        self.waiting: Dict[int, List[Example]] = defaultdict(list)

    def add(self, examples: List[Example]) -> List[Batch]:
        """The batches that these examples complete."""
        batches = []
        for example in examples:
            length = rounded(len(example.ids))
            if length > self.limit:
                continue
            bucket = self.waiting[length]
            bucket.append(example)
            if (len(bucket) + 1) * length > self.batch_tokens:
                batches.append(pad(bucket, length))
                bucket.clear()
        return batches

    def rest(self) -> List[Batch]:
        """The batches that are not full."""
        return [pad(bucket, length) for length, bucket in self.waiting.items() if bucket]


def rough_copy(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer with BPE dropout."""
    rough = Tokenizer.from_str(tokenizer.to_str())
    rough.model.dropout = MERGE_DROPOUT
    return rough


def stream(tokenizer: Tokenizer, seed: int, batch_tokens: int, limit: int) -> Iterator[Batch]:
    """Batches without end; the same seed gives the same dialogues.

    Half of the prompts are split into rough pieces. Most dialogues end after the opening of
    their last answer, which tells what the model took the question for: the rest of an
    answer is soon known by heart, and its tokens are better spent on more questions.
    """
    rng = random.Random(seed)
    rough = rough_copy(tokenizer)
    buckets = Buckets(batch_tokens, limit)
    while True:
        examples: List[Example] = []
        for coder in (tokenizer, rough):
            for share, last_answer in ((WHOLE_SHARE, None), (1 - WHOLE_SHARE, OPENING_TOKENS)):
                dialogues = [sample(rng) for _ in range(int(POOL * share / 2))]
                examples += encode(tokenizer, coder, dialogues, last_answer)
        rng.shuffle(examples)
        batches = buckets.add(examples)
        rng.shuffle(batches)
        yield from batches
