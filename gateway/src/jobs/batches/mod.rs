//! Batches: a file of requests, each answered by the pipeline as if its key had sent it (admitted, screened, routed, audited),
//! at the cheapest target that may have it. Nothing of a batch is handed to a provider but its single requests.
//!
//! Where a batch stands is in the store, and so is what came of each line: a gateway that starts goes on where the one before
//! it ended. Only what was under way in that moment is asked again.

mod ask;
mod batch;
mod feed;
mod line;
mod order;
mod output;
mod progress;
mod runner;
mod work;

pub use batch::{Batch, Counts, LineError, Status};
pub use order::{Order, cancel, create, is_input, list, show};
pub use runner::run;
