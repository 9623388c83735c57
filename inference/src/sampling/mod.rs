//! From logits to the next token: parameters, penalties, the draw, and when to stop.

pub mod grammar;
mod params;
mod penalties;
mod philox;
mod sampler;
mod stop;

pub use params::SamplingParams;
pub use penalties::TokenCounts;
pub use sampler::sample;
pub use stop::{FinishReason, StopCondition};
