//! A chat request on its way into another API's words: what it says, and which of it that API has words for.

use serde_json::{Map, Value, json};
use shekara_protocol::error::ApiError;

/// About the request rather than the answer: left out where there are no words for it.
pub(super) const HINTS: [&str; 8] = [
    "metadata",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "store",
    "stream_options",
    "user",
];
/// Read by everybody, or for engines alone: a last message of the assistant's begins the answer by itself elsewhere.
const COMMON: [&str; 6] =
    ["add_generation_prompt", "chat_template_kwargs", "continue_final_message", "messages", "model", "stream"];

/// The fields of a request.
#[derive(Clone, Copy)]
pub(super) struct ChatFields<'c> {
    fields: &'c Map<String, Value>,
    /// Whether what has no words is left out instead of refused.
    pub(super) drops_unsupported: bool,
}

impl<'c> ChatFields<'c> {
    pub(super) fn new(fields: &'c Map<String, Value>, drops_unsupported: bool) -> Self {
        Self { fields, drops_unsupported }
    }

    /// A field that says something.
    pub(super) fn get(self, name: &str) -> Option<&'c Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    /// The same, of one that asks for more than what happens anyway.
    pub(super) fn asked(self, name: &str) -> Option<&'c Value> {
        self.get(name).filter(|value| !says_nothing(name, value))
    }

    pub(super) fn text(self, name: &str) -> Option<&'c str> {
        self.get(name).and_then(Value::as_str)
    }

    pub(super) fn list(self, name: &str) -> &'c [Value] {
        self.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// # Errors
    /// 400 that names the first field that is not one of `known` and says something.
    pub(super) fn check(self, known: &[&str]) -> Result<(), ApiError> {
        if self.drops_unsupported {
            return Ok(());
        }
        let is_known = |name: &str| [known, &HINTS, &COMMON].iter().any(|names| names.contains(&name));
        let unknown =
            |(name, value): &(&String, &Value)| !value.is_null() && !is_known(name) && !says_nothing(name, value);
        match self.fields.iter().find(unknown) {
            // A name may be the caller's own word: it stands where what is quoted is looked for.
            Some((name, _)) => {
                let message = "The provider of this model has no such field.";
                Err(ApiError::invalid(name, message).with_code("unsupported_value"))
            }
            None => Ok(()),
        }
    }

    /// The same of a message's members; empty ones come of clients that send answers back as they got them.
    ///
    /// # Errors
    /// 400 that names the first that is not one of `known`.
    pub(super) fn check_message(self, message: &Value, place: &str, known: &[&str]) -> Result<(), ApiError> {
        let is_empty = |value: &Value| match value {
            Value::Null => true,
            Value::Array(list) => list.is_empty(),
            Value::String(text) => text.is_empty(),
            _ => false,
        };
        let unknown = |(name, value): &(&String, &Value)| !is_empty(value) && !known.contains(&name.as_str());
        match message.as_object().and_then(|members| members.iter().find(unknown)).filter(|_| !self.drops_unsupported) {
            Some((name, _)) => {
                let message = "The provider of this model has no such field.";
                Err(ApiError::invalid(&format!("{place}.{name}"), message).with_code("unsupported_value"))
            }
            None => Ok(()),
        }
    }

    /// Refuses a value, or does without it.
    ///
    /// # Errors
    /// 400 that names `param`.
    pub(super) fn unsupported(self, param: &str, what: &str) -> Result<(), ApiError> {
        if self.drops_unsupported { Ok(()) } else { Err(ApiError::unsupported(param, what)) }
    }

    /// The bound of the answer, the route's where the caller set none.
    pub(super) fn max_tokens(self, of_route: Option<u32>) -> Option<Value> {
        let asked = self.get("max_completion_tokens").or_else(|| self.get("max_tokens")).cloned();
        asked.or_else(|| of_route.map(|limit| json!(limit)))
    }

    /// Texts at which the answer stops.
    pub(super) fn stop(self) -> Option<Value> {
        let stop = self.get("stop")?;
        Some(if stop.is_array() { stop.clone() } else { json!([stop]) }).filter(|stop| stop != &json!([]))
    }

    /// Every tool's function.
    ///
    /// # Errors
    /// 400 for another kind of tool.
    pub(super) fn functions(self) -> Result<Vec<&'c Value>, ApiError> {
        let tools = self.list("tools").iter().enumerate();
        tools
            .map(|(index, tool)| {
                let is_function = tool["type"] == "function" && tool["function"]["name"].is_string();
                let what = "Tools other than functions are";
                is_function
                    .then_some(&tool["function"])
                    .ok_or_else(|| ApiError::unsupported(&format!("tools[{index}].type"), what))
            })
            .collect()
    }
}

/// Whether a field asks for what happens anyway.
pub(super) fn says_nothing(name: &str, value: &Value) -> bool {
    match name {
        "n" => value == 1,
        "frequency_penalty" | "presence_penalty" | "top_logprobs" => value.as_f64() == Some(0.0),
        "logprobs" => value == false,
        "logit_bias" => value.as_object().is_some_and(Map::is_empty),
        "modalities" => value == &json!(["text"]),
        "parallel_tool_calls" => value == true,
        "verbosity" => value == "medium",
        _ => false,
    }
}

/// Media type and base64 of a data URL.
pub(super) fn data_url(url: &str) -> Option<(&str, &str)> {
    let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
    Some((head.strip_suffix(";base64")?, data))
}

/// One part of a path, as deployments and models are named. Anything else could lead elsewhere.
///
/// # Errors
/// 404: there is no model of such a name.
pub(super) fn path_part(name: &str) -> Result<&str, ApiError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'@');
    if name.is_empty() || name.starts_with('.') || !name.bytes().all(is_plain) {
        return Err(ApiError::model_not_found("The provider has no model of this name."));
    }
    Ok(name)
}
