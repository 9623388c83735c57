//! What an architecture implies beside what its `config.json` says: one row of knobs.

use crate::layers::{ExpertLayout, NormKind, NormSpan, QkvLayout, UpLayout};
use crate::weights::{ConfigError, HfConfig};

/// When layers look back no further than `sliding_window` tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SlidingWindow {
    Never,
    /// In all layers, unless the key says null.
    WhereStated,
    /// If `use_sliding_window` says so, from layer `max_window_layers` on.
    WhereSwitchedOn,
    /// In all but every n-th layer; `sliding_window_pattern` may say another n.
    AllButEvery(usize),
}

/// Whether a projection has a bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bias {
    Never,
    Always,
    /// If the key says so, or else by default.
    Key(&'static str, bool),
}

impl Bias {
    pub(super) fn read(self, config: &HfConfig) -> Result<bool, ConfigError> {
        match self {
            Self::Never => Ok(false),
            Self::Always => Ok(true),
            Self::Key(key, default) => Ok(config.flag(key)?.unwrap_or(default)),
        }
    }
}

/// Names of the tensors outside attention and feed-forward.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    pub embedding: &'static str,
    pub layers: &'static str,
    pub norm: &'static str,
    pub head: &'static str,
    pub attention: &'static str,
    pub mlp: &'static str,
}

/// Where a layer's norms stand.
#[derive(Clone, Copy, Debug)]
pub struct Placement {
    /// Names of the norms before and after attention, before and after the feed-forward layer.
    pub norms: [Option<&'static str>; 4],
    /// Both parts read the layer's input; without a norm of its own the second reads the first's.
    pub parallel: bool,
}

/// What holds where a key is missing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Defaults {
    /// Else hidden size over heads.
    pub head_dim: Option<usize>,
    pub context: usize,
    pub window: Option<usize>,
    pub tied: bool,
    pub theta: f64,
    pub epsilon: f64,
    pub activation: &'static str,
    /// The part of a head that is rotated.
    pub partial_rotary: f64,
    /// Multiple of the hidden size that a feed-forward layer is wide.
    pub mlp_ratio: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct QueryKeyNormRow {
    pub span: NormSpan,
    pub kind: NormKind,
    pub names: [&'static str; 2],
    pub after_rotation: bool,
    /// A flag that switches it on.
    pub key: Option<&'static str>,
}

/// How many heads keys and values have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KvHeads {
    Stated,
    /// One, unless `multi_query` is false.
    MultiQuery,
}

/// What scores are multiplied with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScoreScale {
    /// One over the root of the head size.
    HeadDim,
    /// What the key says.
    Key(&'static str),
    /// One over the root of what the key says, or else of the number.
    InverseRoot(&'static str, u32),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct AttentionRow {
    pub layout: QkvLayout,
    pub output: &'static str,
    pub qkv_bias: Bias,
    pub output_bias: Bias,
    pub kv_heads: KvHeads,
    pub scale: ScoreScale,
    pub sinks: bool,
    /// Keys and values through a latent projection.
    pub latent: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct MlpRow {
    pub layout: UpLayout,
    pub down: &'static str,
    pub bias: Bias,
    /// `gelu` is the one by the hyperbolic tangent.
    pub gelu_is_tanh: bool,
}

/// Which layers rotate queries and keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RopeLayers {
    All,
    /// Those with a window.
    Sliding,
    /// Those with a window, and all where the model has none.
    SlidingIfAny,
    /// Those that `no_rope_layers` marks with 1, or else all but every n-th.
    Listed,
}

/// What layers with a window do differently.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum SecondRope {
    Same,
    /// A base of their own under this key, and no scaling.
    OwnBase(&'static str, f64),
    /// The same base, and no scaling.
    Unscaled,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct RopeRow {
    pub interleaved: bool,
    pub layers: RopeLayers,
    pub second: SecondRope,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScoreRow {
    Softmax,
    SoftmaxOfChosen,
    Sigmoid,
    SparseMixer,
}

/// How groups of experts are judged where a model has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GroupsRow {
    Never,
    /// By so many of their best, as `n_group` and `topk_group` say.
    ByBest(usize),
    /// By their best, if `topk_method` is `group_limited_greedy`.
    IfMethodSaysSo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SharedRow {
    Never,
    /// One expert as wide as `shared_expert_intermediate_size`, weighed by a gate.
    Gated {
        name: &'static str,
        gate: &'static str,
    },
    /// As wide as `n_shared_experts` of the others together.
    Counted(&'static str),
}

/// Which layers have experts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExpertLayers {
    All,
    /// From the layer on that `first_k_dense_replace` says, or else this one.
    From(usize),
    /// Every `decoder_sparse_step`-th but those that `mlp_only_layers` lists.
    Stepped,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct MoeRow {
    /// Name of the layer, where it stands in the place of a feed-forward layer.
    pub name: &'static str,
    pub router: (&'static str, bool),
    pub correction: Option<&'static str>,
    pub layout: ExpertLayout,
    pub up: UpLayout,
    pub down: &'static str,
    /// Key of an expert's width.
    pub width: &'static str,
    pub score: ScoreRow,
    pub renormalise: Bias,
    pub groups: GroupsRow,
    pub shared: SharedRow,
    pub layers: ExpertLayers,
    /// gpt-oss' activation.
    pub clamped: bool,
    pub default_chosen: usize,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Architecture {
    pub name: &'static str,
    /// Where one name has several rows, the first that fits is taken.
    pub fits: fn(&HfConfig) -> bool,
    /// Keys that change the computation and that this architecture understands, beside those that
    /// the other fields name.
    pub knobs: &'static [&'static str],
    pub names: Names,
    pub defaults: Defaults,
    pub norm: NormKind,
    pub placement: Placement,
    pub query_key_norm: Option<QueryKeyNormRow>,
    pub attention: AttentionRow,
    pub mlp: MlpRow,
    pub head_bias: Bias,
    pub rope: RopeRow,
    pub sliding_window: SlidingWindow,
    /// Embeddings are multiplied with the root of the hidden size.
    pub embedding_by_root: bool,
    pub moe: Option<MoeRow>,
}

impl Architecture {
    pub(super) fn knows(&self, key: &str) -> bool {
        self.knobs.contains(&key)
    }
}
