//! Answers, whole and in events.

use serde::{Deserialize, Serialize};

/// What is billed: the seconds of the sound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AudioUsage {
    /// `duration`
    #[serde(rename = "type")]
    pub kind: DurationKind,
    pub seconds: f64,
}

/// The one kind of usage that sounds have here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DurationKind {
    #[default]
    Duration,
}

impl AudioUsage {
    /// To the hundredth.
    pub fn new(seconds: f64) -> Self {
        Self { kind: DurationKind::Duration, seconds: hundredths(seconds) }
    }
}

/// A `json` answer.
#[derive(Debug, Clone, Serialize)]
pub struct Transcription {
    pub text: String,
    pub usage: AudioUsage,
}

/// A `verbose_json` answer.
#[derive(Debug, Clone, Serialize)]
pub struct VerboseTranscription {
    /// `transcribe` or `translate`.
    pub task: &'static str,
    /// By its English name.
    pub language: String,
    pub duration: f64,
    pub text: String,
    pub segments: Vec<TranscriptSegment>,
    pub usage: AudioUsage,
}

/// A stretch of speech; times in seconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TranscriptSegment {
    pub id: usize,
    /// First frame of its window, a hundred a second.
    pub seek: usize,
    pub start: f64,
    pub end: f64,
    pub text: String,
    pub tokens: Vec<u32>,
    pub temperature: f64,
    pub avg_logprob: f64,
    pub compression_ratio: f64,
    pub no_speech_prob: f64,
}

/// One event of a streamed answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type")]
pub enum TranscriptEvent {
    #[serde(rename = "transcript.text.delta")]
    Delta { delta: String },
    #[serde(rename = "transcript.text.done")]
    Done { text: String, usage: AudioUsage },
}

/// Seconds as answers show them.
pub(super) fn hundredths(seconds: f64) -> f64 {
    (seconds * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_and_events_are_openais() {
        let usage = AudioUsage::new(8.4699);
        let answer = Transcription { text: "hi".to_owned(), usage };
        let expected = json!({ "text": "hi", "usage": { "type": "duration", "seconds": 8.47 } });
        assert_eq!(serde_json::to_value(answer).unwrap(), expected);
        let delta = TranscriptEvent::Delta { delta: "h".to_owned() };
        let expected = json!({ "type": "transcript.text.delta", "delta": "h" });
        assert_eq!(serde_json::to_value(delta).unwrap(), expected);
        let done = serde_json::to_value(TranscriptEvent::Done { text: "h".to_owned(), usage }).unwrap();
        assert_eq!(
            (done["type"].as_str(), done["usage"]["seconds"].as_f64()),
            (Some("transcript.text.done"), Some(8.47))
        );
    }
}
