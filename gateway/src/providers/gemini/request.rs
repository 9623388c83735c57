//! A chat request in Gemini's words. What has none there is refused by its name, or left out where the provider's
//! configuration says so; hints that change no answer always are.

use serde_json::{Map, Value, json};
use shekara_protocol::error::ApiError;

use super::content::Turns;
use super::tools;
use crate::providers::Outgoing;
use crate::providers::chat_fields::ChatFields;

const KNOWN: [&str; 16] = [
    "frequency_penalty",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "n",
    "presence_penalty",
    "reasoning_effort",
    "response_format",
    "seed",
    "stop",
    "temperature",
    "tool_choice",
    "tools",
    "top_k",
    "top_logprobs",
    "top_p",
];

/// # Errors
/// 400: the request asks for what this API does not have; the field is named.
pub(super) fn generate_body(
    (body, model): (&[u8], &str),
    outgoing: Outgoing<'_>,
    drops_unsupported: bool,
) -> Result<Vec<u8>, ApiError> {
    let request: Map<String, Value> = serde_json::from_slice(body).map_err(|_| ApiError::internal())?;
    let chat = ChatFields::new(&request, drops_unsupported);
    chat.check(&KNOWN)?;
    let turns = Turns::read(chat, model)?;
    let mut out = json!({ "contents": turns.contents });
    if !turns.system.is_empty() {
        out["systemInstruction"] = json!({ "parts": turns.system });
    }
    if let Some((declarations, config)) = tools::tools(chat)? {
        out["tools"] = json!([{ "functionDeclarations": declarations }]);
        out["toolConfig"] = json!({ "functionCallingConfig": config });
    }
    let config = generation_config(chat, model, outgoing)?;
    if !config.is_empty() {
        out["generationConfig"] = Value::Object(config);
    }
    serde_json::to_vec(&out).map_err(|_| ApiError::internal())
}

fn generation_config(
    chat: ChatFields<'_>,
    model: &str,
    outgoing: Outgoing<'_>,
) -> Result<Map<String, Value>, ApiError> {
    const SAME: [(&str, &str); 9] = [
        ("temperature", "temperature"),
        ("top_p", "topP"),
        ("top_k", "topK"),
        ("seed", "seed"),
        ("n", "candidateCount"),
        ("presence_penalty", "presencePenalty"),
        ("frequency_penalty", "frequencyPenalty"),
        ("logprobs", "responseLogprobs"),
        ("top_logprobs", "logprobs"),
    ];
    let mut config = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            config.insert(name.to_owned(), value);
        }
    };
    for (name, own) in SAME {
        set(own, chat.asked(name).cloned());
    }
    set("maxOutputTokens", chat.max_tokens(outgoing.max_output_tokens));
    set("stopSequences", chat.stop());
    set("thinkingConfig", thinking(chat, model)?);
    let format = chat.get("response_format");
    match format.and_then(|format| format["type"].as_str()) {
        None | Some("text") => {}
        Some("json_object") => set("responseMimeType", Some(json!("application/json"))),
        Some("json_schema") => {
            set("responseMimeType", Some(json!("application/json")));
            let schema = format.map(|format| &format["json_schema"]["schema"]);
            set("responseJsonSchema", schema.filter(|schema| !schema.is_null()).cloned());
        }
        Some(_) => return Err(ApiError::unsupported("response_format.type", "This format is")),
    }
    Ok(config)
}

/// How much is thought, in tokens before Gemini 3 and in levels since. Thoughts then come apart from what is said.
fn thinking(chat: ChatFields<'_>, model: &str) -> Result<Option<Value>, ApiError> {
    let Some(effort) = chat.text("reasoning_effort") else { return Ok(None) };
    let level = match effort {
        "none" if knows_levels(model) => {
            chat.unsupported("reasoning_effort", "Not to think at all is")?;
            return Ok(None);
        }
        "none" => return Ok(Some(json!({ "thinkingBudget": 0 }))),
        "minimal" => ("MINIMAL", 1_024),
        "low" => ("LOW", 1_024),
        "medium" => ("MEDIUM", 8_192),
        "high" | "xhigh" | "max" => ("HIGH", 24_576),
        _ => return Err(ApiError::unsupported("reasoning_effort", "This effort is")),
    };
    Ok(Some(if knows_levels(model) {
        json!({ "includeThoughts": true, "thinkingLevel": level.0 })
    } else {
        json!({ "includeThoughts": true, "thinkingBudget": level.1 })
    }))
}

/// Models before Gemini 3 know budgets only, and sign no thoughts.
pub(super) fn knows_levels(model: &str) -> bool {
    !["gemini-1", "gemini-2", "gemma"].iter().any(|earlier| model.starts_with(earlier))
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
