//! Events against goldens, and against the whole translation for random answers.

use super::*;
use crate::goldens;
use crate::responses::{from_chat, parse_request};
use http::StatusCode;
use proptest::prelude::*;

fn request() -> ResponsesRequest {
    let body = json!({
        "model": "chat", "input": "Weather?", "instructions": "Be brief.", "temperature": 0.5, "stream": true,
        "include": ["message.output_text.logprobs"], "top_logprobs": 1, "metadata": { "case": "7" }, "user": "u",
        "max_output_tokens": 64, "reasoning": { "effort": "low" }, "parallel_tool_calls": true,
        "tools": [{ "type": "function", "name": "weather", "parameters": { "type": "object" }, "strict": true }],
        "text": { "format": { "type": "json_schema", "name": "n", "schema": { "type": "object" } } },
    });
    parse_request(body.to_string().as_bytes()).unwrap()
}

fn plain_request() -> ResponsesRequest {
    parse_request(br#"{"model":"chat","input":"x"}"#).unwrap()
}

fn seed() -> IdSeed {
    IdSeed::new("1")
}

fn streamed(request: &ResponsesRequest, chunks: &[ChatChunk]) -> Vec<NamedEvent> {
    let mut stream = ResponsesStream::new(request, seed(), 1_767_225_600);
    let mut events: Vec<_> = chunks.iter().flat_map(|chunk| stream.push(chunk)).collect();
    events.extend(stream.finish());
    assert!(stream.finish().is_empty() && stream.fail(&ApiError::internal()).is_empty());
    events
}

#[test]
fn full_and_cut_answers_are_as_the_sdk_reads_them() {
    for (name, request, answer) in [
        ("responses_full", request(), goldens::full_answer()),
        ("responses_cut", plain_request(), goldens::cut_answer()),
    ] {
        let whole = from_chat(&request, &answer, seed());
        let events = streamed(&request, &goldens::chunks(&answer, 9));
        goldens::check(name, &json!({ "whole": whole, "events": goldens::events(&events) }));
    }
}

#[test]
fn a_broken_answer_fails_after_what_came() {
    let mut stream = ResponsesStream::new(&plain_request(), seed(), 1_767_225_600);
    let mut events = stream.begin();
    assert_eq!(events.len(), 2);
    let chunks = goldens::chunks(&goldens::cut_answer(), 4);
    events.extend(chunks[..3].iter().flat_map(|chunk| stream.push(chunk)));
    let error = ApiError { status: StatusCode::TOO_MANY_REQUESTS, ..ApiError::internal() };
    events.extend(stream.fail(&error));
    assert!(stream.push(&chunks[3]).is_empty());
    goldens::check("responses_failed", &json!({ "events": goldens::events(&events) }));

    let silent = streamed(&plain_request(), &chunks[..3]);
    assert_eq!(silent.last().unwrap().name, "response.failed", "an answer without a finish reason is not complete");
}

#[test]
fn an_empty_answer_is_an_empty_message() {
    let answer = goldens::completion(&json!({ "message": { "content": "" }, "finish_reason": "stop" }));
    let events = streamed(&plain_request(), &goldens::chunks(&answer, 1));
    assert!(events.iter().any(|event| event.name == "response.output_text.done"));
    let whole = from_chat(&plain_request(), &answer, seed());
    assert_eq!(events.last().unwrap().data["response"], json!(whole));
    assert_eq!(whole.output.len(), 1);
}

/// What a client puts together that only looks at deltas: per item, its texts and its arguments.
fn accumulated(events: &[NamedEvent]) -> Vec<Value> {
    let mut items: Vec<Value> = Vec::new();
    for event in events {
        let data = &event.data;
        let at = usize::try_from(data["output_index"].as_u64().unwrap_or(0)).unwrap();
        let id = items.get(at).map(|item| item["id"].clone()).unwrap_or_default();
        let mut grow = |pointer: &str| {
            let text = items[at].pointer_mut(pointer).unwrap();
            assert_eq!(data["item_id"], id);
            *text = json!(format!("{}{}", text.as_str().unwrap(), data["delta"].as_str().unwrap()));
        };
        match event.name {
            "response.output_item.added" => {
                assert_eq!(at, items.len());
                items.push(data["item"].clone());
            }
            "response.content_part.added" => items[at]["content"] = json!([data["part"]]),
            "response.output_text.delta" | "response.reasoning_text.delta" => grow("/content/0/text"),
            "response.refusal.delta" => grow("/content/0/refusal"),
            "response.function_call_arguments.delta" => grow("/arguments"),
            "response.output_item.done" => {
                items[at]["status"] = data["item"]["status"].clone();
                assert_eq!(items[at], data["item"]);
            }
            _ => {}
        }
    }
    items
}

proptest! {
    #[test]
    fn a_stream_is_the_whole_in_pieces(answer in goldens::answers(), size in 1..9_usize) {
        let request = plain_request();
        let events = streamed(&request, &goldens::chunks(&answer, size));
        let whole = json!(from_chat(&request, &answer, seed()));
        prop_assert_eq!(&events.last().unwrap().data["response"], &whole);
        prop_assert_eq!(&json!(accumulated(&events)), &whole["output"]);
        for (number, event) in events.iter().enumerate() {
            prop_assert_eq!(&event.data["sequence_number"], &json!(number));
        }
        let text: String = whole["output"].as_array().unwrap().iter()
            .filter_map(|item| item.pointer("/content/0/text").filter(|_| item["type"] == "message")?.as_str())
            .collect();
        prop_assert_eq!(text, answer.choices[0].message.content.clone().unwrap_or_default());
    }
}

/// An answer with a signed and a sealed thought.
fn thoughtful() -> crate::chat::ChatCompletion {
    goldens::completion(&json!({ "message": { "content": "x", "reasoning_content": "hm", "thinking_blocks": [
        { "type": "thinking", "thinking": "hm", "signature": "s1" }, { "type": "redacted_thinking", "data": "zz" }] },
        "finish_reason": "stop" }))
}

#[test]
fn thoughts_are_sealed_for_who_asks() {
    let answer = thoughtful();
    let items = |request: &ResponsesRequest| {
        let whole = json!(from_chat(request, &answer, seed()));
        let events = streamed(request, &goldens::chunks(&answer, 1));
        let last = &events.last().unwrap().data["response"]["output"];
        assert_eq!(last, &whole["output"]);
        let done: Vec<Value> = events
            .iter()
            .filter(|event| event.name == "response.output_item.done")
            .map(|event| event.data["item"].clone())
            .collect();
        assert_eq!(&json!(done), last);
        done.into_iter().map(|item| item["encrypted_content"].clone()).collect::<Vec<_>>()
    };
    let asking = br#"{"model":"chat","input":"x","include":["reasoning.encrypted_content"]}"#;
    let expected = [json!("thinking:s1"), json!("redacted_thinking:zz"), json!(null)];
    assert_eq!(items(&parse_request(asking).unwrap()), expected);
    assert_eq!(items(&plain_request()), [json!(null), json!(null)]);
}
