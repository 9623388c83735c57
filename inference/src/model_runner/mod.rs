//! From a step's plan to sampled tokens: batch, forward pass, draw. Also sizes the cache.

mod memory;
mod runner;

pub use memory::{CacheBudget, CachePlan, available_bytes};
pub use runner::{MAX_LOGIT_ROWS, ModelRunner, Samplers, StepRunner};
