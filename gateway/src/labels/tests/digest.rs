//! The digest of the output: against values of other software, and the same for every way to stream an answer.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::labels::{OutputDigest, OutputSha256, TooManyFields};

fn of_answer(answer: &Value) -> OutputSha256 {
    let mut digest = OutputDigest::new();
    digest.add_answer(answer);
    digest.finish().unwrap()
}

fn of_chunks(chunks: &[Value]) -> OutputSha256 {
    let mut digest = OutputDigest::new();
    for chunk in chunks {
        digest.add_chunk(chunk);
    }
    digest.finish().unwrap()
}

#[test]
fn known_values() {
    let text = "41d781572a41005dd544a940964459daed1420146f62a65c356942a207351001";
    assert_eq!(of_answer(&json!({"choices":[{"message":{"content":"Сәлем, әлем!"}}]})).to_string(), text);
    assert_eq!(of_answer(&json!({"choices":[{"index":0,"text":"Сәлем, әлем!"}]})).to_string(), text);
    assert_eq!(OutputSha256::of_text("Сәлем, әлем!").to_string(), text);
    let answer = json!({"choices":[
        {"index":2,"message":{"role":"assistant","content":null,"refusal":"No.","reasoning_content":"hm"}},
        {"index":0,"message":{"content":"Сәлем","tool_calls":[
            {"id":"a","index":7,"function":{"name":"look","arguments":"{\"q\":\"қала\"}"}},
            {"id":"b","type":"custom","custom":{"name":"calc","input":"2+2"}}]}}]});
    let framed = "2688cf910f0580b38673402f4b66aaeae35aee1fcb88b6721bbd4d2a0d943f08";
    assert_eq!(of_answer(&answer).to_string(), framed);
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(of_answer(&json!({"choices":[{"message":{"content":null}}]})).to_string(), empty);
    assert_eq!(of_chunks(&[]).to_string(), empty);
}

#[test]
fn gaps_parts_and_reasoning_make_no_difference() {
    let whole = json!({"choices":[{"message":{"content":"ab","tool_calls":[
        {"function":{"name":"f","arguments":"{}"}},{"function":{"name":"","arguments":""}},
        {"function":{"name":"g","arguments":""}}]}}]});
    let chunks = [
        json!({"choices":[{"delta":{"role":"assistant","content":""}}]}),
        json!({"choices":[{"delta":{"reasoning_content":"thinking"}}]}),
        json!({"choices":[{"delta":{"content":[{"type":"text","text":"a"},{"type":"thinking","text":"no"}]}}]}),
        json!({"choices":[{"delta":{"tool_calls":[{"index":9,"function":{"name":"g"}}]}}]}),
        json!({"choices":[{"delta":{"content":"b","tool_calls":[{"index":4,"id":"x","function":{"name":"f"}}]}}]}),
        json!({"choices":[{"delta":{"tool_calls":[{"index":4,"function":{"arguments":"{}"}}]}}]}),
        json!({"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}),
        json!({"choices":[],"usage":{"completion_tokens":3}}),
    ];
    assert_eq!(of_chunks(&chunks), of_answer(&whole));
}

#[test]
fn the_same_text_at_another_place_is_another_output() {
    let places = [
        json!({"content":"x"}),
        json!({"refusal":"x"}),
        json!({"function_call":{"name":"x"}}),
        json!({"function_call":{"arguments":"x"}}),
        json!({"tool_calls":[{"function":{"name":"x"}}]}),
        json!({"tool_calls":[{"function":{"arguments":"x"}}]}),
        json!({"content":"x","refusal":"x"}),
    ];
    let mut digests: Vec<String> = Vec::new();
    for message in places {
        for index in [0, 1, u32::MAX] {
            digests.push(of_answer(&json!({"choices":[{"index":index,"message":message}]})).to_string());
        }
    }
    let all = digests.len();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), all);
}

#[test]
fn fields_are_bounded() {
    let mut digest = OutputDigest::new();
    (0..1024).for_each(|choice| digest.add_text(choice, "x"));
    digest.add_text(3, "more of a known field");
    digest.clone().finish().unwrap();
    digest.add_text(5000, "");
    digest.clone().finish().unwrap();
    digest.add_text(5000, "one more field");
    assert_eq!(digest.finish(), Err(TooManyFields));
}

/// A choice: content, refusal, tool calls as names and arguments.
type Choice = (String, String, Vec<(String, String)>);

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-cәғ😀]{0,12}", Just(String::new())]
}

fn answers() -> impl Strategy<Value = Vec<Choice>> {
    vec((text(), text(), vec(("[a-z]{1,4}", text()), 0..3)), 0..4)
}

fn whole(answer: &[Choice]) -> Value {
    let choices: Vec<Value> = answer
        .iter()
        .enumerate()
        .rev()
        .map(|(index, (content, refusal, calls))| {
            let calls: Vec<Value> = calls
                .iter()
                .map(|(name, arguments)| json!({"type":"function","function":{"name":name,"arguments":arguments}}))
                .collect();
            json!({"index":index,"message":{"role":"assistant","content":content,"refusal":refusal,"tool_calls":calls}})
        })
        .collect();
    json!({ "choices": choices })
}

/// The answer's deltas: every field cut and all fields mixed as `cuts` says.
fn stream(answer: &[Choice], cuts: &[u8]) -> Vec<Value> {
    let mut cuts = cuts.iter().copied().cycle();
    let mut next = move || cuts.next().unwrap_or(0);
    let mut fields: Vec<VecDeque<(usize, Value)>> = Vec::new();
    for (choice, (content, refusal, calls)) in answer.iter().enumerate() {
        let mut field = |text: &str, delta: &dyn Fn(&str) -> Value| {
            let mut pieces = VecDeque::new();
            let mut piece = String::new();
            for character in text.chars() {
                piece.push(character);
                if next() % 3 == 0 {
                    pieces.push_back((choice, delta(&std::mem::take(&mut piece))));
                }
            }
            pieces.push_back((choice, delta(&piece)));
            fields.push(pieces);
        };
        field(content, &|piece| json!({"content":piece}));
        field(refusal, &|piece| json!({"refusal":piece}));
        for (call, (name, arguments)) in calls.iter().enumerate() {
            let index = call * 3;
            field(name, &|piece| json!({"tool_calls":[{"index":index,"function":{"name":piece}}]}));
            field(arguments, &|piece| json!({"tool_calls":[{"index":index,"function":{"arguments":piece}}]}));
        }
    }
    let mut chunks: Vec<Vec<Value>> = Vec::new();
    while !fields.is_empty() {
        let at = usize::from(next()) % fields.len();
        let Some((choice, delta)) = fields[at].pop_front() else {
            fields.swap_remove(at);
            continue;
        };
        let delta = json!({"index":choice,"delta":delta});
        match chunks.last_mut() {
            Some(chunk) if next() % 4 == 0 => chunk.push(delta),
            _ => chunks.push(vec![delta]),
        }
    }
    chunks.into_iter().map(|choices| json!({ "choices": choices })).collect()
}

/// The definition, written once more from its text.
fn defined(answer: &[Choice]) -> OutputSha256 {
    let mut frames = BTreeMap::new();
    for (choice, (content, refusal, calls)) in (0_u32..).zip(answer) {
        frames.insert((choice, 0_u32, 1_u8), content);
        frames.insert((choice, 0, 2), refusal);
        for (call, (name, arguments)) in (0_u32..).zip(calls) {
            frames.insert((choice, call, 5), name);
            frames.insert((choice, call, 6), arguments);
        }
    }
    frames.retain(|_, text| !text.is_empty());
    let is_text = frames.keys().all(|place| *place == (0, 0, 1));
    let mut bytes = Vec::new();
    if is_text {
        bytes.extend(frames.values().flat_map(|text| text.bytes()));
    } else {
        bytes.extend(b"\xffshekara-output-v1");
        for ((choice, call, kind), text) in frames {
            bytes.push(kind);
            bytes.extend(choice.to_be_bytes());
            bytes.extend(call.to_be_bytes());
            bytes.extend((text.len() as u64).to_be_bytes());
            bytes.extend(Sha256::digest(text));
        }
    }
    let mut hex = String::new();
    for byte in Sha256::digest(bytes) {
        write!(hex, "{byte:02x}").unwrap();
    }
    hex.parse().unwrap()
}

proptest! {
    #[test]
    fn every_stream_has_the_digest_of_the_whole(answer in answers(), cuts in vec(any::<u8>(), 1..64)) {
        let expected = of_answer(&whole(&answer));
        prop_assert_eq!(expected, defined(&answer));
        prop_assert_eq!(of_chunks(&stream(&answer, &cuts)), expected);
    }

    #[test]
    fn other_answers_have_other_digests(one in answers(), other in answers()) {
        let trim = |answer: &[Choice]| {
            let mut answer = answer.to_vec();
            while answer.last().is_some_and(|(content, refusal, calls)| {
                content.is_empty() && refusal.is_empty() && calls.is_empty()
            }) {
                answer.pop();
            }
            answer
        };
        let same = trim(&one) == trim(&other);
        prop_assert_eq!(of_answer(&whole(&one)) == of_answer(&whole(&other)), same);
    }

    #[test]
    fn hex_is_read_back(text in "\\PC{0,20}") {
        let digest = OutputSha256::of_text(&text);
        prop_assert_eq!(digest.to_string().parse(), Ok(digest));
        let longer = digest.to_string() + "0";
        prop_assert!(longer.parse::<OutputSha256>().is_err());
        prop_assert!(text.parse::<OutputSha256>().is_err());
    }

    #[test]
    fn no_shape_breaks_it(choices in vec(strange(3), 0..4)) {
        let mut digest = OutputDigest::new();
        digest.add_chunk(&json!({ "choices": choices.clone() }));
        digest.add_answer(&json!({ "choices": choices.clone() }));
        digest.add_answer(&json!(choices));
        digest.finish().unwrap();
    }
}

/// JSON with the names that the digest looks for, in all the wrong places.
fn strange(depth: u32) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        "[a-z]{0,3}".prop_map(Value::from),
        Just(json!("text")),
    ];
    let name = prop::sample::select(vec![
        "index",
        "delta",
        "message",
        "content",
        "tool_calls",
        "function",
        "custom",
        "name",
        "arguments",
        "type",
        "text",
        "refusal",
        "function_call",
        "input",
    ]);
    leaf.prop_recursive(depth, 64, 8, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((name.clone(), inner), 0..8)
                .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}
