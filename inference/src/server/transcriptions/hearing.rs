//! From an uploaded file to what a model hears, on a thread of its own and within bounds.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use axum::body::Bytes;
use shekara_protocol::error::ApiError;
use shekara_protocol::transcriptions::TranscriptionRequest;
use tokio::sync::oneshot;

use crate::audio::{AudioError, AudioFile, Spectrogram};
use crate::catalog::ServedTranscriber;
use crate::engine::{AudioShare, SubmitError};

use super::super::body;
use super::super::error::not_taken;

/// What a file's name may end in to be of any help.
const MAX_EXTENSION_BYTES: usize = 8;

/// Why decoding was stopped before the end.
#[derive(Clone, Copy)]
enum Halt {
    TooLong,
    Full,
    /// Nobody waits for it any more.
    Abandoned,
}

/// The file of a form.
pub(super) fn upload(request: &TranscriptionRequest, body: &Bytes) -> AudioFile<Bytes> {
    let name = request.file.file_name.as_deref().unwrap_or_default();
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    let extension = extension.filter(|extension| extension.len() <= MAX_EXTENSION_BYTES);
    AudioFile { bytes: body.slice(request.file.content.clone()), extension }
}

/// Decodes a file. The request's part of the queue grows with it, so that what all files become is bounded, however small
/// they are.
///
/// # Errors
/// 400 for a file that cannot be heard or is too long, 429 where the queue is full.
pub(super) async fn hear(
    model: &Arc<ServedTranscriber>,
    file: AudioFile<Bytes>,
    mut share: AudioShare,
) -> Result<(Spectrogram, AudioShare), ApiError> {
    let turn = model.transcriber.decoding_turn().await.map_err(|_| ApiError::internal())?;
    let (waits, waiting) = oneshot::channel::<()>();
    let (num_mels, most) = (model.frontend.num_mels(), model.transcriber.max_seconds());
    let id = model.info.id.clone();
    let work = move || {
        let _turn = turn;
        let mut halt = None;
        let mut may_go_on = |seconds: usize| {
            halt = if waits.is_closed() {
                Some(Halt::Abandoned)
            } else if seconds > most {
                Some(Halt::TooLong)
            } else if !share.grow(seconds) {
                Some(Halt::Full)
            } else {
                None
            };
            halt.is_none()
        };
        let heard = catch_unwind(AssertUnwindSafe(|| file.spectrogram(num_mels, &mut may_go_on)));
        let heard = heard.unwrap_or_else(|_| {
            tracing::error!(model = id, "an audio decoder panicked");
            Err(AudioError::Damaged)
        });
        let audio = heard.map_err(|error| halt.map_or_else(|| not_heard(error), |halt| halted(halt, most)))?;
        Ok((audio, share))
    };
    let heard = body::off_thread(work).await;
    drop(waiting);
    heard
}

fn not_heard(error: AudioError) -> ApiError {
    let code = match error {
        AudioError::UnknownKind | AudioError::UnsupportedCodec | AudioError::SampleRate { .. } => "unsupported_audio",
        AudioError::Damaged | AudioError::Empty | AudioError::Halted => "invalid_audio",
    };
    let message = format!("Invalid 'file': {error}. Supported are wav, mp3, flac and ogg (Vorbis).");
    ApiError::invalid("file", message).with_code(code)
}

fn halted(halt: Halt, most: usize) -> ApiError {
    match halt {
        Halt::TooLong => {
            let message = format!("Invalid 'file': the sound is longer than {most} seconds.");
            ApiError::invalid("file", message).with_code("audio_too_long")
        }
        Halt::Full => not_taken(SubmitError::QueueFull { capacity: most }),
        Halt::Abandoned => ApiError::internal(),
    }
}
