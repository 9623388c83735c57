//! Calls whose arguments are JSON, in the envelopes that the families put around them.
//!
//! What opens like a call is kept until it is one; then its arguments stream. What turns out to be none is content,
//! every character of it. The envelopes follow the models' chat templates.

use super::call_object::{CallObject, Fed, MAX_NAME_BYTES};
use super::delta::Deltas;
use super::envelope::{Envelope, envelope_of, is_name_character, name_of};
use super::format::ToolFormat;
use super::marker::{Found, Pending, Prose, Step, find_marker, leading_space, marker_at};

#[derive(Debug)]
enum State {
    /// Nothing but white space so far, and a call may begin without a marker.
    Start,
    Text,
    /// Behind an opening marker, or where the next call of a list must begin.
    Opened,
    /// The name, and what else stands before the arguments: one part more after each separator.
    Name(Vec<String>),
    Call(Box<CallObject>),
    /// A call whose arguments are not JSON: the rest up to the closing marker is passed on as it is.
    Broken,
    AfterCall,
}

#[derive(Debug)]
pub(super) struct JsonCalls {
    envelope: &'static Envelope,
    /// All markers that end a call.
    ends: Vec<&'static str>,
    /// The tools of the request, which a call without a marker must name; empty: any name is believed.
    names: Vec<String>,
    state: State,
    pending: Pending,
    prose: Prose,
    /// Text that is content if no call comes of it.
    raw: String,
    is_in_list: bool,
}

impl JsonCalls {
    /// `None` where the format's arguments are not JSON.
    pub(super) fn new(format: ToolFormat, names: Vec<String>) -> Option<Self> {
        let envelope = envelope_of(format)?;
        let state = if envelope.is_bare { State::Start } else { State::Text };
        Some(Self {
            envelope,
            ends: [envelope.closes, envelope.opens].concat(),
            names,
            state,
            pending: Pending::default(),
            prose: Prose::default(),
            raw: String::new(),
            is_in_list: false,
        })
    }

    pub(super) fn push(&mut self, text: &str, out: &mut Deltas) {
        let mut pending = std::mem::take(&mut self.pending);
        pending.offer(text, |text| self.step(text, false, out));
        self.pending = pending;
    }

    pub(super) fn finish(&mut self, out: &mut Deltas) {
        let mut pending = std::mem::take(&mut self.pending);
        pending.offer("", |text| self.step(text, true, out));
        if let State::Call(call) = &mut self.state {
            self.raw.push_str(&std::mem::take(&mut call.raw));
        }
        self.give_up(out);
        self.prose.finish(out);
    }

    /// What was kept is content.
    fn give_up(&mut self, out: &mut Deltas) {
        self.prose.write(&std::mem::take(&mut self.raw), out);
        self.state = State::Text;
        self.is_in_list = false;
    }

    fn step(&mut self, text: &str, at_end: bool, out: &mut Deltas) -> Step {
        match &mut self.state {
            State::Start => self.start(text, at_end, out),
            State::Text => self.text(text, at_end, out),
            State::Opened => self.opened(text, at_end, out),
            State::Name(_) => self.name(text, at_end, out),
            State::Call(_) => self.call(text, out),
            State::Broken => self.broken(text, at_end, out),
            State::AfterCall => self.after_call(text, at_end, out),
        }
    }

    fn keep(&mut self, text: &str) -> Step {
        self.raw.push_str(text);
        Step::Taken(text.len())
    }

    fn open_call(&mut self, is_bare: bool) -> Step {
        let raw = std::mem::take(&mut self.raw);
        self.state = State::Call(Box::new(CallObject::new(raw, is_bare)));
        Step::Taken(0)
    }

    fn start(&mut self, text: &str, at_end: bool, out: &mut Deltas) -> Step {
        let spaces = leading_space(text);
        if spaces > 0 {
            return self.keep(&text[..spaces]);
        }
        match marker_at(text, self.envelope.opens, at_end) {
            Found::Undecided => return Step::Wait,
            Found::Nothing if text.starts_with('{') => return self.open_call(true),
            Found::Nothing if text.starts_with('[') && self.envelope.bare_list => {
                self.is_in_list = true;
                self.state = State::Opened;
                return self.keep("[");
            }
            _ => self.give_up(out),
        }
        Step::Taken(0)
    }

    fn text(&mut self, text: &str, at_end: bool, out: &mut Deltas) -> Step {
        let plain = find_marker(text, self.envelope.opens, at_end);
        self.prose.write(&text[..plain.length], out);
        match plain.then {
            Found::Marker(index) => {
                let marker = self.envelope.opens[index];
                self.state = State::Opened;
                self.raw.push_str(marker);
                Step::Taken(plain.length + marker.len())
            }
            Found::Undecided if plain.length == 0 => Step::Wait,
            _ => Step::Taken(plain.length),
        }
    }

    fn opened(&mut self, text: &str, at_end: bool, out: &mut Deltas) -> Step {
        let spaces = leading_space(text);
        if spaces > 0 {
            return self.keep(&text[..spaces]);
        }
        match marker_at(text, self.envelope.opens, at_end) {
            Found::Undecided => return Step::Wait,
            // DeepSeek opens the section and then the call.
            Found::Marker(index) if !self.is_in_list => return self.keep(self.envelope.opens[index]),
            _ => {}
        }
        let is_bare = self.envelope.opens.is_empty();
        match text.chars().next() {
            Some('{') => return self.open_call(is_bare),
            Some('[') if !self.is_in_list => {
                self.is_in_list = true;
                return self.keep("[");
            }
            Some(character)
                if !self.envelope.separators.is_empty() && !self.is_in_list && is_name_character(character) =>
            {
                self.state = State::Name(vec![String::new()]);
            }
            _ => self.give_up(out),
        }
        Step::Taken(0)
    }

    fn name(&mut self, text: &str, at_end: bool, out: &mut Deltas) -> Step {
        let State::Name(parts) = &mut self.state else { return Step::Taken(0) };
        match marker_at(text, self.envelope.separators, at_end) {
            Found::Undecided => return Step::Wait,
            Found::Marker(index) => {
                parts.push(String::new());
                return self.keep(self.envelope.separators[index]);
            }
            Found::Nothing => {}
        }
        let Some(character) = text.chars().next() else { return Step::Wait };
        if character == '{' {
            match name_of(parts) {
                Some(name) => {
                    let raw = std::mem::take(&mut self.raw);
                    self.state = State::Call(Box::new(CallObject::arguments_of(name, raw)));
                }
                None => self.give_up(out),
            }
            return Step::Taken(0);
        }
        let is_first = parts.len() == 1;
        let fits = is_name_character(character) || (!is_first && matches!(character, '`' | '\n' | '\r' | ' '));
        let length: usize = parts.iter().map(String::len).sum();
        match parts.last_mut() {
            Some(part) if fits && length < MAX_NAME_BYTES => {
                part.push(character);
                self.keep(&text[..character.len_utf8()])
            }
            _ => {
                self.give_up(out);
                Step::Taken(0)
            }
        }
    }

    fn call(&mut self, text: &str, out: &mut Deltas) -> Step {
        let State::Call(call) = &mut self.state else { return Step::Taken(0) };
        let names = &self.names;
        let is_call = |name: &str| names.is_empty() || names.iter().any(|known| known == name);
        for (at, character) in text.char_indices() {
            let was_started = call.is_started();
            let fed = call.feed(character, is_call, out);
            if call.is_started() && !was_started {
                self.prose.call();
            }
            let after = at + character.len_utf8();
            match fed {
                Fed::More => {}
                Fed::Last => {
                    self.state = State::AfterCall;
                    return Step::Taken(after);
                }
                Fed::Malformed if call.is_started() => {
                    // Models forget or double the outer brace; the call itself is whole then.
                    self.state = if call.has_arguments() { State::AfterCall } else { State::Broken };
                    return Step::Taken(at);
                }
                Fed::NoCall | Fed::Malformed => {
                    self.raw = std::mem::take(&mut call.raw);
                    self.give_up(out);
                    return Step::Taken(if fed == Fed::NoCall { after } else { at });
                }
            }
        }
        Step::Taken(text.len())
    }

    fn broken(&mut self, text: &str, at_end: bool, out: &mut Deltas) -> Step {
        let plain = find_marker(text, &self.ends, at_end);
        out.arguments(&text[..plain.length]);
        match plain.then {
            Found::Marker(_) => self.state = State::AfterCall,
            Found::Undecided if plain.length == 0 => return Step::Wait,
            _ => {}
        }
        Step::Taken(plain.length)
    }

    fn after_call(&mut self, text: &str, at_end: bool, out: &mut Deltas) -> Step {
        let spaces = leading_space(text);
        if spaces > 0 {
            return Step::Taken(spaces);
        }
        let opens = marker_at(text, self.envelope.opens, at_end);
        let closes = marker_at(text, self.envelope.closes, at_end);
        match (opens, closes) {
            (Found::Undecided, _) | (_, Found::Undecided) => return Step::Wait,
            (Found::Marker(index), _) => {
                self.is_in_list = false;
                self.state = State::Opened;
                return self.keep(self.envelope.opens[index]);
            }
            (_, Found::Marker(index)) => return Step::Taken(self.envelope.closes[index].len()),
            _ => {}
        }
        match text.chars().next() {
            Some(',') if self.is_in_list => {
                self.state = State::Opened;
                self.keep(",")
            }
            Some(']') if self.is_in_list => {
                self.is_in_list = false;
                Step::Taken(1)
            }
            Some(';') if self.envelope.is_bare && !self.is_in_list => {
                self.state = State::Start;
                self.keep(";")
            }
            Some('{') if self.envelope.is_bare && !self.is_in_list => self.open_call(true),
            _ => {
                self.give_up(out);
                Step::Taken(0)
            }
        }
    }
}
