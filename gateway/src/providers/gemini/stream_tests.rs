//! A recorded stream as chat chunks.

use super::*;
use crate::providers::translated_events::played;

/// Events as the documentation shows them.
const RECORDED: &str = concat!(
    "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"Hm.\",\"thought\": true}],\"role\": \"model\"},\"index\": 0}],",
    "\"usageMetadata\": {\"promptTokenCount\": 9,\"totalTokenCount\": 12,\"thoughtsTokenCount\": 3},\"modelVersion\": \"gemini-x\",",
    "\"responseId\": \"resp2\"}\r\n\r\n",
    "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"Сәлем\"}],\"role\": \"model\"},\"index\": 0}],",
    "\"modelVersion\": \"gemini-x\",\"responseId\": \"resp2\"}\r\n\r\n",
    "data: {\"candidates\": [{\"content\": {\"parts\": [{\"functionCall\": {\"id\": \"fc1\",\"name\": \"find\",\"args\": {\"q\": \"x\"}},",
    "\"thoughtSignature\": \"c2ln\"},{\"functionCall\": {\"id\": \"fc2\",\"name\": \"now\",\"args\": {}}}],\"role\": \"model\"},\"index\": 0}],",
    "\"modelVersion\": \"gemini-x\",\"responseId\": \"resp2\"}\r\n\r\n",
    "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"\"}],\"role\": \"model\"},\"finishReason\": \"STOP\",\"index\": 0}],",
    "\"usageMetadata\": {\"promptTokenCount\": 9,\"candidatesTokenCount\": 11,\"totalTokenCount\": 24,\"thoughtsTokenCount\": 4,",
    "\"cachedContentTokenCount\": 2},\"modelVersion\": \"gemini-x\",\"responseId\": \"resp2\"}\r\n\r\n",
);

fn chunks() -> Chunks {
    Chunks::new(About::new("r", "asked"))
}

/// Every chunk's choices, and what follows them.
fn read(stream: &str) -> Vec<Value> {
    let data = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap_or_else(|_| json!(data))).collect()
}

#[tokio::test]
async fn a_stream_with_everything() {
    let chunks = read(&played(RECORDED, usize::MAX, chunks()).await);
    let head = |chunk: &Value| (chunk["id"] == "resp2") && chunk["model"] == "gemini-x" && chunk["created"].is_u64();
    let (done, chunks) = chunks.split_last().unwrap();
    assert!(done == "[DONE]" && chunks.iter().all(head), "{chunks:?}");
    let (last, chunks) = chunks.split_last().unwrap();
    let usage = json!({ "prompt_tokens": 9, "completion_tokens": 15, "total_tokens": 24,
        "prompt_tokens_details": { "cached_tokens": 2 }, "completion_tokens_details": { "reasoning_tokens": 4 } });
    assert_eq!((&last["choices"], &last["usage"]), (&json!([]), &usage));
    let choice = |delta: Value, finish: Value| json!([{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish }]);
    let expected = [
        choice(json!({ "role": "assistant", "content": "" }), Value::Null),
        choice(json!({ "reasoning_content": "Hm." }), Value::Null),
        choice(json!({ "content": "Сәлем" }), Value::Null),
        choice(
            json!({ "tool_calls": [{ "id": "fc1", "type": "function",
                "function": { "name": "find", "arguments": "{\"q\":\"x\"}" },
                "extra_content": { "google": { "thought_signature": "c2ln" } }, "index": 0 }] }),
            Value::Null,
        ),
        choice(
            json!({ "tool_calls": [{ "id": "fc2", "type": "function", "function": { "name": "now", "arguments": "{}" },
                "index": 1 }] }),
            Value::Null,
        ),
        choice(json!({}), json!("tool_calls")),
    ];
    let told: Vec<_> = chunks.iter().map(|chunk| chunk["choices"].clone()).collect();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_stream_in_any_pieces_is_the_same_stream() {
    let whole = read(&played(RECORDED, usize::MAX, chunks()).await);
    for size in [1, 2, 3, 7, 64, 501] {
        let mut parted = read(&played(RECORDED, size, chunks()).await);
        for (parted, whole) in parted.iter_mut().zip(&whole).filter(|(parted, _)| parted.is_object()) {
            parted["created"] = whole["created"].clone();
        }
        assert_eq!(parted, whole, "{size}");
    }
}

#[tokio::test]
async fn what_breaks_off_or_errs_never_looks_whole() {
    let half = RECORDED.rsplit_once("data: ").unwrap().0;
    assert!(!played(half, 64, chunks()).await.contains("[DONE]"));
    for event in [
        r#"{"error":{"code":503,"message":"zq7 overloaded","status":"UNAVAILABLE"}}"#,
        r#"{"candidates":[{"finishReason":"MALFORMED_FUNCTION_CALL","index":0}]}"#,
    ] {
        let stream = played(&format!("{half}data: {event}\n\n"), 64, chunks()).await;
        assert!(stream.contains("event: error") && !stream.contains("[DONE]") && !stream.contains("zq7"), "{stream}");
    }
}
