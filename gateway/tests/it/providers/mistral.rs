//! Mistral's own API, as it is documented.

use serde_json::json;

use super::{asked, chunks, finish, joined, refusals, sent, started, with_tools};
use crate::upstream::Reply;

const KIND: &str = "kind = \"mistral\"";
const ANSWER: &str = r#"{"id":"c1","object":"chat.completion","created":1,"model":"magistral-x","choices":[{"index":0,
    "message":{"role":"assistant","content":[{"type":"thinking","thinking":[{"type":"text","text":"Hm."}]},
    {"type":"text","text":"Look here."}],"tool_calls":[{"id":"Abc123def","function":{"name":"find","arguments":"{\"q\":\"x\"}"},
    "index":0}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":18,"total_tokens":38,"completion_tokens":20}}"#;
const EVENTS: &str = concat!(
    "data: {\"id\":\"c2\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":",
    "{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n",
    "data: {\"id\":\"c2\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":",
    "{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"Hm.\"}]}]},\"finish_reason\":null}]}\n\n",
    "data: {\"id\":\"c2\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":",
    "{\"content\":\"Сәлем\"},\"finish_reason\":null}]}\n\n",
    "data: {\"id\":\"c2\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":",
    "{\"content\":\"\"},\"finish_reason\":\"model_length\"}],\"usage\":{\"prompt_tokens\":5,\"total_tokens\":9,\"completion_tokens\":4}}\n\n",
);

#[tokio::test]
async fn a_whole_answer_is_a_chat_answer() {
    let (upstream, gateway) = started(Reply::Json(ANSWER), KIND, "").await;
    let mut body = with_tools(false);
    (body["seed"], body["tool_choice"]) = (json!(7), json!("required"));
    let answer = gateway.chat(body).await;
    assert_eq!((answer.status, answer.header("x-shekara-zone")), (200, "external"), "{}", answer.body);
    let message = &answer.json()["choices"][0]["message"];
    assert_eq!((&message["content"], &message["reasoning_content"]), (&json!("Look here."), &json!("Hm.")));
    assert_eq!(message["tool_calls"][0]["function"], json!({ "name": "find", "arguments": "{\"q\":\"x\"}" }));
    let (head, body) = sent(&upstream);
    assert!(head.starts_with("POST /v1/chat/completions ") && head.contains("authorization"), "{head}");
    let id = body["messages"][2]["tool_call_id"].as_str().unwrap();
    assert_eq!((id.len(), &body["messages"][1]["tool_calls"][0]["id"]), (9, &json!(id)));
    let told = (&body["model"], &body["random_seed"], &body["tool_choice"], &body["max_tokens"]);
    assert_eq!(told, (&json!("m-1"), &json!(7), &json!("any"), &json!(50)));
    let record = gateway.audit().await.pop().unwrap();
    assert_eq!((record.prompt_tokens, record.completion_tokens), (Some(18), Some(20)));
}

#[tokio::test]
async fn a_stream_is_a_chat_stream_whether_it_says_its_end_or_not() {
    for tail in ["", "data: [DONE]\n\n"] {
        let (upstream, gateway) = started(Reply::Events(format!("{EVENTS}{tail}").leak()), KIND, "").await;
        let answer = gateway.chat(asked(true)).await;
        let chunks = chunks(&answer);
        assert_eq!((joined(&chunks, "content"), joined(&chunks, "reasoning_content")), ("Сәлем".into(), "Hm.".into()));
        assert_eq!(finish(&chunks), "length");
        assert!(sent(&upstream).1.get("stream_options").is_none());
        let record = gateway.audit().await.pop().unwrap();
        assert_eq!((record.prompt_tokens, record.completion_tokens), (Some(5), Some(4)));
    }
}

#[tokio::test]
async fn refusals_follow_the_error_policy() {
    refusals(
        KIND,
        &[
            (
                422,
                r#"{"detail":[{"type":"missing","loc":["body","messages",0,"content"],"msg":"Field required"}]}"#,
                422,
                "",
            ),
            (
                429,
                r#"{"object":"error","message":"Requests rate limit exceeded","code":"1300"}"#,
                429,
                "rate_limit_exceeded",
            ),
            (401, r#"{"detail":"Unauthorized"}"#, 502, "provider_auth_failed"),
            (500, r#"{"object":"error","message":"x","code":"1000"}"#, 502, "provider_error"),
        ],
    )
    .await;
    let body = r#"{"object":"error","message":{"detail":[{"loc":["body","temperature"],"msg":"Input should be less than 1.5"}]}}"#;
    let (_upstream, gateway) = started(Reply::Status(422, body), KIND, "").await;
    let error = gateway.chat(asked(false)).await.json()["error"].clone();
    assert_eq!((&error["param"], &error["message"]), (&json!("temperature"), &json!("Input should be less than 1.5")));
}

#[tokio::test]
async fn texts_become_vectors() {
    let vectors = r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5]}],"model":"e",
        "usage":{"prompt_tokens":3,"total_tokens":3}}"#;
    let (upstream, gateway) = started(Reply::Json(vectors), KIND, "").await;
    let asked = json!({ "model": "chat", "input": ["a"], "dimensions": 2 }).to_string();
    let answer = gateway.send("POST", "/v1/embeddings", &gateway.key, asked).await;
    assert_eq!((answer.status, &answer.json()["data"][0]["embedding"]), (200, &json!([0.5])), "{}", answer.body);
    let (head, body) = sent(&upstream);
    assert!(head.starts_with("POST /v1/embeddings "), "{head}");
    assert_eq!(body, json!({ "model": "m-1", "input": ["a"], "output_dimension": 2 }));
}
