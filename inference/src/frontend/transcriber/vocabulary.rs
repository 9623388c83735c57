//! Which tokens steer a model: from `generation_config.json`, and where that is silent, from the tokenizer.

use std::path::Path;

use crate::models::whisper::WhisperVocabulary;
use crate::weights::{ConfigError, HfConfig};

use super::super::FrontendError;
use super::super::tokenizer::ModelTokenizer;

/// A second, the latest that OpenAI lets speech begin.
const MAX_FIRST_TIMESTAMP: usize = 50;
/// Longer ones are damage.
const MAX_SUPPRESSED: usize = 4096;

/// # Errors
/// If a file is malformed, a token that is needed is not there, or one lies outside the model's `vocab_size`.
pub(super) fn vocabulary(
    folder: &Path,
    config: &HfConfig,
    vocab_size: usize,
    tokenizer: &ModelTokenizer,
) -> Result<WhisperVocabulary, FrontendError> {
    let path = folder.join("generation_config.json");
    let generation = if path.exists() { HfConfig::read(&path)? } else { HfConfig::default() };
    let find = |names: &[&str]| names.iter().find_map(|name| tokenizer.special_id(&format!("<|{name}|>")));
    let need = |found: Option<u32>, name: &str| {
        found.ok_or_else(|| FrontendError::NoSpeechToken { token: format!("<|{name}|>") })
    };
    let stated = |key: &str| generation.token_ids(key).first().copied().or(config.token_ids(key).first().copied());
    let suppressed = |key: &str| match generation.value(key) {
        Some(_) => generation.token_ids(key),
        None => config.token_ids(key),
    };
    let no_timestamps = stated("no_timestamps_token_id").or_else(|| find(&["notimestamps"]));
    let no_timestamps = need(no_timestamps, "notimestamps")?;
    let max_first = generation.count("max_initial_timestamp_index")?.unwrap_or(MAX_FIRST_TIMESTAMP);
    let languages = languages(&generation, tokenizer, &find);
    let tasks = match (find(&["transcribe"]), find(&["translate"])) {
        (Some(transcribe), Some(translate)) if !languages.is_empty() => Some([transcribe, translate]),
        _ => None,
    };
    let end = need(find(&["endoftext"]).or_else(|| stated("eos_token_id")), "endoftext")?;
    let vocabulary = WhisperVocabulary {
        start: need(stated("decoder_start_token_id").or_else(|| find(&["startoftranscript"])), "startoftranscript")?,
        end,
        previous: find(&["startofprev"]),
        no_speech: find(&["nospeech", "nocaptions"]).unwrap_or(no_timestamps.saturating_sub(1)),
        no_timestamps,
        tasks,
        languages: if tasks.is_some() { languages } else { Vec::new() },
        suppressed: suppressed("suppress_tokens"),
        suppressed_first: suppressed("begin_suppress_tokens"),
        max_first_timestamp: max_first as u32,
        vocab_size: vocab_size as u32,
    };
    check(&vocabulary)?;
    Ok(vocabulary)
}

/// Codes and tokens of the languages that a model tells apart; one that says that it has only one has none.
fn languages(
    generation: &HfConfig,
    tokenizer: &ModelTokenizer,
    find: &dyn Fn(&[&str]) -> Option<u32>,
) -> Vec<(String, u32)> {
    if generation.flag("is_multilingual").ok().flatten() == Some(false) {
        return Vec::new();
    }
    if let Some(stated) = generation.value("lang_to_id").and_then(|value| value.as_object()) {
        let code = |text: &str| Some(text.strip_prefix("<|")?.strip_suffix("|>")?.to_owned());
        let entries = stated.iter().filter_map(|(text, id)| Some((code(text)?, u32::try_from(id.as_u64()?).ok()?)));
        return entries.collect();
    }
    // They stand between the beginning and the tasks.
    let (Some(start), Some(translate)) = (find(&["startoftranscript"]), find(&["translate"])) else {
        return Vec::new();
    };
    let code = |id: u32| {
        let text = tokenizer.token(id)?;
        Some((text.strip_prefix("<|")?.strip_suffix("|>")?.to_owned(), id))
    };
    (start + 1..translate).filter_map(code).collect()
}

/// Whether every token is one of the model's, and times are the last of them.
fn check(vocabulary: &WhisperVocabulary) -> Result<(), FrontendError> {
    let WhisperVocabulary { start, end, previous, no_speech, no_timestamps, tasks, languages, .. } = vocabulary;
    let single = [*start, *end, *no_speech, *no_timestamps];
    let steering = single.into_iter().chain(*previous).chain(tasks.iter().flatten().copied());
    let suppressed = vocabulary.suppressed.iter().chain(&vocabulary.suppressed_first).copied();
    let all = steering.chain(languages.iter().map(|(_, token)| *token)).chain(suppressed);
    let outside = all.filter(|token| *token >= vocabulary.vocab_size).max();
    let num_suppressed = vocabulary.suppressed.len() + vocabulary.suppressed_first.len();
    let wrong = |key: &str, found: String, expected| {
        Err(FrontendError::Config(ConfigError::WrongValue { key: key.to_owned(), found, expected }))
    };
    if let Some(token) = outside {
        return wrong("a token of generation_config.json", token.to_string(), "one of the vocabulary");
    }
    if num_suppressed > MAX_SUPPRESSED {
        return wrong("suppress_tokens", format!("{num_suppressed} tokens"), "a few");
    }
    if vocabulary.first_timestamp() >= vocabulary.vocab_size || *end > *no_timestamps {
        return wrong("no_timestamps_token_id", no_timestamps.to_string(), "a token between text and times");
    }
    Ok(())
}
