//! What a family of encoders implies beside what its `config.json` says: one row of knobs.

use crate::layers::{NormKind, QkvLayout};

use super::pooling::Pooling;

/// How a feed-forward layer's first projections are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpNames {
    Plain(&'static str),
    /// What is activated, and what it gates, each in a tensor of its own.
    Gated([&'static str; 2]),
    /// Both in one tensor, what is activated first.
    GateFirst(&'static str),
    /// Both in one tensor, what is activated last.
    GateLast(&'static str),
}

/// Names of a family's tensors, those of a layer below its number.
#[derive(Clone, Copy, Debug)]
pub struct EncoderNames {
    pub words: &'static str,
    pub token_types: &'static str,
    pub positions: &'static str,
    pub embedding_norm: &'static str,
    pub layers: &'static str,
    pub qkv: QkvLayout,
    pub attention_output: &'static str,
    pub attention_norm: &'static str,
    pub up: UpNames,
    pub down: &'static str,
    pub feed_forward_norm: &'static str,
    /// Behind the last layer, where the family has one.
    pub final_norm: Option<&'static str>,
}

/// How a family knows where a token stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum PositionsRow {
    /// A table of positions, counted from zero.
    Learned,
    /// The same, counted from behind the padding token's id; padding tokens are not counted (RoBERTa).
    LearnedAfterPadding,
    /// Rotation with this base where none is stated.
    Rotary { theta: f64 },
    /// Rotation with a base for layers that see everything and one for those with a window (ModernBERT).
    RotaryByLayer { global: f64, local: f64 },
    /// Scores of distances (DeBERTa).
    Disentangled,
}

/// How a family makes one vector of a sequence before it classifies it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClassifierRow {
    /// The first token through the encoder's own pooler, with the hyperbolic tangent.
    Pooler,
    /// The first token through a dense layer of the head's (RoBERTa).
    Dense,
    /// The first token through a pooler beside the encoder, with an activation that the configuration names (DeBERTa).
    ContextPooler,
    /// The first token or the mean, through a dense layer with a norm; single tokens go through it too (ModernBERT).
    NormedDense,
}

/// Whether projections have biases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Biases {
    pub qkv: BiasRow,
    pub attention_output: BiasRow,
    pub up: BiasRow,
    pub down: BiasRow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BiasRow {
    Never,
    Always,
    /// If the first of these keys that is there says so, and not where none is.
    Keys(&'static [&'static str]),
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct EncoderRow {
    /// What its classes' names begin with, e.g. `Bert` of `BertModel`.
    pub families: &'static [&'static str],
    /// What may stand before the names of the encoder's own tensors.
    pub prefixes: &'static [&'static str],
    pub names: EncoderNames,
    pub positions: PositionsRow,
    pub biases: Biases,
    pub norm: NormKind,
    /// Norms stand before attention and feed-forward, and none before the first attention.
    pub pre_norm: bool,
    pub classifier: ClassifierRow,
    /// How a sequence becomes one vector where the folder does not say.
    pub default_pooling: Pooling,
    pub default_epsilon: f64,
    pub default_token_types: usize,
    pub default_activation: &'static str,
    pub default_pad_token: u32,
    /// Keys that would change the computation unless they have one of these values.
    pub refused: &'static [Refused],
}

/// A key that is understood only where it says what the table assumes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused {
    pub key: &'static str,
    /// The only values that are fine, as JSON; its absence always is.
    pub fine: &'static [&'static str],
}
