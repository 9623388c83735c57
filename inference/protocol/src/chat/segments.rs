//! Puts the pieces of a chat answer into segments that follow one another: reasoning, text, refusal, one per tool call.
//!
//! The Responses and Messages APIs stream an answer as items that begin, grow and end; a chat stream only tags its
//! pieces. At most one segment is open at any time, nothing is lost, and a whole answer goes through the same steps, so
//! that both ways give the same items. Pieces of a call that comes between another one's wait until that one is whole.

use super::{ChatLogprobs, Delta, FunctionDelta, ResponseMessage, ThinkingBlock, TokenLogprob, ToolCallDelta};

/// What a segment holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SegmentKind {
    Reasoning,
    /// A thought that its maker alone can read; nothing more of it comes.
    Sealed {
        data: String,
    },
    Text,
    Refusal,
    /// Its text is the arguments. An `id` that the model's server left out is empty.
    ToolCall {
        id: String,
        name: String,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub enum SegmentEvent {
    Begin(SegmentKind),
    /// More of the open segment. Only text has log probabilities.
    Piece {
        text: String,
        logprobs: Vec<TokenLogprob>,
    },
    /// What its maker signed the open thought with; it ends with it.
    Signature(String),
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    /// By how many signed ones came before.
    Thought(usize),
    /// By its place in `sealed`.
    Sealed(usize),
    Text,
    Refusal,
    /// By its place in `calls`.
    Call(usize),
}

/// Splits one answer. Feed it every delta of choice 0, then [`Segments::finish`] it.
#[derive(Debug, Default)]
pub struct Segments {
    open: Option<Target>,
    calls: Vec<Call>,
    num_signed: usize,
    sealed: Vec<String>,
    /// In order of their first piece; each target at most once.
    waiting: Vec<Waiting>,
    /// Of tokens whose text has not come yet.
    held_logprobs: Vec<TokenLogprob>,
    events: Vec<SegmentEvent>,
}

#[derive(Debug)]
struct Call {
    index: u32,
    id: String,
    name: String,
    arguments: ObjectEnd,
    ended: bool,
}

#[derive(Debug)]
struct Waiting {
    target: Target,
    text: String,
    logprobs: Vec<TokenLogprob>,
    signature: Option<String>,
}

impl Segments {
    /// The events of a whole answer.
    pub fn of_message(message: &ResponseMessage, logprobs: Option<&ChatLogprobs>) -> Vec<SegmentEvent> {
        let calls = message.tool_calls.iter().flatten().zip(0..).map(|(call, index)| ToolCallDelta {
            index,
            id: Some(call.id.clone()),
            kind: None,
            function: call.function.as_ref().map(|function| FunctionDelta {
                name: Some(function.name.clone()),
                arguments: Some(function.arguments.clone()),
            }),
        });
        let mut segments = Self::default();
        let text = Delta { content: message.content.clone(), ..Delta::default() };
        let tool_calls = Some(calls.collect());
        let rest = Delta { refusal: message.refusal.clone(), tool_calls, ..Delta::default() };
        let mut events = segments.thoughts(message);
        events.extend(segments.push(&text, logprobs));
        events.extend(segments.push(&rest, None));
        events.extend(segments.finish());
        events
    }

    /// Of a whole message. Those that are signed or sealed stand in a list, text included.
    fn thoughts(&mut self, message: &ResponseMessage) -> Vec<SegmentEvent> {
        let blocks = message.thinking_blocks.as_deref().unwrap_or_default();
        let has_text = blocks.iter().any(|block| block.thinking.as_ref().is_some_and(|text| !text.is_empty()));
        let reasoning_content = message.reasoning_content.clone().filter(|_| !has_text);
        let mut events = self.push(&Delta { reasoning_content, ..Delta::default() }, None);
        for block in blocks {
            let thinking_blocks = Some(vec![block.clone()]);
            events.extend(self.push(&Delta { thinking_blocks, ..Delta::default() }, None));
        }
        events
    }

    pub fn push(&mut self, delta: &Delta, logprobs: Option<&ChatLogprobs>) -> Vec<SegmentEvent> {
        let filled = |text: &Option<String>| text.as_ref().filter(|text| !text.is_empty()).cloned();
        let blocks = delta.thinking_blocks.as_deref().unwrap_or_default();
        let (reasoning, text) = (filled(&delta.reasoning_content), filled(&delta.content));
        let is_text = reasoning.is_none() && blocks.is_empty() && delta.tool_calls.as_ref().is_none_or(Vec::is_empty);
        if let Some(tokens) = logprobs.and_then(|logprobs| logprobs.content.as_ref()) {
            if text.is_some() || is_text {
                self.held_logprobs.extend(tokens.iter().cloned());
            }
        }
        // The same text stands in both.
        let is_told = reasoning.is_some();
        if let Some(text) = reasoning {
            self.offer(Target::Thought(self.num_signed), text, Vec::new());
        }
        for block in blocks {
            if let Some(text) = filled(&block.thinking).filter(|_| !is_told) {
                self.offer(Target::Thought(self.num_signed), text, Vec::new());
            }
            self.offer_end_of_thought(block);
        }
        if let Some(text) = text {
            let logprobs = std::mem::take(&mut self.held_logprobs);
            self.offer(Target::Text, text, logprobs);
        }
        if let Some(text) = filled(&delta.refusal) {
            self.offer(Target::Refusal, text, Vec::new());
        }
        for call in delta.tool_calls.iter().flatten() {
            self.offer_call(call);
        }
        std::mem::take(&mut self.events)
    }

    /// Ends the open segment, and brings what still waits.
    pub fn finish(&mut self) -> Vec<SegmentEvent> {
        for waiting in std::mem::take(&mut self.waiting) {
            self.turn_to(waiting);
        }
        self.end_open();
        std::mem::take(&mut self.events)
    }

    fn offer_end_of_thought(&mut self, block: &ThinkingBlock) {
        if let Some(data) = block.secret() {
            self.sealed.push(data.to_owned());
            self.offer(Target::Sealed(self.sealed.len() - 1), String::new(), Vec::new());
        }
        let Some(signature) = block.ending() else { return };
        let target = Target::Thought(self.num_signed);
        self.num_signed += 1;
        // A thought may be shown by its signature alone.
        self.offer(target, String::new(), Vec::new());
        if self.open == Some(target) {
            self.sign(signature.to_owned());
        } else if let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.target == target) {
            waiting.signature = Some(signature.to_owned());
        }
    }

    fn sign(&mut self, signature: String) {
        self.events.push(SegmentEvent::Signature(signature));
        self.end_open();
    }

    fn offer_call(&mut self, delta: &ToolCallDelta) {
        let known = self.calls.iter().rposition(|call| call.index == delta.index);
        let place = known.unwrap_or_else(|| {
            let (id, name) = (String::new(), String::new());
            let arguments = ObjectEnd::default();
            self.calls.push(Call { index: delta.index, id, name, arguments, ended: false });
            self.calls.len() - 1
        });
        let call = &mut self.calls[place];
        // Some servers repeat id and name on every piece.
        if let (true, Some(id)) = (call.id.is_empty(), &delta.id) {
            call.id.clone_from(id);
        }
        let function = delta.function.as_ref();
        if let (true, Some(name)) = (call.name.is_empty(), function.and_then(|function| function.name.as_ref())) {
            call.name.clone_from(name);
        }
        if !call.ended {
            let arguments = function.and_then(|function| function.arguments.clone()).unwrap_or_default();
            self.offer(Target::Call(place), arguments, Vec::new());
        }
    }

    fn offer(&mut self, target: Target, text: String, logprobs: Vec<TokenLogprob>) {
        if self.open == Some(target) {
            self.piece(text, logprobs);
        } else if let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.target == target) {
            waiting.text.push_str(&text);
            waiting.logprobs.extend(logprobs);
        } else {
            self.waiting.push(Waiting { target, text, logprobs, signature: None });
        }
        while self.waiting.first().is_some_and(|next| self.is_named(next.target)) && self.open_is_whole() {
            let next = self.waiting.remove(0);
            self.turn_to(next);
        }
    }

    fn is_named(&self, target: Target) -> bool {
        match target {
            Target::Call(place) => !self.calls[place].name.is_empty(),
            _ => true,
        }
    }

    /// Whether the open segment may end because another one has something to say.
    fn open_is_whole(&self) -> bool {
        match self.open {
            Some(Target::Call(place)) => self.calls[place].arguments.is_reached,
            _ => true,
        }
    }

    fn turn_to(&mut self, next: Waiting) {
        self.end_open();
        self.open = Some(next.target);
        self.events.push(SegmentEvent::Begin(match next.target {
            Target::Thought(_) => SegmentKind::Reasoning,
            Target::Sealed(place) => SegmentKind::Sealed { data: self.sealed[place].clone() },
            Target::Text => SegmentKind::Text,
            Target::Refusal => SegmentKind::Refusal,
            Target::Call(place) => {
                let call = &self.calls[place];
                SegmentKind::ToolCall { id: call.id.clone(), name: call.name.clone() }
            }
        }));
        self.piece(next.text, next.logprobs);
        match (next.signature, next.target) {
            (Some(signature), _) => self.sign(signature),
            (None, Target::Sealed(_)) => self.end_open(),
            (None, _) => {}
        }
    }

    fn piece(&mut self, text: String, logprobs: Vec<TokenLogprob>) {
        if let Some(Target::Call(place)) = self.open {
            self.calls[place].arguments.read(&text);
        }
        if !text.is_empty() {
            self.events.push(SegmentEvent::Piece { text, logprobs });
        }
    }

    fn end_open(&mut self) {
        match self.open.take() {
            Some(Target::Call(place)) => self.calls[place].ended = true,
            Some(_) => {}
            None => return,
        }
        self.events.push(SegmentEvent::End);
    }
}

/// Finds the end of the first JSON object in a text that comes in pieces, at a constant cost per byte.
#[derive(Debug, Default)]
struct ObjectEnd {
    depth: usize,
    in_string: bool,
    after_backslash: bool,
    is_reached: bool,
}

impl ObjectEnd {
    fn read(&mut self, text: &str) {
        for byte in text.bytes() {
            if self.in_string {
                match byte {
                    _ if self.after_backslash => self.after_backslash = false,
                    b'\\' => self.after_backslash = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.is_reached |= self.depth == 0;
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
#[path = "segments_tests.rs"]
mod tests;
