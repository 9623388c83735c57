//! How a request wants its tokens drawn: every field in range, or refused with its name.
//!
//! The same fields steer chat and completions. What would change the answer but is not supported is
//! refused too, never ignored.

use serde_json::Value;
use shekara_protocol::error::ApiError;
use shekara_protocol::sampling::{LogprobFields, SamplingFields};

use crate::sampling::SamplingParams;
use crate::sampling::grammar::GrammarSource;
use crate::weights::{ConfigError, HfConfig};

use super::structure::structure;

const MAX_STOPS: usize = 4;
const MAX_STOP_BYTES: usize = 1024;
const MAX_CHOICES: i64 = 128;
const MAX_TOP_LOGPROBS: i64 = 20;
const MAX_SALT_BYTES: usize = 256;

/// What applies where a request is silent: the model's `generation_config.json`.
#[derive(Clone, Debug)]
pub(super) struct GenerationDefaults {
    temperature: f64,
    top_p: f64,
    top_k: i64,
    min_p: f64,
    repetition_penalty: f64,
    /// Longest answer when the request does not say.
    pub max_tokens: usize,
}

impl GenerationDefaults {
    /// `max_tokens` applies where the model does not say either.
    pub(super) fn read(config: &HfConfig, max_tokens: usize) -> Result<Self, ConfigError> {
        let number = |key: &str, otherwise: f64| {
            // Zero means "off" in some of these, which `number` refuses.
            let is_zero = config.value(key).and_then(Value::as_f64) == Some(0.0);
            if is_zero { Ok(0.0) } else { Ok::<_, ConfigError>(config.number(key)?.unwrap_or(otherwise)) }
        };
        // A model that is not meant to be sampled says so instead of giving a temperature.
        let temperature = if config.flag("do_sample")? == Some(false) { 0.0 } else { 1.0 };
        Ok(Self {
            temperature: number("temperature", temperature)?,
            top_p: number("top_p", 1.0)?,
            top_k: number("top_k", 0.0)? as i64,
            min_p: number("min_p", 0.0)?,
            repetition_penalty: number("repetition_penalty", 1.0)?,
            max_tokens: config.size("max_new_tokens")?.unwrap_or(max_tokens),
        })
    }
}

/// The sampling fields of a request, checked.
#[derive(Clone, Debug)]
pub(super) struct ValidSampling {
    pub params: SamplingParams,
    /// As asked for; the context may allow less.
    pub max_tokens: usize,
    pub min_tokens: usize,
    pub stop: Vec<String>,
    pub include_stop_string: bool,
    pub stop_token_ids: Vec<u32>,
    pub ignore_eos: bool,
    pub show_special_tokens: bool,
    /// Choices to answer with, and choices to draw.
    pub num_choices: usize,
    pub best_of: usize,
    /// What the answer must look like.
    pub structure: Option<GrammarSource>,
    pub priority: i32,
    pub cache_salt: Option<String>,
}

/// What values are checked against.
#[derive(Clone, Copy, Debug)]
pub(super) struct SamplingContext<'a> {
    pub defaults: &'a GenerationDefaults,
    pub vocab_size: usize,
    /// Longest answer of a request that names none.
    pub max_tokens: usize,
    /// Used when the request brings no seed.
    pub random_seed: u64,
}

impl ValidSampling {
    /// # Errors
    /// A 400 that names the first field at fault.
    pub(super) fn check(fields: &SamplingFields<'_>, context: SamplingContext<'_>) -> Result<Self, ApiError> {
        let stop = fields.stop.unwrap_or_default().to_vec();
        if stop.len() > MAX_STOPS || stop.iter().any(|stop| stop.is_empty() || stop.len() > MAX_STOP_BYTES) {
            return Err(invalid("stop", "expected at most 4 strings of 1 to 1024 bytes"));
        }
        let max_tokens = max_tokens(fields, context.max_tokens)?;
        let min_tokens = count("min_tokens", fields.min_tokens, 0, i64::MAX)?.unwrap_or(0);
        if min_tokens > max_tokens {
            return Err(invalid("min_tokens", "expected no more than the longest allowed answer"));
        }
        let num_choices = count("n", fields.n, 1, MAX_CHOICES)?.unwrap_or(1);
        let best_of = count("best_of", fields.best_of, 1, MAX_CHOICES)?.unwrap_or(num_choices);
        if best_of < num_choices {
            return Err(invalid("best_of", "expected at least 'n'"));
        }
        let priority = fields.priority.unwrap_or(0);
        let cache_salt = fields.cache_salt.map(str::to_owned);
        if cache_salt.as_ref().is_some_and(|salt| salt.is_empty() || salt.len() > MAX_SALT_BYTES) {
            return Err(invalid("cache_salt", "expected a string of 1 to 256 bytes"));
        }
        Ok(Self {
            params: sampling(fields, context)?,
            max_tokens,
            min_tokens,
            stop,
            include_stop_string: fields.include_stop_str_in_output.unwrap_or(false),
            stop_token_ids: token_ids("stop_token_ids", fields.stop_token_ids, context.vocab_size)?,
            ignore_eos: fields.ignore_eos.unwrap_or(false),
            show_special_tokens: fields.skip_special_tokens == Some(false),
            num_choices,
            best_of,
            structure: structure(fields)?,
            priority: i32::try_from(priority).map_err(|_| invalid("priority", "expected a 32-bit integer"))?,
            cache_salt,
        })
    }
}

pub(super) fn invalid(param: &str, reason: &str) -> ApiError {
    ApiError::invalid(param, format!("Invalid value for '{param}': {reason}."))
}

pub(super) fn unsupported(param: &str, what: &str) -> ApiError {
    ApiError::invalid(param, format!("Unsupported value for '{param}': local models do not support {what}."))
        .with_code("unsupported_value")
}

fn count(param: &str, value: Option<i64>, low: i64, high: i64) -> Result<Option<usize>, ApiError> {
    match value {
        Some(value) if value < low => Err(invalid(param, &format!("expected at least {low}"))),
        Some(value) if value > high => Err(invalid(param, &format!("expected at most {high}"))),
        value => Ok(value.map(|value| usize::try_from(value).unwrap_or(usize::MAX))),
    }
}

fn max_tokens(fields: &SamplingFields<'_>, otherwise: usize) -> Result<usize, ApiError> {
    // An echo of the prompt alone asks for no answer at all.
    let least = i64::from(!matches!(fields.logprobs, LogprobFields::Completion { .. }));
    let newer = count("max_completion_tokens", fields.max_completion_tokens, 1, i64::MAX)?;
    let older = count("max_tokens", fields.max_tokens, least, i64::MAX)?;
    Ok(newer.or(older).unwrap_or(otherwise))
}

fn token_ids(param: &str, ids: Option<&[u32]>, vocab_size: usize) -> Result<Vec<u32>, ApiError> {
    let ids = ids.unwrap_or_default();
    if ids.iter().any(|id| *id as usize >= vocab_size) {
        return Err(invalid(param, "expected ids of tokens that the model has"));
    }
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

fn number(param: &str, value: Option<f64>, otherwise: f64, (low, high): (f64, f64)) -> Result<f32, ApiError> {
    let value = value.unwrap_or(otherwise);
    if (low..=high).contains(&value) {
        Ok(value as f32)
    } else {
        Err(invalid(param, &format!("expected a number from {low} to {high}")))
    }
}

/// A share of probability, which must not be nothing.
fn share(param: &str, value: Option<f64>, otherwise: f64) -> Result<f32, ApiError> {
    number(param, value, otherwise, (f64::from(f32::MIN_POSITIVE), 1.0))
        .map_err(|_| invalid(param, "expected a number above 0 and up to 1"))
}

fn sampling(fields: &SamplingFields<'_>, context: SamplingContext<'_>) -> Result<SamplingParams, ApiError> {
    let defaults = context.defaults;
    let top_k = fields.top_k.unwrap_or(defaults.top_k);
    if top_k < -1 {
        return Err(invalid("top_k", "expected -1 or 0 (all tokens) or a positive integer"));
    }
    let allowed_token_ids = token_ids("allowed_token_ids", fields.allowed_token_ids, context.vocab_size)?;
    if fields.allowed_token_ids.is_some() && allowed_token_ids.is_empty() {
        return Err(invalid("allowed_token_ids", "expected at least one token"));
    }
    let repetition = (fields.repetition_penalty, defaults.repetition_penalty);
    Ok(SamplingParams {
        temperature: number("temperature", fields.temperature, defaults.temperature, (0.0, 2.0))?,
        top_p: share("top_p", fields.top_p, defaults.top_p)?,
        top_k: usize::try_from(top_k).unwrap_or(0),
        min_p: number("min_p", fields.min_p, defaults.min_p, (0.0, 1.0))?,
        typical_p: share("typical_p", fields.typical_p, 1.0)?,
        seed: fields.seed.map_or(context.random_seed, i64::cast_unsigned),
        presence_penalty: number("presence_penalty", fields.presence_penalty, 0.0, (-2.0, 2.0))?,
        frequency_penalty: number("frequency_penalty", fields.frequency_penalty, 0.0, (-2.0, 2.0))?,
        repetition_penalty: number("repetition_penalty", repetition.0, repetition.1, (0.01, 100.0))?,
        logit_bias: logit_bias(fields, context.vocab_size)?,
        allowed_token_ids,
        logprobs: logprobs(fields.logprobs)?,
        prompt_logprobs: None,
    })
}

/// How many alternatives to report beside each token; none if nothing is to be reported.
fn logprobs(fields: LogprobFields) -> Result<Option<usize>, ApiError> {
    match fields {
        LogprobFields::Chat { logprobs, top_logprobs } => {
            let top = count("top_logprobs", top_logprobs, 0, MAX_TOP_LOGPROBS)?;
            match (logprobs, top) {
                (Some(true), top) => Ok(Some(top.unwrap_or(0))),
                (_, Some(top)) if top > 0 => Err(invalid("top_logprobs", "'logprobs' must be true when it is given")),
                _ => Ok(None),
            }
        }
        LogprobFields::Completion { logprobs } => count("logprobs", logprobs, 0, MAX_TOP_LOGPROBS),
    }
}

fn logit_bias(fields: &SamplingFields<'_>, vocab_size: usize) -> Result<Vec<(u32, f32)>, ApiError> {
    let entries = fields.logit_bias.into_iter().flatten();
    entries
        .map(|(token, bias)| {
            // One spelling per id, so that no bias is added twice.
            let known = |id: &u32| (*id as usize) < vocab_size && id.to_string() == *token;
            let id = token.parse().ok().filter(known);
            let id = id.ok_or_else(|| invalid("logit_bias", "expected ids of the model's tokens as keys"))?;
            if !(-100.0..=100.0).contains(bias) {
                return Err(invalid("logit_bias", "expected biases from -100 to 100"));
            }
            Ok((id, *bias))
        })
        .collect()
}

#[cfg(test)]
#[path = "valid_sampling_tests.rs"]
mod tests;
