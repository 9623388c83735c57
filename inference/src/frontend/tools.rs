//! The tools of a request: which there are, which the model may or must call.

use std::collections::HashSet;

use serde_json::Value;
use shekara_protocol::chat::{ChatMessage, ChatRequest, Role};
use shekara_protocol::error::ApiError;

use super::output::ToolSpec;
use super::valid_sampling::{invalid, unsupported};

const MAX_TOOLS: usize = 128;
const MAX_NAME_CHARS: usize = 64;

/// What `tool_choice` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ToolChoice {
    None,
    Auto,
    Required,
    Function(String),
}

/// The tools of a request that may call some.
#[derive(Clone, Debug)]
pub(super) struct Tools {
    pub specs: Vec<ToolSpec>,
    pub choice: ToolChoice,
    /// More than one call in an answer.
    pub parallel: bool,
}

impl Tools {
    /// None if the request has no tools. Those that must not be called are still shown to no model.
    ///
    /// # Errors
    /// A 400 that names the field at fault.
    pub(super) fn check(request: &ChatRequest) -> Result<Option<Self>, ApiError> {
        let specs = specs(request.tools.as_deref().unwrap_or_default())?;
        let choice = choice(request.tool_choice.as_ref(), &specs)?;
        check_answers(&request.messages)?;
        if specs.is_empty() || choice == ToolChoice::None {
            return Ok(None);
        }
        Ok(Some(Self { specs, choice, parallel: request.parallel_tool_calls.unwrap_or(true) }))
    }
}

fn specs(tools: &[Value]) -> Result<Vec<ToolSpec>, ApiError> {
    if tools.len() > MAX_TOOLS {
        return Err(invalid("tools", "expected at most 128 tools"));
    }
    let specs = tools.iter().enumerate().map(|(index, tool)| spec(index, tool));
    let specs: Vec<ToolSpec> = specs.collect::<Result<_, _>>()?;
    let mut names = HashSet::new();
    for (index, spec) in specs.iter().enumerate() {
        if !names.insert(&spec.name) {
            return Err(invalid(&format!("tools[{index}].function.name"), "another tool has the same name"));
        }
    }
    Ok(specs)
}

fn spec(index: usize, tool: &Value) -> Result<ToolSpec, ApiError> {
    let field = |name: &str| format!("tools[{index}]{name}");
    if !tool.is_object() {
        return Err(invalid(&field(""), "expected an object"));
    }
    match tool["type"].as_str() {
        Some("function") => {}
        Some(_) => return Err(unsupported(&field(".type"), "tools other than functions")),
        None => return Err(ApiError::missing(&field(".type"))),
    }
    let function = tool["function"].as_object().ok_or_else(|| ApiError::missing(&field(".function")))?;
    let name = function.get("name").ok_or_else(|| ApiError::missing(&field(".function.name")))?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let name = name.as_str().filter(|name| (1..=MAX_NAME_CHARS).contains(&name.len()) && name.chars().all(is_plain));
    let name = name.ok_or_else(|| {
        invalid(&field(".function.name"), "expected 1 to 64 letters, digits, underscores, dots and dashes")
    })?;
    let parameters = function.get("parameters").filter(|parameters| !parameters.is_null());
    if parameters.is_some_and(|parameters| !parameters.is_object()) {
        return Err(invalid(&field(".function.parameters"), "expected a JSON schema"));
    }
    let strict = function.get("strict").and_then(Value::as_bool).unwrap_or(false);
    Ok(ToolSpec::new(name, parameters.cloned(), strict))
}

fn choice(choice: Option<&Value>, specs: &[ToolSpec]) -> Result<ToolChoice, ApiError> {
    let field = "tool_choice";
    let Some(choice) = choice.filter(|choice| !choice.is_null()) else {
        return Ok(if specs.is_empty() { ToolChoice::None } else { ToolChoice::Auto });
    };
    let choice = match choice {
        Value::String(text) => match text.as_str() {
            "none" => ToolChoice::None,
            "auto" => ToolChoice::Auto,
            "required" => ToolChoice::Required,
            _ => return Err(invalid(field, "expected 'none', 'auto', 'required' or a function")),
        },
        Value::Object(_) if choice["type"] == "function" => {
            let name = choice["function"]["name"].as_str().or_else(|| choice["name"].as_str());
            let name = name.ok_or_else(|| ApiError::missing("tool_choice.function.name"))?;
            ToolChoice::Function(name.to_owned())
        }
        Value::Object(_) => return Err(unsupported("tool_choice.type", "choices other than of a function")),
        _ => return Err(invalid(field, "expected 'none', 'auto', 'required' or a function")),
    };
    match &choice {
        ToolChoice::Function(name) if !specs.iter().any(|spec| spec.name == *name) => {
            Err(invalid(field, "the function is not among 'tools'"))
        }
        ToolChoice::Required if specs.is_empty() => Err(invalid(field, "it is only allowed when 'tools' are given")),
        _ => Ok(choice),
    }
}

/// A tool's answer must belong to a call that was made before it.
fn check_answers(messages: &[ChatMessage]) -> Result<(), ApiError> {
    let mut called = HashSet::new();
    for (index, message) in messages.iter().enumerate() {
        for call in message.tool_calls.iter().flatten() {
            called.insert(call.id.as_str());
        }
        if message.role != Role::Tool {
            continue;
        }
        let field = format!("messages[{index}].tool_call_id");
        let id = message.tool_call_id.as_deref().ok_or_else(|| ApiError::missing(&field))?;
        if !called.contains(id) {
            return Err(invalid(&field, "no message before it has a tool call of this id"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shekara_protocol::chat::parse_request;

    use super::*;

    fn check(fields: &Value) -> Result<Option<Tools>, ApiError> {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "x"}]});
        let values = fields.as_object().expect("an object").clone();
        body.as_object_mut().expect("an object").extend(values);
        Tools::check(&parse_request(body.to_string().as_bytes()).expect("a request"))
    }

    fn tool(name: &str) -> Value {
        json!({"type": "function", "function": {"name": name, "parameters": {"type": "object"}}})
    }

    #[test]
    fn choices_are_understood() {
        let tools = json!([tool("f"), tool("g")]);
        let choice = |choice: Value| {
            let tools = check(&json!({"tools": tools, "tool_choice": choice})).expect("valid");
            tools.map(|tools| tools.choice)
        };
        assert_eq!(choice(json!(null)), Some(ToolChoice::Auto));
        assert_eq!(choice(json!("auto")), Some(ToolChoice::Auto));
        assert_eq!(choice(json!("none")), None);
        assert_eq!(choice(json!("required")), Some(ToolChoice::Required));
        let function = json!({"type": "function", "function": {"name": "g"}});
        assert_eq!(choice(function), Some(ToolChoice::Function("g".into())));
        assert!(check(&json!({"tools": [], "tool_choice": "auto"})).expect("valid").is_none());
        assert!(
            !check(&json!({"tools": tools, "parallel_tool_calls": false})).expect("valid").expect("tools").parallel
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        let named = |name: &str| json!({"type": "function", "function": {"name": name}});
        let answer =
            |id: Value| json!([{"role": "user", "content": "x"}, {"role": "tool", "content": "1", "tool_call_id": id}]);
        for (fields, param) in [
            (json!({"tools": [{"function": {"name": "f"}}]}), "tools[0].type"),
            (json!({"tools": [{"type": "web_search"}]}), "tools[0].type"),
            (json!({"tools": [tool("f"), {"type": "function"}]}), "tools[1].function"),
            (json!({"tools": [{"type": "function", "function": {}}]}), "tools[0].function.name"),
            (json!({"tools": [tool("a b")]}), "tools[0].function.name"),
            (json!({"tools": [tool("f"), tool("f")]}), "tools[1].function.name"),
            (
                json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": []}}]}),
                "tools[0].function.parameters",
            ),
            (json!({"tools": [tool("f")], "tool_choice": named("g")}), "tool_choice"),
            (json!({"tools": [tool("f")], "tool_choice": "must"}), "tool_choice"),
            (json!({"tools": [tool("f")], "tool_choice": {"type": "function"}}), "tool_choice.function.name"),
            (json!({"tool_choice": "required"}), "tool_choice"),
            (json!({"tool_choice": named("g")}), "tool_choice"),
            (json!({"messages": answer(json!("call_1"))}), "messages[1].tool_call_id"),
            (json!({"messages": answer(json!(null))}), "messages[1].tool_call_id"),
        ] {
            assert_eq!(check(&fields).expect_err("refused").param.as_deref(), Some(param), "{fields}");
        }
    }
}
