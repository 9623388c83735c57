//! Google's Gemini API, as it is documented (v1beta).

use serde_json::{Value, json};
use shekara_gateway::audit::Outcome;

use super::{asked, chunks, configuration, finish, joined, refusals, sent, started, with_tools};
use crate::gateway::TestGateway;
use crate::upstream::Reply;

const KIND: &str = "kind = \"gemini\"";
const ANSWER: &str = r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"Hm.","thought":true},{"text":"Look here."},
    {"functionCall":{"name":"find","args":{"q":"x"}},"thoughtSignature":"c2lnbmF0dXJl"}]},"finishReason":"STOP","index":0}],
    "usageMetadata":{"promptTokenCount":18,"cachedContentTokenCount":5,"candidatesTokenCount":12,"thoughtsTokenCount":8,
    "totalTokenCount":38},"modelVersion":"gemini-x","responseId":"resp1"}"#;
const EVENTS: &str = concat!(
    "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hm.\",\"thought\":true}],\"role\":\"model\"},\"index\":0}],",
    "\"usageMetadata\":{\"promptTokenCount\":25,\"totalTokenCount\":26},\"modelVersion\":\"gemini-x\",\"responseId\":\"resp2\"}\r\n\r\n",
    "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Сәлем\"}],\"role\":\"model\"},\"index\":0}]}\r\n\r\n",
    "data: {\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"id\":\"fc1\",\"name\":\"find\",\"args\":{\"q\":\"x\"}}}],",
    "\"role\":\"model\"},\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":25,",
    "\"candidatesTokenCount\":11,\"thoughtsTokenCount\":4,\"totalTokenCount\":40}}\r\n\r\n",
);

#[tokio::test]
async fn a_whole_answer_is_a_chat_answer() {
    let (upstream, gateway) = started(Reply::Json(ANSWER), KIND, "").await;
    let answer = gateway.chat(asked(false)).await;
    assert_eq!((answer.status, answer.header("x-shekara-zone")), (200, "external"), "{}", answer.body);
    let json = answer.json();
    let (message, usage) = (&json["choices"][0]["message"], &json["usage"]);
    assert_eq!((&message["content"], &message["reasoning_content"]), (&json!("Look here."), &json!("Hm.")));
    let call = &message["tool_calls"][0];
    assert_eq!(call["function"], json!({ "name": "find", "arguments": "{\"q\":\"x\"}" }));
    assert_eq!(call["extra_content"]["google"]["thought_signature"], "c2lnbmF0dXJl");
    assert_eq!((&json["choices"][0]["finish_reason"], &json["model"]), (&json!("tool_calls"), &json!("gemini-x")));
    assert_eq!((&usage["prompt_tokens"], &usage["completion_tokens"]), (&json!(18), &json!(20)));
    let (head, body) = sent(&upstream);
    assert!(head.starts_with("POST /v1/models/m-1:generateContent ") && head.contains("x-goog-api-key"), "{head}");
    let expected = json!({ "contents": [{ "role": "user", "parts": [{ "text": "hi" }] }],
        "generationConfig": { "maxOutputTokens": 50 } });
    assert_eq!(body, expected);
    let record = gateway.audit().await.pop().unwrap();
    assert_eq!(
        (record.prompt_tokens, record.completion_tokens, record.outcome),
        (Some(18), Some(20), Outcome::Completed)
    );
    // What the model signed comes back to it as it was.
    let mut next = with_tools(false);
    next["messages"][1]["tool_calls"] = json!([call]);
    next["messages"][2]["tool_call_id"] = call["id"].clone();
    assert_eq!(gateway.chat(next).await.status, 200);
    let (_, body) = sent(&upstream);
    assert_eq!(body["contents"][1]["parts"][0]["thoughtSignature"], "c2lnbmF0dXJl");
    assert_eq!(body["contents"][2]["parts"][0]["functionResponse"]["name"], "find");
}

#[tokio::test]
async fn a_stream_is_a_chat_stream() {
    let (upstream, gateway) = started(Reply::Events(EVENTS), KIND, "").await;
    let mut body = with_tools(true);
    body["stream_options"] = json!({ "include_usage": true });
    let answer = gateway.chat(body).await;
    let chunks = chunks(&answer);
    assert_eq!((joined(&chunks, "content"), joined(&chunks, "reasoning_content")), ("Сәлем".into(), "Hm.".into()));
    let call = chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]["tool_calls"][0]).find(|call| call.is_object());
    let expected = json!({ "id": "fc1", "type": "function", "index": 0,
        "function": { "name": "find", "arguments": "{\"q\":\"x\"}" } });
    assert_eq!((call, finish(&chunks)), (Some(&expected), "tool_calls".into()));
    let usage = chunks.iter().find(|chunk| chunk["usage"].is_object()).unwrap();
    assert_eq!((&usage["usage"]["prompt_tokens"], &usage["usage"]["completion_tokens"]), (&json!(25), &json!(15)));
    assert!(chunks.iter().any(|chunk| chunk["shekara"]["signature"].is_object()));
    let (head, _) = sent(&upstream);
    assert!(head.starts_with("POST /v1/models/m-1:streamGenerateContent?alt=sse "), "{head}");
}

#[tokio::test]
async fn a_stream_that_breaks_or_errs_is_no_answer() {
    let overloaded: &str = "data: {\"error\":{\"code\":503,\"message\":\"x\",\"status\":\"UNAVAILABLE\"}}\n\n";
    for events in ["", overloaded] {
        let (_upstream, gateway) = started(Reply::Events(events), KIND, "").await;
        assert_eq!(gateway.chat(asked(true)).await.status, 502);
    }
    let begun = EVENTS.rsplit_once("data: ").unwrap().0;
    for tail in ["", overloaded] {
        let (_upstream, gateway) = started(Reply::Events(format!("{begun}{tail}").leak()), KIND, "").await;
        let answer = gateway.chat(asked(true)).await;
        assert!(answer.body.contains("event: error") && answer.body.ends_with("data: [DONE]\n\n"), "{}", answer.body);
    }
}

#[tokio::test]
async fn what_the_policy_of_the_provider_forbids_is_told() {
    let blocked = "{\"promptFeedback\":{\"blockReason\":\"SAFETY\"},\"usageMetadata\":{\"promptTokenCount\":4}}";
    let event: &str = format!("data: {blocked}\n\n").leak();
    for (reply, stream) in [(Reply::Json(blocked), false), (Reply::Events(event), true)] {
        let (upstream, gateway) = started(reply, KIND, "fallback = [{ provider = \"p\", model = \"m-2\" }]").await;
        let answer = gateway.chat(asked(stream)).await;
        assert_eq!((answer.status, answer.code()), (400, "content_filter".to_owned()), "{}", answer.body);
        assert_eq!(upstream.received().len(), 1);
    }
}

#[tokio::test]
async fn refusals_follow_the_error_policy() {
    refusals(
        KIND,
        &[
            (400, r#"{"error":{"code":400,"message":"Invalid argument.","status":"INVALID_ARGUMENT"}}"#, 400, ""),
            (
                400,
                r#"{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}"#,
                502,
                "provider_auth_failed",
            ),
            (403, r#"{"error":{"code":403,"status":"PERMISSION_DENIED"}}"#, 502, "provider_auth_failed"),
            (503, r#"{"error":{"code":503,"status":"UNAVAILABLE"}}"#, 502, "provider_error"),
            (
                429,
                r#"{"error":{"code":429,"details":[{"violations":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel"}]}]}}"#,
                429,
                "provider_quota",
            ),
        ],
    )
    .await;
    let limit = r#"{"error":{"code":429,"message":"You exceeded your current quota.","status":"RESOURCE_EXHAUSTED","details":[
        {"violations":[{"quotaId":"GenerateRequestsPerMinutePerProjectPerModel"}]},{"retryDelay":"17.2s"}]}}"#;
    let (_upstream, gateway) = started(Reply::Status(429, limit), KIND, "").await;
    let answer = gateway.chat(asked(false)).await;
    assert_eq!((answer.status, &*answer.code(), answer.header("retry-after")), (429, "rate_limit_exceeded", "18"));
}

#[tokio::test]
async fn what_has_no_words_is_refused_by_name_or_left_out() {
    let (upstream, gateway) = started(Reply::Json(ANSWER), KIND, "").await;
    let mut body = asked(false);
    body["logit_bias"] = json!({ "5": 1 });
    let refused = gateway.chat(body.clone()).await;
    assert_eq!((refused.status, &refused.json()["error"]["param"]), (400, &json!("logit_bias")));
    assert!(upstream.received().is_empty());
    let dropping = configuration(&upstream, "kind = \"gemini\"\non_unsupported = \"drop\"", "");
    assert_eq!(TestGateway::start(&dropping).await.chat(body).await.status, 200);
    // A name that is no name of a model leads nowhere.
    let strange = gateway.ask("p/../../files?x=", "hi").await;
    assert_eq!((strange.status, upstream.take_received().len()), (404, 1), "{}", strange.body);
    let rerank = json!({ "model": "chat", "query": "q", "documents": ["d"] }).to_string();
    let refused = gateway.send("POST", "/v1/rerank", &gateway.key, rerank).await;
    assert_eq!((refused.status, refused.code()), (400, "unsupported_model".to_owned()));
}

#[tokio::test]
async fn texts_become_vectors() {
    let vectors = r#"{"embeddings":[{"values":[0.5,-1.0]},{"values":[0.25,0.0]}]}"#;
    let (upstream, gateway) = started(Reply::Json(vectors), KIND, "").await;
    let asked = json!({ "model": "chat", "input": ["a", "b"], "dimensions": 2 }).to_string();
    let answer = gateway.send("POST", "/v1/embeddings", &gateway.key, asked).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["data"][1], json!({ "object": "embedding", "index": 1, "embedding": [0.25, 0.0] }));
    let (head, body) = sent(&upstream);
    assert!(head.starts_with("POST /v1/models/m-1:batchEmbedContents "), "{head}");
    let one = |text: &str| json!({ "model": "models/m-1", "content": { "parts": [{ "text": text }] }, "outputDimensionality": 2 });
    assert_eq!(body, json!({ "requests": [one("a"), one("b")] }));
}

#[tokio::test]
async fn what_is_masked_goes_out_as_tokens_and_comes_back() {
    let (upstream, gateway) = started(Reply::Json(ANSWER), KIND, "mask = true").await;
    let text = "Напишите на olga.ivanova@mail.kz";
    gateway.ask("chat", text).await;
    let sent = upstream.take_received().concat();
    assert!(sent.contains("[EMAIL_") && !sent.contains("ivanova"), "{sent}");
    let token = sent[sent.find("[EMAIL_").unwrap()..].split_inclusive(']').next().unwrap().to_owned();
    let said = ANSWER.replace("Look here.", &token).replace("\"q\":\"x\"", &format!("\"q\":\"{token}\""));
    upstream.set(Reply::Json(said.leak()));
    let answer = gateway.ask("chat", text).await;
    assert_eq!(answer.text(), "olga.ivanova@mail.kz");
    let arguments = answer.json()["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"].clone();
    assert_eq!(
        serde_json::from_str::<Value>(arguments.as_str().unwrap()).unwrap(),
        json!({ "q": "olga.ivanova@mail.kz" })
    );
}

#[tokio::test]
async fn other_apis_words_come_through() {
    let (_upstream, gateway) = started(Reply::Json(ANSWER), KIND, "").await;
    let messages = json!([{ "role": "user", "content": "hi" }]);
    let body = json!({ "model": "chat", "max_tokens": 50, "messages": messages });
    let answer = gateway.send("POST", "/v1/messages", &gateway.key, body.to_string()).await;
    let kinds: Vec<_> = answer.json()["content"]
        .as_array()
        .unwrap()
        .iter()
        .map(|block| block["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["thinking", "text", "tool_use"], "{}", answer.body);
    let body = json!({ "model": "chat", "input": "hi" });
    let answer = gateway.send("POST", "/v1/responses", &gateway.key, body.to_string()).await;
    let kinds: Vec<_> = answer.json()["output"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["reasoning", "message", "function_call"], "{}", answer.body);
}
