//! From a file's bytes to mono samples, packet by packet, through symphonia.

use std::io::{Cursor, ErrorKind};

use symphonia::core::audio::{AudioBufferRef, SampleBuffer};
use symphonia::core::codecs::{CODEC_TYPE_NULL, CODEC_TYPE_VORBIS, Decoder, DecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::{FormatOptions, FormatReader};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::probe::Hint;
use symphonia::default::{get_codecs, get_probe};

use super::AudioError;
use super::vorbis_setup::is_bounded;

/// Takes samples of one channel with their rate.
type Sink<'a> = dyn FnMut(&[f32], u32) -> Result<(), AudioError> + 'a;

/// Hands the first track's samples to `sink`, all channels mixed into one.
///
/// # Errors
/// If the file is of no known kind, its codec is not supported, most of it cannot be decoded, or `sink` has enough.
pub(super) fn decode<B>(bytes: B, extension: Option<&str>, sink: &mut Sink<'_>) -> Result<(), AudioError>
where
    B: AsRef<[u8]> + Send + Sync + 'static,
{
    let mut hint = Hint::new();
    if let Some(extension) = extension {
        hint.with_extension(extension);
    }
    let stream = MediaSourceStream::new(Box::new(Cursor::new(bytes)), MediaSourceStreamOptions::default());
    let options = FormatOptions { enable_gapless: true, ..FormatOptions::default() };
    let probed = get_probe().format(&hint, stream, &options, &MetadataOptions::default());
    let mut format = probed.map_err(|error| unreadable(&error))?.format;
    let tracks = format.tracks();
    let track = tracks.iter().find(|track| track.codec_params.codec != CODEC_TYPE_NULL);
    // A file of a known kind without a track that a codec is known for.
    let track = track.ok_or(if tracks.is_empty() { AudioError::Empty } else { AudioError::UnsupportedCodec })?;
    let id = track.id;
    let headers = track.codec_params.extra_data.as_deref().unwrap_or_default();
    if track.codec_params.codec == CODEC_TYPE_VORBIS && !is_bounded(headers) {
        return Err(AudioError::Damaged);
    }
    let decoder = get_codecs().make(&track.codec_params, &DecoderOptions::default());
    let decoder = decoder.map_err(|_| AudioError::UnsupportedCodec)?;
    decode_track(format.as_mut(), decoder, id, sink)
}

fn decode_track(
    format: &mut dyn FormatReader,
    mut decoder: Box<dyn Decoder>,
    track: u32,
    sink: &mut Sink<'_>,
) -> Result<(), AudioError> {
    let (mut num_heard, mut num_lost) = (0_u64, 0_u64);
    let mut mono = Vec::new();
    loop {
        let packet = match format.next_packet() {
            Ok(packet) if packet.track_id() == track => packet,
            Ok(_) => continue,
            Err(Error::IoError(error)) if error.kind() == ErrorKind::UnexpectedEof => break,
            // Another sound begins: half of a file is not told as the whole.
            Err(Error::ResetRequired) => return Err(AudioError::UnsupportedCodec),
            Err(_) => {
                num_lost += 1;
                break;
            }
        };
        match decoder.decode(&packet) {
            Ok(decoded) if decoded.frames() == 0 => {}
            Ok(decoded) => {
                let hertz = decoded.spec().rate;
                mix(decoded, &mut mono)?;
                sink(&mono, hertz)?;
                num_heard += 1;
            }
            // A packet that is lost is a gap, as players hear it.
            Err(Error::DecodeError(_) | Error::IoError(_)) => num_lost += 1,
            Err(_) => return Err(AudioError::Damaged),
        }
    }
    if num_lost > num_heard { Err(AudioError::Damaged) } else { Ok(()) }
}

/// The mean of all channels.
fn mix(decoded: AudioBufferRef<'_>, mono: &mut Vec<f32>) -> Result<(), AudioError> {
    let num_channels = decoded.spec().channels.count().max(1);
    let mut samples = SampleBuffer::<f32>::new(decoded.capacity() as u64, *decoded.spec());
    samples.copy_interleaved_ref(decoded);
    mono.clear();
    let frames = samples.samples().chunks_exact(num_channels);
    mono.extend(frames.map(|frame| frame.iter().sum::<f32>() / num_channels as f32));
    // A file of floats may hold anything.
    if mono.iter().all(|sample| sample.is_finite()) { Ok(()) } else { Err(AudioError::Damaged) }
}

fn unreadable(error: &Error) -> AudioError {
    match error {
        Error::Unsupported(what) if what.contains("probe") => AudioError::UnknownKind,
        Error::Unsupported(_) => AudioError::UnsupportedCodec,
        Error::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => AudioError::UnknownKind,
        _ => AudioError::Damaged,
    }
}
