//! What each failure of a provider leads to, with exact numbers of upstream calls.

use crate::gateway::{Answer, TestGateway};
use crate::upstream::{Reply, Upstream};

fn chain(first: &str, second: &str, rest: &str) -> String {
    format!(
        "[local]\nenabled = false\n\
         [[providers]]\nname = \"first\"\nkind = \"openai-compatible\"\nbase_url = \"{first}\"\n\
         [[providers]]\nname = \"second\"\nkind = \"openai-compatible\"\nbase_url = \"{second}\"\n\
         [[routes]]\nmodel = \"chat\"\ntargets = [{{ provider = \"first\", model = \"a\" }}]\n\
         fallback = [{{ provider = \"second\", model = \"b\" }}]\n{rest}\n"
    )
}

struct Case {
    answer: Answer,
    first_calls: usize,
    second_calls: usize,
}

async fn case(first: Reply, stream: bool, rest: &str) -> Case {
    let (one, two) = (Upstream::start(first).await, Upstream::start(Reply::Text("second")).await);
    let gateway = TestGateway::start(&chain(&one.base_url, &two.base_url, rest)).await;
    let answer = if stream { gateway.ask_streamed("chat", "hi").await } else { gateway.ask("chat", "hi").await };
    Case { answer, first_calls: one.received().len(), second_calls: two.received().len() }
}

#[tokio::test]
async fn failures_go_to_the_next_target_and_say_why() {
    let quota = r#"{"error":{"message":"m","code":"insufficient_quota"}}"#;
    let empty_choices = r#"{"choices":[]}"#;
    let role_then_error = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n\
                           data: {\"error\":{\"message\":\"overloaded\"}}\n\n";
    let error_event = "data: {\"error\":{\"message\":\"overloaded\"}}\n\n";
    for (reply, stream, reason) in [
        (Reply::Status(500, "{}"), false, "fallback:5xx"),
        (Reply::Status(503, ""), true, "fallback:5xx"),
        (Reply::Status(429, "{}"), false, "fallback:rate_limit"),
        (Reply::Status(429, quota), false, "fallback:quota"),
        (Reply::Status(402, "{}"), true, "fallback:quota"),
        (Reply::Json("<html>"), false, "fallback:broken_response"),
        (Reply::Json(empty_choices), false, "fallback:broken_response"),
        (Reply::Events(""), true, "fallback:broken_response"),
        (Reply::Events(error_event), true, "fallback:5xx"),
        (Reply::Events(role_then_error), true, "fallback:5xx"),
        (Reply::Events("data: [DONE]\n\n"), true, "fallback:broken_response"),
        (Reply::Events("data: hello\n\ndata: [DONE]\n\n"), true, "fallback:broken_response"),
        (Reply::Json(r#"{"choices":[{}]}"#), false, "fallback:broken_response"),
        (
            Reply::Json(r#"{"choices":[{"message":{"role":"assistant","content":null}}]}"#),
            false,
            "fallback:broken_response",
        ),
    ] {
        let Case { answer, first_calls, second_calls } = case(reply, stream, "").await;
        assert_eq!((answer.status, answer.header("x-shekara-reason")), (200, reason), "{}", answer.body);
        assert_eq!((first_calls, second_calls, answer.header("x-shekara-attempts")), (1, 1, "2"), "{reason}");
        assert!(answer.body.contains("second"), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_silent_target_is_tried_again_once_and_then_left() {
    let rest = "timeouts = { first_token_ms = 400, total_ms = 20000 }";
    let Case { answer, first_calls, second_calls } = case(Reply::Silence, true, rest).await;
    assert_eq!(answer.header("x-shekara-reason"), "fallback:timeout");
    assert_eq!((first_calls, second_calls, answer.header("x-shekara-attempts")), (2, 1, "3"));
}

#[tokio::test]
async fn a_whole_answer_that_hangs_leaves_time_for_the_others() {
    let Case { answer, first_calls, second_calls } =
        case(Reply::Silence, false, "timeouts = { total_ms = 2400 }").await;
    assert_eq!((answer.status, answer.header("x-shekara-reason")), (200, "fallback:timeout"), "{}", answer.body);
    assert_eq!((first_calls, second_calls), (2, 1));
}

#[tokio::test]
async fn a_strange_usage_is_no_reason_to_pay_twice() {
    let answer =
        r#"{"choices":[{"message":{"content":"first"}}],"usage":{"prompt_tokens":3.0,"completion_tokens":null}}"#;
    let Case { answer, first_calls, second_calls } = case(Reply::Json(answer), false, "").await;
    assert_eq!((answer.status, first_calls, second_calls), (200, 1, 0), "{}", answer.body);
}

#[tokio::test]
async fn an_unreachable_target_is_tried_again_once_and_then_left() {
    let two = Upstream::start(Reply::Text("second")).await;
    let gateway = TestGateway::start(&chain("http://127.0.0.1:9/v1", &two.base_url, "")).await;
    let answer = gateway.ask("chat", "hi").await;
    assert_eq!((answer.header("x-shekara-reason"), answer.header("x-shekara-attempts")), ("fallback:connect", "3"));
}

#[tokio::test]
async fn the_callers_own_mistakes_and_our_credentials_do_not_switch() {
    let bad = r#"{"error":{"message":"temperature is too high","type":"invalid_request_error","param":"temperature","code":"bad"}}"#;
    for status in [400, 404, 422] {
        let Case { answer, first_calls, second_calls } = case(Reply::Status(status, bad), false, "").await;
        assert_eq!((answer.status, first_calls, second_calls), (status, 1, 0));
        assert_eq!(answer.json()["error"]["param"], "temperature");
        assert_eq!(answer.json()["error"]["message"], "temperature is too high");
    }
    for status in [401, 403] {
        let Case { answer, first_calls, second_calls } = case(Reply::Status(status, bad), true, "").await;
        assert_eq!((answer.status, answer.code().as_str()), (502, "provider_auth_failed"));
        assert_eq!((first_calls, second_calls, answer.header("x-should-retry")), (1, 0, "false"));
    }
}

#[tokio::test]
async fn when_all_fail_the_last_failure_is_told() {
    let (one, two) = (Upstream::start(Reply::Status(500, "")).await, Upstream::start(Reply::Status(429, "")).await);
    let gateway = TestGateway::start(&chain(&one.base_url, &two.base_url, "")).await;
    let answer = gateway.ask("chat", "hi").await;
    assert_eq!((answer.status, answer.code().as_str()), (429, "rate_limit_exceeded"));
    assert!(!answer.header("retry-after").is_empty());
    two.set(Reply::Status(500, ""));
    assert_eq!(gateway.ask("chat", "hi").await.status, 502);
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    let Case { answer, first_calls, .. } = case(Reply::Status(307, ""), false, "").await;
    assert_eq!((answer.header("x-shekara-reason"), first_calls), ("fallback:broken_response", 1));
}

#[tokio::test]
async fn a_missing_provider_key_is_no_reason_to_stop_and_its_value_is_sent() {
    let (one, two) = (Upstream::start(Reply::Text("first")).await, Upstream::start(Reply::Text("second")).await);
    let secret = tempfile::NamedTempFile::new().unwrap();
    let config = chain(&one.base_url, &two.base_url, "");
    let key = format!("name = \"first\"\napi_key = \"file:{}\"", secret.path().display());
    let gateway = TestGateway::start(&config.replace("name = \"first\"", &key)).await;
    assert_eq!(gateway.ask("chat", "hi").await.text(), "second");
    assert!(one.received().is_empty());
    std::fs::write(secret.path(), "sk-provider-1\n").unwrap();
    assert_eq!(gateway.ask("chat", "hi").await.text(), "first");
    // `Debug` of the header hides nothing on the upstream's side: the value arrived.
    assert!(one.received()[0].contains("Bearer sk-provider-1"), "{}", one.received()[0]);
}

#[tokio::test]
async fn a_target_that_fails_twice_is_passed_over_and_tried_again_when_nothing_else_is_left() {
    let (one, two) = (Upstream::start(Reply::Status(500, "{}")).await, Upstream::start(Reply::Text("second")).await);
    let gateway = TestGateway::start(&chain(&one.base_url, &two.base_url, "")).await;
    for reason in ["fallback:5xx", "fallback:5xx", "breaker", "breaker"] {
        assert_eq!(gateway.ask("chat", "hi").await.header("x-shekara-reason"), reason);
    }
    assert_eq!((one.received().len(), two.received().len()), (2, 4));
    two.set(Reply::Status(503, "{}"));
    one.set(Reply::Text("first again"));
    assert_eq!(gateway.ask("chat", "hi").await.text(), "first again");
    one.set(Reply::Text("first for good"));
    assert_eq!(gateway.ask("chat", "hi").await.header("x-shekara-reason"), "primary");
}

#[tokio::test]
async fn a_target_rests_for_as_long_as_it_asks() {
    let (one, two) = (Upstream::start(Reply::Status(429, "{}")).await, Upstream::start(Reply::Text("second")).await);
    let gateway = TestGateway::start(&chain(&one.base_url, &two.base_url, "")).await;
    for calls in [1, 1, 1] {
        assert_eq!(gateway.ask("chat", "hi").await.header("x-shekara-reason"), "fallback:rate_limit");
        assert_eq!(one.received().len(), calls);
    }
    // One that is alone is asked all the same.
    let alone = TestGateway::start(&crate::gateway::one_provider(&one.base_url, "")).await;
    assert_eq!(alone.ask("chat", "hi").await.status, 429);
    one.set(Reply::Text("back"));
    assert_eq!(alone.ask("chat", "hi").await.text(), "back");
}
