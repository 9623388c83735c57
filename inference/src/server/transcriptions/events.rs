//! A streamed answer: a delta for each window, then the whole text with its usage.

use std::pin::Pin;

use futures_util::stream::{Stream, unfold};
use shekara_protocol::error::ApiError;
use shekara_protocol::transcriptions::{AudioUsage, TranscriptEvent};

use crate::engine::{Segment, TranscriptionEvent};

use super::super::error::not_finished;
use super::Transcribing;

type Events = Pin<Box<dyn Stream<Item = Result<TranscriptEvent, ApiError>> + Send>>;

/// Dropping it ends the request.
pub(super) fn events(transcribing: Transcribing) -> Events {
    let begun = Progress { transcribing, text: String::new() };
    Box::pin(unfold(Some(begun), |progress| async move {
        let mut progress = progress?;
        match progress.next().await {
            Ok(event @ TranscriptEvent::Delta { .. }) => Some((Ok(event), Some(progress))),
            last => Some((last, None)),
        }
    }))
}

struct Progress {
    transcribing: Transcribing,
    /// What was said so far.
    text: String,
}

impl Progress {
    async fn next(&mut self) -> Result<TranscriptEvent, ApiError> {
        loop {
            match self.transcribing.stream.next().await.map_err(not_finished)? {
                TranscriptionEvent::Window(segments) => {
                    let delta = self.add(&segments);
                    if !delta.is_empty() {
                        return Ok(TranscriptEvent::Delta { delta });
                    }
                }
                TranscriptionEvent::Finished { .. } => {
                    let text = std::mem::take(&mut self.text).trim_end().to_owned();
                    return Ok(TranscriptEvent::Done { text, usage: AudioUsage::new(self.transcribing.seconds) });
                }
            }
        }
    }

    fn add(&mut self, segments: &[Segment]) -> String {
        let said: String = segments.iter().map(|segment| segment.text.as_str()).collect();
        let delta = if self.text.is_empty() { said.trim_start().to_owned() } else { said };
        self.text.push_str(&delta);
        delta
    }
}
