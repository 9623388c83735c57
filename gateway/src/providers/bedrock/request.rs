//! A chat request in Converse's words. What only one maker's models know goes into `additionalModelRequestFields`.

use serde_json::{Map, Value, json};
use shekara_protocol::error::ApiError;

use super::content::Turns;
use crate::providers::Outgoing;
use crate::providers::messages_fields::{MessagesFields, READ, function, parameters};

/// Whose model it is, as far as that changes what may be asked. An application's own inference profile does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Maker {
    Anthropic,
    Openai,
    Nova,
    Other,
}

impl Maker {
    fn of(model: &str) -> Self {
        let names = [("anthropic.", Self::Anthropic), ("openai.", Self::Openai), ("amazon.nova", Self::Nova)];
        names.into_iter().find(|(name, _)| model.contains(name)).map_or(Self::Other, |(_, maker)| maker)
    }

    /// Whether marks of what a cache is to keep are understood.
    fn is_cached(self) -> bool {
        matches!(self, Self::Anthropic | Self::Nova)
    }
}

/// # Errors
/// 400: the request asks for what this API or this model does not have; the field is named.
pub(super) fn converse_body(
    (body, model): (&[u8], &str),
    outgoing: Outgoing<'_>,
    drops_unsupported: bool,
) -> Result<Vec<u8>, ApiError> {
    let chat = MessagesFields::read(body)?;
    if !drops_unsupported {
        chat.refuse_others(&READ)?;
    }
    let maker = Maker::of(model);
    let turns = Turns::read(chat.list("messages"), maker.is_cached())?;
    let mut inference = json!({ "maxTokens": chat.max_tokens(outgoing) });
    set(&mut inference, "temperature", chat.temperature_up_to_1(drops_unsupported)?);
    set(&mut inference, "topP", chat.get("top_p").cloned());
    set(&mut inference, "stopSequences", chat.stop());
    let mut out = json!({ "messages": turns.messages, "inferenceConfig": inference });
    set(&mut out, "system", (!turns.system.is_empty()).then(|| json!(turns.system)));
    set(&mut out, "toolConfig", tool_config(&chat, &turns, drops_unsupported)?);
    set(&mut out, "outputConfig", output_config(&chat)?);
    set(&mut out, "additionalModelRequestFields", additional(&chat, maker, drops_unsupported)?);
    if outgoing.counts_tokens {
        // What is about an answer has no place there.
        let counted = ["messages", "system", "toolConfig", "additionalModelRequestFields"];
        out.as_object_mut().into_iter().for_each(|out| out.retain(|name, _| counted.contains(&name.as_str())));
        out = json!({ "input": { "converse": out } });
    }
    serde_json::to_vec(&out).map_err(|_| ApiError::internal())
}

fn set(out: &mut Value, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        out[name] = value;
    }
}

fn tool_config(chat: &MessagesFields, turns: &Turns, drops_unsupported: bool) -> Result<Option<Value>, ApiError> {
    let mut tools = Vec::new();
    for (index, tool) in chat.list("tools").iter().enumerate() {
        let (name, function) = function(index, tool)?;
        let mut told = json!({ "name": name, "inputSchema": { "json": parameters(function) } });
        let given = |field: &str| function.get(field).filter(|value| !value.is_null() && *value != "").cloned();
        set(&mut told, "description", given("description"));
        set(&mut told, "strict", given("strict"));
        tools.push(json!({ "toolSpec": told }));
        tools.extend(tool.get("cache_control").and_then(|mark| turns.mark(mark)));
    }
    if tools.is_empty() {
        return Ok(None);
    }
    if chat.is_single_call() && !drops_unsupported {
        return Err(ApiError::unsupported("parallel_tool_calls", "One call at a time is"));
    }
    let choice = chat.get("tool_choice");
    let choice = match choice.map(|choice| (choice.as_str(), choice["type"].as_str())) {
        None => None,
        Some((Some("auto"), _)) => Some(json!({ "auto": {} })),
        Some((Some("required"), _)) => Some(json!({ "any": {} })),
        // Without tools none can be called; but calls that were made before must be explained.
        Some((Some("none"), _)) if !turns.has_calls => return Ok(None),
        Some((Some("none"), _)) if drops_unsupported => None,
        Some((Some("none"), _)) => {
            return Err(ApiError::unsupported("tool_choice", "No further call after calls of tools is"));
        }
        Some((None, Some("function"))) => {
            Some(json!({ "tool": { "name": choice.map(|choice| &choice["function"]["name"]) } }))
        }
        Some(_) => return Err(ApiError::unsupported("tool_choice", "Choices other than of functions are")),
    };
    let mut config = json!({ "tools": tools });
    set(&mut config, "toolChoice", choice);
    Ok(Some(config))
}

/// There a schema is a text.
fn output_config(chat: &MessagesFields) -> Result<Option<Value>, ApiError> {
    let Some(format) = chat.get("response_format") else { return Ok(None) };
    match format["type"].as_str() {
        None | Some("text") => Ok(None),
        Some("json_schema") => {
            let given = &format["json_schema"];
            let mut schema = json!({ "schema": given["schema"].to_string() });
            for name in ["name", "description"] {
                set(&mut schema, name, Some(given[name].clone()).filter(Value::is_string));
            }
            let format = json!({ "type": "json_schema", "structure": { "jsonSchema": schema } });
            Ok(Some(json!({ "textFormat": format })))
        }
        Some(_) => Err(ApiError::unsupported("response_format.type", "JSON without a schema is")),
    }
}

/// What chat asks for and only some makers' models know.
fn additional(chat: &MessagesFields, maker: Maker, drops_unsupported: bool) -> Result<Option<Value>, ApiError> {
    let mut fields = Map::new();
    let mut unknown = None;
    let mut place = |name: &'static str, is_known: bool, field: &str, value: Option<Value>| match value {
        Some(value) if is_known => drop(fields.insert(field.to_owned(), value)),
        Some(_) => unknown = unknown.or(Some(name)),
        None => {}
    };
    let is_anthropic = maker == Maker::Anthropic;
    place("top_k", is_anthropic, "top_k", chat.get("top_k").cloned());
    place("thinking", is_anthropic, "thinking", chat.get("thinking").cloned());
    match (chat.text("reasoning_effort"), maker) {
        (None, _) => {}
        // Models of others think as they are made.
        (Some("none"), Maker::Other | Maker::Nova) => {}
        (Some("none"), Maker::Anthropic) if chat.get("thinking").is_none() => {
            place("reasoning_effort", true, "thinking", Some(json!({ "type": "disabled" })));
        }
        (Some("none"), Maker::Anthropic) => {}
        (Some(effort), Maker::Anthropic) => {
            let effort = if effort == "minimal" { "low" } else { effort };
            place("reasoning_effort", true, "output_config", Some(json!({ "effort": effort })));
        }
        (Some(effort), _) => {
            place("reasoning_effort", maker == Maker::Openai, "reasoning_effort", Some(json!(effort)));
        }
    }
    match unknown.filter(|_| !drops_unsupported) {
        Some(name) => Err(ApiError::unsupported(name, "For this model it is")),
        None => Ok((!fields.is_empty()).then_some(Value::Object(fields))),
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
