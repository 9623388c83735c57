//! The text side of one model: its tokenizer, template, grammars and defaults.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use shekara_protocol::error::ApiError;

use crate::engine::{Adapter, GenerationRequest, TokenStream};
use crate::sampling::grammar::{CompiledGrammar, GrammarCompiler, GrammarError};
use crate::sampling::{SamplingParams, StopCondition};
use crate::weights::{GgufMetadata, HfConfig};

use super::chat_template::ChatTemplate;
use super::detokenizer::ShownTokens;
use super::output::{ReasoningFormat, ToolFormat};
use super::text_stream::{TextOptions, TextStream};
use super::tokenizer::ModelTokenizer;
use super::valid_sampling::{GenerationDefaults, SamplingContext, ValidSampling};
use super::{FormatSettings, FrontendError};

/// Everything between a request and the engine's tokens.
pub struct ModelFrontend {
    pub(super) tokenizer: Arc<ModelTokenizer>,
    pub(super) template: ChatTemplate,
    pub(super) defaults: GenerationDefaults,
    pub(super) tool_format: ToolFormat,
    pub(super) reasoning_format: ReasoningFormat,
    eos_token_ids: Vec<u32>,
    vocab_size: usize,
    grammars: GrammarCompiler,
}

/// Where the text side of a model is read from.
#[derive(Clone, Copy)]
pub enum TextSource<'a> {
    /// A Hugging Face folder.
    Folder(&'a Path),
    Gguf(&'a GgufMetadata),
}

impl TextSource<'_> {
    fn generation_config(self) -> Result<HfConfig, FrontendError> {
        match self {
            Self::Folder(directory) => {
                let path = directory.join("generation_config.json");
                Ok(if path.exists() { HfConfig::read(&path)? } else { HfConfig::default() })
            }
            Self::Gguf(metadata) => {
                let keys = [("temp", "temperature"), ("top_p", "top_p"), ("top_k", "top_k"), ("min_p", "min_p")];
                let value = |key: &str| metadata.number(&format!("general.sampling.{key}"));
                let values = keys.iter().filter_map(|(theirs, ours)| Some(((*ours).to_owned(), value(theirs)?.into())));
                Ok(HfConfig::from_values(values.collect()))
            }
        }
    }
}

/// What a request is prepared for beside its own fields.
#[derive(Clone, Debug)]
pub struct PrepareContext {
    /// Longest prompt and answer together, in tokens.
    pub max_context: usize,
    /// Used when the request brings no seed.
    pub random_seed: u64,
    /// Whose prefixes may be shared: the tenant.
    pub cache_salt: String,
    /// What the answer is computed with beside the model.
    pub adapter: Option<Arc<Adapter>>,
    /// Stands in place of the request's own; set where somebody in front decides who goes first.
    pub priority: Option<i32>,
}

impl ModelFrontend {
    /// Reads tokenizer, template and generation settings.
    ///
    /// # Errors
    /// If one of them is missing, malformed or no use for a plain message.
    pub fn load(
        source: TextSource<'_>,
        config: &HfConfig,
        vocab_size: usize,
        default_max_tokens: usize,
        formats: FormatSettings,
    ) -> Result<Self, FrontendError> {
        let generation = source.generation_config()?;
        let mut eos_token_ids = generation.token_ids("eos_token_id");
        eos_token_ids.extend(config.token_ids("eos_token_id"));
        eos_token_ids.sort_unstable();
        eos_token_ids.dedup();
        let (tokenizer, template) = match source {
            TextSource::Folder(directory) => {
                (ModelTokenizer::load(directory)?, ChatTemplate::load(directory, Timestamp::now)?)
            }
            TextSource::Gguf(metadata) => {
                (ModelTokenizer::of_gguf(metadata)?, ChatTemplate::of_gguf(metadata, Timestamp::now)?)
            }
        };
        let tokenizer = Arc::new(tokenizer);
        let tool_format = formats.tool_format.or_else(|| ToolFormat::detect(template.source()));
        let reasoning_format = formats.reasoning_format.or_else(|| ReasoningFormat::detect(template.source()));
        let frontend = Self {
            grammars: grammars(&tokenizer, vocab_size, &eos_token_ids)?,
            tokenizer,
            template,
            defaults: GenerationDefaults::read(&generation, default_max_tokens)?,
            // For a model that was never taught a format, the plainest is the likeliest.
            tool_format: tool_format.unwrap_or(ToolFormat::Json),
            reasoning_format: reasoning_format.unwrap_or(ReasoningFormat::None),
            eos_token_ids,
            vocab_size,
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

    /// The text of a choice, as its tokens come.
    pub fn text_stream(&self, options: TextOptions, tokens: TokenStream) -> TextStream {
        TextStream::new(self.tokenizer.clone(), tokens, options)
    }

    /// Text of tokens, special ones included.
    pub fn detokenize(&self, tokens: &[u32]) -> String {
        self.tokenizer.decode_all(tokens)
    }

    /// A token as the vocabulary writes it.
    pub fn token(&self, id: u32) -> Option<String> {
        self.tokenizer.token(id)
    }

    /// A token's text, as far as it is whole characters.
    pub fn token_text(&self, id: u32) -> String {
        self.tokenizer.token_text(id).0
    }

    pub(super) fn sampling_context(&self, max_tokens: usize, random_seed: u64) -> SamplingContext<'_> {
        SamplingContext { defaults: &self.defaults, vocab_size: self.vocab_size, max_tokens, random_seed }
    }

    pub(super) fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    /// Compiling takes a while: this is for a blocking thread.
    pub(super) fn compile(
        &self,
        source: &crate::sampling::grammar::GrammarSource,
    ) -> Result<CompiledGrammar, GrammarError> {
        self.grammars.compile(source)
    }

    /// The engine's requests for `prompt`, one per choice that is to be drawn. They differ in their
    /// seeds alone.
    pub(super) fn generations(
        &self,
        prompt: &[u32],
        valid: &ValidSampling,
        grammar: Option<&CompiledGrammar>,
        context: &PrepareContext,
    ) -> Vec<GenerationRequest> {
        let mut token_ids = valid.stop_token_ids.clone();
        if !valid.ignore_eos {
            token_ids.extend_from_slice(&self.eos_token_ids);
        }
        let max_tokens = valid.max_tokens.max(1).min(context.max_context - prompt.len());
        let stop = StopCondition { token_ids, max_tokens, min_tokens: valid.min_tokens };
        let salt = [context.cache_salt.as_str(), valid.cache_salt.as_deref().unwrap_or_default()].join("\0");
        let cache_salt: Arc<str> = salt.into();
        let generation = |index: usize| GenerationRequest {
            prompt: prompt.to_vec(),
            sampling: SamplingParams { seed: choice_seed(valid.params.seed, index), ..valid.params.clone() },
            stop: stop.clone(),
            grammar: grammar.cloned(),
            priority: context.priority.unwrap_or(valid.priority),
            cache_salt: cache_salt.clone(),
            adapter: context.adapter.clone(),
        };
        (0..valid.best_of).map(generation).collect()
    }

    pub(super) fn text_options(&self, valid: &ValidSampling, markers: &[&str]) -> TextOptions {
        let mut stop_token_ids = valid.stop_token_ids.clone();
        if !valid.ignore_eos {
            stop_token_ids.extend_from_slice(&self.eos_token_ids);
        }
        let special = markers.iter().filter_map(|marker| self.tokenizer.special_id(marker));
        TextOptions {
            stop_strings: valid.stop.clone(),
            include_stop_string: valid.include_stop_string,
            stop_token_ids,
            named_stop_token_ids: valid.stop_token_ids.clone(),
            shown_tokens: if valid.show_special_tokens {
                ShownTokens::All
            } else {
                ShownTokens::Only(special.collect())
            },
        }
    }
}

/// # Errors
/// A 400 if the prompt leaves no room for an answer.
pub(super) fn check_length(prompt: &[u32], max_context: usize, field: &str) -> Result<(), ApiError> {
    if prompt.is_empty() {
        return Err(ApiError::invalid(field, format!("Invalid value for '{field}': it contains no text.")));
    }
    if prompt.len() >= max_context {
        return Err(ApiError::context_length_exceeded(max_context, prompt.len()).with_param(field));
    }
    Ok(())
}

/// The first choice has the request's own seed, so that asking for more does not change it.
fn choice_seed(seed: u64, index: usize) -> u64 {
    seed ^ (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn grammars(
    tokenizer: &Arc<ModelTokenizer>,
    vocab_size: usize,
    eos_token_ids: &[u32],
) -> Result<GrammarCompiler, FrontendError> {
    let bad = |error: GrammarError| FrontendError::BadVocabulary { reason: error.to_string() };
    let vocabulary = tokenizer.vocabulary(vocab_size, eos_token_ids).map_err(bad)?;
    let tokenizer = Arc::clone(tokenizer);
    let tokenize = move |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        tokenizer.encode_text(&text, false).unwrap_or_default()
    };
    GrammarCompiler::new(vocabulary, Box::new(tokenize)).map_err(bad)
}
