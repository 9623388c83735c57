//! The parts that decoders are assembled from. Activations are `f32`; weights keep their dtype.

mod attention;
mod batch;
mod embedding;
mod linear;
mod mlp;
mod norm;
mod rotary;

pub use attention::{Attention, AttentionConfig};
pub use batch::{BatchSequence, ForwardContext, TokenBatch};
pub use embedding::Embedding;
pub use linear::Linear;
pub use mlp::Mlp;
pub use norm::RmsNorm;
pub use rotary::{Angles, RopeScaling, RotaryConfig, RotaryEmbedding};
