#!/usr/bin/env python3
"""Makes a tiny random checkpoint of every architecture, and what transformers says it says.

Each folder is what `save_pretrained` writes, in bf16. Beside its `config.json` and weights lies
`golden.json`: prompts of 5, 37 and 150 random tokens, the log probability of each, and 24 greedy
tokens with theirs, computed in float32 with eager attention. Weights, norms and biases are spread so
that a knob left out changes the answer, and seeds are tried until the greedy tokens are ordinary ones
and no two candidates lie so close that rounding could swap them. Needs torch, transformers and safetensors.

    scripts/make_golden_models.py [--only NAME,NAME] [inference/tests/fixtures/architectures]
"""

import argparse
import json
from pathlib import Path

import torch
import transformers
from golden_models.float8 import round_linears, store_linears
from golden_models.mxfp4 import round_experts, store_experts
from golden_models.table import MODELS, Model

PROMPT_LENGTHS = [5, 37, 150]
NEW_TOKENS = 24
# Greedy candidates this close in logits could trade places between two implementations.
MIN_GAP = 0.005
MAX_SEEDS = 200
FIRST_ORDINARY_TOKEN = 3


def randomise(model: torch.nn.Module, seed: int) -> None:
    """Matrices by their fan-in; vectors around what they were made with, which is what they do nothing at."""
    generator = torch.Generator().manual_seed(seed)
    named = list(model.named_parameters()) + [
        (name, buffer) for name, buffer in model.named_buffers() if name.endswith("e_score_correction_bias")
    ]
    with torch.no_grad():
        for name, parameter in named:
            noise = torch.randn(parameter.shape, generator=generator)
            if "sinks" in name:
                parameter.copy_(1.0 + noise)
            elif parameter.dim() < 2 or "norm" in name:
                parameter.copy_(parameter + 0.3 * noise)
            else:
                fan_in = (
                    parameter.shape[-2]
                    if "experts" in name and "GptOss" in type(model).__name__
                    else parameter.shape[-1]
                )
                # Sharp attention and clear choices of experts show what is wrong with either.
                sharp = (
                    2.0
                    if any(part in name for part in ("q_proj", "k_proj", "q_b_proj", "gate.weight", "router"))
                    else 1.0
                )
                parameter.copy_(noise * sharp / fan_in**0.5)
        for _, parameter in named:
            parameter.copy_(parameter.to(torch.bfloat16).to(parameter.dtype))


def prompts(vocab_size: int) -> list[list[int]]:
    generator = torch.Generator().manual_seed(7)
    shapes = [(length,) for length in PROMPT_LENGTHS]
    return [torch.randint(FIRST_ORDINARY_TOKEN, vocab_size, shape, generator=generator).tolist() for shape in shapes]


def continuation(model: torch.nn.Module, tokens: list[int]) -> tuple[list[int], list[float], float]:
    """The greedy tokens, the log probability of every token but the first, and the smallest gap."""
    greedy: list[int] = []
    smallest = float("inf")
    for _ in range(NEW_TOKENS):
        logits = model(torch.tensor([tokens + greedy]), use_cache=False).logits[0].float()
        top = logits[-1].topk(2).values
        smallest = min(smallest, float(top[0] - top[1]))
        if smallest < MIN_GAP:
            return greedy, [], smallest
        greedy.append(int(logits[-1].argmax()))
    logits = model(torch.tensor([tokens + greedy]), use_cache=False).logits[0].float()
    logprobs = logits.log_softmax(-1)
    whole = tokens + greedy
    chosen = [float(logprobs[at, whole[at + 1]]) for at in range(len(whole) - 1)]
    return greedy, chosen, smallest


def build(spec: Model, seed: int) -> torch.nn.Module:
    torch.manual_seed(seed)
    config = spec.config()
    config._attn_implementation = "eager"
    model = spec.model_class(config).float().eval()
    randomise(model, seed)
    if spec.four_bit:
        round_experts(model)
    return model


@torch.no_grad()
def make(spec: Model, folder: Path) -> None:
    for seed in range(MAX_SEEDS):
        model = build(spec, seed)
        float8 = round_linears(model) if spec.float8 else {}
        cases = []
        for tokens in prompts(model.config.vocab_size):
            greedy, chosen, gap = continuation(model, tokens)
            # A special token is not shown, so it could not be told from another one.
            if gap < MIN_GAP or min(greedy) < FIRST_ORDINARY_TOKEN:
                break
            cases.append({"tokens": tokens, "greedy": greedy, "logprobs": [round(value, 5) for value in chosen]})
        if len(cases) == len(PROMPT_LENGTHS):
            break
    else:
        raise SystemExit(f"{spec.name}: greedy candidates too close with every seed")
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    model.to(torch.bfloat16).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    if spec.four_bit:
        store_experts(folder)
    if float8:
        store_linears(folder, float8)
    if spec.rewrite:
        path = folder / "config.json"
        config = json.loads(path.read_text())
        spec.rewrite(config)
        path.write_text(json.dumps(config, indent=2) + "\n")
    made_with = {"transformers": transformers.__version__, "torch": torch.__version__, "seed": seed}
    golden = {"made_with": made_with, "cases": cases}
    (folder / "golden.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    size = (folder / "model.safetensors").stat().st_size
    print(f"{spec.name}: seed {seed}, {size // 1024} KiB", flush=True)


def main() -> None:
    # Two threads of a small model wait for each other more than they compute.
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser()
    parser.add_argument("root", nargs="?", default="inference/tests/fixtures/architectures", type=Path)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    wanted = set(filter(None, arguments.only.split(",")))
    for spec in MODELS:
        if not wanted or spec.name in wanted:
            make(spec, arguments.root / spec.name)


if __name__ == "__main__":
    main()
