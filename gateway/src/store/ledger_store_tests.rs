//! Both databases give the same sums.

use super::super::ledger_rows::insert_row;
use super::super::test_store::{ledger_row, test_stores};
use super::*;
use crate::billing::{Tenge, Usd};

#[tokio::test]
async fn rows_add_up_by_any_names_and_count_once() {
    for test in test_stores().await {
        let store = test.store;
        let rows: Vec<_> = (1..=100).map(|number| ledger_row(number, "bank", "2026-11-30", Some(3))).collect();
        let others = [ledger_row(101, "bank", "2026-12-01", Some(5)), ledger_row(102, "clinic", "2026-12-01", None)];
        for row in rows.iter().chain(&others).chain(&rows) {
            insert_row(row).execute(&store.pool).await.unwrap();
        }
        let all = store.usage(LedgerFilter::default(), Vec::new()).await.unwrap();
        let [all] = all.try_into().unwrap();
        assert_eq!((all.totals.attempts, all.totals.requests, all.totals.unpriced_attempts), (102, 52, 1));
        assert_eq!(all.totals.tenge, Tenge::from_tiyn(305));
        assert_eq!(all.totals.usd, Usd::from_pico(101 * 1_000_000_000_001));
        assert_eq!((all.totals.prompt_tokens, all.totals.completion_tokens), (1_020, 102));
        let by = vec![Dimension::Tenant, Dimension::Month, Dimension::Scenario];
        let groups = store.usage(LedgerFilter::default(), by).await.unwrap();
        let names: Vec<_> = groups.iter().map(|group| group.names.join("|")).collect();
        assert_eq!(names, ["bank|2026-11|", "bank|2026-12|", "clinic|2026-12|"]);
        assert_eq!((groups[0].p50_ms, groups[0].p95_ms), (Some(50), Some(95)));
        assert_eq!((groups[1].p50_ms, groups[1].p95_ms), (Some(101), Some(101)));
        let december = LedgerFilter {
            tenant: Some("bank".into()),
            from: Some("2026-12-01".parse().unwrap()),
            until: Some("2027-01-01".parse().unwrap()),
            ..LedgerFilter::default()
        };
        let groups = store.usage(december, vec![Dimension::Day]).await.unwrap();
        assert_eq!((groups.len(), groups[0].totals.tenge), (1, Tenge::from_tiyn(5)));
    }
}

#[tokio::test]
async fn a_day_has_one_rate() {
    for test in test_stores().await {
        let store = test.store;
        let rate = |rate: &str| Published {
            date: "2026-12-01".parse().unwrap(),
            currency: Currency::USD,
            rate: rate.parse().unwrap(),
        };
        assert_eq!(store.keep_rate(rate("512.34"), "nbk".into()).await.unwrap(), RateKept::New);
        assert_eq!(store.keep_rate(rate("512.34"), "file:x".into()).await.unwrap(), RateKept::Known);
        let other = store.keep_rate(rate("500"), "file:x".into()).await.unwrap();
        assert_eq!(other, RateKept::Contradicts("512.34".parse().unwrap()));
        assert_eq!(store.rates().await.unwrap(), [(rate("512.34"), "nbk".to_owned())]);
    }
}
