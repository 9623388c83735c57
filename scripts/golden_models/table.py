"""The configurations: small, and with every knob of their family away from what does nothing.

Windows are shorter than the longest prompt, factors are not one, soft caps bite.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import transformers

SHAPE: dict[str, Any] = {
    "vocab_size": 512,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 1024,
    "bos_token_id": None,
    "eos_token_id": 2,
    "pad_token_id": None,
}
WIDE = {"head_dim": 16}
WINDOW = {"sliding_window": 20}
YARN = {
    "rope_type": "yarn",
    "rope_theta": 10000.0,
    "factor": 8.0,
    "original_max_position_embeddings": 128,
    "beta_fast": 8.0,
    "beta_slow": 0.5,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}


@dataclass
class Model:
    """One fixture: its folder, the prefix of its classes, what differs from SHAPE."""

    name: str
    family: str
    changes: dict[str, Any]
    rewrite: Callable[[dict[str, Any]], Any] | None = None
    config_class: str | None = None
    without: tuple[str, ...] = ()
    # Experts in MXFP4.
    four_bit: bool = False
    # Projections in fp8.
    float8: bool = False

    def config(self) -> transformers.PreTrainedConfig:
        shape = {key: value for key, value in SHAPE.items() if key not in self.without}
        kind = getattr(transformers, self.config_class or f"{self.family}Config")
        return kind(**(shape | self.changes))

    @property
    def model_class(self) -> type:
        return getattr(transformers, f"{self.family}ForCausalLM")


def older_keys(config: dict[str, Any]) -> None:
    """The spelling of config.json before transformers 5."""
    rope = config.pop("rope_parameters")
    config["torch_dtype"] = config.pop("dtype")
    config["rope_theta"] = rope.pop("rope_theta")
    partial = rope.pop("partial_rotary_factor", None)
    if partial is not None:
        config["partial_rotary_factor"] = partial
    if rope.get("rope_type", "default") != "default":
        config["rope_scaling"] = rope


def older_neox(config: dict[str, Any]) -> None:
    rope = config.pop("rope_parameters")
    config["rotary_emb_base"] = rope["rope_theta"]
    config["rotary_pct"] = rope["partial_rotary_factor"]


def older_gemma3(config: dict[str, Any]) -> None:
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope["full_attention"].pop("rope_theta")
    config["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
    config["rope_scaling"] = rope["full_attention"]
    config["sliding_window_pattern"] = 3
    del config["layer_types"]


DENSE = [
    Model(
        "llama-linear",
        "Llama",
        WIDE | {"rope_parameters": {"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0}},
    ),
    Model("llama-yarn", "Llama", WIDE | {"rope_parameters": YARN, "mlp_bias": True}),
    Model("llama-llama3", "Llama", WIDE | {"rope_parameters": LLAMA3, "attention_bias": True}, older_keys),
    Model("mistral", "Mistral", WIDE | WINDOW),
    Model(
        "qwen2", "Qwen2", {"use_sliding_window": True, "max_window_layers": 1} | WINDOW | {"tie_word_embeddings": True}
    ),
    Model("qwen3", "Qwen3", WIDE | {"rope_parameters": {"rope_type": "default", "rope_theta": 1e6}}),
    Model("gemma", "Gemma", WIDE),
    Model(
        "gemma2",
        "Gemma2",
        WIDE | WINDOW | {"query_pre_attn_scalar": 9, "attn_logit_softcapping": 2.0, "final_logit_softcapping": 5.0},
    ),
    Model(
        "gemma3",
        "Gemma3",
        WIDE
        | WINDOW
        | {
            "query_pre_attn_scalar": 9,
            "final_logit_softcapping": 6.0,
            "layer_types": ["sliding_attention", "sliding_attention", "full_attention"],
            "rope_parameters": {
                "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6},
                "sliding_attention": {"rope_type": "default", "rope_theta": 500.0},
            },
        },
        config_class="Gemma3TextConfig",
    ),
    Model(
        "gemma3-older",
        "Gemma3",
        WIDE
        | WINDOW
        | {
            "query_pre_attn_scalar": 9,
            "layer_types": ["sliding_attention", "sliding_attention", "full_attention"],
            "rope_parameters": {
                "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6},
                "sliding_attention": {"rope_type": "default", "rope_theta": 500.0},
            },
        },
        older_gemma3,
        config_class="Gemma3TextConfig",
    ),
    Model("phi", "Phi", {"num_attention_heads": 2, "num_key_value_heads": 1, "qk_layernorm": True}),
    # An odd head size, which no power of two divides.
    Model("phi3", "Phi3", {"hidden_size": 48, "num_attention_heads": 4, "partial_rotary_factor": 0.5} | WINDOW),
    Model(
        "phi3-longrope",
        "Phi3",
        {
            "original_max_position_embeddings": 4,
            "partial_rotary_factor": 0.75,
            "tie_word_embeddings": True,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "rope_parameters": {
                "rope_type": "longrope",
                "rope_theta": 10000.0,
                "short_factor": [1.0, 1.1, 1.2, 1.3, 1.4, 1.5],
                "long_factor": [1.0, 1.5, 2.0, 4.0, 8.0, 16.0],
            },
        },
        older_keys,
    ),
    Model(
        "phi3-short",
        "Phi3",
        {
            "original_max_position_embeddings": 256,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "tie_word_embeddings": True,
            "rope_parameters": {
                "rope_type": "longrope",
                "rope_theta": 10000.0,
                "short_factor": [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7],
                "long_factor": [1.0, 1.5, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0],
            },
        },
    ),
    Model("glm", "Glm", WIDE),
    Model("glm4", "Glm4", WIDE, older_keys),
    Model("olmo", "Olmo", {"clip_qkv": 1.5}),
    Model("olmo2", "Olmo2", {}),
    Model(
        "olmo3",
        "Olmo3",
        WINDOW
        | {
            "num_hidden_layers": 4,
            "rope_parameters": {
                "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
                "full_attention": YARN,
            },
        },
    ),
    Model(
        "granite",
        "Granite",
        {"embedding_multiplier": 3.0, "logits_scaling": 0.5, "residual_multiplier": 0.4, "attention_multiplier": 0.7},
    ),
    Model("smollm3", "SmolLM3", {"num_hidden_layers": 4, "tie_word_embeddings": True}),
    Model("starcoder2", "Starcoder2", WINDOW),
    Model(
        "stablelm",
        "StableLm",
        {"num_attention_heads": 2, "num_key_value_heads": 1, "use_qkv_bias": True, "qk_layernorm": True},
        older_keys,
    ),
    Model("stablelm-parallel", "StableLm", {"num_attention_heads": 2, "use_parallel_residual": True}),
    Model("cohere", "Cohere", {"use_qk_norm": True, "logit_scale": 0.5}),
    Model("cohere2", "Cohere2", WINDOW | {"num_hidden_layers": 4, "logit_scale": 0.5}),
    Model("gpt-neox", "GPTNeoX", {"num_attention_heads": 2}, older_neox, without=("num_key_value_heads",)),
    Model(
        "gpt-neox-sequential",
        "GPTNeoX",
        {"num_attention_heads": 2, "use_parallel_residual": False},
        without=("num_key_value_heads",),
    ),
    Model("exaone4", "Exaone4", WINDOW | {"num_hidden_layers": 4, "sliding_window_pattern": 4}),
    Model("ernie4-5", "Ernie4_5", WIDE | {"use_bias": True}),
    Model(
        "hunyuan-dense",
        "HunYuanDenseV1",
        WIDE | {"rope_parameters": {"rope_type": "dynamic", "rope_theta": 10000.0, "alpha": 50.0, "factor": 1.0}},
    ),
    Model("seed-oss", "SeedOss", WIDE | {"attention_out_bias": True}),
    Model("apertus", "Apertus", {"rope_parameters": LLAMA3}),
    Model(
        "falcon",
        "Falcon",
        {
            "num_attention_heads": 4,
            "num_kv_heads": 2,
            "new_decoder_architecture": True,
            "bias": True,
            "ffn_hidden_size": 48,
        },
        without=("num_key_value_heads", "intermediate_size"),
    ),
    Model(
        "falcon-7b",
        "Falcon",
        {"num_attention_heads": 4, "ffn_hidden_size": 48},
        without=("num_key_value_heads", "intermediate_size"),
    ),
]

FEW = {"num_hidden_layers": 2, "num_experts_per_tok": 2, "intermediate_size": 24}
MOE = [
    Model("mixtral", "Mixtral", FEW | WINDOW | {"num_local_experts": 4}),
    Model(
        "qwen2-moe",
        "Qwen2Moe",
        FEW | {"num_experts": 4, "moe_intermediate_size": 16, "shared_expert_intermediate_size": 24},
    ),
    Model(
        "qwen3-moe",
        "Qwen3Moe",
        FEW | WIDE | {"num_experts": 4, "moe_intermediate_size": 16, "norm_topk_prob": True, "mlp_only_layers": [0]},
    ),
    Model("olmoe", "Olmoe", FEW | {"num_experts": 4, "clip_qkv": 1.5}),
    Model(
        "phimoe",
        "Phimoe",
        FEW | {"num_local_experts": 4, "router_jitter_noise": 0.2, "attention_bias": True, "lm_head_bias": True},
    ),
    Model(
        "granite-moe",
        "GraniteMoe",
        FEW
        | {
            "num_local_experts": 4,
            "embedding_multiplier": 3.0,
            "logits_scaling": 0.5,
            "residual_multiplier": 0.4,
            "attention_multiplier": 0.7,
            "tie_word_embeddings": True,
        },
    ),
    Model(
        "glm4-moe",
        "Glm4Moe",
        FEW
        | WIDE
        | {
            "n_routed_experts": 8,
            "moe_intermediate_size": 16,
            "n_group": 4,
            "topk_group": 2,
            "routed_scaling_factor": 1.8,
            "use_qk_norm": True,
            "attention_bias": True,
            "partial_rotary_factor": 0.5,
        },
    ),
    Model(
        "deepseek-v2",
        "DeepseekV2",
        FEW
        | {
            "n_routed_experts": 8,
            "moe_intermediate_size": 16,
            "n_shared_experts": 2,
            "n_group": 4,
            "topk_group": 2,
            "topk_method": "group_limited_greedy",
            "routed_scaling_factor": 1.8,
            "first_k_dense_replace": 1,
            "kv_lora_rank": 16,
            "q_lora_rank": None,
            "qk_nope_head_dim": 12,
            "qk_rope_head_dim": 8,
            "v_head_dim": 10,
            "num_key_value_heads": 4,
            "rope_parameters": YARN | {"mscale": 0.7, "mscale_all_dim": 1.4},
        },
    ),
    Model(
        "deepseek-v3",
        "DeepseekV3",
        FEW
        | {
            "n_routed_experts": 8,
            "moe_intermediate_size": 16,
            "n_group": 4,
            "topk_group": 2,
            "routed_scaling_factor": 1.8,
            "first_k_dense_replace": 1,
            "kv_lora_rank": 16,
            "q_lora_rank": 24,
            "qk_nope_head_dim": 12,
            "qk_rope_head_dim": 8,
            "v_head_dim": 10,
            "num_key_value_heads": 4,
            "rope_parameters": YARN | {"mscale": 1.0, "mscale_all_dim": 1.0},
        },
    ),
    Model(
        "gpt-oss",
        "GptOss",
        FEW
        | WIDE
        | WINDOW
        | {"num_local_experts": 4, "swiglu_limit": 1.5, "rope_parameters": YARN | {"truncate": False}},
    ),
    Model(
        "gpt-oss-mxfp4",
        "GptOss",
        FEW
        | WIDE
        | WINDOW
        | {"intermediate_size": 32, "num_local_experts": 4, "rope_parameters": YARN | {"truncate": False}},
        lambda config: config.update(quantization_config={"quant_method": "mxfp4"}),
        four_bit=True,
    ),
]

FLOAT8 = [
    # Blocks of 128 that end before they are full.
    Model(
        "llama-fp8",
        "Llama",
        {"hidden_size": 136, "intermediate_size": 144, "num_hidden_layers": 2, "tie_word_embeddings": True},
        lambda config: config.update(
            quantization_config={
                "quant_method": "fp8",
                "fmt": "e4m3",
                "activation_scheme": "dynamic",
                "weight_block_size": [128, 128],
            }
        ),
        float8=True,
    ),
]

MODELS = DENSE + MOE + FLOAT8
