#!/usr/bin/env python3
"""Makes the tiny random models that the engine's tests run on.

Real layout, real tokenizer, no sense: a byte-level BPE trained on the text below, seeded random
weights in bf16, a chat template. Run it only to change the fixtures; `make_goldens.py` then has
to run too. Needs torch, transformers and tokenizers.

    scripts/make_tiny_models.py [inference/tests/fixtures]
"""

import json
import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

SEED = 20261122
VOCAB_SIZE = 512
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEXT = [
    "Where is my parcel? It will be delivered tomorrow between ten and twelve.",
    "Где моя посылка? Её доставят завтра с десяти до двенадцати часов.",
    "Менің сәлемдемем қайда? Оны ертең сағат оннан он екіге дейін жеткізеді.",
    "Your card is blocked. Карта заблокирована. Картаңыз бұғатталған.",
    "Сәлем! Рахмет! Thank you! Спасибо! 👋 🚚 📦",
    "user assistant system tool 0123456789 + - * / = ( ) { } [ ] \" ' : ; , . ! ?",
] * 4

TEMPLATE = """{%- for message in messages %}
    {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""

SHAPE = {
    "vocab_size": VOCAB_SIZE,
    "hidden_size": 64,
    "intermediate_size": 112,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 1024,
    "bos_token_id": None,
    "eos_token_id": 2,
    "pad_token_id": None,
}

LLAMA3_ROPE = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 256,
}


def tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    assert tokenizer.get_vocab_size() == VOCAB_SIZE, tokenizer.get_vocab_size()
    return tokenizer


def randomise(model: torch.nn.Module) -> None:
    """Weights large enough that the model has opinions, and norms that are not all ones."""
    generator = torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if "norm" in name:
                parameter.copy_(1.0 + 0.2 * noise)
            else:
                parameter.copy_(noise * (1.0 / parameter.shape[-1] ** 0.5))


def save(model: torch.nn.Module, folder: Path) -> None:
    randomise(model)
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer().save(str(folder / "tokenizer.json"))
    config = {"eos_token": "<|im_end|>", "chat_template": TEMPLATE}
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
    generation = {"eos_token_id": [2, 0]}
    (folder / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n")


def main() -> None:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else "inference/tests/fixtures")
    llama = LlamaConfig(**SHAPE, tie_word_embeddings=False, attention_bias=True, rope_parameters=LLAMA3_ROPE)
    save(LlamaForCausalLM(llama), root / "llama-tiny")
    qwen3 = Qwen3Config(**SHAPE, head_dim=24, tie_word_embeddings=True)
    save(Qwen3ForCausalLM(qwen3), root / "qwen3-tiny")
    # The older spelling of the same keys, so that both are read in tests.
    path = root / "qwen3-tiny" / "config.json"
    config = json.loads(path.read_text())
    config["rope_theta"] = config.pop("rope_parameters")["rope_theta"]
    config["torch_dtype"] = config.pop("dtype")
    path.write_text(json.dumps(config, indent=2) + "\n")
    # A window that ends inside blocks of 16, and no head_dim, as in the first Mistral models.
    mistral = MistralConfig(**SHAPE, tie_word_embeddings=False, sliding_window=24)
    save(MistralForCausalLM(mistral), root / "mistral-tiny")
    path = root / "mistral-tiny" / "config.json"
    config = json.loads(path.read_text())
    del config["head_dim"]
    path.write_text(json.dumps(config, indent=2) + "\n")


if __name__ == "__main__":
    main()
