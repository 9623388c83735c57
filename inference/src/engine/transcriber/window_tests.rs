//! A window's ladder of temperatures, on logits made for it.

use std::sync::Arc;

use super::*;

const VOCAB: usize = 8;
const END: u32 = 5;

/// Words 0..5, the end, silence, and the mark of no times.
fn vocabulary() -> WhisperVocabulary {
    WhisperVocabulary {
        start: 1,
        end: END,
        previous: None,
        no_speech: 6,
        no_timestamps: 7,
        tasks: None,
        languages: Vec::new(),
        suppressed: Vec::new(),
        suppressed_first: vec![END],
        max_first_timestamp: 0,
        vocab_size: VOCAB as u32,
    }
}

/// Every word is written as a letter.
fn text() -> TokenText {
    Arc::new(|tokens: &[u32]| tokens.iter().map(|token| char::from(b'a' + *token as u8)).collect())
}

/// Logits by which `token` has this probability and the others share the rest.
fn favouring(token: u32, probability: f32) -> Vec<f32> {
    let rest = (1.0 - probability) / (VOCAB - 1) as f32;
    (0..VOCAB as u32).map(|each| if each == token { probability.ln() } else { rest.ln() }).collect()
}

/// Says `words` and the end with the given probability until the window is whole; how many tokens it took.
fn run(words: &[u32], probability: f32, silence: f32, temperatures: &[f32]) -> (Said, usize) {
    let (vocabulary, text) = (vocabulary(), text());
    let rules = WindowRules { vocabulary: &vocabulary, text: &text, timestamps: false, temperatures };
    let mut window = Window::new(vec![4, 1, 2], 1, 6, 100);
    let mut steps = 0;
    loop {
        let (rows, position, wanted) = window.rows();
        let said = window.tokens.len();
        assert_eq!(position + rows.len(), 3 + said, "every position is read once");
        let next = words.get(said).copied().unwrap_or(END);
        let mut logits = favouring(next, probability);
        if wanted > 1 {
            logits = [favouring(6, silence), logits].concat();
        }
        steps += 1;
        if let Some(said) = window.say(&mut logits, &rules) {
            return (said, steps);
        }
        assert!(steps < 100, "it comes to an end");
    }
}

#[test]
fn likely_text_is_taken_at_once() {
    let (said, steps) = run(&[0, 3, 2], 0.9, 0.1, &[0.0, 0.5]);
    assert_eq!((said.tokens.as_slice(), said.temperature, steps), (&[0, 3, 2][..], 0.0, 4));
    // The first has one rival less; the end is the fourth.
    let first = 0.9_f32 / (1.0 - 0.1 / 7.0);
    assert!((said.avg_logprob - (first.ln() + 3.0 * 0.9_f32.ln()) / 4.0).abs() < 1e-5, "{}", said.avg_logprob);
    assert!((said.no_speech - 0.1).abs() < 1e-6 && !said.is_silence());
}

#[test]
fn unlikely_text_is_tried_again_unless_there_is_silence() {
    let (said, _) = run(&[0, 3, 2], 0.2, 0.1, &[0.0, 0.5, 1.0]);
    assert!((said.temperature - 1.0).abs() < 1e-6, "{said:?}");
    let (said, steps) = run(&[0, 3, 2], 0.2, 0.9, &[0.0, 0.5, 1.0]);
    assert!(said.is_silence() && steps == 4, "{said:?}");
    let (said, _) = run(&[0, 3, 2], 0.9, 0.9, &[0.0]);
    assert!(!said.is_silence(), "what is likely was said");
}

#[test]
fn a_window_that_goes_on_is_cut_and_ladders_are_the_same_each_time() {
    let (said, _) = run(&[2; 50], 0.9, 0.1, &[0.0]);
    assert_eq!(said.tokens, [2; 6]);
    let again = || run(&[0, 3, 2], 0.2, 0.1, &[0.0, 0.8]).0;
    assert_eq!(again(), again());
}

#[test]
fn repetition_shows_in_what_zlib_makes_of_it() {
    assert!(compression_ratio(&"la ".repeat(60)) > MAX_COMPRESSION);
    assert!(compression_ratio("The river bank opens at nine on weekdays.") < 1.2);
    assert!(compression_ratio("") < 0.1);
}
