//! A month's invoice over HTTP and from the command line: what a provider reported is what is paid for, to the token and the
//! tiyn.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};

use crate::command::shekara;
use crate::gateway::{Answer, Place, TestGateway, border};
use crate::upstream::{Reply, Upstream};

pub const BILLING: &str = r#"
[billing.exchange]
source = "fixed"
rate = "512.34"
[[billing.prices]]
provider = "cloud"
model = "big"
prompt_per_million = "2.50"
completion_per_million = "10"
[[billing.local]]
model = "small"
prompt_tenge_per_thousand = "0.5"
completion_tenge_per_thousand = "2"
"#;

pub const SUPPLIER: &str = r#"
[billing.supplier]
name = "ТОО «Шекара»"
bin = "180140000008"
address = "г. Астана, пр. Мәңгілік Ел, 55"
bank = { name = "АО «Народный Банк Казахстана»", iik = "KZ86125KZT5004100100", bic = "HSBKKZKX" }
signer = { position = "Директор", name = "Әбдірахманова Г. Қ." }
vat = "16"
"#;

pub const DAYS_MS: i64 = 24 * 60 * 60 * 1_000;

fn answer() -> Reply {
    Reply::Json(
        r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"fine"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1234567,"completion_tokens":89012}}"#,
    )
}

pub struct Started {
    pub gateway: TestGateway,
    pub clock: Arc<AtomicI64>,
    _upstream: Upstream,
}

pub async fn started(toml: &str) -> Started {
    let upstream = Upstream::start(answer()).await;
    let clock = Arc::new(AtomicI64::new(0));
    let place = Place { clock: Arc::clone(&clock), ..Place::default() };
    let gateway = TestGateway::start_at(&border(&upstream.base_url, &upstream.base_url, toml), place).await;
    Started { gateway, clock, _upstream: upstream }
}

impl Started {
    async fn admin(&self, method: &str, path: &str, body: Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.gateway.send(method, &format!("/admin/v1/{path}"), &self.gateway.admin_key, body).await
    }

    /// By the operator's clock.
    pub fn month(&self) -> String {
        let now = self.gateway.gateway.sources.now() + jiff::SignedDuration::from_hours(5);
        now.to_string()[..7].to_owned()
    }

    pub async fn set_buyer(&self) {
        let buyer = json!({ "name": "АО «Қазына»", "bin": "990440000385", "address": "г. Алматы" });
        let done = self.admin("PATCH", "tenants/bank", json!({ "settings": { "billing": buyer } })).await;
        assert_eq!(done.status, 200, "{}", done.body);
    }

    async fn close(&self, month: &str) -> Answer {
        self.gateway.audit().await;
        self.admin("POST", "invoices/close", json!({ "month": month })).await
    }
}

#[tokio::test]
async fn what_a_provider_reports_is_what_is_paid_for() {
    let started = started(&format!("{BILLING}{SUPPLIER}")).await;
    for text in ["hi", "hi", "ИИН 901123300258"] {
        assert_eq!(started.gateway.ask("chat", text).await.status, 200);
    }
    let month = started.month();
    started.set_buyer().await;
    let open = started.close(&month).await;
    assert_eq!((open.status, open.code().as_str()), (409, "month_not_over"));
    started.clock.store(35 * DAYS_MS, Ordering::SeqCst);
    let closed = started.close(&month).await;
    assert_eq!(closed.status, 200, "{}", closed.body);
    let invoice = &closed.json()["closed"][0]["invoice"];
    // Of each call: 1,234,567 × 2.50 + 89,012 × 10 dollars a million at 512.34, rounded; and 0.5 and 2 tenge a thousand.
    let outside = 2 * 203_734;
    let inside = 79_531;
    assert_eq!(invoice["lines_tiyn"], json!(outside + inside), "{invoice}");
    let usage = started.admin("GET", &format!("usage?by=month&from={month}-01"), Value::Null).await.json();
    assert_eq!(usage["data"][0]["cost_kzt"], format!("{}.{:02}", (outside + inside) / 100, (outside + inside) % 100));
    let number = invoice["number"].as_str().unwrap();
    let shown = started.admin("GET", &format!("invoices/{number}"), Value::Null).await;
    let document = shown.json();
    assert_eq!((document["kind"].as_str(), document["lines"].as_array().map(Vec::len)), (Some("invoice"), Some(2)));
    // The gateway's keys of these tests are of the environment `stage`.
    assert!(document["lines"][0]["name_ru"].as_str().unwrap().contains("тестовая среда"), "{document}");
    let csv = started.admin("GET", &format!("invoices/{number}?format=csv&document=act"), Value::Null).await;
    assert_eq!((csv.status, csv.header("content-type")), (200, "text/csv; charset=utf-8"));
    assert!(csv.body.contains("Акт выполненных работ"));
    let pdf = started.gateway.client.get(format!("{}/admin/v1/invoices/{number}?format=pdf", started.gateway.url));
    let pdf = pdf.bearer_auth(&started.gateway.admin_key).send().await.unwrap();
    assert_eq!(pdf.headers()["content-type"], "application/pdf");
    assert!(pdf.bytes().await.unwrap().starts_with(b"%PDF"));
    started.gateway.audit().await;
    let again = started.admin("POST", "invoices/close", json!({ "month": month, "tenant": "bank" })).await;
    assert_eq!((again.status, again.code().as_str()), (409, "month_closed"));
    assert_eq!(started.close(&month).await.json()["closed"], json!([]));
    let credit = json!({ "amount": "100,50", "reason": "Скидка" });
    let credited = started.admin("POST", &format!("invoices/{number}/credit"), credit).await;
    assert_eq!((credited.status, &credited.json()["lines_tiyn"]), (201, &json!(-10_050)), "{}", credited.body);
    let too_much = json!({ "amount": "100000", "reason": "Скидка" });
    let refused = started.admin("POST", &format!("invoices/{number}/credit"), too_much).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "credit_too_large"));
    let list = started.admin("GET", &format!("invoices?tenant=bank&month={month}"), Value::Null).await.json();
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
    for bad in ["invoices?month=october", "invoices/x?format=xml", "invoices?planet=mars"] {
        assert_eq!(started.admin("GET", bad, Value::Null).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn what_is_missing_is_told_with_where_to_set_it() {
    let alone = started(BILLING).await;
    let no_supplier = alone.close("2026-10").await;
    assert_eq!((no_supplier.status, no_supplier.code().as_str()), (409, "no_supplier"));
    assert!(no_supplier.body.contains("[billing.supplier]"));
    let started = started(&format!("{BILLING}{SUPPLIER}")).await;
    started.gateway.ask("chat", "hi").await;
    let month = started.month();
    started.clock.store(35 * DAYS_MS, Ordering::SeqCst);
    let no_buyer = started.close(&month).await;
    assert_eq!((no_buyer.status, no_buyer.code().as_str()), (409, "no_buyer"));
    assert!(no_buyer.body.contains("settings.billing"), "{}", no_buyer.body);
    let wrong = json!({ "settings": { "billing": { "name": "x", "bin": "990440000386", "address": "x" } } });
    let refused = started.admin("PATCH", "tenants/bank", wrong).await;
    assert_eq!((refused.status, &refused.json()["error"]["param"]), (400, &json!("settings.billing.bin")));
}

#[tokio::test]
async fn a_customers_finance_sees_its_own_invoices_and_closes_nothing() {
    let started = started(&format!("{BILLING}{SUPPLIER}")).await;
    started.gateway.ask("chat", "hi").await;
    let month = started.month();
    started.set_buyer().await;
    started.clock.store(35 * DAYS_MS, Ordering::SeqCst);
    let closed = started.close(&month).await.json();
    let number = closed["closed"][0]["invoice"]["number"].as_str().unwrap().to_owned();
    let finance = async |tenant: &str| {
        let body = json!({ "name": "f", "role": "finance", "tenant": tenant, "reach": "tenant" });
        started.admin("POST", "keys", body).await.json()["key"].as_str().unwrap().to_owned()
    };
    for (tenant, num_seen, status) in [("bank", 1, 200), ("clinic", 0, 404)] {
        let key = finance(tenant).await;
        let list = started.gateway.send("GET", "/admin/v1/invoices", &key, "").await.json();
        assert_eq!(list["data"].as_array().unwrap().len(), num_seen, "{tenant}");
        let shown = started.gateway.send("GET", &format!("/admin/v1/invoices/{number}"), &key, "").await;
        assert_eq!(shown.status, status, "{tenant}");
        for (path, body) in [
            ("invoices/close".to_owned(), json!({ "month": month, "tenant": tenant })),
            (format!("invoices/{number}/credit"), json!({ "amount": "1", "reason": "x" })),
        ] {
            let refused = started.gateway.send("POST", &format!("/admin/v1/{path}"), &key, body.to_string()).await;
            assert_eq!((refused.status, refused.code().as_str()), (403, "permission_denied"), "{tenant} {path}");
        }
    }
}

#[tokio::test]
async fn the_command_line_prints_drafts_closes_and_lists() {
    let folder = tempfile::tempdir().unwrap();
    let toml = format!(
        "[local]\nenabled = false\n[store]\ndata_dir = \"data\"\nurl = \"sqlite:data/shekara.db\"\n{BILLING}{SUPPLIER}\n\
         [[providers]]\nname = \"cloud\"\nkind = \"openai\"\napi_key = \"env:SHEKARA_API_KEY\"\n"
    );
    std::fs::write(folder.path().join("shekara.toml"), toml).unwrap();
    let run = async |arguments: &[&str]| shekara(folder.path(), "x", arguments).await;
    let nobody = run(&["invoice", "--customer", "bank", "--month", "2026-10", "--format", "json"]).await;
    assert_eq!((nobody.code, nobody.stderr.contains("no customer 'bank'")), (Some(1), true), "{nobody:?}");
    fill(&folder.path().join("data/shekara.db")).await;
    let draft = run(&["invoice", "--customer", "bank", "--month", "2026-10", "--json"]).await;
    assert_eq!(draft.json()["totals"]["lines"], "10.00", "{draft:?}");
    assert!(draft.json()["number"].as_str().unwrap().starts_with("ЧЕРНОВИК"));
    let closed = run(&["invoice", "close", "--month", "2026-10", "--json"]).await;
    let number = closed.json()["invoice"]["number"].as_str().unwrap().to_owned();
    let pdf = run(&["invoice", "--customer", "bank", "--month", "2026-10", "--document", "act", "--output", "act.pdf"]);
    assert_eq!(pdf.await.code, Some(0));
    assert!(std::fs::read(folder.path().join("act.pdf")).unwrap().starts_with(b"%PDF"));
    let credit = run(&["invoice", "credit", "--number", &number, "--amount", "2.5", "--reason", "Скидка"]).await;
    assert!(credit.stdout.contains("takes 2,90 tenge back"), "{credit:?}");
    let list = run(&["invoice", "list"]).await;
    assert!(list.stdout.contains("credit_note") && list.stdout.contains("11,60"), "{list:?}");
    let incomplete = run(&["invoice", "--customer", "bank"]).await;
    assert_eq!((incomplete.code, incomplete.stderr.contains("--month")), (Some(1), true));
}

/// A customer with details and one call of October 2026.
async fn fill(database: &std::path::Path) {
    sqlx::any::install_default_drivers();
    let pool = sqlx::AnyPool::connect(&format!("sqlite:{}", database.display())).await.unwrap();
    let settings = r#"{"billing":{"name":"АО «Қазына»","bin":"990440000385","address":"г. Алматы"}}"#;
    let tenant =
        "INSERT INTO tenants (id, name, settings, frozen, created_at_ms, version) VALUES ('bank', 'Bank', $1, 0, 0, 1)";
    sqlx::query(tenant).bind(settings).execute(&pool).await.unwrap();
    let row = "INSERT INTO ledger (id, request_id, attempt, time, day, tenant, project, key_id, environment, provider, model, \
               zone, data_class, kind, reason, outcome, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, \
               images, audio_ms, usage, usage_source, tiyn) VALUES ('r-1', 'r', 1, '2026-10-05T00:00:00.000Z', '2026-10-05', \
               'bank', 'chat', 'k', 'prod', 'cloud', 'big', 'external', 'public', 'first', 'primary', 'answered', 10, 1, 0, \
               0, 0, 0, '{}', 'provider', 1000)";
    sqlx::query(row).execute(&pool).await.unwrap();
    pool.close().await;
}
