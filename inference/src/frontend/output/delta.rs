//! The pieces of an answer, and their collector: neighbours of one kind are joined, and calls are counted from 0.

/// A piece of an answer, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputDelta {
    Content(String),
    Reasoning(String),
    ToolCallStart { index: u32, name: String },
    ToolCallArguments { index: u32, text: String },
}

/// Collects the pieces of one push; the count of calls stays between pushes.
#[derive(Debug, Default)]
pub(super) struct Deltas {
    list: Vec<OutputDelta>,
    num_calls: u32,
}

impl Deltas {
    pub(super) fn content(&mut self, text: &str) {
        match self.list.last_mut() {
            _ if text.is_empty() => {}
            Some(OutputDelta::Content(last)) => last.push_str(text),
            _ => self.list.push(OutputDelta::Content(text.to_owned())),
        }
    }

    pub(super) fn reasoning(&mut self, text: &str) {
        match self.list.last_mut() {
            _ if text.is_empty() => {}
            Some(OutputDelta::Reasoning(last)) => last.push_str(text),
            _ => self.list.push(OutputDelta::Reasoning(text.to_owned())),
        }
    }

    /// Begins the next call; `arguments` go to it until another begins.
    pub(super) fn start_call(&mut self, name: &str) {
        self.list.push(OutputDelta::ToolCallStart { index: self.num_calls, name: name.to_owned() });
        self.num_calls += 1;
    }

    /// More of the arguments of the call begun last.
    pub(super) fn arguments(&mut self, text: &str) {
        let index = self.num_calls.saturating_sub(1);
        match self.list.last_mut() {
            _ if text.is_empty() => {}
            Some(OutputDelta::ToolCallArguments { text: last, .. }) => last.push_str(text),
            _ => self.list.push(OutputDelta::ToolCallArguments { index, text: text.to_owned() }),
        }
    }

    pub(super) fn take(&mut self) -> Vec<OutputDelta> {
        std::mem::take(&mut self.list)
    }
}
