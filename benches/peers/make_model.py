#!/usr/bin/env python3
"""A GGUF file of a real model's shape with random weights: speed and memory are the model's, the text is noise.

    benches/peers/make_model.py --shape qwen3-0.6b --output qwen3-0.6b-f16.gguf [--seed 0]

Needs numpy, gguf and tokenizers (PyPI; `benches/peers/inference.sh install` has them). `llama-quantize` makes the other formats
of it. The tokenizer is byte-level BPE trained on Python's own library, filled up to the real model's vocabulary.
"""

import argparse
import json
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

CONTEXT = 32768
DEVIATION = 0.02
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
# What llama.cpp calls "qwen2" before the merges.
WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@dataclass(frozen=True)
class Shape:
    architecture: str
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocabulary: int
    rope_theta: float

    @property
    def normalises_heads(self) -> bool:
        return self.architecture == "qwen3"


# All three use their embeddings as the output head.
SHAPES = {
    "qwen3-0.6b": Shape("qwen3", 1024, 28, 16, 8, 128, 3072, 151936, 1e6),
    "qwen3-1.7b": Shape("qwen3", 2048, 28, 16, 8, 128, 6144, 151936, 1e6),
    "llama-1b": Shape("llama", 2048, 16, 32, 8, 64, 8192, 128256, 5e5),
}


def trained_tokenizer(vocabulary: int) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(WORDS), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    texts = [str(path) for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=30_000, special_tokens=[], show_progress=False, initial_alphabet=alphabet)
    tokenizer.train(texts, trainer)
    unused = vocabulary - tokenizer.get_vocab_size() - len(SPECIAL)
    tokenizer.add_special_tokens(SPECIAL + [f"<|unused_{number}|>" for number in range(unused)])
    return tokenizer


class Weights:
    """Seeded, tensor by tensor, so that no two are alike and every run makes the same file."""

    def __init__(self, shape: Shape, seed: int) -> None:
        self.shape = shape
        self.numbers = numpy.random.default_rng(seed)

    def matrix(self, rows: int, columns: int) -> numpy.ndarray:
        return (self.numbers.standard_normal((rows, columns), dtype=numpy.float32) * DEVIATION).astype(numpy.float16)

    def layer(self, prefix: str):
        shape, ones = self.shape, lambda length: numpy.ones(length, numpy.float32)
        queries, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
        yield prefix + "attn_norm.weight", ones(shape.hidden)
        yield prefix + "attn_q.weight", self.matrix(queries, shape.hidden)
        yield prefix + "attn_k.weight", self.matrix(keys, shape.hidden)
        yield prefix + "attn_v.weight", self.matrix(keys, shape.hidden)
        yield prefix + "attn_output.weight", self.matrix(shape.hidden, queries)
        if shape.normalises_heads:
            yield prefix + "attn_q_norm.weight", ones(shape.head_dim)
            yield prefix + "attn_k_norm.weight", ones(shape.head_dim)
        yield prefix + "ffn_norm.weight", ones(shape.hidden)
        yield prefix + "ffn_gate.weight", self.matrix(shape.intermediate, shape.hidden)
        yield prefix + "ffn_up.weight", self.matrix(shape.intermediate, shape.hidden)
        yield prefix + "ffn_down.weight", self.matrix(shape.hidden, shape.intermediate)

    def all(self):
        yield "token_embd.weight", self.matrix(self.shape.vocabulary, self.shape.hidden)
        for number in range(self.shape.layers):
            yield from self.layer(f"blk.{number}.")
        yield "output_norm.weight", numpy.ones(self.shape.hidden, numpy.float32)


def write(name: str, output: Path, seed: int) -> None:
    shape = SHAPES[name]
    writer = gguf.GGUFWriter(output, shape.architecture)
    writer.add_name(name)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(shape.hidden)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.intermediate)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_key_length(shape.head_dim)
    writer.add_value_length(shape.head_dim)
    writer.add_rope_freq_base(shape.rope_theta)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    if shape.architecture == "llama":
        writer.add_rope_dimension_count(shape.head_dim)
        writer.add_vocab_size(shape.vocabulary)
    add_tokenizer(writer, trained_tokenizer(shape.vocabulary))
    for tensor, values in Weights(shape, seed).all():
        writer.add_tensor(tensor, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add_tokenizer(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    described = json.loads(tokenizer.to_str())
    tokens = sorted(tokenizer.get_vocab(with_added_tokens=True).items(), key=lambda token: token[1])
    special = {token["id"] for token in described["added_tokens"]}
    kinds = [gguf.TokenType.CONTROL if number in special else gguf.TokenType.NORMAL for _, number in tokens]
    merges = described["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list([text.encode() for text, _ in tokens])
    writer.add_token_types(kinds)
    writer.add_token_merges([" ".join(merge) if isinstance(merge, list) else merge for merge in merges])
    writer.add_eos_token_id(tokenizer.token_to_id("<|im_end|>"))
    writer.add_bos_token_id(tokenizer.token_to_id("<|endoftext|>"))
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", required=True, choices=SHAPES)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    part = arguments.output.with_suffix(".part")
    write(arguments.shape, part, arguments.seed)
    part.rename(arguments.output)


if __name__ == "__main__":
    main()
