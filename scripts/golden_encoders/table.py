"""The encoders that goldens are made of, with every knob away from where it does nothing."""

from dataclasses import dataclass, field
from typing import Any, Callable

import torch
import transformers as hf

from . import tokenizers_of as tokenizers

LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
MAX_POSITIONS = 96


def nothing(_: torch.nn.Module) -> None:
    pass


@dataclass
class Encoder:
    name: str
    kind: str
    tokenizer: Callable
    #: Class of model, class of configuration and its arguments.
    build: tuple[Any, Any, dict]
    pooling: tuple[str, ...] = ("mean",)
    normalise: bool = True
    modules: bool = True
    dense: torch.nn.Linear | None = None
    token_types: bool = False
    max_length: int = MAX_POSITIONS
    #: What is written over the saved configuration; `...` takes a key away.
    config_changes: dict = field(default_factory=dict)
    adjust: Callable = nothing
    seed: int = 7

    def model(self, vocab_size: int) -> torch.nn.Module:
        model, config, arguments = self.build
        return model(config(vocab_size=vocab_size, attn_implementation="eager", **arguments))

    def files(self) -> dict:
        """What sentence-transformers would write beside the model."""
        if self.kind != "embed" or not self.modules:
            return {}
        kind = "sentence_transformers.models."
        modules = [{"idx": 0, "name": "0", "path": "", "type": kind + "Transformer"}]
        modules.append({"idx": 1, "name": "1", "path": "1_Pooling", "type": kind + "Pooling"})
        modes = {"cls": "cls_token", "max": "max_tokens", "mean": "mean_tokens", "lasttoken": "lasttoken"}
        pooling = {f"pooling_mode_{key}": mode in self.pooling for mode, key in modes.items()}
        files = {"1_Pooling/config.json": {"word_embedding_dimension": 32, **pooling}}
        if self.dense is not None:
            modules.append({"idx": 2, "name": "2", "path": "2_Dense", "type": kind + "Dense"})
            files["2_Dense/config.json"] = {
                "in_features": self.dense.in_features,
                "out_features": self.dense.out_features,
                "bias": True,
                "activation_function": "torch.nn.modules.activation.Tanh",
            }
        if self.normalise:
            modules.append({"idx": 3, "name": "3", "path": "3_Normalize", "type": kind + "Normalize"})
        return {"modules.json": modules, **files}


BASE = dict(hidden_size=32, num_hidden_layers=3, num_attention_heads=4, intermediate_size=48)
BERT = dict(BASE, max_position_embeddings=MAX_POSITIONS, pad_token_id=0)
# Two positions stand before the first.
ROBERTA = dict(BASE, max_position_embeddings=MAX_POSITIONS + 2, pad_token_id=1, bos_token_id=0, eos_token_id=2)
ROBERTA["type_vocab_size"] = 1
MODERN = dict(
    BASE,
    num_hidden_layers=4,
    max_position_embeddings=MAX_POSITIONS,
    local_attention=16,
    global_attn_every_n_layers=3,
    pad_token_id=2,
    bos_token_id=0,
    eos_token_id=1,
    cls_token_id=0,
    sep_token_id=1,
)
DEBERTA = dict(
    BASE,
    max_position_embeddings=MAX_POSITIONS,
    relative_attention=True,
    position_buckets=12,
    norm_rel_ebd="layer_norm",
    share_att_key=True,
    pos_att_type=["p2c", "c2p"],
    position_biased_input=False,
    type_vocab_size=0,
    layer_norm_eps=1e-7,
    pad_token_id=0,
)
QWEN = dict(
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=16,
    intermediate_size=48,
    tie_word_embeddings=True,
)
LABELLED = dict(num_labels=len(LABELS), id2label=dict(enumerate(LABELS)), label2id={v: k for k, v in enumerate(LABELS)})
ONE = dict(num_labels=1)


def stretch(model: torch.nn.Module, theta: float = 20000.0, factor: float = 8.0) -> None:
    """Alibaba's `ntk`: the base times the factor, and each frequency over the factor to the power of 2 / dim."""
    rotary = model.rotary_emb
    dim = 2 * rotary.inv_freq.shape[0]
    base = theta * factor
    frequencies = 1.0 / base ** (torch.arange(0, dim, 2, dtype=torch.float) / dim) / factor ** (2 / dim)
    rotary.inv_freq = frequencies


def dense() -> torch.nn.Linear:
    torch.manual_seed(3)
    return torch.nn.Linear(32, 12)


MODELS = [
    Encoder(
        "bert", "embed", tokenizers.wordpiece, (hf.BertModel, hf.BertConfig, BERT), token_types=True, pooling=("cls",)
    ),
    Encoder(
        "bert-dense",
        "embed",
        tokenizers.wordpiece,
        (hf.BertModel, hf.BertConfig, dict(BERT, hidden_act="gelu_new")),
        token_types=True,
        dense=dense(),
        normalise=False,
    ),
    Encoder(
        "xlm-roberta",
        "embed",
        tokenizers.unigram_roberta,
        (hf.XLMRobertaModel, hf.XLMRobertaConfig, ROBERTA),
        pooling=("mean", "max"),
    ),
    Encoder("modernbert", "embed", tokenizers.byte_level_modern, (hf.ModernBertModel, hf.ModernBertConfig, MODERN)),
    Encoder(
        "nomic-bert",
        "embed",
        tokenizers.wordpiece,
        (hf.NomicBertModel, hf.NomicBertConfig, BERT),
        token_types=True,
        config_changes={"architectures": ["NomicBertModel"]},
    ),
    # Its author's own configuration.
    Encoder(
        "nomic-bert-own",
        "embed",
        tokenizers.wordpiece,
        (hf.NomicBertModel, hf.NomicBertConfig, BERT),
        token_types=True,
        seed=8,
        config_changes={
            **{key: ... for key in ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")},
            **{key: ... for key in ("max_position_embeddings", "layer_norm_eps", "rope_parameters", "hidden_act")},
            **dict(n_embd=32, n_layer=3, n_head=4, n_inner=48, n_positions=512, max_trained_positions=MAX_POSITIONS),
            **dict(rotary_emb_base=1000, rotary_emb_fraction=1.0, rotary_emb_interleaved=False, prenorm=False),
            **dict(qkv_proj_bias=False, mlp_fc1_bias=False, mlp_fc2_bias=False, activation_function="swiglu"),
            **dict(layer_norm_epsilon=1e-12, rotary_scaling_factor=None, use_rms_norm=False, causal=False),
        },
    ),
    Encoder(
        "gte",
        "embed",
        tokenizers.unigram_roberta,
        (hf.GteModel, hf.GteConfig, dict(BERT, pad_token_id=1)),
        modules=False,
        pooling=("cls",),
    ),
    # Its author's own configuration.
    Encoder(
        "gte-new",
        "embed",
        tokenizers.unigram_roberta,
        (hf.GteModel, hf.GteConfig, dict(BERT, pad_token_id=1)),
        modules=False,
        pooling=("cls",),
        adjust=stretch,
        seed=8,
        config_changes={
            "architectures": ["NewModel"],
            "model_type": "new",
            "rope_parameters": ...,
            "rope_theta": 20000,
            "rope_scaling": {"factor": 8.0, "type": "ntk"},
            "position_embedding_type": "rope",
            "layer_norm_type": "layer_norm",
            "pack_qkv": True,
            "logn_attention_scale": False,
        },
    ),
    Encoder(
        "qwen3-embedding",
        "embed",
        tokenizers.byte_level_qwen_embedding,
        (hf.Qwen3Model, hf.Qwen3Config, dict(QWEN, max_position_embeddings=MAX_POSITIONS)),
        pooling=("lasttoken",),
        # As the published folders do, whose tensors are nevertheless those of the bare model.
        config_changes={"architectures": ["Qwen3ForCausalLM"]},
    ),
    Encoder(
        "bert-reranker",
        "rank",
        tokenizers.wordpiece,
        (hf.BertForSequenceClassification, hf.BertConfig, dict(BERT, **ONE)),
        token_types=True,
    ),
    Encoder(
        "xlm-roberta-reranker",
        "rank",
        tokenizers.unigram_roberta,
        (hf.XLMRobertaForSequenceClassification, hf.XLMRobertaConfig, dict(ROBERTA, **ONE)),
    ),
    Encoder(
        "modernbert-reranker",
        "rank",
        tokenizers.byte_level_modern,
        (hf.ModernBertForSequenceClassification, hf.ModernBertConfig, dict(MODERN, classifier_pooling="mean", **ONE)),
    ),
    Encoder(
        "gte-reranker",
        "rank",
        tokenizers.unigram_roberta,
        (hf.GteForSequenceClassification, hf.GteConfig, dict(BERT, pad_token_id=1, **ONE)),
    ),
    Encoder(
        "qwen3-reranker",
        "choose",
        tokenizers.byte_level_qwen,
        (hf.Qwen3ForCausalLM, hf.Qwen3Config, dict(QWEN, max_position_embeddings=384)),
        max_length=384,
    ),
    Encoder(
        "bert-ner",
        "tag",
        tokenizers.wordpiece,
        (hf.BertForTokenClassification, hf.BertConfig, dict(BERT, **LABELLED)),
        token_types=True,
    ),
    Encoder(
        "xlm-roberta-ner",
        "tag",
        tokenizers.unigram_roberta,
        (hf.XLMRobertaForTokenClassification, hf.XLMRobertaConfig, dict(ROBERTA, **LABELLED)),
    ),
    Encoder(
        "deberta-v2-ner",
        "tag",
        tokenizers.unigram_deberta,
        (hf.DebertaV2ForTokenClassification, hf.DebertaV2Config, dict(DEBERTA, **LABELLED)),
    ),
    Encoder(
        "modernbert-ner",
        "tag",
        tokenizers.byte_level_modern,
        (hf.ModernBertForTokenClassification, hf.ModernBertConfig, dict(MODERN, classifier_bias=True, **LABELLED)),
    ),
]
