//! Order of segments, calls that interleave, and random cuts.

use std::fmt::Write as _;

use super::*;
use crate::chat::ToolCall;
use proptest::prelude::*;

fn call(index: u32, name: Option<&str>, arguments: &str) -> Delta {
    let function = FunctionDelta { name: name.map(str::to_owned), arguments: Some(arguments.to_owned()) };
    let call = ToolCallDelta { index, id: name.map(|name| format!("id-{name}")), kind: None, function: Some(function) };
    Delta { tool_calls: Some(vec![call]), ..Delta::default() }
}

fn text(text: &str) -> Delta {
    Delta { content: Some(text.to_owned()), ..Delta::default() }
}

/// `kind:text|` per segment, in the order in which they came.
fn shown(events: &[SegmentEvent]) -> String {
    let mut out = String::new();
    let mut is_open = false;
    for event in events {
        match event {
            SegmentEvent::Begin(kind) => {
                assert!(!std::mem::replace(&mut is_open, true), "one at a time");
                match kind {
                    SegmentKind::ToolCall { id, name } => out.extend([id, "/", name, ":"]),
                    other => write!(out, "{other:?}:").unwrap(),
                }
            }
            SegmentEvent::Piece { text, .. } => {
                assert!(is_open && !text.is_empty());
                out.push_str(text);
            }
            SegmentEvent::Signature(signature) => {
                assert!(is_open);
                out.extend(["~", signature]);
            }
            SegmentEvent::End => {
                assert!(std::mem::replace(&mut is_open, false));
                out.push('|');
            }
        }
    }
    assert!(!is_open, "every segment ends");
    out
}

fn run(deltas: &[Delta]) -> String {
    let mut segments = Segments::default();
    let mut events: Vec<_> = deltas.iter().flat_map(|delta| segments.push(delta, None)).collect();
    events.extend(segments.finish());
    shown(&events)
}

#[test]
fn segments_follow_one_another() {
    let thought = Delta { reasoning_content: Some("hm".into()), ..Delta::default() };
    let deltas = [text(""), thought, text("a"), text("b"), call(0, Some("f"), ""), call(0, None, "{}")];
    assert_eq!(run(&deltas), "Reasoning:hm|Text:ab|id-f/f:{}|");
    assert_eq!(run(&[]), "");
}

fn thought(text: &str, signature: &str) -> Delta {
    let reasoning_content = Some(text.to_owned());
    let block = ThinkingBlock::signed(text.to_owned(), signature.to_owned());
    Delta { reasoning_content, thinking_blocks: Some(vec![block]), ..Delta::default() }
}

fn sealed(data: &str) -> Delta {
    Delta { thinking_blocks: Some(vec![ThinkingBlock::sealed(data.to_owned())]), ..Delta::default() }
}

#[test]
fn a_signature_ends_its_thought() {
    let deltas =
        [thought("h", ""), thought("m", ""), thought("", "s1"), thought("so", "s2"), sealed("zz"), thought("", "s3")];
    let expected = "Reasoning:hm~s1|Reasoning:so~s2|Sealed { data: \"zz\" }:|Reasoning:~s3|";
    assert_eq!(run(&deltas), expected);
    // As some write it: in the list alone.
    let alone = deltas.map(|delta| Delta { reasoning_content: None, ..delta });
    assert_eq!(run(&alone), expected);
    // Nothing is lost behind a call that is not whole.
    let waiting = [call(0, Some("f"), "{"), thought("h", "s1"), sealed("z"), call(0, None, "}")];
    assert_eq!(run(&waiting), "id-f/f:{}|Reasoning:h~s1|Sealed { data: \"z\" }:|");
}

#[test]
fn a_whole_answer_has_the_thoughts_of_its_stream() {
    let blocks = vec![
        ThinkingBlock::signed("hm".to_owned(), "s1".to_owned()),
        ThinkingBlock::sealed("zz".to_owned()),
        ThinkingBlock::signed("so".to_owned(), "s2".to_owned()),
    ];
    let message = ResponseMessage {
        content: Some("a".to_owned()),
        reasoning_content: Some("hmso".to_owned()),
        thinking_blocks: Some(blocks),
        ..ResponseMessage::default()
    };
    let expected = "Reasoning:hm~s1|Sealed { data: \"zz\" }:|Reasoning:so~s2|Text:a|";
    assert_eq!(shown(&Segments::of_message(&message, None)), expected);
    let plain = ResponseMessage { thinking_blocks: None, ..message };
    assert_eq!(shown(&Segments::of_message(&plain, None)), "Reasoning:hmso|Text:a|");
}

#[test]
fn interleaved_calls_are_sorted_out() {
    let deltas = [
        call(0, Some("f"), "{\"a\":\"}"),
        call(1, Some("g"), "{"),
        text("x"),
        call(0, None, "\"}"),
        call(1, None, "}"),
        call(0, None, " "),
    ];
    assert_eq!(run(&deltas), "id-f/f:{\"a\":\"}\"}|id-g/g:{}|Text:x|");
}

#[test]
fn a_whole_call_ends_as_soon_as_the_next_begins() {
    let mut segments = Segments::default();
    segments.push(&call(0, Some("f"), "{}"), None);
    let events = segments.push(&call(1, Some("g"), ""), None);
    assert!(matches!(events.as_slice(), [SegmentEvent::End, SegmentEvent::Begin(SegmentKind::ToolCall { .. })]));
}

#[test]
fn a_call_waits_for_its_name() {
    assert_eq!(run(&[call(0, None, "{"), call(0, Some("f"), "}")]), "id-f/f:{}|");
}

#[test]
fn log_probabilities_stay_with_the_text() {
    let token = |token: &str| TokenLogprob { token: token.into(), logprob: -1.0, bytes: None, top_logprobs: vec![] };
    let of = |names: &[&str]| ChatLogprobs { content: Some(names.iter().map(|t| token(t)).collect()), refusal: None };
    let mut segments = Segments::default();
    let thought = Delta { reasoning_content: Some("hm".into()), ..Delta::default() };
    segments.push(&thought, Some(&of(&["hm"])));
    segments.push(&text(""), Some(&of(&["a"])));
    let events = segments.push(&text("ab"), Some(&of(&["b"])));
    let Some(SegmentEvent::Piece { logprobs, .. }) = events.last() else { unreachable!("a text came") };
    assert_eq!(logprobs.iter().map(|l| l.token.as_str()).collect::<Vec<_>>(), ["a", "b"]);
}

proptest! {
    /// Cut anywhere and mixed between calls, an answer gives the segments of the whole.
    #[test]
    fn cuts_and_mixing_do_not_matter(
        reasoning in "[a-zқ ]{0,12}",
        content in "[a-zқ ]{0,12}",
        arguments in prop::collection::vec("[a-z\\\\\"{}\\[\\]]{0,8}", 0..4),
        order in prop::collection::vec((0..4_usize, 1..4_usize), 0..60),
    ) {
        let arguments: Vec<_> = arguments.iter().map(|text| serde_json::json!({ "k": text }).to_string()).collect();
        let calls: Vec<_> = arguments.iter().zip(0..).map(|(arguments, index): (_, u32)| {
            ToolCall::function(format!("id-f{index}"), format!("f{index}"), arguments.clone())
        }).collect();
        let message = ResponseMessage {
            content: Some(content.clone()),
            reasoning_content: Some(reasoning.clone()),
            tool_calls: Some(calls),
            ..ResponseMessage::default()
        };
        let mut deltas = Vec::new();
        for piece in reasoning.chars() {
            deltas.push(Delta { reasoning_content: Some(piece.into()), ..Delta::default() });
        }
        deltas.extend(content.chars().map(|piece| text(&piece.to_string())));
        deltas.extend((0_u32..).take(arguments.len()).map(|index| call(index, Some(&format!("f{index}")), "")));
        let mut rest: Vec<Vec<char>> = arguments.iter().map(|text| text.chars().rev().collect()).collect();
        let last_round = (0..rest.len()).map(|which| (which, usize::MAX));
        for (which, count) in order.into_iter().chain(last_round) {
            let Some(rest) = rest.get_mut(which) else { continue };
            let piece: String = std::iter::from_fn(|| rest.pop()).take(count).collect();
            deltas.push(call(u32::try_from(which).unwrap(), None, &piece));
        }
        prop_assert_eq!(run(&deltas), shown(&Segments::of_message(&message, None)));
    }
}
