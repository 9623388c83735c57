//! The parts that decoders are assembled from. Activations are `f32`; weights keep their dtype.

mod attention;
mod batch;
mod cross_attention;
mod disentangled;
mod embedding;
mod latent_attention;
mod linear;
mod lora;
mod mlp;
mod moe;
mod norm;
mod packed_attention;
mod query_key_norm;
mod rope_scaling;
mod rotary;
mod routing;
mod scratch;

pub use crate::kernels::cpu::Activation;
pub use attention::{Attention, AttentionConfig, QkvLayout};
pub use batch::{AdaptedRows, BatchSequence, ForwardContext, TokenBatch};
pub use cross_attention::{CrossAttention, CrossAttentionConfig};
pub use disentangled::DisentangledConfig;
pub use embedding::Embedding;
pub use latent_attention::{LatentAttention, LatentConfig};
pub use linear::Linear;
pub use lora::{Adapter, AdapterLease, AdapterScratch, AdapterSite, LowRankPart, MAX_RANK, Projection};
pub use mlp::{Mlp, MlpConfig, UpLayout};
pub use moe::{ExpertLayout, Moe, MoeConfig, SharedExpert};
pub use norm::{Norm, NormConfig, NormKind};
pub use packed_attention::{PackedAttention, PackedAttentionConfig, PackedRows};
pub use query_key_norm::{NormSpan, QueryKeyNorm, QueryKeyNormConfig};
pub use rope_scaling::{RopeScaling, RotaryConfig};
pub use rotary::{Angles, RotaryEmbedding};
pub use routing::{ExpertGroups, RouterScore, RoutingConfig};
pub use scratch::Scratch;
