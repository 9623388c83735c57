//! `/v1/messages` in Anthropic's shape: whole, streamed, counted, and refused.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::support::{Answer, Models, Server, answer, post_to, settings, write_parrot};

const PATH: &str = "/v1/messages";
const COUNT: &str = "/v1/messages/count_tokens";

fn server() -> (Models, Server) {
    let models = Models::new(&["llama-tiny"]);
    write_parrot(&models.path("parrot"), "Zürich 🎉!");
    let server = models.serve(settings());
    (models, server)
}

fn ask(model: &str, fields: Value) -> Value {
    let mut request = json!({"model": model, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 200,
        "temperature": 0});
    let Value::Object(fields) = fields else { unreachable!("tests pass objects") };
    request.as_object_mut().expect("an object").extend(fields);
    request
}

fn weather() -> Value {
    json!([{"name": "weather", "input_schema": {"type": "object",
        "properties": {"city": {"type": "string", "enum": ["Almaty", "Astana"]}}, "required": ["city"],
        "additionalProperties": false}}])
}

/// Puts a stream's events together to a message, as Anthropic's SDKs do.
fn assembled(events: &[shekara_protocol::sse::SseEvent]) -> Value {
    let mut message = Value::Null;
    let mut json_text = String::new();
    for event in events {
        let data: Value = serde_json::from_str(&event.data).expect("JSON");
        assert_eq!(data["type"], json!(event.event));
        let index = data["index"].as_u64().unwrap_or(0) as usize;
        match event.event.as_str() {
            "message_start" => message = data["message"].clone(),
            "content_block_start" => {
                message["content"].as_array_mut().expect("content").push(data["content_block"].clone());
            }
            "content_block_delta" => match data["delta"]["type"].as_str().expect("a kind") {
                "text_delta" => {
                    let block = &mut message["content"][index]["text"];
                    *block =
                        json!([block.as_str().expect("text"), data["delta"]["text"].as_str().expect("text")].concat());
                }
                "input_json_delta" => json_text.push_str(data["delta"]["partial_json"].as_str().expect("text")),
                kind => panic!("{kind}"),
            },
            "content_block_stop" => {
                let text = std::mem::take(&mut json_text);
                if message["content"][index]["type"] == "tool_use" {
                    message["content"][index]["input"] = serde_json::from_str(&text).expect("arguments");
                }
            }
            "message_delta" => {
                message["stop_reason"] = data["delta"]["stop_reason"].clone();
                message["stop_sequence"] = data["delta"]["stop_sequence"].clone();
                message["usage"] = data["usage"].clone();
            }
            "message_stop" | "ping" => {}
            name => panic!("{name}"),
        }
    }
    assert_eq!(events.last().map(|event| event.event.as_str()), Some("message_stop"));
    message
}

/// A message without what is made anew each time or depends on what was asked before.
fn comparable(mut message: Value) -> Value {
    message["id"] = json!("");
    let usage = &mut message["usage"];
    *usage = json!([
        usage["input_tokens"].as_u64().unwrap_or(0) + usage["cache_read_input_tokens"].as_u64().unwrap_or(0),
        usage["output_tokens"]
    ]);
    for block in message["content"].as_array_mut().expect("content") {
        if block["type"] == "tool_use" {
            block["id"] = json!("");
        }
    }
    message
}

#[tokio::test]
async fn a_whole_answer_has_anthropics_shape() {
    let (_models, server) = server();
    let request = post_to(PATH, ask("parrot", json!({})).to_string());
    let (mut parts, body) = request.into_parts();
    for (name, value) in [("x-api-key", "k"), ("anthropic-version", "2023-06-01"), ("x-request-id", "abc")] {
        parts.headers.insert(name, value.parse().expect("a value"));
    }
    let answer = answer(server.send(Request::from_parts(parts, body)).await).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(
        (&answer.headers["request-id"], &answer.headers["x-request-id"]),
        (&"abc".parse().expect("a value"), &"abc".parse().expect("a value"))
    );
    assert_eq!(answer.headers["x-shekara-synthetic"], "1");
    let body = &answer.body;
    assert_eq!(
        (&body["type"], &body["role"], &body["model"]),
        (&json!("message"), &json!("assistant"), &json!("parrot"))
    );
    assert_eq!(body["content"], json!([{"type": "text", "text": "Zürich 🎉!"}]));
    assert_eq!((&body["stop_reason"], &body["stop_sequence"]), (&json!("end_turn"), &json!(null)));
    assert!(body["usage"]["input_tokens"].as_u64().expect("a count") > 3);
    assert!(body["id"].as_str().expect("an id").starts_with("msg_"));
    assert!(server.get("/v1/models").await.headers.get("request-id").is_none());
}

#[tokio::test]
async fn a_stream_puts_together_to_the_whole() {
    let (_models, server) = server();
    for request in [
        ask("parrot", json!({})),
        ask("parrot", json!({"max_tokens": 2})),
        ask("parrot", json!({"stop_sequences": ["ich"]})),
        ask("llama-tiny", json!({"tools": weather(), "tool_choice": {"type": "any"}, "temperature": 1.0, "top_k": 1})),
    ] {
        let whole = server.ask(PATH, &request).await;
        assert_eq!(whole.status, 200, "{}", whole.body);
        let events = server.events(PATH, &request).await;
        assert_eq!(comparable(assembled(&events)), comparable(whole.body.clone()), "{request}");
        let start: Value = serde_json::from_str(&events[0].data).expect("JSON");
        let usage = &start["message"]["usage"];
        let prompt = usage["input_tokens"].as_u64().expect("a count")
            + usage["cache_read_input_tokens"].as_u64().expect("a count");
        let counted = server.ask(COUNT, &request).await;
        assert_eq!(counted.body, json!({"input_tokens": prompt}), "the beginning knows the prompt");
    }
}

#[tokio::test]
async fn stop_reasons_are_anthropics() {
    let (_models, server) = server();
    for (fields, expected) in [
        (json!({"stop_sequences": ["ich"]}), (json!("stop_sequence"), json!("ich"))),
        (json!({"max_tokens": 2}), (json!("max_tokens"), json!(null))),
    ] {
        let answer = server.ask(PATH, &ask("parrot", fields)).await;
        assert_eq!((answer.body["stop_reason"].clone(), answer.body["stop_sequence"].clone()), expected);
    }
    let request = ask(
        "llama-tiny",
        json!({"tools": weather(), "temperature": 1.0,
        "tool_choice": {"type": "tool", "name": "weather", "disable_parallel_tool_use": true}}),
    );
    let answer = server.ask(PATH, &request).await;
    assert_eq!(answer.body["stop_reason"], "tool_use", "{}", answer.body);
    let call = &answer.body["content"][0];
    assert!(["Almaty", "Astana"].contains(&call["input"]["city"].as_str().expect("a city")), "{call}");
    let conversation = json!([{"role": "user", "content": "x"}, {"role": "assistant", "content": [call]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call["id"], "content": "warm"}]}]);
    let next = server.ask(PATH, &ask("llama-tiny", json!({"messages": conversation, "tools": weather()}))).await;
    assert_eq!(next.status, 200, "{}", next.body);
}

#[tokio::test]
async fn tokens_are_counted_without_an_answer() {
    let (_models, server) = server();
    let mut request = ask("llama-tiny", json!({"system": "be brief"}));
    request.as_object_mut().expect("an object").remove("max_tokens");
    let counted = server.ask(COUNT, &request).await;
    assert_eq!(counted.status, 200, "{}", counted.body);
    assert!(counted.headers.contains_key("request-id"));
    request["tools"] = weather();
    let with_tools = server.ask(COUNT, &request).await;
    assert_eq!(with_tools.status, 200, "{}", with_tools.body);
    assert_eq!(server.model("llama-tiny").engine.stats().steps, 0);
}

fn error(answer: &Answer) -> (u16, &str, &str) {
    assert_eq!(answer.body["type"], "error", "{}", answer.body);
    assert_eq!(answer.body["request_id"], answer.headers["request-id"].to_str().expect("text"));
    assert_eq!(answer.headers["content-type"], "application/json");
    let text = |key: &str| answer.body["error"][key].as_str().expect("text");
    (answer.status.as_u16(), text("type"), text("message"))
}

#[tokio::test]
async fn errors_have_anthropics_shape_everywhere() {
    let (_models, server) = server();
    for (body, status, kind, names) in [
        ("{".to_owned(), 400, "invalid_request_error", "JSON"),
        (r#"{"model":"a","model":"b"}"#.to_owned(), 400, "invalid_request_error", "twice"),
        (ask("nobody", json!({})).to_string(), 404, "not_found_error", "model"),
        (ask("parrot", json!({"max_tokens": 0})).to_string(), 400, "invalid_request_error", "max_tokens"),
        (ask("parrot", json!({"top_k": -7})).to_string(), 400, "invalid_request_error", "top_k"),
        (ask("parrot", json!({"messages": []})).to_string(), 400, "invalid_request_error", "messages"),
        ("x".repeat(2 << 20), 413, "request_too_large", "bytes"),
    ] {
        for path in [PATH, COUNT] {
            if path == COUNT && (names == "max_tokens" || names == "top_k") {
                continue;
            }
            let answer = answer(server.send(post_to(path, body.clone())).await).await;
            let (found, found_kind, message) = error(&answer);
            assert_eq!((found, found_kind), (status, kind), "{message}");
            assert!(message.contains(names), "{message}");
        }
    }
    let wrong_method = Request::get(PATH).body(Body::empty()).expect("a request");
    assert_eq!(error(&answer(server.send(wrong_method).await).await).0, 405);
    let unknown = post_to("/v1/messages/batches", "{}");
    assert_eq!(error(&answer(server.send(unknown).await).await).1, "not_found_error");
    // Its neighbours keep OpenAI's.
    assert_eq!(server.get("/v1/messagesx").await.error().0, 404);
    assert_eq!(server.model("parrot").engine.stats().steps, 0, "a bad request reached the model");
}

#[tokio::test]
async fn a_full_queue_is_a_rate_limit() {
    let models = Models::new(&["llama-tiny"]);
    let one = shekara_inference::engine::EngineSettings { max_num_seqs: 1, max_queue: 0, ..settings() };
    let server = models.serve(one);
    // A stream that nobody reads holds the only place.
    let mut held = crate::support::request("llama-tiny", "x", 900);
    held["ignore_eos"] = json!(true);
    let stream = server.open(&held).await;
    let answer = server.ask(PATH, &ask("llama-tiny", json!({}))).await;
    assert_eq!(error(&answer).1, "rate_limit_error");
    assert_eq!(answer.headers["retry-after"], "2");
    drop(stream);
}
