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
mod model_queue;
mod monitor;
mod plan;
mod prompt_lookup;
mod self_test;
mod sequence_reader;
mod settings;
mod speculation;
mod stream;
mod transcriber;

pub use crate::models::Adapter;
pub use error::{EngineError, LaunchError, SubmitError};
pub use handle::{EngineHandle, EngineStats, EngineStatus, GenerationRequest};
pub use launch::{Launch, Lease, launch, start, thread_pool};
pub use metrics::{CacheLayout, EndingKind, EngineMetrics};
pub use monitor::EngineMonitor;
pub use plan::EnginePlan;
pub use sequence_reader::{PendingOutputs, ReaderHandle, ReaderLaunch, SequenceInput, SequenceOutputs};
pub use settings::{EngineSettings, SettingsError};
pub use stream::{TokenEvent, TokenStream};
pub use transcriber::{
    AudioShare, Segment, TokenText, TranscriberHandle, TranscriberLaunch, TranscriptionEvent, TranscriptionStream,
    TranscriptionTask, transcriber_places,
};
