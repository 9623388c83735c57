//! The rows of knobs. A new architecture is a row here and a golden, seldom code.

use crate::weights::ConfigError;

/// When layers look back no further than `sliding_window` tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SlidingWindow {
    Never,
    /// In all layers, unless the key says null.
    WhereStated,
    /// If `use_sliding_window` says so, from layer `max_window_layers` on.
    WhereSwitchedOn,
}

/// What an architecture implies beside what its `config.json` says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Architecture {
    pub name: &'static str,
    /// Each head of queries and keys is normed before rotation.
    pub head_norm: bool,
    /// Head size where `head_dim` is missing; else hidden size over heads.
    pub default_head_dim: Option<usize>,
    /// Context where `max_position_embeddings` is missing.
    pub default_context: usize,
    pub sliding_window: SlidingWindow,
}

const ARCHITECTURES: [Architecture; 3] = [
    Architecture {
        name: "LlamaForCausalLM",
        head_norm: false,
        default_head_dim: None,
        default_context: 2048,
        sliding_window: SlidingWindow::Never,
    },
    Architecture {
        name: "Qwen3ForCausalLM",
        head_norm: true,
        default_head_dim: Some(128),
        default_context: 32768,
        sliding_window: SlidingWindow::WhereSwitchedOn,
    },
    Architecture {
        name: "MistralForCausalLM",
        head_norm: false,
        default_head_dim: None,
        default_context: 131_072,
        sliding_window: SlidingWindow::WhereStated,
    },
];

/// # Errors
/// If no row has this name; the error lists those that exist.
pub(super) fn find(name: &str) -> Result<Architecture, ConfigError> {
    ARCHITECTURES.into_iter().find(|row| row.name == name).ok_or_else(|| {
        let supported = ARCHITECTURES.iter().map(|row| row.name).collect();
        ConfigError::UnknownArchitecture { found: name.to_owned(), supported }
    })
}
