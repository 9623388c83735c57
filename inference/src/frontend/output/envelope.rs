//! What the families put around calls with JSON arguments; after the models' chat templates.

use super::format::ToolFormat;

/// What a family puts around its calls.
#[derive(Debug)]
pub(super) struct Envelope {
    /// Before a call, or before a list of calls.
    pub opens: &'static [&'static str],
    /// After one.
    pub closes: &'static [&'static str],
    /// Between the name and the arguments, where the name stands before them.
    pub separators: &'static [&'static str],
    /// An answer may begin with a call without any marker.
    pub is_bare: bool,
    /// Such an answer may begin with a list of calls as well.
    pub bare_list: bool,
}

const HERMES: Envelope =
    Envelope { opens: &["<tool_call>"], closes: &["</tool_call>"], separators: &[], is_bare: false, bare_list: false };
const LLAMA: Envelope = Envelope {
    opens: &["<|python_tag|>", "<|python_start|>"],
    closes: &["<|python_end|>"],
    separators: &[],
    is_bare: true,
    bare_list: false,
};
const MISTRAL: Envelope = Envelope {
    opens: &["[TOOL_CALLS]"],
    closes: &[],
    separators: &["[ARGS]", "[CALL_ID]"],
    is_bare: false,
    bare_list: false,
};
const DEEPSEEK: Envelope = Envelope {
    opens: &["<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>"],
    closes: &["```", "<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>"],
    separators: &["<｜tool▁sep｜>"],
    is_bare: false,
    bare_list: false,
};
const PHI4: Envelope = Envelope {
    opens: &["<|tool_call|>", "functools"],
    closes: &["<|/tool_call|>"],
    separators: &[],
    is_bare: false,
    bare_list: false,
};
const GRANITE: Envelope = Envelope {
    opens: &["<|tool_call|>", "<tool_call>", "<function_call>"],
    closes: &["</tool_call>", "</function_call>"],
    separators: &[],
    is_bare: false,
    bare_list: false,
};
const JSON: Envelope = Envelope { opens: &[], closes: &[], separators: &[], is_bare: true, bare_list: true };

/// `None` where the format's arguments are not JSON in an object or behind a name.
pub(super) fn envelope_of(format: ToolFormat) -> Option<&'static Envelope> {
    Some(match format {
        ToolFormat::Hermes => &HERMES,
        ToolFormat::Llama3Json => &LLAMA,
        ToolFormat::Mistral => &MISTRAL,
        ToolFormat::DeepSeek | ToolFormat::DeepSeekV31 => &DEEPSEEK,
        ToolFormat::Phi4 => &PHI4,
        ToolFormat::Granite => &GRANITE,
        ToolFormat::Json => &JSON,
        ToolFormat::Pythonic | ToolFormat::Glm | ToolFormat::QwenXml | ToolFormat::Harmony | ToolFormat::None => {
            return None;
        }
    })
}

/// The name from the parts before the arguments.
pub(super) fn name_of(parts: &[String]) -> Option<String> {
    let first = parts.first()?.trim();
    // DeepSeek V3 writes the kind of tool first, then the name and a fence.
    let fenced = parts.get(1).and_then(|part| part.trim_end().strip_suffix("```json"));
    let name = fenced.unwrap_or(first).trim();
    (!name.is_empty() && name.chars().all(is_name_character)).then(|| name.to_owned())
}

pub(super) fn is_name_character(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | ':' | '/')
}
