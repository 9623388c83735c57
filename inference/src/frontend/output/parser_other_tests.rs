//! Formats whose calls are not JSON objects, and reasoning.

use serde_json::json;

use super::super::super::reading::{line, read_all_ways};
use super::super::*;
use super::check;

#[test]
fn pythonic() {
    check(
        ToolFormat::Pythonic,
        &[
            ("[f(a=1, b=\"x\"), g()]", ">f{\"a\": 1, \"b\": \"x\"}|>g{}"),
            (
                "<|python_start|>[f(a=True, b=None, c=[1, (2,)], d={'k': -.5})]<|python_end|>",
                ">f{\"a\": true, \"b\": null, \"c\": [1, [2]], \"d\": {\"k\": -0.5}}",
            ),
            ("[f(a='it\\'s (a) \"]\" \\u0441')]", ">f{\"a\": \"it's (a) \\\"]\\\" с\"}"),
            ("[link](url) text", "[link](url) text"),
            ("[f(x)]", "[f(x)]"),
            ("[f(a=x)]", "[f(a=x)]"),
            ("[f(a=1", "[f(a=1"),
            ("[f(a=1), then", ">f{\"a\": 1}|, then"),
            ("[1, 2, 3]", "[1, 2, 3]"),
        ],
    );
}

#[test]
fn glm() {
    let parameters = json!({"properties": {"city": {"type": "string"}, "days": {"type": "integer"}}});
    let tools = [ToolSpec::new("f", Some(parameters), false)];
    let parser = || OutputParser::with_tools(ReasoningFormat::None, Some(ToolFormat::Glm), false, &tools);
    for (answer, expected) in [
        (
            "Wait.\n<tool_call>f\n<arg_key>city</arg_key>\n<arg_value>12 \"a\"</arg_value>\n<arg_key>days</arg_key>\n\
             <arg_value>3</arg_value>\n<arg_key>other</arg_key><arg_value>[1, 2]</arg_value>\n</tool_call>\nDone",
            r#"Wait.|>f{"city": "12 \"a\"", "days": 3, "other": [1, 2]}|Done"#,
        ),
        ("<tool_call>f</tool_call>\n<tool_call>g\n</tool_call>", ">f{}|>g{}"),
        ("<tool_call>f<arg_key>x</arg_key><arg_value>plain text</arg_value></tool_call>", ">f{\"x\": \"plain text\"}"),
        ("<tool_call>f<arg_key>city</arg_key><arg_value></arg_value></tool_call>", ">f{\"city\": \"\"}"),
        ("<tool_call>f<arg_key>city</arg_key><arg_value>Alm", ">f{\"city\": \"Alm"),
        ("<tool_call>not a call</tool_call>", "<tool_call>not a call</tool_call>"),
        ("<tool_call>f<arg_key>", ">f|<arg_key>"),
    ] {
        assert_eq!(line(&read_all_ways(parser, answer)), expected, "{answer}");
    }
}

#[test]
fn qwen_coder() {
    let parameters = json!({"properties": {"text": {"type": "string"}}});
    let tools = [ToolSpec::new("f", Some(parameters), false)];
    let parser = || OutputParser::with_tools(ReasoningFormat::None, Some(ToolFormat::QwenXml), false, &tools);
    for (answer, expected) in [
        (
            "Ok\n<tool_call>\n<function=f>\n<parameter=text>\nline 1\n\nline 2\n</parameter>\n\
             <parameter=n>\n5\n</parameter>\n</function>\n</tool_call>",
            r#"Ok|>f{"text": "line 1\n\nline 2", "n": 5}"#,
        ),
        ("<function=f>\n</function>", ">f{}"),
        ("<tool_call>\nnothing", "<tool_call>\nnothing"),
        (
            "<tool_call>\n<function=f>\n<parameter=n>\nTrue\n</parameter> stray text </function></tool_call>",
            ">f{\"n\": true|stray text}",
        ),
    ] {
        assert_eq!(line(&read_all_ways(parser, answer)), expected, "{answer}");
    }
}

#[test]
fn harmony() {
    let parser = || OutputParser::new(ReasoningFormat::Harmony, Some(ToolFormat::Harmony), false);
    for (answer, expected) in [
        (
            "<|channel|>analysis<|message|>Think.<|end|><|start|>assistant<|channel|>final<|message|>Hi.<|return|>",
            "(Think.)|Hi.",
        ),
        (
            "<|channel|>analysis<|message|>T<|end|><|start|>assistant<|channel|>commentary to=functions.f \
             <|constrain|>json<|message|>{\"a\": 1}<|call|>",
            "(T)|>f{\"a\": 1}",
        ),
        (
            "<|channel|>commentary<|message|>I will look.<|end|>\
             <|start|>assistant to=functions.f<|channel|>commentary json<|message|>{\"a\":1} ",
            "I will look.|>f{\"a\":1}",
        ),
        ("<|channel|>commentary to=functions.f<|message|><|call|>", ">f{}"),
        (
            "<|channel|>commentary to=functions.f<|message|>{\"a\": \"<|end|>\"}\n<|end|> <|channel|>final<|message|>x",
            ">f{\"a\": \"<|end|>\"}|x",
        ),
        ("<|channel|>commentary to=functions.f<|message|>not JSON<|call|>", ">fnot JSON"),
        ("<|channel|>final", "<|channel|>final"),
        ("No markers at all", "No markers at all"),
        ("<|channel|>final<|message|>Hi.<|end|> \n", "Hi."),
    ] {
        assert_eq!(line(&read_all_ways(parser, answer)), expected, "{answer}");
    }
    let no_tools = || OutputParser::new(ReasoningFormat::Harmony, None, false);
    let answer = "<|channel|>analysis<|message|>T<|end|><|start|>assistant<|channel|>final<|message|>Hi";
    assert_eq!(line(&read_all_ways(no_tools, answer)), "(T)|Hi");
}

#[test]
fn reasoning() {
    use ReasoningFormat::{Granite, Mistral, Think};
    for (format, inside, answer, expected) in [
        (Think, false, "<think>\nHm.\n\nYes.\n</think>\n\nHello.\n", "(Hm.\n\nYes.)|Hello.\n"),
        (Think, true, "\nHm.\n</think>\n\nHello.", "(Hm.)|Hello."),
        (Think, true, "<think>Hm.</think>Hello.", "(Hm.)|Hello."),
        (Think, false, "<think>\n\n</think>\n\nHello.", "Hello."),
        (Think, false, "Hello <think>.", "Hello <think>."),
        (Think, false, "<thin", "<thin"),
        (Think, false, "<think>cut", "(cut)"),
        (Think, true, "cut </thi", "(cut </thi)"),
        (Think, false, " \n", " \n"),
        (Mistral, false, "[THINK]Hm.[/THINK]Hello.", "(Hm.)|Hello."),
        (Granite, false, "Here is my thought process:\nHm.\n\nHere is my response:\nHello.", "(Hm.)|Hello."),
        (Granite, false, "<think>Hm.</think>\n<response>Hello.</response>", "(Hm.)|Hello."),
        (Granite, false, "Here is my plan", "Here is my plan"),
        (ReasoningFormat::None, false, "<think>Hm.</think>", "<think>Hm.</think>"),
    ] {
        let parser = || OutputParser::new(format, None, inside);
        assert_eq!(line(&read_all_ways(parser, answer)), expected, "{answer}");
    }
    let parser = || OutputParser::new(Think, Some(ToolFormat::Hermes), false);
    let answer = "<think>\nA <tool_call> is due.\n</think>\n\n<tool_call>\n{\"name\": \"f\"}\n</tool_call>";
    assert_eq!(line(&read_all_ways(parser, answer)), "(A <tool_call> is due.)|>f{}");
}
