"""Writes the trained network as a Hugging Face folder."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Dict

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer

from .network import Decoder, Shape
from .tokenizer import END, PAD, write


def _write_json(path: Path, content: Dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def write_folder(
    folder: Path, model: Decoder, shape: Shape, tokenizer: Tokenizer, record: Dict[str, Any]
) -> None:
    """Writes weights, configuration, tokenizer and the record of the training."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.to(torch.bfloat16).contiguous() for name, value in model.state_dict().items()}
    save_file(weights, str(folder / "model.safetensors"), metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
    end, pad = tokenizer.token_to_id(END), tokenizer.token_to_id(PAD)
    config = {
        "architectures": ["Qwen3ForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": None,
        "eos_token_id": end,
        "hidden_act": "silu",
        "initializer_range": 0.02,
        "model_type": "qwen3",
        "pad_token_id": pad,
        "rope_scaling": None,
        "sliding_window": None,
        "tie_word_embeddings": True,
        "torch_dtype": "bfloat16",
        "use_cache": True,
        "use_sliding_window": False,
        **asdict(shape),
    }
    _write_json(folder / "config.json", dict(sorted(config.items())))
    generation = {"do_sample": False, "eos_token_id": [end, pad], "max_new_tokens": 256, "pad_token_id": pad}
    _write_json(folder / "generation_config.json", generation)
    write(tokenizer, folder, shape.max_position_embeddings)
    _write_json(folder / "training.json", record)
