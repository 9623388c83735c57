//! What was used and what it cost: the same in an answer, in the ledger and in the report.

use serde_json::{Value, json};
use shekara_gateway::jobs::rates::refresh;

use crate::gateway::{TestGateway, border, one_provider};
use crate::upstream::{Reply, Then, Upstream};

const PRICES: &str = "[billing.exchange]\nsource = \"fixed\"\nrate = \"512.34\"\n\
                      [[billing.prices]]\nprovider = \"cloud\"\nmodel = \"big\"\nprompt_per_million = \"2.50\"\n\
                      cached_prompt_per_million = \"1.25\"\ncompletion_per_million = \"10\"\n\
                      [[billing.local]]\nmodel = \"small\"\nprompt_tenge_per_thousand = \"0.5\"\ncompletion_tenge_per_thousand = \"2\"\n";

fn answer(usage: &str) -> Reply {
    let body = format!(
        r#"{{"choices":[{{"index":0,"message":{{"role":"assistant","content":"fine"}},"finish_reason":"stop"}}],"usage":{usage}}}"#
    );
    Reply::Json(body.leak())
}

async fn usage(gateway: &TestGateway, query: &str) -> Value {
    gateway.audit().await;
    let report = gateway.send("GET", &format!("/admin/v1/usage?{query}"), &gateway.admin_key, "").await;
    assert_eq!(report.status, 200, "{}", report.body);
    report.json()
}

#[tokio::test]
async fn every_kind_of_token_has_its_price_and_local_models_theirs() {
    let cached = r#"{"prompt_tokens":1000,"completion_tokens":200,"prompt_tokens_details":{"cached_tokens":400},"completion_tokens_details":{"reasoning_tokens":150}}"#;
    let outside = Upstream::start(answer(cached)).await;
    let inside = Upstream::start(answer(r#"{"prompt_tokens":3000,"completion_tokens":500}"#)).await;
    let gateway = TestGateway::start(&border(&outside.base_url, &inside.base_url, PRICES)).await;
    for text in ["hi", "hi", "ИИН 901123300258"] {
        assert_eq!(gateway.ask("chat", text).await.status, 200);
    }
    let report = usage(&gateway, "by=zone,model").await;
    let forecast = gateway.send("GET", "/admin/v1/usage/forecast", &gateway.admin_key, "").await.json();
    assert_eq!(forecast["spent_kzt"], report["total"]["cost_kzt"]);
    let (out, own) = (&report["data"][0], &report["data"][1]);
    // 600 × 2.50 + 400 × 1.25 + 200 × 10 dollars a million: 0.004, twice; at 512.34, each rounded by itself.
    assert_eq!((&out["zone"], &out["model"], &out["requests"]), (&json!("external"), &json!("big"), &json!(2)));
    assert_eq!((&out["cost_usd"], &out["cost_kzt"]), (&json!("0.008"), &json!("4.10")));
    assert_eq!((&out["cached_prompt_tokens"], &out["reasoning_tokens"]), (&json!(800), &json!(300)));
    // 3 × 0.5 and 0.5 × 2 tenge.
    assert_eq!((&own["zone"], &own["cost_kzt"], &own["cost_usd"]), (&json!("local"), &json!("2.50"), &json!("0.00")));
    assert_eq!(report["total"]["cost_kzt"], "6.60");
    assert_eq!((&out["share_inside"], &own["share_inside"]), (&json!("0.000"), &json!("1.000")));
    let csv = gateway.send("GET", "/admin/v1/usage?by=zone&format=csv", &gateway.admin_key, "").await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert!(csv.body.starts_with("zone,requests,") && csv.body.contains("\r\nlocal,1,1,3000,"), "{}", csv.body);
    for bad in ["by=planet", "by=day,day", "from=yesterday", "format=xml", "unknown=1"] {
        let refused = gateway.send("GET", &format!("/admin/v1/usage?{bad}"), &gateway.admin_key, "").await;
        assert_eq!(refused.status, 400, "{bad}");
    }
    let other_days = usage(&gateway, "by=tenant&to=2020-01-01").await;
    assert_eq!(other_days["data"], json!([]));
}

#[tokio::test]
async fn a_stream_without_usage_and_a_fallback_are_told_apart() {
    let failing = Upstream::start(Reply::Status(500, "{}")).await;
    let backup = Upstream::start(Reply::Text("one two three")).await;
    let rest = format!("fallback = [{{ provider = \"home\", model = \"small\" }}]\n{PRICES}");
    let gateway = TestGateway::start(&border(&failing.base_url, &backup.base_url, &rest)).await;
    assert_eq!(gateway.ask("chat", "hi").await.status, 200);
    let report = usage(&gateway, "by=kind,usage_source,outcome").await;
    let rows = report["data"].as_array().unwrap();
    // The call that failed used nothing.
    assert_eq!(rows.len(), 1, "{report}");
    assert_eq!(rows[0]["kind"], "fallback");
    assert_eq!(rows[0]["further_tries_kzt"], rows[0]["cost_kzt"]);
}

#[tokio::test]
async fn dollars_wait_for_a_rate_and_rates_for_their_day_do_not_change() {
    let upstream = Upstream::start(answer(r#"{"prompt_tokens":1000000,"completion_tokens":0}"#)).await;
    let prices = "[billing.exchange]\nsource = \"imported\"\n[[billing.prices]]\nprovider = \"stub\"\nmodel = \"big\"\nprompt_per_million = \"1\"\n";
    let gateway = TestGateway::start(&one_provider(&upstream.base_url, prices)).await;
    assert_eq!(gateway.ask("chat", "hi").await.status, 200);
    let report = usage(&gateway, "by=model").await;
    assert_eq!((&report["data"][0]["unpriced_attempts"], &report["data"][0]["cost_kzt"]), (&json!(1), &json!("0.00")));
    let today = gateway.gateway.sources.now().to_string();
    let import = async |rate: &str| {
        let body = format!("date,currency,rate,quant\n{},USD,{rate},1\n", &today[..10]);
        gateway.send("POST", "/admin/v1/rates", &gateway.admin_key, body).await
    };
    assert_eq!(import("500.25").await.json(), json!({ "new": 1, "known": 0 }));
    assert_eq!(import("500.25").await.json(), json!({ "new": 0, "known": 1 }));
    let other = import("500.26").await;
    assert_eq!((other.status, other.code().as_str()), (409, "rate_known"));
    assert_eq!(gateway.send("POST", "/admin/v1/rates", &gateway.admin_key, "<html>").await.status, 400);
    assert_eq!(gateway.ask("chat", "hi").await.status, 200);
    let report = usage(&gateway, "by=model").await;
    assert_eq!((&report["data"][0]["cost_kzt"], &report["data"][0]["cost_usd"]), (&json!("500.25"), &json!("1.00")));
    let records = gateway.audit().await;
    let charge = records.iter().rev().flat_map(|record| &record.tries).find_map(|attempt| attempt.charge.clone());
    assert_eq!(charge.unwrap().fx.unwrap().source, "import");
}

#[tokio::test]
async fn a_tenant_sees_its_own_usage_alone() {
    let upstream = Upstream::start(answer(r#"{"prompt_tokens":10,"completion_tokens":1}"#)).await;
    let gateway = TestGateway::start(&border(&upstream.base_url, &upstream.base_url, PRICES)).await;
    gateway.ask("chat", "hi").await;
    let clinic = gateway.key_of("clinic").await;
    gateway.chat_as(&clinic, &json!({ "model": "chat", "messages": [{ "role": "user", "content": "hi" }] })).await;
    gateway.audit().await;
    let body = json!({ "name": "f", "role": "finance", "tenant": "clinic", "reach": "tenant" }).to_string();
    let made = gateway.send("POST", "/admin/v1/keys", &gateway.admin_key, body).await.json();
    let finance = made["key"].as_str().unwrap();
    for (query, tenants) in [("by=tenant", json!(["clinic"])), ("by=tenant&tenant=bank", json!([]))] {
        let report = gateway.send("GET", &format!("/admin/v1/usage?{query}"), finance, "").await.json();
        let seen: Vec<_> = report["data"].as_array().unwrap().iter().map(|row| row["tenant"].clone()).collect();
        assert_eq!(json!(seen), tenants, "{query}");
    }
}

#[tokio::test]
async fn the_bank_is_asked_for_the_day_and_believed_if_it_answers() {
    let provider = Upstream::start(answer(r#"{"prompt_tokens":1000000,"completion_tokens":0}"#)).await;
    let bank = Upstream::start(Reply::Part("text/html", "<html>closed</html>", Then::End)).await;
    let address = bank.base_url.replace("/v1", "/rss/get_rates.cfm");
    let prices = format!(
        "[billing.exchange]\nsource = \"nbk\"\nurl = \"{address}\"\n[[billing.prices]]\nprovider = \"stub\"\nmodel = \"big\"\nprompt_per_million = \"1\"\n"
    );
    let gateway = TestGateway::start(&one_provider(&provider.base_url, &prices)).await;
    assert!(refresh(&gateway.gateway).await.is_err());
    let offset = gateway.gateway.snapshot().config.utc_offset;
    let today = offset.to_datetime(gateway.gateway.sources.now()).date();
    let written = format!("{:02}.{:02}.{:04}", today.day(), today.month(), today.year());
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><rates><date>{written}</date><item><fullname>ДОЛЛАР США</fullname><title>USD</title>\
         <description>512.34</description><quant>1</quant></item></rates>"
    );
    bank.set(Reply::Part("text/xml", xml.leak(), Then::End));
    for _ in 0..2 {
        refresh(&gateway.gateway).await.unwrap();
    }
    let asked = bank.received();
    // Once in vain, once for good.
    assert_eq!(asked.len(), 2);
    assert!(asked[1].starts_with(&format!("GET /rss/get_rates.cfm?fdate={written} ")), "{}", asked[1]);
    gateway.ask("chat", "hi").await;
    let report = usage(&gateway, "by=model").await;
    assert_eq!(report["data"][0]["cost_kzt"], "512.34", "{report}");
}
