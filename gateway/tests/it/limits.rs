//! Limits and budgets over HTTP: what they let through to the number, what the headers say, and what is left afterwards.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::gateway::{Answer, Place, TestGateway, one_provider};
use crate::redis_server::RedisServer;
use crate::upstream::{Reply, Upstream};

const FIXED_RATE: &str = "[billing.exchange]\nsource = \"fixed\"\nrate = \"500\"\n[[billing.prices]]\nprovider = \"stub\"\nmodel = \"big\"\n\
                          prompt_per_million = \"1000\"\ncompletion_per_million = \"2000\"\n";

/// 10 tokens of prompt and 5 of an answer: at 1,000 and 2,000 dollars a million and 500 tenge a dollar, 10 tenge.
fn answer_of_10_tenge() -> Reply {
    Reply::Json(
        r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"fine"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}"#,
    )
}

async fn priced(reply: Reply) -> (Upstream, TestGateway) {
    let upstream = Upstream::start(reply).await;
    let gateway = TestGateway::start(&one_provider(&upstream.base_url, FIXED_RATE)).await;
    (upstream, gateway)
}

/// A key with these limits.
async fn key(gateway: &TestGateway, limits: Value) -> String {
    let body = json!({ "name": "app", "tenant": "clinic", "project": "chat", "limits": limits });
    let made = gateway.send("POST", "/admin/v1/keys", &gateway.admin_key, body.to_string()).await;
    assert_eq!(made.status, 201, "{}", made.body);
    made.json()["key"].as_str().unwrap().to_owned()
}

async fn set(gateway: &TestGateway, path: &str, limits: Value) {
    let body = json!({ "settings": { "limits": limits } }).to_string();
    let done = gateway.send("PATCH", &format!("/admin/v1/{path}"), &gateway.admin_key, body).await;
    assert_eq!(done.status, 200, "{}", done.body);
}

async fn ask(gateway: &TestGateway, key: &str, max_tokens: u32) -> Answer {
    let messages = json!([{ "role": "user", "content": "hi" }]);
    gateway.chat_as(key, &json!({ "model": "chat", "messages": messages, "max_tokens": max_tokens })).await
}

/// How many of so many at once are let through, and with which statuses the others are turned away.
async fn burst(gateways: &[TestGateway], keys: &[String], num_requests: usize) -> (usize, Vec<String>) {
    let asks = (0..num_requests).map(|number| {
        let at = number % gateways.len();
        ask(&gateways[at], &keys[at], 1)
    });
    let answers = futures_util::future::join_all(asks).await;
    let refused = answers.iter().filter(|answer| answer.status != 200);
    let codes = refused.map(|answer| format!("{} {}", answer.status, answer.code())).collect();
    (answers.iter().filter(|answer| answer.status == 200).count(), codes)
}

#[tokio::test]
async fn of_a_thousand_at_once_exactly_as_many_pass_as_the_limit_says() {
    let (upstream, gateway) = priced(answer_of_10_tenge()).await;
    let key = key(&gateway, json!({ "requests_per_minute": 100 })).await;
    let (passed, codes) = burst(std::slice::from_ref(&gateway), std::slice::from_ref(&key), 1_000).await;
    assert_eq!((passed, upstream.received().len()), (100, 100));
    assert!(codes.iter().all(|code| code == "429 requests_per_minute"), "{codes:?}");
    let refused = ask(&gateway, &key, 1).await;
    assert_eq!(refused.header("x-ratelimit-limit-requests"), "100");
    assert_eq!(refused.header("x-ratelimit-remaining-requests"), "0");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=61).contains(&wait), "{wait}");
}

#[tokio::test]
async fn of_a_thousand_over_three_gateways_exactly_as_many_pass() {
    let redis = RedisServer::start().await;
    let upstream = Upstream::start(answer_of_10_tenge()).await;
    let cluster = format!("{FIXED_RATE}\n[cluster]\nredis = \"file:{}\"\ntimeout_ms = 5000\n", redis.url_file());
    let mut gateways = Vec::new();
    for _ in 0..3 {
        gateways.push(TestGateway::start(&one_provider(&upstream.base_url, &cluster)).await);
    }
    let mut keys = Vec::new();
    for gateway in &gateways {
        keys.push(key(gateway, json!({})).await);
        // Each has a store of its own here: the project is what they have in common.
        set(gateway, "projects/clinic/chat", json!({ "requests_per_minute": 100 })).await;
    }
    let (passed, codes) = burst(&gateways, &keys, 1_000).await;
    assert_eq!((passed, upstream.received().len()), (100, 100));
    assert!(codes.iter().all(|code| code == "429 requests_per_minute"), "{:?}", codes.first());
    drop(redis);
    let away = ask(&gateways[0], &keys[0], 1).await;
    assert_eq!((away.status, away.code().as_str()), (503, "limits_unavailable"));
}

#[tokio::test]
async fn headers_are_true_to_the_number() {
    let (_upstream, gateway) = priced(answer_of_10_tenge()).await;
    let key = key(&gateway, json!({ "requests_per_minute": 5, "tokens_per_minute": 1_000 })).await;
    set(&gateway, "tenants/clinic", json!({ "requests_per_minute": 3 })).await;
    for number in 1..=3_u64 {
        let answer = ask(&gateway, &key, 1).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.header("x-ratelimit-limit-requests"), "3");
        assert_eq!(answer.header("x-ratelimit-remaining-requests"), (3 - number).to_string());
        assert_eq!(answer.header("x-ratelimit-limit-tokens"), "1000");
        // What was used, and not what was claimed.
        assert_eq!(answer.header("x-ratelimit-remaining-tokens"), (1_000 - 15 * number).to_string());
        assert!(answer.header("x-ratelimit-reset-requests").ends_with('s'));
    }
    let refused = ask(&gateway, &key, 1).await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "requests_per_minute"));
    assert!(refused.body.contains("organisation"), "{}", refused.body);
    // Without limits nothing is said of them.
    let free = gateway.ask("chat", "hi").await;
    assert_eq!(free.header("x-ratelimit-limit-requests"), "");
}

#[tokio::test]
async fn tokens_are_claimed_before_and_counted_after() {
    let (upstream, gateway) = priced(answer_of_10_tenge()).await;
    let limited = key(&gateway, json!({ "tokens_per_minute": 100 })).await;
    // More than the whole limit is never sent.
    let too_much = ask(&gateway, &limited, 500).await;
    assert_eq!((too_much.status, too_much.code().as_str()), (429, "tokens_per_minute"));
    assert_eq!((too_much.header("x-should-retry"), too_much.header("retry-after")), ("false", ""));
    assert!(upstream.received().is_empty());
    let mut passed = 0;
    while ask(&gateway, &limited, 1).await.status == 200 {
        passed += 1;
    }
    // 15 each: the seventh finds 90 used and its prompt's estimate still fits or not; never more than that.
    assert!((6..=7).contains(&passed), "{passed}");
    let daily = key(&gateway, json!({ "tokens_per_day": 20 })).await;
    assert_eq!(ask(&gateway, &daily, 1).await.status, 200);
    let refused = ask(&gateway, &daily, 10).await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "tokens_per_day"));
}

#[tokio::test]
async fn places_come_back_when_answers_end_and_when_clients_leave() {
    let (upstream, gateway) = priced(Reply::Held("fine")).await;
    let key = key(&gateway, json!({ "concurrent_requests": 2 })).await;
    let url = format!("{}/v1/chat/completions", gateway.url);
    let body = json!({ "model": "chat", "messages": [{ "role": "user", "content": "hi" }] });
    let hang = || {
        let request = gateway.client.post(&url).bearer_auth(&key).body(body.to_string());
        tokio::spawn(async move { request.send().await.map(|answer| answer.status().as_u16()) })
    };
    let (one, two) = (hang(), hang());
    while upstream.received().len() < 2 {
        tokio::task::yield_now().await;
    }
    let refused = ask(&gateway, &key, 1).await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "concurrent_requests"));
    upstream.set(answer_of_10_tenge());
    one.abort();
    let mut answer = ask(&gateway, &key, 1).await;
    while answer.status == 429 {
        answer = ask(&gateway, &key, 1).await;
    }
    assert_eq!(answer.status, 200, "{}", answer.body);
    two.abort();
}

#[tokio::test]
async fn a_hard_budget_is_never_exceeded_beyond_what_was_claimed() {
    let (upstream, gateway) = priced(answer_of_10_tenge()).await;
    let budget = |tenge: &str| json!({ "budgets": [{ "period": "month", "tenge": tenge, "hard": true }] });
    let limited = key(&gateway, budget("100.00")).await;
    let (passed, codes) = burst(std::slice::from_ref(&gateway), std::slice::from_ref(&limited), 60).await;
    assert!(codes.iter().all(|code| code == "429 budget_month"), "{codes:?}");
    let spent: i64 = gateway
        .audit()
        .await
        .iter()
        .flat_map(|record| &record.tries)
        .filter_map(|attempt| attempt.charge.as_ref().map(|charge| charge.tenge.tiyn()))
        .sum();
    assert_eq!(spent, 1_000 * i64::try_from(passed).unwrap());
    // A claim is 3 tenge at least: so many are let through at once, and each may use more than it has claimed.
    assert!((10..=33).contains(&passed) && upstream.received().len() == passed, "{passed}");
    let refused = ask(&gateway, &limited, 1).await;
    assert_eq!((refused.status, refused.header("x-should-retry")), (429, "false"));
    // One whose claim alone is more than all is never sent.
    let poor = key(&gateway, budget("0.01")).await;
    let calls = upstream.received().len();
    assert_eq!(ask(&gateway, &poor, 1).await.code(), "budget_month");
    assert_eq!(upstream.received().len(), calls);
}

#[tokio::test]
async fn a_soft_budget_only_tells() {
    let (_upstream, gateway) = priced(answer_of_10_tenge()).await;
    let limits = json!({ "budgets": [{ "period": "day", "tenge": 15, "hard": false, "alert_at_percent": [50, 100] }] });
    let limited = key(&gateway, limits).await;
    let mut told = Vec::new();
    for _ in 0..4 {
        let answer = ask(&gateway, &limited, 1).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        told.push(answer.header("x-shekara-budget").to_owned());
    }
    let told: Vec<_> = told.into_iter().filter(|said| !said.is_empty()).collect();
    assert_eq!(told, ["day 50%", "day 100%"]);
}

#[tokio::test]
async fn what_has_no_price_is_not_sent_under_a_hard_budget() {
    let upstream = Upstream::start(answer_of_10_tenge()).await;
    let gateway = TestGateway::start(&one_provider(&upstream.base_url, "")).await;
    let limited = key(&gateway, json!({ "budgets": [{ "period": "total", "tenge": 100, "hard": true }] })).await;
    let refused = ask(&gateway, &limited, 1).await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "model_unpriced"));
    assert!(upstream.received().is_empty());
    // Without one it is answered, and its row says why it has no amount.
    assert_eq!(gateway.ask("chat", "hi").await.status, 200);
    let records = gateway.audit().await;
    let attempt = records.iter().flat_map(|record| &record.tries).next().unwrap();
    assert_eq!((attempt.unpriced.as_deref(), attempt.charge.is_none()), (Some("no_price"), true));
}

#[tokio::test]
async fn what_was_used_is_known_to_the_next_process_and_forgotten_with_its_period() {
    let upstream = Upstream::start(answer_of_10_tenge()).await;
    let config = one_provider(&upstream.base_url, FIXED_RATE);
    let gateway = TestGateway::start(&config).await;
    let limits = json!({ "tokens_per_day": 40, "budgets": [{ "period": "month", "tenge": 20, "hard": true }] });
    let limited = key(&gateway, limits).await;
    assert_eq!(ask(&gateway, &limited, 1).await.status, 200);
    assert_eq!(ask(&gateway, &limited, 1).await.status, 200);
    gateway.audit().await;
    let (folder, _) = gateway.stop().await;
    let place = Place { folder: Some(folder), ..Place::default() };
    let clock = std::sync::Arc::clone(&place.clock);
    let gateway = TestGateway::start_at(&config, place).await;
    let refused = ask(&gateway, &limited, 1).await;
    assert_eq!(refused.status, 429, "{}", refused.body);
    clock.fetch_add(32 * 24 * 3_600 * 1_000, Ordering::SeqCst);
    assert_eq!(ask(&gateway, &limited, 1).await.status, 200);
}

#[tokio::test]
async fn a_request_that_nobody_was_asked_for_takes_nothing() {
    let upstream = Upstream::start(answer_of_10_tenge()).await;
    let rest = format!("{FIXED_RATE}[privacy.entities]\niin = \"block\"\n");
    let gateway = TestGateway::start(&one_provider(&upstream.base_url, &rest)).await;
    let limited = key(&gateway, json!({ "requests_per_minute": 1 })).await;
    let blocked = json!({ "model": "chat", "messages": [{ "role": "user", "content": "ИИН 901123300258" }] });
    for _ in 0..3 {
        assert_ne!(gateway.chat_as(&limited, &blocked).await.status, 429);
    }
    assert_eq!(ask(&gateway, &limited, 1).await.status, 200);
    assert_eq!(ask(&gateway, &limited, 1).await.status, 429);
}
