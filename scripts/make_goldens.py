#!/usr/bin/env python3
"""Computes what Hugging Face transformers says the tiny models say.

For each fixture and each dtype of its weights: the last position's logits and the greedy
continuation of a few prompts, computed in float32 on weights rounded to that dtype. Needs torch,
transformers and tokenizers.

    scripts/make_goldens.py [inference/tests/fixtures]
"""

import json
import sys
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

PROMPTS = [
    "Where is my parcel?",
    "Менің сәлемдемем қайда? 📦",
    "Карта заблокирована. " * 12,
    "a",
]
# Prompts several windows long, the last one longer than the 256 tokens that kernels take at a time.
WINDOW_PROMPTS = [
    "Where is my parcel? Где моя посылка? Менің сәлемдемем қайда? " * 3,
    "Your card is blocked. Карта заблокирована. Картаңыз бұғатталған. 0123456789 " * 15,
]
NAMES = ["llama-tiny", "qwen3-tiny", "mistral-tiny"]
NEW_TOKENS = 24
DTYPES = {"bf16": torch.bfloat16, "f16": torch.float16, "f32": torch.float32}


def golden(folder: Path, dtype: torch.dtype) -> list[dict]:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    # Parameters only: the rotary frequencies are a buffer, which no checkpoint stores.
    for parameter in model.parameters():
        parameter.data = parameter.data.to(dtype).to(torch.float32)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    cases = []
    windowed = getattr(model.config, "sliding_window", None) is not None
    for prompt in PROMPTS + (WINDOW_PROMPTS if windowed else []):
        tokens = tokenizer.encode(prompt).ids
        greedy: list[int] = []
        gaps: list[float] = []
        logits = None
        with torch.no_grad():
            for _ in range(NEW_TOKENS):
                last = model(torch.tensor([tokens + greedy]), use_cache=False).logits[0, -1]
                logits = last if logits is None else logits
                top = last.topk(2).values
                gaps.append(round(float(top[0] - top[1]), 5))
                greedy.append(int(last.argmax()))
        rounded = [round(float(value), 5) for value in logits]
        cases.append({"tokens": tokens, "logits": rounded, "greedy": greedy, "gaps": gaps})
    return cases


def main() -> None:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else "inference/tests/fixtures")
    versions = {"transformers": transformers.__version__, "torch": torch.__version__}
    for name in NAMES:
        goldens = {dtype: golden(root / name, kind) for dtype, kind in DTYPES.items()}
        goldens["made_with"] = versions
        path = root / f"{name}.golden.json"
        path.write_text(json.dumps(goldens, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
