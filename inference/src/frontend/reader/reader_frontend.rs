//! A reader's tokenizer and its limits.
//!
//! A text never forges a special token: where it spells one, that reads as plain text.

use std::path::Path;

use shekara_protocol::completions::{Prompt, PromptItem};
use shekara_protocol::error::ApiError;
use tokenizers::{Encoding, PostProcessor, Tokenizer, TruncationDirection};

use crate::engine::SequenceInput;

use super::super::FrontendError;
use super::choice_prompt::ChoiceFrame;
use super::spans::SpanDecoder;
use super::{ReaderPurpose, ReaderSettings};

/// A text of so many bytes a token is looked at from its beginning before it is read as a whole.
const BYTES_PER_TOKEN: usize = 8;
/// Where a beginning is cut, its last word may become a few tokens more.
const SLACK: usize = 16;

/// Everything between texts and a reader's numbers.
pub struct ReaderFrontend {
    pub(super) tokenizer: Tokenizer,
    pub(super) settings: ReaderSettings,
    /// What the tokenizer puts before a text and behind it.
    around: [Vec<u32>; 2],
    /// Tokens that it puts around a pair and between.
    pub(super) num_pair_tokens: usize,
    pub(super) choice: Option<ChoiceFrame>,
    pub(super) spans: Option<SpanDecoder>,
}

/// How long an input may be, and what happens to a longer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LengthLimit {
    pub max_tokens: usize,
    pub cut: bool,
}

impl ReaderFrontend {
    /// Reads the tokenizer of a model's folder.
    ///
    /// # Errors
    /// If it is missing or malformed, or does not know the tokens that the model answers with.
    pub fn load(directory: &Path, settings: ReaderSettings) -> Result<Self, FrontendError> {
        let path = directory.join("tokenizer.json");
        if !path.exists() {
            return Err(FrontendError::NoTokenizer { path });
        }
        let mut tokenizer = Tokenizer::from_file(&path)
            .map_err(|error| FrontendError::BadTokenizer { path, reason: error.to_string() })?;
        // Some files carry the settings of their training.
        let _ = tokenizer.with_truncation(None);
        tokenizer.with_padding(None);
        let choice = match &settings.purpose {
            ReaderPurpose::Choose { texts } => Some(ChoiceFrame::new(&tokenizer, texts)?),
            _ => None,
        };
        let spans = match &settings.purpose {
            ReaderPurpose::Tag { labels, constrained } => Some(SpanDecoder::new(labels, *constrained)),
            _ => None,
        };
        tokenizer.set_encode_special_tokens(true);
        let around = around(&tokenizer)?;
        let num_pair_tokens = tokenizer.get_post_processor().map_or(0, |processor| processor.added_tokens(true));
        Ok(Self { tokenizer, settings, around, num_pair_tokens, choice, spans })
    }

    pub fn purpose(&self) -> &ReaderPurpose {
        &self.settings.purpose
    }

    /// The two tokens of a model that chooses between them: the one against, and the one for.
    pub fn choice_tokens(&self) -> Option<[u32; 2]> {
        self.choice.as_ref().map(|frame| frame.tokens)
    }

    /// Longest input in tokens.
    pub fn max_tokens(&self) -> usize {
        self.settings.max_tokens
    }

    /// A request's inputs as the model reads them.
    ///
    /// # Errors
    /// A 400 that names the input that is too long, or has a token that the model does not have.
    pub fn inputs(&self, input: &Prompt, truncate: Option<i64>) -> Result<Vec<SequenceInput>, ApiError> {
        let limit = self.limit(truncate)?;
        let items = input.items().into_iter().enumerate();
        items
            .map(|(index, item)| {
                let param = || input.param_in("input", index);
                match item {
                    PromptItem::Text(text) => self.text(text, limit, &param()),
                    PromptItem::Tokens(ids) => self.tokens(ids, limit, &param()),
                }
            })
            .collect()
    }

    /// # Errors
    /// A 400 if the field is neither −1 nor a number of tokens that the model takes.
    pub(super) fn limit(&self, truncate: Option<i64>) -> Result<LengthLimit, ApiError> {
        let all = self.settings.max_tokens;
        match truncate {
            None => Ok(LengthLimit { max_tokens: all, cut: false }),
            Some(-1) => Ok(LengthLimit { max_tokens: all, cut: true }),
            Some(wanted) => match usize::try_from(wanted) {
                Ok(max_tokens) if (1..=all).contains(&max_tokens) => Ok(LengthLimit { max_tokens, cut: true }),
                _ => {
                    let field = "truncate_prompt_tokens";
                    Err(ApiError::invalid(field, format!("Invalid '{field}': it must be -1 or between 1 and {all}.")))
                }
            },
        }
    }

    fn text(&self, text: &str, limit: LengthLimit, param: &str) -> Result<SequenceInput, ApiError> {
        let added = self.around[0].len() + self.around[1].len();
        let room = limit.max_tokens.saturating_sub(added);
        let encoding = self.content(text, (!limit.cut).then_some(room), param)?;
        let mut content = encoding.get_ids();
        if content.len() > room {
            if !limit.cut || room == 0 {
                return Err(too_long(limit.max_tokens, content.len() + added, param));
            }
            content = &content[..room];
        }
        let input = self.framed(content);
        if input.tokens.is_empty() {
            return Err(ApiError::invalid(param, format!("Invalid value for '{param}': it contains no text.")));
        }
        Ok(input)
    }

    fn tokens(&self, ids: &[u32], limit: LengthLimit, param: &str) -> Result<SequenceInput, ApiError> {
        if ids.iter().any(|id| *id as usize >= self.settings.vocab_size) {
            let message = format!("Invalid '{param}': expected ids of tokens that the model has.");
            return Err(ApiError::invalid(param, message));
        }
        if ids.len() > limit.max_tokens && !limit.cut {
            return Err(too_long(limit.max_tokens, ids.len(), param));
        }
        let tokens = ids[..ids.len().min(limit.max_tokens)].to_vec();
        Ok(SequenceInput { tokens, token_types: Vec::new() })
    }

    /// Tokens with what the tokenizer puts around a text.
    pub(super) fn framed(&self, content: &[u32]) -> SequenceInput {
        let [before, after] = &self.around;
        SequenceInput { tokens: [before, content, after].concat(), token_types: Vec::new() }
    }

    /// Tokens that stand before a text and behind it.
    pub(super) fn around(&self) -> [usize; 2] {
        [self.around[0].len(), self.around[1].len()]
    }

    /// A text's own tokens. One that is far beyond `max_tokens`, where there is such a bound, is not read to its end.
    ///
    /// # Errors
    /// A 400 if it is, or the tokenizer fails on it.
    pub(super) fn content(&self, text: &str, max_tokens: Option<usize>, param: &str) -> Result<Encoding, ApiError> {
        let lowered;
        let text = if self.settings.lower_case {
            lowered = text.to_lowercase();
            &lowered
        } else {
            text
        };
        let encode = |text: &str| {
            self.tokenizer.encode(text, false).map_err(|_| {
                ApiError::invalid(param, format!("Invalid value for '{param}': the model's tokenizer cannot read it."))
            })
        };
        if let Some(max_tokens) = max_tokens {
            let mut len = max_tokens.max(1).saturating_mul(BYTES_PER_TOKEN);
            while len < text.len() {
                let count = encode(text.get(..text.floor_char_boundary(len)).unwrap_or_default())?.len();
                if count > max_tokens + SLACK {
                    return Err(too_long(max_tokens, count, param));
                }
                len = len.saturating_mul(2);
            }
        }
        encode(text)
    }
}

/// Cuts an encoding to its first tokens.
pub(super) fn cut(encoding: &mut Encoding, max_tokens: usize) {
    encoding.truncate(max_tokens, 0, TruncationDirection::Right);
}

pub(super) fn too_long(max_tokens: usize, found: usize, param: &str) -> ApiError {
    let message = format!(
        "This model's maximum context length is {max_tokens} tokens, however '{param}' has {found}. Please reduce its \
         length, or set 'truncate_prompt_tokens'."
    );
    ApiError::invalid_request(message).with_param(param).with_code("context_length_exceeded")
}

/// What stands around a text's tokens, found by looking at one.
fn around(tokenizer: &Tokenizer) -> Result<[Vec<u32>; 2], FrontendError> {
    let failing = |error: tokenizers::Error| FrontendError::FailingTokenizer { reason: error.to_string() };
    let plain = tokenizer.encode("a", false).map_err(failing)?.get_ids().to_vec();
    let whole = tokenizer.encode("a", true).map_err(failing)?.get_ids().to_vec();
    if plain.is_empty() {
        return Err(FrontendError::FailingTokenizer { reason: "a letter has no tokens".to_owned() });
    }
    let at = whole.windows(plain.len()).position(|window| window == plain).ok_or_else(|| {
        FrontendError::FailingTokenizer { reason: "a text's tokens depend on what is put around them".to_owned() }
    })?;
    Ok([whole[..at].to_vec(), whole[at + plain.len()..].to_vec()])
}
