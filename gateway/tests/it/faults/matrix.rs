//! The table, asked row by row.

use serde_json::{Value, json};
use shekara_gateway::audit::{AuditRecord, Outcome};
use shekara_gateway::billing::UsageSource;

use super::table::{Case, Fault, Follows, Mode, cases};
use crate::gateway::{Answer, TestGateway};
use crate::upstream::{Reply, Upstream};

/// Short, so that what hangs does not take long; long enough for a busy machine.
const TIMEOUTS: &str = "timeouts = { first_token_ms = 400, between_tokens_ms = 400, total_ms = 4000 }";

pub(super) fn config(first: &str, second: Option<&str>) -> String {
    let target = |name: &str| format!("{{ provider = \"{name}\", model = \"m-{name}\" }}");
    let provider = |name: &str, url: &str| {
        format!("[[providers]]\nname = \"{name}\"\nkind = \"openai-compatible\"\nbase_url = \"{url}\"\n")
    };
    let fallback = second.map_or_else(String::new, |_| format!("fallback = [{}]\n", target("second")));
    let second = second.map_or_else(String::new, |url| provider("second", url));
    format!(
        "[local]\nenabled = false\n{}{second}[[routes]]\nmodel = \"chat\"\ntargets = [{}]\n{fallback}{TIMEOUTS}\n",
        provider("first", first),
        target("first")
    )
}

pub(super) fn request(mode: Mode) -> Value {
    let mut body = json!({ "model": "chat", "messages": [{ "role": "user", "content": "hi" }] });
    if mode != Mode::Plain {
        body["stream"] = json!(true);
    }
    if mode == Mode::Tools {
        let parameters = json!({ "type": "object", "properties": { "order": { "type": "integer" } } });
        body["tools"] = json!([{ "type": "function", "function": { "name": "f", "parameters": parameters } }]);
    }
    body
}

/// What came of one case.
struct Seen {
    label: String,
    answer: Answer,
    record: AuditRecord,
    first_calls: usize,
    second_calls: usize,
}

async fn see(case: &Case, mode: Mode, with_second: bool) -> Seen {
    let good = if mode == Mode::Tools { Reply::Call } else { Reply::Text("second answers") };
    let second = Upstream::start(good).await;
    let reply = if let Fault::Reply(reply) = &case.fault { reply.clone() } else { Reply::Text("never") };
    let first = Upstream::start(reply).await;
    let url = match case.fault {
        Fault::Address(url) => url.to_owned(),
        Fault::NoTls => first.base_url.replace("http:", "https:"),
        Fault::Reply(_) => first.base_url.clone(),
    };
    let gateway = TestGateway::start(&config(&url, with_second.then_some(&second.base_url))).await;
    let answer = gateway.chat(request(mode)).await;
    let mut records = gateway.audit().await;
    let label = format!("{} / {mode:?} / {}: {}", case.name, if with_second { "two" } else { "one" }, answer.body);
    assert_eq!(records.len(), 1, "{label}");
    let calls = (first.received().len(), second.received().len());
    Seen { label, answer, record: records.remove(0), first_calls: calls.0, second_calls: calls.1 }
}

/// Results of the tries, as they are written.
fn results(record: &AuditRecord) -> Vec<String> {
    let name = |result: Value| result.as_str().unwrap().to_owned();
    record.tries.iter().map(|attempt| name(serde_json::to_value(attempt.result).unwrap())).collect()
}

fn check(case: &Case, mode: Mode, with_second: bool, seen: &Seen) {
    let Seen { label, answer, record, first_calls, second_calls } = seen;
    let switches = with_second && matches!(case.follows, Follows::Switch { .. });
    // A whole answer of the only target may take all the time there is, and leaves none for another try.
    let is_over = mode == Mode::Plain && !with_second && case.calls == 2;
    let (calls, own_tries) = if is_over { (1, 1) } else { (case.calls, case.tries) };
    assert_eq!((*first_calls, *second_calls), (calls, usize::from(switches)), "{label}");
    let tries = own_tries + usize::from(switches);
    assert_eq!((record.tries.len(), record.attempts as usize), (tries, tries), "{label}");
    assert_eq!(answer.header("x-shekara-attempts"), tries.to_string(), "{label}");
    match case.follows {
        Follows::Switch { result, reason, .. } if with_second => {
            assert_eq!((answer.status, answer.header("x-shekara-reason")), (200, reason), "{label}");
            assert_eq!(answer.header("x-shekara-provider"), "second", "{label}");
            check_answer(mode, seen, true);
            let mut expected = vec![result; case.tries];
            expected.push("answered");
            assert_eq!(results(record), expected, "{label}");
            assert_eq!(record.provider.as_deref(), Some("second"), "{label}");
        }
        Follows::Switch { result, status, code, retryable, .. } => {
            check_error(seen, (status, code, retryable));
            assert_eq!(results(record), vec![result; own_tries], "{label}");
        }
        Follows::Refusal { status, code, retryable } => {
            check_error(seen, (status, code, retryable));
            let result = if code == "provider_auth_failed" { "auth" } else { "refused" };
            assert_eq!(results(record), [result], "{label}");
        }
        Follows::Broken { code } => {
            assert_eq!(answer.status, 200, "{label}");
            check_broken(seen, code);
            assert_eq!(results(record), ["interrupted"], "{label}");
        }
        Follows::Answer => {
            assert_eq!((answer.status, answer.header("x-shekara-reason")), (200, "primary"), "{label}");
            check_answer(mode, seen, false);
            assert_eq!(results(record), ["answered"], "{label}");
        }
    }
}

fn check_error(seen: &Seen, (status, code, retryable): (u16, &str, bool)) {
    let Seen { label, answer, record, .. } = seen;
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{label}");
    assert!(answer.json()["error"]["message"].is_string() && answer.json()["error"]["type"].is_string(), "{label}");
    assert_eq!(answer.header("x-should-retry") != "false", retryable, "{label}");
    assert!(status != 429 || !answer.header("retry-after").is_empty(), "{label}");
    assert_eq!(
        (record.outcome, record.status, record.error_code.as_deref()),
        (Outcome::Failed, status, Some(code)),
        "{label}"
    );
    assert_eq!(record.completion_tokens, None, "{label}");
}

fn check_broken(seen: &Seen, code: &str) {
    let Seen { label, answer, record, .. } = seen;
    let events: Vec<&str> = answer.body.split("\n\n").filter(|event| !event.is_empty()).collect();
    let [.., error, done] = events.as_slice() else { panic!("{label}") };
    assert_eq!(*done, "data: [DONE]", "{label}");
    let error = error.strip_prefix("event: error\ndata: ").unwrap_or_else(|| panic!("{label}"));
    assert_eq!(serde_json::from_str::<Value>(error).unwrap()["error"]["code"], code, "{label}");
    assert_eq!(answer.body.matches("[DONE]").count(), 1, "{label}");
    let kept = (record.outcome, record.error_code.as_deref(), record.usage_source);
    assert_eq!(kept, (Outcome::Failed, Some(code), Some(UsageSource::Estimated)), "{label}");
    assert_eq!(record.completion_tokens, Some(1), "{label}");
}

fn check_answer(mode: Mode, seen: &Seen, is_second: bool) {
    let Seen { label, answer, record, .. } = seen;
    assert_eq!((record.outcome, record.status), (Outcome::Completed, 200), "{label}");
    assert_eq!(record.error_code, None, "{label}");
    if is_second {
        assert_eq!((record.prompt_tokens, record.completion_tokens), (Some(7), Some(2)), "{label}");
    }
    assert!(!answer.body.contains("\"error\""), "{label}");
    if mode == Mode::Plain {
        assert_eq!(answer.text(), "second answers", "{label}");
        return;
    }
    assert!(answer.body.ends_with("data: [DONE]\n\n") && answer.body.matches("[DONE]").count() == 1, "{label}");
    assert!(!answer.body.contains("garbage"), "{label}");
    if mode == Mode::Tools && is_second {
        // One call, not one of each target.
        assert_eq!(answer.body.matches("\"id\":\"c1\"").count(), 1, "{label}");
        assert!(!answer.body.contains("\"id\":\"c9\""), "{label}");
    }
}

async fn run(mode: Mode, with_second: bool) {
    for case in cases(mode) {
        let seen = see(&case, mode, with_second).await;
        check(&case, mode, with_second, &seen);
    }
}

#[tokio::test]
async fn plain_with_one_target() {
    run(Mode::Plain, false).await;
}

#[tokio::test]
async fn plain_with_two_targets() {
    run(Mode::Plain, true).await;
}

#[tokio::test]
async fn streamed_with_one_target() {
    run(Mode::Stream, false).await;
}

#[tokio::test]
async fn streamed_with_two_targets() {
    run(Mode::Stream, true).await;
}

#[tokio::test]
async fn tools_with_one_target() {
    run(Mode::Tools, false).await;
}

#[tokio::test]
async fn tools_with_two_targets() {
    run(Mode::Tools, true).await;
}
