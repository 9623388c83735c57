#!/usr/bin/env python3
"""Trains the demo model: tokenizer, network, checkpoint folder.

Needs the packages of requirements-train.txt and no network. The text is generated on the
fly by `demo_model.dialogues`, so no example is seen twice. Runs on a CPU.
"""

from __future__ import annotations

import argparse
import copy
import math
import os
import random
import time
from dataclasses import asdict
from pathlib import Path
from typing import Callable, Iterator, List, Tuple

# Threads that spin while they wait for each other starve on a machine with other work.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor, nn

from demo_model.batches import IGNORED, Batch, Buckets, stream
from demo_model.dialogues import SUBJECTS, sample
from demo_model.export import write_folder
from demo_model.network import Decoder, Shape
from demo_model.tokenizer import encode, render, train

OUTPUT = Path(__file__).resolve().parent.parent / "models" / "demo"
VALIDATION_SEED_OFFSET = 1_000_003


def arguments() -> argparse.Namespace:
    """The settings of a run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--steps", type=int, default=1900)
    parser.add_argument("--batch-tokens", type=int, default=4096)
    parser.add_argument("--learning-rate", type=float, default=2.5e-3)
    parser.add_argument("--warmup", type=int, default=60)
    parser.add_argument("--weight-decay", type=float, default=0.1)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--average", type=float, default=0.995, help="decay of the averaged weights")
    parser.add_argument("--vocab-size", type=int, default=6144)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--tokenizer-dialogues", type=int, default=60000)
    parser.add_argument("--validation-dialogues", type=int, default=400)
    parser.add_argument(
        "--hint-weight", type=float, default=0.5, help="weight of the subject loss at question tokens"
    )
    parser.add_argument("--save-every", type=int, default=300, help="steps between checkpoints")
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def losses_of(model: Decoder, hints: nn.Linear, batch: Batch) -> Tuple[Tensor, Tensor]:
    """Mean cross-entropy of the answers' tokens, and of the subject told at each question token.

    The second is a hint for training only: it teaches the lower layers what words mean long
    before that could be learned from the one token where an answer takes its turn.
    """
    with torch.autocast("cpu", torch.bfloat16):
        before, after = model.states(batch.ids)
        logits = model.logits(after.flatten(0, 1)[batch.words.places])
        read = F.rms_norm(before.flatten(0, 1)[batch.subjects.places], before.shape[-1:])
        guesses = hints(read)
    answers = F.cross_entropy(logits.float(), batch.words.targets, ignore_index=IGNORED)
    return answers, F.cross_entropy(guesses.float(), batch.subjects.targets, ignore_index=IGNORED)


@torch.no_grad()
def validate(model: Decoder, hints: nn.Linear, batches: List[Batch]) -> float:
    """Mean loss per answer token over batches that training never draws."""
    model.eval()
    total = count = 0.0
    for batch in batches:
        taught = int((batch.words.targets != IGNORED).sum())
        total += float(losses_of(model, hints, batch)[0]) * taught
        count += taught
    model.train()
    return total / count


def optimizer_of(parameters: List[nn.Parameter], args: argparse.Namespace) -> torch.optim.AdamW:
    """AdamW that decays matrices only."""
    matrices = [p for p in parameters if p.dim() == 2]
    vectors = [p for p in parameters if p.dim() != 2]
    groups = [
        {"params": matrices, "weight_decay": args.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=args.learning_rate, betas=(0.9, 0.97))


def learning_rate(step: int, args: argparse.Namespace) -> float:
    """Linear warm-up, then a cosine down to a twentieth."""
    if step < args.warmup:
        return args.learning_rate * (step + 1) / args.warmup
    progress = (step - args.warmup) / max(1, args.steps - args.warmup)
    return args.learning_rate * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * progress)))


@torch.no_grad()
def blend(average: Decoder, model: Decoder, decay: float) -> None:
    """Moves the averaged weights towards the current ones."""
    for target, source in zip(average.parameters(), model.parameters()):
        target.lerp_(source, 1 - decay)


def fit(
    model: Decoder,
    hints: nn.Linear,
    batches: Iterator[Batch],
    args: argparse.Namespace,
    save: Callable[[Decoder, int, float], None],
) -> None:
    """Trains for the set number of steps and saves averaged weights now and then and at the end."""
    parameters = [*model.parameters(), *hints.parameters()]
    optimizer = optimizer_of(parameters, args)
    average = copy.deepcopy(model)
    recent, tokens, start = 0.0, 0, time.monotonic()
    for step in range(args.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, args)
        batch = next(batches)
        loss, hint_loss = losses_of(model, hints, batch)
        optimizer.zero_grad(set_to_none=True)
        (loss + args.hint_weight * hint_loss).backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        blend(average, model, min(args.average, step / (step + 50)))
        tokens += batch.ids.numel()
        recent = loss.item() if step == 0 else 0.98 * recent + 0.02 * loss.item()
        done = step + 1
        if done % 50 == 0:
            seconds = time.monotonic() - start
            print(
                f"step {done:5d}  loss {recent:.4f}  hint {hint_loss.item():.3f}  {tokens / seconds:6.0f} tok/s  {seconds:5.0f} s",
                flush=True,
            )
        if done % args.save_every == 0 or done == args.steps:
            save(average, done, recent)


def build_tokenizer(args: argparse.Namespace) -> Tokenizer:
    """The tokenizer, trained on its own draw of dialogues."""
    rng = random.Random(args.seed)
    return train((render(sample(rng)) for _ in range(args.tokenizer_dialogues)), args.vocab_size)


def main() -> None:
    """Trains and writes the checkpoint."""
    args = arguments()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    start = time.monotonic()
    tokenizer = build_tokenizer(args)
    shape = Shape(vocab_size=tokenizer.get_vocab_size(), num_hidden_layers=args.layers)
    model = Decoder(shape, args.dropout)
    hints = nn.Linear(shape.hidden_size, len(SUBJECTS), bias=False)
    num_parameters = sum(p.numel() for p in model.parameters())
    print(f"{num_parameters} parameters, vocabulary {shape.vocab_size}", flush=True)

    rng = random.Random(args.seed + VALIDATION_SEED_OFFSET)
    fresh = encode(tokenizer, tokenizer, [sample(rng) for _ in range(args.validation_dialogues)])
    buckets = Buckets(args.batch_tokens, shape.max_position_embeddings)
    validation = buckets.add(fresh) + buckets.rest()
    batches = stream(tokenizer, args.seed + 1, args.batch_tokens, shape.max_position_embeddings)
    settings = {
        key: value for key, value in vars(args).items() if key not in ("output", "threads", "save_every")
    }

    def save(averaged: Decoder, step: int, train_loss: float) -> None:
        record = {
            "settings": settings,
            "network": asdict(shape),
            "num_parameters": num_parameters,
            "seed": args.seed,
            "steps_done": step,
            "train_loss": round(train_loss, 4),
            "validation_loss": round(validate(averaged, hints, validation), 4),
            "seconds": round(time.monotonic() - start),
            "torch": torch.__version__.split("+")[0],
        }
        write_folder(args.output, averaged, shape, tokenizer, record)
        print(f"validation loss {record['validation_loss']}, written to {args.output}", flush=True)

    fit(model, hints, batches, args, save)


if __name__ == "__main__":
    main()
