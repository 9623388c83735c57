#!/usr/bin/env python3
"""Makes a tiny random checkpoint of every kind of encoder, and what transformers says about some texts.

Each folder is what `save_pretrained` writes, in bf16, with a tokenizer trained on a few sentences of ours and the files
of sentence-transformers where they belong. Beside them lies `golden.json`: texts of few, some and many tokens (beyond
any window, up to the last position) with their tokens and what the model makes of them, computed in float32 with eager
attention: sentence vectors, scores of pairs, or logits of tokens. Weights, norms and biases are spread, so that a knob
left out changes the answer. Needs torch and transformers 5.24 or later, which has NomicBERT and GTE itself and stores
them as their authors do; Alibaba's stretched rotation is put into it here, from its published formula.

    scripts/make_golden_encoders.py [--only NAME,NAME] [inference/tests/fixtures/encoders]
"""

import argparse
import json
import random
import shutil
from pathlib import Path

import torch
import transformers
from golden_encoders.table import MODELS, Encoder
from golden_encoders.tokenizers_of import sentence

QUERY_WORDS = 5
LENGTHS = [3, 20, 400]


def randomise(model: torch.nn.Module, seed: int) -> None:
    """Matrices by their fan-in, tables of embeddings at full size, vectors around what they were made with."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.dim() < 2:
                parameter.copy_(parameter + 0.3 * noise)
            elif "embed" in name and "proj" not in name:
                parameter.copy_(noise)
            else:
                # Sharp attention shows what is wrong with it.
                sharp = 2.0 if any(part in name for part in ("query", "key", "q_proj", "k_proj", "Wqkv")) else 1.0
                parameter.copy_(noise * sharp / parameter.shape[-1] ** 0.5)
            parameter.copy_(parameter.to(torch.bfloat16).to(parameter.dtype))


def texts(seed: int) -> list[str]:
    rng = random.Random(seed)
    return [sentence(rng, count) for count in LENGTHS]


def encode(tokenizer, text, max_length: int, pair: str | None = None) -> dict:
    encoded = tokenizer(text, pair, truncation=True, max_length=max_length, return_token_type_ids=True)
    return {key: torch.tensor([encoded[key]]) for key in ("input_ids", "token_type_ids")}


def forward(entry: Encoder, model, encoded: dict):
    arguments = dict(encoded)
    if not entry.token_types:
        arguments.pop("token_type_ids")
    with torch.no_grad():
        return model(**arguments)


def pooled(entry: Encoder, hidden: torch.Tensor) -> torch.Tensor:
    pools = {
        "cls": hidden[0, 0],
        "mean": hidden[0].mean(0),
        "max": hidden[0].max(0).values,
        "lasttoken": hidden[0, -1],
    }
    vector = torch.cat([pools[mode] for mode in ("cls", "max", "mean", "lasttoken") if mode in entry.pooling])
    if entry.dense is not None:
        vector = torch.tanh(entry.dense(vector))
    return vector / vector.norm() if entry.normalise else vector


def embedding_cases(entry: Encoder, model, tokenizer) -> list[dict]:
    cases = []
    for text in texts(entry.seed):
        encoded = encode(tokenizer, text, entry.max_length)
        hidden = forward(entry, model, encoded).last_hidden_state.detach()
        with torch.no_grad():
            vector = pooled(entry, hidden)
        cases.append({"text": text, "tokens": encoded["input_ids"][0].tolist(), "vector": rounded(vector)})
    return cases


def ranking_cases(entry: Encoder, model, tokenizer) -> list[dict]:
    rng = random.Random(entry.seed)
    query = sentence(rng, QUERY_WORDS)
    cases = []
    for document in texts(entry.seed + 1):
        encoded = encode(tokenizer, query, entry.max_length, document)
        logits = forward(entry, model, encoded).logits[0]
        cases.append({"document": document, "score": float(torch.sigmoid(logits)[0]), "query": query})
    return cases


def choice_cases(entry: Encoder, model, tokenizer) -> list[dict]:
    """As Qwen's model card does it."""
    rng = random.Random(entry.seed)
    query = sentence(rng, QUERY_WORDS)
    instruction = "Given a web search query, retrieve relevant passages that answer the query"
    before = (
        "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the Instruct "
        'provided. Note that the answer can only be "yes" or "no".<|im_end|>\n<|im_start|>user\n'
    )
    after = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
    around = [tokenizer.encode(part, add_special_tokens=False) for part in (before, after)]
    answers = [tokenizer.convert_tokens_to_ids(token) for token in ("no", "yes")]
    cases = []
    for document in texts(entry.seed + 1):
        body = f"<Instruct>: {instruction}\n<Query>: {query}\n<Document>: {document}"
        content = tokenizer.encode(body, add_special_tokens=False)
        content = content[: entry.max_length - len(around[0]) - len(around[1])]
        with torch.no_grad():
            logits = model(torch.tensor([around[0] + content + around[1]])).logits[0, -1]
        score = torch.softmax(logits[answers], -1)[1]
        cases.append({"document": document, "score": float(score), "query": query})
    return cases


def token_cases(entry: Encoder, model, tokenizer) -> list[dict]:
    cases = []
    for text in texts(entry.seed):
        # Longer texts are read in windows, of which a single reference knows nothing.
        words = text.split()
        while len(tokenizer(" ".join(words))["input_ids"]) > entry.max_length:
            words.pop()
        text = " ".join(words)
        encoded = encode(tokenizer, text, entry.max_length)
        logits = forward(entry, model, encoded).logits[0]
        cases.append({"text": text, "logits": [rounded(row) for row in logits[1:-1]]})
    return cases


def rounded(values: torch.Tensor) -> list[float]:
    return [round(float(value), 5) for value in values]


CASES = {"embed": embedding_cases, "rank": ranking_cases, "choose": choice_cases, "tag": token_cases}


def save(entry: Encoder, model, tokenizer, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = json.loads((folder / "config.json").read_text())
    for key in ("transformers_version", "_name_or_path"):
        config.pop(key, None)
    config.update(entry.config_changes)
    config = {key: value for key, value in config.items() if value is not ...}
    (folder / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    for name, value in entry.files().items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(value, indent=1) + "\n")
    if entry.dense is not None:
        from safetensors.torch import save_file

        tensors = {"linear.weight": entry.dense.weight.detach(), "linear.bias": entry.dense.bias.detach()}
        save_file(tensors, folder / "2_Dense" / "model.safetensors")
    (folder / "generation_config.json").unlink(missing_ok=True)


def make(entry: Encoder, folder: Path) -> None:
    torch.manual_seed(entry.seed)
    raw = entry.tokenizer()
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=raw)
    model = entry.model(raw.get_vocab_size())
    model.eval()
    randomise(model, entry.seed)
    entry.adjust(model)
    cases = CASES[entry.kind](entry, model, tokenizer)
    save(entry, model, raw, folder)
    golden = {"kind": entry.kind, "max_length": entry.max_length, "cases": cases}
    (folder / "golden.json").write_text(json.dumps(golden, ensure_ascii=False, separators=(",", ":")) + "\n")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{entry.name}: {size // 1024} KiB, {[len(str(case)) for case in cases]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="")
    parser.add_argument("folder", nargs="?", default="inference/tests/fixtures/encoders", type=Path)
    arguments = parser.parse_args()
    wanted = [name for name in arguments.only.split(",") if name]
    for entry in MODELS:
        if not wanted or entry.name in wanted:
            make(entry, arguments.folder / entry.name)


if __name__ == "__main__":
    main()
