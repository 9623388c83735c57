//! The program itself, killed at random points while providers answer and fail: what they report is what the ledger has, the
//! report says and the invoices ask for, call by call; what nobody heard the end of is there once, marked and bounded.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use shekara_gateway::audit::{Outcome, TryResult};
use shekara_gateway::billing::UsageSource;
use shekara_gateway::config::Database;
use shekara_gateway::egress::install_tls;
use shekara_gateway::ledger::{LedgerRow, rows_of};
use shekara_gateway::store::InvoiceFilter;
use tempfile::TempDir;
use tokio::sync::Notify;

use super::PRICES;
use crate::command::shekara;
use crate::gateway::{Place, TestGateway, border};
use crate::served::Served;
use crate::upstream::{Reply, Then, Upstream};

const LIVES: u64 = 6;
const QUESTIONS_A_LIFE: u64 = 60;
const AT_ONCE: usize = 8;
/// No prompt of these is estimated higher.
const MOST_PROMPT_TOKENS: u64 = 64;
const SUPPLIER: &str = "[billing.supplier]\nname = \"ТОО «Шекара»\"\nbin = \"180140000008\"\naddress = \"г. Астана\"\n\
    bank = { name = \"АО «Банк»\", iik = \"KZ86125KZT5004100100\", bic = \"HSBKKZKX\" }\n\
    signer = { position = \"Директор\", name = \"Әбдірахманова Г. Қ.\" }\nvat = \"16\"\n";
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// What a provider has said was used for a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    question: u64,
    prompt: u64,
    completion: u64,
}

/// Both providers: what they have said, and at which call the gateway dies.
#[derive(Default)]
struct Providers {
    said: Mutex<BTreeSet<(&'static str, Said)>>,
    calls: AtomicU64,
    last_call: AtomicU64,
    reached: Notify,
}

impl Providers {
    fn answers(self: &Arc<Self>, name: &'static str, faults: u64) -> Reply {
        let own = Arc::clone(self);
        Reply::By(Arc::new(move |body| own.answer(name, faults, body)))
    }

    /// As the question's number says; `faults` of ten fail in some way.
    fn answer(&self, name: &'static str, faults: u64, body: &str) -> Reply {
        let body: Value = serde_json::from_str(body).unwrap();
        let text = body["messages"][0]["content"].as_str().unwrap();
        let question: u64 = text.rsplit(' ').next().unwrap().parse().unwrap();
        let (is_streamed, call) = (body["stream"] == true, self.calls.fetch_add(1, Ordering::SeqCst) + 1);
        if call == self.last_call.load(Ordering::SeqCst) {
            self.reached.notify_one();
            match question % 3 {
                0 if is_streamed => return Reply::Part("text/event-stream", BEGUN, Then::Stall),
                1 => return Reply::Silence,
                _ => {}
            }
        }
        match question % 10 {
            fault if fault < faults => match question / 10 % 3 {
                0 => Reply::Status(500, "{}"),
                1 => Reply::Json("{\"choices\":[]}"),
                _ => Reply::Status(429, "{\"error\":{\"code\":\"rate_limit_exceeded\"}}"),
            },
            _ => {
                let said = Said { question, prompt: question * 7 + 1, completion: question % 13 + 1 };
                assert!(self.said.lock().unwrap().insert((name, said)), "{name} was asked twice for what it answered");
                answered(said, is_streamed)
            }
        }
    }

    /// The next life ends at this call, counted from now.
    fn die_at(&self, call: u64) {
        self.last_call.store(self.calls.load(Ordering::SeqCst) + call, Ordering::SeqCst);
    }
}

const BEGUN: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"fi\"}}]}\n\n";

fn answered(Said { prompt, completion, .. }: Said, is_streamed: bool) -> Reply {
    let usage = json!({ "prompt_tokens": prompt, "completion_tokens": completion });
    if is_streamed {
        let last = json!({ "choices": [{ "index": 0, "delta": { "content": "ne" }, "finish_reason": "stop" }] });
        let counted = json!({ "choices": [], "usage": usage });
        return Reply::Events(format!("{BEGUN}data: {last}\n\ndata: {counted}\n\ndata: [DONE]\n\n").leak());
    }
    let message = json!({ "role": "assistant", "content": "fine" });
    let choice = json!({ "index": 0, "message": message, "finish_reason": "stop" });
    Reply::Json(json!({ "choices": [choice], "usage": usage }).to_string().leak())
}

/// Every fourth must stay inside.
fn question(number: u64) -> Value {
    let text = if number.is_multiple_of(4) { "ИИН 901123300258, question" } else { "question" };
    let messages = json!([{ "role": "user", "content": format!("{text} {number}") }]);
    json!({ "model": "chat", "stream": number.is_multiple_of(3), "messages": messages })
}

/// One life of the program: questions from `first` on, until it is killed. Gives those that were answered whole.
async fn live(config: &Path, key: &mut String, first: u64, providers: &Providers) -> BTreeSet<u64> {
    let mut served = Served::start(config);
    let url = served.next("Shekara listens on ");
    if key.is_empty() {
        *key = served.next("Application key (shown once):");
    }
    let client = reqwest::Client::new();
    let asks = (first..first + QUESTIONS_A_LIFE).map(|number| {
        let request = client.post(format!("{url}/v1/chat/completions")).bearer_auth(&*key);
        let request = request.body(question(number).to_string()).send();
        async move {
            let answer = request.await.ok()?;
            let (status, is_streamed) = (answer.status(), number.is_multiple_of(3));
            let text = answer.text().await.ok()?;
            // Whole, or not at all.
            (status == 200 && (!is_streamed || text.contains("[DONE]")) && !text.contains("\"error\""))
                .then_some(number)
        }
    });
    let mut asks = std::pin::pin!(futures_util::stream::iter(asks).buffer_unordered(AT_ONCE));
    let mut answered = BTreeSet::new();
    loop {
        tokio::select! {
            () = providers.reached.notified() => break,
            one = asks.next() => match one {
                Some(one) => answered.extend(one),
                None => break,
            },
        }
    }
    served.kill();
    while let Some(one) = asks.next().await {
        answered.extend(one);
    }
    answered
}

#[tokio::test]
async fn over_kills_what_providers_report_is_what_is_billed() {
    install_tls();
    let providers = Arc::<Providers>::default();
    let cloud = Upstream::start(providers.answers("cloud", 3)).await;
    let home = Upstream::start(providers.answers("home", 1)).await;
    let folder = tempfile::tempdir().unwrap();
    let rest = format!("fallback = [{{ provider = \"home\", model = \"small\" }}]\n{PRICES}{SUPPLIER}");
    let toml = border(&cloud.base_url, &home.base_url, &rest);
    let database = folder.path().join("shekara.db");
    let config = folder.path().join("shekara.toml");
    let own = format!("[server]\nlisten = \"127.0.0.1:0\"\n[store]\nurl = \"sqlite:{}\"\n", database.display());
    std::fs::write(&config, format!("{toml}{own}")).unwrap();
    let (mut key, mut answered) = (String::new(), BTreeSet::new());
    for life in 0..LIVES {
        let mut random = [0; 1];
        getrandom::fill(&mut random).unwrap();
        providers.die_at(u64::from(random[0]) % 50 + 1);
        answered.extend(live(&config, &mut key, life * QUESTIONS_A_LIFE, &providers).await);
    }
    let usage = ["--config", "shekara.toml", "usage", "--by", "usage_source", "--json"];
    let ended = shekara(folder.path(), "", &usage).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let forecast = shekara(folder.path(), "", &["--config", "shekara.toml", "usage", "forecast", "--json"]).await;
    let forecast: Value = serde_json::from_str(&forecast.stdout).unwrap_or_else(|_| panic!("{forecast:?}"));
    assert_eq!(forecast["spent_kzt"], report["total"]["cost_kzt"]);
    let gateway = Accounts::open(&toml, folder, database).await;
    let said = providers.said.lock().unwrap().clone();
    gateway.agree(said, &answered).await;
}

/// The next life, in this process, in which a month can pass.
struct Accounts {
    gateway: TestGateway,
    clock: Arc<AtomicI64>,
}

impl Accounts {
    async fn open(toml: &str, folder: TempDir, database: std::path::PathBuf) -> Self {
        let clock = Arc::new(AtomicI64::new(0));
        let (folder, database) = (Some(folder), Some(Database::Sqlite(database)));
        let place = Place { folder, database, clock: Arc::clone(&clock), ..Place::default() };
        Self { gateway: TestGateway::start_at(toml, place).await, clock }
    }

    async fn admin(&self, method: &str, path: &str, body: Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.gateway.send(method, &format!("/admin/v1/{path}"), &self.gateway.admin_key, body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    async fn agree(&self, mut said: BTreeSet<(&'static str, Said)>, answered: &BTreeSet<u64>) {
        let records = self.gateway.audit().await;
        assert!(records.iter().all(|record| record.outcome != Outcome::Dispatched), "something is still under way");
        let rows: Vec<LedgerRow> = records.iter().flat_map(rows_of).collect();
        let (told, estimated): (Vec<_>, Vec<_>) =
            rows.iter().partition(|row| row.usage_source == UsageSource::Provider);
        let mut billed = BTreeSet::new();
        for row in told {
            let (prompt, completion) = (row.usage.prompt_tokens.unwrap(), row.usage.completion_tokens.unwrap());
            let name = if row.provider == "cloud" { "cloud" } else { "home" };
            let own = Said { question: (prompt - 1) / 7, prompt, completion };
            assert!(said.remove(&(name, own)), "a row that nobody reported, or another time: {row:?}");
            billed.insert(own.question);
        }
        assert!(answered.is_subset(&billed), "answered and not billed: {:?}", answered.difference(&billed));
        // What a kill kept the gateway from reading: each has a row, which says so.
        let cut: Vec<_> = estimated.iter().filter(|row| row.error_type.as_deref() == Some("interrupted")).collect();
        assert!(said.len() <= cut.len(), "{said:?} have no row: {cut:?}");
        assert!(cut.len() as u64 <= LIVES * AT_ONCE as u64, "{} estimated", cut.len());
        for row in &estimated {
            assert!(row.usage.prompt_tokens.unwrap() <= MOST_PROMPT_TOKENS, "{row:?}");
            assert!(row.charge.as_ref().is_some_and(|charge| charge.tenge.tiyn() >= 0), "{row:?}");
        }
        assert!(cut.iter().all(|row| row.outcome == TryResult::Interrupted));
        let ids: BTreeSet<_> = rows.iter().map(|row| &row.id).collect();
        assert_eq!(ids.len(), rows.len(), "a row was doubled");
        self.report_and_invoices_say(&rows).await;
    }

    async fn report_and_invoices_say(&self, rows: &[LedgerRow]) {
        let sum = |one: &dyn Fn(&LedgerRow) -> Option<u64>| rows.iter().filter_map(one).sum::<u64>();
        let (prompt, completion) = (sum(&|row| row.usage.prompt_tokens), sum(&|row| row.usage.completion_tokens));
        let tiyn: i64 = rows.iter().map(|row| row.charge.as_ref().unwrap().tenge.tiyn()).sum();
        let report = self.admin("GET", "usage?by=month", Value::Null).await;
        assert_eq!(report["total"]["attempts"], rows.len());
        assert_eq!(
            (&report["total"]["prompt_tokens"], &report["total"]["completion_tokens"]),
            (&json!(prompt), &json!(completion))
        );
        assert_eq!(report["total"]["cost_kzt"], format!("{}.{:02}", tiyn / 100, tiyn % 100));
        let buyer = json!({ "name": "АО «Қазына»", "bin": "990440000385", "address": "г. Алматы" });
        self.admin("PATCH", "tenants/default", json!({ "settings": { "billing": buyer } })).await;
        // Two months, if one of them has just ended.
        self.clock.store(63 * DAY_MS, Ordering::SeqCst);
        self.gateway.audit().await;
        for month in report["data"].as_array().unwrap() {
            self.admin("POST", "invoices/close", json!({ "month": month["month"] })).await;
        }
        let store = self.gateway.shared_store();
        let (mut lines_tiyn, mut tokens, mut usage_tiyn) = (0, 0, 0);
        for invoice in store.invoices().invoices(InvoiceFilter::default()).await.unwrap() {
            lines_tiyn += invoice.lines.tiyn();
            for row in store.invoices().invoice_usage(invoice.number).await.unwrap() {
                (tokens, usage_tiyn) = (tokens + row.tokens, usage_tiyn + row.sum.tiyn());
            }
        }
        assert_eq!((lines_tiyn, usage_tiyn, tokens), (tiyn, tiyn, (prompt + completion).cast_signed()));
    }
}
