//! A request in Mistral's words. What has none there is refused by its name, or left out where the provider's
//! configuration says so; hints that change no answer always are.

use serde_json::{Map, Value, json};
use shekara_protocol::error::ApiError;

use super::messages::messages;
use crate::providers::Outgoing;
use crate::providers::chat_fields::ChatFields;

/// Fields that are the same there.
const SAME: [&str; 12] = [
    "frequency_penalty",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_mode",
    "random_seed",
    "safe_prompt",
    "stop",
    "stream",
    "temperature",
    "top_p",
];
const OTHERWISE: [&str; 7] =
    ["max_completion_tokens", "max_tokens", "reasoning_effort", "response_format", "seed", "tool_choice", "tools"];

/// # Errors
/// 400: the request asks for what this API does not have; the field is named.
pub(super) fn chat_body(
    (body, model): (&[u8], &str),
    outgoing: Outgoing<'_>,
    drops_unsupported: bool,
) -> Result<Vec<u8>, ApiError> {
    let request: Map<String, Value> = serde_json::from_slice(body).map_err(|_| ApiError::internal())?;
    let chat = ChatFields::new(&request, drops_unsupported);
    chat.check(&[&SAME[..], &OTHERWISE].concat())?;
    let mut out = json!({ "model": model, "messages": messages(chat)? });
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            out[name] = value;
        }
    };
    for name in SAME {
        set(name, chat.get(name).cloned());
    }
    set("random_seed", chat.get("seed").cloned());
    set("max_tokens", chat.max_tokens(outgoing.max_output_tokens));
    set("reasoning_effort", effort(chat)?);
    set("response_format", response_format(chat)?);
    let tools: Vec<Value> = chat.functions()?.into_iter().map(tool).collect();
    if !tools.is_empty() {
        set("tool_choice", tool_choice(chat)?);
        set("tools", Some(json!(tools)));
    }
    serde_json::to_vec(&out).map_err(|_| ApiError::internal())
}

/// # Errors
/// 400: the request asks for what this API does not have; the field is named.
pub(super) fn embeddings_body((body, model): (&[u8], &str), drops_unsupported: bool) -> Result<Vec<u8>, ApiError> {
    let request: Map<String, Value> = serde_json::from_slice(body).map_err(|_| ApiError::internal())?;
    let fields = ChatFields::new(&request, drops_unsupported);
    fields.check(&["input", "dimensions", "encoding_format", "output_dimension", "output_dtype"])?;
    let mut out = json!({ "model": model, "input": fields.get("input") });
    let names = [
        ("output_dimension", "output_dimension"),
        ("dimensions", "output_dimension"),
        ("output_dtype", "output_dtype"),
        ("encoding_format", "encoding_format"),
    ];
    for (name, own) in names {
        if let Some(value) = fields.get(name) {
            out[own] = value.clone();
        }
    }
    serde_json::to_vec(&out).map_err(|_| ApiError::internal())
}

/// There is thinking and there is none.
fn effort(chat: ChatFields<'_>) -> Result<Option<Value>, ApiError> {
    Ok(match chat.text("reasoning_effort") {
        None => None,
        Some("none" | "minimal") => Some(json!("none")),
        Some("low" | "medium" | "high" | "xhigh" | "max") => Some(json!("high")),
        Some(_) => return Err(ApiError::unsupported("reasoning_effort", "This effort is")),
    })
}

fn response_format(chat: ChatFields<'_>) -> Result<Option<Value>, ApiError> {
    let Some(format) = chat.get("response_format") else { return Ok(None) };
    Ok(Some(match format["type"].as_str() {
        Some(kind @ ("text" | "json_object")) => json!({ "type": kind }),
        Some("json_schema") => {
            let schema = only(&format["json_schema"], &["name", "description", "schema", "strict"]);
            json!({ "type": "json_schema", "json_schema": schema })
        }
        _ => return Err(ApiError::unsupported("response_format.type", "This format is")),
    }))
}

fn tool(function: &Value) -> Value {
    let mut told = only(function, &["name", "description", "strict", "parameters"]);
    if told["parameters"].is_null() {
        told["parameters"] = json!({ "type": "object", "properties": {} });
    }
    json!({ "type": "function", "function": told })
}

fn tool_choice(chat: ChatFields<'_>) -> Result<Option<Value>, ApiError> {
    let Some(choice) = chat.get("tool_choice") else { return Ok(None) };
    Ok(Some(match (choice.as_str(), choice["type"].as_str()) {
        (Some(mode @ ("auto" | "none" | "any")), _) => json!(mode),
        (Some("required"), _) => json!("any"),
        (None, Some("function")) => {
            json!({ "type": "function", "function": { "name": choice["function"]["name"] } })
        }
        _ => return Err(ApiError::unsupported("tool_choice", "Choices other than of functions are")),
    }))
}

/// Members that this API knows and that say something.
pub(super) fn only(object: &Value, names: &[&str]) -> Value {
    let members = names.iter().filter_map(|name| object.get(name).map(|value| ((*name).to_owned(), value.clone())));
    Value::Object(members.filter(|(_, value)| !value.is_null()).collect())
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
