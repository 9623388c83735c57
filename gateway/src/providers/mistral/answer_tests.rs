//! Mistral's answers and a recorded stream as chat's.

use super::*;
use crate::providers::translated_events::played;

const RECORDED: &str = concat!(
    "data: {\"id\":\"c3\",\"object\":\"chat.completion.chunk\",\"created\":1762355135,\"model\":\"magistral-x\",\"choices\":[{\"index\":0,",
    "\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n",
    "data: {\"id\":\"c3\",\"object\":\"chat.completion.chunk\",\"created\":1762355135,\"model\":\"magistral-x\",\"choices\":[{\"index\":0,",
    "\"delta\":{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"Hm.\"}]}]},\"finish_reason\":null}]}\n\n",
    "data: {\"id\":\"c3\",\"object\":\"chat.completion.chunk\",\"created\":1762355135,\"model\":\"magistral-x\",\"choices\":[{\"index\":0,",
    "\"delta\":{\"content\":[{\"type\":\"text\",\"text\":\"Сә\"}]},\"finish_reason\":null}]}\n\n",
    "data: {\"id\":\"c3\",\"object\":\"chat.completion.chunk\",\"created\":1762355135,\"model\":\"magistral-x\",\"choices\":[{\"index\":0,",
    "\"delta\":{\"content\":\"лем\"},\"finish_reason\":null}]}\n\n",
    "data: {\"id\":\"c3\",\"object\":\"chat.completion.chunk\",\"created\":1762355135,\"model\":\"magistral-x\",\"choices\":[{\"index\":0,",
    "\"delta\":{\"tool_calls\":[{\"id\":\"Abc123def\",\"function\":{\"name\":\"find\",\"arguments\":{\"q\":\"x\"}},\"index\":0}]},",
    "\"finish_reason\":\"model_length\"}],\"usage\":{\"prompt_tokens\":5,\"total_tokens\":9,\"completion_tokens\":4}}\n\n",
    "data: [DONE]\n\n",
);

fn choices(stream: &str) -> Vec<Value> {
    let data = stream.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    data.map(|data| serde_json::from_str::<Value>(data).unwrap()["choices"][0].clone()).collect()
}

#[tokio::test]
async fn a_recorded_stream_in_any_pieces() {
    let whole = played(RECORDED, usize::MAX, Chunks::default()).await;
    let one = |delta: Value, finish: Value| json!({ "index": 0, "delta": delta, "finish_reason": finish });
    let expected = [
        one(json!({ "role": "assistant", "content": "" }), Value::Null),
        one(json!({ "content": null, "reasoning_content": "Hm." }), Value::Null),
        one(json!({ "content": "Сә" }), Value::Null),
        one(json!({ "content": "лем" }), Value::Null),
        one(
            json!({ "tool_calls": [{ "id": "Abc123def", "type": "function", "index": 0,
                "function": { "name": "find", "arguments": "{\"q\":\"x\"}" } }] }),
            json!("length"),
        ),
    ];
    assert_eq!(choices(&whole), expected);
    assert!(whole.ends_with("data: [DONE]\n\n") && whole.contains("\"usage\""), "{whole}");
    for size in [1, 2, 3, 7, 64, 501] {
        assert_eq!(played(RECORDED, size, Chunks::default()).await, whole, "{size}");
    }
}

#[tokio::test]
async fn what_errs_never_looks_whole() {
    let half = RECORDED.split_once("data: [DONE]").unwrap().0;
    for event in [
        r#"{"object":"error","message":"zq7","type":"internal_server_error","code":"1000"}"#,
        r#"{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}"#,
    ] {
        let stream = played(&format!("{half}data: {event}\n\ndata: [DONE]\n\n"), 64, Chunks::default()).await;
        assert!(stream.contains("event: error") && !stream.contains("[DONE]") && !stream.contains("zq7"), "{stream}");
    }
    assert!(!played(half, 64, Chunks::default()).await.contains("[DONE]"));
}

#[test]
fn a_whole_answer() {
    let text = |text: &str| json!({ "type": "text", "text": text });
    let mut chat = json!({ "id": "c", "choices": [{ "index": 0, "finish_reason": "tool_calls", "message": {
        "role": "assistant", "content": [{ "type": "thinking", "thinking": [text("H"), text("m.")] }, text("Look "),
            { "type": "reference", "reference_ids": [1] }, text("here.")],
        "tool_calls": [{ "id": "Abc123def", "function": { "name": "f", "arguments": { "q": "x" } } }] } }] });
    assert!(make_chat(&mut chat, "message"));
    let expected = json!({ "role": "assistant", "content": "Look here.", "reasoning_content": "Hm.",
        "tool_calls": [{ "id": "Abc123def", "type": "function", "function": { "name": "f", "arguments": "{\"q\":\"x\"}" } }] });
    assert_eq!(chat["choices"][0]["message"], expected);
    assert!(!make_chat(&mut json!({ "choices": [{ "finish_reason": "error", "message": {} }] }), "message"));
}
