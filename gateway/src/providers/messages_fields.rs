//! What the Messages API and Converse have in common: the fields of a chat request in their words. What they have none for is
//! refused by its name, or left out where the provider's configuration says so; hints that change no answer always are.

use serde_json::{Map, Value, json};
use shekara_protocol::error::ApiError;

use super::Outgoing;
use super::chat_fields::{HINTS, says_nothing};

/// Where neither the request nor the route bounds the answer.
pub(super) const DEFAULT_MAX_TOKENS: u64 = 8_192;

/// What both have words for. A last message of the assistant's begins the answer there by itself, for models that can.
pub(super) const READ: [&str; 19] = [
    "model",
    "messages",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "top_k",
    "stop",
    "stream",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "reasoning_effort",
    "thinking",
    "user",
    "chat_template_kwargs",
    "add_generation_prompt",
    "continue_final_message",
];

pub(super) struct MessagesFields(Map<String, Value>);

impl MessagesFields {
    /// # Errors
    /// It is no JSON object, which a scanned request always is.
    pub(super) fn read(body: &[u8]) -> Result<Self, ApiError> {
        serde_json::from_slice(body).map(Self).map_err(|_| ApiError::internal())
    }

    /// A field that says something.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    pub(super) fn list(&self, name: &str) -> &[Value] {
        self.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// # Errors
    /// 400 for a field that is none of `read` and no hint, and that says something.
    pub(super) fn refuse_others(&self, read: &[&str]) -> Result<(), ApiError> {
        for (name, value) in self.0.iter().filter(|(_, value)| !value.is_null()) {
            let is_known = read.contains(&name.as_str()) || HINTS.contains(&name.as_str()) || says_nothing(name, value);
            if !is_known {
                // A name may be the caller's own word: it stands where what is quoted is looked for.
                let message = "The provider of this model has no such field.";
                return Err(ApiError::invalid(name, message).with_code("unsupported_value"));
            }
        }
        Ok(())
    }

    pub(super) fn max_tokens(&self, outgoing: Outgoing<'_>) -> Value {
        let asked = self.get("max_completion_tokens").or_else(|| self.get("max_tokens")).cloned();
        asked.unwrap_or_else(|| outgoing.max_output_tokens.map_or(json!(DEFAULT_MAX_TOKENS), |limit| json!(limit)))
    }

    /// Where nothing is refused, the highest there is stands for higher ones.
    ///
    /// # Errors
    /// 400 for a temperature above 1.
    pub(super) fn temperature_up_to_1(&self, drops_unsupported: bool) -> Result<Option<Value>, ApiError> {
        let temperature = self.get("temperature");
        if temperature.and_then(Value::as_f64).is_some_and(|temperature| temperature > 1.0) {
            if drops_unsupported {
                return Ok(Some(json!(1.0)));
            }
            return Err(ApiError::unsupported("temperature", "Temperatures above 1 are"));
        }
        Ok(temperature.cloned())
    }

    pub(super) fn stop(&self) -> Option<Value> {
        let stop = self.get("stop")?;
        Some(if stop.is_array() { stop.clone() } else { json!([stop]) }).filter(|stop| stop != &json!([]))
    }

    /// Whether it asks for one call of a tool at a time.
    pub(super) fn is_single_call(&self) -> bool {
        self.get("parallel_tool_calls") == Some(&json!(false))
    }
}

/// A function's name and the function.
///
/// # Errors
/// 400 for a tool of another kind.
pub(super) fn function(index: usize, tool: &Value) -> Result<(&str, &Value), ApiError> {
    let function = &tool["function"];
    let name = function["name"].as_str().filter(|_| tool["type"] == "function");
    let name =
        name.ok_or_else(|| ApiError::unsupported(&format!("tools[{index}].type"), "Tools other than functions are"))?;
    Ok((name, function))
}

/// The JSON schema of a function's arguments.
pub(super) fn parameters(function: &Value) -> Value {
    let schema = Some(&function["parameters"]).filter(|schema| schema.is_object());
    schema.cloned().unwrap_or_else(|| json!({ "type": "object", "properties": {} }))
}

/// The name and arguments of a call that the assistant made; `place` is that of its message.
///
/// # Errors
/// 400 for a call of another kind, and for arguments that are no object.
pub(super) fn called<'c>(
    call: &'c Value,
    place: &str,
    index: usize,
) -> Result<(&'c str, Map<String, Value>), ApiError> {
    let place = format!("{place}.tool_calls[{index}]");
    let function = &call["function"];
    let name = function["name"].as_str();
    let name =
        name.ok_or_else(|| ApiError::unsupported(&format!("{place}.type"), "Calls other than of functions are"))?;
    let arguments = function["arguments"].as_str().filter(|arguments| !arguments.trim().is_empty()).unwrap_or("{}");
    let input: Map<String, Value> = serde_json::from_str(arguments).map_err(|_| {
        let param = format!("{place}.function.arguments");
        ApiError::invalid(&param, format!("Invalid '{param}': this provider takes a JSON object only."))
    })?;
    Ok((name, input))
}
