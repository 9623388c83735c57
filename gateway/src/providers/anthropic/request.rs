//! A chat request in Anthropic's words. What has none there is refused by its name, or left out where the provider's
//! configuration says so; hints that change no answer always are.

use serde_json::{Map, Value, json};
use shekara_protocol::error::ApiError;

use super::content::Turns;
use crate::providers::Outgoing;

/// Where neither the request nor the route bounds the answer: this API demands a bound.
const DEFAULT_MAX_TOKENS: u64 = 8_192;

/// About the request rather than the answer.
const HINTS: [&str; 7] = [
    "metadata",
    "store",
    "stream_options",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
];

/// # Errors
/// 400: the request asks for what this API does not have; the field is named.
pub(super) fn messages_body(
    (body, model): (&[u8], &str),
    outgoing: Outgoing<'_>,
    drops_unsupported: bool,
) -> Result<Vec<u8>, ApiError> {
    let request: Map<String, Value> = serde_json::from_slice(body).map_err(|_| ApiError::internal())?;
    let chat = Chat(&request);
    if !drops_unsupported {
        chat.refuse_the_rest()?;
    }
    let turns = Turns::read(chat.get("messages").and_then(Value::as_array).map_or(&[], Vec::as_slice))?;
    let mut out = json!({ "model": model, "messages": turns.messages, "max_tokens": chat.max_tokens(outgoing) });
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            out[name] = value;
        }
    };
    set("system", (!turns.system.is_empty()).then(|| json!(turns.system)));
    set("temperature", chat.temperature(drops_unsupported)?);
    set("top_p", chat.get("top_p").cloned());
    set("top_k", chat.get("top_k").cloned());
    set("stop_sequences", chat.stop());
    set("stream", outgoing.stream.then_some(json!(true)));
    let tools = chat.tools()?;
    set("tool_choice", chat.tool_choice(!tools.is_empty())?);
    set("tools", (!tools.is_empty()).then(|| json!(tools)));
    set("output_config", chat.output_config()?);
    set("thinking", (chat.text("reasoning_effort") == Some("none")).then(|| json!({ "type": "disabled" })));
    set("metadata", chat.text("user").map(|user| json!({ "user_id": user })));
    serde_json::to_vec(&out).map_err(|_| ApiError::internal())
}

struct Chat<'c>(&'c Map<String, Value>);

impl<'c> Chat<'c> {
    /// A field that says something.
    fn get(&self, name: &str) -> Option<&'c Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Option<&'c str> {
        self.get(name).and_then(Value::as_str)
    }

    fn refuse_the_rest(&self) -> Result<(), ApiError> {
        // A last message of the assistant's begins the answer there by itself.
        const READ: [&str; 18] = [
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
            "user",
            "chat_template_kwargs",
            "add_generation_prompt",
            "continue_final_message",
        ];
        let says_nothing = |name: &str, value: &Value| match name {
            "n" => value == 1,
            "frequency_penalty" | "presence_penalty" | "top_logprobs" => value.as_f64() == Some(0.0),
            "logprobs" => value == false,
            "logit_bias" => value.as_object().is_some_and(Map::is_empty),
            "modalities" => value == &json!(["text"]),
            _ => false,
        };
        for (name, value) in self.0.iter().filter(|(_, value)| !value.is_null()) {
            let is_known = READ.contains(&name.as_str()) || HINTS.contains(&name.as_str()) || says_nothing(name, value);
            if !is_known {
                // A name may be the caller's own word: it stands where what is quoted is looked for.
                let message = "The provider of this model has no such field.";
                return Err(ApiError::invalid(name, message).with_code("unsupported_value"));
            }
        }
        Ok(())
    }

    fn max_tokens(&self, outgoing: Outgoing<'_>) -> Value {
        let asked = self.get("max_completion_tokens").or_else(|| self.get("max_tokens")).cloned();
        asked.unwrap_or_else(|| outgoing.max_output_tokens.map_or(json!(DEFAULT_MAX_TOKENS), |limit| json!(limit)))
    }

    /// Where nothing is refused, the highest there is stands for higher ones.
    fn temperature(&self, drops_unsupported: bool) -> Result<Option<Value>, ApiError> {
        let temperature = self.get("temperature");
        if temperature.and_then(Value::as_f64).is_some_and(|temperature| temperature > 1.0) {
            if drops_unsupported {
                return Ok(Some(json!(1.0)));
            }
            return Err(ApiError::unsupported("temperature", "Temperatures above 1 are"));
        }
        Ok(temperature.cloned())
    }

    fn stop(&self) -> Option<Value> {
        let stop = self.get("stop")?;
        Some(if stop.is_array() { stop.clone() } else { json!([stop]) }).filter(|stop| stop != &json!([]))
    }

    fn tools(&self) -> Result<Vec<Value>, ApiError> {
        let tools = self.get("tools").and_then(Value::as_array).into_iter().flatten().enumerate();
        tools
            .map(|(index, tool)| {
                let function = &tool["function"];
                let name = function["name"].as_str().filter(|_| tool["type"] == "function");
                let name = name.ok_or_else(|| {
                    ApiError::unsupported(&format!("tools[{index}].type"), "Tools other than functions are")
                })?;
                let empty = || json!({ "type": "object", "properties": {} });
                let schema = Some(&function["parameters"]).filter(|schema| schema.is_object());
                let mut told = json!({ "name": name, "input_schema": schema.cloned().unwrap_or_else(empty) });
                for field in ["description", "strict"] {
                    if let Some(value) = function.get(field).filter(|value| !value.is_null()) {
                        told[field] = value.clone();
                    }
                }
                if let Some(cached) = tool.get("cache_control") {
                    told["cache_control"] = cached.clone();
                }
                Ok(told)
            })
            .collect()
    }

    fn tool_choice(&self, has_tools: bool) -> Result<Option<Value>, ApiError> {
        let choice = self.get("tool_choice");
        let mut told = match choice.map(|choice| (choice.as_str(), choice["type"].as_str())) {
            None | Some((Some("auto"), _)) => json!({ "type": "auto" }),
            Some((Some("none"), _)) => json!({ "type": "none" }),
            Some((Some("required"), _)) => json!({ "type": "any" }),
            Some((None, Some("function"))) => {
                json!({ "type": "tool", "name": choice.map(|choice| &choice["function"]["name"]) })
            }
            Some(_) => return Err(ApiError::unsupported("tool_choice", "Choices other than of functions are")),
        };
        let is_single = self.get("parallel_tool_calls") == Some(&json!(false));
        if is_single && told["type"] != "none" {
            told["disable_parallel_tool_use"] = json!(true);
        }
        Ok((has_tools && (choice.is_some() || is_single)).then_some(told))
    }

    fn output_config(&self) -> Result<Option<Value>, ApiError> {
        let mut config = Map::new();
        match self.text("reasoning_effort") {
            None | Some("none") => {}
            Some("minimal") => {
                config.insert("effort".to_owned(), json!("low"));
            }
            Some(effort) => {
                config.insert("effort".to_owned(), json!(effort));
            }
        }
        let format = self.get("response_format");
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
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
