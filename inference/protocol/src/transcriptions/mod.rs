//! `/v1/audio/transcriptions` and `/v1/audio/translations`: OpenAI's form, answers and events.

mod request;
mod response;
mod subtitles;

pub use request::{TranscriptFormat, TranscriptionRequest, parse_request};
pub use response::{AudioUsage, TranscriptEvent, TranscriptSegment, Transcription, VerboseTranscription};
pub use subtitles::{srt, vtt};
