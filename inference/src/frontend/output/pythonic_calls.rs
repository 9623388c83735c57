//! Calls in Python's syntax: `[get_weather(city="Almaty"), now()]`.
//!
//! A call is given out when it is whole, since only then its arguments can be rewritten as JSON; until then its text
//! may turn out to be content.

use super::delta::Deltas;
use super::marker::{Found, Pending, Prose, Step, find_marker, leading_space, marker_at};
use super::python_literal::{is_name_part, read_call};

const OPENS: [&str; 2] = ["<|python_start|>", "<|python_tag|>"];
const CLOSES: [&str; 2] = ["<|python_end|>", "<|eom|>"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing but white space so far.
    Start,
    Text,
    /// Behind an opening marker: a list must follow.
    Opened,
    /// Where a call's name begins.
    CallStart,
    Name,
    /// The first argument's name: where none is, the text is no call.
    FirstKey,
    Arguments,
    AfterCall,
    AfterList,
}

#[derive(Debug)]
pub(super) struct PythonicCalls {
    /// The tools of the request, which a call without a marker must name; empty: any name is believed.
    names: Vec<String>,
    /// The list stands behind a marker, so that any name in it is believed.
    is_marked: bool,
    state: State,
    pending: Pending,
    prose: Prose,
    /// Text that is content if no call comes of it.
    raw: String,
    /// Where in `raw` the call begins.
    call_at: usize,
    depth: usize,
    quote: Option<char>,
    is_escaped: bool,
}

impl PythonicCalls {
    pub(super) fn new(names: Vec<String>) -> Self {
        Self {
            names,
            is_marked: false,
            state: State::Start,
            pending: Pending::default(),
            prose: Prose::default(),
            raw: String::new(),
            call_at: 0,
            depth: 0,
            quote: None,
            is_escaped: false,
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
        self.give_up(out);
        self.prose.finish(out);
    }

    fn give_up(&mut self, out: &mut Deltas) -> Step {
        self.prose.write(&std::mem::take(&mut self.raw), out);
        self.state = State::Text;
        self.is_marked = false;
        Step::Taken(0)
    }

    fn keep(&mut self, text: &str) -> Step {
        self.raw.push_str(text);
        Step::Taken(text.len())
    }

    fn step(&mut self, text: &str, at_end: bool, out: &mut Deltas) -> Step {
        let Some(first) = text.chars().next() else { return Step::Wait };
        match self.state {
            State::Text => return self.text(text, at_end, out),
            State::Name | State::FirstKey | State::Arguments => return self.call(first, out),
            _ => {}
        }
        let spaces = leading_space(text);
        match self.state {
            State::AfterList => self.after_list(text, spaces, at_end, out),
            _ if spaces > 0 => self.keep(&text[..spaces]),
            State::Start => match marker_at(text, &OPENS, at_end) {
                Found::Undecided => Step::Wait,
                Found::Nothing if first == '[' => self.open_list(),
                _ => self.give_up(out),
            },
            State::Opened if first == '[' => self.open_list(),
            State::CallStart if first.is_alphabetic() || first == '_' => {
                self.call_at = self.raw.len();
                self.depth = 0;
                self.state = State::Name;
                Step::Taken(0)
            }
            State::AfterCall if first == ',' => {
                self.state = State::CallStart;
                self.keep(",")
            }
            State::AfterCall if first == ']' => {
                self.raw.clear();
                self.state = State::AfterList;
                Step::Taken(1)
            }
            _ => self.give_up(out),
        }
    }

    fn open_list(&mut self) -> Step {
        self.state = State::CallStart;
        self.keep("[")
    }

    fn text(&mut self, text: &str, at_end: bool, out: &mut Deltas) -> Step {
        let plain = find_marker(text, &OPENS, at_end);
        self.prose.write(&text[..plain.length], out);
        match plain.then {
            Found::Marker(index) => {
                self.state = State::Opened;
                self.is_marked = true;
                self.raw.push_str(OPENS[index]);
                Step::Taken(plain.length + OPENS[index].len())
            }
            Found::Undecided if plain.length == 0 => Step::Wait,
            _ => Step::Taken(plain.length),
        }
    }

    fn after_list(&mut self, text: &str, spaces: usize, at_end: bool, out: &mut Deltas) -> Step {
        if spaces > 0 {
            return Step::Taken(spaces);
        }
        match marker_at(text, &CLOSES, at_end) {
            Found::Undecided => Step::Wait,
            Found::Marker(index) => Step::Taken(CLOSES[index].len()),
            Found::Nothing => self.give_up(out),
        }
    }

    /// One character of a call.
    fn call(&mut self, character: char, out: &mut Deltas) -> Step {
        let is_space = character.is_whitespace();
        match self.state {
            State::Name if is_name_part(character) || matches!(character, '.' | '-') => {}
            State::Name if character == '(' => self.state = State::FirstKey,
            State::FirstKey if is_name_part(character) || is_space => {}
            State::FirstKey if character == '=' => self.state = State::Arguments,
            State::FirstKey if character == ')' => return self.end_call(out),
            State::Arguments => return self.arguments(character, out),
            _ => return self.give_up(out),
        }
        self.raw.push(character);
        Step::Taken(character.len_utf8())
    }

    fn arguments(&mut self, character: char, out: &mut Deltas) -> Step {
        match (self.quote, character) {
            (Some(_), _) if self.is_escaped => self.is_escaped = false,
            (Some(_), '\\') => self.is_escaped = true,
            (Some(quote), _) if quote == character => self.quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => self.quote = Some(character),
            (None, '(' | '[' | '{') => self.depth += 1,
            (None, ')') if self.depth == 0 => return self.end_call(out),
            (None, ')' | ']' | '}') if self.depth == 0 => return self.give_up(out),
            (None, ')' | ']' | '}') => self.depth -= 1,
            (None, _) => {}
        }
        self.raw.push(character);
        Step::Taken(character.len_utf8())
    }

    fn end_call(&mut self, out: &mut Deltas) -> Step {
        self.raw.push(')');
        let call = read_call(&self.raw[self.call_at..]);
        match call.filter(|(name, _)| self.is_marked || self.names.is_empty() || self.names.contains(name)) {
            Some((name, arguments)) => {
                self.prose.call();
                out.start_call(&name);
                out.arguments(&arguments);
                self.raw.clear();
                self.state = State::AfterCall;
            }
            None => {
                self.give_up(out);
            }
        }
        Step::Taken(1)
    }
}
