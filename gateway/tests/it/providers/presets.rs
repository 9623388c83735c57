//! Those who speak OpenAI's API with an accent.

use serde_json::json;

use super::{asked, chunks, finish, joined, refusals, sent, started};
use crate::upstream::Reply;

fn preset(name: &str) -> String {
    format!("kind = \"openai-compatible\"\npreset = \"{name}\"")
}

#[tokio::test]
async fn a_request_is_told_in_the_dialect() {
    let answer = r#"{"id":"c1","choices":[{"index":0,"message":{"role":"assistant","content":"ok","reasoning":"Hm."},
        "finish_reason":"eos"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
    let (upstream, gateway) = started(Reply::Json(answer), &preset("together"), "max_output_tokens = 9").await;
    let messages = json!([{ "role": "developer", "content": "Be brief." }, { "role": "user", "content": "hi" }]);
    let answer = gateway.chat(json!({ "model": "chat", "messages": messages })).await;
    let choice = answer.json()["choices"][0].clone();
    assert_eq!((&choice["message"]["reasoning_content"], &choice["finish_reason"]), (&json!("Hm."), &json!("stop")));
    let (_, body) = sent(&upstream);
    assert_eq!((&body["messages"][0]["role"], &body["max_tokens"]), (&json!("system"), &json!(9)));
    assert!(body.get("max_completion_tokens").is_none());
}

#[tokio::test]
async fn a_cloud_gets_nothing_that_only_engines_know() {
    let (upstream, gateway) = started(Reply::Text("ok"), &preset("deepseek"), "").await;
    let body = json!({ "model": "chat", "max_tokens": 9, "messages": [{ "role": "user", "content": "hi" }],
        "thinking": { "type": "disabled" } });
    let answer = gateway.send("POST", "/v1/messages", &gateway.key, body.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(sent(&upstream).1.get("chat_template_kwargs").is_none());
}

#[tokio::test]
async fn a_stream_with_heartbeats_and_an_error_in_it() {
    let begun = ": OPENROUTER PROCESSING\n\ndata: {\"id\":\"g\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\
        \"content\":\"\",\"reasoning\":\"Hm.\"},\"finish_reason\":null}]}\n\n: OPENROUTER PROCESSING\n\n";
    let said = "data: {\"id\":\"g\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Сәлем\"},\"finish_reason\":\"stop\"}]}\n\n\
        data: [DONE]\n\n";
    let (_upstream, gateway) = started(Reply::Events(format!("{begun}{said}").leak()), &preset("openrouter"), "").await;
    let chunks = chunks(&gateway.chat(asked(true)).await);
    assert_eq!((joined(&chunks, "content"), joined(&chunks, "reasoning_content")), ("Сәлем".into(), "Hm.".into()));
    assert_eq!(finish(&chunks), "stop");
    let broken = "data: {\"id\":\"g\",\"error\":{\"code\":\"server_error\",\"message\":\"zq7\"},\"choices\":[{\"index\":0,\"delta\":\
        {\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n";
    let (_upstream, gateway) =
        started(Reply::Events(format!("{begun}{broken}").leak()), &preset("openrouter"), "").await;
    let answer = gateway.chat(asked(true)).await;
    assert!(answer.body.contains("event: error") && !answer.body.contains("zq7"), "{}", answer.body);
}

#[tokio::test]
async fn an_error_with_a_status_of_success_is_an_error() {
    let fallback = "fallback = [{ provider = \"p\", model = \"m-2\" }]";
    for (body, status, calls) in [
        (r#"{"error":{"code":429,"message":"m"}}"#, 429, 2),
        (r#"{"error":{"code":400,"message":"m"}}"#, 400, 1),
        (r#"{"choices":[{"index":0,"message":{"content":"ha"},"finish_reason":"error"}]}"#, 502, 2),
    ] {
        let (upstream, gateway) = started(Reply::Json(body), &preset("openrouter"), fallback).await;
        let answer = gateway.chat(asked(false)).await;
        assert_eq!((answer.status, upstream.received().len()), (status, calls), "{body}: {}", answer.body);
    }
    let event = "data: {\"error\":{\"code\":400,\"message\":\"m\"},\"choices\":[]}\n\n";
    let (upstream, gateway) = started(Reply::Events(event), &preset("openrouter"), fallback).await;
    assert_eq!((gateway.chat(asked(true)).await.status, upstream.received().len()), (400, 1));
}

#[tokio::test]
async fn refusals_follow_the_error_policy() {
    refusals(
        &preset("deepseek"),
        &[
            (402, r#"{"error":{"message":"Insufficient Balance"}}"#, 429, "provider_quota"),
            (503, "", 502, "provider_error"),
        ],
    )
    .await;
    let flagged =
        r#"{"error":{"code":403,"message":"Flagged","metadata":{"reasons":["violence"],"flagged_input":"hi"}}}"#;
    refusals(&preset("openrouter"), &[(403, flagged, 400, "content_filter"), (408, "", 502, "provider_error")]).await;
}
