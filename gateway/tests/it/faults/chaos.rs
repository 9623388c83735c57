//! Ten thousand requests, of which three in ten meet one of the faults of the table, many at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use futures_util::StreamExt;
use futures_util::stream;
use jiff::Timestamp;
use serde_json::Value;
use shekara_gateway::audit::{AuditRecord, Outcome, TryResult};
use shekara_gateway::pipeline::Sources;

use super::matrix::{config, request};
use super::table::{Fault, Follows, Mode, cases};
use crate::gateway::{Answer, Faults, TestGateway};
use crate::upstream::{Reply, Upstream};

const REQUESTS: u64 = 10_000;
const AT_ONCE: usize = 32;

/// What one request is to meet, told from its number.
#[derive(Clone, Copy)]
struct Lot {
    mode: Mode,
    /// In the table of its mode; `None` meets nothing.
    case: Option<usize>,
}

/// The same numbers give the same lots.
fn lot(number: u64, sizes: &HashMap<&'static str, usize>) -> Lot {
    let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mode = [Mode::Plain, Mode::Stream, Mode::Tools][(mixed >> 60) as usize % 3];
    let fails = (mixed >> 32) % 10 < 3;
    let case = fails.then(|| (mixed >> 8) as usize % sizes[name(mode)]);
    Lot { mode, case }
}

fn name(mode: Mode) -> &'static str {
    match mode {
        Mode::Plain => "plain",
        Mode::Stream => "stream",
        Mode::Tools => "tools",
    }
}

/// What the first target can do to one request of many: addresses are the same for all.
fn replies(mode: Mode) -> Vec<(Reply, Follows)> {
    let reply = |fault: Fault| if let Fault::Reply(reply) = fault { Some(reply) } else { None };
    cases(mode).into_iter().filter_map(|case| Some((reply(case.fault)?, case.follows))).collect()
}

fn good(mode: Mode) -> Reply {
    if mode == Mode::Tools { Reply::Call } else { Reply::Text("second answers") }
}

fn number_of(body: &str) -> u64 {
    let (_, rest) = body.split_once("request number ").unwrap();
    rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

struct Chaos {
    tables: HashMap<&'static str, Vec<(Reply, Follows)>>,
    sizes: HashMap<&'static str, usize>,
}

impl Chaos {
    fn new() -> Self {
        let modes = [Mode::Plain, Mode::Stream, Mode::Tools];
        let tables: HashMap<_, _> = modes.into_iter().map(|mode| (name(mode), replies(mode))).collect();
        let sizes = tables.iter().map(|(name, table)| (*name, table.len())).collect();
        Self { tables, sizes }
    }

    fn lot(&self, number: u64) -> Lot {
        lot(number, &self.sizes)
    }

    fn reply(&self, number: u64) -> Reply {
        let Lot { mode, case } = self.lot(number);
        case.map_or_else(|| good(mode), |case| self.tables[name(mode)][case].0.clone())
    }

    fn follows(&self, number: u64) -> Follows {
        let Lot { mode, case } = self.lot(number);
        case.map_or(Follows::Answer, |case| self.tables[name(mode)][case].1)
    }
}

async fn ask(gateway: &TestGateway, chaos: &Chaos, number: u64) -> (u64, Answer) {
    let mut body = request(chaos.lot(number).mode);
    body["messages"][0]["content"] = Value::from(format!("request number {number} of many"));
    (number, gateway.chat(body).await)
}

/// Runs all requests and gives their answers and records, both by number.
async fn run(requests: u64, sources: Option<Sources>) -> (Arc<Chaos>, Vec<(Answer, AuditRecord)>, Vec<usize>) {
    let chaos = Arc::new(Chaos::new());
    let own = Arc::clone(&chaos);
    let first = Upstream::start(Reply::By(Arc::new(move |body| own.reply(number_of(body))))).await;
    let own = Arc::clone(&chaos);
    let second = Upstream::start(Reply::By(Arc::new(move |body| good(own.lot(number_of(body)).mode)))).await;
    let config = config(&first.base_url, Some(&second.base_url));
    let gateway = TestGateway::start_faulty(&config, Faults { sources, ..Faults::default() }).await;
    let mut answers: Vec<(u64, Answer)> =
        stream::iter(0..requests).map(|number| ask(&gateway, &chaos, number)).buffer_unordered(AT_ONCE).collect().await;
    answers.sort_by_key(|(number, _)| *number);
    let records = gateway.audit().await;
    assert_eq!(records.len() as u64, requests, "one record for each request");
    let mut by_id: HashMap<String, AuditRecord> =
        records.into_iter().map(|record| (record.request_id.clone(), record)).collect();
    let both = answers.into_iter().map(|(_, answer)| {
        let record = by_id.remove(answer.header("x-request-id")).unwrap();
        (answer, record)
    });
    let both: Vec<_> = both.collect();
    let mut calls = vec![0; usize::try_from(requests).unwrap()];
    for body in first.take_received().into_iter().chain(second.take_received()) {
        calls[usize::try_from(number_of(&body)).unwrap()] += 1;
    }
    (chaos, both, calls)
}

/// What must hold of every request, whatever it met.
fn check(number: u64, follows: Follows, (answer, record): &(Answer, AuditRecord), calls: usize) {
    let label = format!("request {number}: {:?} {}", record.tries, answer.body);
    assert_eq!(calls, record.tries.len(), "{label}");
    let answered = record.tries.iter().filter(|attempt| attempt.result == TryResult::Answered).count();
    let met_first = record.tries[0].provider == "first";
    match follows {
        Follows::Refusal { status, code, .. } if met_first => {
            assert_eq!((answer.status, answer.code().as_str(), answered), (status, code, 0), "{label}");
        }
        Follows::Broken { code } if met_first => {
            assert_eq!((answer.status, record.error_code.as_deref(), answered), (200, Some(code), 0), "{label}");
            assert!(answer.body.contains("event: error") && answer.body.ends_with("data: [DONE]\n\n"), "{label}");
        }
        _ => {
            assert_eq!((answer.status, record.outcome, answered), (200, Outcome::Completed, 1), "{label}");
            assert!(!answer.body.contains("\"error\""), "{label}");
            // Usage is that of the one answer, neither lost nor doubled.
            let is_garbled = matches!(follows, Follows::Answer) && record.completion_tokens == Some(1);
            assert!(is_garbled || (record.prompt_tokens, record.completion_tokens) == (Some(7), Some(2)), "{label}");
            let ids = answer.body.matches("\"id\":\"c1\"").count() + answer.body.matches("\"id\":\"c9\"").count();
            assert!(ids <= 1, "a tool is called once: {label}");
        }
    }
}

/// A clock on which every rest is over before the next request.
fn leaping() -> Sources {
    let hours = Arc::new(AtomicI64::new(0));
    let now = move || Timestamp::from_second(1_700_000_000 + hours.fetch_add(25, Ordering::Relaxed) * 3_600).unwrap();
    let system = Sources::system();
    Sources::new(now, move |bytes| {
        for chunk in bytes.chunks_mut(16) {
            chunk.copy_from_slice(&system.random::<16>()[..chunk.len()]);
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_fails_in_every_way_is_noticed_only_where_the_table_says_so() {
    let (chaos, both, calls) = run(REQUESTS, Some(leaping())).await;
    let (mut met, mut failed) = (0, 0);
    for (number, seen) in both.iter().enumerate() {
        let follows = chaos.follows(number as u64);
        check(number as u64, follows, seen, calls[number]);
        let met_first = seen.1.tries[0].provider == "first";
        met += usize::from(met_first);
        failed += usize::from(met_first && chaos.lot(number as u64).case.is_some());
    }
    // Two that look at the clock at once may find the other's rest still under way.
    assert!(met > both.len() * 95 / 100, "{met}");
    assert!((2_600..3_300).contains(&failed), "{failed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_breaker_that_opens_no_client_sees_more() {
    let (chaos, both, calls) = run(REQUESTS / 5, None).await;
    for (number, seen) in both.iter().enumerate() {
        check(number as u64, chaos.follows(number as u64), seen, calls[number]);
    }
    assert!(both.iter().any(|(answer, _)| answer.header("x-shekara-provider") == "second"));
}
