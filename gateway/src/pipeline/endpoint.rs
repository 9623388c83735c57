//! What kind of answer a request asks for, and what that means for its way.
//!
//! Vectors are kept by whoever asked for them and compared with others of the same model: a request for them is answered
//! by the one model of its alias or not at all, and nothing in it can be masked. Token ids are texts that nobody here can
//! read. Those of a model are asked for where it is, and a model outside is not asked.

use serde_json::Value;
use shekara_protocol::completions::Prompt;
use shekara_protocol::error::ApiError;
use shekara_protocol::tokenize::{parse_detokenize, parse_tokenize};
use shekara_protocol::{chat, completions, embeddings, json, rerank};

use super::admission::Wishes;
use super::form::{read_pictures, read_sound};
use super::needs::{completion_needs, needs, runs_tools_at_provider};
use super::plain_request;
use crate::billing::Usage;
use crate::providers::{DETOKENIZE, TOKENIZE};
use crate::routing::Needs;

/// An endpoint of the public API whose requests are passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    Chat,
    Completions,
    /// Of a conversation, without an answer to it.
    CountTokens,
    Embeddings,
    Rerank,
    Moderations,
    Images,
    ImageEdits,
    ImageVariations,
    Speech,
    Transcriptions,
    Translations,
    /// vLLM's: the tokens of a text or a conversation.
    Tokenize,
    /// And back.
    Detokenize,
}

/// Texts that nobody here can read.
fn is_tokens(prompt: &Prompt) -> bool {
    matches!(prompt, Prompt::Tokens(_) | Prompt::TokenLists(_))
}

/// vLLM's server may have one model alone, a gateway has many.
fn named(model: Option<String>) -> Result<String, ApiError> {
    model.filter(|model| !model.is_empty()).ok_or_else(|| ApiError::missing("model"))
}

/// What the gateway itself has to know of a request's body.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) model: String,
    pub(super) wishes: Wishes,
    /// The body holds text in a form that is not read here.
    pub(super) is_unreadable: bool,
    pub(super) needs: Needs,
    /// The request's own name for who asks.
    pub(super) user: Option<String>,
    /// The provider is asked to run tools itself.
    pub(super) runs_tools_at_provider: bool,
}

impl Reading {
    /// Of a request that needs nothing special.
    pub(super) fn plain(model: String, wishes: Wishes) -> Self {
        let (needs, user) = (Needs::default(), None);
        Self { model, wishes, is_unreadable: false, needs, user, runs_tools_at_provider: false }
    }
}

impl Endpoint {
    /// Where it lies below a provider's base URL.
    pub fn path(self) -> &'static str {
        match self {
            Self::Chat => "/chat/completions",
            Self::Completions => "/completions",
            Self::CountTokens => "/messages/count_tokens",
            Self::Embeddings => "/embeddings",
            Self::Rerank => "/rerank",
            Self::Moderations => "/moderations",
            Self::Images => "/images/generations",
            Self::ImageEdits => "/images/edits",
            Self::ImageVariations => "/images/variations",
            Self::Speech => "/audio/speech",
            Self::Transcriptions => "/audio/transcriptions",
            Self::Translations => "/audio/translations",
            Self::Tokenize => TOKENIZE,
            Self::Detokenize => DETOKENIZE,
        }
    }

    /// What a whole answer says that it used.
    pub(super) fn usage(self, answer: &Value) -> Option<Usage> {
        match self {
            Self::Images | Self::ImageEdits | Self::ImageVariations => Usage::read_images(answer),
            Self::Rerank => Usage::read_rerank(answer),
            _ => Usage::read_tokens(&answer["usage"]),
        }
    }

    /// Whether requests are turns of a conversation: remembered, masked and looked at on the way back.
    pub fn is_conversation(self) -> bool {
        matches!(self, Self::Chat | Self::Completions)
    }

    /// Whether requests are about a model's tokens: they never leave, whatever they hold, so that nobody has to look.
    pub(super) fn is_about_tokens(self) -> bool {
        matches!(self, Self::Tokenize | Self::Detokenize)
    }

    /// Whether requests are forms with a sound.
    pub(super) fn hears(self) -> bool {
        matches!(self, Self::Transcriptions | Self::Translations)
    }

    /// # Errors
    /// 400 for a malformed body, naming the field.
    pub(super) fn read(self, body: &[u8]) -> Result<Reading, ApiError> {
        let without_stream = Wishes { stream: false, include_usage: false, is_structured: false, is_text: false };
        match self {
            Self::Chat => {
                let request = chat::parse_request(body)?;
                let include_usage = request.stream_options.and_then(|options| options.include_usage).unwrap_or(false);
                let format = request.response_format.as_ref().and_then(|format| format.get("type")?.as_str());
                let is_structured = format.is_some_and(|format| format != "text");
                let stream = request.stream.unwrap_or(false);
                let wishes = Wishes { stream, include_usage, is_structured, is_text: false };
                let (needs, runs_tools_at_provider) = (needs(&request), runs_tools_at_provider(&request, body));
                let user = request.user;
                Ok(Reading { needs, user, runs_tools_at_provider, ..Reading::plain(request.model, wishes) })
            }
            Self::Completions => {
                let request = completions::parse_request(body)?;
                let include_usage = request.stream_options.and_then(|options| options.include_usage).unwrap_or(false);
                let stream = request.stream.unwrap_or(false);
                let wishes = Wishes { stream, include_usage, ..without_stream };
                let is_unreadable = is_tokens(&request.prompt);
                let needs = completion_needs(&request);
                Ok(Reading { needs, is_unreadable, user: request.user, ..Reading::plain(request.model, wishes) })
            }
            Self::CountTokens => {
                let request = chat::parse_request(body)?;
                Ok(Reading {
                    needs: needs(&request),
                    user: request.user.clone(),
                    ..Reading::plain(request.model, without_stream)
                })
            }
            Self::Embeddings => {
                let request = embeddings::parse_request(body)?;
                let is_unreadable = is_tokens(&request.input);
                Ok(Reading { is_unreadable, ..Reading::plain(request.model, without_stream) })
            }
            Self::Rerank => {
                let request = rerank::parse_request(body)?;
                Ok(Reading::plain(request.model, without_stream))
            }
            Self::Moderations | Self::Speech => plain_request::read(body, "input"),
            Self::Images => plain_request::read(body, "prompt"),
            Self::ImageEdits => read_pictures(body, Some("prompt")),
            Self::ImageVariations => read_pictures(body, None),
            Self::Transcriptions | Self::Translations => read_sound(body),
            Self::Tokenize => {
                json::walk(body, |_, _| {})?;
                let request = parse_tokenize(body)?;
                request.input()?;
                Ok(Reading::plain(named(request.model)?, without_stream))
            }
            Self::Detokenize => {
                json::walk(body, |_, _| {})?;
                Ok(Reading::plain(named(parse_detokenize(body)?.model)?, without_stream))
            }
        }
    }

    /// Whether a whole answer of vectors, ranks or counts says anything.
    pub(super) fn is_answer(self, answer: &Value) -> bool {
        let list = match self {
            Self::Chat | Self::Completions => "choices",
            Self::CountTokens => return answer["input_tokens"].is_u64(),
            Self::Embeddings | Self::Images | Self::ImageEdits | Self::ImageVariations => "data",
            Self::Rerank | Self::Moderations => "results",
            Self::Tokenize => return answer["tokens"].is_array(),
            Self::Detokenize => return answer["prompt"].is_string(),
            // These are read elsewhere.
            Self::Speech | Self::Transcriptions | Self::Translations => return false,
        };
        answer[list].as_array().is_some_and(|list| !list.is_empty())
    }
}
