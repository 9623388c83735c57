//! Which tokens run in the next step: a pure decision over sequences, budget and free blocks.
//!
//! There are no phases (after vLLM V1): every sequence has `num_computed_tokens` that catches up
//! with its tokens, be they prompt or generated. It never names a model, so its properties are
//! tested without one.

mod plan;
mod policy;
mod sequence;
mod step;
mod waiting;

pub use plan::{PlannedSequence, Progress, StepPlan};
pub use policy::{MAX_TIMES_PASSED, PrefixStats, Scheduler, SchedulerConfig};
pub use sequence::{Sequence, SequenceId};
