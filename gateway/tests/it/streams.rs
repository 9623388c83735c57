//! Streams: passed on event by event, ended in OpenAI's way, left at once when the client leaves.

use http_body_util::BodyExt;
use serde_json::{Value, json};
use shekara_gateway::audit::Outcome;
use shekara_gateway::billing::UsageSource;

use crate::gateway::{Answer, TestGateway, one_provider};
use crate::upstream::{Reply, Upstream};

const FIRST: &str =
    ": still alive\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Сәлем\"}}]}\n\n";

async fn started(reply: Reply, rest: &str) -> (Upstream, TestGateway) {
    let upstream = Upstream::start(reply).await;
    let gateway = TestGateway::start(&one_provider(&upstream.base_url, rest)).await;
    (upstream, gateway)
}

fn events(answer: &Answer) -> Vec<&str> {
    answer.body.split("\n\n").filter(|event| !event.is_empty()).collect()
}

fn has_usage(answer: &Answer) -> bool {
    let data = answer.body.lines().filter_map(|line| line.strip_prefix("data: {"));
    data.map(|rest| serde_json::from_str::<Value>(&format!("{{{rest}")).unwrap())
        .any(|chunk| chunk["usage"].is_object())
}

#[tokio::test]
async fn content_comes_whole_and_usage_only_to_who_asked() {
    let (upstream, gateway) = started(Reply::Text("one two three"), "").await;
    let answer = gateway.ask_streamed("chat", "hi").await;
    assert!(answer.header("content-type").starts_with("text/event-stream"));
    assert_eq!(answer.header("x-shekara-synthetic"), "1");
    assert_eq!(*events(&answer).last().unwrap(), "data: [DONE]");
    assert!(answer.body.contains("one ") && answer.body.contains("three"));
    assert!(!has_usage(&answer));
    assert!(upstream.received()[0].contains(r#""include_usage":true"#));
    let asked = json!({ "model": "chat", "stream": true, "stream_options": { "include_usage": true },
        "messages": [{ "role": "user", "content": "hi" }] });
    assert!(has_usage(&gateway.chat(asked).await));
    for record in gateway.audit().await {
        assert_eq!((record.prompt_tokens, record.completion_tokens), (Some(7), Some(2)));
        assert_eq!((record.usage_source, record.outcome), (Some(UsageSource::Provider), Outcome::Completed));
    }
}

#[tokio::test]
async fn a_stream_that_breaks_after_content_ends_with_an_error_and_done() {
    for tail in ["", "data: {\"choices\":[{\"del"] {
        let body: &'static str = format!("{FIRST}{tail}").leak();
        let (upstream, gateway) = started(Reply::Events(body), "").await;
        let answer = gateway.ask_streamed("chat", "hi").await;
        let events = events(&answer);
        assert_eq!(events.len(), 3, "{}", answer.body);
        assert!(events[1].starts_with("event: error\ndata: {\"error\":{"), "{}", events[1]);
        assert_eq!(events[2], "data: [DONE]");
        assert_eq!(upstream.received().len(), 1);
        let record = gateway.audit().await.pop().unwrap();
        assert_eq!((record.outcome, record.usage_source), (Outcome::Failed, Some(UsageSource::Estimated)));
        assert_eq!(record.error_code.as_deref(), Some("stream_interrupted"));
    }
}

#[tokio::test]
async fn a_provider_that_forgets_done_but_finished_is_complete() {
    let finish = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    let body: &'static str = format!("{FIRST}{finish}").leak();
    let (_upstream, gateway) = started(Reply::Events(body), "").await;
    let answer = gateway.ask_streamed("chat", "hi").await;
    assert!(answer.body.ends_with("data: [DONE]\n\n") && !answer.body.contains("error"), "{}", answer.body);
    assert_eq!(gateway.audit().await[0].outcome, Outcome::Completed);
}

#[tokio::test]
async fn a_client_that_stops_reading_is_left_when_the_total_time_is_over() {
    let flood: &'static str = FIRST.repeat(200_000).leak();
    let (upstream, gateway) = started(Reply::Open(flood), "timeouts = { total_ms = 1000 }").await;
    let body = json!({ "model": "chat", "stream": true, "messages": [{ "role": "user", "content": "hi" }] });
    let request = gateway.client.post(format!("{}/v1/chat/completions", gateway.url)).bearer_auth(&gateway.key);
    let unread = request.body(body.to_string()).send().await.unwrap();
    upstream.client_left().await;
    let mut records = gateway.audit().await;
    while records.iter().all(|record| record.outcome == Outcome::Dispatched) {
        tokio::task::yield_now().await;
        records = gateway.audit().await;
    }
    assert_eq!(records[0].error_code.as_deref(), Some("client_too_slow"));
    drop(unread);
}

#[tokio::test]
async fn a_stream_that_falls_silent_is_ended() {
    let (upstream, gateway) = started(Reply::Open(FIRST), "timeouts = { between_tokens_ms = 50 }").await;
    let answer = gateway.ask_streamed("chat", "hi").await;
    assert!(answer.body.contains("provider_timeout") && answer.body.ends_with("data: [DONE]\n\n"), "{}", answer.body);
    upstream.client_left().await;
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_upstream_and_is_recorded() {
    let (upstream, gateway) = started(Reply::Open(FIRST), "").await;
    let body = json!({ "model": "chat", "stream": true, "messages": [{ "role": "user", "content": "hi" }] });
    let request = gateway.client.post(format!("{}/v1/chat/completions", gateway.url)).bearer_auth(&gateway.key);
    let response = request.body(body.to_string()).send().await.unwrap();
    let mut response = http::Response::<reqwest::Body>::from(response);
    let first = response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(FIRST.ends_with(std::str::from_utf8(&first).unwrap()), "{first:?}");
    drop(response);
    upstream.client_left().await;
    let mut records = gateway.audit().await;
    while records.iter().all(|record| record.outcome == Outcome::Dispatched) {
        tokio::task::yield_now().await;
        records = gateway.audit().await;
    }
    assert_eq!((records.len(), records[0].outcome, records[0].status), (1, Outcome::Aborted, 499));
}

#[tokio::test]
async fn running_streams_are_told_when_the_grace_period_is_over() {
    let (_upstream, gateway) = started(Reply::Open(FIRST), "").await;
    let body = json!({ "model": "chat", "stream": true, "messages": [{ "role": "user", "content": "hi" }] });
    let request = gateway.client.post(format!("{}/v1/chat/completions", gateway.url)).bearer_auth(&gateway.key);
    let response = request.body(body.to_string()).send().await.unwrap();
    gateway.gateway.drain.drain(std::time::Duration::ZERO).await;
    let text = response.text().await.unwrap();
    assert!(text.contains("event: error") && text.ends_with("data: [DONE]\n\n"), "{text}");
}
