//! Calls written with a tag around each argument: GLM's `<arg_key>` and `<arg_value>`, Qwen3-Coder's `<parameter=…>`.
//!
//! The values are plain text. One whose schema says string streams, escaped; any other is kept until its end, since
//! only then it shows whether it is JSON. Once begun, a call's arguments stay valid JSON: text between
//! the tags is content.

use super::delta::Deltas;
use super::json_value::escape_into;
use super::marker::{Found, Pending, Prose, Step, find_marker, leading_space, marker_at};
use super::tags::{GLM, QWEN, Tags, push_value};
use super::tool_spec::ToolSpec;

/// Longest name of a tool or argument that is believed.
const MAX_NAME_BYTES: usize = 256;

#[derive(Debug)]
enum State {
    Text,
    Opened,
    Name,
    /// Between arguments.
    Inside,
    Key,
    AfterKey,
    /// The value's first line break may be the padding.
    ValueStart,
    Value,
    AfterCall,
}

#[derive(Debug)]
pub(super) struct TaggedCalls {
    tags: &'static Tags,
    tools: Vec<ToolSpec>,
    state: State,
    pending: Pending,
    prose: Prose,
    /// Text that is content if no call comes of it.
    raw: String,
    name: String,
    key: String,
    /// A value that cannot be given out yet: all of it, or a line break that may be the padding.
    value: String,
    is_string: bool,
    /// The key of the argument was given out.
    is_begun: bool,
    is_started: bool,
    num_arguments: usize,
}

impl TaggedCalls {
    pub(super) fn glm(tools: Vec<ToolSpec>) -> Self {
        Self::new(&GLM, tools)
    }

    pub(super) fn qwen(tools: Vec<ToolSpec>) -> Self {
        Self::new(&QWEN, tools)
    }

    fn new(tags: &'static Tags, tools: Vec<ToolSpec>) -> Self {
        Self {
            tags,
            tools,
            state: State::Text,
            pending: Pending::default(),
            prose: Prose::default(),
            raw: String::new(),
            name: String::new(),
            key: String::new(),
            value: String::new(),
            is_string: false,
            is_begun: false,
            is_started: false,
            num_arguments: 0,
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
        self.cut_off(out);
        self.give_up(out);
        self.prose.finish(out);
    }

    fn give_up(&mut self, out: &mut Deltas) {
        self.prose.write(&std::mem::take(&mut self.raw), out);
        self.state = State::Text;
    }

    fn step(&mut self, text: &str, at_end: bool, out: &mut Deltas) -> Step {
        match self.state {
            State::Text => self.text(text, at_end, out),
            State::Opened => self.opened(text, at_end, out),
            State::Name => self.name(text, at_end, out),
            State::Inside => self.inside(text, at_end, out),
            State::Key => self.key(text, at_end, out),
            State::AfterKey => self.after_key(text, at_end, out),
            State::ValueStart => self.value_start(text),
            State::Value => self.value(text, at_end, out),
            State::AfterCall => self.after_call(text, at_end, out),
        }
    }

    fn keep(&mut self, text: &str) -> Step {
        self.raw.push_str(text);
        Step::Taken(text.len())
    }

    /// Text inside a call that belongs to none of its parts.
    fn stray(&mut self, text: &str, out: &mut Deltas) -> Step {
        if self.is_started {
            self.prose.write(text, out);
            self.state = State::Inside;
            return Step::Taken(text.len());
        }
        self.give_up(out);
        Step::Taken(0)
    }

    fn text(&mut self, text: &str, at_end: bool, out: &mut Deltas) -> Step {
        let plain = find_marker(text, self.tags.opens, at_end);
        self.prose.write(&text[..plain.length], out);
        match plain.then {
            Found::Marker(index) => Step::Taken(plain.length + self.open(self.tags.opens[index])),
            Found::Undecided if plain.length == 0 => Step::Wait,
            _ => Step::Taken(plain.length),
        }
    }

    fn open(&mut self, tag: &str) -> usize {
        self.raw.push_str(tag);
        self.name.clear();
        self.is_started = false;
        self.num_arguments = 0;
        let name_is_next = self.tags.name_open.is_empty() || tag == self.tags.name_open;
        self.state = if name_is_next { State::Name } else { State::Opened };
        tag.len()
    }

    fn opened(&mut self, text: &str, at_end: bool, out: &mut Deltas) -> Step {
        let spaces = leading_space(text);
        if spaces > 0 {
            return self.keep(&text[..spaces]);
        }
        match marker_at(text, &[self.tags.name_open], at_end) {
            Found::Undecided => Step::Wait,
            Found::Marker(_) => Step::Taken(self.open(self.tags.name_open)),
            Found::Nothing => self.stray(text, out),
        }
    }

    fn name(&mut self, text: &str, at_end: bool, out: &mut Deltas) -> Step {
        let is_leading_space = self.name.is_empty() && text.starts_with([' ', '\n', '\r']);
        match marker_at(text, self.tags.name_ends, at_end) {
            _ if is_leading_space => return self.keep(&text[..1]),
            Found::Undecided => return Step::Wait,
            Found::Marker(index) if !self.name.is_empty() => {
                self.state = State::Inside;
                return if index == 0 { self.keep(self.tags.name_ends[0]) } else { Step::Taken(0) };
            }
            _ => {}
        }
        let Some(character) = text.chars().next() else { return Step::Wait };
        let fits = character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | ':' | '/');
        if !fits || self.name.len() >= MAX_NAME_BYTES {
            return self.stray(text, out);
        }
        self.name.push(character);
        self.keep(&text[..character.len_utf8()])
    }

    fn inside(&mut self, text: &str, at_end: bool, out: &mut Deltas) -> Step {
        let tags = [self.tags.key_open, self.tags.call_close];
        let plain = find_marker(text, &tags, at_end);
        let between = &text[..plain.length];
        if self.is_started {
            self.prose.write(between, out);
        } else if between.trim_start().is_empty() {
            self.raw.push_str(between);
        } else {
            return self.stray(text, out);
        }
        match plain.then {
            Found::Marker(index) => {
                self.start(out);
                self.prose.call();
                if index == 0 {
                    self.key.clear();
                    self.state = State::Key;
                } else {
                    out.arguments(if self.num_arguments == 0 { "{}" } else { "}" });
                    self.state = State::AfterCall;
                }
                Step::Taken(plain.length + tags[index].len())
            }
            Found::Undecided if plain.length == 0 => Step::Wait,
            _ => Step::Taken(plain.length),
        }
    }

    fn start(&mut self, out: &mut Deltas) {
        if !self.is_started {
            self.is_started = true;
            self.raw.clear();
            out.start_call(&self.name);
        }
    }

    fn key(&mut self, text: &str, at_end: bool, out: &mut Deltas) -> Step {
        let plain = find_marker(text, &[self.tags.key_close], at_end);
        if self.key.len() + plain.length > MAX_NAME_BYTES {
            let fits = text.floor_char_boundary(MAX_NAME_BYTES - self.key.len());
            let kept = [self.tags.key_open, &std::mem::take(&mut self.key), &text[..fits]].concat();
            self.stray(&kept, out);
            return Step::Taken(fits);
        }
        self.key.push_str(&text[..plain.length]);
        match plain.then {
            Found::Marker(_) => {
                self.state = if self.tags.value_open.is_empty() { self.value_state() } else { State::AfterKey };
                Step::Taken(plain.length + self.tags.key_close.len())
            }
            Found::Undecided if plain.length == 0 => Step::Wait,
            _ => Step::Taken(plain.length),
        }
    }

    fn value_state(&mut self) -> State {
        let key = self.key.trim();
        let schema = self.tools.iter().find(|tool| tool.name == self.name).and_then(|tool| tool.argument(key));
        self.is_string = schema.and_then(|schema| schema.get("type")).is_some_and(|kind| kind == "string");
        self.value.clear();
        self.is_begun = false;
        State::ValueStart
    }

    fn after_key(&mut self, text: &str, at_end: bool, out: &mut Deltas) -> Step {
        let spaces = leading_space(text);
        if spaces > 0 {
            return Step::Taken(spaces);
        }
        match marker_at(text, &[self.tags.value_open], at_end) {
            Found::Undecided => Step::Wait,
            Found::Marker(_) => {
                self.state = self.value_state();
                Step::Taken(self.tags.value_open.len())
            }
            Found::Nothing => {
                let kept = [self.tags.key_open, &std::mem::take(&mut self.key), self.tags.key_close].concat();
                self.stray(&kept, out);
                Step::Taken(0)
            }
        }
    }

    fn value_start(&mut self, text: &str) -> Step {
        self.state = State::Value;
        Step::Taken(usize::from(self.tags.has_padding && text.starts_with('\n')))
    }

    fn value(&mut self, text: &str, at_end: bool, out: &mut Deltas) -> Step {
        let plain = find_marker(text, &[self.tags.value_close], at_end);
        let part = &text[..plain.length];
        if self.is_string {
            self.stream(part, out);
        } else {
            self.value.push_str(part);
        }
        match plain.then {
            Found::Marker(_) => {
                self.end_value(out);
                self.state = State::Inside;
                Step::Taken(plain.length + self.tags.value_close.len())
            }
            Found::Undecided if plain.length == 0 => Step::Wait,
            _ => Step::Taken(plain.length),
        }
    }

    /// Gives out the argument's key, once, before any of its value.
    fn begin_argument(&mut self, json: &mut String) -> bool {
        if self.is_begun {
            return false;
        }
        self.is_begun = true;
        json.push_str(if self.num_arguments == 0 { "{\"" } else { ", \"" });
        escape_into(self.key.trim(), json);
        json.push_str("\": ");
        self.num_arguments += 1;
        true
    }

    fn begin_string(&mut self, json: &mut String) {
        if self.begin_argument(json) {
            json.push('"');
        }
    }

    fn stream(&mut self, part: &str, out: &mut Deltas) {
        if part.is_empty() {
            return;
        }
        let mut json = String::new();
        self.begin_string(&mut json);
        // `value` holds a line break that is the padding if the value ends here.
        escape_into(&std::mem::take(&mut self.value), &mut json);
        let body = if self.tags.has_padding { part.strip_suffix('\n').unwrap_or(part) } else { part };
        escape_into(body, &mut json);
        self.value.push_str(&part[body.len()..]);
        out.arguments(&json);
    }

    fn end_value(&mut self, out: &mut Deltas) {
        let mut json = String::new();
        let value = std::mem::take(&mut self.value);
        if self.is_string {
            self.begin_string(&mut json);
            json.push('"');
        } else {
            self.begin_argument(&mut json);
            let value = if self.tags.has_padding { value.strip_suffix('\n').unwrap_or(&value) } else { &value };
            push_value(value, &mut json);
        }
        out.arguments(&json);
    }

    /// The answer was cut off inside the call: what was kept is given out as it is, since nothing may vanish.
    fn cut_off(&mut self, out: &mut Deltas) {
        let mut json = String::new();
        match self.state {
            State::Key => out.content(&[self.tags.key_open, &self.key].concat()),
            State::AfterKey => out.content(&[self.tags.key_open, &self.key, self.tags.key_close].concat()),
            State::Value if self.is_string => escape_into(&self.value, &mut json),
            State::Value if !self.value.is_empty() => {
                self.begin_argument(&mut json);
                json.push_str(&self.value);
            }
            _ => {}
        }
        out.arguments(&json);
    }

    fn after_call(&mut self, text: &str, at_end: bool, out: &mut Deltas) -> Step {
        let spaces = leading_space(text);
        if spaces > 0 {
            return Step::Taken(spaces);
        }
        match marker_at(text, &[self.tags.outer_close], at_end) {
            Found::Undecided => return Step::Wait,
            Found::Marker(_) if self.tags.outer_close != self.tags.call_close => {
                self.state = State::Text;
                return Step::Taken(self.tags.outer_close.len());
            }
            _ => self.give_up(out),
        }
        Step::Taken(0)
    }
}
