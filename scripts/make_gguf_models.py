#!/usr/bin/env python3
"""Makes tiny GGUF files, and what transformers says of the same weights dequantised.

Each is `NAME.gguf` with `NAME.golden.json` beside it, as `make_golden_models.py` writes them. Most are
checkpoints of that script's, put into GGUF by llama.cpp's conventions in types that lose nothing. The
others hold blocks of every quantised type: what gguf-py can quantise it quantises, for the rest blocks
are random bytes with sane scales; gguf-py's `dequantize` of the very same blocks goes through
transformers in float32. Needs torch, transformers, safetensors, gguf and sentencepiece.

    scripts/make_gguf_models.py [--only NAME,NAME] [inference/tests/fixtures/gguf]
"""

import argparse
import io
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import sentencepiece
import torch
import transformers
from golden_models.gguf_layout import (
    Checkpoint,
    converted,
    write_byte_level,
    write_metadata,
    write_sentence_piece,
)
from golden_models.table import FEW, MODELS, WIDE, Model
from make_golden_models import MIN_GAP, PROMPT_LENGTHS, build, continuation, make, prompts
from safetensors.torch import load_file

FIXTURES = Path("inference/tests/fixtures")
TEXTS = ["Hello world", "  two spaces, and\na line", "Кордон не пропускает 12345 строк", "naïve café 🙂 end", "x"]
Kinds = gguf.GGMLQuantizationType


@dataclass
class File:
    """A file from a checkpoint of the table, or from one of its own."""

    name: str
    family: str
    model: Model
    # Trained on this repository's texts; with or without a space before every text.
    sentence_piece: bool | None = None
    # Of the older kind, where every expert was a tensor.
    experts_apart: bool = False
    extra: dict[str, Any] = field(default_factory=dict)


def of(name: str, family: str, like: str | None = None, **changes: Any) -> File:
    keys = {key: changes.pop(key) for key in ("sentence_piece", "experts_apart") if key in changes}
    model = next(model for model in MODELS if model.name == (like or name))
    if changes:
        model = Model(name, model.family, model.changes | changes, None, model.config_class, model.without)
    return File(name, family, model, **keys)


FILES = [
    of("llama", "llama", "llama-llama3", sentence_piece=True),
    of("mixtral", "llama", sliding_window=None),
    of("mixtral-older", "llama", "mixtral", sliding_window=None, experts_apart=True, num_hidden_layers=1),
    of("qwen2", "qwen2", use_sliding_window=False),
    of("qwen2-moe", "qwen2moe"),
    of("qwen3", "qwen3"),
    of("qwen3-moe", "qwen3moe", mlp_only_layers=[]),
    of("gemma", "gemma"),
    of("gemma2", "gemma2", sentence_piece=False, query_pre_attn_scalar=16),
    of("gemma3", "gemma3", query_pre_attn_scalar=16),
    of("phi3", "phi3", "phi3"),
    of("phi3-longrope", "phi3"),
    of("gpt-oss", "gpt-oss", "gpt-oss-mxfp4"),
    of("granite", "granite"),
    of("granite-moe", "granitemoe"),
    of("smollm3", "smollm3"),
    of("olmo2", "olmo2"),
    of("olmoe", "olmoe", clip_qkv=None),
    of("glm4", "glm4"),
    of("starcoder2", "starcoder2"),
    of("stablelm", "stablelm"),
    of("cohere", "command-r"),
    of("cohere2", "cohere2"),
    of("exaone4", "exaone4"),
    of("ernie4-5", "ernie4_5", use_bias=False),
    of("seed-oss", "seed_oss", attention_out_bias=False),
]

# Wide enough for blocks of 256.
K_QUANTS = Model(
    "k-quants",
    "Llama",
    WIDE
    | {
        "hidden_size": 256,
        "intermediate_size": 256,
        "num_hidden_layers": 3,
        "num_attention_heads": 16,
        "num_key_value_heads": 2,
        "tie_word_embeddings": True,
        "vocab_size": 512,
    },
)
# The types of a layer's seven matrices, layer by layer; queries, keys and values differ among each other.
K_TYPES = [
    [Kinds.Q4_K, Kinds.Q4_K, Kinds.Q6_K, Kinds.Q5_K, Kinds.Q4_K, Kinds.Q4_K, Kinds.Q6_K],
    [Kinds.Q2_K, Kinds.Q3_K, Kinds.Q4_1, Kinds.Q3_K, Kinds.Q2_K, Kinds.Q5_K, Kinds.Q3_K],
    [Kinds.Q8_0, Kinds.Q5_0, Kinds.Q5_1, Kinds.Q4_0, Kinds.IQ4_NL, Kinds.Q4_1, Kinds.F16],
]
K_EMBEDDING = Kinds.Q6_K
# Where a block's f16 scales are, and the middle of its codes if it has a minimum.
SCALES = {
    Kinds.Q2_K: ([80, 82], 1.5),
    Kinds.Q3_K: ([108], 0),
    Kinds.Q4_K: ([0, 2], 7.5),
    Kinds.Q5_K: ([0, 2], 15.5),
    Kinds.Q6_K: ([208], 0),
    Kinds.IQ4_NL: ([0], 0),
}


def quantised(weights: np.ndarray, kind: Kinds, seed: int) -> np.ndarray:
    """The weights in this type where gguf-py can do that, or else random blocks about as large."""
    if kind not in SCALES:
        return gguf.quantize(weights, kind)
    length, size = gguf.GGML_QUANT_SIZES[kind]
    generator = np.random.default_rng(seed)
    count = weights.size // length
    blocks = generator.integers(0, 256, (count, size), dtype=np.uint8)
    places, middle = SCALES[kind]
    for unit in (True, False):
        scale = np.ones(count) if unit else weights.std() / spread
        for at, place in enumerate(places):
            values = (scale * (middle if at else 1)).astype(np.float16)
            blocks[:, place : place + 2] = values.view(np.uint8).reshape(count, 2)
        spread = gguf.dequantize(blocks, kind).reshape(count, length).std(axis=1)
    return blocks.reshape(weights.shape[0], -1)


def k_quants(seed: int) -> tuple[torch.nn.Module, Checkpoint]:
    """A model whose matrices are what the blocks of its file stand for."""
    model = build(K_QUANTS, seed)
    config = model.config.to_dict()
    raw = {}
    with torch.no_grad():
        for index, layer in enumerate(model.model.layers):
            attention, mlp = layer.self_attn, layer.mlp
            parts = {
                "attn_q": attention.q_proj,
                "attn_k": attention.k_proj,
                "attn_v": attention.v_proj,
                "attn_output": attention.o_proj,
                "ffn_gate": mlp.gate_proj,
                "ffn_up": mlp.up_proj,
                "ffn_down": mlp.down_proj,
            }
            for at, (name, linear) in enumerate(parts.items()):
                kind = K_TYPES[index][at]
                blocks = quantised(linear.weight.numpy(), kind, 100 * seed + 10 * index + at)
                raw[f"blk.{index}.{name}.weight"] = (blocks, kind)
                stored = torch.from_numpy(gguf.dequantize(blocks, kind).reshape(linear.weight.shape))
                # The file has rows in llama.cpp's order.
                heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}.get(name)
                linear.weight.copy_(halved(stored, heads) if heads else stored)
        table = model.model.embed_tokens.weight
        blocks = quantised(table.numpy(), K_EMBEDDING, seed)
        raw["token_embd.weight"] = (blocks, K_EMBEDDING)
        table.copy_(torch.from_numpy(gguf.dequantize(blocks, K_EMBEDDING).reshape(table.shape)))
    norms = {name: tensor for name, tensor in model.state_dict().items() if "norm" in name}
    return model, Checkpoint(config, norms, "llama", raw)


def halved(weights: torch.Tensor, heads: int) -> torch.Tensor:
    pairs = weights.reshape(heads, weights.shape[0] // heads // 2, 2, -1)
    return pairs.swapaxes(1, 2).reshape(weights.shape)


def cases_of(model: torch.nn.Module) -> list[dict[str, Any]]:
    cases = []
    for tokens in prompts(model.config.vocab_size):
        greedy, chosen, gap = continuation(model, tokens)
        if gap < MIN_GAP or min(greedy) < 3:
            return []
        cases.append({"tokens": tokens, "greedy": greedy, "logprobs": [round(value, 5) for value in chosen]})
    assert len(cases) == len(PROMPT_LENGTHS)
    return cases


def processor(prefix: bool) -> sentencepiece.SentencePieceProcessor:
    """A vocabulary of 512 pieces with a fall-back to bytes, as Llama 2 and Gemma have theirs."""
    corpus = [path.read_text() for path in (Path("README.md"), Path("inference/ARCHITECTURE.md"))]
    lines = [line for text in corpus for line in text.splitlines() if line.strip()] + TEXTS
    trained = io.BytesIO()
    sentencepiece.SentencePieceTrainer.Train(
        sentence_iterator=iter(lines), model_writer=trained, vocab_size=512, model_type="bpe", byte_fallback=True,
        add_dummy_prefix=prefix, remove_extra_whitespaces=False, normalization_rule_name="identity",
        character_coverage=0.99, minloglevel=2, num_threads=1,
    )  # fmt: skip
    return sentencepiece.SentencePieceProcessor(model_proto=trained.getvalue())


def write(path: Path, checkpoint: Checkpoint, sentence_piece: bool | None, experts_apart: bool = False) -> dict[str, Any]:
    """Writes the file; what its tokenizer makes of some texts, where that is worth a look."""
    writer = gguf.GGUFWriter(path, checkpoint.family)
    write_metadata(writer, checkpoint.config, checkpoint.family)
    tokens: dict[str, Any] = {}
    if sentence_piece is None:
        write_byte_level(writer, (FIXTURES / "llama-tiny/tokenizer.json").read_text())
    else:
        pieces = processor(sentence_piece)
        write_sentence_piece(writer, pieces, sentence_piece)
        tokens = {"tokenized": [{"text": text, "tokens": [1, *pieces.encode(text)]} for text in TEXTS]}
    template = json.loads((FIXTURES / "llama-tiny/tokenizer_config.json").read_text())["chat_template"]
    writer.add_chat_template(template)
    for name, tensor in converted(checkpoint).items():
        if experts_apart and "_exps" in name:
            for expert, part in enumerate(tensor):
                add(writer, name.replace("_exps", "").replace(".weight", f".{expert}.weight"), part)
        else:
            add(writer, name, tensor)
    for name, (data, kind) in checkpoint.raw.items():
        if kind == Kinds.F16:
            writer.add_tensor(name, data)
        else:
            writer.add_tensor(name, data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return tokens


def add(writer: gguf.GGUFWriter, name: str, tensor: torch.Tensor) -> None:
    data = tensor.contiguous().numpy()
    small = tensor.dim() < 2 or "norm" in name or "ffn_gate_inp" in name or name.startswith("rope_") or "bias" in name
    if small:
        writer.add_tensor(name, data.astype(np.float32))
    else:
        writer.add_tensor(name, gguf.quantize(data, Kinds.BF16), raw_dtype=Kinds.BF16)


def from_table(file: File, folder: Path) -> None:
    known = FIXTURES / "architectures" / file.model.name
    with tempfile.TemporaryDirectory() as temporary:
        source = known
        if not any(file.model is model for model in MODELS):
            source = Path(temporary) / file.name
            make(file.model, source)
        config = json.loads((source / "config.json").read_text())
        golden = json.loads((source / "golden.json").read_text())
        checkpoint = Checkpoint(config, load_file(source / "model.safetensors"), file.family)
        path = folder / f"{file.name}.gguf"
        tokens = write(path, checkpoint, file.sentence_piece, file.experts_apart)
    finish(path, golden | tokens)


def made_of_blocks(folder: Path) -> None:
    for seed in range(200):
        model, checkpoint = k_quants(seed)
        with torch.no_grad():
            cases = cases_of(model)
        if cases:
            break
    else:
        raise SystemExit("k-quants: greedy candidates too close with every seed")
    path = folder / "k-quants.gguf"
    write(path, checkpoint, None)
    made_with = {"transformers": transformers.__version__, "torch": torch.__version__, "seed": seed}
    finish(path, {"made_with": made_with, "cases": cases})


def finish(path: Path, golden: dict[str, Any]) -> None:
    path.with_suffix(".golden.json").write_text(json.dumps(golden, separators=(",", ":"), ensure_ascii=False) + "\n")
    print(f"{path.name}: {path.stat().st_size // 1024} KiB", flush=True)


def main() -> None:
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser()
    parser.add_argument("root", nargs="?", default=FIXTURES / "gguf", type=Path)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    arguments.root.mkdir(parents=True, exist_ok=True)
    wanted = set(filter(None, arguments.only.split(",")))
    tasks: dict[str, Callable[[Path], None]] = {
        file.name: lambda folder, file=file: from_table(file, folder) for file in FILES
    }
    tasks["k-quants"] = made_of_blocks
    for name, task in tasks.items():
        if not wanted or name in wanted:
            task(arguments.root)


if __name__ == "__main__":
    main()
