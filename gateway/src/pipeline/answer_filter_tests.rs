//! Whole answers and streams, looked at and restored.

use std::sync::Arc;

use super::*;
use crate::pii::masking::{Conversation, MaskingSecret, Span};
use crate::pii::{Action, Detector, Policy};

/// A conversation in which one e-mail address was masked, and its token.
fn conversation() -> (Restorer, String) {
    let secret = MaskingSecret::new([3; 32]);
    let mut conversation = Conversation::new(&secret, secret.conversation("t", "c"));
    let spans = [Span { entity: Entity::Email, range: 0..13 }];
    let masked = conversation.mask_text("aigul@mail.kz", &spans).unwrap();
    (conversation.restorer(), masked.text)
}

fn guard() -> AnswerGuard {
    let policy = Policy::default().with(Entity::Card, Action::Mask).with(Entity::Email, Action::Mask);
    AnswerGuard::new(Arc::new(Detector::new().unwrap()), Arc::new(policy))
}

#[test]
fn whole_answers_are_guarded_then_restored() {
    let (restorer, token) = conversation();
    let mut filter = AnswerFilter::new(Some(guard()), Some(restorer), false);
    let mut answer = json!({ "choices": [{ "index": 0, "logprobs": { "content": [] }, "message": {
        "content": format!("Пишите {token} или other@mail.kz, карта 4400 4302 1234 5679"),
        "tool_calls": [{ "function": { "name": "f", "arguments": format!("{{\"to\":\"{token}\",\"n\":4400430212345679}}") } }] } }] });
    filter.whole(&mut answer).unwrap();
    let message = &answer["choices"][0]["message"];
    assert_eq!(message["content"], "Пишите aigul@mail.kz или [EMAIL], карта [CARD]");
    assert_eq!(message["tool_calls"][0]["function"]["arguments"], r#"{"to":"aigul@mail.kz","n":"[CARD]"}"#);
    assert!(answer["choices"][0]["logprobs"].is_null());
    assert_eq!(filter.counts().get(&Entity::Card), Some(&2));
}

#[test]
fn streams_give_the_same_as_the_whole() {
    let (restorer, token) = conversation();
    let content = format!("Пишите {token} или other@mail.kz. {}карта 4400 4302 1234 5679", "слово ".repeat(80));
    let arguments = format!(r#"{{"to":"{token}","card":"4400430212345679"}}"#);
    for size in [1, 2, 3, 7, 50, 1_000] {
        let mut filter = AnswerFilter::new(Some(guard()), Some(restorer.clone()), false);
        let mut shown = (String::new(), String::new());
        let mut take = |filter: &mut AnswerFilter, mut chunk: Value| {
            filter.chunk(&mut chunk).unwrap();
            let delta = &chunk["choices"][0]["delta"];
            shown.0.push_str(delta["content"].as_str().unwrap_or_default());
            shown.1.push_str(delta["tool_calls"][0]["function"]["arguments"].as_str().unwrap_or_default());
        };
        let pieces = |text: &str| {
            let characters: Vec<char> = text.chars().collect();
            characters.chunks(size).map(|piece| piece.iter().collect::<String>()).collect::<Vec<_>>()
        };
        for piece in pieces(&content) {
            take(&mut filter, json!({ "choices": [{ "index": 0, "delta": { "content": piece } }] }));
        }
        for piece in pieces(&arguments) {
            let call = json!([{ "index": 0, "function": { "arguments": piece } }]);
            take(&mut filter, json!({ "choices": [{ "index": 0, "delta": { "tool_calls": call } }] }));
        }
        take(&mut filter, json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "tool_calls" }] }));
        let expected = format!("Пишите aigul@mail.kz или [EMAIL]. {}карта [CARD]", "слово ".repeat(80));
        assert_eq!(shown.0, expected, "{size}");
        assert_eq!(shown.1, r#"{"to":"aigul@mail.kz","card":"[CARD]"}"#, "{size}");
        assert!(filter.rest().unwrap().is_none());
    }
}

#[test]
fn a_stream_that_never_finishes_gives_its_rest() {
    let (restorer, token) = conversation();
    let mut filter = AnswerFilter::new(None, Some(restorer), false);
    // Whether an ending follows is not known before the end.
    let open = token.trim_matches(['[', ']']);
    let mut chunk = json!({ "id": "c1", "choices": [{ "index": 2, "delta": { "content": open } }] });
    filter.chunk(&mut chunk).unwrap();
    let rest = filter.rest().unwrap().unwrap();
    assert_eq!((&rest["id"], &rest["choices"][0]["index"]), (&json!("c1"), &json!(2)));
    let first = chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default();
    assert_eq!(format!("{first}{}", rest["choices"][0]["delta"]["content"].as_str().unwrap()), "aigul@mail.kz");
}
