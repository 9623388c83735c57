//! What a provider's account says is what the ledger, its report and the invoice come to, on both databases.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, TestRunner};

use super::*;
use crate::auth::{BuyerDetails, Tenant};
use crate::billing::{Charge, Factor, FxQuote, Tenge, UsageSource, Usd};
use crate::config::{Config, parse};
use crate::jobs::invoices::{InvoiceError, Terms, close_month};
use crate::ledger::{Class, Dimension, LedgerFilter, LedgerRow, Metric, Totals};
use crate::store::test_store::{TestStore, ledger_row, test_stores};

const HEAD: &str = "date,model,requests,prompt_tokens,cached_tokens,completion_tokens,cost\n";
const CONFIG: &str = r#"
[[providers]]
name = "cloud"
kind = "openai"
api_key = "env:NONE"
[billing.exchange]
source = "fixed"
rate = "512.34"
[billing.supplier]
name = "ТОО «Шекара»"
bin = "180140000008"
address = "г. Астана, пр. Мәңгілік Ел, 55"
bank = { name = "АО «Народный Банк Казахстана»", iik = "KZ86125KZT5004100100", bic = "HSBKKZKX" }
signer = { position = "Директор", name = "Әбдірахманова Г. Қ." }
vat = "16"
"#;
const PRICE: &str = "\n[[billing.prices]]\nprovider = \"cloud\"\nmodel = \"big\"\nprompt_per_million = \"2.5\"\n\
                     cached_prompt_per_million = \"1\"\ncompletion_per_million = \"10\"\n";

struct Office {
    config: Config,
    tariffs: Tariffs,
    rates: Rates,
}

impl Office {
    fn new(more: &str) -> Self {
        let config = parse(&format!("{CONFIG}{more}"), Path::new("x")).unwrap();
        let rates = Rates::Fixed("512.34".parse().unwrap());
        Self { tariffs: Tariffs::new(&config).unwrap(), config, rates }
    }

    fn desk<'d>(&'d self, test: &'d TestStore) -> Desk<'d> {
        Desk { store: &test.store, tariffs: &self.tariffs, rates: &self.rates }
    }
}

/// The first minutes of 2027 in Kazakhstan.
fn now() -> Timestamp {
    "2026-12-31T19:05:00Z".parse().unwrap()
}

fn signature(id: &str) -> Signature {
    Signature { made_by: "Aigerim".into(), now: now(), id: id.into() }
}

fn customer(id: &str) -> Tenant {
    let mut tenant = Tenant::named(id, 0);
    tenant.settings.billing = Some(BuyerDetails {
        name: "АО «Қазына»".into(),
        name_kk: None,
        bin: "990440000385".into(),
        address: "г. Алматы".into(),
        phone: None,
        bank: None,
        contract: None,
    });
    tenant
}

/// Tokens, of which cached, and dollars.
#[derive(Debug, Clone, Copy, Default)]
struct Use {
    prompt: u64,
    cached: u64,
    completion: u64,
    pico: i128,
}

#[derive(Debug, Clone)]
struct Called {
    day: u8,
    /// Of the provider's day.
    hour: u8,
    is_big: bool,
    is_estimated: bool,
    is_unpriced: bool,
    thought: Use,
    truth: Use,
}

impl Called {
    fn model(&self) -> &'static str {
        if self.is_big { "big" } else { "small-2026-01-01" }
    }

    fn row(&self, number: u32, provider: &str) -> LedgerRow {
        let used = if self.is_estimated { self.thought } else { self.truth };
        // The operator's day begins five hours before the provider's.
        let day = if self.hour >= 19 { self.day + 1 } else { self.day };
        let mut row = ledger_row(number, provider, &format!("2026-10-{day:02}"), None);
        row.id = format!("req_{provider}-{number}");
        row.time = format!("2026-10-{:02}T{:02}:30:00.000Z", self.day, self.hour);
        row.provider = provider.to_owned();
        row.model = self.model().into();
        row.usage.prompt_tokens = Some(used.prompt);
        row.usage.cached_prompt_tokens = Some(used.cached);
        row.usage.completion_tokens = Some(used.completion);
        row.usage_source = if self.is_estimated { UsageSource::Estimated } else { UsageSource::Provider };
        if !(self.is_unpriced && self.is_estimated) {
            let rate = "512.34".parse().unwrap();
            let usd = Usd::from_pico(used.pico);
            let fx = FxQuote { date: row.day, rate, source: "nbk".into() };
            row.charge = Some(Charge {
                usd: Some(usd),
                tenge: fx.rate.tenge(usd).unwrap(),
                price_version: "v".into(),
                fx: Some(fx),
                usage_source: row.usage_source,
                factor: Factor::ONE,
            });
            row.unpriced = None;
        }
        row
    }
}

fn used() -> impl Strategy<Value = Use> {
    (0_u64..5_000, 0_u64..5_000, 0_u64..2_000, 0_i128..50_000_000_000)
        .prop_map(|(prompt, cached, completion, pico)| Use { prompt, cached: cached.min(prompt), completion, pico })
}

fn called() -> impl Strategy<Value = Called> {
    (1_u8..4, 0_u8..24, any::<bool>(), any::<bool>(), prop::bool::weighted(0.2), used(), used()).prop_map(
        |(day, hour, is_big, is_estimated, is_unpriced, thought, truth)| Called {
            day,
            hour,
            is_big,
            is_estimated,
            is_unpriced,
            thought,
            truth,
        },
    )
}

fn account(calls: &[Called]) -> String {
    let mut sums: BTreeMap<(u8, &str), (u64, Use)> = BTreeMap::new();
    for called in calls {
        let (number, sum) = sums.entry((called.day, called.model())).or_default();
        *number += 1;
        sum.prompt += called.truth.prompt;
        sum.cached += called.truth.cached;
        sum.completion += called.truth.completion;
        sum.pico += called.truth.pico;
    }
    let mut text = HEAD.to_owned();
    for ((day, model), (number, Use { prompt, cached, completion, pico })) in sums {
        let cost = Usd::from_pico(pico);
        writeln!(text, "2026-10-{day:02},{model},{number},{prompt},{cached},{completion},{cost}").unwrap();
    }
    text
}

async fn totals(test: &TestStore, tenant: &str) -> Totals {
    let filter = LedgerFilter { tenant: Some(tenant.into()), ..LedgerFilter::default() };
    let groups = test.store.ledger().usage(filter, Vec::new()).await.unwrap();
    groups.into_iter().next().map(|group| group.totals).unwrap_or_default()
}

async fn play(test: &TestStore, provider: &str, calls: &[Called]) {
    let office = Office::new("");
    let desk = office.desk(test);
    test.store.tenancy().insert_tenant(customer(provider)).await.unwrap();
    for (called, number) in calls.iter().zip(1..) {
        test.insert(&called.row(number, provider)).await;
    }
    let file = account(calls);
    let order = Order { provider: provider.into(), file: "october.csv".into(), ..Order::default() };
    let (_, applied) = apply(desk, file.as_bytes(), &order, &signature("x")).await.unwrap();
    assert_eq!(applied.num_left, 0);
    let after = reconcile(desk, file.as_bytes(), &order).await.unwrap();
    for line in &after.lines {
        assert_eq!(line.class, Class::Equal, "{line:?}");
        assert!(Metric::ALL.into_iter().all(|metric| Some(line.ours[metric as usize]) == line.theirs[metric as usize]));
    }
    let (_, again) = apply(desk, file.as_bytes(), &order, &signature("y")).await.unwrap();
    assert_eq!(again.num, 0);
    let sum = |of: fn(&Use) -> u64| calls.iter().map(|called| of(&called.truth)).sum::<u64>();
    let all = totals(test, provider).await;
    assert_eq!(all.attempts, calls.len() as u64);
    assert_eq!(all.prompt_tokens, sum(|used| used.prompt));
    assert_eq!(all.cached_prompt_tokens, sum(|used| used.cached));
    assert_eq!(all.completion_tokens, sum(|used| used.completion));
    assert_eq!(all.usd.pico(), calls.iter().map(|called| called.truth.pico).sum::<i128>());
    assert_eq!(all.unpriced_attempts, 0);
    // Nothing of a row that the provider reported is touched.
    let lines = test.store.ledger().corrections().lines(
        LedgerFilter { provider: Some(provider.into()), ..LedgerFilter::default() },
        String::new(),
        1_000,
    );
    let lines = lines.await.unwrap();
    assert_eq!(lines.len() as u64, applied.num);
    for line in &lines {
        let number: usize = line.corrects.rsplit('-').next().unwrap().parse().unwrap();
        assert!(calls[number - 1].is_estimated, "{line:?}");
        assert_eq!((line.act.made_by.as_str(), line.act.file.as_deref()), ("Aigerim", Some("october.csv")));
    }
    let terms = Terms::new(&office.config).unwrap();
    let closed = close_month(&test.store, &terms, "2026-10".parse().unwrap(), provider, now()).await.unwrap();
    assert_eq!(closed.invoice.map_or(Tenge::ZERO, |invoice| invoice.lines), all.tenge);
}

#[test]
fn an_account_that_was_applied_is_what_the_ledger_and_the_invoice_come_to() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let tests = runtime.block_on(test_stores());
    let mut runner = TestRunner::new(Cases { cases: 24, failure_persistence: None, ..Cases::default() });
    let number = std::cell::Cell::new(0);
    let played = runner.run(&prop::collection::vec(called(), 1..30), |calls| {
        number.set(number.get() + 1);
        for test in &tests {
            runtime.block_on(play(test, &format!("p{}", number.get()), &calls));
        }
        Ok(())
    });
    played.unwrap();
}

fn estimated(number: u32, tenant: &str, day: &str) -> LedgerRow {
    let call = Called {
        day: day[8..].parse().unwrap(),
        hour: 0,
        is_big: true,
        is_estimated: true,
        is_unpriced: false,
        thought: Use { prompt: 1_000, cached: 0, completion: 100, pico: 3_500_000_000 },
        truth: Use::default(),
    };
    let mut row = call.row(number, tenant);
    row.provider = "cloud".into();
    row.time = format!("{day}T00:30:00.000Z");
    row.day = day.parse().unwrap();
    row
}

fn order() -> Order {
    Order { provider: "cloud".into(), file: "a.csv".into(), ..Order::default() }
}

#[tokio::test]
async fn a_closed_month_stays_and_the_next_invoice_has_its_correction() {
    for test in test_stores().await {
        let office = Office::new("");
        let terms = Terms::new(&office.config).unwrap();
        test.store.tenancy().insert_tenant(customer("bank")).await.unwrap();
        test.insert(&estimated(1, "bank", "2026-10-05")).await;
        test.insert(&estimated(2, "bank", "2026-11-05")).await;
        let close = async |month: &str| {
            close_month(&test.store, &terms, month.parse().unwrap(), "bank", now()).await.unwrap().invoice.unwrap()
        };
        let october = close("2026-10").await;
        assert_eq!(october.lines.tiyn(), 179);
        let file = format!("{HEAD}2026-10-05,big,1,2000,0,100,0.006\n");
        let (_, applied) = apply(office.desk(&test), file.as_bytes(), &order(), &signature("x")).await.unwrap();
        assert_eq!((applied.num, applied.tenge.tiyn()), (1, 128));
        let issued = test.store.invoices().invoice(october.number.clone()).await.unwrap().unwrap();
        assert_eq!(issued.row, october);
        let november = close("2026-11").await;
        assert_eq!(november.lines.tiyn(), 179 + 128);
        let json = test.store.invoices().invoice(november.number).await.unwrap().unwrap().json;
        assert!(json.contains("Корректировка за октябрь 2026 г."), "{json}");
        // One that would have to come to less than what was reported changes nothing.
        let mut reported = estimated(3, "bank", "2026-12-05");
        reported.usage_source = UsageSource::Provider;
        test.insert(&reported).await;
        let before = totals(&test, "bank").await;
        let less = format!("{HEAD}2026-12-05,big,1,999,0,100,0.006\n");
        let refused = apply(office.desk(&test), less.as_bytes(), &order(), &signature("y")).await.unwrap_err();
        assert!(matches!(refused, CorrectionError::NotExplained { num: 1, .. }), "{refused}");
        assert_eq!(totals(&test, "bank").await, before);
    }
}

#[tokio::test]
async fn an_account_without_costs_is_charged_at_the_prices_of_then() {
    for test in test_stores().await {
        let office = Office::new(PRICE);
        test.insert(&estimated(1, "bank", "2026-10-05")).await;
        test.insert(&estimated(2, "bank", "2026-10-05")).await;
        let file = "date,model,prompt_tokens,completion_tokens\n2026-10-05,big,4000,200\n";
        let (_, applied) = apply(office.desk(&test), file.as_bytes(), &order(), &signature("x")).await.unwrap();
        // 1,000 tokens more for each at 2.5 dollars a million.
        assert_eq!((applied.num, applied.usd.to_string().as_str()), (2, "0.005"));
        let all = totals(&test, "bank").await;
        assert_eq!((all.prompt_tokens, all.usd.to_string().as_str(), all.corrections), (4_000, "0.012", 2));
        assert_eq!(all.tenge.tiyn(), 2 * 307);
        let unpriced = apply(
            Office::new("").desk(&test),
            b"date,model,prompt_tokens\n2026-10-05,big,1\n",
            &order(),
            &signature("y"),
        )
        .await;
        assert!(matches!(unpriced, Err(CorrectionError::NoPrice { .. })), "{unpriced:?}");
    }
}

fn unpriced(number: u32, day: &str, model: &str) -> LedgerRow {
    let mut row = ledger_row(number, "bank", day, None);
    row.model = model.into();
    row.usage.prompt_tokens = Some(1_000_000);
    row
}

#[tokio::test]
async fn rows_get_an_amount_once_whoever_gives_it() {
    for test in test_stores().await {
        let (poor, rich) = (Office::new(""), Office::new(PRICE));
        let terms = Terms::new(&poor.config).unwrap();
        test.store.tenancy().insert_tenant(customer("bank")).await.unwrap();
        let mut batched = unpriced(1, "2026-10-05", "big");
        batched.factor = Some(Factor::from_permille(500));
        for row in [batched, unpriced(2, "2026-10-06", "big"), unpriced(3, "2026-10-07", "unheard-of")] {
            test.insert(&row).await;
        }
        let price = async |office: &Office, order: PriceOrder, id: &str| {
            price_unpriced(office.desk(&test), LedgerFilter::default(), &order, &signature(id)).await.unwrap()
        };
        let close = async || close_month(&test.store, &terms, "2026-10".parse().unwrap(), "bank", now()).await;
        assert!(matches!(close().await, Err(InvoiceError::Unpriced { num: 3, .. })));
        let none = price(&poor, PriceOrder::default(), "a").await;
        assert_eq!((none.num, none.num_left()), (0, 3));
        let dry = price(&rich, PriceOrder { is_dry_run: true, ..PriceOrder::default() }, "b").await;
        assert_eq!((dry.num, totals(&test, "bank").await.unpriced_attempts), (2, 3));
        let (one, other) =
            tokio::join!(price(&rich, PriceOrder::default(), "c"), price(&rich, PriceOrder::default(), "d"));
        assert_eq!(one.num + other.num, 2, "{one:?} {other:?}");
        let all = totals(&test, "bank").await;
        // A million tokens and one, half of it in a batch: 1.250005 and 2.50001 dollars.
        assert_eq!((all.usd.to_string().as_str(), all.unpriced_attempts, all.attempts), ("3.750015", 1, 3));
        assert_eq!(all.tenge.tiyn(), 64_043 + 128_086);
        assert_eq!(price(&rich, PriceOrder::default(), "e").await.num, 0);
        let reason = |text: &str| PriceOrder { zero_because: Some(text.into()), is_dry_run: false };
        let bare = price_unpriced(rich.desk(&test), LedgerFilter::default(), &reason(" "), &signature("f")).await;
        assert!(matches!(bare, Err(CorrectionError::Reason)));
        assert_eq!(price(&poor, reason("A gift of the provider"), "g").await.num, 1);
        assert_eq!(price(&rich, reason("Again"), "h").await.num, 0);
        let filter = LedgerFilter { model: Some("unheard-of".into()), ..LedgerFilter::default() };
        let lines = test.store.ledger().corrections().lines(filter, String::new(), 10).await.unwrap();
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!((line.act.reason.as_str(), line.tenge), ("A gift of the provider", Tenge::ZERO));
        let groups = test.store.ledger().usage(LedgerFilter::default(), vec![Dimension::Model]).await.unwrap();
        assert_eq!(groups.iter().map(|group| group.totals.unpriced_attempts).collect::<Vec<_>>(), [0, 0]);
        assert_eq!(close().await.unwrap().invoice.unwrap().lines, all.tenge);
    }
}
