//! The commands beside `serve`: looking at a models directory, filling it, measuring.

mod available;
mod bench;
mod inspection;
mod list;
mod models;
mod progress;
mod pull;
mod verify;

pub use bench::BenchArgs;
pub use models::{ModelsArgs, ModelsCommand, run_models};
