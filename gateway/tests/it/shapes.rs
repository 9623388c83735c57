//! `/v1/responses` and `/v1/messages`: the same pipeline in other words.

use serde_json::{Value, json};
use shekara_gateway::audit::Outcome;

use crate::gateway::{Answer, TestGateway, border, finish, one_provider};
use crate::upstream::{Reply, Upstream};

/// Both shapes: their path, a request that says `text` in its instructions and in its last message, and more fields.
const SHAPES: [Shape; 2] = [
    Shape {
        path: "/v1/responses",
        request: |system, text| json!({ "model": "chat", "instructions": system, "input": text }),
    },
    Shape {
        path: "/v1/messages",
        request: |system, text| json!({ "model": "chat", "max_tokens": 99, "system": system, "messages": [{ "role": "user", "content": text }] }),
    },
];

struct Shape {
    path: &'static str,
    request: fn(&str, &str) -> Value,
}

impl Shape {
    async fn ask(&self, gateway: &TestGateway, system: &str, text: &str, more: &Value) -> Answer {
        let mut body = (self.request)(system, text);
        let fields = more.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(fields);
        gateway.send("POST", self.path, &gateway.key, body.to_string()).await
    }
}

/// The text of a whole answer.
fn text_of(answer: &Value) -> String {
    let blocks = if answer["output"].is_array() { &answer["output"][0]["content"] } else { &answer["content"] };
    blocks[0]["text"].as_str().unwrap_or_default().to_owned()
}

/// Names and data of a stream's events.
fn events(answer: &Answer) -> Vec<(String, Value)> {
    let event = |text: &str| {
        let name = text.lines().find_map(|line| line.strip_prefix("event: "))?;
        let data = text.lines().find_map(|line| line.strip_prefix("data: "))?;
        Some((name.to_owned(), serde_json::from_str(data).unwrap()))
    };
    answer.body.split("\n\n").filter(|text| !text.is_empty()).map(|text| event(text).expect("a named event")).collect()
}

/// The text that a stream's deltas make.
fn streamed_text(events: &[(String, Value)]) -> String {
    let delta = |(name, data): &(String, Value)| match name.as_str() {
        "response.output_text.delta" => data["delta"].as_str().map(str::to_owned),
        "content_block_delta" => data["delta"]["text"].as_str().map(str::to_owned),
        _ => None,
    };
    events.iter().filter_map(delta).collect()
}

/// What is said of an answer is the same, signed or not, whole and streamed.
#[tokio::test]
async fn answers_are_labelled_without_signatures_where_nobody_asks_for_them() {
    let upstream = Upstream::start(Reply::Text("one two three")).await;
    let unsigned = one_provider(&upstream.base_url, "") + "[labels]\nsignatures = false\n";
    let gateway = TestGateway::start(&unsigned).await;
    let whole = gateway.ask("chat", "hi").await.json()["shekara"].take();
    let streamed = gateway.ask_streamed("chat", "hi").await.body;
    let chunks = streamed.lines().filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok());
    let streamed = chunks.filter_map(|mut chunk| chunk.get_mut("shekara").map(Value::take)).next_back().unwrap();
    for label in [whole, streamed] {
        assert_eq!((&label["synthetic"], &label["route"]), (&json!(true), &json!("chat")), "{label}");
        assert!(label.get("signature").is_none() && label.get("output_sha256").is_none(), "{label}");
    }
}

#[tokio::test]
async fn answers_come_in_the_callers_shape_and_go_out_as_chat() {
    let upstream = Upstream::start(Reply::Text("one two three")).await;
    let gateway = TestGateway::start(&one_provider(&upstream.base_url, "")).await;
    for shape in &SHAPES {
        let answer = shape.ask(&gateway, "Be brief.", "hi", &json!({})).await;
        assert_eq!((answer.status, answer.header("x-shekara-synthetic")), (200, "1"), "{}", answer.body);
        let json = answer.json();
        assert_eq!(text_of(&json), "one two three");
        assert_eq!((&json["usage"]["input_tokens"], &json["usage"]["output_tokens"]), (&json!(7), &json!(2)));
        assert_eq!(json["shekara"]["route"], "chat");
        assert!(json["shekara"]["signature"].is_object(), "{json}");
        let mut forged = json.clone();
        forged["choices"] = json!([{ "message": { "content": "forged" } }]);
        let forged = json!({ "label": json["shekara"], "response": forged }).to_string();
        assert_eq!(gateway.send("POST", "/v1/labels/verify", &gateway.key, forged).await.status, 400);
        let check = json!({ "label": json["shekara"], "response": json }).to_string();
        let checked = gateway.send("POST", "/v1/labels/verify", &gateway.key, check).await;
        assert_eq!((checked.status, &checked.json()["valid"]), (200, &json!(true)), "{}", checked.body);
        let sent = upstream.take_received().pop().unwrap();
        assert!(sent.starts_with("POST /v1/chat/completions "), "{sent}");
        let sent: Value = serde_json::from_str(sent.split_once('\n').unwrap().1).unwrap();
        assert_eq!((&sent["model"], &sent["messages"][0]["content"]), (&json!("big"), &json!("Be brief.")));

        let answer = shape.ask(&gateway, "Be brief.", "hi", &json!({ "stream": true })).await;
        let events = events(&answer);
        assert_eq!(streamed_text(&events), "one two three");
        let (name, last) = events.last().unwrap();
        let label = if name == "response.completed" { &last["response"]["shekara"] } else { &last["shekara"] };
        assert!(["response.completed", "message_stop"].contains(&name.as_str()), "{name}");
        assert!(label["signature"].is_object(), "{last}");
        assert!(!answer.body.contains("[DONE]"));
    }
    let paths = ["/v1/responses", "/v1/responses", "/v1/messages", "/v1/messages"];
    let records = gateway.audit().await;
    let asked = records.iter().filter(|record| !record.endpoint.contains("labels"));
    for (record, path) in asked.zip(paths) {
        assert_eq!((record.endpoint.as_str(), record.outcome), (format!("POST {path}").as_str(), Outcome::Completed));
        assert_eq!((record.prompt_tokens, record.completion_tokens), (Some(7), Some(2)));
    }
}

#[tokio::test]
async fn personal_data_stays_inside_wherever_a_shape_has_it() {
    let (outside, inside) =
        (Upstream::start(Reply::Text("outside")).await, Upstream::start(Reply::Text("inside")).await);
    let gateway = TestGateway::start(&border(&outside.base_url, &inside.base_url, "")).await;
    let iin = "мой ИИН 901123300258";
    let call = |arguments: Value| json!({ "type": "tool_use", "id": "t1", "name": "f", "input": arguments });
    let bodies = [
        ("/v1/responses", (SHAPES[0].request)(iin, "hi")),
        ("/v1/responses", (SHAPES[0].request)("hi", iin)),
        ("/v1/responses", json!({ "model": "chat", "user": "u901123300258", "input": "hi" })),
        (
            "/v1/responses",
            json!({ "model": "chat", "input": [
            { "type": "function_call", "call_id": "c", "name": "f", "arguments": "{\"iin\":\"901123300258\"}" },
            { "type": "function_call_output", "call_id": "c", "output": "ok" }, { "role": "user", "content": "go on" }] }),
        ),
        (
            "/v1/responses",
            json!({ "model": "chat", "input": "hi", "tools": [
            { "type": "function", "name": "f", "description": iin, "parameters": { "type": "object" } }] }),
        ),
        (
            "/v1/responses",
            json!({ "model": "chat", "input": [{ "role": "user", "content": [
            { "type": "input_image", "image_url": "https://example.kz/a.png" }] }] }),
        ),
        ("/v1/messages", (SHAPES[1].request)(iin, "hi")),
        ("/v1/messages", (SHAPES[1].request)("hi", iin)),
        (
            "/v1/messages",
            json!({ "model": "chat", "max_tokens": 9, "messages": [{ "role": "user", "content": "hi" },
            { "role": "assistant", "content": [call(json!({ "iin": 901_123_300_258_u64 }))] },
            { "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "t1", "content": "ok" }] }] }),
        ),
        (
            "/v1/messages",
            json!({ "model": "chat", "max_tokens": 9, "metadata": { "user_id": "901123300258" },
            "messages": [{ "role": "user", "content": "hi" }] }),
        ),
    ];
    for (path, body) in bodies {
        let answer = gateway.send("POST", path, &gateway.key, body.to_string()).await;
        assert_eq!((answer.status, answer.header("x-shekara-zone")), (200, "local"), "{body} {}", answer.body);
        assert!(answer.body.contains("inside") && outside.take_received().is_empty(), "{body}");
    }
}

#[tokio::test]
async fn masked_values_come_back_whole_and_streamed() {
    let outside = Upstream::start(Reply::Echo).await;
    let gateway = TestGateway::start(&border(&outside.base_url, &outside.base_url, "mask = true")).await;
    let text = "Меня зовут Ольга Петровна Соколова, почта olga@mail.kz, телефон +7 701 234 56 78";
    for shape in &SHAPES {
        for stream in [false, true] {
            let answer = shape.ask(&gateway, "Be brief.", text, &json!({ "stream": stream })).await;
            assert_eq!(answer.header("x-shekara-pii-action"), "masked", "{}", answer.body);
            let said = if stream { streamed_text(&events(&answer)) } else { text_of(&answer.json()) };
            assert_eq!(said, text);
            let sent = outside.take_received().concat();
            assert!(!sent.contains("olga") && !sent.contains("701 234") && !sent.contains("Соколова"), "{sent}");
        }
    }
}

#[tokio::test]
async fn a_conversation_that_held_personal_data_stays_inside() {
    let (outside, inside) =
        (Upstream::start(Reply::Text("outside")).await, Upstream::start(Reply::Text("inside")).await);
    let gateway = TestGateway::start(&border(&outside.base_url, &inside.base_url, "")).await;
    let named = json!({ "metadata": { "conversation_id": "c-1" } });
    SHAPES[0].ask(&gateway, "", "мой ИИН 901123300258", &named).await;
    let answer = SHAPES[0].ask(&gateway, "", "спасибо", &named).await;
    assert_eq!((answer.header("x-shekara-reason"), answer.header("x-shekara-zone")), ("sticky", "local"));
    // A history that is repeated is known without a name.
    let first = json!({ "role": "user", "content": "мой ИИН 901123300258" });
    let body = json!({ "model": "chat", "max_tokens": 9, "messages": [first] });
    gateway.send("POST", "/v1/messages", &gateway.key, body.to_string()).await;
    let said = json!({ "role": "assistant", "content": "inside" });
    let body =
        json!({ "model": "chat", "max_tokens": 9, "messages": [first, said, { "role": "user", "content": "ok" }] });
    let answer = gateway.send("POST", "/v1/messages", &gateway.key, body.to_string()).await;
    assert_eq!(answer.header("x-shekara-zone"), "local");
    assert!(outside.received().is_empty());
}

#[tokio::test]
async fn a_history_is_known_in_whatever_writing_it_is_repeated() {
    let (outside, inside) =
        (Upstream::start(Reply::Text("outside")).await, Upstream::start(Reply::Text("inside")).await);
    let gateway = TestGateway::start(&border(&outside.base_url, &inside.base_url, "")).await;
    let personal = async |path: &str, body: &Value| {
        let request = gateway.client.post(format!("{}{path}", gateway.url)).bearer_auth(&gateway.key);
        finish(request.header("x-shekara-data-class", "personal").body(body.to_string())).await
    };
    let block = |text: &str, marked: bool| {
        let mut block = json!({ "type": "text", "text": text });
        if marked {
            block["cache_control"] = json!({ "type": "ephemeral" });
        }
        json!([block])
    };
    let asked = |messages: Value| json!({ "model": "chat", "max_tokens": 9, "messages": messages });
    let first = |marked| json!({ "role": "user", "content": block("О чём мы говорили?", marked) });
    personal("/v1/messages", &asked(json!([first(true)]))).await;
    let later = json!([first(false), { "role": "assistant", "content": "inside" },
        { "role": "user", "content": block("А дальше?", true) }]);
    let answer = gateway.send("POST", "/v1/messages", &gateway.key, asked(later).to_string()).await;
    assert_eq!(answer.header("x-shekara-reason"), "sticky");

    personal("/v1/responses", &json!({ "model": "chat", "input": "О чём мы говорили вчера?" })).await;
    let later = json!({ "model": "chat", "input": [{ "role": "user", "content": "О чём мы говорили вчера?" },
        { "role": "assistant", "content": "inside" }, { "role": "user", "content": "А дальше?" }] });
    let answer = gateway.send("POST", "/v1/responses", &gateway.key, later.to_string()).await;
    assert_eq!(answer.header("x-shekara-reason"), "sticky");
    assert!(outside.received().is_empty());
}

#[tokio::test]
async fn calls_of_tools_survive_providers_that_write_them_in_their_own_way() {
    let unnumbered = "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"f\",\
        \"arguments\":\"{}\"}}]}}]}\n\ndata: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"id\":\"b\",\"function\":{\"name\":\"g\",\
        \"arguments\":{\"q\":1}}}]}}]}\n\ndata: [DONE]\n\n";
    let upstream = Upstream::start(Reply::Events(unnumbered)).await;
    let gateway = TestGateway::start(&one_provider(&upstream.base_url, "")).await;
    for shape in &SHAPES {
        let answer = shape.ask(&gateway, "", "hi", &json!({ "stream": true })).await;
        let calls = calls_of(&events(&answer));
        assert_eq!(
            calls,
            [("f".to_owned(), "{}".to_owned()), ("g".to_owned(), "{\"q\":1}".to_owned())],
            "{}",
            answer.body
        );
    }
    assert!(gateway.audit().await.iter().all(|record| record.outcome == Outcome::Completed));
}

/// Names and arguments of the calls in a stream.
fn calls_of(events: &[(String, Value)]) -> Vec<(String, String)> {
    let mut calls: Vec<(String, String)> = Vec::new();
    for (name, data) in events {
        match name.as_str() {
            "response.output_item.added" if data["item"]["type"] == "function_call" => {
                calls.push((data["item"]["name"].as_str().unwrap().to_owned(), String::new()));
            }
            "content_block_start" if data["content_block"]["type"] == "tool_use" => {
                calls.push((data["content_block"]["name"].as_str().unwrap().to_owned(), String::new()));
            }
            "response.function_call_arguments.delta" => calls.last_mut().unwrap().1 += data["delta"].as_str().unwrap(),
            "content_block_delta" if data["delta"]["type"] == "input_json_delta" => {
                calls.last_mut().unwrap().1 += data["delta"]["partial_json"].as_str().unwrap();
            }
            _ => {}
        }
    }
    calls
}

#[tokio::test]
async fn errors_have_the_callers_shape_and_words() {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let gateway = TestGateway::start(&one_provider(&upstream.base_url, "")).await;
    let refused = [
        ("/v1/responses", json!({ "model": "chat" }), "input"),
        (
            "/v1/responses",
            json!({ "model": "chat", "input": "hi", "previous_response_id": "r" }),
            "previous_response_id",
        ),
        (
            "/v1/responses",
            json!({ "model": "chat", "input": "hi", "tools": [{ "type": "web_search" }] }),
            "tools[0].type",
        ),
        ("/v1/messages", json!({ "model": "chat", "messages": [{ "role": "user", "content": "hi" }] }), "max_tokens"),
        (
            "/v1/messages",
            json!({ "model": "chat", "max_tokens": 9, "messages": [{ "role": "user", "content": 7 }] }),
            "messages[0].content",
        ),
    ];
    for (path, body, param) in refused {
        let answer = gateway.send("POST", path, &gateway.key, body.to_string()).await;
        assert_eq!(answer.status, 400, "{body} {}", answer.body);
        let json = answer.json();
        if path == "/v1/messages" {
            assert_eq!((&json["type"], &json["error"]["type"]), (&json!("error"), &json!("invalid_request_error")));
            assert_eq!(json["request_id"], answer.header("request-id"));
            assert!(json["error"]["message"].as_str().unwrap().contains(param), "{json}");
        } else {
            assert_eq!(json["error"]["param"], param, "{json}");
        }
    }
    let doubled = r#"{"model":"chat","max_tokens":9,"max_tokens":8,"messages":[{"role":"user","content":"hi"}]}"#;
    assert_eq!(gateway.send("POST", "/v1/messages", &gateway.key, doubled).await.status, 400);
    let unknown = gateway.send("POST", "/v1/messages", "no-key", "{}").await;
    assert_eq!((unknown.status, &unknown.json()["error"]["type"]), (401, &json!("authentication_error")));
    // Anthropic's clients send their key so.
    let body = (SHAPES[1].request)("", "hi").to_string();
    let request = gateway.client.post(format!("{}/v1/messages", gateway.url)).header("x-api-key", &gateway.key);
    assert_eq!(finish(request.header("anthropic-version", "2023-06-01").body(body)).await.status, 200);
    assert!(gateway.audit().await.iter().filter(|record| record.status == 400).count() == 6);
}

#[tokio::test]
async fn a_stream_that_breaks_says_so_in_the_callers_shape() {
    let first = "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Сәлем\"}}]}\n\n";
    let upstream = Upstream::start(Reply::Events(first)).await;
    let gateway = TestGateway::start(&one_provider(&upstream.base_url, "")).await;
    for (shape, end) in SHAPES.iter().zip(["response.failed", "error"]) {
        let events = events(&shape.ask(&gateway, "", "hi", &json!({ "stream": true })).await);
        assert_eq!(streamed_text(&events), "Сәлем");
        assert_eq!(events.last().unwrap().0, end);
    }
    assert!(gateway.audit().await.iter().all(|record| record.outcome == Outcome::Failed));
}

#[tokio::test]
async fn an_answer_that_would_be_repeated_at_its_end_is_bounded() {
    let text = "x".repeat(1 << 20);
    let chunk = json!({ "choices": [{ "index": 0, "delta": { "content": text } }] });
    let flood: &'static str = format!("data: {chunk}\n\n").repeat(65).leak();
    let upstream = Upstream::start(Reply::Open(flood)).await;
    let gateway = TestGateway::start(&one_provider(&upstream.base_url, "")).await;
    let answer = SHAPES[0].ask(&gateway, "", "hi", &json!({ "stream": true })).await;
    let last = answer.body.rsplit("event: ").next().unwrap();
    assert!(last.starts_with("response.failed"), "{}", &last[..last.len().min(200)]);
    assert_eq!(gateway.audit().await[0].outcome, Outcome::Failed);
}
