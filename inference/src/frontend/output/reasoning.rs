//! Splits what a model thinks from what it answers.
//!
//! Reasoning stands at the beginning of an answer, or the prompt has opened it already. White space at its edges, and
//! before the answer that follows it, belongs to neither.

use super::format::ReasoningFormat;
use super::marker::{Found, Pending, Step, find_marker, leading_space, marker_at};

const THINK: (&[&str], &[&str]) = (&["<think>"], &["</think>"]);
const MISTRAL: (&[&str], &[&str]) = (&["[THINK]"], &["[/THINK]"]);
const GRANITE: (&[&str], &[&str]) = (
    &["Here is my thought process:", "Here's my thought process:", "<think>"],
    &["Here is my response:", "Here's my response:", "</think>"],
);
/// Granite 3.3 wraps the answer as well.
const RESPONSE: (&[&str], &[&str]) = (&["<response>"], &["</response>"]);

/// One stretch of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Span {
    Reasoning(String),
    Answer(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// White space at most.
    Start,
    /// In reasoning, of which nothing has come.
    ReasoningStart,
    Reasoning,
    /// White space after reasoning.
    AnswerStart,
    Answer,
    /// An answer that ends with a marker of its own.
    WrappedAnswer,
}

#[derive(Debug)]
pub(super) struct ReasoningSplitter {
    opens: &'static [&'static str],
    closes: &'static [&'static str],
    state: State,
    pending: Pending,
    spaces: String,
}

impl ReasoningSplitter {
    pub(super) fn new(format: ReasoningFormat, starts_in_reasoning: bool) -> Self {
        let (opens, closes) = match format {
            ReasoningFormat::Think => THINK,
            ReasoningFormat::Mistral => MISTRAL,
            ReasoningFormat::Granite => GRANITE,
            ReasoningFormat::Harmony | ReasoningFormat::None => (&[][..], &[][..]),
        };
        let state = match starts_in_reasoning {
            _ if opens.is_empty() => State::Answer,
            true => State::ReasoningStart,
            false => State::Start,
        };
        Self { opens, closes, state, pending: Pending::default(), spaces: String::new() }
    }

    pub(super) fn push(&mut self, text: &str, mut sink: impl FnMut(Span)) {
        if self.state == State::Answer {
            return sink(Span::Answer(text.to_owned()));
        }
        let mut pending = std::mem::take(&mut self.pending);
        pending.offer(text, |text| self.step(text, false, &mut sink));
        self.pending = pending;
    }

    pub(super) fn finish(&mut self, mut sink: impl FnMut(Span)) {
        let mut pending = std::mem::take(&mut self.pending);
        pending.offer("", |text| self.step(text, true, &mut sink));
        let spaces = std::mem::take(&mut self.spaces);
        match self.state {
            State::Start => sink(Span::Answer(spaces)),
            State::Reasoning => sink(Span::Reasoning(spaces)),
            _ => {}
        }
    }

    fn step(&mut self, text: &str, at_end: bool, sink: &mut impl FnMut(Span)) -> Step {
        let spaces = leading_space(text);
        match self.state {
            State::Answer => {
                sink(Span::Answer(text.to_owned()));
                Step::Taken(text.len())
            }
            State::Reasoning => self.reasoning(text, at_end, sink),
            State::WrappedAnswer => self.wrapped_answer(text, at_end, sink),
            _ if spaces > 0 => {
                if self.state == State::Start {
                    self.spaces.push_str(&text[..spaces]);
                }
                Step::Taken(spaces)
            }
            State::Start => match marker_at(text, self.opens, at_end) {
                Found::Undecided => Step::Wait,
                Found::Marker(index) => self.go(State::ReasoningStart, self.opens[index]),
                Found::Nothing => {
                    sink(Span::Answer(std::mem::take(&mut self.spaces)));
                    self.go(State::Answer, "")
                }
            },
            // Some models open once more what the prompt opened.
            State::ReasoningStart => match marker_at(text, self.opens, at_end) {
                Found::Undecided => Step::Wait,
                Found::Marker(index) => self.go(State::Reasoning, self.opens[index]),
                Found::Nothing => self.go(State::Reasoning, ""),
            },
            State::AnswerStart => match marker_at(text, RESPONSE.0, at_end) {
                Found::Undecided if self.is_granite() => Step::Wait,
                Found::Marker(index) if self.is_granite() => self.go(State::WrappedAnswer, RESPONSE.0[index]),
                _ => self.go(State::Answer, ""),
            },
        }
    }

    fn is_granite(&self) -> bool {
        self.opens.len() == GRANITE.0.len()
    }

    fn go(&mut self, state: State, marker: &str) -> Step {
        self.state = state;
        self.spaces.clear();
        Step::Taken(marker.len())
    }

    fn reasoning(&mut self, text: &str, at_end: bool, sink: &mut impl FnMut(Span)) -> Step {
        let plain = find_marker(text, self.closes, at_end);
        let part = &text[..plain.length];
        let body = part.trim_end();
        if body.is_empty() {
            self.spaces.push_str(part);
        } else {
            let mut shown = std::mem::take(&mut self.spaces);
            shown.push_str(body);
            sink(Span::Reasoning(shown));
            self.spaces.push_str(&part[body.len()..]);
        }
        match plain.then {
            Found::Marker(index) => {
                self.go(State::AnswerStart, "");
                Step::Taken(plain.length + self.closes[index].len())
            }
            Found::Undecided if plain.length == 0 => Step::Wait,
            _ => Step::Taken(plain.length),
        }
    }

    fn wrapped_answer(&mut self, text: &str, at_end: bool, sink: &mut impl FnMut(Span)) -> Step {
        let plain = find_marker(text, RESPONSE.1, at_end);
        sink(Span::Answer(text[..plain.length].to_owned()));
        match plain.then {
            Found::Marker(index) => {
                self.state = State::Answer;
                Step::Taken(plain.length + RESPONSE.1[index].len())
            }
            Found::Undecided if plain.length == 0 => Step::Wait,
            _ => Step::Taken(plain.length),
        }
    }
}
