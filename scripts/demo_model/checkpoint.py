"""Runs a checkpoint folder with transformers, for scoring without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Tuple

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


class Checkpoint:
    """A checkpoint loaded in float32."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

    @torch.no_grad()
    def answer(self, messages: List[Dict[str, Any]], max_tokens: int) -> Tuple[str, str]:
        """The greedy answer and its finish reason."""
        text = self.tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        ids = self.tokenizer(text, add_special_tokens=False, return_tensors="pt").input_ids
        out = self.model.generate(ids, max_new_tokens=max_tokens, do_sample=False)[0, ids.shape[1] :]
        stopped = int(out[-1]) == self.tokenizer.eos_token_id
        return self.tokenizer.decode(out, skip_special_tokens=True), "stop" if stopped else "length"
