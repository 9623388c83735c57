//! A Responses request as a chat request. Errors name this API's fields.

use serde_json::{Value, json};

use super::input::Conversation;
use super::request::{ENCRYPTED_CONTENT, ResponsesRequest, TextFormat, Tool};
use crate::chat::{ChatRequest, ObjectOnly, StreamOptions};
use crate::error::ApiError;
use crate::places::{Names, Places};

const NAMES: Names = Names {
    messages: "input",
    call_id: ["call_id", "call_id"],
    arguments: "arguments",
    parameters: "parameters",
    fields: &[
        ("max_completion_tokens", "max_output_tokens"),
        ("response_format.json_schema", "text.format"),
        ("response_format", "text.format"),
        ("reasoning_effort", "reasoning.effort"),
        ("tool_choice.function", "tool_choice"),
        ("logprobs", "include"),
    ],
};

const LOGPROBS: &str = "message.output_text.logprobs";
/// What may be asked for although no answer here ever has it.
const OTHER_INCLUDES: [&str; 6] = [
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "code_interpreter_call.outputs",
    "computer_call_output.output.image_url",
    "message.input_image.image_url",
];
const MAX_TOP_LOGPROBS: i64 = 20;

/// As [`translate`], without the way back for errors.
///
/// # Errors
/// As [`translate`].
pub fn to_chat(request: &ResponsesRequest) -> Result<ChatRequest, ApiError> {
    translate(request).map(|(chat, _)| chat)
}

/// The chat request, and [`Places`] that restate an error found in it. A streamed one asks for usage, which the last
/// event of this API needs.
///
/// # Errors
/// 400 for what this API demands and the request lacks, and for what cannot be served (state kept between requests,
/// tools that a provider runs, kinds of content that chat does not know); `param` names it.
pub fn translate(request: &ResponsesRequest) -> Result<(ChatRequest, Places), ApiError> {
    refuse_state(request)?;
    if !matches!(request.truncation.as_deref(), None | Some("auto" | "disabled")) {
        return Err(ApiError::invalid("truncation", "Invalid value for 'truncation': expected auto or disabled."));
    }
    let wants_logprobs = wants_logprobs(request)?;
    let (tools, tool_choice) = tools(request)?;
    let conversation = Conversation::of(request)?;
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
        min_p: request.min_p,
        seed: request.seed,
        max_completion_tokens: request.max_output_tokens,
        min_tokens: request.min_tokens,
        stop: request.stop.clone(),
        ignore_eos: request.ignore_eos,
        presence_penalty: request.presence_penalty,
        frequency_penalty: request.frequency_penalty,
        repetition_penalty: request.repetition_penalty,
        logit_bias: request.logit_bias.clone(),
        include_stop_str_in_output: request.include_stop_str_in_output,
        skip_special_tokens: request.skip_special_tokens,
        logprobs: wants_logprobs.then_some(true),
        top_logprobs: request.top_logprobs.filter(|_| wants_logprobs),
        parallel_tool_calls: request.parallel_tool_calls.filter(|_| tools.is_some()),
        tools,
        tool_choice,
        response_format: response_format(request)?,
        structured_outputs: request.structured_outputs.clone(),
        reasoning_effort: request.reasoning.as_ref().and_then(|reasoning| reasoning.effort.clone()),
        chat_template_kwargs: request.chat_template_kwargs.clone(),
        priority: request.priority,
        cache_salt: request.cache_salt.clone(),
        user: request.user.clone(),
        ..ChatRequest::default()
    };
    Ok((chat, Places { messages: conversation.places, names: &NAMES }))
}

/// A translation keeps nothing between requests: forgetting a part of the conversation silently would be worse.
fn refuse_state(request: &ResponsesRequest) -> Result<(), ApiError> {
    let refused = [
        ("previous_response_id", request.previous_response_id.is_some(), "Answers kept between requests are"),
        ("conversation", request.conversation.is_some(), "Conversations kept between requests are"),
        ("prompt", request.prompt.is_some(), "Stored prompts are"),
        ("background", request.background == Some(true), "Answers in the background are"),
    ];
    match refused.into_iter().find(|(_, is_given, _)| *is_given) {
        Some((param, _, what)) => Err(ApiError::unsupported(param, what)),
        None => Ok(()),
    }
}

fn wants_logprobs(request: &ResponsesRequest) -> Result<bool, ApiError> {
    let includes = request.include.as_deref().unwrap_or_default();
    let is_known =
        |name: &String| name == LOGPROBS || name == ENCRYPTED_CONTENT || OTHER_INCLUDES.contains(&name.as_str());
    if let Some(index) = includes.iter().position(|name| !is_known(name)) {
        let param = format!("include[{index}]");
        return Err(ApiError::invalid(&param, format!("Invalid value for '{param}': it is not a known name.")));
    }
    if request.top_logprobs.is_some_and(|count| !(0..=MAX_TOP_LOGPROBS).contains(&count)) {
        let message = format!("Invalid 'top_logprobs': it must lie between 0 and {MAX_TOP_LOGPROBS}.");
        return Err(ApiError::invalid("top_logprobs", message));
    }
    Ok(includes.iter().any(|name| name == LOGPROBS))
}

type ToolFields = (Option<Vec<Value>>, Option<Value>);

fn tools(request: &ResponsesRequest) -> Result<ToolFields, ApiError> {
    let tools = request.tools.iter().flatten().enumerate();
    let mut tools: Vec<Value> = tools.map(|(index, tool)| chat_tool(index, tool)).collect::<Result<_, _>>()?;
    let mut choice = None;
    if let Some(given) = &request.tool_choice {
        choice = chat_tool_choice(given, &mut tools)?;
    }
    Ok(((!tools.is_empty()).then_some(tools), choice))
}

fn chat_tool(index: usize, tool: &Tool) -> Result<Value, ApiError> {
    if tool.kind != "function" {
        return Err(ApiError::unsupported(&format!("tools[{index}].type"), "Tools other than functions are"));
    }
    let name = tool.name.as_ref().ok_or_else(|| ApiError::missing(&format!("tools[{index}].name")))?;
    let mut function = json!({ "name": name });
    if let Some(description) = &tool.description {
        function["description"] = json!(description);
    }
    if let Some(parameters) = &tool.parameters {
        function["parameters"] = parameters.clone();
    }
    if let Some(strict) = tool.strict {
        function["strict"] = json!(strict);
    }
    Ok(json!({ "type": "function", "function": function }))
}

/// `allowed_tools` becomes a shorter list of tools.
fn chat_tool_choice(choice: &Value, tools: &mut Vec<Value>) -> Result<Option<Value>, ApiError> {
    let wrong = |param: &str, expected: &str| {
        Err(ApiError::invalid(param, format!("Invalid value for '{param}': expected {expected}.")))
    };
    let kind = match choice {
        Value::Null => return Ok(None),
        Value::String(mode) if ["auto", "none", "required"].contains(&mode.as_str()) => {
            return Ok(Some(choice.clone()));
        }
        Value::Object(fields) => fields.get("type").and_then(Value::as_str),
        _ => return wrong("tool_choice", "auto, none, required or a function"),
    };
    let has_tool = |tools: &[Value], name: &str| tools.iter().any(|tool| tool["function"]["name"] == name);
    match kind {
        Some("function") => match choice["name"].as_str() {
            Some(name) if has_tool(tools, name) => {
                Ok(Some(json!({ "type": "function", "function": { "name": name } })))
            }
            Some(_) => wrong("tool_choice.name", "the name of one of the tools"),
            None => Err(ApiError::missing("tool_choice.name")),
        },
        Some("allowed_tools") => {
            let Some(mode) = choice["mode"].as_str().filter(|mode| ["auto", "required"].contains(mode)) else {
                return wrong("tool_choice.mode", "auto or required");
            };
            let Some(allowed) = choice["tools"].as_array().filter(|allowed| !allowed.is_empty()) else {
                return wrong("tool_choice.tools", "an array of at least one tool");
            };
            for (index, tool) in allowed.iter().enumerate() {
                if tool["type"] != "function" || !tool["name"].as_str().is_some_and(|name| has_tool(tools, name)) {
                    return wrong(&format!("tool_choice.tools[{index}]"), "one of the tools");
                }
            }
            tools.retain(|tool| allowed.iter().any(|allowed| allowed["name"] == tool["function"]["name"]));
            Ok(Some(json!(mode)))
        }
        _ => Err(ApiError::unsupported("tool_choice.type", "Tools other than functions are")),
    }
}

fn response_format(request: &ResponsesRequest) -> Result<Option<Value>, ApiError> {
    let Some(format) = request.text.as_ref().and_then(|text| text.format.as_ref()) else { return Ok(None) };
    let TextFormat { kind, name, description, schema, strict, .. } = format;
    match kind.as_str() {
        "text" => Ok(None),
        "json_object" => Ok(Some(json!({ "type": "json_object" }))),
        "json_schema" => {
            let name = name.as_ref().ok_or_else(|| ApiError::missing("text.format.name"))?;
            let schema = schema.as_ref().ok_or_else(|| ApiError::missing("text.format.schema"))?;
            let mut inner = json!({ "name": name, "schema": schema });
            if let Some(description) = description {
                inner["description"] = json!(description);
            }
            if let Some(strict) = strict {
                inner["strict"] = json!(strict);
            }
            Ok(Some(json!({ "type": "json_schema", "json_schema": inner })))
        }
        _ => {
            let message = "Invalid value for 'text.format.type': expected text, json_object or json_schema.";
            Err(ApiError::invalid("text.format.type", message))
        }
    }
}

#[cfg(test)]
#[path = "to_chat_tests.rs"]
mod tests;
