//! The thread of a model that writes down speech: thirty seconds at a time, several requests at once.
//!
//! A request's windows follow each other, since where one ends says where the next begins; requests take turns window by
//! window, and the text of all windows under way is decoded together. What a window becomes does not depend on its company.

mod core;
mod handle;
mod launch;
mod rules;
mod segments;
mod task;
mod window;

pub use handle::{AudioShare, TranscriberHandle};
pub use launch::{TranscriberLaunch, transcriber_places};
pub use task::{Segment, TokenText, TranscriptionEvent, TranscriptionStream, TranscriptionTask};
