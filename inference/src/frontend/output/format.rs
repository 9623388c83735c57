//! Which format a model writes its calls and its reasoning in: by name in settings, or from its chat template.

use std::fmt;
use std::str::FromStr;

/// How a model writes tool calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ToolFormat {
    /// `<tool_call>{"name", "arguments"}</tool_call>`: Hermes, Qwen 2.5 and 3.
    Hermes,
    /// `<tool_call><function=name><parameter=key>value</parameter></function></tool_call>`: Qwen3-Coder.
    QwenXml,
    /// A bare object `{"name", "parameters"}`, or one behind `<|python_tag|>`: Llama 3.1 and later.
    Llama3Json,
    /// `[name(key="value")]`: Llama 3.2 and 4, ToolACE.
    Pythonic,
    /// `[TOOL_CALLS]`, then a list of objects or `name[ARGS]{…}`.
    Mistral,
    /// DeepSeek V3 and R1: the name behind the kind of tool, the arguments in a fence.
    DeepSeek,
    /// DeepSeek V3.1: the name and then the arguments.
    DeepSeekV31,
    /// `<tool_call>name<arg_key>key</arg_key><arg_value>value</arg_value></tool_call>`: GLM-4.5 and later.
    Glm,
    /// `<|tool_call|>[{"name", "arguments"}]<|/tool_call|>`: Phi-4-mini.
    Phi4,
    /// `<|tool_call|>[{"name", "arguments"}]`: Granite 3.
    Granite,
    /// A message to `functions.name`: gpt-oss.
    Harmony,
    /// A bare object or list of objects `{"name", "arguments"}`, for models without a format of their own.
    Json,
    /// Calls are not looked for.
    None,
}

/// How a model writes what it thinks before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReasoningFormat {
    /// `<think>…</think>`.
    Think,
    /// `[THINK]…[/THINK]`.
    Mistral,
    /// "Here is my thought process:" … "Here is my response:", or `<think>` and `<response>`.
    Granite,
    /// The analysis channel of gpt-oss.
    Harmony,
    None,
}

const TOOL_NAMES: [(&str, ToolFormat); 13] = [
    ("hermes", ToolFormat::Hermes),
    ("qwen_xml", ToolFormat::QwenXml),
    ("llama3_json", ToolFormat::Llama3Json),
    ("pythonic", ToolFormat::Pythonic),
    ("mistral", ToolFormat::Mistral),
    ("deepseek", ToolFormat::DeepSeek),
    ("deepseek_v31", ToolFormat::DeepSeekV31),
    ("glm", ToolFormat::Glm),
    ("phi4", ToolFormat::Phi4),
    ("granite", ToolFormat::Granite),
    ("harmony", ToolFormat::Harmony),
    ("json", ToolFormat::Json),
    ("none", ToolFormat::None),
];

const REASONING_NAMES: [(&str, ReasoningFormat); 5] = [
    ("think", ReasoningFormat::Think),
    ("mistral", ReasoningFormat::Mistral),
    ("granite", ReasoningFormat::Granite),
    ("harmony", ReasoningFormat::Harmony),
    ("none", ReasoningFormat::None),
];

/// A name in the settings that no format has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownFormat {
    #[error(
        "no such tool format: one of hermes, qwen_xml, llama3_json, pythonic, mistral, deepseek, deepseek_v31, \
         glm, phi4, granite, harmony, json, none"
    )]
    Tools,
    #[error("no such reasoning format: one of think, mistral, granite, harmony, none")]
    Reasoning,
}

impl FromStr for ToolFormat {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = TOOL_NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, format)| *format).ok_or(UnknownFormat::Tools)
    }
}

impl FromStr for ReasoningFormat {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = REASONING_NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, format)| *format).ok_or(UnknownFormat::Reasoning)
    }
}

impl fmt::Display for ToolFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = TOOL_NAMES.iter().find(|(_, format)| format == self).map_or("none", |(name, _)| name);
        formatter.write_str(name)
    }
}

impl fmt::Display for ReasoningFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = REASONING_NAMES.iter().find(|(_, format)| format == self).map_or("none", |(name, _)| name);
        formatter.write_str(name)
    }
}

impl ToolFormat {
    /// The format that a chat template (its Jinja source) teaches; `None` where it shows no way to call tools.
    ///
    /// The rarest marker decides first, since templates borrow from each other.
    pub fn detect(template: &str) -> Option<Self> {
        let has = |text: &str| template.contains(text);
        Some(match () {
            () if has("<|channel|>") && has("<|message|>") => Self::Harmony,
            () if has("<｜tool▁call▁begin｜>") && has("```json") => Self::DeepSeek,
            () if has("<｜tool▁call▁begin｜>") => Self::DeepSeekV31,
            () if has("[TOOL_CALLS]") => Self::Mistral,
            () if has("<arg_key>") => Self::Glm,
            () if has("<function=") && has("<parameter=") => Self::QwenXml,
            () if has("<|/tool_call|>") || has("<|/tool|>") || has("functools[") => Self::Phi4,
            () if has("<|tool_call|>") || has("<|function_call_library|>") => Self::Granite,
            () if has("<|start_of_role|>") && has("<tool_call>[") => Self::Granite,
            () if has("<tool_call>") => Self::Hermes,
            () if has("\"parameters\": dictionary of argument name") || has("<|python_tag|>") => Self::Llama3Json,
            () if has("func_name1(") || has("<|python_start|>") => Self::Pythonic,
            () => return None,
        })
    }

    /// Special tokens whose text must stay in what the parser reads. Those that a vocabulary does not have as tokens do
    /// no harm.
    pub fn markers(self) -> &'static [&'static str] {
        match self {
            Self::Hermes | Self::QwenXml => &["<tool_call>", "</tool_call>"],
            Self::Llama3Json => &["<|python_tag|>", "<|python_start|>", "<|python_end|>"],
            Self::Pythonic => &["<|python_start|>", "<|python_end|>"],
            Self::Mistral => &["[TOOL_CALLS]", "[ARGS]", "[CALL_ID]"],
            Self::DeepSeek | Self::DeepSeekV31 => &[
                "<｜tool▁calls▁begin｜>",
                "<｜tool▁calls▁end｜>",
                "<｜tool▁call▁begin｜>",
                "<｜tool▁call▁end｜>",
                "<｜tool▁sep｜>",
            ],
            Self::Glm => &["<tool_call>", "</tool_call>", "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>"],
            Self::Phi4 => &["<|tool_call|>", "<|/tool_call|>"],
            Self::Granite => &["<|tool_call|>", "<tool_call>", "</tool_call>", "<function_call>", "</function_call>"],
            Self::Harmony => ReasoningFormat::Harmony.markers(),
            Self::Json | Self::None => &[],
        }
    }
}

impl ReasoningFormat {
    /// The format that a chat template shows; `None` where it knows of no reasoning.
    pub fn detect(template: &str) -> Option<Self> {
        let has = |text: &str| template.contains(text);
        Some(match () {
            () if has("<|channel|>") && has("<|message|>") => Self::Harmony,
            () if has("[THINK]") => Self::Mistral,
            () if has("Here is my thought process:") => Self::Granite,
            () if has("<|start_of_role|>") && has("<think>") => Self::Granite,
            () if has("<think>") || has("</think>") => Self::Think,
            () => return None,
        })
    }

    /// As [`ToolFormat::markers`].
    pub fn markers(self) -> &'static [&'static str] {
        match self {
            Self::Think | Self::Granite => &["<think>", "</think>"],
            Self::Mistral => &["[THINK]", "[/THINK]"],
            Self::Harmony => {
                &["<|start|>", "<|channel|>", "<|message|>", "<|constrain|>", "<|end|>", "<|call|>", "<|return|>"]
            }
            Self::None => &[],
        }
    }
}

#[cfg(test)]
#[path = "format_tests.rs"]
mod tests;
