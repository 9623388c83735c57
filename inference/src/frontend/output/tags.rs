//! How GLM and Qwen3-Coder spell the parts of a call, and what their plain values are in JSON.

use super::json_value::escape_into;

/// How a family spells the parts of a call.
#[derive(Debug)]
pub(super) struct Tags {
    /// Text in which a call is looked for ends at one of these.
    pub opens: &'static [&'static str],
    /// Stands before the name; empty where the name follows the opening tag.
    pub name_open: &'static str,
    /// The name ends before one of these; the first is swallowed.
    pub name_ends: &'static [&'static str],
    pub key_open: &'static str,
    pub key_close: &'static str,
    /// Empty where the value follows the key at once.
    pub value_open: &'static str,
    pub value_close: &'static str,
    pub call_close: &'static str,
    /// May follow a call.
    pub outer_close: &'static str,
    /// A line break after the value's tag and one before its end are not the value's.
    pub has_padding: bool,
}

pub(super) const GLM: Tags = Tags {
    opens: &["<tool_call>"],
    name_open: "",
    name_ends: &["\n", "<arg_key>", "</tool_call>"],
    key_open: "<arg_key>",
    key_close: "</arg_key>",
    value_open: "<arg_value>",
    value_close: "</arg_value>",
    call_close: "</tool_call>",
    outer_close: "</tool_call>",
    has_padding: false,
};

pub(super) const QWEN: Tags = Tags {
    opens: &["<tool_call>", "<function="],
    name_open: "<function=",
    name_ends: &[">"],
    key_open: "<parameter=",
    key_close: ">",
    value_open: "",
    value_close: "</parameter>",
    call_close: "</function>",
    outer_close: "</tool_call>",
    has_padding: true,
};

/// A value of unknown kind: JSON as it is, Python's constants as JSON's, anything else a string.
pub(super) fn push_value(value: &str, json: &mut String) {
    match value.trim() {
        "True" => json.push_str("true"),
        "False" => json.push_str("false"),
        "None" => json.push_str("null"),
        trimmed if serde_json::from_str::<serde::de::IgnoredAny>(trimmed).is_ok() => json.push_str(trimmed),
        _ => {
            json.push('"');
            escape_into(value, json);
            json.push('"');
        }
    }
}
