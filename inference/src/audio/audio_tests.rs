//! Sounds against transformers' feature extractor, in every format, and files that are none.

use std::panic::catch_unwind;
use std::path::Path;

use serde_json::Value;

use super::*;

const MELS: usize = 80;

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).expect("fixture")
}

fn heard(bytes: Vec<u8>) -> Result<Spectrogram, AudioError> {
    AudioFile { bytes, extension: None }.spectrogram(MELS, &mut |_| true)
}

/// A WAV file of 16-bit samples, channels side by side.
fn wav(hertz: u32, channels: u16, samples: &[f32]) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|sample| ((sample * 32767.0) as i16).to_le_bytes()).collect();
    wav_of(1, 16, hertz, channels, &data)
}

fn wav_of(kind: u16, bits: u16, hertz: u32, channels: u16, data: &[u8]) -> Vec<u8> {
    let frame = channels * bits / 8;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + data.len() as u32).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16u32.to_le_bytes());
    bytes.extend([kind, channels].iter().flat_map(|value| value.to_le_bytes()));
    bytes.extend([hertz, hertz * u32::from(frame)].iter().flat_map(|value| value.to_le_bytes()));
    bytes.extend([frame, bits].iter().flat_map(|value| value.to_le_bytes()));
    bytes.extend(b"data");
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend(data);
    bytes
}

/// Three tones that swell, below what either rate cannot hold.
fn tones(hertz: u32, seconds: f64) -> Vec<f32> {
    let count = (f64::from(hertz) * seconds) as usize;
    let sample = |at: usize| {
        let time = at as f64 / f64::from(hertz);
        let swell = 0.2 + 0.1 * (time * 5.0).sin();
        let tone = |frequency: f64| (std::f64::consts::TAU * frequency * time).sin();
        (swell * (tone(310.0) + 0.5 * tone(1_730.0) + 0.2 * tone(5_100.0))) as f32
    };
    (0..count).map(sample).collect()
}

#[test]
fn frames_are_those_of_transformers() {
    let golden: Value = serde_json::from_slice(&fixture("speech/whisper-tiny/golden.json")).expect("JSON");
    for name in ["audio/clip.wav", "audio/clip.flac"] {
        let audio = heard(fixture(name)).expect("sound");
        assert_eq!((audio.num_frames(), audio.num_mels()), (310, MELS));
        let window = audio.window(0, 3000);
        assert_eq!(window.len(), 3000 * MELS);
        for (at, frame) in golden["frames"].as_object().expect("frames") {
            let at: usize = at.parse().expect("a number");
            for (band, expected) in frame.as_array().expect("bands").iter().enumerate() {
                let (found, expected) = (f64::from(window[at * MELS + band]), expected.as_f64().expect("a number"));
                assert!((found - expected).abs() < 1e-4, "{name} {at} {band}: {found} {expected}");
            }
        }
    }
}

#[test]
fn compressed_sound_is_nearly_the_same() {
    let plain = heard(fixture("audio/clip.wav")).expect("sound").window(0, 310);
    for name in ["audio/clip.mp3", "audio/clip.ogg"] {
        let audio = heard(fixture(name)).expect("sound");
        assert!((audio.seconds() - 3.1).abs() < 0.06, "{name}: {}", audio.seconds());
        let other = audio.window(0, 310);
        let mean = plain.iter().zip(&other).map(|(a, b)| (a - b).abs()).sum::<f32>() / plain.len() as f32;
        assert!(mean < 0.12, "{name}: {mean}");
    }
}

#[test]
fn stereo_at_another_rate_is_heard_as_mono_at_this_one() {
    let expected = heard(wav(16_000, 1, &tones(16_000, 2.0))).expect("sound").window(0, 200);
    for hertz in [44_100, 48_000] {
        // Both channels differ by what cancels out.
        let stereo: Vec<f32> = tones(hertz, 2.0).into_iter().flat_map(|sample| [sample + 0.1, sample - 0.1]).collect();
        let audio = heard(wav(hertz, 2, &stereo)).expect("sound");
        assert!((audio.seconds() - 2.0).abs() < 1e-3);
        let found = audio.window(0, 200);
        // Between the tones there is only rounding, which differs; at the ends the sound begins at once.
        let loud = expected.iter().zip(&found).skip(4 * MELS).take(192 * MELS).filter(|(expected, _)| **expected > 0.7);
        let differences: Vec<f32> = loud.map(|(expected, found)| (expected - found).abs()).collect();
        let worst = differences.iter().copied().fold(0.0, f32::max);
        assert!(differences.len() > 1_000 && worst < 0.02, "{hertz}: {} {worst}", differences.len());
    }
}

#[test]
fn what_is_no_sound_is_told_apart() {
    let clip = fixture("audio/clip.wav");
    let infinite: Vec<u8> = [1.0f32, f32::INFINITY].repeat(400).iter().flat_map(|value| value.to_le_bytes()).collect();
    for (bytes, expected) in [
        (Vec::new(), AudioError::UnknownKind),
        (b"This is a letter and no sound at all. ".repeat(100), AudioError::UnknownKind),
        (wav(16_000, 1, &[]), AudioError::Empty),
        (wav(1_000, 1, &tones(1_000, 1.0)), AudioError::SampleRate { hertz: 1_000 }),
        (wav_of(3, 32, 16_000, 1, &infinite), AudioError::Damaged),
        (wav_of(0x55, 16, 16_000, 1, &[0; 400]), AudioError::UnsupportedCodec),
        (fixture("audio/clip.opus"), AudioError::UnsupportedCodec),
        (clip[..20].to_vec(), AudioError::UnknownKind),
    ] {
        assert_eq!(heard(bytes.clone()).err(), Some(expected), "{:?}", &bytes[..bytes.len().min(40)]);
    }
    // What was cut off is heard as far as it goes.
    let half = heard(clip[..clip.len() / 2].to_vec()).expect("sound");
    assert!((half.seconds() - 1.55).abs() < 0.1);
}

#[test]
fn decoding_stops_when_it_is_told_to() {
    let file = || AudioFile { bytes: wav(16_000, 1, &tones(16_000, 5.0)), extension: None };
    let mut asked = Vec::new();
    let mut until = |second: usize| {
        asked.push(second);
        second < 3
    };
    assert_eq!(file().spectrogram(MELS, &mut until).err(), Some(AudioError::Halted));
    assert_eq!(asked, [0, 1, 2, 3]);
    assert_eq!(file().spectrogram(MELS, &mut |_| false).err(), Some(AudioError::Halted));
}

#[test]
fn files_that_are_spoilt_anywhere_never_take_more_than_themselves() {
    let mut state = 7u64;
    let mut below = |end: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % end
    };
    for name in ["audio/clip.wav", "audio/clip.mp3", "audio/clip.flac", "audio/clip.ogg"] {
        let sound = fixture(name);
        for _ in 0..40 {
            let mut bytes = sound.clone();
            // Headers are where a byte says how much is to be read.
            for _ in 0..=below(6) {
                let at = if below(2) == 0 { below(300) } else { below(bytes.len()) };
                bytes[at] = below(256) as u8;
            }
            let mut seconds = 0;
            let outcome = catch_unwind(move || {
                let mut may_go_on = |second: usize| {
                    seconds = second;
                    second < 60
                };
                AudioFile { bytes, extension: None }.spectrogram(MELS, &mut may_go_on).map(|audio| audio.seconds())
            });
            // A decoder may panic, which is caught; what it says is finite and bounded.
            if let Ok(Ok(seconds)) = outcome {
                assert!(seconds < 61.0, "{name}: {seconds}");
            }
        }
    }
}
