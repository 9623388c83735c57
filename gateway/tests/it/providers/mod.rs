//! Providers with words of their own, behind a gateway: what they get, and what the client gets of their answers.

mod azure_openai;
mod gemini;
mod mistral;
mod presets;

use serde_json::{Value, json};

use crate::gateway::{Answer, TestGateway};
use crate::upstream::{Reply, Upstream};

/// A provider made of `lines`, and a route `chat` to its model `m-1` with `rest` in its table.
async fn started(reply: Reply, lines: &str, rest: &str) -> (Upstream, TestGateway) {
    let upstream = Upstream::start(reply).await;
    let gateway = TestGateway::start(&configuration(&upstream, lines, rest)).await;
    (upstream, gateway)
}

fn configuration(upstream: &Upstream, lines: &str, rest: &str) -> String {
    let base_url = if lines.contains("azure-openai") {
        upstream.base_url.strip_suffix("/v1").unwrap()
    } else {
        &upstream.base_url
    };
    format!(
        "[local]\nenabled = false\n[[providers]]\nname = \"p\"\nbase_url = \"{base_url}\"\n\
         api_key = \"env:CARGO_PKG_NAME\"\n{lines}\n\
         [[routes]]\nmodel = \"chat\"\ntargets = [{{ provider = \"p\", model = \"m-1\" }}]\n{rest}\n"
    )
}

fn asked(stream: bool) -> Value {
    json!({ "model": "chat", "stream": stream, "max_tokens": 50, "messages": [{ "role": "user", "content": "hi" }] })
}

/// A conversation in which a tool was called, and the tool.
fn with_tools(stream: bool) -> Value {
    let mut body = asked(stream);
    body["tools"] = json!([{ "type": "function", "function": { "name": "find", "parameters": { "type": "object" } } }]);
    let call =
        json!({ "id": "call_1", "type": "function", "function": { "name": "find", "arguments": "{\"q\":\"x\"}" } });
    body["messages"] = json!([{ "role": "user", "content": "hi" },
        { "role": "assistant", "content": null, "tool_calls": [call] },
        { "role": "tool", "tool_call_id": "call_1", "content": "found" }]);
    body
}

/// Head and body of the last request that came.
fn sent(upstream: &Upstream) -> (String, Value) {
    let record = upstream.take_received().pop().unwrap();
    let (head, body) = record.split_once('\n').unwrap();
    (head.to_owned(), serde_json::from_str(body).unwrap())
}

/// A stream's chunks, which end with `[DONE]`.
fn chunks(answer: &Answer) -> Vec<Value> {
    let data: Vec<_> = answer.body.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    assert_eq!(data.last(), Some(&"[DONE]"), "{}", answer.body);
    data.iter().filter(|data| **data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
}

/// One text of the deltas, put together.
fn joined(chunks: &[Value], name: &str) -> String {
    chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"][name].as_str()).collect()
}

fn finish(chunks: &[Value]) -> String {
    chunks.iter().filter_map(|chunk| chunk["choices"][0]["finish_reason"].as_str()).collect()
}

/// What the client gets for each of a provider's refusals.
async fn refusals(lines: &str, table: &[(u16, &'static str, u16, &str)]) {
    for (status, body, expected, code) in table {
        // Each on a gateway of its own: a target that failed would rest.
        let (_upstream, gateway) = started(Reply::Status(*status, body), lines, "").await;
        let answer = gateway.chat(asked(false)).await;
        assert_eq!((answer.status, &*answer.code()), (*expected, *code), "{status} {body}: {}", answer.body);
    }
}
