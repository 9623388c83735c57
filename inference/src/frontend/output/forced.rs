//! Grammars that make an answer a tool call, in the model's own format, with arguments that fit the tool's schema.
//!
//! Lark in llguidance's dialect. The parser of the same format reads every text of such a grammar as complete calls.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::call_shape::{CallShape, Markers, Shape, literal};
use crate::sampling::grammar::{Leave, Template};

use super::format::{ReasoningFormat, ToolFormat};
use super::tool_spec::ToolSpec;

/// Most calls that one answer may make when it is forced.
const MAX_CALLS: usize = 8;

/// What the request's `tool_choice` wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForcedTools<'a> {
    /// Text or calls; a call that begins must be a valid one. Only with a strict tool.
    Auto,
    Required,
    Function(&'a str),
}

/// The answer that is wanted.
#[derive(Clone, Copy, Debug)]
pub struct CallRequest<'a> {
    pub format: ToolFormat,
    pub reasoning: ReasoningFormat,
    /// The prompt has opened the reasoning, which the answer must close before it calls.
    pub starts_in_reasoning: bool,
    pub tools: &'a [ToolSpec],
    pub choice: ForcedTools<'a>,
    /// More than one call may be made.
    pub parallel: bool,
}

/// A grammar, and the format that reads what it allows.
#[derive(Clone, Debug, PartialEq)]
pub struct CallGrammar {
    pub template: Template,
    pub format: ToolFormat,
}

/// The grammar for a request, if one is needed and can be had.
///
/// `special` gives the id of a text that is one special token for the grammar's engine too, which then never takes it
/// for text; other markers are matched as text. `None` for [`ForcedTools::Auto`] without a strict tool, or in a format
/// in which a call in free text cannot be told from text; and where no tool has the wanted name.
pub fn call_grammar(request: &CallRequest<'_>, special: &dyn Fn(&str) -> Option<u32>) -> Option<CallGrammar> {
    let is_wanted = |tool: &&ToolSpec| match request.choice {
        ForcedTools::Function(name) => tool.name == name,
        ForcedTools::Auto | ForcedTools::Required => true,
    };
    let tools: Vec<&ToolSpec> = request.tools.iter().filter(is_wanted).collect();
    if tools.is_empty() {
        return None;
    }
    let is_auto = request.choice == ForcedTools::Auto;
    if is_auto && !tools.iter().any(|tool| tool.strict) {
        return None;
    }
    let format = match request.format {
        // Their arguments are not JSON, so a schema cannot bind them.
        ToolFormat::Pythonic | ToolFormat::Glm | ToolFormat::QwenXml | ToolFormat::None if !is_auto => ToolFormat::Json,
        format => format,
    };
    let writer = Writer { markers: Markers { special, format, parallel: request.parallel }, request };
    let shape = writer.markers.shape()?;
    let start = if is_auto { writer.free_start(&shape)? } else { writer.forced_start(&shape) };
    let mut lark = String::from("%llguidance {}\n");
    lark.push_str(&start);
    writer.rules(&tools, &shape.call, &mut lark);
    let free = if is_auto || !request.starts_in_reasoning { None } else { writer.leave() };
    let template = Template { lark, starts_free: free.is_some(), leave: free };
    Some(CallGrammar { template, format })
}

/// The frame of an answer that is one JSON document, after the reasoning of a model that reasons. `None` where there is
/// nothing around the document.
pub fn framed_document(
    schema: &Value,
    (reasoning, starts_in_reasoning): (ReasoningFormat, bool),
    special: &dyn Fn(&str) -> Option<u32>,
) -> Option<Template> {
    let choice = ForcedTools::Required;
    let format = if reasoning == ReasoningFormat::Harmony { ToolFormat::Harmony } else { ToolFormat::Json };
    let request = CallRequest { format, reasoning, starts_in_reasoning, tools: &[], choice, parallel: false };
    let writer = Writer { markers: Markers { special, format, parallel: false }, request: &request };
    let mut before = String::new();
    let rules = match reasoning {
        ReasoningFormat::None => return None,
        ReasoningFormat::Harmony => {
            let rules = writer.harmony_analysis(&mut before);
            let [channel, message] = ["<|channel|>", "<|message|>"].map(|marker| writer.markers.marker(marker));
            before.push_str(&[&channel, "\"final\"", &message, ""].join(" "));
            rules
        }
        _ if starts_in_reasoning => writer.reasoning_end(&mut before),
        _ => writer.own_reasoning(&mut before),
    };
    let lark = format!("%llguidance {{}}\nstart: {before}answer\n{rules}answer: %json {schema}\n");
    let leave = if reasoning == ReasoningFormat::Harmony { None } else { writer.leave() };
    Some(Template { lark, leave, starts_free: starts_in_reasoning })
}

struct Writer<'a> {
    markers: Markers<'a>,
    request: &'a CallRequest<'a>,
}

impl Writer<'_> {
    /// All calls, without what opens the first.
    fn calls(&self, shape: &Shape) -> String {
        let mut calls = String::from("call");
        if self.request.parallel && self.markers.format != ToolFormat::Harmony {
            let _ = write!(calls, " ({} call){{0,{}}}", shape.between.join(" "), MAX_CALLS - 1);
        }
        [&calls, &shape.close.join(" ")].map(String::as_str).join(" ")
    }

    fn forced_start(&self, shape: &Shape) -> String {
        let mut before = String::new();
        let mut rules = String::new();
        if self.markers.format == ToolFormat::Harmony {
            rules = self.harmony_analysis(&mut before);
        } else if self.request.starts_in_reasoning {
            rules = self.reasoning_end(&mut before);
        }
        format!("start: {before}{} {}\n{rules}", shape.open.join(" "), self.calls(shape))
    }

    /// The rest of the reasoning that the prompt opened.
    fn reasoning_end(&self, before: &mut String) -> String {
        let (_, close) = reasoning_markers(self.request.reasoning);
        if close.is_empty() {
            return String::new();
        }
        before.push_str("thought ");
        match (self.markers.special)(close) {
            Some(id) => format!("thought: TEXT <[{id}]> /\\n{{0,2}}/\nTEXT: /(?s:.*)/\n"),
            None => format!(
                "thought: thought_text /\\n{{0,2}}/\nthought_text[lazy]: TEXT {}\nTEXT: /(?s:.*)/\n",
                literal(close)
            ),
        }
    }

    /// Reasoning that the model may open itself.
    fn own_reasoning(&self, before: &mut String) -> String {
        let (open, close) = reasoning_markers(self.request.reasoning);
        before.push_str("thought? ");
        let open = self.markers.marker(open);
        match (self.markers.special)(close) {
            Some(id) => format!("thought: {open} TEXT <[{id}]> /\\n{{0,2}}/\nTEXT: /(?s:.*)/\n"),
            None => format!(
                "thought: {open} thought_text /\\n{{0,2}}/\nthought_text[lazy]: TEXT {}\nTEXT: /(?s:.*)/\n",
                literal(close)
            ),
        }
    }

    /// What ends the reasoning.
    fn leave(&self) -> Option<Leave> {
        let (_, close) = reasoning_markers(self.request.reasoning);
        let token = (self.markers.special)(close).map(Leave::Token);
        (!close.is_empty()).then(|| token.unwrap_or_else(|| Leave::Text(close.to_owned())))
    }

    /// gpt-oss thinks before it calls. Only where its markers are tokens: text could forge them.
    fn harmony_analysis(&self, before: &mut String) -> String {
        if (self.markers.special)("<|end|>").is_none() || (self.markers.special)("<|channel|>").is_none() {
            return String::new();
        }
        before.push_str("thought? ");
        let [channel, message] = [self.markers.marker("<|channel|>"), self.markers.marker("<|message|>")];
        let [end, start] = [self.markers.marker("<|end|>"), self.markers.marker("<|start|>")];
        format!("thought: {channel} \"analysis\" {message} TEXT {end} {start} \"assistant\"\nTEXT: /(?s:.*)/\n")
    }

    /// Text, in which a call that begins must be valid; nothing follows the calls.
    fn free_start(&self, shape: &Shape) -> Option<String> {
        let text = "TEXT: /(?s:.*)/\n";
        let calls = self.calls(shape);
        match self.markers.format {
            ToolFormat::Harmony => return self.free_harmony(),
            // A call is known by how the answer begins.
            ToolFormat::Llama3Json if !self.request.starts_in_reasoning => {
                return Some(format!("start: TEXT? | {calls}\nTEXT: /[^{{\\s](?s:.*)/\n"));
            }
            _ => {}
        }
        let trigger = shape.open.first()?;
        let rest = shape.open[1..].join(" ");
        let (thought, rules) = self.free_thought();
        // A marker that is a token cannot be part of TEXT; one that is text ends the lazy rule.
        Some(if trigger.starts_with('<') {
            format!("start: {thought}TEXT ({trigger} {rest} {calls})?\n{rules}{text}")
        } else {
            let start = format!("start: {thought}TEXT | {thought}lead {rest} {calls}\n");
            format!("{start}lead[lazy]: TEXT {trigger}\n{rules}{text}")
        })
    }

    /// Reasoning before free text: as text it is part of it, as tokens it must be named.
    fn free_thought(&self) -> (&'static str, String) {
        let (open, close) = reasoning_markers(self.request.reasoning);
        match ((self.markers.special)(open), (self.markers.special)(close)) {
            (Some(open), Some(close)) if !self.request.starts_in_reasoning => {
                ("thought? ", format!("thought: <[{open}]> TEXT <[{close}]>\n"))
            }
            (_, Some(close)) if self.request.starts_in_reasoning => {
                ("thought? ", format!("thought: TEXT <[{close}]>\n"))
            }
            _ => ("", String::new()),
        }
    }

    fn free_harmony(&self) -> Option<String> {
        let tokens = ["<|channel|>", "<|message|>", "<|end|>", "<|start|>"];
        let [channel, message, end, start] =
            tokens.map(|token| (self.markers.special)(token).map(|id| format!("<[{id}]>")));
        let (channel, message, end, start) = (channel?, message?, end?, start?);
        Some(format!(
            "start: (before)* (last | call)\n\
             before: {channel} /analysis|commentary/ {message} TEXT {end} {start} \"assistant\"\n\
             last: {channel} /analysis|commentary|final/ {message} TEXT\n\
             TEXT: /(?s:.*)/\n"
        ))
    }

    /// One rule for each tool.
    fn rules(&self, tools: &[&ToolSpec], shape: &CallShape, lark: &mut String) {
        let names: Vec<String> = (0..tools.len()).map(|index| format!("tool_{index}")).collect();
        let (before, after) = match shape {
            CallShape::Object { before, after, .. } | CallShape::Named { before, after, .. } => (before, after),
        };
        let _ = writeln!(lark, "call: {} ({}) {}", before.join(" "), names.join(" | "), after.join(" "));
        for (index, tool) in tools.iter().enumerate() {
            let body = match shape {
                CallShape::Object { key, .. } => {
                    let name = Value::from(tool.name.as_str());
                    let head = literal(&format!("{{\"name\": {name}, \"{key}\": "));
                    format!("{head} arguments_{index} \"}}\"")
                }
                CallShape::Named { prefix, suffix, then, .. } => {
                    let head = literal(&[prefix, tool.name.as_str(), suffix].concat());
                    format!("{head} {} arguments_{index}", then.join(" "))
                }
            };
            let _ = writeln!(lark, "tool_{index}: {body}");
            let _ = writeln!(lark, "arguments_{index}: %json {}", self.schema(tool));
        }
    }

    /// The schema that binds the arguments: always an object; bounded white space, so that no answer is lost there.
    fn schema(&self, tool: &ToolSpec) -> Value {
        let is_free = self.request.choice == ForcedTools::Auto && !tool.strict;
        let mut schema = match &tool.parameters {
            Value::Object(schema) if !is_free => schema.clone(),
            _ => serde_json::Map::new(),
        };
        if !["type", "$ref", "allOf", "anyOf", "oneOf"].iter().any(|key| schema.contains_key(*key)) {
            schema.insert("type".to_owned(), json!("object"));
        }
        Value::Object(schema)
    }
}

/// What opens reasoning and what closes it.
fn reasoning_markers(format: ReasoningFormat) -> (&'static str, &'static str) {
    match format {
        ReasoningFormat::Think | ReasoningFormat::Granite => ("<think>", "</think>"),
        ReasoningFormat::Mistral => ("[THINK]", "[/THINK]"),
        ReasoningFormat::Harmony | ReasoningFormat::None => ("", ""),
    }
}

#[cfg(test)]
#[path = "forced_tests.rs"]
mod tests;
