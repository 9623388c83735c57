//! `/v1/responses`: whole and streamed, with tools and forms.

use serde_json::{Value, json};
use shekara_protocol::sse::SseEvent;

use crate::support::{Models, Server, settings, write_parrot};

const PATH: &str = "/v1/responses";

fn server() -> (Models, Server) {
    let models = Models::new(&["llama-tiny"]);
    write_parrot(&models.path("parrot"), "Zürich 🎉!");
    let server = models.serve(settings());
    (models, server)
}

fn ask(model: &str, fields: Value) -> Value {
    let mut request = json!({"model": model, "input": "hi", "max_output_tokens": 200, "temperature": 0});
    let Value::Object(fields) = fields else { unreachable!("tests pass objects") };
    request.as_object_mut().expect("an object").extend(fields);
    request
}

fn weather() -> Value {
    json!([{"type": "function", "name": "weather", "strict": true, "parameters": {"type": "object",
        "properties": {"city": {"type": "string", "enum": ["Almaty", "Astana"]}}, "required": ["city"],
        "additionalProperties": false}}])
}

/// The events' data, each of which says its own name and number.
fn data(events: &[SseEvent]) -> Vec<Value> {
    let data = |(number, event): (usize, &SseEvent)| {
        let data: Value = serde_json::from_str(&event.data).expect("JSON");
        assert_eq!((&data["type"], &data["sequence_number"]), (&json!(event.event), &json!(number)));
        data
    };
    events.iter().enumerate().map(data).collect()
}

/// An answer without what is made anew each time.
fn comparable(mut response: Value) -> Value {
    response["id"] = json!("");
    response["created_at"] = json!(0);
    response["usage"]["input_tokens_details"]["cached_tokens"] = json!(0);
    for item in response["output"].as_array_mut().expect("output") {
        item["id"] = json!("");
        if item.get("call_id").is_some() {
            item["call_id"] = json!("");
        }
    }
    response
}

#[tokio::test]
async fn a_whole_answer_has_openais_shape() {
    let (_models, server) = server();
    let answer = server.ask(PATH, &ask("parrot", json!({"metadata": {"a": "b"}}))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body = &answer.body;
    assert_eq!((&body["object"], &body["status"]), (&json!("response"), &json!("completed")));
    assert_eq!((&body["model"], &body["metadata"]), (&json!("parrot"), &json!({"a": "b"})));
    assert!(body["id"].as_str().expect("an id").starts_with("resp_"));
    assert_eq!(body["output"][0]["content"][0]["text"], "Zürich 🎉!");
    assert!(body["usage"]["output_tokens"].as_u64().expect("a count") > 3);
    assert_eq!(answer.headers["x-shekara-synthetic"], "1");
    let again = server.ask(PATH, &ask("parrot", json!({}))).await;
    assert_ne!(again.body["id"], body["id"]);
    let cut = server.ask(PATH, &ask("parrot", json!({"max_output_tokens": 2}))).await;
    assert_eq!(cut.body["status"], "incomplete");
    assert_eq!(cut.body["incomplete_details"], json!({"reason": "max_output_tokens"}));
}

#[tokio::test]
async fn the_last_event_holds_what_the_whole_would_be() {
    let (_models, server) = server();
    let schema = json!({"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"],
        "additionalProperties": false});
    let format = json!({"type": "json_schema", "name": "verdict", "schema": schema, "strict": true});
    for request in [
        ask("parrot", json!({})),
        ask("parrot", json!({"max_output_tokens": 3})),
        ask("parrot", json!({"include": ["message.output_text.logprobs"], "top_logprobs": 2})),
        ask("llama-tiny", json!({"text": {"format": format}, "temperature": 1, "seed": 3})),
        ask("llama-tiny", json!({"tools": weather(), "tool_choice": "required", "temperature": 1, "seed": 3})),
    ] {
        let whole = server.ask(PATH, &request).await;
        let events = data(&server.events(PATH, &request).await);
        let names: Vec<&str> = events.iter().map(|event| event["type"].as_str().expect("a name")).collect();
        assert_eq!(names[..3], ["response.created", "response.in_progress", "response.output_item.added"]);
        let last = events.last().expect("events");
        let ended = format!("response.{}", whole.body["status"].as_str().expect("a status"));
        assert_eq!(last["type"], json!(ended));
        assert_eq!(comparable(last["response"].clone()), comparable(whole.body.clone()));
    }
}

#[tokio::test]
async fn a_required_tool_is_called_with_arguments_that_fit() {
    let (_models, server) = server();
    let request = ask(
        "llama-tiny",
        json!({"tools": weather(), "tool_choice": "required", "parallel_tool_calls": false,
        "temperature": 1}),
    );
    let answer = server.ask(PATH, &request).await;
    let call = answer.body["output"].as_array().expect("output").iter().find(|item| item["type"] == "function_call");
    let call = call.unwrap_or_else(|| panic!("{}", answer.body));
    assert_eq!(call["name"], "weather");
    let arguments: Value =
        serde_json::from_str(call["arguments"].as_str().expect("text")).unwrap_or_else(|_| panic!("{}", answer.body));
    assert!(["Almaty", "Astana"].contains(&arguments["city"].as_str().expect("a city")), "{arguments}");
    // The call and its result go back in.
    let next = json!([{"role": "user", "content": "x"}, call,
        {"type": "function_call_output", "call_id": call["call_id"], "output": "warm"}]);
    let answer = server.ask(PATH, &ask("llama-tiny", json!({"input": next, "tools": weather()}))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn errors_name_this_apis_fields() {
    let (_models, server) = server();
    for (fields, expected) in [
        (json!({"max_output_tokens": 0}), (400, "invalid_value", "max_output_tokens")),
        (json!({"temperature": 3}), (400, "invalid_value", "temperature")),
        (json!({"previous_response_id": "resp_1"}), (400, "unsupported_value", "previous_response_id")),
        (json!({"model": "nobody"}), (404, "model_not_found", "model")),
        (json!({"input": []}), (400, "empty_array", "input")),
        (json!({"input": "0 ".repeat(2000)}), (400, "context_length_exceeded", "input")),
        (
            json!({"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]}),
            (400, "invalid_value", "input[0].call_id"),
        ),
    ] {
        let answer = server.ask(PATH, &ask("llama-tiny", fields.clone())).await;
        let shown = fields.to_string();
        assert_eq!(answer.error(), expected, "{}", &shown[..shown.len().min(90)]);
    }
    let twice = crate::support::post_to(PATH, r#"{"model":"a","model":"b","input":"x"}"#);
    assert_eq!(crate::support::answer(server.send(twice).await).await.error(), (400, "duplicate_key", ""));
    assert_eq!(server.model("llama-tiny").engine.stats().steps, 0, "a bad request reached the model");
}
