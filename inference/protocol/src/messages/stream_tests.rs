//! Events against goldens, and against the whole translation for random answers.

use super::*;
use crate::goldens;
use crate::messages::{from_chat, parse_request};
use proptest::prelude::*;

fn request() -> MessagesRequest {
    let body = json!({ "model": "chat", "max_tokens": 64, "messages": [{ "role": "user", "content": "x" }],
        "stop_sequences": ["END"] });
    parse_request(body.to_string().as_bytes()).unwrap()
}

fn streamed(chunks: &[ChatChunk]) -> Vec<NamedEvent> {
    let mut stream = MessagesStream::new(&request(), IdSeed::new("1"));
    let mut events: Vec<_> = chunks.iter().flat_map(|chunk| stream.push(chunk)).collect();
    events.extend(stream.finish());
    assert!(stream.finish().is_empty() && stream.fail(&ApiError::internal(), None).is_empty());
    events
}

/// A message put together as Anthropic's SDKs do.
fn accumulated(events: &[NamedEvent]) -> Value {
    let mut message = json!(null);
    let mut json_text = String::new();
    let mut open = None;
    for NamedEvent { name, data } in events {
        match *name {
            "message_start" => message = data["message"].clone(),
            "content_block_start" => {
                let content = message["content"].as_array_mut().unwrap();
                assert_eq!((&data["index"], open), (&json!(content.len()), None));
                open = Some(content.len());
                content.push(data["content_block"].clone());
                json_text.clear();
            }
            "content_block_delta" => {
                assert_eq!(data["index"], json!(open));
                let block = &mut message["content"][open.unwrap()];
                let field = match data["delta"]["type"].as_str().unwrap() {
                    "text_delta" => "text",
                    "thinking_delta" => "thinking",
                    "signature_delta" => "signature",
                    _ => {
                        json_text.push_str(data["delta"]["partial_json"].as_str().unwrap());
                        continue;
                    }
                };
                let text = format!("{}{}", block[field].as_str().unwrap(), data["delta"][field].as_str().unwrap());
                block[field] = json!(text);
            }
            "content_block_stop" => {
                let at = open.take().unwrap();
                if message["content"][at]["type"] == "tool_use" {
                    message["content"][at]["input"] = serde_json::from_str(&json_text).unwrap();
                }
            }
            "message_delta" => {
                let fields = data["delta"].as_object().unwrap().clone();
                message.as_object_mut().unwrap().extend(fields);
                message["usage"] = data["usage"].clone();
            }
            _ => {}
        }
    }
    message
}

#[test]
fn full_and_cut_answers_are_as_the_sdk_reads_them() {
    for (name, answer) in [("messages_full", goldens::full_answer()), ("messages_cut", goldens::cut_answer())] {
        let whole = from_chat(&request(), &answer, IdSeed::new("1"));
        let events = streamed(&goldens::chunks(&answer, 9));
        goldens::check(name, &json!({ "whole": whole, "events": goldens::events(&events) }));
    }
}

#[test]
fn only_a_stop_sequence_of_the_caller_counts_as_one() {
    for (matched, reason, sequence) in [
        (json!("END"), "stop_sequence", json!("END")),
        (json!("</s>"), "end_turn", json!(null)),
        (json!(2), "end_turn", json!(null)),
        (json!(null), "end_turn", json!(null)),
    ] {
        let answer = goldens::completion(&json!({
            "message": { "content": "x" }, "finish_reason": "stop", "stop_reason": matched }));
        let whole = json!(from_chat(&request(), &answer, IdSeed::new("1")));
        assert_eq!((&whole["stop_reason"], &whole["stop_sequence"]), (&json!(reason), &sequence));
        assert_eq!(accumulated(&streamed(&goldens::chunks(&answer, 1))), whole);
    }
}

#[test]
fn a_forced_call_that_ends_with_stop_is_a_tool_use() {
    let mut answer = goldens::full_answer();
    answer.choices[0].finish_reason = FinishReason::Stop;
    assert_eq!(json!(from_chat(&request(), &answer, IdSeed::new("1")))["stop_reason"], "tool_use");
}

#[test]
fn a_broken_answer_ends_with_an_error() {
    let chunks = goldens::chunks(&goldens::cut_answer(), 4);
    let mut stream = MessagesStream::new(&request(), IdSeed::new("1"));
    assert_eq!(stream.begin().len(), 2);
    assert_eq!(stream.push(&chunks[1]).len(), 2);
    let events = stream.fail(&ApiError::overloaded("Busy.", 1), Some("req-1"));
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].data["error"]["type"], "rate_limit_error");
    assert!(stream.push(&chunks[2]).is_empty());
    assert_eq!(streamed(&chunks[..3]).last().unwrap().name, "error", "no finish reason");
}

proptest! {
    #[test]
    fn a_stream_is_the_whole_in_pieces(answer in goldens::answers(), size in 1..9_usize) {
        let whole = from_chat(&request(), &answer, IdSeed::new("1"));
        prop_assert_eq!(accumulated(&streamed(&goldens::chunks(&answer, size))), json!(whole));
    }
}
