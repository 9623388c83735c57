//! Several keys of one provider, and how much is sent there at the most.

use std::io::Write as _;
use std::sync::Arc;

use serde_json::json;

use crate::gateway::TestGateway;
use crate::upstream::{Reply, Upstream};

const QUOTA: &str = r#"{"error":{"message":"out of credit","type":"insufficient_quota","code":"insufficient_quota"}}"#;

/// It rests for longer than the test lasts.
const RATE: &str =
    r#"{"error":{"message":"Rate limit reached. Please try again in 3600s.","code":"rate_limit_exceeded"}}"#;

struct Keys {
    good: tempfile::NamedTempFile,
    bad: tempfile::NamedTempFile,
}

impl Keys {
    fn new() -> Self {
        let file = |text: &str| {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(text.as_bytes()).unwrap();
            file
        };
        Self { good: file("sk-good"), bad: file("sk-bad") }
    }

    /// `bad` is drawn nine times of ten.
    fn table(&self) -> String {
        let (good, bad) = (self.good.path().display(), self.bad.path().display());
        format!("api_keys = [{{ key = \"file:{bad}\", weight = 9 }}, {{ key = \"file:{good}\", weight = 1 }}]\n")
    }
}

fn config(upstream: &Upstream, rest: &str) -> String {
    format!(
        "[local]\nenabled = false\n[[providers]]\nname = \"stub\"\nkind = \"openai-compatible\"\nbase_url = \"{}\"\n{rest}\n\
         [[routes]]\nmodel = \"chat\"\ntargets = [{{ provider = \"stub\", model = \"m\" }}]\n",
        upstream.base_url
    )
}

fn sent_with(upstream: &Upstream, key: &str) -> usize {
    upstream.received().iter().filter(|request| request.contains(&format!("Bearer {key}"))).count()
}

#[tokio::test]
async fn keys_are_drawn_by_weight() {
    let (upstream, keys) = (Upstream::start(Reply::Text("fine")).await, Keys::new());
    let gateway = TestGateway::start(&config(&upstream, &keys.table())).await;
    for _ in 0..100 {
        assert_eq!(gateway.ask("chat", "hi").await.text(), "fine");
    }
    let (bad, good) = (sent_with(&upstream, "sk-bad"), sent_with(&upstream, "sk-good"));
    assert_eq!(bad + good, 100);
    assert!(bad > 70 && good > 0, "{bad} and {good}");
}

/// An upstream that takes one of the keys only.
async fn picky(refusal: (u16, &'static str)) -> Upstream {
    let reply = move |request: &str| {
        if request.contains("sk-bad") { Reply::Status(refusal.0, refusal.1) } else { Reply::Text("fine") }
    };
    Upstream::start(Reply::ByHead(Arc::new(reply))).await
}

#[tokio::test]
async fn a_key_that_is_not_taken_is_passed_over_for_the_others() {
    for refusal in [(429, QUOTA), (429, RATE), (401, "{}")] {
        let (upstream, keys) = (picky(refusal).await, Keys::new());
        let gateway = TestGateway::start(&config(&upstream, &keys.table())).await;
        for _ in 0..30 {
            assert_eq!(gateway.ask("chat", "hi").await.text(), "fine");
        }
        assert_eq!((sent_with(&upstream, "sk-bad"), sent_with(&upstream, "sk-good")), (1, 30), "{refusal:?}");
        let audit = serde_json::to_string(&gateway.audit().await).unwrap();
        assert!(!audit.contains("sk-"), "{audit}");
    }
}

/// The account has no such model: that is no fault of the key.
#[tokio::test]
async fn a_model_that_a_key_may_not_use_is_not_found() {
    let refusal = r#"{"error":{"message":"Project x does not have access to model","code":"model_not_found"}}"#;
    let (upstream, keys) = (Upstream::start(Reply::Status(403, refusal)).await, Keys::new());
    let gateway = TestGateway::start(&config(&upstream, &keys.table())).await;
    for number in 1..=2 {
        let answer = gateway.ask("chat", "hi").await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "model_not_found"));
        assert_eq!(upstream.received().len(), number, "no other key is tried, and none rests");
    }
}

#[tokio::test]
async fn where_no_key_is_taken_the_last_answer_counts() {
    let (upstream, keys) = (Upstream::start(Reply::Status(401, "{}")).await, Keys::new());
    let gateway = TestGateway::start(&config(&upstream, &keys.table())).await;
    let answer = gateway.ask("chat", "hi").await;
    assert_eq!((answer.status, answer.code().as_str()), (502, "provider_auth_failed"));
    assert_eq!(upstream.received().len(), 2);
}

#[tokio::test]
async fn batch_jobs_leave_the_reserve_to_production() {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let limits = "limits = { requests_per_minute = 10, reserve_prod = 0.3 }";
    let gateway = TestGateway::start(&config(&upstream, limits)).await;
    let made = json!({ "name": "support", "tenant": "bank", "environment": "prod" }).to_string();
    let prod = gateway.send("POST", "/admin/v1/keys", &gateway.admin_key, made).await;
    let prod = prod.json()["key"].as_str().unwrap().to_owned();
    for _ in 0..7 {
        assert_eq!(gateway.ask("chat", "hi").await.status, 200);
    }
    let full = gateway.ask("chat", "hi").await;
    assert_eq!((full.status, full.code().as_str()), (429, "provider_ceiling"));
    assert!((1..=60).contains(&full.header("retry-after").parse::<u64>().unwrap()), "{full:?}");
    let body = json!({ "model": "chat", "messages": [{ "role": "user", "content": "hi" }] });
    for _ in 0..3 {
        assert_eq!(gateway.chat_as(&prod, &body).await.status, 200);
    }
    assert_eq!(gateway.chat_as(&prod, &body).await.code(), "provider_ceiling");
    assert_eq!(upstream.received().len(), 10);
}

#[tokio::test]
async fn at_the_ceiling_the_next_target_answers() {
    let (one, two) = (Upstream::start(Reply::Text("one")).await, Upstream::start(Reply::Text("two")).await);
    let text = config(&one, "limits = { requests_per_minute = 1 }");
    let second = format!(
        "[[providers]]\nname = \"two\"\nkind = \"openai-compatible\"\nbase_url = \"{}\"\n[[routes]]",
        two.base_url
    );
    let text = text.replace("[[routes]]", &second) + "fallback = [{ provider = \"two\", model = \"m\" }]\n";
    let gateway = TestGateway::start(&text).await;
    assert_eq!(gateway.ask("chat", "hi").await.text(), "one");
    let answer = gateway.ask("chat", "hi").await;
    assert_eq!((answer.text().as_str(), answer.header("x-shekara-reason")), ("two", "overflow"));
    assert_eq!(one.received().len(), 1);
}

#[tokio::test]
async fn a_place_is_free_again_when_the_answer_has_ended() {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let gateway = TestGateway::start(&config(&upstream, "limits = { in_flight = 1 }")).await;
    for _ in 0..3 {
        assert_eq!(gateway.ask("chat", "hi").await.status, 200);
        assert_eq!(gateway.ask_streamed("chat", "hi").await.status, 200);
    }
}
