//! Every place of a chat request in which text can hide.

use serde_json::{Value, json};

use super::disguise::base64;
use super::phrase::Phrase;
use super::random::Random;

pub struct Position {
    pub name: &'static str,
    /// Whether the value stands in two pieces.
    pub parts_value: bool,
    place: fn(&Phrase, &mut Random) -> Value,
}

macro_rules! position {
    ($name:literal, $place:expr) => {
        Position { name: $name, parts_value: false, place: $place }
    };
    (parts $name:literal, $place:expr) => {
        Position { name: $name, parts_value: true, place: $place }
    };
}

pub const POSITIONS: [Position; 44] = [
    position!("user", |phrase, _| message("user", json!(phrase.sentence))),
    position!("system", |phrase, _| message("system", json!(phrase.sentence))),
    position!("developer", |phrase, _| message("developer", json!(phrase.sentence))),
    position!("assistant", |phrase, _| message("assistant", json!(phrase.sentence))),
    position!("part", |phrase, _| message("user", json!([text("See below."), text(&phrase.sentence)]))),
    position!("part of the system", |phrase, _| message("system", json!([text(&phrase.sentence)]))),
    position!("refusal", |phrase, _| {
        asked(&json!([{ "role": "assistant", "content": null, "refusal": phrase.sentence }]))
    }),
    position!("long text", |phrase, random| {
        let filler = "Слово за слово. ".repeat(random.between(700, 1_200));
        message("user", json!(format!("{filler}{} {filler}", phrase.sentence)))
    }),
    position!("name", |phrase, _| { asked(&json!([{ "role": "user", "name": phrase.sentence, "content": "hello" }])) }),
    position!("thought", |phrase, _| thought(&phrase.sentence, "c2ln")),
    position!("signature of a thought", |phrase, _| thought("Hm.", &phrase.sentence)),
    position!("encoded signature of a thought", |phrase, _| {
        thought("Hm.", &base64(format!("\u{8}\u{1}{}\u{2}", phrase.sentence).as_bytes()))
    }),
    position!("sealed thought", |phrase, _| {
        let block = json!({ "type": "redacted_thinking", "data": phrase.sentence });
        asked(&json!([{ "role": "assistant", "content": "So.", "thinking_blocks": [block] }]))
    }),
    position!("arguments", |phrase, _| called(&json!({ "note": phrase.sentence }).to_string())),
    position!("argument by its name", |phrase, _| called(&json!({ phrase.kind.labels[2]: phrase.placed }).to_string())),
    position!("key of arguments", |phrase, _| called(&json!({ phrase.sentence.clone(): 1 }).to_string())),
    position!("arguments that are no JSON", |phrase, _| called(&format!("{{\"note\": \"{}", phrase.sentence))),
    position!("nested arguments", |phrase, _| {
        called(&json!({ "outer": json!({ "inner": [phrase.sentence] }).to_string() }).to_string())
    }),
    position!("id of a tool call", |phrase, _| {
        asked(&json!([{ "role": "tool", "tool_call_id": phrase.sentence, "content": "done" }]))
    }),
    position!("tool result", |phrase, _| {
        asked(&json!([{ "role": "tool", "tool_call_id": "c1", "content": phrase.sentence }]))
    }),
    position!("tool result in JSON", |phrase, _| {
        let result = json!({ "rows": [{ "note": phrase.sentence }] }).to_string();
        asked(&json!([{ "role": "tool", "tool_call_id": "c1", "content": result }]))
    }),
    position!("old function call", |phrase, _| {
        let call = json!({ "name": "f", "arguments": json!({ "q": phrase.sentence }).to_string() });
        asked(&json!([{ "role": "assistant", "content": null, "function_call": call }]))
    }),
    position!("name of a tool", |phrase, _| tool(&json!({ "name": phrase.sentence }))),
    position!("description of a tool", |phrase, _| tool(&json!({ "name": "f", "description": phrase.sentence }))),
    position!("schema of a tool", |phrase, _| {
        let properties = json!({ "q": { "type": "string", "description": phrase.sentence } });
        tool(&json!({ "name": "f", "parameters": { "type": "object", "properties": properties } }))
    }),
    position!("choices of a schema", |phrase, _| {
        let properties = json!({ "q": { "type": "string", "enum": ["none", phrase.sentence] } });
        tool(&json!({ "name": "f", "parameters": { "type": "object", "properties": properties } }))
    }),
    position!("response format", |phrase, _| {
        let schema = json!({ "name": "s", "schema": { "type": "object", "description": phrase.sentence } });
        with("response_format", json!({ "type": "json_schema", "json_schema": schema }))
    }),
    position!("metadata", |phrase, _| with("metadata", json!({ "note": phrase.sentence }))),
    position!("metadata by its name", |phrase, _| {
        with("metadata", json!({ phrase.kind.labels[2]: phrase.placed }))
    }),
    position!("key of metadata", |phrase, _| with("metadata", json!({ phrase.sentence.clone(): "x" }))),
    position!("user field", |phrase, _| with("user", json!(phrase.sentence))),
    position!("safety identifier", |phrase, _| with("safety_identifier", json!(phrase.sentence))),
    position!("stop", |phrase, _| with("stop", json!(["END", phrase.sentence]))),
    position!("prediction", |phrase, _| with("prediction", json!({ "type": "content", "content": phrase.sentence }))),
    position!("unknown field", |phrase, _| with("x_note", json!(phrase.sentence))),
    position!("deep in an unknown field", |phrase, _| with("x_note", json!([{ "a": [[{ "b": phrase.sentence }]] }]))),
    position!("key of an unknown field", |phrase, _| with(&phrase.sentence, json!(true))),
    position!("number", |phrase, _| {
        let number: Result<u64, _> = phrase.original.parse();
        let value =
            number.ok().filter(|_| !phrase.original.starts_with('0')).map_or(json!(phrase.sentence), Value::from);
        with("metadata", json!({ phrase.kind.labels[2]: value }))
    }),
    position!("name of a file", |phrase, _| {
        let file = json!({ "filename": format!("{}.txt", phrase.sentence), "file_data": data_url("hello") });
        message("user", json!([{ "type": "file", "file": file }]))
    }),
    position!("file", |phrase, _| {
        let file = json!({ "filename": "a.txt", "file_data": data_url(&phrase.sentence) });
        message("user", json!([{ "type": "file", "file": file }]))
    }),
    position!("address of an image", |phrase, _| {
        let image = json!({ "url": format!("https://example.kz/a.png?q={}", phrase.placed) });
        message("user", json!([{ "type": "image_url", "image_url": image }]))
    }),
    position!(parts "two parts", |phrase, random| {
        let (head, tail) = phrase.halves(random);
        message("user", json!([text(&head), text(&tail)]))
    }),
    position!(parts "two messages", |phrase, random| {
        let (head, tail) = phrase.halves(random);
        asked(&json!([{ "role": "user", "content": head }, { "role": "user", "content": tail }]))
    }),
    position!(parts "two messages apart", |phrase, random| {
        let (head, tail) = phrase.halves(random);
        asked(&json!([{ "role": "user", "content": head }, { "role": "assistant", "content": "Go on." },
            { "role": "user", "content": tail }]))
    }),
];

impl Position {
    /// A request that holds `phrase` here.
    pub fn request(&self, phrase: &Phrase, random: &mut Random) -> Value {
        (self.place)(phrase, random)
    }
}

fn text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

fn message(role: &str, content: impl Into<Value>) -> Value {
    asked(&json!([{ "role": role, "content": content.into() }]))
}

/// `messages` and, behind them, a question.
fn asked(messages: &Value) -> Value {
    let mut list = messages.as_array().unwrap().clone();
    if list.last().unwrap()["role"] != "user" {
        list.push(json!({ "role": "user", "content": "What follows from this?" }));
    }
    json!({ "messages": list })
}

fn thought(thinking: &str, signature: &str) -> Value {
    let block = json!({ "type": "thinking", "thinking": thinking, "signature": signature });
    asked(&json!([{ "role": "assistant", "content": "So.", "thinking_blocks": [block] }]))
}

fn called(arguments: &str) -> Value {
    let call = json!({ "id": "c1", "type": "function", "function": { "name": "find", "arguments": arguments } });
    asked(&json!([{ "role": "user", "content": "Look it up." },
        { "role": "assistant", "content": null, "tool_calls": [call] },
        { "role": "tool", "tool_call_id": "c1", "content": "nothing found" }]))
}

fn tool(function: &Value) -> Value {
    with("tools", json!([{ "type": "function", "function": function }]))
}

fn with(field: &str, value: Value) -> Value {
    let mut body = message("user", json!("What follows from this?"));
    body[field] = value;
    body
}

fn data_url(text: &str) -> String {
    format!("data:text/plain;base64,{}", base64(text.as_bytes()))
}
