//! Models that read whole sequences: one configurable encoder with its table of families, decoders read for their
//! hidden states, and what is made of those: sentence vectors, classes of sequences and of tokens.

mod architecture;
mod architectures;
mod body;
mod causal;
mod config;
mod embeddings;
mod feed_forward;
mod head;
mod head_config;
mod pooling;
mod positions_config;
mod respelled;
mod sentence_transformers;
mod sequence_config;
mod sequence_model;

pub use body::PackedBatch;
pub use config::{EncoderConfig, is_encoder};
pub use head_config::ClassifierConfig;
pub use sentence_transformers::{EmbedderConfig, input_limits};
pub use sequence_config::{BodyConfig, OutputConfig, SequenceConfig};
pub use sequence_model::SequenceModel;
