//! Functions and the choice between them, in Gemini's words.

use serde_json::{Value, json};
use shekara_protocol::error::ApiError;

use crate::providers::chat_fields::ChatFields;

/// Declarations of functions, and how they may be called. `None`: no functions.
///
/// # Errors
/// 400 for another kind of tool or choice.
pub(super) fn tools(chat: ChatFields<'_>) -> Result<Option<(Vec<Value>, Value)>, ApiError> {
    let functions = chat.functions()?;
    if functions.is_empty() {
        return Ok(None);
    }
    // A schema that must be kept is checked while the call is written.
    let is_strict = functions.iter().any(|function| function["strict"] == true);
    let config = choice(chat, if is_strict { "VALIDATED" } else { "AUTO" })?;
    Ok(Some((functions.into_iter().map(declaration).collect(), config)))
}

fn declaration(function: &Value) -> Value {
    let mut declared = json!({ "name": function["name"] });
    for (name, own) in [("description", "description"), ("parameters", "parametersJsonSchema")] {
        if let Some(value) = function.get(name).filter(|value| !value.is_null() && **value != json!({})) {
            declared[own] = value.clone();
        }
    }
    declared
}

fn choice(chat: ChatFields<'_>, free: &str) -> Result<Value, ApiError> {
    let only = |mode: &str, names: Vec<&Value>| json!({ "mode": mode, "allowedFunctionNames": names });
    let Some(choice) = chat.get("tool_choice") else { return Ok(json!({ "mode": free })) };
    Ok(match (choice.as_str(), choice["type"].as_str()) {
        (Some("auto"), _) => json!({ "mode": free }),
        (Some("none"), _) => json!({ "mode": "NONE" }),
        (Some("required"), _) => json!({ "mode": "ANY" }),
        (None, Some("function")) => only("ANY", vec![&choice["function"]["name"]]),
        (None, Some("allowed_tools")) => {
            let allowed = &choice["allowed_tools"];
            let names = allowed["tools"].as_array().into_iter().flatten().map(|tool| &tool["function"]["name"]);
            // Which functions are allowed can be said in these two modes only.
            only(if allowed["mode"] == "required" { "ANY" } else { "VALIDATED" }, names.collect())
        }
        _ => return Err(ApiError::unsupported("tool_choice", "Choices other than of functions are")),
    })
}
