//! One operating-system thread per model that owns scheduler, cache and model, and the handle
//! through which requests reach it.
//!
//! A step is `schedule → execute → postprocess`; requests join and leave between steps.

mod active;
mod core;
mod error;
mod handle;
mod launch;
mod metrics;
mod prompt_lookup;
mod sequence_reader;
mod settings;
mod speculation;
mod stream;

pub use error::{EngineError, LaunchError, SubmitError};
pub use handle::{EngineHandle, EngineStats, EngineStatus, GenerationRequest};
pub use launch::{launch, start, thread_pool};
pub use metrics::{CacheLayout, EndingKind, EngineMetrics};
pub use sequence_reader::{PendingOutputs, ReaderHandle, SequenceInput, SequenceOutputs, launch_reader};
pub use settings::{EngineSettings, SettingsError};
pub use stream::{TokenEvent, TokenStream};
