//! A Messages request as a chat request. Errors name this API's fields.

use serde_json::{Map, Value, json};

use super::input::Conversation;
use super::request::{MessagesRequest, OutputFormat, Tool};
use crate::chat::{ChatMessage, ChatRequest, ObjectOnly, Role, Stop, StreamOptions};
use crate::error::ApiError;
use crate::places::{Names, Places};

const NAMES: Names = Names {
    messages: "messages",
    call_id: ["tool_use_id", "id"],
    arguments: "input",
    parameters: "input_schema",
    fields: &[
        ("max_completion_tokens", "max_tokens"),
        ("stop", "stop_sequences"),
        ("response_format.json_schema", "output_config.format"),
        ("response_format", "output_config.format"),
        ("reasoning_effort", "output_config.effort"),
        ("tool_choice.function", "tool_choice"),
        ("parallel_tool_calls", "tool_choice.disable_parallel_tool_use"),
    ],
};

/// As [`translate`], without the way back for errors.
///
/// # Errors
/// As [`translate`].
pub fn to_chat(request: &MessagesRequest) -> Result<ChatRequest, ApiError> {
    translate(request).map(|(chat, _)| chat)
}

/// The chat request, and [`Places`] that restate an error found in it. A streamed one asks for usage, which this API
/// always tells. A last message of the assistant's is the beginning of the answer.
///
/// # Errors
/// 400 for what this API demands and the request lacks, and for blocks and tools that cannot be served; `param` names
/// it.
pub fn translate(request: &MessagesRequest) -> Result<(ChatRequest, Places), ApiError> {
    check_numbers(request)?;
    let tools = request.tools.iter().flatten().enumerate();
    let tools: Vec<Value> = tools.map(|(index, tool)| chat_tool(index, tool)).collect::<Result<_, _>>()?;
    let choice = request.tool_choice.as_ref();
    let tool_choice = chat_tool_choice(request)?;
    let one_call = choice.and_then(|choice| choice.disable_parallel_tool_use).filter(|_| !tools.is_empty());
    let conversation = Conversation::of(request)?;
    let is_begun = conversation.messages.last().is_some_and(is_beginning);
    let is_stream = request.stream == Some(true);
    let stream_options = StreamOptions { include_usage: Some(true), object_only: ObjectOnly };
    let chat = ChatRequest {
        model: request.model.clone(),
        messages: conversation.messages,
        stream: request.stream,
        stream_options: is_stream.then_some(stream_options),
        temperature: request.temperature,
        top_p: request.top_p,
        top_k: request.top_k,
        max_completion_tokens: Some(request.max_tokens),
        stop: request.stop_sequences.clone().filter(|stop| !stop.is_empty()).map(Stop),
        tools: (!tools.is_empty()).then_some(tools),
        tool_choice,
        parallel_tool_calls: one_call.map(|one| !one),
        response_format: response_format(request)?,
        reasoning_effort: request.output_config.as_ref().and_then(|config| config.effort.clone()),
        chat_template_kwargs: thinking_switch(request)?,
        thinking: request.thinking.as_ref().and_then(|thinking| json!(thinking).as_object().cloned()),
        add_generation_prompt: is_begun.then_some(false),
        continue_final_message: is_begun.then_some(true),
        user: request.metadata.as_ref().and_then(|metadata| metadata.user_id.clone()),
        ..ChatRequest::default()
    };
    Ok((chat, Places { messages: conversation.places, names: &NAMES }))
}

/// The chat request whose tokens are to be counted; no answer is asked for.
///
/// # Errors
/// As [`translate`].
pub fn translate_count(request: &MessagesRequest) -> Result<(ChatRequest, Places), ApiError> {
    let (chat, places) = translate(request)?;
    let chat = ChatRequest { max_completion_tokens: None, stream: None, stream_options: None, ..chat };
    Ok((chat, places))
}

fn is_beginning(last: &ChatMessage) -> bool {
    last.role == Role::Assistant && last.tool_calls.is_none() && last.content.is_some()
}

/// What is narrower here than in chat.
fn check_numbers(request: &MessagesRequest) -> Result<(), ApiError> {
    if request.max_tokens < 1 {
        return Err(ApiError::invalid("max_tokens", "Invalid 'max_tokens': it must be at least 1."));
    }
    if request.temperature.is_some_and(|temperature| !(0.0..=1.0).contains(&temperature)) {
        return Err(ApiError::invalid("temperature", "Invalid 'temperature': it must lie between 0 and 1."));
    }
    Ok(())
}

fn chat_tool(index: usize, tool: &Tool) -> Result<Value, ApiError> {
    if !matches!(tool.kind.as_deref(), None | Some("custom")) {
        return Err(ApiError::unsupported(&format!("tools[{index}].type"), "Tools that a provider runs are"));
    }
    let param = format!("tools[{index}].input_schema");
    let schema = tool.input_schema.as_ref().ok_or_else(|| ApiError::missing(&param))?;
    let mut function = json!({ "name": tool.name });
    if let Some(description) = &tool.description {
        function["description"] = json!(description);
    }
    function["parameters"] = schema.clone();
    if let Some(strict) = tool.strict {
        function["strict"] = json!(strict);
    }
    let mut told = json!({ "type": "function", "function": function });
    if let Some(cached) = &tool.cache_control {
        told["cache_control"] = json!(cached);
    }
    Ok(told)
}

fn chat_tool_choice(request: &MessagesRequest) -> Result<Option<Value>, ApiError> {
    let Some(choice) = &request.tool_choice else { return Ok(None) };
    match choice.kind.as_str() {
        "auto" => Ok(Some(json!("auto"))),
        "any" => Ok(Some(json!("required"))),
        "none" => Ok(Some(json!("none"))),
        "tool" => {
            let name = choice.name.as_ref().ok_or_else(|| ApiError::missing("tool_choice.name"))?;
            if !request.tools.iter().flatten().any(|tool| &tool.name == name) {
                let message = "Invalid value for 'tool_choice.name': expected the name of one of the tools.";
                return Err(ApiError::invalid("tool_choice.name", message));
            }
            Ok(Some(json!({ "type": "function", "function": { "name": name } })))
        }
        _ => {
            let message = "Invalid value for 'tool_choice.type': expected auto, any, tool or none.";
            Err(ApiError::invalid("tool_choice.type", message))
        }
    }
}

/// Templates of reasoning models know a switch, not a budget: thoughts are bounded by `max_tokens` alone.
fn thinking_switch(request: &MessagesRequest) -> Result<Option<Map<String, Value>>, ApiError> {
    let Some(thinking) = &request.thinking else { return Ok(None) };
    let is_enabled = match thinking.kind.as_str() {
        "adaptive" => return Ok(None),
        "enabled" => true,
        "disabled" => false,
        _ => {
            let message = "Invalid value for 'thinking.type': expected enabled, disabled or adaptive.";
            return Err(ApiError::invalid("thinking.type", message));
        }
    };
    if is_enabled {
        let budget = thinking.budget_tokens.ok_or_else(|| ApiError::missing("thinking.budget_tokens"))?;
        if budget < 1 || budget >= request.max_tokens {
            let message = "Invalid 'thinking.budget_tokens': it must be at least 1 and less than 'max_tokens'.";
            return Err(ApiError::invalid("thinking.budget_tokens", message));
        }
    }
    Ok(Some(Map::from_iter([("enable_thinking".to_owned(), json!(is_enabled))])))
}

fn response_format(request: &MessagesRequest) -> Result<Option<Value>, ApiError> {
    let Some(format) = request.output_config.as_ref().and_then(|config| config.format.as_ref()) else {
        return Ok(None);
    };
    let OutputFormat { kind, schema, .. } = format;
    if kind != "json_schema" {
        let message = "Invalid value for 'output_config.format.type': expected json_schema.";
        return Err(ApiError::invalid("output_config.format.type", message));
    }
    let schema = schema.as_ref().ok_or_else(|| ApiError::missing("output_config.format.schema"))?;
    let inner = json!({ "name": "output", "schema": schema, "strict": true });
    Ok(Some(json!({ "type": "json_schema", "json_schema": inner })))
}

#[cfg(test)]
#[path = "to_chat_tests.rs"]
mod tests;
