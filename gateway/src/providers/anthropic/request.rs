//! A chat request in Anthropic's words.

use serde_json::{Map, Value, json};
use shekara_protocol::error::ApiError;

use super::content::Turns;
use crate::providers::Outgoing;
use crate::providers::messages_fields::{MessagesFields, READ, function, parameters};

/// # Errors
/// 400: the request asks for what this API does not have; the field is named.
pub(super) fn messages_body(
    (body, model): (&[u8], &str),
    outgoing: Outgoing<'_>,
    drops_unsupported: bool,
) -> Result<Vec<u8>, ApiError> {
    let chat = MessagesFields::read(body)?;
    if !drops_unsupported {
        chat.refuse_others(&READ)?;
    }
    let turns = Turns::read(chat.list("messages"))?;
    let mut out = json!({ "model": model, "messages": turns.messages, "max_tokens": chat.max_tokens(outgoing) });
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            out[name] = value;
        }
    };
    set("system", (!turns.system.is_empty()).then(|| json!(turns.system)));
    set("temperature", chat.temperature_up_to_1(drops_unsupported)?);
    set("top_p", chat.get("top_p").cloned());
    set("top_k", chat.get("top_k").cloned());
    set("stop_sequences", chat.stop());
    set("stream", outgoing.stream.then_some(json!(true)));
    let tools = tools(&chat)?;
    set("tool_choice", tool_choice(&chat, !tools.is_empty())?);
    set("tools", (!tools.is_empty()).then(|| json!(tools)));
    set("output_config", output_config(&chat)?);
    set("thinking", thinking(&chat));
    set("metadata", chat.text("user").map(|user| json!({ "user_id": user })));
    if outgoing.counts_tokens {
        // What is about an answer has no place there.
        let counted = ["model", "messages", "system", "tools", "tool_choice", "thinking", "output_config"];
        out.as_object_mut().into_iter().for_each(|out| out.retain(|name, _| counted.contains(&name.as_str())));
    }
    serde_json::to_vec(&out).map_err(|_| ApiError::internal())
}

/// What the caller says of thoughts goes as it is; an effort of none means none.
fn thinking(chat: &MessagesFields) -> Option<Value> {
    let is_off = chat.text("reasoning_effort") == Some("none");
    chat.get("thinking").cloned().or_else(|| is_off.then(|| json!({ "type": "disabled" })))
}

fn tools(chat: &MessagesFields) -> Result<Vec<Value>, ApiError> {
    let tools = chat.list("tools").iter().enumerate().map(|(index, tool)| {
        let (name, function) = function(index, tool)?;
        let mut told = json!({ "name": name, "input_schema": parameters(function) });
        for field in ["description", "strict"] {
            if let Some(value) = function.get(field).filter(|value| !value.is_null()) {
                told[field] = value.clone();
            }
        }
        if let Some(cached) = tool.get("cache_control") {
            told["cache_control"] = cached.clone();
        }
        Ok(told)
    });
    tools.collect()
}

fn tool_choice(chat: &MessagesFields, has_tools: bool) -> Result<Option<Value>, ApiError> {
    let choice = chat.get("tool_choice");
    let mut told = match choice.map(|choice| (choice.as_str(), choice["type"].as_str())) {
        None | Some((Some("auto"), _)) => json!({ "type": "auto" }),
        Some((Some("none"), _)) => json!({ "type": "none" }),
        Some((Some("required"), _)) => json!({ "type": "any" }),
        Some((None, Some("function"))) => {
            json!({ "type": "tool", "name": choice.map(|choice| &choice["function"]["name"]) })
        }
        Some(_) => return Err(ApiError::unsupported("tool_choice", "Choices other than of functions are")),
    };
    let is_single = chat.is_single_call();
    if is_single && told["type"] != "none" {
        told["disable_parallel_tool_use"] = json!(true);
    }
    Ok((has_tools && (choice.is_some() || is_single)).then_some(told))
}

fn output_config(chat: &MessagesFields) -> Result<Option<Value>, ApiError> {
    let mut config = Map::new();
    match chat.text("reasoning_effort") {
        None | Some("none") => {}
        Some("minimal") => {
            config.insert("effort".to_owned(), json!("low"));
        }
        Some(effort) => {
            config.insert("effort".to_owned(), json!(effort));
        }
    }
    let format = chat.get("response_format");
    match format.and_then(|format| format["type"].as_str()) {
        None | Some("text") => {}
        Some("json_schema") => {
            let schema = format.map(|format| &format["json_schema"]["schema"]);
            config.insert("format".to_owned(), json!({ "type": "json_schema", "schema": schema }));
        }
        Some(_) => return Err(ApiError::unsupported("response_format.type", "JSON without a schema is")),
    }
    Ok((!config.is_empty()).then_some(Value::Object(config)))
}
#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
