//! Log probabilities against transformers, and places that know nothing of each other.

use std::path::Path;

use serde_json::Value;

use super::*;
use crate::audio::AudioFile;
use crate::weights::{HfConfig, SafetensorsFolder};

fn fixtures() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn loaded(num_places: usize) -> WhisperModel {
    let folder = fixtures().join("speech/whisper-tiny");
    let hf_config = HfConfig::read(&folder.join("config.json")).expect("a configuration");
    assert!(WhisperConfig::knows(&hf_config));
    let config = WhisperConfig::read(&folder, &hf_config).expect("a Whisper");
    let weights = SafetensorsFolder::open(&folder).expect("weights");
    WhisperModel::verify(&weights, &config).expect("all tensors");
    WhisperModel::load(&weights, &config, num_places, KvDtype::F32).expect("a model")
}

fn window() -> Vec<f32> {
    let bytes = std::fs::read(fixtures().join("audio/clip.wav")).expect("fixture");
    let audio = AudioFile { bytes, extension: None }.spectrogram(80, &mut |_| true).expect("sound");
    audio.window(0, 3000)
}

fn rows(place: usize, tokens: &[u32], first_position: usize) -> DecoderRows<'_> {
    DecoderRows { place, tokens, first_position, num_logit_rows: tokens.len() }
}

#[test]
fn log_probabilities_are_those_of_transformers() {
    let golden = std::fs::read(fixtures().join("speech/whisper-tiny/golden.json")).expect("fixture");
    let golden: Value = serde_json::from_slice(&golden).expect("JSON");
    let number = |value: &Value| value.as_f64().expect("a number");
    let tokens: Vec<u32> =
        golden["forced"]["tokens"].as_array().expect("tokens").iter().map(|token| number(token) as u32).collect();
    let mut model = loaded(1);
    model.hear(0, &window());
    let logits = model.read(&[rows(0, &tokens, 0)]);
    let top = golden["forced"]["top"].as_array().expect("rows");
    let mut worst: f64 = 0.0;
    for (row, top) in logits.chunks_exact(model.config().vocab_size).zip(top) {
        let largest = row.iter().copied().fold(f32::MIN, f32::max);
        let sum: f64 = row.iter().map(|logit| f64::from(logit - largest).exp()).sum();
        for pair in top.as_array().expect("tokens") {
            let found = f64::from(row[number(&pair[0]) as usize] - largest) - sum.ln();
            worst = worst.max((found - number(&pair[1])).abs());
        }
    }
    assert_eq!(logits.len() / model.config().vocab_size, tokens.len());
    assert!(worst < 0.01, "{worst}");
}

#[test]
fn a_place_says_the_same_in_any_company_and_in_any_pieces() {
    let first = window();
    // Another sound, and a shorter one.
    let second: Vec<f32> = first.iter().rev().copied().collect();
    let short = &first[..80 * 200];
    let texts: [&[u32]; 3] = [&[291, 292, 296, 300, 40, 41, 42], &[291, 294, 295], &[291, 50, 60, 70, 80]];
    let mut together = loaded(3);
    for (place, features) in [&first[..], &second, short].into_iter().enumerate() {
        together.hear(place, features);
    }
    let all: Vec<DecoderRows<'_>> = texts.iter().enumerate().map(|(place, text)| rows(place, text, 0)).collect();
    let together = together.read(&all);
    let mut alone = Vec::new();
    for (features, text) in [&first[..], &second, short].into_iter().zip(texts) {
        let mut model = loaded(1);
        model.hear(0, features);
        for (position, token) in text.iter().enumerate() {
            alone.extend(model.read(&[rows(0, std::slice::from_ref(token), position)]));
        }
    }
    assert!(together == alone, "the bits differ");
}

#[test]
fn a_place_forgets_what_it_heard_before() {
    let features = window();
    let other: Vec<f32> = features.iter().rev().copied().collect();
    let mut model = loaded(1);
    model.hear(0, &other);
    model.read(&[rows(0, &[291, 292, 293], 0)]);
    model.hear(0, &features[..80 * 1000]);
    let again = model.read(&[rows(0, &[291, 296], 0)]);
    let mut fresh = loaded(1);
    fresh.hear(0, &features[..80 * 1000]);
    assert!(again == fresh.read(&[rows(0, &[291, 296], 0)]));
}
