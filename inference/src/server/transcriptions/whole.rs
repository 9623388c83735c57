//! A whole answer, in any of its formats.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use shekara_protocol::error::ApiError;
use shekara_protocol::headers::INTERNAL_AUDIO_SECONDS;
use shekara_protocol::transcriptions::{
    AudioUsage, TranscriptFormat, TranscriptSegment, Transcription, VerboseTranscription, srt, vtt,
};

use crate::engine::{Segment, TranscriptionEvent};

use super::super::error::not_finished;
use super::Transcribing;

/// Waits for the end.
///
/// # Errors
/// If the model fails or is stopped before.
pub(super) async fn answer(mut transcribing: Transcribing) -> Result<Response, ApiError> {
    let mut segments = Vec::new();
    let language = loop {
        match transcribing.stream.next().await.map_err(not_finished)? {
            TranscriptionEvent::Window(more) => segments.extend(more),
            TranscriptionEvent::Finished { language } => break language,
        }
    };
    let Transcribing { model, task, format, seconds, .. } = transcribing;
    let usage = AudioUsage::new(seconds);
    let text = segments.iter().map(|segment| segment.text.as_str()).collect::<String>().trim().to_owned();
    let segments: Vec<TranscriptSegment> = segments.into_iter().enumerate().map(shown).collect();
    let mut response = match format {
        TranscriptFormat::Json => Json(Transcription { text, usage }).into_response(),
        TranscriptFormat::VerboseJson => {
            let language = model.frontend.language_name(language.as_deref());
            let duration = usage.seconds;
            let task = task.name();
            Json(VerboseTranscription { task, language, duration, text, segments, usage }).into_response()
        }
        TranscriptFormat::Text => plain(text + "\n"),
        TranscriptFormat::Srt => plain(srt(&segments)),
        TranscriptFormat::Vtt => plain(vtt(&segments)),
    };
    if let Ok(seconds) = HeaderValue::from_str(&usage.seconds.to_string()) {
        response.headers_mut().insert(HeaderName::from_static(INTERNAL_AUDIO_SECONDS), seconds);
    }
    Ok(response)
}

fn plain(text: String) -> Response {
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

fn shown((id, segment): (usize, Segment)) -> TranscriptSegment {
    TranscriptSegment {
        id,
        seek: segment.window_frame,
        start: rounded(segment.start, 100.0),
        end: rounded(segment.end, 100.0),
        text: segment.text,
        tokens: segment.tokens,
        temperature: rounded(f64::from(segment.temperature), 100.0),
        avg_logprob: rounded(f64::from(segment.avg_logprob), 1e6),
        compression_ratio: rounded(f64::from(segment.compression_ratio), 1e6),
        no_speech_prob: f64::from(segment.no_speech_prob),
    }
}

fn rounded(number: f64, steps: f64) -> f64 {
    (number * steps).round() / steps
}
