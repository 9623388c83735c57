//! The table of encoders. A row says what its family implies; what a checkpoint says itself is in its `config.json`.

use crate::layers::{NormKind, QkvLayout};

use super::architecture::{BiasRow, Biases, ClassifierRow, EncoderNames, EncoderRow, PositionsRow, Refused, UpNames};
use super::pooling::Pooling;

const BERT_NAMES: EncoderNames = EncoderNames {
    words: "embeddings.word_embeddings",
    token_types: "embeddings.token_type_embeddings",
    positions: "embeddings.position_embeddings",
    embedding_norm: "embeddings.LayerNorm",
    layers: "encoder.layer",
    qkv: QkvLayout::Split(["attention.self.query", "attention.self.key", "attention.self.value"]),
    attention_output: "attention.output.dense",
    attention_norm: "attention.output.LayerNorm",
    up: UpNames::Plain("intermediate.dense"),
    down: "output.dense",
    feed_forward_norm: "output.LayerNorm",
    final_norm: None,
};

const DEBERTA_NAMES: EncoderNames = EncoderNames {
    qkv: QkvLayout::Split(["attention.self.query_proj", "attention.self.key_proj", "attention.self.value_proj"]),
    ..BERT_NAMES
};

const MODERN_BERT_NAMES: EncoderNames = EncoderNames {
    words: "embeddings.tok_embeddings",
    embedding_norm: "embeddings.norm",
    layers: "layers",
    qkv: QkvLayout::Stacked("attn.Wqkv"),
    attention_output: "attn.Wo",
    attention_norm: "attn_norm",
    up: UpNames::GateFirst("mlp.Wi"),
    down: "mlp.Wo",
    feed_forward_norm: "mlp_norm",
    final_norm: Some("final_norm"),
    ..BERT_NAMES
};

/// As Nomic's own code stores them, and transformers since it knows the family.
const NOMIC_NAMES: EncoderNames = EncoderNames {
    embedding_norm: "emb_ln",
    layers: "encoder.layers",
    qkv: QkvLayout::Stacked("attn.Wqkv"),
    attention_output: "attn.out_proj",
    attention_norm: "norm1",
    up: UpNames::Gated(["mlp.fc12", "mlp.fc11"]),
    down: "mlp.fc2",
    feed_forward_norm: "norm2",
    ..BERT_NAMES
};

/// As Alibaba's own code stores them, and transformers since it knows the family.
const NEW_NAMES: EncoderNames = EncoderNames {
    qkv: QkvLayout::Stacked("attention.qkv_proj"),
    attention_output: "attention.o_proj",
    attention_norm: "attn_ln",
    up: UpNames::GateLast("mlp.up_gate_proj"),
    down: "mlp.down_proj",
    feed_forward_norm: "mlp_ln",
    ..BERT_NAMES
};

const ALL_BIASES: Biases =
    Biases { qkv: BiasRow::Always, attention_output: BiasRow::Always, up: BiasRow::Always, down: BiasRow::Always };

const ABSOLUTE_ONLY: Refused = Refused { key: "position_embedding_type", fine: &["\"absolute\""] };
const NO_DECODER: Refused = Refused { key: "is_decoder", fine: &["false"] };

const BERT: EncoderRow = EncoderRow {
    families: &["Bert"],
    prefixes: &["", "bert."],
    names: BERT_NAMES,
    positions: PositionsRow::Learned,
    biases: ALL_BIASES,
    norm: NormKind::LayerWithBias,
    pre_norm: false,
    classifier: ClassifierRow::Pooler,
    default_pooling: Pooling::Mean,
    default_epsilon: 1e-12,
    default_token_types: 2,
    default_activation: "gelu",
    default_pad_token: 0,
    refused: &[ABSOLUTE_ONLY, NO_DECODER],
};

const ROBERTA: EncoderRow = EncoderRow {
    families: &["XLMRoberta", "Roberta", "Camembert"],
    prefixes: &["", "roberta."],
    positions: PositionsRow::LearnedAfterPadding,
    classifier: ClassifierRow::Dense,
    default_pad_token: 1,
    ..BERT
};

const MODERN_BERT: EncoderRow = EncoderRow {
    families: &["ModernBert"],
    prefixes: &["", "model."],
    names: MODERN_BERT_NAMES,
    positions: PositionsRow::RotaryByLayer { global: 160_000.0, local: 10_000.0 },
    biases: Biases {
        qkv: BiasRow::Keys(&["attention_bias"]),
        attention_output: BiasRow::Keys(&["attention_bias"]),
        up: BiasRow::Keys(&["mlp_bias"]),
        down: BiasRow::Keys(&["mlp_bias"]),
    },
    norm: NormKind::Layer,
    pre_norm: true,
    classifier: ClassifierRow::NormedDense,
    default_epsilon: 1e-5,
    default_token_types: 0,
    refused: &[],
    ..BERT
};

const NOMIC: EncoderRow = EncoderRow {
    families: &["NomicBert"],
    prefixes: &["", "nomic_bert.", "bert."],
    names: NOMIC_NAMES,
    positions: PositionsRow::Rotary { theta: 1000.0 },
    biases: Biases {
        qkv: BiasRow::Keys(&["qkv_proj_bias"]),
        attention_output: BiasRow::Keys(&["qkv_proj_bias"]),
        up: BiasRow::Keys(&["mlp_fc1_bias"]),
        down: BiasRow::Keys(&["mlp_fc2_bias"]),
    },
    default_activation: "silu",
    refused: &[
        Refused { key: "prenorm", fine: &["false"] },
        Refused { key: "use_rms_norm", fine: &["false"] },
        Refused { key: "rotary_emb_fraction", fine: &["1.0", "1"] },
        Refused { key: "rotary_emb_interleaved", fine: &["false"] },
        Refused { key: "rotary_emb_scale_base", fine: &[] },
        Refused { key: "rotary_scaling_factor", fine: &["1.0", "1"] },
        Refused { key: "causal", fine: &["false"] },
        Refused { key: "parallel_block", fine: &["false"] },
        Refused { key: "num_experts", fine: &["0"] },
        Refused { key: "moe_every_n_layers", fine: &["0", "-1"] },
        Refused { key: "activation_function", fine: &["\"swiglu\""] },
    ],
    ..BERT
};

const GTE: EncoderRow = EncoderRow {
    families: &["New", "Gte"],
    prefixes: &["", "new.", "gte."],
    names: NEW_NAMES,
    positions: PositionsRow::Rotary { theta: 10_000.0 },
    biases: Biases { up: BiasRow::Never, ..ALL_BIASES },
    default_pooling: Pooling::First,
    default_token_types: 1,
    default_pad_token: 1,
    refused: &[
        Refused { key: "position_embedding_type", fine: &["\"rope\""] },
        Refused { key: "logn_attention_scale", fine: &["false"] },
        Refused { key: "layer_norm_type", fine: &["\"layer_norm\""] },
        Refused { key: "pack_qkv", fine: &["true"] },
    ],
    ..BERT
};

const DEBERTA: EncoderRow = EncoderRow {
    families: &["DebertaV2"],
    prefixes: &["", "deberta."],
    names: DEBERTA_NAMES,
    positions: PositionsRow::Disentangled,
    classifier: ClassifierRow::ContextPooler,
    default_epsilon: 1e-7,
    default_token_types: 0,
    refused: &[Refused { key: "conv_kernel_size", fine: &["0"] }],
    ..BERT
};

pub(super) const ENCODERS: [EncoderRow; 6] = [BERT, ROBERTA, MODERN_BERT, NOMIC, GTE, DEBERTA];
