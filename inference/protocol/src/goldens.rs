//! Chat answers that both translations are tried on, and the files that hold what came out.
//!
//! The files were read with OpenAI's and Anthropic's own Python models when they were written. After a change that is
//! meant, `UPDATE_GOLDENS=1 cargo test -p shekara-protocol` writes them anew.

use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::chat::{ChatChunk, ChatCompletion};
use crate::sse::NamedEvent;

/// Compares with `tests/goldens/<name>.json`.
pub fn check(name: &str, actual: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens").join(format!("{name}.json"));
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        std::fs::write(&path, format!("{actual:#}\n")).unwrap();
    }
    let expected: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(actual, &expected, "{name}");
}

pub fn events(events: &[NamedEvent]) -> Value {
    let data = |event: &NamedEvent| {
        assert_eq!(event.data["type"], event.name);
        event.data.clone()
    };
    events.iter().map(data).collect()
}

/// Thoughts, text with log probabilities, and two calls.
pub fn full_answer() -> ChatCompletion {
    let token = |token: &str| {
        json!({ "token": token, "logprob": -0.1, "bytes": null,
            "top_logprobs": [{ "token": token, "logprob": -0.1, "bytes": token.as_bytes() }] })
    };
    let call = |id: &str, arguments: &str| {
        let function = json!({ "name": "weather", "arguments": arguments });
        json!({ "id": id, "type": "function", "function": function })
    };
    completion(&json!({
        "message": {
            "role": "assistant", "reasoning_content": "Two cities.", "content": "Қазір қараймын.",
            "tool_calls": [call("call_a", "{\"city\":\"Алматы\"}"), call("call_b", "{\"city\":\"Astana\"}")],
        },
        "logprobs": { "content": [token("Қазір"), token(" қараймын.")] },
        "finish_reason": "tool_calls",
    }))
}

/// Text that the token limit cut.
pub fn cut_answer() -> ChatCompletion {
    completion(&json!({ "message": { "role": "assistant", "content": "Бір, екі" }, "finish_reason": "length" }))
}

pub fn completion(choice: &Value) -> ChatCompletion {
    serde_json::from_value(json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_767_225_600, "model": "qwen3-8b",
        "choices": [choice],
        "usage": { "prompt_tokens": 30, "completion_tokens": 12, "total_tokens": 42,
            "prompt_tokens_details": { "cached_tokens": 16 },
            "completion_tokens_details": { "reasoning_tokens": 4 } },
    }))
    .unwrap()
}

/// The answer in pieces of `size` characters, as an OpenAI-shaped server streams it: usage last.
pub fn chunks(answer: &ChatCompletion, size: usize) -> Vec<ChatChunk> {
    let choice = &answer.choices[0];
    let message = &choice.message;
    let pieces = |text: &str| -> Vec<String> {
        text.chars().collect::<Vec<_>>().chunks(size).map(|piece| piece.iter().collect()).collect()
    };
    let mut choices = vec![json!({ "delta": { "role": "assistant", "content": "" } })];
    let blocks = message.thinking_blocks.as_deref().unwrap_or_default();
    if blocks.is_empty() {
        for text in pieces(message.reasoning_content.as_deref().unwrap_or_default()) {
            choices.push(json!({ "delta": { "reasoning_content": text } }));
        }
    }
    for block in blocks {
        let Some(signature) = block.ending() else {
            choices.push(json!({ "delta": { "thinking_blocks": [block] } }));
            continue;
        };
        for text in pieces(block.thinking.as_deref().unwrap_or_default()) {
            let piece = json!({ "type": "thinking", "thinking": text, "signature": "" });
            choices.push(json!({ "delta": { "reasoning_content": text, "thinking_blocks": [piece] } }));
        }
        let end = json!({ "type": "thinking", "thinking": "", "signature": signature });
        choices.push(json!({ "delta": { "thinking_blocks": [end] } }));
    }
    let mut logprobs = choice.logprobs.clone().and_then(|logprobs| logprobs.content).unwrap_or_default().into_iter();
    for text in pieces(message.content.as_deref().unwrap_or_default()) {
        let token = logprobs.next().map(|token| json!({ "content": [token] }));
        choices.push(json!({ "delta": { "content": text }, "logprobs": token }));
    }
    for text in pieces(message.refusal.as_deref().unwrap_or_default()) {
        choices.push(json!({ "delta": { "refusal": text } }));
    }
    for (index, call) in message.tool_calls.iter().flatten().enumerate() {
        let function = call.function.as_ref().unwrap();
        let first = json!({ "index": index, "id": call.id, "type": "function",
            "function": { "name": function.name, "arguments": "" } });
        choices.push(json!({ "delta": { "tool_calls": [first] } }));
        for text in pieces(&function.arguments) {
            let piece = json!({ "index": index, "function": { "arguments": text } });
            choices.push(json!({ "delta": { "tool_calls": [piece] } }));
        }
    }
    choices.push(json!({ "delta": {}, "finish_reason": choice.finish_reason, "stop_reason": choice.stop_reason }));
    let head = json!({ "id": answer.id, "object": "chat.completion.chunk", "created": answer.created,
        "model": answer.model });
    let bodies = choices.into_iter().map(|choice| json!({ "choices": [choice] }));
    let bodies = bodies.chain([json!({ "choices": [], "usage": answer.usage })]);
    let chunk = |body: Value| {
        let mut chunk = head.clone();
        chunk.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        serde_json::from_value(chunk).unwrap()
    };
    bodies.map(chunk).collect()
}

/// Thoughts with and without signatures, and sealed ones.
fn thoughts() -> impl Strategy<Value = Value> {
    let block = prop_oneof![
        ("[a-zқ]{0,6}", "[A-Z]{1,3}").prop_map(|(thinking, signature)| {
            json!({ "type": "thinking", "thinking": thinking, "signature": signature })
        }),
        "[A-Z]{0,3}".prop_map(|data| json!({ "type": "redacted_thinking", "data": data })),
    ];
    let plain = prop::option::of("[a-zқә\"\\\\{} \\n]{0,16}");
    (plain, prop::collection::vec(block, 0..4)).prop_map(|(plain, blocks)| {
        if blocks.is_empty() {
            return json!({ "reasoning_content": plain });
        }
        let told: String = blocks.iter().filter_map(|block| block["thinking"].as_str()).collect();
        json!({ "reasoning_content": told, "thinking_blocks": blocks })
    })
}

/// Answers of every mixture: with and without thoughts, text, a refusal, calls; whole and cut.
pub fn answers() -> impl Strategy<Value = ChatCompletion> {
    let text = || prop::option::of("[a-zқә\"\\\\{} \\n]{0,16}");
    let calls = prop::collection::vec(("[a-z]{1,4}", "[a-zқ\"\\\\{}\\n]{0,8}"), 0..4);
    let reason = prop::sample::select(vec!["stop", "length", "tool_calls", "content_filter"]);
    (thoughts(), text(), prop::option::weighted(0.1, "[a-z]{1,8}"), calls, reason).prop_map(
        |(mut message, content, refusal, calls, reason)| {
            let call = |(index, (name, value)): (usize, &(String, String))| {
                let arguments = json!({ "k": value }).to_string();
                json!({ "id": format!("call_{index}"), "type": "function",
                    "function": { "name": name, "arguments": arguments } })
            };
            let calls: Vec<_> = calls.iter().enumerate().map(call).collect();
            let rest = json!({ "role": "assistant", "content": content, "refusal": refusal, "tool_calls": calls });
            message.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
            completion(&json!({ "message": message, "finish_reason": reason }))
        },
    )
}
