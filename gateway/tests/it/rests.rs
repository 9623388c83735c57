//! What one of several gateways learns of a deployment, the others need not find out: exact numbers of upstream calls, with
//! Redis there, away, empty, or full of what no gateway wrote.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use crate::gateway::{Answer, Place, TestGateway};
use crate::redis_server::RedisServer;
use crate::upstream::{Reply, Upstream};

/// Longer than anything takes here.
const BOUND: Duration = Duration::from_secs(20);
/// Far less than a second, with room for a machine that is busy.
const SOON: Duration = Duration::from_secs(5);

struct Cluster {
    redis: RedisServer,
    first: Upstream,
    second: Upstream,
    clock: Arc<AtomicI64>,
    gateways: Vec<TestGateway>,
}

impl Cluster {
    async fn start(first: Reply, num_gateways: usize) -> Self {
        let (first, second) = (Upstream::start(first).await, Upstream::start(Reply::Text("second")).await);
        let mut cluster =
            Self { redis: RedisServer::start().await, first, second, clock: Arc::default(), gateways: Vec::new() };
        for _ in 0..num_gateways {
            cluster.join("").await;
        }
        cluster
    }

    fn config(&self, rest: &str) -> String {
        let (one, two) = (&self.first.base_url, &self.second.base_url);
        format!(
            "[local]\nenabled = false\n\
             [cluster]\nredis = \"file:{}\"\ntimeout_ms = 5000\nwhen_away = \"local\"\ngateways = 3\n\
             [[providers]]\nname = \"first\"\nkind = \"openai-compatible\"\nbase_url = \"{one}\"\n\
             [[providers]]\nname = \"second\"\nkind = \"openai-compatible\"\nbase_url = \"{two}\"\n\
             [[routes]]\nmodel = \"chat\"\ntargets = [{{ provider = \"first\", model = \"a\" }}]\n\
             fallback = [{{ provider = \"second\", model = \"b\" }}]\n{rest}\n",
            self.redis.url_file()
        )
    }

    /// One gateway more.
    async fn join(&mut self, rest: &str) {
        self.join_with(&self.config(rest)).await;
    }

    async fn join_with(&mut self, config: &str) {
        let place = Place { clock: Arc::clone(&self.clock), ..Place::default() };
        self.gateways.push(TestGateway::start_at(config, place).await);
    }

    async fn ask(&self, at: usize) -> Answer {
        let answer = self.gateways[at].ask("chat", "hi").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer
    }

    fn first_calls(&self) -> usize {
        self.first.received().len()
    }

    fn pass(&self, milliseconds: i64) {
        self.clock.fetch_add(milliseconds, Ordering::SeqCst);
    }

    async fn rests(&self, at: usize) -> bool {
        metric(&self.gateways[at], "shekara_resting{provider=\"first\",model=\"a\"} 1").await
    }

    /// Waits until all of them pass over the first target, or none does.
    async fn until_all(&self, rests: bool) {
        let begun = Instant::now();
        for at in 0..self.gateways.len() {
            while self.rests(at).await != rests {
                assert!(begun.elapsed() < BOUND, "gateway {at} never heard of it");
                tokio::task::yield_now().await;
            }
        }
    }
}

async fn metric(gateway: &TestGateway, line: &str) -> bool {
    let text = gateway.client.get(format!("{}/metrics", gateway.url)).send().await.unwrap().text().await.unwrap();
    text.lines().any(|own| own.starts_with(line))
}

fn alert_line(event: &str) -> String {
    format!("shekara_alerts_total{{event=\"{event}\"}} 1")
}

#[tokio::test]
async fn what_one_found_out_the_others_need_not() {
    let cluster = Cluster::start(Reply::Status(500, "{}"), 3).await;
    let begun = Instant::now();
    assert_eq!(cluster.ask(0).await.header("x-shekara-reason"), "fallback:5xx");
    assert_eq!(cluster.ask(0).await.header("x-shekara-reason"), "fallback:5xx");
    cluster.until_all(true).await;
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    for at in [1, 2, 0, 1, 2] {
        let answer = cluster.ask(at).await;
        assert_eq!((answer.header("x-shekara-reason"), answer.header("x-shekara-attempts")), ("breaker", "1"));
    }
    assert_eq!((cluster.first_calls(), cluster.second.received().len()), (2, 7));
    // It is told by who found out, and by nobody else.
    let mut told = Vec::new();
    for gateway in &cluster.gateways {
        told.push(metric(gateway, &alert_line("breaker_opened")).await);
    }
    assert_eq!(told, [true, false, false]);
}

#[tokio::test]
async fn that_it_answers_again_is_known_to_all() {
    let cluster = Cluster::start(Reply::Status(500, "{}"), 3).await;
    cluster.ask(0).await;
    cluster.ask(0).await;
    cluster.until_all(true).await;
    cluster.first.set(Reply::Text("first"));
    cluster.pass(11_000);
    // Who told of it tries at once.
    assert_eq!(cluster.ask(0).await.text(), "first");
    let begun = Instant::now();
    for at in [1, 2] {
        while cluster.ask(at).await.text() != "first" {
            assert!(begun.elapsed() < BOUND, "gateway {at} never heard of it");
        }
    }
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    // A further failure is one in a row, and not the third.
    cluster.first.set(Reply::Status(500, "{}"));
    let calls = cluster.first_calls();
    for at in 0..3 {
        assert_eq!(cluster.ask(at).await.header("x-shekara-reason"), "fallback:5xx");
    }
    assert_eq!(cluster.first_calls(), calls + 3);
    let mut told = 0;
    for gateway in &cluster.gateways {
        told += usize::from(metric(gateway, &alert_line("breaker_closed")).await);
    }
    assert_eq!(told, 1);
}

#[tokio::test]
async fn one_gateway_tries_and_the_others_wait_for_it() {
    let cluster = Cluster::start(Reply::Status(500, "{}"), 3).await;
    cluster.ask(0).await;
    cluster.ask(0).await;
    cluster.until_all(true).await;
    cluster.pass(11_000);
    cluster.until_all(false).await;
    cluster.first.set(Reply::Held("first"));
    // The one that told of it has nothing to ask: one of the others tries, when it may.
    let began = Instant::now();
    let (gateways, first) = (&cluster.gateways, &cluster.first);
    let asks = |at: usize| async move {
        let mut answers = Vec::new();
        while first.received().len() < 3 {
            assert!(began.elapsed() < BOUND, "nobody tried");
            answers.push(gateways[at].ask("chat", "hi").await.text());
        }
        // The others go on, elsewhere.
        for _ in 0..20 {
            if answers.last().is_some_and(|answer| answer == "first") {
                break;
            }
            answers.push(gateways[at].ask("chat", "hi").await.text());
        }
        first.release();
        answers
    };
    let (one, two) = futures_util::future::join(asks(1), asks(2)).await;
    let tried = one.iter().chain(&two).filter(|answer| *answer == "first").count();
    assert_eq!((tried, cluster.first_calls()), (1, 3), "{one:?} {two:?}");
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

#[tokio::test]
async fn who_asked_for_a_pause_gets_it_from_all() {
    let limited = Reply::Headed(429, &[("retry-after", "7")], "{}");
    let cluster = Cluster::start(limited, 3).await;
    assert_eq!(cluster.ask(1).await.header("x-shekara-reason"), "fallback:rate_limit");
    cluster.until_all(true).await;
    for at in 0..3 {
        assert_eq!(cluster.ask(at).await.header("x-shekara-reason"), "fallback:rate_limit");
    }
    assert_eq!(cluster.first_calls(), 1);
    let quota = r#"{"error":{"message":"m","code":"insufficient_quota"}}"#;
    cluster.first.set(Reply::Status(429, quota));
    cluster.pass(8_000);
    assert_eq!(cluster.ask(1).await.header("x-shekara-reason"), "fallback:quota");
    let begun = Instant::now();
    for at in [0, 2] {
        while cluster.ask(at).await.header("x-shekara-reason") != "fallback:quota" {
            assert!(begun.elapsed() < BOUND);
        }
    }
    cluster.pass(500_000);
    for at in 0..3 {
        assert_eq!(cluster.ask(at).await.header("x-shekara-reason"), "fallback:quota");
    }
    assert_eq!(cluster.first_calls(), 2);
}

#[tokio::test]
async fn a_gateway_that_starts_later_knows_before_its_first_request() {
    let mut cluster = Cluster::start(Reply::Status(500, "{}"), 2).await;
    cluster.ask(0).await;
    cluster.ask(0).await;
    cluster.until_all(true).await;
    cluster.join("").await;
    assert_eq!(cluster.ask(2).await.header("x-shekara-reason"), "breaker");
    assert_eq!(cluster.first_calls(), 2);
}

#[tokio::test]
async fn without_redis_each_remembers_for_itself_and_tells_when_it_is_back() {
    let mut cluster = Cluster::start(Reply::Status(500, "{}"), 3).await;
    cluster.redis.stop();
    for at in [0, 0, 1, 1] {
        assert_eq!(cluster.ask(at).await.header("x-shekara-reason"), "fallback:5xx");
    }
    for at in [0, 1] {
        assert_eq!(cluster.ask(at).await.header("x-shekara-reason"), "breaker");
    }
    assert_eq!(cluster.first_calls(), 4);
    assert!(!cluster.rests(2).await);
    // Empty as it is, it is told what they know.
    cluster.redis.start_again().await;
    cluster.until_all(true).await;
    assert_eq!(cluster.ask(2).await.header("x-shekara-reason"), "breaker");
    // What is known stays known where it forgets again, and is told to who comes then.
    cluster.redis.stop();
    assert_eq!(cluster.ask(2).await.header("x-shekara-reason"), "breaker");
    cluster.redis.start_again().await;
    let begun = Instant::now();
    while cluster.redis.run::<Vec<String>>(&["KEYS", "*:rests:*"]).await.is_empty() {
        assert!(begun.elapsed() < BOUND);
        tokio::task::yield_now().await;
    }
    cluster.join("").await;
    cluster.until_all(true).await;
    assert_eq!(cluster.ask(3).await.header("x-shekara-reason"), "breaker");
    assert_eq!(cluster.first_calls(), 4);
}

#[tokio::test]
async fn what_no_gateway_wrote_is_ignored() {
    let mut cluster = Cluster::start(Reply::Status(500, "{}"), 2).await;
    cluster.ask(0).await;
    cluster.ask(0).await;
    cluster.until_all(true).await;
    let names: Vec<String> = cluster.redis.run(&["KEYS", "*:rests:*"]).await;
    let index = names.iter().find(|name| name.ends_with("index")).unwrap().clone();
    let entry = names.iter().find(|name| !name.ends_with("index")).unwrap().clone();
    // One entry after the other is nonsense: a gateway that comes then knows nothing, and works.
    for garbage in ["", "nonsense", "1 a b 5 5xx 1 99999999999999999999999999 1 1 1 1", "\u{1}\u{2}\u{fffd}"] {
        let () = cluster.redis.run(&["SET", &entry, garbage]).await;
        let name = entry.rsplit(':').next().unwrap();
        let () = cluster.redis.run(&["ZADD", &index, "16", name, "17", "not a name", "18", "0123456789abcdef"]).await;
        cluster.join("").await;
        let last = cluster.gateways.len() - 1;
        assert!(!cluster.rests(last).await, "{garbage:?}");
        assert_eq!(cluster.ask(last).await.text(), "second");
    }
    let () = cluster.redis.run(&["DEL", &entry]).await;
    let () = cluster.redis.run(&["HSET", &entry, "a", "b"]).await;
    cluster.join("").await;
    for nonsense in [["SET", &index, "x"], ["SADD", &index, "x"]] {
        let () = cluster.redis.run(&["DEL", &index]).await;
        let _: redis::Value = cluster.redis.run(&nonsense).await;
        cluster.join("").await;
    }
    let _: redis::Value = cluster.redis.run(&["DEL", &index]).await;
    let _: redis::Value = cluster.redis.run(&["ZADD", &index, "inf", "ab", "1e300", "cd"]).await;
    // Those that are there still tell each other.
    let last = cluster.gateways.len() - 1;
    let calls = cluster.first_calls();
    cluster.ask(last).await;
    cluster.ask(last).await;
    cluster.until_all(true).await;
    for at in 0..=last {
        cluster.ask(at).await;
    }
    assert_eq!(cluster.first_calls(), calls + 2);
}

#[tokio::test]
async fn the_same_name_at_another_address_is_another_deployment() {
    let mut cluster = Cluster::start(Reply::Status(500, "{}"), 2).await;
    let other = Upstream::start(Reply::Text("other")).await;
    let config = cluster.config("").replace(&cluster.first.base_url, &other.base_url);
    cluster.join_with(&config).await;
    // And one that does not know the first at all.
    let unknown = cluster.config("").replace("name = \"first\"", "name = \"uno\"").replace("\"first\"", "\"uno\"");
    cluster.join_with(&unknown).await;
    cluster.ask(0).await;
    cluster.ask(0).await;
    while !cluster.rests(1).await {
        tokio::task::yield_now().await;
    }
    // What the second has heard, these two would have heard as well.
    for _ in 0..5 {
        assert_eq!(cluster.ask(2).await.text(), "other");
    }
    assert_eq!(cluster.first_calls(), 2);
    assert_eq!(cluster.ask(3).await.header("x-shekara-reason"), "fallback:5xx");
    assert_eq!(cluster.first_calls(), 3);
}

#[tokio::test]
async fn names_and_numbers_go_to_redis_and_nothing_that_a_caller_wrote() {
    let cluster = Cluster::start(Reply::Status(500, "{}"), 2).await;
    for _ in 0..2 {
        cluster.gateways[0].ask("chat", "a word of the prompt").await;
        // A model that only the caller names.
        cluster.gateways[0].ask("first/words-of-a-caller", "a word of the prompt").await;
    }
    cluster.until_all(true).await;
    let names: Vec<String> = cluster.redis.run(&["KEYS", "*:rests:*"]).await;
    assert_eq!(names.len(), 2, "{names:?}");
    for name in names.iter().filter(|name| !name.ends_with("index")) {
        let value: String = cluster.redis.run(&["GET", name]).await;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == ' ' || c == '_';
        assert!(value.chars().all(is_plain) && value.contains("5xx"), "{value}");
        assert!(!value.contains("caller") && !name.contains("caller"), "{name}: {value}");
        let ttl_ms: i64 = cluster.redis.run(&["PTTL", name]).await;
        assert!(ttl_ms > 0, "it is never forgotten");
    }
}
