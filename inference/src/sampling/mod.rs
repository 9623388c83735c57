//! From logits to the next token: parameters, penalties, grammar, the draw, and when to stop.

pub mod grammar;
mod logprobs;
mod params;
mod penalties;
mod philox;
mod sampler;
mod sequence_sampler;
mod stop;

pub use logprobs::TokenLogprobs;
pub use params::SamplingParams;
pub use penalties::TokenCounts;
pub use sampler::draw;
pub use sequence_sampler::{Draw, SampledToken, SequenceSampler};
pub use stop::{FinishReason, StopCondition};
