#!/usr/bin/env python3
"""Makes LoRA adapters of some tiny checkpoints with PEFT, and what PEFT says they say.

Each folder is what `save_pretrained` writes. Beside it lies `golden.json`, as `make_golden_models.py`
makes it: prompts of 5, 37 and 150 random tokens, the log probability of each, and 24 greedy tokens with
theirs, computed in float32 with eager attention on the base and the adapter unmerged. Both matrices are
spread so that what is left out changes the answer. Needs torch, transformers, peft and safetensors.

    scripts/make_golden_adapters.py [--only MODEL/NAME,…] [inference/tests/fixtures]
"""

import argparse
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import peft
import torch
import transformers
from make_golden_models import FIRST_ORDINARY_TOKEN, MAX_SEEDS, MIN_GAP, PROMPT_LENGTHS, continuation, prompts
from safetensors import safe_open
from safetensors.torch import save_file

ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


@dataclass
class Adapter:
    """One folder: its model, its name, its settings, the dtype it is stored in."""

    model: str
    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    dtype: torch.dtype = torch.float32


ADAPTERS = [
    Adapter("qwen3", "support", {"r": 4, "lora_alpha": 8, "target_modules": ALL}),
    Adapter(
        "qwen3",
        "formal",
        {
            "r": 8,
            "lora_alpha": 4,
            "use_rslora": True,
            "target_modules": ["q_proj", "v_proj", "up_proj", "down_proj"],
            "rank_pattern": {"down_proj": 2, "layers.1.self_attn.q_proj": 5},
            "alpha_pattern": {"v_proj": 12, "model.layers.0.mlp.up_proj": 1},
            "layers_to_transform": [0, 1],
        },
        torch.bfloat16,
    ),
    Adapter("phi3", "support", {"r": 4, "lora_alpha": 6, "target_modules": "all-linear"}, torch.float16),
    Adapter(
        "phi3",
        "formal",
        {
            "r": 16,
            "lora_alpha": 4,
            "use_rslora": True,
            "target_modules": r".*\.layers\.(0|2)\.self_attn\.(qkv_proj|o_proj)",
        },
        torch.bfloat16,
    ),
    Adapter(
        "gpt-neox",
        "support",
        {"r": 3, "lora_alpha": 3, "target_modules": ["query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"]},
    ),
    Adapter(
        "gpt-neox",
        "formal",
        {"r": 2, "lora_alpha": 5, "target_modules": ["query_key_value"], "exclude_modules": r".*layers\.0\..*"},
        torch.bfloat16,
    ),
]


def randomise(model: torch.nn.Module, dtype: torch.dtype, seed: int) -> None:
    """Both matrices by their fan-in, in values that the dtype can say."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".lora_" in name:
                noise = torch.randn(parameter.shape, generator=generator) / parameter.shape[-1] ** 0.5
                parameter.copy_(noise.to(dtype).to(parameter.dtype))


def build(spec: Adapter, base: Path, seed: int) -> peft.PeftModel:
    model = transformers.AutoModelForCausalLM.from_pretrained(
        base, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    config = peft.LoraConfig(task_type="CAUSAL_LM", **spec.settings)
    adapted = peft.get_peft_model(model, config).eval()
    randomise(adapted, spec.dtype, seed)
    return adapted


def store_as(folder: Path, dtype: torch.dtype) -> None:
    path = folder / "adapter_model.safetensors"
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name).to(dtype) for name in file.keys()}
        metadata = file.metadata()
    save_file(tensors, path, metadata=metadata)


@torch.no_grad()
def make(spec: Adapter, root: Path) -> None:
    base = root / "architectures" / spec.model
    for seed in range(MAX_SEEDS):
        model = build(spec, base, seed)
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
        raise SystemExit(f"{spec.model}/{spec.name}: greedy candidates too close with every seed")
    folder = root / "adapters" / spec.model / spec.name
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    # Where it was made is nobody's business.
    model.peft_config["default"].base_model_name_or_path = spec.model
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    store_as(folder, spec.dtype)
    versions = {"peft": peft.__version__, "transformers": transformers.__version__, "torch": torch.__version__}
    golden = {"made_with": versions | {"seed": seed}, "cases": cases}
    (folder / "golden.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    size = (folder / "adapter_model.safetensors").stat().st_size
    print(f"{spec.model}/{spec.name}: seed {seed}, {size // 1024} KiB", flush=True)


def main() -> None:
    # Two threads of a small model wait for each other more than they compute.
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser()
    parser.add_argument("root", nargs="?", default="inference/tests/fixtures", type=Path)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    wanted = set(filter(None, arguments.only.split(",")))
    for spec in ADAPTERS:
        if not wanted or f"{spec.model}/{spec.name}" in wanted:
            make(spec, arguments.root)


if __name__ == "__main__":
    main()
