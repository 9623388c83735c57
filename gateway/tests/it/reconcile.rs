//! A provider's own account against the ledger, and amounts that come later, over HTTP and from the command line.

use std::path::Path;

use serde_json::{Value, json};

use crate::command::{Ended, shekara};
use crate::gateway::{Answer, TestGateway, border};
use crate::upstream::{Reply, Upstream};

const RATE: &str = "[billing.exchange]\nsource = \"fixed\"\nrate = \"500\"\n";
const PRICES: &str = "[[billing.prices]]\nprovider = \"cloud\"\nmodel = \"big\"\nprompt_per_million = \"2\"\n\
                      completion_per_million = \"10\"\n";
const HEAD: &str = "date,model,requests,prompt_tokens,cached_tokens,completion_tokens,cost,currency\n";

fn answer(usage: &str) -> Reply {
    let body = format!(
        r#"{{"choices":[{{"index":0,"message":{{"role":"assistant","content":"fine"}},"finish_reason":"stop"}}]{usage}}}"#
    );
    Reply::Json(body.leak())
}

/// One call that the provider reported (1,000 and 100 tokens, 0.003 dollars), and one that was estimated.
async fn started() -> (Upstream, TestGateway) {
    let upstream = Upstream::start(answer(r#","usage":{"prompt_tokens":1000,"completion_tokens":100}"#)).await;
    let gateway = TestGateway::start(&border(&upstream.base_url, &upstream.base_url, &format!("{RATE}{PRICES}"))).await;
    assert_eq!(gateway.ask("chat", "hi").await.status, 200);
    upstream.set(answer(""));
    assert_eq!(gateway.ask("chat", "hi").await.status, 200);
    (upstream, gateway)
}

async fn usage(gateway: &TestGateway, query: &str) -> Value {
    gateway.audit().await;
    gateway.send("GET", &format!("/admin/v1/usage?{query}"), &gateway.admin_key, "").await.json()
}

async fn reconcile(gateway: &TestGateway, key: &str, query: &str, file: &str) -> Answer {
    gateway.audit().await;
    let path = format!("/admin/v1/usage/reconcile?provider=cloud{query}");
    gateway.send("POST", &path, key, file.to_owned()).await
}

/// In UTC.
fn today(gateway: &TestGateway) -> String {
    gateway.gateway.sources.now().to_string()[..10].to_owned()
}

#[tokio::test]
async fn a_difference_is_seen_and_put_on_what_was_estimated_once() {
    let (_upstream, gateway) = started().await;
    let admin = gateway.admin_key.clone();
    let before = usage(&gateway, "by=usage_source").await;
    assert_eq!(before["total"]["estimated_attempts"], 1, "{before}");
    let day = today(&gateway);
    let file =
        format!("\u{feff}{HEAD}{day},big-2026-01-01,2,1500,20,160,0.004600,usd\r\nTotal,,2,1500,20,160,0.0046,usd\r\n");
    let seen = reconcile(&gateway, &admin, "", &file).await;
    assert_eq!(seen.status, 200, "{}", seen.body);
    let seen = seen.json();
    let line = &seen["data"][0];
    assert_eq!((&line["class"], &line["estimated_share"]), (&json!("differs_within_estimated"), &json!("0.500")));
    assert_eq!((&line["prompt_tokens"]["theirs"], &line["their_models"]), (&json!(1_500), &json!(["big-2026-01-01"])));
    assert_eq!(
        (&seen["beyond_tolerance"], &seen["applied"], &seen["skipped_lines"]["count"]),
        (&json!(1), &Value::Null, &json!(1))
    );
    assert_eq!(usage(&gateway, "by=usage_source").await["total"], before["total"]);
    let applied = reconcile(&gateway, &admin, "&apply=true&file=october.csv", &file).await.json();
    assert_eq!(
        (&applied["applied"]["corrections"], &applied["applied"]["beyond_tolerance"]),
        (&json!(1), &json!(0)),
        "{applied}"
    );
    let after = usage(&gateway, "by=usage_source").await;
    let total = &after["total"];
    assert_eq!((&total["prompt_tokens"], &total["cached_prompt_tokens"]), (&json!(1_500), &json!(20)));
    assert_eq!(
        (&total["completion_tokens"], &total["cost_usd"], &total["cost_kzt"]),
        (&json!(160), &json!("0.0046"), &json!("2.30"))
    );
    assert_eq!((&total["attempts"], &total["corrections"]), (&json!(2), &json!(1)));
    let reported = after["data"].as_array().unwrap().iter().find(|row| row["usage_source"] == "provider").unwrap();
    assert_eq!((&reported["cost_usd"], &reported["corrections"]), (&json!("0.003"), &json!(0)));
    let again = reconcile(&gateway, &admin, "&apply=true&file=october.csv", &file).await.json();
    assert_eq!(again["applied"]["corrections"], 0, "{again}");
    assert_eq!(again["data"][0]["class"], "equal");
    let csv = reconcile(&gateway, &admin, "&format=csv", &file).await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert!(csv.body.contains(&format!("\r\n{day},big,equal,0.500,2,2,0,1500,1500,0,")), "{}", csv.body);
    let list = gateway.send("GET", "/admin/v1/usage/corrections?limit=10", &admin, "").await.json();
    let one = &list["data"][0];
    assert_eq!((&one["act"]["kind"], &one["act"]["file"]), (&json!("reconciliation"), &json!("october.csv")), "{list}");
    assert!(one["act"]["made_by"].as_str().unwrap().starts_with("key "), "{list}");
    assert!(one["corrects"].as_str().unwrap().starts_with("req_"), "{list}");
    // Another account for the same day is held against what was corrected.
    let other = file.replace("1500", "1600");
    let applied = reconcile(&gateway, &admin, "&apply=true", &other).await.json();
    assert_eq!(applied["applied"]["corrections"], 1, "{applied}");
    assert_eq!(usage(&gateway, "by=tenant").await["total"]["prompt_tokens"], 1_600);
}

#[tokio::test]
async fn what_nothing_explains_is_refused_and_changes_nothing() {
    let (_upstream, gateway) = started().await;
    let (admin, day) = (gateway.admin_key.clone(), today(&gateway));
    let before = usage(&gateway, "by=model").await;
    let unknown = format!("{HEAD}{day},elsewhere,1,1,0,1,1,USD\n");
    let less = format!("{HEAD}{day},big,2,999,0,200,0.1,USD\n");
    for (file, first) in [(&unknown, "elsewhere"), (&less, "big")] {
        let refused = reconcile(&gateway, &admin, "&apply=true", file).await;
        assert_eq!((refused.status, refused.code().as_str()), (409, "not_explained"), "{}", refused.body);
        assert!(refused.body.contains(first), "{}", refused.body);
    }
    // The file has nothing of the day's model: that is no word of the provider's, unless somebody says so.
    let absent = reconcile(&gateway, &admin, "&apply=true&skip=elsewhere", &unknown).await;
    assert_eq!((absent.status, absent.code().as_str()), (409, "not_explained"), "{}", absent.body);
    assert_eq!(reconcile(&gateway, &admin, "", &unknown).await.json()["unknown_models"], json!(["elsewhere"]));
    for (file, told) in [
        (format!("{HEAD}{day},big,2,\"1,500\",0,1,1,USD\n"), "line 2: 'prompt_tokens'"),
        (format!("{HEAD}{day},big,2,1,0,1,1,USD\n05.10.2026,big,2,1,0,1,1,USD\n"), "line 3: 'date'"),
        (format!("{HEAD}{day},big,2,1,0,1,1,KZT\n"), "line 2: the cost is not in US dollars"),
        (format!("{HEAD}{day},big\n"), "line 2: it has 2 cells"),
        ("a,b\n1,2\n".to_owned(), "no column for the date"),
        (String::new(), "no column"),
    ] {
        let refused = reconcile(&gateway, &admin, "", &file).await;
        assert_eq!((refused.status, refused.body.contains(told)), (400, true), "{}", refused.body);
    }
    for query in [
        "&month=october",
        "&tolerance=x",
        "&apply=yes",
        "&map=date",
        "&map=a%3Dplanet",
        "&from=2026-10-02&until=2026-10-01",
        "&planet=1",
        "&format=xml",
    ] {
        let refused = reconcile(&gateway, &admin, query, &less).await;
        assert_eq!(refused.status, 400, "{query} {}", refused.body);
    }
    assert_eq!(usage(&gateway, "by=model").await["data"], before["data"]);
}

#[tokio::test]
async fn reading_needs_one_permission_and_applying_another() {
    let (_upstream, gateway) = started().await;
    gateway.audit().await;
    let file = format!("{HEAD}{},big,2,1500,20,160,0.0046,USD\n", today(&gateway));
    let key = async |role: &str, reach: &str| {
        let body = json!({ "name": role, "role": role, "tenant": "bank", "reach": reach }).to_string();
        let made = gateway.send("POST", "/admin/v1/keys", &gateway.owner().await, body).await.json();
        made["key"].as_str().unwrap().to_owned()
    };
    for (role, reach, reads, applies) in
        [("auditor", "installation", 200, 403), ("finance", "tenant", 403, 403), ("finance", "installation", 200, 200)]
    {
        let key = key(role, reach).await;
        gateway.audit().await;
        assert_eq!(reconcile(&gateway, &key, "", &file).await.status, reads, "{role} {reach}");
        gateway.audit().await;
        let applied = reconcile(&gateway, &key, "&apply=true", &file).await;
        assert_eq!(applied.status, applies, "{role} {reach} {}", applied.body);
    }
    let tenant = key("finance", "tenant").await;
    for (method, path) in [("POST", "price"), ("GET", "corrections")] {
        let refused = gateway.send(method, &format!("/admin/v1/usage/{path}"), &tenant, "").await;
        assert_eq!((refused.status, refused.code().as_str()), (403, "permission_denied"), "{path}");
    }
}

#[tokio::test]
async fn what_had_no_rate_gets_an_amount_when_there_is_one() {
    let upstream = Upstream::start(answer(r#","usage":{"prompt_tokens":1000000,"completion_tokens":0}"#)).await;
    let toml =
        border(&upstream.base_url, &upstream.base_url, &format!("[billing.exchange]\nsource = \"imported\"\n{PRICES}"));
    let gateway = TestGateway::start(&toml).await;
    gateway.ask("chat", "hi").await;
    gateway.audit().await;
    let price = async |body: Value| {
        gateway.audit().await;
        let answer = gateway.send("POST", "/admin/v1/usage/price", &gateway.admin_key, body.to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    };
    let none = price(json!({})).await;
    assert_eq!((&none["priced"], &none["left"][0]["reason"]), (&json!(0), &json!("no_exchange_rate")), "{none}");
    let rates = format!("date,currency,rate,quant\n{},USD,500.25,1\n", today(&gateway));
    gateway.send("POST", "/admin/v1/rates", &gateway.admin_key, rates).await;
    assert_eq!(price(json!({ "dry_run": true })).await["cost_kzt"], "1000.50");
    assert_eq!(usage(&gateway, "by=model").await["total"]["unpriced_attempts"], 1);
    assert_eq!(price(json!({ "until": "2020-01-01" })).await["priced"], 0);
    assert_eq!(price(json!({ "provider": "cloud" })).await["priced"], 1);
    assert_eq!(price(json!({})).await["priced"], 0);
    let report = usage(&gateway, "by=model").await;
    assert_eq!((&report["total"]["cost_kzt"], &report["total"]["unpriced_attempts"]), (&json!("1000.50"), &json!(0)));
    assert_eq!(report["total"]["attempts"], 1);
    for bad in [json!({ "zero": true }), json!({ "reason": "x" }), json!({ "from": "x" }), json!({ "planet": 1 })] {
        let refused = gateway.send("POST", "/admin/v1/usage/price", &gateway.admin_key, bad.to_string()).await;
        assert_eq!(refused.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn the_command_line_does_the_same_and_ends_with_what_it_found() {
    let folder = tempfile::tempdir().unwrap();
    let toml = format!(
        "[local]\nenabled = false\n[store]\ndata_dir = \"data\"\nurl = \"sqlite:data/shekara.db\"\n{RATE}{PRICES}\n\
         [[providers]]\nname = \"cloud\"\nkind = \"openai\"\napi_key = \"env:SHEKARA_API_KEY\"\n"
    );
    std::fs::write(folder.path().join("shekara.toml"), toml).unwrap();
    let run =
        async |arguments: &[&str]| -> Ended { shekara(folder.path(), "x", &[&["usage"], arguments].concat()).await };
    assert_eq!(run(&["--json"]).await.code, Some(0));
    fill(&folder.path().join("data/shekara.db")).await;
    let unpriced = run(&["price-unpriced", "--dry-run", "--json"]).await;
    assert_eq!(
        (&unpriced.json()["priced"], &unpriced.json()["left"][0]["model"]),
        (&json!(1), &json!("new")),
        "{unpriced:?}"
    );
    let priced = run(&["price-unpriced", "--from", "2026-10-01", "--until", "2026-10-31"]).await;
    assert!(priced.stdout.contains("1 calls got an amount: 0,02 tenge"), "{priced:?}");
    assert_eq!(run(&["price-unpriced", "--zero"]).await.code, Some(2));
    let zero =
        run(&["price-unpriced", "--zero", "--reason", "A trial of the provider", "--by", "Aigerim", "--json"]).await;
    assert_eq!((&zero.json()["priced"], &zero.json()["cost_kzt"]), (&json!(1), &json!("0.00")), "{zero:?}");
    assert_eq!(run(&["price-unpriced", "--json"]).await.json()["priced"], 0);
    let file = "Tag;Modell;Ein;Aus;Betrag\n1791158400;big-2026-01-01;30;4;0.000100\n1791158400;new;10;1;0\n";
    std::fs::write(folder.path().join("october.csv"), file).unwrap();
    let map = "--map=Tag=date --map=Modell=model --map=Ein=prompt_tokens --map=Aus=completion_tokens --map=Betrag=cost";
    let map: Vec<&str> = map.split(' ').collect();
    let reconcile = async |more: &[&str]| {
        run(&[&["reconcile", "--provider", "cloud", "october.csv"], &map[..], more].concat()).await
    };
    let differs = reconcile(&["--month", "2026-10"]).await;
    assert_eq!(
        (differs.code, differs.stderr.contains("1 of 2 days and models differ")),
        (Some(1), true),
        "{differs:?}"
    );
    assert!(
        differs.stdout.contains("differs_within_estimated  0.500") && differs.stdout.contains("20 (+10)"),
        "{differs:?}"
    );
    assert_eq!(reconcile(&["--tolerance", "90"]).await.code, Some(0));
    let csv = reconcile(&["--format", "csv"]).await;
    assert_eq!((csv.code, csv.stdout.lines().count()), (Some(1), 3), "{csv:?}");
    let applied = reconcile(&["--apply", "--json", "--by", "Aigerim"]).await;
    assert_eq!((applied.code, &applied.json()["applied"]["corrections"]), (Some(0), &json!(1)), "{applied:?}");
    let again = reconcile(&["--apply"]).await;
    assert_eq!((again.code, again.stdout.contains("0 corrections were written")), (Some(0), true), "{again:?}");
    assert_eq!(reconcile(&["--from", "2026-10-05", "--until", "2026-10-05"]).await.code, Some(0));
    let report = run(&["--by", "model", "--json"]).await.json();
    let big = &report["data"][0];
    assert_eq!((&big["model"], &big["prompt_tokens"], &big["cost_usd"]), (&json!("big"), &json!(30), &json!("0.0001")));
    let list = run(&["corrections", "--json"]).await;
    assert_eq!(list.stdout.lines().count(), 3, "{list:?}");
    assert!(
        list.stdout.contains("A trial of the provider") && list.stdout.contains("\"file\":\"october.csv\""),
        "{list:?}"
    );
    assert!(run(&["corrections"]).await.stdout.contains("Aigerim"));
    std::fs::write(folder.path().join("october.csv"), file.replace(";30;", ";3,0;")).unwrap();
    let bad = reconcile(&[]).await;
    assert_eq!((bad.code, bad.stderr.contains("line 2: 'Ein'")), (Some(1), true), "{bad:?}");
    let none = run(&["reconcile", "--provider", "cloud", "nowhere.csv"]).await;
    assert_eq!((none.code, none.stderr.contains("nowhere.csv")), (Some(1), true), "{none:?}");
}

/// Of 5 October 2026: a call that was reported, one that was estimated, and two without an amount.
async fn fill(database: &Path) {
    sqlx::any::install_default_drivers();
    let pool = sqlx::AnyPool::connect(&format!("sqlite:{}", database.display())).await.unwrap();
    for (id, model, source, amount) in
        [("a-1", "big", "provider", true), ("b-1", "big", "estimated", false), ("c-1", "new", "provider", false)]
    {
        let (micro, tiyn, rate) = if amount { (Some(30_i64), Some(2_i64), Some("500")) } else { (None, None, None) };
        let row = "INSERT INTO ledger (id, request_id, attempt, time, day, tenant, project, key_id, environment, provider, \
                   model, zone, data_class, kind, reason, outcome, prompt_tokens, completion_tokens, cached_tokens, \
                   reasoning_tokens, images, audio_ms, usage, usage_source, usd_micro, usd_rest_pico, tiyn, fx_date, fx_rate, \
                   fx_source) VALUES ($1, $1, 1, '2026-10-05T10:00:00.000Z', '2026-10-05', 'bank', 'chat', 'k', 'prod', \
                   'cloud', $2, 'external', 'public', 'first', 'primary', 'answered', 10, 1, 0, 0, 0, 0, \
                   '{\"prompt_tokens\":10,\"completion_tokens\":1}', $3, $4, 0, $5, '2026-10-05', $6, 'fixed')";
        sqlx::query(row)
            .bind(id)
            .bind(model)
            .bind(source)
            .bind(micro)
            .bind(tiyn)
            .bind(rate)
            .execute(&pool)
            .await
            .unwrap();
    }
    pool.close().await;
}
