"""What llama.cpp's converter does to a Hugging Face checkpoint on its way into a GGUF file.

Names come from gguf-py's own map; the rest (order of rows, norms with their one, stacked experts) is
done here once more, apart from the engine that has to undo it.
"""

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

import gguf
import numpy as np
import torch

# Families whose rotation turns neighbours in llama.cpp, though Hugging Face turns halves.
PERMUTED = {"llama", "granite", "granitemoe", "smollm3", "olmo"}
NORMS_WITH_ONE = {"gemma", "gemma2", "gemma3"}
EXPERT_NAMES = {"w1": "gate_proj", "w3": "up_proj", "w2": "down_proj"}


@dataclass
class Checkpoint:
    config: dict[str, Any]
    tensors: dict[str, torch.Tensor]
    family: str
    # GGUF names of tensors that are written as they are: (bytes, type).
    raw: dict[str, tuple[np.ndarray, gguf.GGMLQuantizationType]] = field(default_factory=dict)


def permute(weights: torch.Tensor, heads: int) -> torch.Tensor:
    rows = weights.shape[0]
    pairs = weights.reshape(heads, 2, rows // heads // 2, *weights.shape[1:])
    return pairs.swapaxes(1, 2).reshape(weights.shape)


def rope(config: dict[str, Any]) -> dict[str, Any]:
    parameters = config.get("rope_parameters") or dict(config.get("rope_scaling") or {})
    parameters = parameters.get("full_attention", parameters)
    return {"rope_theta": config.get("rope_theta", 10000.0)} | parameters


def stack_experts(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """One tensor a layer and projection, as `….experts.gate_proj.weight`."""
    stacks: dict[str, dict[int, torch.Tensor]] = {}
    rest: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        match = re.fullmatch(r"(.*\.experts)\.(\d+)\.(\w+)\.weight", name)
        if match:
            projection = EXPERT_NAMES.get(match[3], match[3])
            stacks.setdefault(f"{match[1]}.{projection}.weight", {})[int(match[2])] = tensor
        else:
            rest[name] = tensor
    return rest | {name: torch.stack([stack[at] for at in sorted(stack)]) for name, stack in stacks.items()}


def mxfp4(checkpoint: Checkpoint) -> None:
    """gpt-oss: bytes pair neighbours there, and elements sixteen apart here; gates stand in even rows."""
    tensors = checkpoint.tensors
    for name in [name for name in tensors if name.endswith("_blocks")]:
        layer = int(name.split(".")[2])
        blocks, scales = tensors.pop(name), tensors.pop(name.replace("_blocks", "_scales"))
        nibbles = torch.stack([blocks & 15, blocks >> 4], dim=-1).flatten(-2)
        packed = nibbles[..., :16] | (nibbles[..., 16:] << 4)
        whole = torch.cat([scales[..., None], packed], dim=-1).flatten(-2).numpy()
        parts = {"gate": whole[:, ::2], "up": whole[:, 1::2]} if "gate_up" in name else {"down": whole}
        for part, data in parts.items():
            key = f"blk.{layer}.ffn_{part}_exps.weight"
            checkpoint.raw[key] = (np.ascontiguousarray(data), gguf.GGMLQuantizationType.MXFP4)


def split_fused(tensors: dict[str, torch.Tensor]) -> None:
    for name in list(tensors):
        if name.endswith("experts.gate_up_proj_bias"):
            both = tensors.pop(name)
            tensors[name.replace("gate_up_proj_bias", "gate_proj.bias")] = both[:, ::2]
            tensors[name.replace("gate_up_proj_bias", "up_proj.bias")] = both[:, 1::2]
        elif name.endswith("experts.down_proj_bias"):
            tensors[name.replace("down_proj_bias", "down_proj.bias")] = tensors.pop(name)
        elif name.endswith("block_sparse_moe.input_linear.weight"):
            gate, up = tensors.pop(name).chunk(2, dim=1)
            stem = name.removesuffix("input_linear.weight")
            tensors[f"{stem}experts.gate_proj.weight"], tensors[f"{stem}experts.up_proj.weight"] = gate, up
        elif name.endswith("block_sparse_moe.output_linear.weight"):
            tensors[name.replace("output_linear", "experts.down_proj")] = tensors.pop(name)
        elif match := re.fullmatch(r"(.*_layernorm)\.norms\.0\.weight", name):
            heads = [at for at in list(tensors) if re.fullmatch(re.escape(match[1]) + r"\.norms\.\d+\.weight", at)]
            heads.sort(key=lambda at: int(at.split(".")[-2]))
            tensors[f"{match[1]}.weight"] = torch.stack([tensors.pop(at) for at in heads])


def renamed(name: str) -> str:
    """gguf-py knows the experts of these families under other names."""
    name = name.replace("self_attn.sinks", "self_attn.sinks.weight")
    return name.replace("block_sparse_moe.experts.gate_proj", "mlp.experts.gate_proj").replace(
        "block_sparse_moe.experts.up_proj", "mlp.experts.up_proj").replace(
        "block_sparse_moe.experts.down_proj", "mlp.experts.down_proj")


def converted(checkpoint: Checkpoint) -> dict[str, torch.Tensor]:
    """Tensors by their GGUF names."""
    config, family = checkpoint.config, checkpoint.family
    mxfp4(checkpoint)
    split_fused(checkpoint.tensors)
    arch = next(key for key, name in gguf.MODEL_ARCH_NAMES.items() if name == family)
    names = gguf.get_tensor_name_map(arch, config["num_hidden_layers"])
    found = {}
    for name, tensor in stack_experts(checkpoint.tensors).items():
        tensor = tensor.float()
        if family in PERMUTED and ".q_proj." in name:
            tensor = permute(tensor, config["num_attention_heads"])
        if family in PERMUTED and ".k_proj." in name:
            tensor = permute(tensor, config["num_key_value_heads"])
        if family in NORMS_WITH_ONE and name.endswith("norm.weight"):
            tensor = tensor + 1
        if name.endswith("shared_expert_gate.weight"):
            tensor = tensor[0]
        theirs = names.get_name(renamed(name), try_suffixes=(".weight", ".bias"))
        assert theirs, name
        found[theirs] = tensor
    found |= rope_tensors(config)
    return found


def rope_tensors(config: dict[str, Any]) -> dict[str, torch.Tensor]:
    parameters = rope(config)
    if parameters.get("rope_type") == "longrope":
        return {f"rope_factors_{kind}.weight": torch.tensor(parameters[f"{kind}_factor"]) for kind in ("long", "short")}
    if parameters.get("rope_type") != "llama3":
        return {}
    head_dim = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    factors = []
    original = parameters["original_max_position_embeddings"]
    low, high = original / parameters["low_freq_factor"], original / parameters["high_freq_factor"]
    for at in range(0, head_dim, 2):
        wavelength = 2 * math.pi * parameters["rope_theta"] ** (at / head_dim)
        if wavelength < high:
            factors.append(1.0)
        elif wavelength > low:
            factors.append(parameters["factor"])
        else:
            smooth = (original / wavelength - parameters["low_freq_factor"]) / (
                parameters["high_freq_factor"] - parameters["low_freq_factor"]
            )
            factors.append(1 / ((1 - smooth) / parameters["factor"] + smooth))
    return {"rope_freqs.weight": torch.tensor(factors)}


def write_metadata(writer: gguf.GGUFWriter, config: dict[str, Any], family: str) -> None:
    head_dim = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    kv_heads = config.get("num_key_value_heads") or config["num_attention_heads"]
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(kv_heads)
    writer.add_key_length(head_dim)
    writer.add_value_length(head_dim)
    for key in ("rms_norm_eps",):
        if key in config:
            writer.add_layer_norm_rms_eps(config[key])
    for key in ("layer_norm_eps", "norm_epsilon"):
        if key in config:
            writer.add_layer_norm_eps(config[key])
    write_rope(writer, config, head_dim)
    write_experts(writer, config, family)
    if (config.get("sliding_window") or 0) > 0 and family != "llama":
        writer.add_sliding_window(config["sliding_window"])
        types = config.get("layer_types")
        if types and family in {"gemma3", "exaone4", "cohere2"}:
            writer.add_sliding_window_pattern([kind == "sliding_attention" for kind in types])
    optional = {
        "attn_logit_softcapping": writer.add_attn_logit_softcapping,
        "final_logit_softcapping": writer.add_final_logit_softcapping,
        "logit_scale": writer.add_logit_scale,
        "logits_scaling": writer.add_logit_scale,
        "attention_multiplier": writer.add_attention_scale,
        "embedding_multiplier": writer.add_embedding_scale,
        "residual_multiplier": writer.add_residual_scale,
        "clip_qkv": writer.add_clamp_kqv,
    }
    for key, add in optional.items():
        if config.get(key) is not None:
            add(config[key])


def write_rope(writer: gguf.GGUFWriter, config: dict[str, Any], head_dim: int) -> None:
    parameters = rope(config)
    writer.add_rope_freq_base(parameters["rope_theta"])
    sliding = (config.get("rope_parameters") or {}).get("sliding_attention")
    if sliding:
        writer.add_rope_freq_base_swa(sliding["rope_theta"])
    partial = parameters.get("partial_rotary_factor", config.get("partial_rotary_factor", 1.0))
    writer.add_rope_dimension_count(int(head_dim * partial))
    kind = parameters.get("rope_type", "default")
    if kind == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(parameters["factor"])
    if kind == "yarn":
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(parameters["factor"])
        writer.add_rope_scaling_orig_ctx_len(parameters["original_max_position_embeddings"])
        writer.add_rope_scaling_yarn_beta_fast(parameters["beta_fast"])
        writer.add_rope_scaling_yarn_beta_slow(parameters["beta_slow"])
    if kind == "longrope":
        original = parameters.get("original_max_position_embeddings") or config["original_max_position_embeddings"]
        scale = config["max_position_embeddings"] / original
        writer.add_rope_scaling_orig_ctx_len(original)
        writer.add_rope_scaling_attn_factors(math.sqrt(1 + math.log(scale) / math.log(original)))


def write_experts(writer: gguf.GGUFWriter, config: dict[str, Any], family: str) -> None:
    count = next((config[key] for key in ("num_local_experts", "num_experts") if config.get(key)), 0)
    if not count:
        return
    writer.add_expert_count(count)
    writer.add_expert_used_count(config["num_experts_per_tok"])
    if config.get("moe_intermediate_size"):
        writer.add_expert_feed_forward_length(config["moe_intermediate_size"])
    if config.get("shared_expert_intermediate_size"):
        writer.add_expert_shared_feed_forward_length(config["shared_expert_intermediate_size"])
    if family == "gpt-oss":
        writer.add_expert_feed_forward_length(config["intermediate_size"])


def write_byte_level(writer: gguf.GGUFWriter, tokenizer_json: str) -> None:
    tokenizer = json.loads(tokenizer_json)
    vocab = sorted(tokenizer["model"]["vocab"].items(), key=lambda item: item[1])
    special = {token["content"] for token in tokenizer["added_tokens"]}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([text for text, _ in vocab])
    kinds = gguf.TokenType
    writer.add_token_types([kinds.CONTROL if text in special else kinds.NORMAL for text, _ in vocab])
    merges = tokenizer["model"]["merges"]
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in merges])
    writer.add_eos_token_id(2)


def write_sentence_piece(writer: gguf.GGUFWriter, processor: Any, prefix: bool) -> None:
    pieces = range(processor.vocab_size())
    kinds = gguf.TokenType

    def kind(piece: int) -> int:
        if processor.IsUnknown(piece):
            return kinds.UNKNOWN
        if processor.IsControl(piece):
            return kinds.CONTROL
        return kinds.BYTE if processor.IsByte(piece) else kinds.NORMAL

    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([processor.IdToPiece(piece) for piece in pieces])
    writer.add_token_scores([processor.GetScore(piece) for piece in pieces])
    writer.add_token_types([kind(piece) for piece in pieces])
    writer.add_add_space_prefix(prefix)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
