//! Calls that must be made, from weights that know nothing of tools: always valid, whole and streamed.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Models, Server, request, settings};

const MODEL: &str = "qwen3-tiny";
/// More than eight calls take, which is the most that one answer may make.
const MAX_TOKENS: usize = 800;

fn tool(name: &str, parameters: &Value) -> Value {
    json!({"type": "function", "function": {"name": name, "description": "x", "parameters": parameters}})
}

fn tools() -> Value {
    let track = json!({"type": "object", "required": ["number", "urgent"], "additionalProperties": false,
        "properties": {"number": {"type": "string", "pattern": "^[A-Z]{2}[0-9]{3}$"}, "urgent": {"type": "boolean"}}});
    let refund = json!({"type": "object", "required": ["sum", "reason"], "additionalProperties": false, "properties": {
        "sum": {"type": "integer", "minimum": 1, "maximum": 500},
        "reason": {"enum": ["late", "broken", "чужой \"заказ\""]},
        "lines": {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 9}, "maxItems": 3}}});
    json!([tool("track", &track), tool("make-refund", &refund)])
}

/// A model whose chat template teaches a format: the words alone decide, the weights know nothing.
fn taught(models: &Models, name: &str, marker: &str) {
    crate::support::copy_folder(&crate::support::fixture(MODEL), &models.path(name));
    let path = models.path(name).join("tokenizer_config.json");
    let config = std::fs::read_to_string(&path).expect("a configuration");
    let mut config: Value = serde_json::from_str(&config).expect("JSON");
    let template = config["chat_template"].as_str().expect("a template");
    config["chat_template"] = json!(format!("{{% if tools %}}{marker}{{% endif %}}{template}"));
    std::fs::write(&path, config.to_string()).expect("write");
}

/// Names and arguments of the calls of a whole answer.
fn calls(message: &Value) -> Vec<(String, String)> {
    let calls = message["tool_calls"].as_array().unwrap_or_else(|| panic!("{message}"));
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    for call in calls {
        assert!(call["type"] == "function" && text(&call["id"]).starts_with("call_"), "{call}");
    }
    calls.iter().map(|call| (text(&call["function"]["name"]), text(&call["function"]["arguments"]))).collect()
}

/// The same, put together from a stream's deltas.
fn streamed_calls(chunks: &[Value]) -> Vec<(String, String)> {
    let mut calls: Vec<(String, String)> = Vec::new();
    let deltas = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["tool_calls"].as_array());
    for delta in deltas.flatten() {
        let index = delta["index"].as_u64().expect("an index") as usize;
        if let Some(name) = delta["function"]["name"].as_str() {
            assert!(index == calls.len() && delta["id"].is_string() && delta["type"] == "function", "{delta}");
            calls.push((name.to_owned(), String::new()));
        }
        calls[index].1.push_str(delta["function"]["arguments"].as_str().unwrap_or_default());
    }
    calls
}

fn check(answers: &[Vec<(String, String)>], only: Option<&str>) {
    for (name, arguments) in answers.iter().flatten() {
        assert!(only.is_none_or(|only| only == name), "{name}");
        let tools = tools();
        let tool = tools.as_array().expect("a list").iter().find(|tool| tool["function"]["name"] == *name);
        let schema = &tool.expect("a tool of the request")["function"]["parameters"];
        let value = serde_json::from_str(arguments).unwrap_or_else(|error| panic!("{error}: {arguments}"));
        assert!(jsonschema::is_valid(schema, &value), "{name}: {arguments}");
    }
}

async fn ask(server: &Server, (model, num_seeds): (&str, u64), fields: &Value) -> Vec<Vec<(String, String)>> {
    let asked = (0..num_seeds).map(|seed| async move {
        let mut body = request(model, "Do it.", MAX_TOKENS);
        (body["temperature"], body["seed"], body["tools"]) = (json!(1.0), json!(seed), tools());
        body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
        let whole = server.chat(&body).await;
        assert_eq!(whole.status, 200, "{}", whole.body);
        assert_eq!(whole.finish_reason(), "tool_calls", "{model}: {}", whole.body);
        let message = &whole.body["choices"][0]["message"];
        assert_eq!(message["content"], Value::Null, "{model}: {message}");
        let streamed = server.stream(&body).await;
        assert_eq!(streamed.finish_reason(), "tool_calls");
        assert!(streamed.deltas().is_empty(), "{:?}", streamed.deltas());
        assert_eq!(streamed_calls(&streamed.chunks()), calls(message), "{model}, seed {seed}");
        calls(message)
    });
    join_all(asked).await
}

/// Formats by what a template says to teach them, and how many seeds each is tried with.
const FORMATS: [(&str, &str, u64); 7] = [
    ("plain", "", 20),
    ("hermes", "<tool_call>", 20),
    ("mistral", "[TOOL_CALLS]", 4),
    ("llama", "<|python_tag|>", 4),
    ("granite", "<|function_call_library|>", 2),
    ("phi", "<|/tool_call|>", 2),
    ("deepseek", "<｜tool▁call▁begin｜>", 4),
];

#[tokio::test(flavor = "multi_thread")]
async fn required_and_named_calls_are_made_and_fit_their_schemas() {
    let models = Models::new(&[]);
    for (name, marker, _) in FORMATS {
        taught(&models, name, marker);
    }
    let server = models.serve(settings());
    let named = json!({"tool_choice": {"type": "function", "function": {"name": "make-refund"}}});
    let single = json!({"tool_choice": "required", "parallel_tool_calls": false});
    for (model, _, num_seeds) in FORMATS {
        let required = ask(&server, (model, num_seeds), &json!({"tool_choice": "required"})).await;
        check(&required, None);
        assert!(required.iter().all(|calls| !calls.is_empty()));
        let named = ask(&server, (model, num_seeds), &named).await;
        check(&named, Some("make-refund"));
        let single = ask(&server, (model, num_seeds), &single).await;
        assert!(single.iter().all(|calls| calls.len() == 1), "{model}");
        check(&single, None);
        server.idle(model).await;
    }
}

#[tokio::test]
async fn a_tool_whose_schema_cannot_be_is_refused() {
    let server = Models::new(&[MODEL]).serve(settings());
    let mut body = request(MODEL, "Do it.", 50);
    body["tools"] = json!([tool("f", &json!({"type": "object", "properties": {"a": {"type": "text"}}}))]);
    body["tool_choice"] = json!("required");
    let answer = server.chat(&body).await;
    let (status, _, param) = answer.error();
    assert!(status == 400 && param.starts_with("tools"), "{}", answer.body);
}
