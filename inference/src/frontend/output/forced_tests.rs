//! Random walks over what the grammars allow: every text that comes out must be read back as complete calls.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use llguidance::api::TopLevelGrammar;
use llguidance::toktrie::{ApproximateTokEnv, TokEnv, TokRxInfo, TokTrie};
use llguidance::{Matcher, ParserFactory};
use serde_json::json;
use serde_json::value::RawValue;

use super::super::delta::OutputDelta;
use super::super::parser::OutputParser;
use super::super::reading::read_all_ways;
use super::*;

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
const END: &str = "<end>";

/// How a vocabulary has the formats' markers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Has {
    Specials,
    /// As one token each, but of plain text.
    Words,
    Bytes,
}

/// Every byte is a token; markers follow from 257 on.
struct Vocabulary {
    has: Has,
    words: Vec<String>,
    environment: TokEnv,
}

impl Vocabulary {
    fn new(has: Has) -> Self {
        let reasoning = [ReasoningFormat::Think, ReasoningFormat::Mistral];
        let markers = FORMATS.iter().flat_map(|format| format.markers());
        let markers = markers.chain(reasoning.iter().flat_map(|format| format.markers()));
        let markers: BTreeSet<&str> = markers.filter(|_| has != Has::Bytes).copied().collect();
        let prefix: &[u8] = if has == Has::Specials { &[TokTrie::SPECIAL_TOKEN_MARKER] } else { &[] };
        let bytes = (0..=255u8).map(|byte| vec![byte]);
        let end = [&[TokTrie::SPECIAL_TOKEN_MARKER], END.as_bytes()].concat();
        let tokens: Vec<Vec<u8>> =
            bytes.chain([end]).chain(markers.iter().map(|marker| [prefix, marker.as_bytes()].concat())).collect();
        let info = TokRxInfo::new(u32::try_from(tokens.len()).unwrap(), 256);
        let environment = Arc::new(ApproximateTokEnv::new(TokTrie::from(&info, &tokens)));
        Self { has, words: [END].into_iter().chain(markers).map(str::to_owned).collect(), environment }
    }

    fn all() -> [Self; 3] {
        [Has::Specials, Has::Words, Has::Bytes].map(Self::new)
    }

    fn token(&self, text: &str) -> Option<u32> {
        let at = self.words.iter().position(|word| word == text)?;
        u32::try_from(at + 256).ok()
    }

    fn special(&self, text: &str) -> Option<u32> {
        self.token(text).filter(|_| self.has == Has::Specials)
    }

    /// Markers as tokens where there are some, all else as bytes.
    fn tokens(&self, text: &str) -> Vec<u32> {
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            let word = self.words.iter().find(|word| rest.starts_with(word.as_str()));
            let length = word.map_or(character.len_utf8(), String::len);
            match word.and_then(|word| self.token(word)) {
                Some(token) => tokens.push(token),
                None => tokens.extend(rest.bytes().take(length).map(u32::from)),
            }
            rest = &rest[length..];
        }
        tokens
    }
}

/// A small generator of numbers, the same on every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

/// An answer that begins with `prefix` and is then left to chance among what the grammar allows.
fn walk(vocabulary: &Vocabulary, grammar: &CallGrammar, prefix: &str, dice: &mut Dice) -> String {
    let mut factory = ParserFactory::new_simple(&vocabulary.environment).unwrap();
    factory.quiet();
    let parser = factory.create_parser(TopLevelGrammar::from_lark(grammar.template.lark.clone()));
    let mut matcher = Matcher::new(Ok(parser.unwrap_or_else(|error| panic!("{error}\n{}", grammar.template.lark))));
    let mut bytes = Vec::new();
    let mut given = vocabulary.tokens(prefix).into_iter();
    for _ in 0..20_000 {
        let mask = matcher.compute_mask().unwrap();
        let allowed: Vec<u32> = mask.iter().collect();
        let token = given.next().unwrap_or_else(|| pick(&allowed, dice));
        assert!(
            allowed.contains(&token),
            "{} may be followed by token {token}\n{}",
            text_of(bytes),
            grammar.template.lark
        );
        if token == 256 {
            return text_of(bytes);
        }
        matcher.consume_token(token).unwrap();
        match u8::try_from(token) {
            Ok(byte) => bytes.push(byte),
            Err(_) => bytes.extend(vocabulary.words[token as usize - 256].bytes()),
        }
        if matcher.is_stopped() {
            return text_of(bytes);
        }
    }
    panic!("no end to {}", text_of(bytes));
}

fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// Anything allowed, but strings and free text end sooner than chance would have it.
fn pick(allowed: &[u32], dice: &mut Dice) -> u32 {
    let ends: Vec<u32> = allowed.iter().copied().filter(|token| *token == 34 || *token == 256).collect();
    if !ends.is_empty() && dice.below(6) == 0 {
        return ends[dice.below(ends.len())];
    }
    allowed[dice.below(allowed.len())]
}

fn tools() -> Vec<ToolSpec> {
    let weather = json!({
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "days": {"type": "integer", "minimum": 1, "maximum": 14},
            "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}, "maxItems": 3},
        },
        "required": ["city", "days"],
        "additionalProperties": false,
        "$defs": {"tag": {"enum": ["a\"b", "</tool_call>", "ә"]}},
    });
    vec![
        ToolSpec::new("get_weather", Some(weather), true),
        ToolSpec::new("now", None, false),
        ToolSpec::new("a.b-c", Some(json!({"properties": {"x": {"type": "boolean"}}})), false),
    ]
}

fn calls_in(deltas: &[OutputDelta]) -> Vec<(String, String)> {
    let mut calls: Vec<(String, String)> = Vec::new();
    for delta in deltas {
        match delta {
            OutputDelta::ToolCallStart { name, .. } => calls.push((name.clone(), String::new())),
            OutputDelta::ToolCallArguments { text, .. } => calls.last_mut().unwrap().1.push_str(text),
            OutputDelta::Content(_) | OutputDelta::Reasoning(_) => {}
        }
    }
    calls
}

/// The schema holds. Numbers beyond a float's range are JSON, so values that no schema binds are not looked at.
fn check_call(name: &str, arguments: &str) {
    let object: BTreeMap<String, Box<RawValue>> =
        serde_json::from_str(arguments).unwrap_or_else(|_| panic!("no object: {arguments}"));
    match name {
        "get_weather" => {
            let object: Value = serde_json::from_str(arguments).unwrap();
            assert!(object["city"].is_string());
            assert!((1..=14).contains(&object["days"].as_i64().unwrap()));
            let known = ["city", "days", "tags"];
            assert!(object.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())));
        }
        // Any object will do.
        "" => {}
        "now" => assert!(object.is_empty()),
        "a.b-c" => assert!(object.get("x").is_none_or(|x| ["true", "false"].contains(&x.get()))),
        other => panic!("{other} is not a tool"),
    }
}

fn request<'a>(format: ToolFormat, tools: &'a [ToolSpec], choice: ForcedTools<'a>) -> CallRequest<'a> {
    CallRequest { format, reasoning: ReasoningFormat::None, starts_in_reasoning: false, tools, choice, parallel: false }
}

#[test]
fn forced_answers_are_calls_of_the_tools() {
    let tools = tools();
    let mut dice = Dice(7);
    for vocabulary in Vocabulary::all() {
        for (format, parallel, seed) in FORMATS.iter().flat_map(|format| (0..16).map(move |i| (*format, i % 2 == 0, i)))
        {
            let choice = if seed < 8 { ForcedTools::Required } else { ForcedTools::Function("get_weather") };
            let request = CallRequest { parallel, ..request(format, &tools, choice) };
            let grammar = call_grammar(&request, &|text| vocabulary.special(text)).unwrap();
            let answer = walk(&vocabulary, &grammar, "", &mut dice);
            let reasoning =
                if format == ToolFormat::Harmony { ReasoningFormat::Harmony } else { ReasoningFormat::None };
            let parser = || OutputParser::with_tools(reasoning, Some(grammar.format), false, &tools);
            let deltas = read_all_ways(parser, &answer);
            let has_content = deltas.iter().any(|delta| matches!(delta, OutputDelta::Content(_)));
            assert!(!has_content, "{format}: {answer}\n{deltas:?}");
            let calls = calls_in(&deltas);
            assert!((1..=if parallel { MAX_CALLS } else { 1 }).contains(&calls.len()), "{format}: {answer}");
            for (name, arguments) in &calls {
                assert!(choice == ForcedTools::Required || name == "get_weather");
                check_call(name, arguments);
            }
        }
    }
}

#[test]
fn a_call_in_free_text_must_be_valid_once_begun() {
    let tools = tools();
    let mut dice = Dice(3);
    let begun = [
        (ToolFormat::Hermes, "Well.\n<tool_call>"),
        (ToolFormat::Llama3Json, "{\"name\""),
        (ToolFormat::Mistral, "Well.[TOOL_CALLS]"),
        (ToolFormat::Phi4, "Well.<|tool_call|>"),
        (ToolFormat::Granite, "<tool_call>"),
        (ToolFormat::DeepSeek, "Well.\n<｜tool▁calls▁begin｜>"),
        (ToolFormat::DeepSeekV31, "<｜tool▁calls▁begin｜>"),
        (ToolFormat::Harmony, "<|channel|>analysis<|message|>Well.<|end|><|start|>assistant<|channel|>commentary to"),
    ];
    for vocabulary in Vocabulary::all() {
        let has_markers = vocabulary.has == Has::Specials;
        for (format, prefix) in begun {
            let prefix = if has_markers && format == ToolFormat::Granite { "<|tool_call|>" } else { prefix };
            let request = CallRequest { parallel: true, ..request(format, &tools, ForcedTools::Auto) };
            let Some(grammar) = call_grammar(&request, &|text| vocabulary.special(text)) else {
                assert!(format == ToolFormat::Harmony && !has_markers, "{format}");
                continue;
            };
            for _ in 0..6 {
                let answer = walk(&vocabulary, &grammar, prefix, &mut dice);
                let reasoning =
                    if format == ToolFormat::Harmony { ReasoningFormat::Harmony } else { ReasoningFormat::None };
                let parser = || OutputParser::with_tools(reasoning, Some(grammar.format), false, &tools);
                let deltas = read_all_ways(parser, &answer);
                let calls = calls_in(&deltas);
                assert!(!calls.is_empty(), "{format}: {answer}");
                for (name, arguments) in &calls {
                    // Only the strict tool binds its arguments here.
                    check_call(if name == "get_weather" { name } else { "" }, arguments);
                }
                let text = walk(
                    &vocabulary,
                    &grammar,
                    if format == ToolFormat::Harmony { "" } else { "Just text" },
                    &mut dice,
                );
                assert!(calls_in(&read_all_ways(parser, &text)).len() <= MAX_CALLS);
            }
        }
    }
}

#[test]
fn reasoning_that_the_prompt_opened_comes_first() {
    let tools = tools();
    let mut dice = Dice(5);
    for vocabulary in Vocabulary::all() {
        for (format, choice) in [
            (ToolFormat::Hermes, ForcedTools::Required),
            (ToolFormat::Hermes, ForcedTools::Auto),
            (ToolFormat::Glm, ForcedTools::Required),
        ] {
            let request = CallRequest {
                reasoning: ReasoningFormat::Think,
                starts_in_reasoning: true,
                ..request(format, &tools, choice)
            };
            let grammar = call_grammar(&request, &|text| vocabulary.special(text)).unwrap();
            let call = if choice == ForcedTools::Auto { "<tool_call>" } else { "" };
            let prefix = &["Hm, a tool.\n</think>\n\n", call].concat();
            let answer = walk(&vocabulary, &grammar, prefix, &mut dice);
            let parser = || OutputParser::with_tools(ReasoningFormat::Think, Some(grammar.format), true, &tools);
            let deltas = read_all_ways(parser, &answer);
            assert_eq!(deltas[0], OutputDelta::Reasoning("Hm, a tool.".to_owned()));
            assert_eq!(calls_in(&deltas).len(), 1, "{answer}");
            assert!(!deltas.iter().any(|delta| matches!(delta, OutputDelta::Content(_))), "{answer}");
        }
    }
}

#[test]
fn where_no_grammar_is_needed_or_possible() {
    let lax = [ToolSpec::new("f", None, false)];
    let strict = [ToolSpec::new("f", None, true)];
    let grammar = |format, tools: &[ToolSpec], choice| call_grammar(&request(format, tools, choice), &|_| None);
    assert_eq!(grammar(ToolFormat::Hermes, &lax, ForcedTools::Auto), None);
    assert_eq!(grammar(ToolFormat::Hermes, &lax, ForcedTools::Function("g")), None);
    assert_eq!(grammar(ToolFormat::Hermes, &[], ForcedTools::Required), None);
    for format in [ToolFormat::Pythonic, ToolFormat::Glm, ToolFormat::QwenXml, ToolFormat::Json, ToolFormat::None] {
        assert_eq!(grammar(format, &strict, ForcedTools::Auto), None);
        assert_eq!(grammar(format, &strict, ForcedTools::Required).unwrap().format, ToolFormat::Json);
    }
}
