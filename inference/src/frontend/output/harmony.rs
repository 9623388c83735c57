//! Messages of gpt-oss: `<|channel|>analysis<|message|>…<|end|>`, each to a channel and perhaps to a tool.
//!
//! The analysis channel is reasoning, a message to `functions.name` is a call, all else is content. The prompt ends
//! with `<|start|>assistant`, so an answer begins inside a header; text before any marker is content.

use super::delta::Deltas;
use super::json_value::{JsonValue, Read, push_in_text};
use super::marker::{Found, Pending, Step, find_marker, leading_space};

const START: usize = 0;
const CHANNEL: usize = 1;
const CONSTRAIN: usize = 2;
const MESSAGE: usize = 3;
const MARKERS: [&str; 7] =
    ["<|start|>", "<|channel|>", "<|constrain|>", "<|message|>", "<|end|>", "<|call|>", "<|return|>"];

/// A longer header is none.
const MAX_HEADER_BYTES: usize = 512;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Content,
    Reasoning,
    Call,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Header,
    Body(Kind),
    /// Between the end of a message and the next header.
    Between,
}

#[derive(Debug)]
pub(super) struct Harmony {
    state: State,
    pending: Pending,
    /// The header as it came: content if no message follows.
    header: String,
    channel: String,
    /// The part of the header that is being read is the channel's.
    is_channel: bool,
    finds_calls: bool,
    /// White space at the end of arguments is not theirs.
    spaces: String,
    is_empty_call: bool,
    /// The arguments, while they are JSON that has not ended: a marker inside them is text.
    arguments: Option<JsonValue>,
}

impl Harmony {
    pub(super) fn new(finds_calls: bool, starts_in_reasoning: bool) -> Self {
        let kind = if starts_in_reasoning { Kind::Reasoning } else { Kind::Content };
        Self {
            state: State::Body(kind),
            pending: Pending::default(),
            header: String::new(),
            channel: String::new(),
            is_channel: false,
            finds_calls,
            spaces: String::new(),
            is_empty_call: false,
            arguments: None,
        }
    }

    pub(super) fn push(&mut self, text: &str, out: &mut Deltas) {
        let mut pending = std::mem::take(&mut self.pending);
        pending.offer(text, |text| self.step(text, false, out));
        self.pending = pending;
    }

    pub(super) fn finish(&mut self, out: &mut Deltas) {
        let mut pending = std::mem::take(&mut self.pending);
        pending.offer("", |text| self.step(text, true, out));
        out.content(&std::mem::take(&mut self.header));
    }

    fn step(&mut self, text: &str, at_end: bool, out: &mut Deltas) -> Step {
        let is_space_idle = self.state == State::Between || self.is_empty_call;
        let spaces = if is_space_idle { leading_space(text) } else { 0 };
        if spaces > 0 {
            return Step::Taken(spaces);
        }
        if let Some(value) = self.arguments.take() {
            return self.arguments(value, text, out);
        }
        let plain = find_marker(text, &MARKERS, at_end);
        let before = &text[..plain.length];
        match self.state {
            State::Header => self.header(before, out),
            State::Between if before.is_empty() => {}
            State::Between => {
                self.state = State::Body(Kind::Content);
                return Step::Taken(0);
            }
            State::Body(kind) => self.body(kind, before, out),
        }
        match plain.then {
            Found::Marker(index) => {
                self.marker(index, out);
                Step::Taken(plain.length + MARKERS[index].len())
            }
            Found::Undecided if plain.length == 0 => Step::Wait,
            _ => Step::Taken(plain.length),
        }
    }

    fn arguments(&mut self, mut value: JsonValue, text: &str, out: &mut Deltas) -> Step {
        let mut json = String::new();
        let mut taken = 0;
        for character in text.chars() {
            let is_in_text = value.is_in_text();
            let is_other = self.is_empty_call && character != '{';
            let read = if is_other { Read::Malformed } else { value.read(character) };
            if matches!(read, Read::Malformed | Read::Ended) {
                out.arguments(&json);
                return Step::Taken(taken);
            }
            self.is_empty_call = false;
            taken += character.len_utf8();
            if is_in_text {
                push_in_text(character, &mut json);
            } else {
                json.push(character);
            }
            if read == Read::Last {
                out.arguments(&json);
                return Step::Taken(taken);
            }
        }
        out.arguments(&json);
        self.arguments = Some(value);
        Step::Taken(taken)
    }

    fn body(&mut self, kind: Kind, text: &str, out: &mut Deltas) {
        match kind {
            Kind::Content => out.content(text),
            Kind::Reasoning => out.reasoning(text),
            Kind::Call => {
                let body = text.trim_end();
                if body.is_empty() {
                    self.spaces.push_str(text);
                    return;
                }
                self.is_empty_call = false;
                out.arguments(&std::mem::take(&mut self.spaces));
                out.arguments(body);
                self.spaces.push_str(&text[body.len()..]);
            }
        }
    }

    fn header(&mut self, text: &str, out: &mut Deltas) {
        self.header.push_str(text);
        if self.is_channel {
            self.channel.push_str(text);
        }
        if self.header.len() > MAX_HEADER_BYTES {
            out.content(&std::mem::take(&mut self.header));
            self.state = State::Body(Kind::Content);
        }
    }

    fn marker(&mut self, index: usize, out: &mut Deltas) {
        match (index, self.state) {
            (MESSAGE, State::Header) => self.message(out),
            (START | CHANNEL | CONSTRAIN, State::Header) => {
                self.header.push_str(MARKERS[index]);
                self.is_channel = index == CHANNEL;
            }
            (START | CHANNEL, _) => {
                self.end_message(out);
                MARKERS[index].clone_into(&mut self.header);
                self.channel.clear();
                self.is_channel = index == CHANNEL;
                self.state = State::Header;
            }
            (CONSTRAIN | MESSAGE, _) => {
                // Without a header before it, the marker opens nothing.
                let kind = if let State::Body(kind) = self.state { kind } else { Kind::Content };
                self.state = State::Body(kind);
                self.body(kind, MARKERS[index], out);
            }
            // A header that ends without a message.
            (_, State::Header) => {
                self.header.push_str(MARKERS[index]);
                out.content(&std::mem::take(&mut self.header));
                self.state = State::Between;
            }
            _ => {
                self.end_message(out);
                self.state = State::Between;
            }
        }
    }

    fn end_message(&mut self, out: &mut Deltas) {
        if self.state == State::Body(Kind::Call) && self.is_empty_call {
            out.arguments("{}");
        }
        self.is_empty_call = false;
        self.arguments = None;
        self.spaces.clear();
    }

    /// The header is whole: who is spoken to?
    fn message(&mut self, out: &mut Deltas) {
        let header = std::mem::take(&mut self.header);
        let channel = self.channel.split_whitespace().next().unwrap_or_default();
        let kind = match function_in(&header) {
            Some(name) if self.finds_calls => {
                out.start_call(name);
                self.is_empty_call = true;
                self.arguments = Some(JsonValue::new());
                Kind::Call
            }
            _ if channel == "analysis" => Kind::Reasoning,
            _ => Kind::Content,
        };
        self.state = State::Body(kind);
    }
}

/// The tool in `to=functions.name`, wherever in the header it stands.
fn function_in(header: &str) -> Option<&str> {
    let (_, rest) = header.split_once("to=functions.")?;
    let end = rest.find(|character: char| character.is_whitespace() || character == '<').unwrap_or(rest.len());
    (end > 0).then_some(&rest[..end])
}
