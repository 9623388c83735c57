//! How each family writes calls, as parts of a Lark grammar.

use serde_json::Value;

use super::format::ToolFormat;

/// How calls are written, each part as Lark.
pub(super) struct Shape {
    /// Before all calls; in free text its first part is where a call begins.
    pub open: Vec<String>,
    pub between: Vec<String>,
    pub close: Vec<String>,
    pub call: CallShape,
}

pub(super) enum CallShape {
    /// An object with the name and, under this key, the arguments; around it what stands here.
    Object { before: Vec<String>, key: &'static str, after: Vec<String> },
    /// The name between two texts, then the arguments.
    Named { before: Vec<String>, prefix: &'static str, suffix: &'static str, then: Vec<String>, after: Vec<String> },
}

/// Writes markers of one format in one vocabulary.
pub(super) struct Markers<'a> {
    pub special: &'a dyn Fn(&str) -> Option<u32>,
    pub format: ToolFormat,
    /// More than one call may be made.
    pub parallel: bool,
}

impl Markers<'_> {
    /// A marker: a special token where there is one, else its text.
    pub(super) fn marker(&self, text: &str) -> String {
        (self.special)(text).map_or_else(|| literal(text), |id| format!("<[{id}]>"))
    }

    /// `None` where arguments are not JSON.
    pub(super) fn shape(&self) -> Option<Shape> {
        let object = |key| CallShape::Object { before: Vec::new(), key, after: Vec::new() };
        let list = |marker: &str, close: Vec<String>| Shape {
            open: vec![self.marker(marker), "/ ?\\[/".to_owned()],
            between: vec![literal(", ")],
            close,
            call: object("arguments"),
        };
        Some(match self.format {
            ToolFormat::Hermes => Shape {
                open: vec![self.marker("<tool_call>"), literal("\n")],
                between: vec![
                    literal("\n"),
                    self.marker("</tool_call>"),
                    literal("\n"),
                    self.marker("<tool_call>"),
                    literal("\n"),
                ],
                close: vec![literal("\n"), self.marker("</tool_call>")],
                call: object("arguments"),
            },
            ToolFormat::Llama3Json => {
                Shape { open: Vec::new(), between: vec![literal("; ")], close: Vec::new(), call: object("parameters") }
            }
            ToolFormat::Json if self.parallel => Shape {
                open: vec![literal("[")],
                between: vec![literal(", ")],
                close: vec![literal("]")],
                call: object("arguments"),
            },
            ToolFormat::Json => {
                Shape { open: Vec::new(), between: Vec::new(), close: Vec::new(), call: object("arguments") }
            }
            ToolFormat::Mistral if (self.special)("[ARGS]").is_some() => self.named_mistral(),
            ToolFormat::Mistral => list("[TOOL_CALLS]", vec![literal("]")]),
            ToolFormat::Phi4 => list("<|tool_call|>", vec![literal("]"), self.marker("<|/tool_call|>")]),
            ToolFormat::Granite if (self.special)("<|tool_call|>").is_none() => list("<tool_call>", vec![literal("]")]),
            ToolFormat::Granite => list("<|tool_call|>", vec![literal("]")]),
            ToolFormat::DeepSeek | ToolFormat::DeepSeekV31 => self.deepseek(),
            ToolFormat::Harmony => self.harmony(),
            ToolFormat::Pythonic | ToolFormat::Glm | ToolFormat::QwenXml | ToolFormat::None => return None,
        })
    }

    fn named_mistral(&self) -> Shape {
        let named = |before| CallShape::Named {
            before,
            prefix: "",
            suffix: "",
            then: vec![self.marker("[ARGS]")],
            after: Vec::new(),
        };
        Shape {
            open: vec![self.marker("[TOOL_CALLS]")],
            between: vec![self.marker("[TOOL_CALLS]")],
            close: Vec::new(),
            call: named(Vec::new()),
        }
    }

    fn deepseek(&self) -> Shape {
        let (begin, separator) = (self.marker("<｜tool▁call▁begin｜>"), self.marker("<｜tool▁sep｜>"));
        let end = self.marker("<｜tool▁call▁end｜>");
        let is_fenced = self.format == ToolFormat::DeepSeek;
        let call = if is_fenced {
            CallShape::Named {
                before: vec![begin, literal("function"), separator],
                prefix: "",
                suffix: "\n```json\n",
                then: Vec::new(),
                after: vec![literal("\n```"), end],
            }
        } else {
            CallShape::Named { before: vec![begin], prefix: "", suffix: "", then: vec![separator], after: vec![end] }
        };
        Shape {
            open: vec![self.marker("<｜tool▁calls▁begin｜>")],
            between: if is_fenced { vec![literal("\n")] } else { Vec::new() },
            close: vec![self.marker("<｜tool▁calls▁end｜>")],
            call,
        }
    }

    /// One call: its end marker ends the answer, and is left to the model's end-of-sequence tokens.
    fn harmony(&self) -> Shape {
        let call = CallShape::Named {
            before: vec![self.marker("<|channel|>")],
            prefix: "commentary to=functions.",
            suffix: " ",
            then: vec![self.marker("<|constrain|>"), literal("json"), self.marker("<|message|>")],
            after: Vec::new(),
        };
        Shape { open: Vec::new(), between: Vec::new(), close: Vec::new(), call }
    }
}

/// A text as Lark writes it, which is as JSON does.
pub(super) fn literal(text: &str) -> String {
    Value::from(text).to_string()
}
