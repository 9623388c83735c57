//! Who is asked, from outside: what a request needs, what targets are for, shadows, hedges, and headers that go early.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};
use shekara_gateway::audit::{AuditRecord, Outcome, TryResult};

use crate::gateway::{Answer, Place, TestGateway, one_provider};
use crate::upstream::{Reply, Upstream};

/// Providers `one` and `two`, and a route `chat` with these lines.
async fn started(replies: [Reply; 2], route: &str) -> (Upstream, Upstream, TestGateway) {
    let [first, second] = replies;
    let (one, two) = (Upstream::start(first).await, Upstream::start(second).await);
    let provider = |name: &str, url: &str| {
        format!("[[providers]]\nname = \"{name}\"\nkind = \"openai-compatible\"\nbase_url = \"{url}\"\n")
    };
    let config = format!(
        "[local]\nenabled = false\n{}{}[[routes]]\nmodel = \"chat\"\n{route}\n",
        provider("one", &one.base_url),
        provider("two", &two.base_url)
    );
    let gateway = TestGateway::start(&config).await;
    (one, two, gateway)
}

fn targets(one: &str, two: &str) -> String {
    format!(
        "strategy = \"ordered\"\ntargets = [{{ provider = \"one\", model = \"a\"{one} }}, {{ provider = \"two\", model = \"b\"{two} }}]\n"
    )
}

fn asking(more: &Value) -> Value {
    let mut body = json!({ "model": "chat", "messages": [{ "role": "user", "content": "hi" }] });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// All records, once there are so many and all have ended.
async fn ended(gateway: &TestGateway, count: usize) -> Vec<AuditRecord> {
    loop {
        let records = gateway.audit().await;
        if records.len() >= count && records.iter().all(|record| record.outcome != Outcome::Dispatched) {
            return records;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_a_request_needs_decides_who_may_answer() {
    let route = targets(", lacks = [\"tools\", \"vision\"]", ", when = { json_schema = false }");
    let (_one, _two, gateway) = started([Reply::Text("one"), Reply::Text("two")], &route).await;
    let tools = json!([{ "type": "function", "function": { "name": "f", "parameters": {} } }]);
    let schema = json!({ "type": "json_schema", "json_schema": { "name": "s", "schema": {} } });
    let provider = |answer: &Answer| answer.header("x-shekara-provider").to_owned();
    assert_eq!(provider(&gateway.chat(asking(&json!({}))).await), "one");
    assert_eq!(provider(&gateway.chat(asking(&json!({ "tools": tools }))).await), "two");
    assert_eq!(provider(&gateway.chat(asking(&json!({ "response_format": schema }))).await), "one");
    let refused = gateway.chat(asking(&json!({ "tools": tools, "response_format": schema }))).await;
    assert_eq!((refused.status, refused.code().as_str()), (422, "no_capable_target"), "{}", refused.body);
}

#[tokio::test]
async fn a_prompt_that_is_too_long_finds_the_longer_model() {
    let long = r#"{"error":{"message":"too long","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#;
    let route = targets(", context_tokens = 8000", ", context_tokens = 32000");
    let (one, two, gateway) = started([Reply::Status(400, long), Reply::Text("two")], &route).await;
    let answer = gateway.ask("chat", "hi").await;
    assert_eq!((answer.status, answer.header("x-shekara-reason")), (200, "length"), "{}", answer.body);
    assert_eq!((one.received().len(), two.received().len()), (1, 1));
    // One that is surely too short is not even asked.
    let answer = gateway.ask("chat", &"word ".repeat(9_000)).await;
    assert_eq!(
        (answer.status, answer.header("x-shekara-reason"), answer.header("x-shekara-attempts")),
        (200, "length", "1")
    );
    two.set(Reply::Status(400, long));
    let refused = gateway.ask("chat", "hi").await;
    assert_eq!((refused.status, refused.code().as_str()), (400, "context_length_exceeded"));
}

#[tokio::test]
async fn tools_that_a_provider_runs_are_never_run_twice() {
    let (one, two, gateway) = started([Reply::Status(500, "{}"), Reply::Text("two")], &targets("", "")).await;
    let search = json!({ "web_search_options": {} });
    let answer = gateway.chat(asking(&search)).await;
    assert_eq!((answer.status, answer.header("x-should-retry")), (502, "false"), "{}", answer.body);
    assert_eq!((one.received().len(), two.received().len()), (1, 0));
    // What was turned away at the door has run nothing.
    one.set(Reply::Status(429, "{}"));
    let answer = gateway.chat(asking(&search)).await;
    assert_eq!((answer.status, answer.header("x-shekara-reason")), (200, "fallback:rate_limit"), "{}", answer.body);
}

#[tokio::test]
async fn a_shadow_gets_a_copy_of_what_was_cleared_and_of_nothing_else() {
    let route = "targets = [{ provider = \"one\", model = \"a\" }]\nshadow = { provider = \"two\", model = \"new\", percent = 100 }";
    let (_one, two, gateway) = started([Reply::Text("one"), Reply::Text("never seen")], route).await;
    assert_eq!(gateway.ask("chat", "hi").await.text(), "one");
    gateway.ask_streamed("chat", "hi").await;
    let records = ended(&gateway, 4).await;
    let shadows: Vec<_> = records.iter().filter(|record| record.reason.as_deref() == Some("shadow")).collect();
    assert_eq!(shadows.len(), 2);
    assert!(
        shadows.iter().all(|record| record.completion_tokens == Some(2) && record.provider.as_deref() == Some("two"))
    );
    assert_eq!(two.take_received().len(), 2);
    let answer = gateway.ask("chat", "Мой ИИН 901123300258").await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "no_local_model"));
    assert!(two.received().is_empty());
}

#[tokio::test]
async fn a_silent_target_is_raced_by_the_next_one() {
    let route = format!("{}hedge_ms = 50\ntimeouts = {{ first_token_ms = 60000 }}", targets("", ""));
    let (one, two, gateway) = started([Reply::Silence, Reply::Text("two")], &route).await;
    let answer = gateway.ask_streamed("chat", "hi").await;
    assert_eq!((answer.status, answer.header("x-shekara-reason")), (200, "hedge"), "{}", answer.body);
    one.client_left().await;
    assert_eq!((one.received().len(), two.received().len()), (1, 1));
    let record = ended(&gateway, 1).await.remove(0);
    let results: Vec<TryResult> = record.tries.iter().map(|attempt| attempt.result).collect();
    assert_eq!(results, [TryResult::Overtaken, TryResult::Answered]);
    assert_eq!(record.provider.as_deref(), Some("two"));
}

#[tokio::test]
async fn headers_go_early_and_who_answers_stands_in_the_last_event() {
    let route = format!(
        "{}timeouts = {{ headers_ms = 20, first_token_ms = 300 }}\nretries = {{ timeout = 0 }}",
        targets("", "")
    );
    let (one, two, gateway) = started([Reply::Silence, Reply::Text("two answers")], &route).await;
    let answer = gateway.ask_streamed("chat", "hi").await;
    assert_eq!(
        (answer.status, answer.header("x-shekara-provider"), answer.header("x-shekara-route")),
        (200, "", "chat")
    );
    assert!(answer.body.starts_with(": ") && answer.body.ends_with("data: [DONE]\n\n"), "{}", answer.body);
    assert!(
        answer.body.contains("\"reason\":\"fallback:timeout\"") && answer.body.contains("\"provider\":\"two\""),
        "{}",
        answer.body
    );
    two.set(Reply::Silence);
    one.set(Reply::Silence);
    let answer = gateway.ask_streamed("chat", "hi").await;
    assert!(answer.body.contains("event: error") && answer.body.contains("provider_timeout"), "{}", answer.body);
    assert!(answer.body.ends_with("data: [DONE]\n\n"), "{}", answer.body);
    let records = ended(&gateway, 2).await;
    assert_eq!((records[1].outcome, records[1].error_code.as_deref()), (Outcome::Failed, Some("provider_timeout")));
}

#[tokio::test]
async fn a_target_has_time_limits_of_its_own() {
    let route = targets(", timeouts = { first_token_ms = 100 }, retries = { timeout = 2 }", "");
    let (one, _two, gateway) = started([Reply::Silence, Reply::Text("two")], &route).await;
    let answer = gateway.ask_streamed("chat", "hi").await;
    assert_eq!((answer.header("x-shekara-reason"), answer.header("x-shekara-attempts")), ("fallback:timeout", "4"));
    assert_eq!(one.received().len(), 3);
}

#[tokio::test]
async fn a_full_target_sends_the_overflow_on() {
    let route = targets(", overflow = { requests_per_minute = 2 }", "");
    let (one, two, gateway) = started([Reply::Text("one"), Reply::Text("two")], &route).await;
    let mut reasons = Vec::new();
    for _ in 0..4 {
        reasons.push(gateway.ask("chat", "hi").await.header("x-shekara-reason").to_owned());
    }
    assert_eq!(reasons, ["primary", "primary", "overflow", "overflow"]);
    assert_eq!((one.received().len(), two.received().len()), (2, 2));
}

/// Providers `one` (OpenAI's shape) and `two` (Anthropic's, which has no words for `seed`).
async fn mixed(first: Reply, route: &str) -> (Upstream, Upstream, TestGateway) {
    let (one, two) = (Upstream::start(first).await, Upstream::start(Reply::Silence).await);
    let config = format!(
        "[local]\nenabled = false\n[[providers]]\nname = \"one\"\nkind = \"openai-compatible\"\nbase_url = \"{}\"\n\
         [[providers]]\nname = \"two\"\nkind = \"anthropic\"\nbase_url = \"{}\"\n[[routes]]\nmodel = \"chat\"\n{route}\n",
        one.base_url, two.base_url
    );
    let gateway = TestGateway::start(&config).await;
    (one, two, gateway)
}

#[tokio::test]
async fn who_has_no_words_for_a_request_is_passed_over_and_ends_nothing() {
    let backwards = "strategy = \"ordered\"\ntargets = [{ provider = \"two\", model = \"b\" }, { provider = \"one\", model = \"a\" }]\n";
    let (one, two, gateway) = mixed(Reply::Text("one"), backwards).await;
    let answer = gateway.chat(asking(&json!({ "seed": 1 }))).await;
    assert_eq!((answer.status, answer.header("x-shekara-provider")), (200, "one"), "{}", answer.body);
    assert_eq!((one.received().len(), two.received().len()), (1, 0));
    // An outage stays one, whatever a later target has no words for.
    let (_one, _two, gateway) = mixed(Reply::Status(503, "{}"), &targets("", "")).await;
    let answer = gateway.chat(asking(&json!({ "seed": 1 }))).await;
    assert_eq!((answer.status, answer.code().as_str()), (502, "provider_error"), "{}", answer.body);
    // Where nobody has the words, they are named.
    let (_one, _two, gateway) = mixed(Reply::Silence, "targets = [{ provider = \"two\", model = \"b\" }]").await;
    let answer = gateway.chat(asking(&json!({ "seed": 1 }))).await;
    assert_eq!((answer.status, answer.json()["error"]["param"].as_str()), (400, Some("seed")), "{}", answer.body);
}

#[tokio::test]
async fn a_hedge_that_cannot_answer_spoils_nothing() {
    let route = format!("{}hedge_ms = 20\n", targets("", ""));
    let (one, _two, gateway) = mixed(Reply::Held("one"), &route).await;
    let body = asking(&json!({ "stream": true, "seed": 1 }));
    let asked = gateway.chat(body);
    let released = async {
        // The hedge has come, and gone at once: there are no words for `seed`.
        while gateway.audit().await.first().is_none_or(|record| record.tries.len() < 2) {
            tokio::task::yield_now().await;
        }
        one.release();
    };
    let (answer, ()) = tokio::join!(asked, released);
    assert_eq!((answer.status, answer.header("x-shekara-reason")), (200, "primary"), "{}", answer.body);
}

/// What a target may spend in a day outlives the process, and the day does not.
#[tokio::test]
async fn a_spent_day_is_known_to_the_next_process() {
    let upstream = Upstream::start(Reply::Text("one two")).await;
    let toml = one_provider(&upstream.base_url, "fallback = [{ provider = \"stub\", model = \"other\" }]");
    let budget = "model = \"big\", price = { prompt = 1, completion = 1 }, usd_per_day = 0.000001";
    let toml = toml.replace("model = \"big\"", budget);
    let clock = Arc::new(AtomicI64::new(0));
    let place = |folder| Place { folder, clock: Arc::clone(&clock), ..Place::default() };
    let gateway = TestGateway::start_at(&toml, place(None)).await;
    let reason =
        |answer: Answer| (answer.header("x-shekara-model").to_owned(), answer.header("x-shekara-reason").to_owned());
    let named = |model: &str, reason: &str| (model.to_owned(), reason.to_owned());
    assert_eq!(reason(gateway.ask("chat", "hi").await), named("big", "primary"));
    assert_eq!(reason(gateway.ask("chat", "hi").await), named("other", "budget"));
    let (folder, key) = gateway.stop().await;
    let mut gateway = TestGateway::start_at(&toml, place(Some(folder))).await;
    gateway.key = key;
    assert_eq!(reason(gateway.ask("chat", "hi").await), named("other", "budget"));
    clock.store(24 * 3_600_000, Ordering::SeqCst);
    assert_eq!(reason(gateway.ask("chat", "hi").await), named("big", "primary"));
}
