//! The sum of the ledger is the sum of the invoices, on both databases, whatever comes when.

use std::path::Path;

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, TestRunner};

use super::*;
use crate::auth::{BuyerContract, BuyerDetails, Tenant};
use crate::billing::Tenge;
use crate::config::parse;
use crate::invoices::Month;
use crate::ledger::LedgerRow;
use crate::store::test_store::{TestStore, ledger_row, test_stores};
use crate::store::{InvoiceFilter, InvoiceKind, SqlStore, Store};

const SUPPLIER: &str = r#"
[billing.supplier]
name = "ТОО «Шекара»"
bin = "180140000008"
address = "г. Астана, пр. Мәңгілік Ел, 55"
bank = { name = "АО «Народный Банк Казахстана»", iik = "KZ86125KZT5004100100", bic = "HSBKKZKX" }
signer = { position = "Директор", name = "Әбдірахманова Г. Қ." }
vat = "16"
"#;

fn terms() -> Terms {
    Terms::new(&parse(SUPPLIER, Path::new("x")).unwrap()).unwrap()
}

/// The first minutes of 2027 in Kazakhstan.
fn now() -> Timestamp {
    "2026-12-31T19:05:00Z".parse().unwrap()
}

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

fn tenant(id: &str) -> Tenant {
    let mut tenant = Tenant::named(id, 0);
    let contract = BuyerContract { number: "17".into(), date: "2026-01-15".into() };
    tenant.settings.billing = Some(BuyerDetails {
        name: "АО «Қазына»".into(),
        name_kk: None,
        bin: "990440000385".into(),
        address: "г. Алматы".into(),
        phone: None,
        bank: None,
        contract: Some(contract),
    });
    tenant
}

/// A row of its own day and names.
#[derive(Debug, Clone)]
struct Used {
    month: u8,
    project: u8,
    is_test: bool,
    is_inside: bool,
    tokens: u64,
    tiyn: i64,
}

impl Used {
    fn row(&self, number: u32, tenant: &str) -> LedgerRow {
        let mut row = ledger_row(number, tenant, &format!("2026-{:02}-28", self.month), Some(self.tiyn));
        row.id = LedgerRow::id_of(&format!("req_{tenant}"), number);
        row.project = format!("project-{}", self.project);
        row.environment = if self.is_test { "dev" } else { "prod" }.into();
        row.zone = if self.is_inside { "local" } else { "external" }.into();
        row.usage.prompt_tokens = Some(self.tokens);
        row.usage.completion_tokens = None;
        row
    }
}

#[derive(Debug, Clone)]
enum Event {
    Used(Used),
    /// The next month in its order is closed.
    Close,
}

fn event() -> impl Strategy<Value = Event> {
    let tiyn = prop_oneof![8 => 0_i64..100_000, 1 => -50_000_i64..0];
    let used = (9_u8..=12, 0_u8..3, any::<bool>(), any::<bool>(), 0_u64..5_000, tiyn);
    let used = used.prop_map(|(month, project, is_test, is_inside, tokens, tiyn)| {
        Event::Used(Used { month, project, is_test, is_inside, tokens, tiyn })
    });
    prop_oneof![6 => used, 1 => Just(Event::Close)]
}

async fn issued_sum(store: &SqlStore, tenant: &str) -> (i64, i64) {
    let filter = InvoiceFilter { tenant: Some(tenant.to_owned()), month: None };
    let (mut tiyn, mut tokens) = (0, 0);
    for row in store.invoices().invoices(filter).await.unwrap() {
        tiyn += row.lines.tiyn();
        let usage = store.invoices().invoice_usage(row.number).await.unwrap();
        assert_eq!(usage.iter().map(|line| line.sum.tiyn()).sum::<i64>(), row.lines.tiyn());
        tokens += usage.iter().map(|line| line.tokens).sum::<i64>();
    }
    (tiyn, tokens)
}

async fn play(test: &TestStore, id: &str, events: &[Event]) {
    let (store, terms) = (&test.store, terms());
    store.tenancy().insert_tenant(tenant(id)).await.unwrap();
    let mut used: Vec<&Used> = Vec::new();
    let mut next = 9_u8;
    let mut known: Vec<(String, String)> = Vec::new();
    for (number, event) in (0..).zip(events.iter().chain([&Event::Close; 4])) {
        match event {
            Event::Used(one) => {
                test.insert(&one.row(number, id)).await;
                used.push(one);
            }
            Event::Close if next <= 12 => {
                let closed = close_month(store, &terms, month(&format!("2026-{next:02}")), id, now()).await.unwrap();
                let closed_rows = || used.iter().filter(|used| used.month <= next);
                let tiyn: i64 = closed_rows().map(|used| used.tiyn).sum();
                let tokens: i64 = closed_rows().map(|used| used.tokens.cast_signed()).sum();
                match closed.invoice {
                    Some(row) => {
                        assert_eq!(issued_sum(store, id).await, (tiyn, tokens));
                        let json = store.invoices().invoice(row.number.clone()).await.unwrap().unwrap().json;
                        known.push((row.number, json));
                    }
                    // There was nothing, or less than nothing.
                    None => assert!(tiyn <= issued_sum(store, id).await.0),
                }
                next += 1;
            }
            Event::Close => {}
        }
    }
    for (number, json) in known {
        assert_eq!(store.invoices().invoice(number).await.unwrap().unwrap().json, json);
    }
}

#[test]
fn every_row_of_a_closed_month_is_billed_once_and_to_the_tiyn() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let tests = runtime.block_on(test_stores());
    let mut runner = TestRunner::new(Cases { cases: 20, failure_persistence: None, ..Cases::default() });
    let number = std::cell::Cell::new(0);
    let cases = prop::collection::vec(event(), 0..40);
    let played = runner.run(&cases, |events| {
        number.set(number.get() + 1);
        for test in &tests {
            runtime.block_on(play(test, &format!("t{}", number.get()), &events));
        }
        Ok(())
    });
    played.unwrap();
    for test in &tests {
        let rows = runtime.block_on(test.store.invoices().invoices(InvoiceFilter::default())).unwrap();
        let mut numbers: Vec<_> = rows.into_iter().map(|row| row.number).collect();
        numbers.sort();
        let without_gaps: Vec<_> = (1..=numbers.len()).map(|count| format!("SH-2027-{count:06}")).collect();
        assert_eq!(numbers, without_gaps);
    }
}

#[tokio::test]
async fn a_month_is_closed_once_when_it_is_over_and_priced() {
    for test in test_stores().await {
        let (store, terms) = (&test.store, terms());
        let october = month("2026-10");
        let close = async |id: &str, month, now| close_month(store, &terms, month, id, now).await;
        assert!(matches!(close("bank", october, now()).await, Err(InvoiceError::NoTenant { .. })));
        store.tenancy().insert_tenant(Tenant::named("bank", 0)).await.unwrap();
        test.insert(&ledger_row(1, "bank", "2026-10-31", Some(10_000))).await;
        assert!(matches!(close("bank", october, now()).await, Err(InvoiceError::NoBuyer { .. })));
        let mut bank = tenant("bank");
        bank.version = 1;
        store.tenancy().update_tenant(bank).await.unwrap();
        // Half past midnight of 1 November in UTC is over in Kazakhstan, half an hour before midnight there is not.
        let early = close("bank", october, "2026-10-31T18:59:00Z".parse().unwrap()).await;
        assert!(matches!(early, Err(InvoiceError::NotOver { .. })));
        test.insert(&ledger_row(2, "bank", "2026-10-30", None)).await;
        let unpriced = close("bank", october, now()).await;
        assert!(matches!(unpriced, Err(InvoiceError::Unpriced { num: 1, .. })));
        test.insert(&ledger_row(3, "clinic", "2026-09-30", Some(5))).await;
        test.insert(&ledger_row(4, "clinic", "2026-10-30", Some(5))).await;
        store.tenancy().insert_tenant(tenant("clinic")).await.unwrap();
        let earlier = close("clinic", october, now()).await;
        assert!(matches!(earlier, Err(InvoiceError::EarlierOpen { earlier, .. }) if earlier == month("2026-09")));
        close("clinic", month("2026-09"), now()).await.unwrap();
        let draft = of_month(store, &terms, ("clinic", october), Form::Act, now()).await.unwrap();
        assert!(draft.number().contains("ЧЕРНОВИК"));
        let (one, two) = tokio::join!(close("clinic", october, now()), close("clinic", october, now()));
        assert_eq!([&one, &two].iter().filter(|closed| closed.is_ok()).count(), 1, "{one:?} {two:?}");
        let paper = of_month(store, &terms, ("clinic", october), Form::Act, now()).await.unwrap();
        assert_eq!(paper.number(), "SH-2027-000002");
        assert!(paper.json().unwrap().contains("\"date\": \"2026-10-31\""));
        assert!(paper.pdf().await.unwrap().starts_with(b"%PDF"));
    }
}

#[tokio::test]
async fn credits_stay_within_the_invoice() {
    for test in test_stores().await {
        let (store, terms) = (&test.store, terms());
        store.tenancy().insert_tenant(tenant("bank")).await.unwrap();
        test.insert(&ledger_row(1, "bank", "2026-10-31", Some(10_000))).await;
        let invoice = close_month(store, &terms, month("2026-10"), "bank", now()).await.unwrap().invoice.unwrap();
        assert_eq!((invoice.lines.tiyn(), invoice.vat.tiyn(), invoice.total.tiyn()), (10_000, 1_600, 11_600));
        let take =
            async |number: &str, tiyn| credit(store, &terms, number, (Tenge::from_tiyn(tiyn), "Скидка"), now()).await;
        let note = take(&invoice.number, 6_000).await.unwrap();
        assert_eq!(
            (note.kind, note.total.tiyn(), note.number.as_str()),
            (InvoiceKind::CreditNote, -6_960, "SH-2027-000002")
        );
        let too_much = take(&invoice.number, 4_001).await;
        assert!(matches!(too_much, Err(InvoiceError::TooMuch { left, .. }) if left.tiyn() == 4_000), "{too_much:?}");
        for (number, tiyn) in [("SH-2027-000009", 1), (note.number.as_str(), 1), (invoice.number.as_str(), 0)] {
            assert!(take(number, tiyn).await.is_err(), "{number}");
        }
        assert_eq!(take(&invoice.number, 4_000).await.unwrap().number, "SH-2027-000003");
        let paper = issued(store, &note.number, Form::Invoice).await.unwrap();
        assert!(paper.csv().contains("Корректировка") && paper.pdf().await.unwrap().starts_with(b"%PDF"));
        assert!(issued(store, &note.number, Form::Act).await.is_err());
        // The invoice is as it was issued.
        assert_eq!(store.invoices().invoice(invoice.number.clone()).await.unwrap().unwrap().row, invoice);
    }
}
