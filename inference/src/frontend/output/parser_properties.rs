//! What holds for any text whatever, made of fragments of markers.

use proptest::prelude::*;
use serde_json::Value;

use super::super::super::reading::{line, read};
use super::super::*;

const FORMATS: [ToolFormat; 12] = [
    ToolFormat::Hermes,
    ToolFormat::QwenXml,
    ToolFormat::Llama3Json,
    ToolFormat::Pythonic,
    ToolFormat::Mistral,
    ToolFormat::DeepSeek,
    ToolFormat::DeepSeekV31,
    ToolFormat::Glm,
    ToolFormat::Phi4,
    ToolFormat::Granite,
    ToolFormat::Harmony,
    ToolFormat::Json,
];
const REASONINGS: [ReasoningFormat; 4] =
    [ReasoningFormat::Think, ReasoningFormat::Mistral, ReasoningFormat::Granite, ReasoningFormat::None];

const FRAGMENTS: [&str; 62] = [
    "<tool_call>",
    "</tool_call>",
    "<tool",
    "<",
    "<|",
    "[",
    "]",
    "{",
    "}",
    ",",
    ";",
    ":",
    "\"",
    "'",
    "\\",
    "\n",
    " ",
    "=",
    "(",
    ")",
    "\"name\"",
    "\"arguments\"",
    "\"parameters\"",
    "{\"name\": \"f\", \"arguments\": {",
    "{\"name\":\"g\",\"parameters\":{}}",
    "{\"a\": 1}",
    "\"f\"",
    "null",
    "-1.5e",
    "<|python_tag|>",
    "<|python_start|>",
    "<|python_end|>",
    "f(a=",
    "[f(a=1), ",
    "True",
    "[TOOL_CALLS]",
    "[ARGS]",
    "[CALL_ID]",
    "<｜tool▁calls▁begin｜>",
    "<｜tool▁call▁begin｜>",
    "<｜tool▁sep｜>",
    "\n```json\n",
    "```",
    "<｜tool▁call▁end｜>",
    "<arg_key>",
    "</arg_key>",
    "<arg_value>",
    "</arg_value>",
    "<function=",
    "<parameter=",
    "</parameter>",
    "</function>",
    "<think>",
    "</think>",
    "[THINK]",
    "<response>",
    "<|channel|>analysis",
    "<|channel|>commentary to=functions.f ",
    "<|message|>",
    "<|end|>",
    "f",
    "ә",
];

fn text() -> impl Strategy<Value = String> {
    let fragment = prop_oneof![
        12 => prop::sample::select(FRAGMENTS.to_vec()).prop_map(str::to_owned),
        1 => "[a-z ]{1,6}",
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(fragment, 0..24).prop_map(|fragments| fragments.concat())
}

fn pieces<'t>(text: &'t str, cuts: &[prop::sample::Index]) -> Vec<&'t str> {
    let borders: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| borders[cut.index(borders.len())]).collect();
    cuts.extend([0, text.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]).collect()
}

/// A JSON object that a model could write as arguments.
fn arguments() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        (-1e9f64..1e9).prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z\"{} ]{0,4}", inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    });
    prop::collection::btree_map("[a-z]{1,5}", value, 0..4).prop_map(|map| map.into_iter().collect())
}

fn written(value: &Value, is_pretty: bool) -> String {
    if is_pretty { serde_json::to_string_pretty(value).unwrap() } else { value.to_string() }
}

/// Characters that belong to no marker: none of them may vanish.
fn letters(text: &str) -> usize {
    text.chars().filter(|character| *character == 'ә').count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn cuts_do_not_matter_and_nothing_panics(
        text in text(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        reasoning in prop::sample::select(REASONINGS.to_vec()),
        inside in any::<bool>(),
    ) {
        for format in FORMATS {
            let parser = || OutputParser::new(reasoning, Some(format), inside);
            let whole = read(parser(), [text.as_str()]);
            let characters: Vec<String> = text.chars().map(String::from).collect();
            prop_assert_eq!(&read(parser(), pieces(&text, &cuts)), &whole, "{}", format);
            prop_assert_eq!(&read(parser(), characters.iter().map(String::as_str)), &whole, "{}", format);
            line(&whole);
        }
    }

    #[test]
    fn without_a_call_nothing_is_lost(text in text()) {
        for format in FORMATS {
            let deltas = read(OutputParser::new(ReasoningFormat::None, Some(format), false), [text.as_str()]);
            let has_call = deltas.iter().any(|delta| matches!(delta, OutputDelta::ToolCallStart { .. }));
            if !has_call && format != ToolFormat::Harmony {
                let content: String = deltas
                    .iter()
                    .map(|delta| match delta {
                        OutputDelta::Content(text) => text.as_str(),
                        _ => "",
                    })
                    .collect();
                prop_assert_eq!(content, text.clone(), "{}", format);
            }
        }
    }

    #[test]
    fn without_tools_the_text_stays(text in text()) {
        let deltas = read(OutputParser::new(ReasoningFormat::None, None, false), [text.as_str()]);
        prop_assert_eq!(line(&deltas), text);
    }

    #[test]
    fn json_arguments_arrive_as_written(
        calls in prop::collection::vec((arguments(), any::<bool>()), 1..4),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let texts: Vec<String> = calls.iter().map(|(value, is_pretty)| written(value, *is_pretty)).collect();
        let objects = |key: &str| -> Vec<String> {
            texts.iter().map(|text| format!("{{\"name\": \"f\", \"{key}\": {text}}}")).collect()
        };
        let list = format!("[{}]", objects("arguments").join(", "));
        let each = |before: &str, after: &str| -> String {
            texts.iter().map(|text| [before, text, after].concat()).collect()
        };
        let hermes: String =
            objects("arguments").iter().map(|call| ["<tool_call>\n", call, "\n</tool_call>\n"].concat()).collect();
        let answers = [
            (ToolFormat::Hermes, hermes),
            (ToolFormat::Llama3Json, objects("parameters").join("; ")),
            (ToolFormat::Json, list.clone()),
            (ToolFormat::Mistral, format!("[TOOL_CALLS]{list}")),
            (ToolFormat::Mistral, each("[TOOL_CALLS]f[ARGS]", "")),
            (ToolFormat::Phi4, format!("<|tool_call|>{list}<|/tool_call|>")),
            (ToolFormat::Granite, format!("<|tool_call|>{list}")),
            (
                ToolFormat::DeepSeek,
                each("<｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\n", "\n```<｜tool▁call▁end｜>\n"),
            ),
            (
                ToolFormat::Harmony,
                each("<|channel|>commentary to=functions.f <|constrain|>json<|message|>", "<|call|><|start|>assistant"),
            ),
            (ToolFormat::DeepSeekV31, each("<｜tool▁call▁begin｜>f<｜tool▁sep｜>", "<｜tool▁call▁end｜>")),
        ];
        let expected = texts.iter().map(|text| format!(">f{text}")).collect::<Vec<_>>().join("|");
        for (format, answer) in answers {
            let answer = answer.strip_suffix("<|start|>assistant").unwrap_or(&answer);
            let parser = OutputParser::new(ReasoningFormat::None, Some(format), false);
            prop_assert_eq!(line(&read(parser, pieces(answer, &cuts))), expected.clone(), "{}", format);
        }
    }

    #[test]
    fn tagged_arguments_become_json(values in prop::collection::vec(text(), 1..4)) {
        let is_json = |value: &str| serde_json::from_str::<Value>(value.trim()).is_ok();
        let fits = |value: &String| !value.contains("</arg_value>") && !is_json(value);
        let values: Vec<String> = values.into_iter().filter(fits).collect();
        let mut answer = String::from("<tool_call>f\n");
        for (index, value) in values.iter().enumerate() {
            let key = index.to_string();
            answer.extend(["<arg_key>k", &key, "</arg_key>\n<arg_value>", value, "</arg_value>\n"]);
        }
        answer.push_str("</tool_call>");
        let deltas = read(OutputParser::new(ReasoningFormat::None, Some(ToolFormat::Glm), false), [answer.as_str()]);
        let [OutputDelta::ToolCallStart { .. }, OutputDelta::ToolCallArguments { text, .. }] = &deltas[..] else {
            panic!("no call: {deltas:?}");
        };
        let read: Value = serde_json::from_str(text.as_str()).unwrap();
        for (index, value) in values.iter().enumerate() {
            let expected = match value.trim() {
                "True" => Value::from(true),
                _ => Value::from(value.as_str()),
            };
            prop_assert_eq!(&read[format!("k{index}")], &expected);
        }
    }

    #[test]
    fn letters_never_vanish_in_formats_without_objects(text in text()) {
        for format in [ToolFormat::Pythonic, ToolFormat::Glm, ToolFormat::QwenXml] {
            let deltas = read(OutputParser::new(ReasoningFormat::Think, Some(format), false), [text.as_str()]);
            prop_assert_eq!(letters(&line(&deltas)), letters(&text), "{}: {}", format, line(&deltas));
        }
    }
}

#[test]
fn a_long_answer_takes_linear_time() {
    // Work per character must not grow with the answer: quadratic work on these would take minutes.
    let long = 200_000;
    let answers = [
        (ToolFormat::Hermes, format!("<tool_call>{{\"name\":\"f\",\"arguments\":{{\"a\":\"{}\"}}}}", "x".repeat(long))),
        (ToolFormat::Hermes, format!("<tool_call>{{\"arguments\":{{\"a\":\"{}\"}},\"name\":\"f\"}}", "x".repeat(long))),
        (ToolFormat::Hermes, "<tool_call".repeat(long / 10)),
        (ToolFormat::Hermes, " ".repeat(long)),
        (ToolFormat::Pythonic, format!("[f(a=\"{}\")]", " ".repeat(long))),
        (ToolFormat::Glm, format!("<tool_call>f<arg_key>a</arg_key><arg_value>{}", "<".repeat(long))),
        (ToolFormat::Harmony, "<|channel|>".repeat(long / 10)),
    ];
    for (format, answer) in answers {
        let whole = read(OutputParser::new(ReasoningFormat::Think, Some(format), false), [answer.as_str()]);
        let mut buffer = [0; 4];
        let mut parser = OutputParser::new(ReasoningFormat::Think, Some(format), false);
        let mut num_bytes = 0;
        let mut count = |deltas: Vec<OutputDelta>| {
            for delta in deltas {
                num_bytes += match delta {
                    OutputDelta::Content(text)
                    | OutputDelta::Reasoning(text)
                    | OutputDelta::ToolCallArguments { text, .. } => text.len(),
                    OutputDelta::ToolCallStart { name, .. } => name.len() + 1,
                };
            }
        };
        for character in answer.chars() {
            count(parser.push(character.encode_utf8(&mut buffer)));
        }
        count(parser.finish());
        assert_eq!(num_bytes, line(&whole).len(), "{format}");
    }
}
