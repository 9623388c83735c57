#!/usr/bin/env python3
"""Trains a small model that labels people's names and addresses, for the second stage (`[privacy] classifier`).

Needs the packages of requirements-train.txt and no network. Tokenizer and network (BERT's architecture) begin from
nothing and see only texts that `pii_classifier.examples` generates, no example twice. Runs on a CPU. The result is a
Hugging Face folder in half precision; `score_pii_classifier.py` measures it.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import json
import math
import os
import random
import time
from pathlib import Path
from typing import Dict, Iterator, List, Tuple

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor
from transformers import BertConfig, BertForTokenClassification

from pii_classifier.decoding import Shares, spans
from pii_classifier.examples import examples
from pii_classifier.tokenizer import IGNORED, LABELS, SPECIAL, stream, train

OUTPUT = Path(__file__).resolve().parent.parent / "target" / "pii-names"
VALIDATION_SEED_OFFSET = 1_000_003
POOL = 384
# The gateway's threshold where none is set.
COUNTS_FROM = 0.5
Encoded = Tuple[List[int], List[int]]


def arguments() -> argparse.Namespace:
    """The settings of a run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--start", type=Path, metavar="FOLDER", help="go on with this folder's network and tokenizer")
    parser.add_argument("--minutes", type=float, default=30, help="of training; the learning rate ends with them")
    parser.add_argument("--batch-tokens", type=int, default=2048)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--warmup", type=int, default=200, help="steps")
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--merge-dropout", type=float, default=0.1, help="share of merges left out (BPE dropout)")
    parser.add_argument("--average", type=float, default=0.997, help="decay of the averaged weights")
    parser.add_argument("--vocab-size", type=int, default=11000)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--hidden-size", type=int, default=256)
    parser.add_argument("--max-tokens", type=int, default=256)
    parser.add_argument("--tokenizer-examples", type=int, default=60000)
    parser.add_argument("--validation-examples", type=int, default=4000)
    parser.add_argument("--false-share", type=float, default=0.001, help="of clean texts that may be taken for others")
    parser.add_argument("--seed", type=int, default=41)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def begun_tokenizer(args: argparse.Namespace) -> Tokenizer:
    """The tokenizer of the folder to go on with, or a new one."""
    if args.start:
        return Tokenizer.from_file(str(args.start / "tokenizer.json"))
    return train(itertools.islice(examples(args.seed), args.tokenizer_examples), args.vocab_size)


def begun_network(vocab_size: int, args: argparse.Namespace) -> BertForTokenClassification:
    """The network of the folder to go on with, or one that knows nothing yet."""
    if args.start:
        return BertForTokenClassification.from_pretrained(args.start, dtype=torch.float32)
    config = BertConfig(
        vocab_size=vocab_size, hidden_size=args.hidden_size, num_hidden_layers=args.layers,
        num_attention_heads=args.hidden_size // 64, intermediate_size=4 * args.hidden_size,
        max_position_embeddings=args.max_tokens, hidden_dropout_prob=args.dropout,
        attention_probs_dropout_prob=args.dropout, pad_token_id=SPECIAL.index("[PAD]"), type_vocab_size=1,
        id2label=dict(enumerate(LABELS)), label2id={label: index for index, label in enumerate(LABELS)},
    )  # fmt: skip
    return BertForTokenClassification(config)


def batches(encoded: Iterator[Encoded], batch_tokens: int, rng: random.Random) -> Iterator[Dict[str, Tensor]]:
    """Batches of examples that are about as long as each other."""
    while pool := sorted(itertools.islice(encoded, POOL), key=lambda example: len(example[0])):
        groups: List[List[Encoded]] = [[]]
        for example in pool:
            if (len(groups[-1]) + 1) * len(example[0]) > batch_tokens:
                groups.append([])
            groups[-1].append(example)
        rng.shuffle(groups)
        yield from map(padded, filter(None, groups))


def padded(group: List[Encoded]) -> Dict[str, Tensor]:
    """Examples `[num_examples, longest]` as tensors."""
    longest = max(len(ids) for ids, _ in group)
    rest = [longest - len(ids) for ids, _ in group]
    return {
        "input_ids": torch.tensor([ids + [0] * more for (ids, _), more in zip(group, rest)]),
        "attention_mask": torch.tensor([[1] * len(ids) + [0] * more for (ids, _), more in zip(group, rest)]),
        "labels": torch.tensor([labels + [IGNORED] * more for (_, labels), more in zip(group, rest)]),
    }


def loss_of(model: BertForTokenClassification, batch: Dict[str, Tensor]) -> Tensor:
    """Mean cross-entropy over taught tokens."""
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    return F.cross_entropy(logits.float().flatten(0, 1), batch["labels"].flatten(), ignore_index=IGNORED)


@torch.no_grad()
def validate(model: BertForTokenClassification, batches_: List[Dict[str, Tensor]]) -> Dict[str, float]:
    """Loss and, by token, precision and recall of each kind of label, on templates that training never draws."""
    model.eval()
    total = count = 0.0
    hits, said, there = [torch.zeros(len(LABELS)) for _ in range(3)]
    for batch in batches_:
        taught = batch["labels"] != IGNORED
        logits = model(batch["input_ids"], attention_mask=batch["attention_mask"]).logits[taught]
        labels, guesses = batch["labels"][taught], logits.argmax(-1)
        total += float(F.cross_entropy(logits, labels, reduction="sum"))
        count += len(labels)
        for index in range(1, len(LABELS)):
            hits[index] += ((guesses == index) & (labels == index)).sum()
            said[index] += (guesses == index).sum()
            there[index] += (labels == index).sum()
    model.train()
    figures = {"loss": round(total / count, 5)}
    for index, label in enumerate(LABELS[1:], 1):
        figures[f"{label} precision"] = round(float(hits[index] / said[index].clamp(min=1)), 4)
        figures[f"{label} recall"] = round(float(hits[index] / there[index].clamp(min=1)), 4)
    return figures


@torch.no_grad()
def calibrate(model: BertForTokenClassification, batches_: List[Dict[str, Tensor]], false_share: float) -> float:
    """Makes spans less likely, their beginnings most, until only so many clean texts seem to hold one; by how much."""
    model.eval()
    clean: List[Tensor] = []
    for batch in batches_:
        logits = model(batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        for row, labels in zip(logits, batch["labels"]):
            if (labels <= 0).all():
                clean.append(row[labels == 0])
    num_clean, lowered = len(clean), 0.0
    # What costs the fewest names at a given share of false ones: tried on the validation texts.
    away = torch.tensor([{"O": 0.25, "B": -1.0, "I": 0.0}[label[0]] for label in LABELS])
    while True:
        shares = ((rows + lowered * away).softmax(-1).tolist() for rows in clean)
        clean = [rows for rows, own in zip(clean, shares) if counted(own)]
        if len(clean) <= false_share * num_clean:
            break
        lowered += 0.125
    model.classifier.bias += lowered * away
    model.train()
    return lowered


def counted(shares: Shares) -> bool:
    """Whether a text with these probabilities of its tokens has a span that counts."""
    return any(span["score"] >= COUNTS_FROM for span in spans(shares, [(0, 0)] * len(shares), LABELS))


def optimizer_of(model: BertForTokenClassification, args: argparse.Namespace) -> torch.optim.AdamW:
    """AdamW that decays matrices only."""
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.dim() == 2], "weight_decay": args.weight_decay},
        {"params": [p for p in parameters if p.dim() != 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=args.learning_rate, betas=(0.9, 0.98), fused=True)


def learning_rate(step: int, progress: float, args: argparse.Namespace) -> float:
    """Linear warm-up, then a cosine over the time that training has."""
    warm = min(1.0, (step + 1) / args.warmup)
    return args.learning_rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


def fit(
    model: BertForTokenClassification, drawn: Iterator[Dict[str, Tensor]], args: argparse.Namespace
) -> Tuple[BertForTokenClassification, int]:
    """Trains for the set time; the averaged network, and how many steps it took."""
    optimizer, average = optimizer_of(model, args), copy.deepcopy(model)
    recent, tokens, start, step = 0.0, 0, time.monotonic(), 0
    while (seconds := time.monotonic() - start) < args.minutes * 60:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, seconds / (args.minutes * 60), args)
        batch = next(drawn)
        loss = loss_of(model, batch)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        with torch.no_grad():
            decay = min(args.average, step / (step + 50))
            torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - decay)
        step += 1
        tokens += int(batch["attention_mask"].sum())
        recent = loss.item() if step == 1 else 0.98 * recent + 0.02 * loss.item()
        if step % 100 == 0:
            print(f"step {step:5d}  loss {recent:.4f}  {tokens / seconds:6.0f} tok/s  {seconds:5.0f} s", flush=True)
    return average, step


def write_folder(
    folder: Path, model: BertForTokenClassification, tokenizer: Tokenizer, record: Dict[str, object]
) -> None:
    """The checkpoint as Hugging Face lays it out, in half precision, with a record of its training."""
    model.to(torch.float16).save_pretrained(folder)
    tokenizer.model.dropout = None
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    config = json.loads((folder / "config.json").read_text())
    for key in ("transformers_version", "_name_or_path"):
        config.pop(key, None)
    config["decoding"] = "viterbi"
    (folder / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": config["max_position_embeddings"]}
    names = zip(("pad_token", "unk_token", "cls_token", "sep_token"), SPECIAL)
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, **dict(names)}, indent=1) + "\n")
    (folder / "training.json").write_text(json.dumps(record, indent=1) + "\n")


def main() -> None:
    """Trains and writes the folder."""
    args = arguments()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    tokenizer = begun_tokenizer(args)
    fresh = itertools.islice(examples(args.seed + VALIDATION_SEED_OFFSET, validation=True), args.validation_examples)
    rng = random.Random(args.seed)
    validation = list(batches(stream(tokenizer, fresh, args.max_tokens), args.batch_tokens, rng))
    tokenizer.model.dropout = args.merge_dropout
    model = begun_network(tokenizer.get_vocab_size(), args)
    model.train()
    num_parameters = sum(parameter.numel() for parameter in model.parameters())
    print(f"{num_parameters} parameters, vocabulary {tokenizer.get_vocab_size()}", flush=True)
    drawn = batches(stream(tokenizer, examples(args.seed + 1), args.max_tokens), args.batch_tokens, rng)
    average, steps = fit(model, drawn, args)
    figures = validate(average, validation)
    figures["spans lowered by"] = calibrate(average, validation, args.false_share)
    print(figures, flush=True)
    settings = {key: value for key, value in vars(args).items() if key not in ("output", "threads", "start")}
    before = json.loads((args.start / "training.json").read_text()) if args.start else None
    record = {
        **({"before": before} if before else {}),
        "settings": settings, "num_parameters": num_parameters, "steps": steps, "validation": figures,
        "torch": torch.__version__.split("+")[0],
    }  # fmt: skip
    write_folder(args.output, average, tokenizer, record)
    print(f"written to {args.output}", flush=True)


if __name__ == "__main__":
    main()
