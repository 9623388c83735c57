//! What providers report is what the ledger has and the report says, to the token: with faults, and over kills of the
//! program itself.

mod killed;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use shekara_gateway::billing::UsageSource;
use shekara_gateway::ledger::rows_of;

use crate::gateway::{TestGateway, border};
use crate::upstream::{Reply, Upstream};

const PRICES: &str = "[billing.exchange]\nsource = \"fixed\"\nrate = \"512.3456\"\n\
                      [[billing.prices]]\nprovider = \"cloud\"\nmodel = \"big\"\nprompt_per_million = \"2.5\"\ncompletion_per_million = \"10\"\n\
                      [[billing.local]]\nmodel = \"small\"\nprompt_tenge_per_thousand = \"0.3\"\ncompletion_tenge_per_thousand = \"0.7\"\n";

/// Tokens that a provider has said were used.
#[derive(Debug, Default)]
struct Reported {
    prompt: AtomicU64,
    completion: AtomicU64,
    answers: AtomicU64,
}

impl Reported {
    fn add(&self, prompt: u64, completion: u64) {
        self.prompt.fetch_add(prompt, Ordering::SeqCst);
        self.completion.fetch_add(completion, Ordering::SeqCst);
        self.answers.fetch_add(1, Ordering::SeqCst);
    }

    fn all(&self) -> [u64; 3] {
        [&self.answers, &self.prompt, &self.completion].map(|count| count.load(Ordering::SeqCst))
    }
}

/// Answers as the question's number says: mostly well, with usage of its own; `faults` of ten fail in some way.
fn provider(reported: &Arc<Reported>, faults: u64) -> Reply {
    let reported = Arc::clone(reported);
    Reply::By(Arc::new(move |body| {
        let body: Value = serde_json::from_str(body).unwrap();
        let text = body["messages"][0]["content"].as_str().unwrap_or_default();
        let number: u64 = text.trim_start_matches("question ").parse().unwrap_or(0);
        let (prompt, completion) = (number * 7 + 1, number % 13 + 1);
        match number % 10 {
            fault if fault < faults => match number / 10 % 3 {
                0 => Reply::Status(500, "{}"),
                1 => Reply::Json("{\"choices\":[]}"),
                _ => Reply::Status(429, "{\"error\":{\"code\":\"rate_limit_exceeded\"}}"),
            },
            _ if body["stream"] == true => {
                reported.add(prompt, completion);
                let events = format!(
                    "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"fine\"}},\"finish_reason\":\"stop\"}}]}}\n\n\
                     data: {{\"choices\":[],\"usage\":{{\"prompt_tokens\":{prompt},\"completion_tokens\":{completion}}}}}\n\n\
                     data: [DONE]\n\n"
                );
                Reply::Events(events.leak())
            }
            _ => {
                reported.add(prompt, completion);
                let answer = json!({
                    "choices": [{ "index": 0, "message": { "role": "assistant", "content": "fine" }, "finish_reason": "stop" }],
                    "usage": { "prompt_tokens": prompt, "completion_tokens": completion },
                });
                Reply::Json(answer.to_string().leak())
            }
        }
    }))
}

fn question(number: u64) -> Value {
    let messages = json!([{ "role": "user", "content": format!("question {number}") }]);
    json!({ "model": "chat", "stream": number.is_multiple_of(3), "messages": messages })
}

#[tokio::test]
async fn what_providers_report_is_what_is_billed() {
    let (out, own) = (Arc::<Reported>::default(), Arc::<Reported>::default());
    let cloud = Upstream::start(provider(&out, 4)).await;
    let home = Upstream::start(provider(&own, 1)).await;
    let rest = format!("fallback = [{{ provider = \"home\", model = \"small\" }}]\n{PRICES}");
    let gateway = TestGateway::start(&border(&cloud.base_url, &home.base_url, &rest)).await;
    let own_gateway = &gateway;
    let asks = (0..300).map(|number| async move { own_gateway.chat(question(number)).await.status });
    let _: Vec<u16> = futures_util::stream::iter(asks).buffer_unordered(16).collect().await;
    let records = gateway.audit().await;
    let rows: Vec<_> = records.iter().flat_map(rows_of).collect();
    for (provider, reported) in [("cloud", &out), ("home", &own)] {
        let told = rows.iter().filter(|row| row.provider == provider && row.usage_source == UsageSource::Provider);
        let told: Vec<_> = told.collect();
        let sum = |count: &dyn Fn(&shekara_gateway::billing::Usage) -> Option<u64>| -> u64 {
            told.iter().filter_map(|row| count(&row.usage)).sum()
        };
        let billed = [told.len() as u64, sum(&|usage| usage.prompt_tokens), sum(&|usage| usage.completion_tokens)];
        assert_eq!(billed, reported.all(), "{provider}");
    }
    let tiyn: i64 = rows.iter().map(|row| row.charge.as_ref().unwrap().tenge.tiyn()).sum();
    let report = gateway.send("GET", "/admin/v1/usage?by=provider,kind", &gateway.admin_key, "").await.json();
    assert_eq!(report["total"]["cost_kzt"], format!("{}.{:02}", tiyn / 100, tiyn % 100));
    assert_eq!(report["total"]["attempts"], rows.len());
    let all = out.all()[1] + own.all()[1];
    assert_eq!(report["total"]["prompt_tokens"], all, "{report}");
    // Carried over once more, nothing is doubled.
    gateway.audit().await;
    let again = gateway.send("GET", "/admin/v1/usage?by=provider,kind", &gateway.admin_key, "").await.json();
    assert_eq!(again["total"], report["total"]);
}
