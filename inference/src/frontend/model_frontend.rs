//! The text side of one model: its tokenizer, template and defaults.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use shekara_protocol::chat::ChatRequest;
use shekara_protocol::error::ApiError;

use crate::engine::{GenerationRequest, TokenStream};
use crate::sampling::StopCondition;
use crate::weights::HfConfig;

use super::chat_template::ChatTemplate;
use super::messages::{literal_value, template_messages};
use super::tokenizer::ModelTokenizer;
use super::valid_request::{GenerationDefaults, ValidRequest};
use super::{FrontendError, TemplateError, TextStream};

/// Everything between a chat request and the engine's tokens.
pub struct ModelFrontend {
    tokenizer: Arc<ModelTokenizer>,
    template: ChatTemplate,
    defaults: GenerationDefaults,
    eos_token_ids: Vec<u32>,
}

/// A request ready for the engine, and what its answer will need.
#[derive(Clone, Debug)]
pub struct PreparedRequest {
    pub generation: GenerationRequest,
    pub stop_strings: Vec<String>,
    pub stream: bool,
    pub include_usage: bool,
}

impl ModelFrontend {
    /// Reads tokenizer, template and generation settings from a model's folder.
    ///
    /// # Errors
    /// If one of them is missing, malformed or no use for a plain message.
    pub fn load(directory: &Path, config: &HfConfig, default_max_tokens: usize) -> Result<Self, FrontendError> {
        let path = directory.join("generation_config.json");
        let generation = if path.exists() { HfConfig::read(&path)? } else { HfConfig::default() };
        let mut eos_token_ids = generation.token_ids("eos_token_id");
        eos_token_ids.extend(config.token_ids("eos_token_id"));
        eos_token_ids.sort_unstable();
        eos_token_ids.dedup();
        let frontend = Self {
            tokenizer: Arc::new(ModelTokenizer::load(directory)?),
            template: ChatTemplate::load(directory, Timestamp::now)?,
            defaults: GenerationDefaults::read(&generation, default_max_tokens)?,
            eos_token_ids,
        };
        frontend.check_plain_message()?;
        Ok(frontend)
    }

    /// A template that parses may still fail on whatever it is given; better now than per request.
    fn check_plain_message(&self) -> Result<(), FrontendError> {
        let text = self.template.render_plain()?;
        let failing = |error: tokenizers::Error| FrontendError::FailingTokenizer { reason: error.to_string() };
        let tokens = self.tokenizer.encode(&text).map_err(failing)?;
        if tokens.is_empty() { Err(FrontendError::EmptyTemplate) } else { Ok(()) }
    }

    /// Checks a request, renders and tokenises its messages, and fits the answer's length into a
    /// context of `max_context` tokens. `random_seed` is used when the request brings no seed.
    ///
    /// # Errors
    /// A 400 that names the field at fault.
    pub fn prepare(
        &self,
        request: &ChatRequest,
        max_context: usize,
        random_seed: u64,
    ) -> Result<PreparedRequest, ApiError> {
        let valid = ValidRequest::check(request, &self.defaults, random_seed)?;
        let prompt = self.prompt(request, valid.tools.as_deref())?;
        if prompt.len() >= max_context {
            return Err(ApiError::context_length_exceeded(max_context, prompt.len()));
        }
        let mut token_ids = valid.stop_token_ids;
        if !valid.ignore_eos {
            token_ids.extend_from_slice(&self.eos_token_ids);
        }
        let max_tokens = valid.max_tokens.min(max_context - prompt.len());
        let stop = StopCondition { token_ids, max_tokens };
        Ok(PreparedRequest {
            generation: GenerationRequest { prompt, sampling: valid.sampling, stop },
            stop_strings: valid.stop,
            stream: valid.stream,
            include_usage: valid.include_usage,
        })
    }

    /// The text of an answer, as its tokens come.
    pub fn text_stream(&self, prepared: &PreparedRequest, tokens: TokenStream) -> TextStream {
        let stop_token_ids = prepared.generation.stop.token_ids.clone();
        TextStream::new(self.tokenizer.clone(), tokens, prepared.stop_strings.clone(), stop_token_ids)
    }

    fn prompt(&self, request: &ChatRequest, tools: Option<&[Value]>) -> Result<Vec<u32>, ApiError> {
        let literal = |text: &str| self.tokenizer.literal(text);
        let messages = template_messages(&request.messages, &literal)?;
        let tools = tools.map(|tools| literal_value(&json!(tools), &literal));
        let text = self.template.render(messages, tools).map_err(|error| {
            if let TemplateError::Failed { kind } = &error {
                tracing::warn!(kind, "a chat template failed");
            }
            ApiError::invalid("messages", error.to_string())
        })?;
        let prompt = self.tokenizer.encode(&text).map_err(|_| {
            tracing::warn!("a prompt could not be tokenised");
            ApiError::invalid("messages", "The messages could not be tokenised.")
        })?;
        if prompt.is_empty() {
            return Err(ApiError::invalid("messages", "The messages contain no text."));
        }
        Ok(prompt)
    }
}
