//! The one door to the readers of all formats.

use super::delta::{Deltas, OutputDelta};
use super::format::{ReasoningFormat, ToolFormat};
use super::harmony::Harmony;
use super::json_calls::JsonCalls;
use super::pythonic_calls::PythonicCalls;
use super::reasoning::{ReasoningSplitter, Span};
use super::tagged_calls::TaggedCalls;
use super::tool_spec::ToolSpec;

/// Takes an answer apart while it streams.
#[derive(Debug)]
pub struct OutputParser {
    reader: Reader,
    out: Deltas,
}

#[derive(Debug)]
enum Reader {
    /// Reasoning and calls come in one syntax.
    Harmony(Harmony),
    Split(ReasoningSplitter, CallReader),
}

#[derive(Debug)]
enum CallReader {
    /// Calls are not looked for.
    None,
    Json(JsonCalls),
    Pythonic(PythonicCalls),
    Tagged(TaggedCalls),
}

impl OutputParser {
    /// Without `tools` the text stays content. `starts_in_reasoning`: the prompt ended with the marker that opens it.
    #[cfg(test)]
    pub fn new(reasoning: ReasoningFormat, tools: Option<ToolFormat>, starts_in_reasoning: bool) -> Self {
        Self::with_tools(reasoning, tools, starts_in_reasoning, &[])
    }

    /// As [`OutputParser::new`], and knows the tools: their schemas say which values are strings where the format does
    /// not, and a call without any marker must name one of them.
    pub fn with_tools(
        reasoning: ReasoningFormat,
        tools: Option<ToolFormat>,
        starts_in_reasoning: bool,
        specs: &[ToolSpec],
    ) -> Self {
        let format = tools.unwrap_or(ToolFormat::None);
        let reader = if reasoning == ReasoningFormat::Harmony || format == ToolFormat::Harmony {
            Reader::Harmony(Harmony::new(format == ToolFormat::Harmony, starts_in_reasoning))
        } else {
            let splitter = ReasoningSplitter::new(reasoning, starts_in_reasoning);
            Reader::Split(splitter, CallReader::new(format, specs))
        };
        Self { reader, out: Deltas::default() }
    }

    /// Takes the next piece of the answer.
    pub fn push(&mut self, text: &str) -> Vec<OutputDelta> {
        let out = &mut self.out;
        match &mut self.reader {
            Reader::Harmony(harmony) => harmony.push(text, out),
            Reader::Split(splitter, calls) => splitter.push(text, |span| calls.take(&span, out)),
        }
        self.out.take()
    }

    /// The answer has ended: what waited for more is given out.
    pub fn finish(&mut self) -> Vec<OutputDelta> {
        let out = &mut self.out;
        match &mut self.reader {
            Reader::Harmony(harmony) => harmony.finish(out),
            Reader::Split(splitter, calls) => {
                splitter.finish(|span| calls.take(&span, out));
                calls.finish(out);
            }
        }
        self.out.take()
    }
}

impl CallReader {
    fn new(format: ToolFormat, specs: &[ToolSpec]) -> Self {
        let names = || specs.iter().map(|tool| tool.name.clone()).collect();
        match format {
            ToolFormat::Pythonic => Self::Pythonic(PythonicCalls::new(names())),
            ToolFormat::Glm => Self::Tagged(TaggedCalls::glm(specs.to_vec())),
            ToolFormat::QwenXml => Self::Tagged(TaggedCalls::qwen(specs.to_vec())),
            _ => JsonCalls::new(format, names()).map_or(Self::None, Self::Json),
        }
    }

    fn take(&mut self, span: &Span, out: &mut Deltas) {
        let text = match span {
            Span::Reasoning(text) => return out.reasoning(text),
            Span::Answer(text) => text,
        };
        match self {
            Self::None => out.content(text),
            Self::Json(calls) => calls.push(text, out),
            Self::Pythonic(calls) => calls.push(text, out),
            Self::Tagged(calls) => calls.push(text, out),
        }
    }

    fn finish(&mut self, out: &mut Deltas) {
        match self {
            Self::None => {}
            Self::Json(calls) => calls.finish(out),
            Self::Pythonic(calls) => calls.finish(out),
            Self::Tagged(calls) => calls.finish(out),
        }
    }
}

#[cfg(test)]
#[path = "parser_tests.rs"]
mod tests;
