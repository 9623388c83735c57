//! A streamed answer, chunk by chunk, against what OpenAI's API says of it.

use std::collections::BTreeMap;

use serde_json::Value;
use shekara_protocol::sse::SseEvent;

use super::Exchange;
use super::reading::{Call, Reading};

/// More calls than a model makes at once.
const MAX_CALLS: usize = 64;

pub(super) fn read_chunks(reading: &mut Reading, exchange: &Exchange) {
    if !exchange.is_event_stream() {
        reading.problem("a stream was asked for, and its type is not text/event-stream");
        return;
    }
    let mut chunks = Chunks { reading, id: None, is_done: false, calls: BTreeMap::new() };
    for (at_ms, event) in &exchange.events {
        chunks.event(*at_ms, event);
    }
    chunks.end();
}

struct Chunks<'r> {
    reading: &'r mut Reading,
    id: Option<String>,
    is_done: bool,
    calls: BTreeMap<u64, Call>,
}

impl Chunks<'_> {
    fn event(&mut self, at_ms: u64, event: &SseEvent) {
        if self.is_done {
            self.reading.problem("something comes behind [DONE]");
            return;
        }
        if event.data == "[DONE]" {
            self.is_done = true;
            return;
        }
        let Ok(chunk) = serde_json::from_str::<Value>(&event.data) else {
            self.reading.problem("an event is no JSON");
            return;
        };
        if event.event == "error" || chunk.get("error").is_some_and(|error| !error.is_null()) {
            self.reading.note_error(&chunk);
            return;
        }
        if !event.event.is_empty() {
            self.reading.odd("an event has a name");
        }
        self.reading.shape.add(&chunk);
        self.chunk(at_ms, &chunk);
    }

    fn chunk(&mut self, at_ms: u64, chunk: &Value) {
        let reading = &mut *self.reading;
        reading.expect(
            "",
            chunk,
            &[("id", &["string"]), ("created", &["integer"]), ("model", &["string"]), ("choices", &["array"])],
        );
        if chunk.get("object").and_then(Value::as_str) != Some("chat.completion.chunk") {
            reading.problem("object is not 'chat.completion.chunk'");
        }
        let id = chunk.get("id").and_then(Value::as_str).unwrap_or_default();
        if self.id.get_or_insert_with(|| id.to_owned()) != id {
            reading.problem("chunks of one answer have several ids");
        }
        if let Some(usage) = chunk.get("usage").filter(|usage| !usage.is_null()) {
            reading.note_usage(usage);
        }
        let choices = chunk.get("choices").and_then(Value::as_array);
        for choice in choices.into_iter().flatten() {
            self.choice(at_ms, choice);
        }
    }

    fn choice(&mut self, at_ms: u64, choice: &Value) {
        let reading = &mut *self.reading;
        reading.expect("choices[].", choice, &[("index", &["integer"]), ("delta", &["object"])]);
        let delta = choice.get("delta").unwrap_or(&Value::Null);
        let says = |name: &str| delta.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        let calls = delta.get("tool_calls").and_then(Value::as_array);
        let has_words = says("content");
        if has_words || calls.is_some() || says("reasoning_content") || says("reasoning") {
            reading.first_token_ms.get_or_insert(at_ms);
            if reading.finish_reason.is_some() {
                reading.problem("content comes behind the finish_reason");
            }
        }
        reading.has_text |= has_words;
        match choice.get("finish_reason") {
            Some(Value::String(_)) if reading.finish_reason.is_some() => reading.problem("the answer finishes twice"),
            Some(Value::String(reason)) => reading.note_finish(reason),
            None | Some(Value::Null) => {}
            Some(_) => reading.problem("choices[].finish_reason is no string"),
        }
        for call in calls.into_iter().flatten() {
            self.call(call);
        }
    }

    fn call(&mut self, call: &Value) {
        let Some(index) = call.get("index").and_then(Value::as_u64) else {
            self.reading.problem("choices[].delta.tool_calls[].index is missing");
            return;
        };
        if self.calls.len() >= MAX_CALLS && !self.calls.contains_key(&index) {
            return;
        }
        let whole = self.calls.entry(index).or_default();
        let text = |name: &str| call.get("function").and_then(|function| function.get(name)).and_then(Value::as_str);
        whole.name.push_str(text("name").unwrap_or_default());
        whole.arguments.push_str(text("arguments").unwrap_or_default());
    }

    fn end(self) {
        let reading = self.reading;
        reading.calls = self.calls.into_values().collect();
        if !self.is_done {
            reading.problem("the stream ends without [DONE]");
        }
        if reading.finish_reason.is_none() && reading.error.is_none() {
            reading.problem("the stream ends without a finish_reason");
        }
        reading.conclude();
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use shekara_protocol::sse::SseDecoder;

    use super::super::{Call, Exchange, Reading, Wanted};

    const CHUNK: &str = r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"#;

    fn read(events: &str) -> Reading {
        let events = SseDecoder::new(10_000).push(events.as_bytes()).unwrap();
        let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, "text/event-stream".parse().unwrap())]);
        let events = events.into_iter().zip(1..).map(|(event, at)| (at, event)).collect();
        let rest =
            Exchange { status: 200, headers, body: Vec::new(), events, broken: None, first_byte_ms: None, total_ms: 9 };
        Reading::of(&rest, Wanted::ChatStream)
    }

    fn delta(delta: &str, finish: &str) -> String {
        format!("data: {CHUNK}\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n")
    }

    #[test]
    fn a_stream_as_it_should_be() {
        let usage = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[],\
                     \"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3}}\n\n";
        let role = delta("{\"role\":\"assistant\",\"content\":\"\"}", "null");
        let all = [&*role, &delta("{\"content\":\"hi\"}", "null"), &delta("{}", "\"stop\""), usage, "data: [DONE]\n\n"];
        let reading = read(&all.concat());
        assert_eq!((reading.problems.as_slice(), reading.odd.as_slice()), (&[][..], &[][..]));
        assert_eq!((reading.first_token_ms, reading.finish_reason.as_deref()), (Some(2), Some("stop")));
        assert!(reading.has_usage && reading.has_text);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let (words, stop, done) = (delta("{\"content\":\"hi\"}", "null"), delta("{}", "\"stop\""), "data: [DONE]\n\n");
        for (events, wrong) in [
            (format!("{words}{stop}"), "the stream ends without [DONE]"),
            (format!("{words}{done}"), "the stream ends without a finish_reason"),
            (format!("{words}{stop}{done}{words}"), "something comes behind [DONE]"),
            (format!("{words}{stop}{words}{done}"), "content comes behind the finish_reason"),
            (format!("{words}{stop}{stop}{done}"), "the answer finishes twice"),
            (format!("{words}data: no\n\n{stop}{done}"), "an event is no JSON"),
            (format!("{words}{}{done}", stop.replace("\"c\"", "\"d\"")), "chunks of one answer have several ids"),
            (format!("{words}{}{done}", stop.replace("\"created\":1,", "")), "created is missing"),
            (
                format!("{words}{}{done}", stop.replace("\"model\":\"m\"", "\"model\":1")),
                "model is integer instead of string",
            ),
            (format!("{words}{}{done}", delta("{}", "\"eos\"")), "finish_reason is none of OpenAI's"),
        ] {
            assert_eq!(read(&events).problems, [wrong], "{events}");
        }
    }

    #[test]
    fn calls_are_put_together_and_errors_are_read() {
        let part = |text: &str| delta(&format!("{{\"tool_calls\":[{{\"index\":0,{text}}}]}}"), "null");
        let first =
            part("\"id\":\"x\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\"\"}");
        let second = part("\"function\":{\"arguments\":\":1}\"}");
        let reading = read(&[&*first, &second, &delta("{}", "\"tool_calls\""), "data: [DONE]\n\n"].concat());
        assert_eq!(reading.calls, [Call { name: "f".to_owned(), arguments: "{\"a\":1}".to_owned() }]);
        let error = "event: error\ndata: {\"error\":{\"message\":\"m\",\"type\":\"t\",\"param\":null,\"code\":\"c\"}}\n\ndata: [DONE]\n\n";
        let reading = read(error);
        assert_eq!(reading.error.unwrap().code.as_deref(), Some("c"));
        assert!(reading.problems.is_empty() && reading.odd.is_empty(), "{:?}", reading.problems);
    }
}
