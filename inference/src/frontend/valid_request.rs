//! A chat request whose every field is in range and can be honoured.
//!
//! What would change the answer but is not supported is refused with its name, never ignored.

use serde_json::Value;
use shekara_protocol::chat::ChatRequest;
use shekara_protocol::error::ApiError;

use crate::sampling::SamplingParams;
use crate::weights::{ConfigError, HfConfig};

const MAX_STOPS: usize = 4;

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

/// The fields of a request other than its messages, checked.
#[derive(Clone, Debug)]
pub(super) struct ValidRequest {
    pub sampling: SamplingParams,
    /// As asked for; the context may allow less.
    pub max_tokens: usize,
    pub stop: Vec<String>,
    pub stop_token_ids: Vec<u32>,
    pub ignore_eos: bool,
    pub stream: bool,
    pub include_usage: bool,
    /// For the template; none when the caller forbids their use.
    pub tools: Option<Vec<Value>>,
}

impl ValidRequest {
    /// `random_seed` is used when the request brings none.
    ///
    /// # Errors
    /// A 400 that names the first field at fault.
    pub(super) fn check(
        request: &ChatRequest,
        defaults: &GenerationDefaults,
        random_seed: u64,
    ) -> Result<Self, ApiError> {
        refuse_unsupported(request)?;
        let stream = request.stream.unwrap_or(false);
        if request.stream_options.is_some() && !stream {
            return Err(invalid("stream_options", "it is only allowed when 'stream' is true"));
        }
        let stop = request.stop.as_ref().map(|stop| stop.0.clone()).unwrap_or_default();
        if stop.len() > MAX_STOPS || stop.iter().any(String::is_empty) {
            return Err(invalid("stop", "expected at most 4 strings, none of them empty"));
        }
        Ok(Self {
            sampling: sampling(request, defaults, random_seed)?,
            max_tokens: max_tokens(request, defaults)?,
            stop,
            stop_token_ids: request.stop_token_ids.clone().unwrap_or_default(),
            ignore_eos: request.ignore_eos.unwrap_or(false),
            stream,
            include_usage: request.stream_options.and_then(|options| options.include_usage).unwrap_or(false),
            tools: request.tools.clone().filter(|tools| !tools.is_empty() && !forbids_tools(request)),
        })
    }
}

fn invalid(param: &str, reason: &str) -> ApiError {
    ApiError::invalid(param, format!("Invalid value for '{param}': {reason}."))
}

fn unsupported(param: &str, what: &str) -> ApiError {
    ApiError::invalid(param, format!("Unsupported value for '{param}': local models do not support {what}."))
        .with_code("unsupported_value")
}

fn refuse_unsupported(request: &ChatRequest) -> Result<(), ApiError> {
    match request.n {
        Some(n) if n < 1 => return Err(invalid("n", "expected at least 1")),
        Some(n) if n > 1 => return Err(unsupported("n", "more than one choice")),
        _ => {}
    }
    if request.logprobs == Some(true) {
        return Err(unsupported("logprobs", "log probabilities"));
    }
    if request.top_logprobs.is_some_and(|count| count != 0) {
        return Err(unsupported("top_logprobs", "log probabilities"));
    }
    let format = request.response_format.as_ref().filter(|format| !format.is_null());
    if format.is_some_and(|format| format["type"] != "text") {
        return Err(unsupported("response_format", "response formats other than text"));
    }
    let choice = request.tool_choice.as_ref().filter(|choice| !choice.is_null());
    if choice.is_some_and(|choice| choice != "auto" && choice != "none") {
        return Err(unsupported("tool_choice", "forced tool calls"));
    }
    if request.modalities.as_ref().is_some_and(|modalities| modalities.iter().any(|modality| modality != "text")) {
        return Err(unsupported("modalities", "modalities other than text"));
    }
    Ok(())
}

fn forbids_tools(request: &ChatRequest) -> bool {
    request.tool_choice.as_ref().is_some_and(|choice| choice == "none")
}

fn max_tokens(request: &ChatRequest, defaults: &GenerationDefaults) -> Result<usize, ApiError> {
    let fields = [("max_completion_tokens", request.max_completion_tokens), ("max_tokens", request.max_tokens)];
    for (param, value) in fields {
        if value.is_some_and(|value| value < 1) {
            return Err(invalid(param, "expected at least 1"));
        }
    }
    let asked = request.max_completion_tokens.or(request.max_tokens);
    Ok(asked.map_or(defaults.max_tokens, |value| usize::try_from(value).unwrap_or(usize::MAX)))
}

fn sampling(
    request: &ChatRequest,
    defaults: &GenerationDefaults,
    random_seed: u64,
) -> Result<SamplingParams, ApiError> {
    let number = |param: &str, value: Option<f64>, otherwise: f64, (low, high): (f64, f64)| {
        let value = value.unwrap_or(otherwise);
        if (low..=high).contains(&value) {
            Ok(value as f32)
        } else {
            Err(invalid(param, &format!("expected a number from {low} to {high}")))
        }
    };
    // The smallest positive number stands for an open lower end.
    let above_zero = f64::MIN_POSITIVE;
    let top_k = request.top_k.unwrap_or(defaults.top_k);
    if top_k < -1 {
        return Err(invalid("top_k", "expected -1 or 0 (all tokens) or a positive integer"));
    }
    Ok(SamplingParams {
        temperature: number("temperature", request.temperature, defaults.temperature, (0.0, 2.0))?,
        top_p: number("top_p", request.top_p, defaults.top_p, (above_zero, 1.0))
            .map_err(|_| invalid("top_p", "expected a number above 0 and up to 1"))?,
        top_k: usize::try_from(top_k).unwrap_or(0),
        min_p: number("min_p", request.min_p, defaults.min_p, (0.0, 1.0))?,
        seed: request.seed.map_or(random_seed, i64::cast_unsigned),
        presence_penalty: number("presence_penalty", request.presence_penalty, 0.0, (-2.0, 2.0))?,
        frequency_penalty: number("frequency_penalty", request.frequency_penalty, 0.0, (-2.0, 2.0))?,
        repetition_penalty: number(
            "repetition_penalty",
            request.repetition_penalty,
            defaults.repetition_penalty,
            (0.01, 100.0),
        )?,
        logit_bias: logit_bias(request)?,
    })
}

fn logit_bias(request: &ChatRequest) -> Result<Vec<(u32, f32)>, ApiError> {
    let entries = request.logit_bias.iter().flatten();
    entries
        .map(|(token, bias)| {
            let id = token.parse().map_err(|_| invalid("logit_bias", "expected token ids as keys"))?;
            if !(-100.0..=100.0).contains(bias) {
                return Err(invalid("logit_bias", "expected biases from -100 to 100"));
            }
            Ok((id, *bias))
        })
        .collect()
}

#[cfg(test)]
#[path = "valid_request_tests.rs"]
mod tests;
