//! Gemini's answers as chat answers.

use super::*;

/// As the documentation shows one, with a thought, two calls and what a cache had.
fn answer() -> Value {
    json!({
        "candidates": [{
            "content": { "role": "model", "parts": [
                { "text": "Hm.", "thought": true },
                { "text": "Look " }, { "text": "here." },
                { "functionCall": { "id": "fc1", "name": "find", "args": { "q": "x", "a": 1 } }, "thoughtSignature": "c2ln" },
                { "functionCall": { "name": "now" } }] },
            "finishReason": "STOP", "index": 0,
            "logprobsResult": { "chosenCandidates": [{ "token": "Сә", "tokenId": 5, "logProbability": -0.1 }],
                "topCandidates": [{ "candidates": [{ "token": "Сә", "tokenId": 5, "logProbability": -0.1 },
                    { "token": "Look", "tokenId": 6, "logProbability": -2.5 }] }] } }],
        "usageMetadata": { "promptTokenCount": 10, "cachedContentTokenCount": 4, "candidatesTokenCount": 20,
            "thoughtsTokenCount": 7, "totalTokenCount": 37 },
        "modelVersion": "gemini-x", "responseId": "resp1",
    })
}

fn about() -> About {
    About { request_id: "r".to_owned(), model: "asked".to_owned(), created: 5 }
}

#[test]
fn an_answer_with_everything() {
    let chat = as_chat(&answer(), &about()).unwrap().unwrap();
    let made = chat["choices"][0]["message"]["tool_calls"][1]["id"].as_str().unwrap().to_owned();
    let bytes = "Сә".as_bytes();
    let expected = json!({
        "id": "resp1", "object": "chat.completion", "created": 5, "model": "gemini-x",
        "choices": [{ "index": 0, "message": {
            "role": "assistant", "content": "Look here.", "reasoning_content": "Hm.",
            "tool_calls": [
                { "id": "fc1", "type": "function", "function": { "name": "find", "arguments": "{\"q\":\"x\",\"a\":1}" },
                    "extra_content": { "google": { "thought_signature": "c2ln" } } },
                { "id": made, "type": "function", "function": { "name": "now", "arguments": "{}" } }] },
            "logprobs": { "content": [{ "token": "Сә", "logprob": -0.1, "bytes": bytes, "top_logprobs": [
                { "token": "Сә", "logprob": -0.1, "bytes": bytes },
                { "token": "Look", "logprob": -2.5, "bytes": b"Look" }] }] },
            "finish_reason": "tool_calls" }],
        "usage": { "prompt_tokens": 10, "completion_tokens": 27, "total_tokens": 37,
            "prompt_tokens_details": { "cached_tokens": 4 }, "completion_tokens_details": { "reasoning_tokens": 7 } },
    });
    assert_eq!(chat, expected);
    assert!(made.starts_with("call_") && made.len() == 29);
    assert_eq!(as_chat(&answer(), &about()).unwrap().unwrap(), expected, "ids that are made are always the same");
}

#[test]
fn reasons_to_end_are_chats_own() {
    for (reason, calls, expected) in [
        ("STOP", false, Ended::As("stop")),
        ("STOP", true, Ended::As("tool_calls")),
        ("MAX_TOKENS", true, Ended::As("length")),
        ("SAFETY", false, Ended::As("content_filter")),
        ("PROHIBITED_CONTENT", false, Ended::As("content_filter")),
        ("MALFORMED_FUNCTION_CALL", false, Ended::Broken),
        ("SOMETHING_NEW", false, Ended::As("stop")),
    ] {
        assert_eq!(finish_reason(reason, calls), expected, "{reason}");
    }
    let mut broken = answer();
    broken["candidates"][0]["finishReason"] = json!("MALFORMED_FUNCTION_CALL");
    assert!(matches!(as_chat(&broken, &about()), Err(AttemptError::Failed(_))));
}

#[test]
fn a_forbidden_prompt_is_refused() {
    let blocked = json!({ "promptFeedback": { "blockReason": "PROHIBITED_CONTENT" }, "usageMetadata": {} });
    let Err(AttemptError::Told(error)) = as_chat(&blocked, &about()) else { panic!("a refusal") };
    assert_eq!((error.status.as_u16(), error.code.as_deref()), (400, Some("content_filter")));
    assert!(as_chat(&json!({ "x": 1 }), &about()).unwrap().is_none());
}
