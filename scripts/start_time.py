#!/usr/bin/env python3
"""From the start of the engine to its first token, and the memory that it takes, on a checkpoint of a given shape.

    cargo build --release -p shekara-inference
    scripts/start_time.py target/release/shekara-inference

Writes a bf16 checkpoint of Qwen3-0.6B's shape (1.2 GB, random weights from a fixed seed, the demo model's tokenizer)
into --models-dir unless it is there, so that it lies in the page cache, then starts the engine --runs times. Needs
nothing but Python. Linux only: the memory is what /proc says.
"""

import argparse
import json
import os
import random
import shutil
import struct
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAME = "qwen3-0.6b-shape"
SHAPE = {
    "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "hidden_size": 1024, "intermediate_size": 3072,
    "num_hidden_layers": 28, "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128,
    "vocab_size": 151936, "max_position_embeddings": 40960, "rms_norm_eps": 1e-6, "rope_theta": 1000000.0,
    "tie_word_embeddings": True, "hidden_act": "silu", "torch_dtype": "bfloat16", "eos_token_id": 151645,
}
PATTERN_VALUES = 1 << 20


def tensors():
    """Names and shapes, in the order of the file."""
    hidden, width, head = SHAPE["hidden_size"], SHAPE["intermediate_size"], SHAPE["head_dim"]
    queries, keys = SHAPE["num_attention_heads"] * head, SHAPE["num_key_value_heads"] * head
    yield "model.embed_tokens.weight", [SHAPE["vocab_size"], hidden]
    for layer in range(SHAPE["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        for name, shape in [
            ("input_layernorm", [hidden]), ("post_attention_layernorm", [hidden]),
            ("self_attn.q_proj", [queries, hidden]), ("self_attn.k_proj", [keys, hidden]),
            ("self_attn.v_proj", [keys, hidden]), ("self_attn.o_proj", [hidden, queries]),
            ("self_attn.q_norm", [head]), ("self_attn.k_norm", [head]),
            ("mlp.gate_proj", [width, hidden]), ("mlp.up_proj", [width, hidden]), ("mlp.down_proj", [hidden, width]),
        ]:
            yield f"{at}{name}.weight", shape
    yield "model.norm.weight", [hidden]


def write_checkpoint(folder):
    folder.mkdir(parents=True)
    numbers = random.Random(7)
    # The upper halves of floats around zero are bf16.
    pattern = b"".join(struct.pack("<f", numbers.gauss(0, 0.02))[2:] for _ in range(PATTERN_VALUES))
    header, end = {}, 0
    for name, shape in tensors():
        size = 2
        for length in shape:
            size *= length
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(folder / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        left = end
        while left:
            # From another place each time, so that no two tensors are alike.
            start = 2 * numbers.randrange(PATTERN_VALUES)
            left -= file.write(pattern[start:start + left])
    (folder / "config.json").write_text(json.dumps(SHAPE))
    for name in ["tokenizer.json", "tokenizer_config.json"]:
        shutil.copy(ROOT / "models/demo" / name, folder / name)


def process_bytes(pid, key):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024
    return 0


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ask(port):
    body = {"model": NAME, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 1, "temperature": 0}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/chat/completions", json.dumps(body).encode(),
                                     {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["usage"]["completion_tokens"] == 1


def measure(arguments):
    command = [arguments.binary, "serve", "--models-dir", arguments.models_dir, "--listen",
               f"127.0.0.1:{arguments.port}"] + arguments.options
    begun = time.monotonic()
    process = subprocess.Popen(command, env={**os.environ, "RUST_LOG": "warn"})
    try:
        while process.poll() is None:
            try:
                if ask(arguments.port):
                    break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.01)
        took, cpu = time.monotonic() - begun, cpu_seconds(process.pid)
        with urllib.request.urlopen(f"http://127.0.0.1:{arguments.port}/admin/v1/models") as answer:
            model = json.load(answer)["data"][0]
        planned = model["weight_bytes"] + model["cache_bytes"]
        peak, now = process_bytes(process.pid, "VmHWM"), process_bytes(process.pid, "VmRSS")
        print(f"first token after {took:.2f} s ({cpu:.2f} s of all cores' time); weights {model['weight_bytes'] / 1e9:.3f} GB, cache "
              f"{model['cache_bytes'] / 1e9:.3f} GB; resident {now / 1e9:.3f} GB, at most {peak / 1e9:.3f} GB: "
              f"{peak / planned:.2f} of weights and cache, {peak / model['weight_bytes']:.2f} of weights")
    finally:
        process.terminate()
        process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--models-dir", default="/tmp/shekara-start")
    parser.add_argument("--port", type=int, default=18081)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("options", nargs="*", help="more options of serve, after --")
    arguments = parser.parse_args()
    folder = Path(arguments.models_dir) / NAME
    if not folder.exists():
        write_checkpoint(folder)
    with open(folder / "model.safetensors", "rb", buffering=0) as file:
        while file.read(1 << 24):
            pass
    for _ in range(arguments.runs):
        measure(arguments)


main()
