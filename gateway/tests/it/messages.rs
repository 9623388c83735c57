//! `/v1/messages`: images, documents, marks of the cache, and the count of tokens.

use serde_json::{Value, json};

use crate::gateway::{Answer, TestGateway, border};
use crate::upstream::{Reply, Upstream};

const MESSAGE: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-x",
    "content":[{"type":"text","text":"Seen."}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":2}}"#;

async fn post(gateway: &TestGateway, path: &str, body: &Value) -> Answer {
    gateway.send("POST", path, &gateway.key, body.to_string()).await
}

fn claude(upstream: &str, rest: &str) -> String {
    format!(
        "[local]\nenabled = false\n[[providers]]\nname = \"claude\"\nkind = \"anthropic\"\nbase_url = \"{upstream}\"\n\
         [[routes]]\nmodel = \"chat\"\ntargets = [{{ provider = \"claude\", model = \"claude-x\" }}]\n{rest}\n"
    )
}

fn sent(upstream: &Upstream) -> Value {
    let received = upstream.take_received().pop().expect("a request went out");
    serde_json::from_str(received.split_once('\n').unwrap().1).unwrap()
}

/// Turns with everything that a user may show.
fn shown() -> Value {
    let cached = json!({ "type": "ephemeral" });
    let image = json!({ "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "AAAA" } });
    let text = |text: &str| json!({ "type": "text", "text": text });
    json!([
        { "role": "user", "content": [text("See:"), image,
            { "type": "image", "source": { "type": "url", "url": "https://e.kz/a.png" } },
            { "type": "document", "source": { "type": "base64", "media_type": "application/pdf", "data": "AAAA" },
                "title": "a.pdf", "cache_control": cached },
            { "type": "document", "source": { "type": "url", "url": "https://e.kz/a.pdf" } }] },
        { "role": "assistant", "content": [{ "type": "tool_use", "id": "t1", "name": "f", "input": {} }] },
        { "role": "user", "content": [
            { "type": "tool_result", "tool_use_id": "t1", "content": [text("found"), image] }] },
    ])
}

#[tokio::test]
async fn what_is_shown_reaches_a_provider_that_knows_it() {
    let upstream = Upstream::start(Reply::Json(MESSAGE)).await;
    let gateway = TestGateway::start(&claude(&upstream.base_url, "unreadable = \"allow\"")).await;
    let system =
        json!([{ "type": "text", "text": "Be brief.", "cache_control": { "type": "ephemeral", "ttl": "1h" } }]);
    let tools =
        json!([{ "name": "f", "input_schema": { "type": "object" }, "cache_control": { "type": "ephemeral" } }]);
    let body = json!({ "model": "chat", "max_tokens": 9, "system": system, "tools": tools, "messages": shown() });
    let answer = post(&gateway, "/v1/messages", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let sent = sent(&upstream);
    assert_eq!((&sent["messages"], &sent["system"], &sent["tools"]), (&shown(), &system, &tools));
}

#[tokio::test]
async fn what_cannot_be_read_stays_inside_and_others_get_no_marks() {
    let (outside, inside) =
        (Upstream::start(Reply::Text("outside")).await, Upstream::start(Reply::Text("inside")).await);
    let gateway = TestGateway::start(&border(&outside.base_url, &inside.base_url, "")).await;
    let mut body = json!({ "model": "chat", "max_tokens": 9, "messages": shown() });
    let answer = post(&gateway, "/v1/messages", &body).await;
    assert_eq!((answer.status, answer.header("x-shekara-reason")), (200, "unreadable"), "{}", answer.body);
    assert!(outside.received().is_empty());
    let cached = json!({ "type": "ephemeral" });
    body["messages"] = json!([{ "role": "user", "content": [{ "type": "text", "text": "hi", "cache_control": cached },
        { "type": "document", "title": "Notes", "source": { "type": "text", "media_type": "text/plain", "data": "said" } }] }]);
    let answer = post(&gateway, "/v1/messages", &body).await;
    assert_eq!((answer.status, answer.header("x-shekara-zone")), (200, "external"), "{}", answer.body);
    let text = |text: &str| json!({ "type": "text", "text": text });
    assert_eq!(sent(&outside)["messages"][0]["content"], json!([text("hi"), text("Notes"), text("said")]));
    for hidden in ["text", "title", "context"] {
        let mut document = json!({ "type": "document", "source": { "type": "text", "data": "said" } });
        document[hidden] = json!("мой ИИН 901123300258");
        if hidden == "text" {
            document["source"]["data"] = document["text"].clone();
        }
        body["messages"] = json!([{ "role": "user", "content": [document] }]);
        let answer = post(&gateway, "/v1/messages", &body).await;
        assert_eq!(answer.header("x-shekara-reason"), "pii", "{hidden}: {}", answer.body);
    }
    assert!(outside.received().is_empty());
}

#[tokio::test]
async fn tokens_are_counted_by_who_can() {
    let upstream = Upstream::start(Reply::Json(r#"{"input_tokens":21}"#)).await;
    let gateway = TestGateway::start(&claude(&upstream.base_url, "")).await;
    let mut body = json!({ "model": "chat", "system": "Be brief.", "messages": [{ "role": "user", "content": "hi" }],
        "thinking": { "type": "enabled", "budget_tokens": 1024 } });
    let answer = post(&gateway, "/v1/messages/count_tokens", &body).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "input_tokens": 21 })), "{}", answer.body);
    assert_eq!((answer.header("x-shekara-synthetic"), answer.header("x-shekara-zone")), ("", "external"));
    let received = upstream.received().pop().unwrap();
    assert!(received.starts_with("POST /v1/messages/count_tokens "), "{received}");
    let text = |text: &str| json!({ "type": "text", "text": text });
    let expected = json!({ "model": "claude-x", "messages": [{ "role": "user", "content": [text("hi")] }],
        "system": [text("Be brief.")], "thinking": { "type": "enabled", "budget_tokens": 1024 } });
    assert_eq!(sent(&upstream), expected);
    body["messages"] = json!([{ "role": "user", "content": "мой ИИН 901123300258" }]);
    let kept = post(&gateway, "/v1/messages/count_tokens", &body).await;
    assert_eq!((kept.status, &kept.json()["error"]["type"]), (503, &json!("overloaded_error")), "{}", kept.body);
    body["messages"] = json!([]);
    assert_eq!(post(&gateway, "/v1/messages/count_tokens", &body).await.status, 400);
    assert!(upstream.received().is_empty());

    let aws = Upstream::start(Reply::Json(r#"{"inputTokens":7}"#)).await;
    let keyed = claude(&aws.base_url, "")
        .replace("kind = \"anthropic\"", "kind = \"bedrock\"\napi_key = \"env:CARGO_PKG_NAME\"");
    body["messages"] = json!([{ "role": "user", "content": "hi" }]);
    body["thinking"] = json!(null);
    let answer = post(&TestGateway::start(&keyed).await, "/v1/messages/count_tokens", &body).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "input_tokens": 7 })), "{}", answer.body);
    assert!(aws.received()[0].contains("/model/claude-x/count-tokens "));
    let converse = sent(&aws)["input"]["converse"].clone();
    assert_eq!(converse["messages"], json!([{ "role": "user", "content": [{ "text": "hi" }] }]));
    assert!(converse.get("inferenceConfig").is_none());

    let other = Upstream::start(Reply::Text("x")).await;
    let gateway =
        TestGateway::start(&claude(&other.base_url, "").replace("\"anthropic\"", "\"openai-compatible\"")).await;
    let refused = post(&gateway, "/v1/messages/count_tokens", &body).await;
    assert_eq!((refused.status, &refused.json()["error"]["type"]), (400, &json!("invalid_request_error")));
    assert!(other.received().is_empty());
}
