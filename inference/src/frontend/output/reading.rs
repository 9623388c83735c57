//! For tests: an answer read in pieces, with neighbours joined, so that readings can be compared.

use super::delta::OutputDelta;
use super::parser::OutputParser;

/// Reads the pieces and joins what belongs together.
pub(super) fn read<'p>(mut parser: OutputParser, pieces: impl IntoIterator<Item = &'p str>) -> Vec<OutputDelta> {
    use OutputDelta::{Content, Reasoning, ToolCallArguments};
    let mut joined: Vec<OutputDelta> = Vec::new();
    let mut deltas = Vec::new();
    for piece in pieces {
        deltas.extend(parser.push(piece));
    }
    deltas.extend(parser.finish());
    for delta in deltas {
        match (joined.last_mut(), delta) {
            (Some(Content(last)), Content(text))
            | (Some(Reasoning(last)), Reasoning(text))
            | (Some(ToolCallArguments { text: last, .. }), ToolCallArguments { text, .. }) => last.push_str(&text),
            (_, delta) => joined.push(delta),
        }
    }
    joined
}

/// Reads `text` whole, cut in two at every place, and character by character; all readings must be the same.
pub(super) fn read_all_ways(parser: impl Fn() -> OutputParser, text: &str) -> Vec<OutputDelta> {
    let whole = read(parser(), [text]);
    for (at, _) in text.char_indices() {
        let (before, after) = text.split_at(at);
        assert_eq!(read(parser(), [before, after]), whole, "cut at {at} of {text}");
    }
    let characters: Vec<String> = text.chars().map(String::from).collect();
    assert_eq!(read(parser(), characters.iter().map(String::as_str)), whole, "by characters: {text}");
    whole
}

/// The deltas in one line: `content`, `(reasoning)`, `name{arguments}`.
pub(super) fn line(deltas: &[OutputDelta]) -> String {
    let mut line = String::new();
    let mut num_calls = 0;
    for delta in deltas {
        if !line.is_empty() && !matches!(delta, OutputDelta::ToolCallArguments { .. }) {
            line.push('|');
        }
        match delta {
            OutputDelta::Content(text) => line.push_str(text),
            OutputDelta::Reasoning(text) => line.extend(["(", text, ")"]),
            OutputDelta::ToolCallStart { index, name } => {
                assert_eq!(*index, num_calls, "calls are counted from 0");
                num_calls += 1;
                line.extend([">", name]);
            }
            OutputDelta::ToolCallArguments { index, text } => {
                assert_eq!(index + 1, num_calls, "arguments belong to the call begun last");
                line.push_str(text);
            }
        }
    }
    line
}
