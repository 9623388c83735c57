//! Measuring an engine without real weights: shapes of real models, what they need, how fast they run.

mod memory;
mod shapes;
mod throughput;

pub use memory::{MemoryNeed, available_bytes};
pub use shapes::{shape, shape_names};
pub use throughput::{BenchError, Load, Measured, measure};
