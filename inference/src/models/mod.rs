//! One configurable decoder, and the table from Hugging Face `architectures` to its knobs.

mod adapter;
mod adapter_config;
mod architecture;
mod architectures;
mod architectures_layer_norm;
mod architectures_moe;
mod architectures_rms_norm;
mod attention_config;
mod config;
mod decoder;
mod decoder_layer;
pub mod encoder;
mod feed_forward_config;
mod refused;
mod rope_config;
pub mod whisper;
mod windows;
mod workspace;

pub use crate::layers::{Adapter, AdapterLease};
pub use adapter::{AdapterError, AdapterPlan};
pub use adapter_config::AdapterConfig;
pub use architecture::{Names, Placement};
pub use architectures::supported as supported_architectures;
pub use config::{DecoderConfig, LayerConfig};
pub use decoder::Decoder;
pub use feed_forward_config::FeedForwardConfig;
pub use workspace::Workspace;
