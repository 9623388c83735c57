//! The text side of models that read whole sequences: texts and pairs to tokens, and what the model says about them to
//! vectors, scores, classes and spans.

mod choice_prompt;
mod purpose;
mod ranking;
mod reader_frontend;
mod spans;
mod tagging;
mod vectors;

pub use purpose::{ReaderPurpose, ReaderSettings, ScoreFunction};
pub use ranking::PairLimits;
pub use reader_frontend::ReaderFrontend;
pub use spans::{SpanDecoder, TextSpan};
pub use tagging::TagPlan;
pub use vectors::VectorFormat;
