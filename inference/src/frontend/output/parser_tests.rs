//! Answers of each family as they come, and what is made of them however they are cut.

use super::super::reading::{line, read_all_ways};
use super::*;

/// Each answer with the line it is read as, without reasoning.
fn check(format: ToolFormat, answers: &[(&str, &str)]) {
    for (answer, expected) in answers {
        let parser = || OutputParser::new(ReasoningFormat::None, Some(format), false);
        assert_eq!(line(&read_all_ways(parser, answer)), *expected, "{format}: {answer}");
    }
}

#[test]
fn hermes() {
    check(
        ToolFormat::Hermes,
        &[
            ("Hello.", "Hello."),
            ("  Hello.\n", "  Hello.\n"),
            ("<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>", ">f{\"a\": 1}"),
            (
                "Let me see.\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": {\"b\": [1, 2]}}}\n</tool_call>\n\
                 <tool_call>\n{\"name\": \"g\", \"arguments\": {}}\n</tool_call>\n",
                "Let me see.|>f{\"a\": {\"b\": [1, 2]}}|>g{}",
            ),
            ("<tool_call>{\"arguments\":{\"a\":\"}\"},\"name\":\"f\"}</tool_call> Done.", ">f{\"a\":\"}\"}|Done."),
            // Arguments as a string, as null, not at all.
            (r#"<tool_call>{"name":"f","arguments":"{\"a\": \"\\u00e9\"}"}</tool_call>"#, ">f{\"a\": \"\\u00e9\"}"),
            (r#"<tool_call>{"name":"f","arguments":null}</tool_call>"#, ">f{}"),
            (r#"<tool_call>{"name":"f"}</tool_call>"#, ">f{}"),
            (r#"<tool_call>{"type":"function","function":{"name":"f","arguments":{}}}</tool_call>"#, ">f{}"),
            // A marker inside a string is not one.
            (r#"<tool_call>{"name":"f","arguments":{"a":"</tool_call>"}}</tool_call>"#, r#">f{"a":"</tool_call>"}"#),
            // A line break that the model forgot to escape.
            ("<tool_call>{\"name\":\"f\",\"arguments\":{\"a\":\"x\ny\"}}</tool_call>", ">f{\"a\":\"x\\ny\"}"),
            // The outer brace forgotten.
            ("<tool_call>{\"name\":\"f\",\"arguments\":{}\n</tool_call>", ">f{}"),
            // A list.
            (r#"<tool_call>[{"name":"f","arguments":{}},{"name":"g","arguments":{}}]</tool_call>"#, ">f{}|>g{}"),
        ],
    );
}

#[test]
fn what_is_no_call_is_content() {
    check(
        ToolFormat::Hermes,
        &[
            ("a < b <tool b", "a < b <tool b"),
            ("x <tool_ca", "x <tool_ca"),
            ("<tool_call>", "<tool_call>"),
            ("<tool_call> is a marker", "<tool_call> is a marker"),
            ("<tool_call>\n{\"name\": \"f\", \"argum", "<tool_call>\n{\"name\": \"f\", \"argum"),
            ("<tool_call>{\"city\": 1}</tool_call>", "<tool_call>{\"city\": 1}</tool_call>"),
            ("<tool_call>{'name': 'f'}</tool_call>", "<tool_call>{'name': 'f'}</tool_call>"),
            ("<tool_call><tool_call>{\"name\": \"f\"}</tool_call>", ">f{}"),
            (
                "<tool_call>{\"name\": 5, \"arguments\": {}}</tool_call>\nok",
                "<tool_call>{\"name\": 5, \"arguments\": {}}</tool_call>\nok",
            ),
        ],
    );
    for format in ["hermes", "qwen_xml", "llama3_json", "pythonic", "mistral", "deepseek", "glm", "phi4", "granite"] {
        check(format.parse().unwrap(), &[("A plain answer, [1] and {2}.\n", "A plain answer, [1] and {2}.\n")]);
    }
}

#[test]
fn cut_off_arguments_stay_as_they_are() {
    let whole = "<tool_call>{\"name\":\"f\",\"arguments\":{\"a\":\"xyz\"}}";
    let parser = || OutputParser::new(ReasoningFormat::None, Some(ToolFormat::Hermes), false);
    for at in whole.find("\"a\"").unwrap()..whole.len() - 1 {
        let streamed = &whole[whole.find("{\"a\"").unwrap()..at];
        assert_eq!(line(&read_all_ways(parser, &whole[..at])), format!(">f{streamed}"));
    }
}

#[test]
fn broken_arguments_reach_the_client() {
    check(
        ToolFormat::Hermes,
        &[
            ("<tool_call>{\"name\":\"f\",\"arguments\":{\"a\":1,}}</tool_call>", ">f{\"a\":1,}}"),
            (
                "<tool_call>{\"name\":\"f\",\"arguments\":{a}}</tool_call><tool_call>{\"name\":\"g\"}</tool_call>",
                ">f{a}}|>g{}",
            ),
        ],
    );
}

#[test]
fn arguments_stream_as_they_come() {
    let mut parser = OutputParser::new(ReasoningFormat::None, Some(ToolFormat::Hermes), false);
    assert!(parser.push("<tool_call>{\"name\": \"f\", \"arguments\": ").is_empty());
    let start = OutputDelta::ToolCallStart { index: 0, name: "f".to_owned() };
    let more = |text: &str| OutputDelta::ToolCallArguments { index: 0, text: text.to_owned() };
    assert_eq!(parser.push("{\"a"), [start, more("{\"a")]);
    assert_eq!(parser.push("\": \"long"), [more("\": \"long")]);
    assert_eq!(parser.push("\"}}\n</tool_call>"), [more("\"}")]);
    assert_eq!(parser.finish(), []);
}

#[test]
fn llama() {
    check(
        ToolFormat::Llama3Json,
        &[
            (r#"{"name": "f", "parameters": {"a": "b"}}"#, r#">f{"a": "b"}"#),
            (r#"<|python_tag|>{"name": "f", "parameters": {}}"#, ">f{}"),
            (
                r#"{"type": "function", "name": "f", "parameters": {}}; {"name": "g", "parameters": {"x": 1}}"#,
                r#">f{}|>g{"x": 1}"#,
            ),
            ("<|python_start|>{\"name\": \"f\", \"parameters\": {}}<|python_end|>", ">f{}"),
            (r#"{"city": "Almaty", "name": "x"}"#, r#"{"city": "Almaty", "name": "x"}"#),
            (r#"{"name": "Aisha", "age": 5}"#, r#"{"name": "Aisha", "age": 5}"#),
            (r#"{"name": "Aisha"}"#, r#"{"name": "Aisha"}"#),
            ("Text {\"name\": \"f\", \"parameters\": {}}", "Text {\"name\": \"f\", \"parameters\": {}}"),
            ("<|python_tag|>print(1)", "<|python_tag|>print(1)"),
        ],
    );
}

#[test]
fn a_bare_call_must_name_a_tool() {
    let tools = [ToolSpec::new("f", None, false)];
    for format in [ToolFormat::Llama3Json, ToolFormat::Json] {
        let parser = || OutputParser::with_tools(ReasoningFormat::None, Some(format), false, &tools);
        let answer = r#"{"name": "g", "parameters": {}}"#;
        assert_eq!(line(&read_all_ways(parser, answer)), answer);
        assert_eq!(line(&read_all_ways(parser, &answer.replace('g', "f"))), ">f{}");
    }
}

#[test]
fn mistral() {
    check(
        ToolFormat::Mistral,
        &[
            (
                r#"[TOOL_CALLS] [{"name": "f", "arguments": {"a": 1}, "id": "abc12"}, {"name": "g", "arguments": {}}]"#,
                r#">f{"a": 1}|>g{}"#,
            ),
            (r#"Sure.[TOOL_CALLS]f[ARGS]{"a": [1]}[TOOL_CALLS]g[ARGS]{}"#, r#"Sure.|>f{"a": [1]}|>g{}"#),
            (r#"[TOOL_CALLS]f{"a": 1}"#, r#">f{"a": 1}"#),
            ("[TOOL_CALLS]f[CALL_ID]abc123def[ARGS]{}", ">f{}"),
            ("[TOOL_CALLS] I think", "[TOOL_CALLS] I think"),
            ("[TOOL_CALLS]f[ARGS]", "[TOOL_CALLS]f[ARGS]"),
            ("[TOOL_CALLS][]", "[TOOL_CALLS][]"),
        ],
    );
}

#[test]
fn deepseek() {
    check(
        ToolFormat::DeepSeek,
        &[
            (
                "Hm.\n<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n\
                 ```json\n{\"a\": 1}\n```<｜tool▁call▁end｜>\n\
                 <｜tool▁call▁begin｜>function<｜tool▁sep｜>g\n```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
                "Hm.|>f{\"a\": 1}|>g{}",
            ),
            (
                "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{\"a\": 1}<｜tool▁call▁end｜>\
                 <｜tool▁call▁begin｜>g<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
                ">f{\"a\": 1}|>g{}",
            ),
            ("<｜tool▁calls▁begin｜>no", "<｜tool▁calls▁begin｜>no"),
        ],
    );
}

#[test]
fn phi_and_granite_and_plain_json() {
    let list = r#"[{"name": "f", "arguments": {"a": 1}}, {"name": "g", "arguments": {}}]"#;
    let calls = r#">f{"a": 1}|>g{}"#;
    let with = |before: &str, after: &str| [before, list, after].concat();
    check(
        ToolFormat::Phi4,
        &[
            (&with("<|tool_call|>", "<|/tool_call|>"), calls),
            (&with("functools", ""), calls),
            ("<|tool_call|>{\"name\": \"f\", \"arguments\": {}}<|/tool_call|>", ">f{}"),
            ("import functools\nfunctools.wraps", "import functools\nfunctools.wraps"),
        ],
    );
    check(
        ToolFormat::Granite,
        &[
            (&with("<|tool_call|>", ""), calls),
            (&with("<tool_call>", ""), calls),
            (&with("<tool_call>", "</tool_call>"), calls),
            ("<function_call> {\"name\": \"f\", \"arguments\": {}}", ">f{}"),
        ],
    );
    check(
        ToolFormat::Json,
        &[
            (list, calls),
            (r#"{"name": "f", "arguments": {}}"#, ">f{}"),
            ("[1, 2]", "[1, 2]"),
            (r#"[{"a": 1}]"#, r#"[{"a": 1}]"#),
        ],
    );
}

#[path = "parser_other_tests.rs"]
mod other_formats;
#[path = "parser_properties.rs"]
mod properties;
