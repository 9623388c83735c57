//! Which files of a repository a model needs.

use super::{FileName, PullError, RemoteFile};

pub(super) const WEIGHT_INDEX: &str = "model.safetensors.index.json";
const WEIGHTS: &str = "model.safetensors";

/// What is read beside weights. Nothing among it can hold code.
const SMALL: [&str; 22] = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "sentencepiece.bpe.model",
    "spiece.model",
    "spm.model",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
    "preprocessor_config.json",
    "processor_config.json",
    "normalizer.json",
    "modules.json",
    "config_sentence_transformers.json",
    "sentence_bert_config.json",
    WEIGHT_INDEX,
];

/// Files to fetch, the weights' index first where there is one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Selection {
    pub files: Vec<RemoteFile>,
    /// The shards are those that the index names.
    pub has_index: bool,
}

impl Selection {
    /// `pattern` chooses one `.gguf`; without one, safetensors are preferred.
    ///
    /// # Errors
    /// If there are no weights, or it is not clear which.
    pub(super) fn of(files: &[RemoteFile], pattern: Option<&str>) -> Result<Self, PullError> {
        let mut files = files.to_vec();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        files.dedup_by(|a, b| a.name == b.name);
        let root = |file: &&RemoteFile| file.name.split().0.is_none();
        let tensors: Vec<&RemoteFile> =
            files.iter().filter(root).filter(|file| file.name.as_str().ends_with(".safetensors")).collect();
        let gguf: Vec<&RemoteFile> = files.iter().filter(root).filter(|file| is_gguf(&file.name)).collect();
        let has_index = files.iter().any(|file| file.name.as_str() == WEIGHT_INDEX);
        if pattern.is_some() || (tensors.is_empty() && !has_index && !gguf.is_empty()) {
            let chosen = choose_gguf(&gguf, pattern)?;
            return Ok(Self { files: vec![chosen.clone()], has_index: false });
        }
        let mut chosen: Vec<RemoteFile> = files.iter().filter(|file| is_small(&file.name)).cloned().collect();
        chosen.sort_by_key(|file| file.name.as_str() != WEIGHT_INDEX);
        if !has_index {
            let whole = tensors.iter().find(|file| file.name.as_str() == WEIGHTS);
            // Mistral ships the same weights once more, in another layout.
            let others = tensors.iter().filter(|file| {
                let name = file.name.as_str();
                !name.starts_with("consolidated") && !name.starts_with("adapter_")
            });
            let weights: Vec<&RemoteFile> = whole.map_or_else(|| others.copied().collect(), |whole| vec![*whole]);
            if weights.is_empty() {
                return Err(PullError::NoWeights);
            }
            chosen.extend(weights.into_iter().cloned());
        }
        Ok(Self { files: chosen, has_index })
    }
}

/// The shards that an index names, as far as the repository has them.
///
/// # Errors
/// If the index is malformed, leads elsewhere or names what is not there.
pub(super) fn shards(index: &[u8], files: &[RemoteFile]) -> Result<Vec<RemoteFile>, PullError> {
    let bad = |reason: String| PullError::BadIndex { reason };
    let value: serde_json::Value = serde_json::from_slice(index).map_err(|error| bad(error.to_string()))?;
    let map = value["weight_map"].as_object().ok_or_else(|| bad("weight_map is missing".to_owned()))?;
    let mut names = std::collections::BTreeSet::new();
    for name in map.values() {
        let name = name.as_str().ok_or_else(|| bad("a file name is not a string".to_owned()))?;
        let plain = FileName::parse(name).is_ok_and(|name| name.split().0.is_none());
        if !plain || !name.ends_with(".safetensors") {
            return Err(bad(format!("{name:?} is no safetensors file of its own folder")));
        }
        names.insert(name);
    }
    let find = |name: &str| {
        let found = files.iter().find(|file| file.name.as_str() == name);
        found.cloned().ok_or_else(|| bad(format!("{name}, which it names, is not in the repository")))
    };
    let shards: Vec<RemoteFile> = names.into_iter().map(find).collect::<Result<_, _>>()?;
    if shards.is_empty() { Err(PullError::NoWeights) } else { Ok(shards) }
}

fn is_small(name: &FileName) -> bool {
    match name.split() {
        (None, name) => SMALL.contains(&name),
        // A module of sentence-transformers: `1_Pooling`, `2_Dense`.
        (Some(folder), name) => {
            let is_module = folder.split_once('_').is_some_and(|(number, kind)| {
                !number.is_empty()
                    && number.bytes().all(|byte| byte.is_ascii_digit())
                    && !kind.is_empty()
                    && kind.bytes().all(|byte| byte.is_ascii_alphanumeric())
            });
            is_module && matches!(name, "config.json" | WEIGHTS)
        }
    }
}

/// Projectors of pictures are no models of their own.
fn is_gguf(name: &FileName) -> bool {
    let lower = name.as_str().to_ascii_lowercase();
    lower.strip_suffix(".gguf").is_some_and(|stem| !stem.starts_with("mmproj"))
}

fn choose_gguf<'a>(files: &[&'a RemoteFile], pattern: Option<&str>) -> Result<&'a RemoteFile, PullError> {
    let names =
        |files: &[&RemoteFile]| files.iter().take(40).map(|file| file.name.as_str().to_owned()).collect::<Vec<_>>();
    let fits = |file: &&&RemoteFile| pattern.is_none_or(|pattern| matches_file(pattern, file.name.as_str()));
    let mut chosen: Vec<&RemoteFile> = files.iter().filter(fits).copied().collect();
    // An exact name is that file, whatever else contains it.
    if let Some(exact) = chosen.iter().find(|file| Some(file.name.as_str()) == pattern) {
        chosen = vec![*exact];
    }
    match chosen[..] {
        [file] if is_split(file.name.as_str()) => Err(PullError::SplitFile { name: file.name.to_string() }),
        [file] => Ok(file),
        [] if files.is_empty() => Err(PullError::NoGguf),
        [] => Err(PullError::NoSuchFile { pattern: pattern.unwrap_or_default().to_owned(), files: names(files) }),
        _ if chosen.iter().all(|file| is_split(file.name.as_str())) => {
            Err(PullError::SplitFile { name: chosen[0].name.to_string() })
        }
        _ => Err(PullError::SeveralFiles { files: names(&chosen) }),
    }
}

/// `…-00001-of-00003.gguf`
fn is_split(name: &str) -> bool {
    let stem = name.strip_suffix(".gguf").unwrap_or(name);
    let number = |text: &str| text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some((rest, count)) = stem.rsplit_once("-of-") else { return false };
    number(count) && rest.rsplit_once('-').is_some_and(|(_, index)| number(index))
}

/// With `*` and `?`, a pattern of the whole name; else a part of it that ends where words do, so
/// that `Q4_K` is not `Q4_K_M`. Case counts in neither.
fn matches_file(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_ascii_lowercase(), name.to_ascii_lowercase());
    if pattern.contains(['*', '?']) {
        return matches_glob(pattern.as_bytes(), name.as_bytes());
    }
    let joins = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let bytes = name.as_bytes();
    !pattern.is_empty()
        && name.match_indices(&pattern).any(|(at, _)| {
            let before = at.checked_sub(1).is_none_or(|before| !joins(bytes[before]));
            let after = bytes.get(at + pattern.len()).is_none_or(|after| !joins(*after));
            before && after
        })
}

/// In linear space and at most quadratic time.
fn matches_glob(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut read, mut star) = (0, 0, None);
    while read < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(byte) if *byte == b'?' || *byte == name[read] => {
                at += 1;
                read += 1;
            }
            _ => match star {
                Some((place, from)) => {
                    star = Some((place, from + 1));
                    at = place + 1;
                    read = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
#[path = "selection_tests.rs"]
mod tests;
