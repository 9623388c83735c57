//! A completion request made ready for the engine.

use shekara_protocol::completions::{CompletionRequest, DEFAULT_MAX_TOKENS, PromptItem};
use shekara_protocol::error::ApiError;

use crate::engine::GenerationRequest;

use super::model_frontend::{ModelFrontend, PrepareContext, check_length};
use super::structure::{refused, structure_field};
use super::text_stream::TextOptions;
use super::valid_sampling::{ValidSampling, invalid, unsupported};

/// Prompts of one request.
const MAX_PROMPTS: usize = 256;

/// A completion request ready for the engine.
#[derive(Clone)]
pub struct PreparedCompletion {
    pub prompts: Vec<PreparedPrompt>,
    /// Choices to answer with, of those that are drawn for each prompt.
    pub num_choices: usize,
    pub stream: bool,
    pub include_usage: bool,
    /// Alternatives to report beside each token, if log probabilities were asked for.
    pub logprobs: Option<usize>,
    pub echo: bool,
    /// No token of an answer was asked for: the echo is all.
    pub echo_only: bool,
    pub text: TextOptions,
}

/// One prompt and what is to be drawn from it.
#[derive(Clone)]
pub struct PreparedPrompt {
    /// What an echo shows.
    pub text: String,
    pub generations: Vec<GenerationRequest>,
}

impl PreparedPrompt {
    pub fn tokens(&self) -> &[u32] {
        self.generations.first().map_or(&[], |generation| &generation.prompt)
    }
}

impl ModelFrontend {
    /// Checks a completion request and tokenises its prompts: this is for a blocking thread.
    ///
    /// # Errors
    /// A 400 that names the field at fault.
    pub fn prepare_completion(
        &self,
        request: &CompletionRequest,
        context: &PrepareContext,
    ) -> Result<PreparedCompletion, ApiError> {
        let fields = request.sampling();
        let sampling = self.sampling_context(DEFAULT_MAX_TOKENS as usize, context.random_seed);
        let mut valid = ValidSampling::check(&fields, sampling)?;
        let stream = request.stream.unwrap_or(false);
        let echo = request.echo.unwrap_or(false);
        check_combinations(request, &valid, stream, echo)?;
        if valid.best_of > valid.num_choices && valid.params.logprobs.is_none() {
            // The likeliest can only be told by their log probabilities.
            valid.params.logprobs = Some(0);
        }
        if echo {
            valid.params.prompt_logprobs = request.num_logprobs()?;
        }
        let grammar = match &valid.structure {
            Some(source) => Some(self.compile(source).map_err(|error| refused(structure_field(&fields), &error))?),
            None => None,
        };
        let items = request.prompt.items();
        if items.len() > MAX_PROMPTS {
            return Err(invalid("prompt", "expected at most 256 prompts"));
        }
        let prompt = |(index, item): (usize, PromptItem<'_>)| {
            let field = request.prompt.param(index);
            let (tokens, text) = self.prompt_tokens(item, request, context, &field)?;
            check_length(&tokens, context.max_context, &field)?;
            Ok(PreparedPrompt { text, generations: self.generations(&tokens, &valid, grammar.as_ref(), context) })
        };
        Ok(PreparedCompletion {
            prompts: items.into_iter().enumerate().map(prompt).collect::<Result<_, ApiError>>()?,
            num_choices: valid.num_choices,
            stream,
            include_usage: request.stream_options.and_then(|options| options.include_usage).unwrap_or(false),
            logprobs: request.num_logprobs()?,
            echo,
            echo_only: valid.max_tokens == 0,
            text: self.text_options(&valid, &[]),
        })
    }

    /// Tokens of a plain text.
    ///
    /// # Errors
    /// A 400 if the tokenizer fails on it.
    pub fn text_tokens(&self, text: &str, with_special: bool, field: &str) -> Result<Vec<u32>, ApiError> {
        self.tokenizer.encode_text(text, with_special).map_err(|_| {
            tracing::warn!("a prompt could not be tokenised");
            invalid(field, "it could not be tokenised")
        })
    }

    fn prompt_tokens(
        &self,
        item: PromptItem<'_>,
        request: &CompletionRequest,
        context: &PrepareContext,
        field: &str,
    ) -> Result<(Vec<u32>, String), ApiError> {
        let (mut tokens, text) = match item {
            PromptItem::Text(text) => {
                let with_special = request.add_special_tokens.unwrap_or(true);
                let too_many = self.tokenizer.exceeds(text, context.max_context).ok().flatten();
                if let Some(count) = too_many {
                    return Err(ApiError::context_length_exceeded(context.max_context, count).with_param(field));
                }
                (self.text_tokens(text, with_special, field)?, text.to_owned())
            }
            PromptItem::Tokens(tokens) => {
                if tokens.iter().any(|token| *token as usize >= self.vocab_size()) {
                    return Err(invalid(field, "expected ids of tokens that the model has"));
                }
                (tokens.to_vec(), self.detokenize(tokens))
            }
        };
        let Some(most) = request.truncate_prompt_tokens else { return Ok((tokens, text)) };
        let most = match most {
            -1 => context.max_context.saturating_sub(1),
            most if most >= 1 => usize::try_from(most).unwrap_or(usize::MAX),
            _ => return Err(invalid("truncate_prompt_tokens", "expected -1 or at least 1")),
        };
        if tokens.len() <= most {
            return Ok((tokens, text));
        }
        tokens.drain(..tokens.len() - most);
        let text = self.detokenize(&tokens);
        Ok((tokens, text))
    }
}

fn check_combinations(
    request: &CompletionRequest,
    valid: &ValidSampling,
    stream: bool,
    echo: bool,
) -> Result<(), ApiError> {
    if request.suffix.as_ref().is_some_and(|suffix| !suffix.is_empty()) {
        return Err(unsupported("suffix", "text behind the answer"));
    }
    if request.stream_options.is_some() && !stream {
        return Err(invalid("stream_options", "it is only allowed when 'stream' is true"));
    }
    if stream && valid.best_of > valid.num_choices {
        return Err(invalid("best_of", "the best can only be told at the end: not allowed when 'stream' is true"));
    }
    if valid.max_tokens == 0 && !echo {
        return Err(invalid("max_tokens", "expected at least 1 unless 'echo' is true"));
    }
    Ok(())
}
