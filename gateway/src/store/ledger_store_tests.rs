//! Both databases give the same sums.

use super::super::projection::{insert_row, insert_rows};
use super::super::test_store::{ledger_row, test_stores};
use super::*;
use crate::billing::{Tenge, Usd};
use crate::ledger::{Correction, CorrectionAct, CorrectionKind};
use crate::store::Corrected;

#[tokio::test]
async fn rows_add_up_by_any_names_and_count_once() {
    for test in test_stores().await {
        let store = test.store;
        let rows: Vec<_> = (1..=100).map(|number| ledger_row(number, "bank", "2026-11-30", Some(3))).collect();
        let others = [ledger_row(101, "bank", "2026-12-01", Some(5)), ledger_row(102, "clinic", "2026-12-01", None)];
        for row in rows.iter().chain(&others).chain(&rows) {
            insert_row(&store, row).await;
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

fn more(id: &str, tokens: i64, tiyn: i64, settles: bool) -> Correction {
    Correction {
        id: format!("{id}~{tokens}-{tiyn}"),
        corrects: id.into(),
        prompt_tokens: tokens,
        cached_prompt_tokens: 0,
        completion_tokens: 0,
        reasoning_tokens: 0,
        usd: Some(Usd::from_pico(-1_500_000_000_000)),
        tenge: Tenge::from_tiyn(tiyn),
        settles,
        price_version: None,
        factor: None,
        fx: None,
        seen: 0,
    }
}

fn act(id: &str) -> CorrectionAct {
    CorrectionAct {
        id: id.into(),
        kind: CorrectionKind::Reconciliation,
        reason: "x".into(),
        made_by: "y".into(),
        made_at_ms: 0,
        provider: None,
        from_day: None,
        until_day: None,
        file: None,
        file_hash: None,
    }
}

#[tokio::test]
async fn corrections_are_in_every_sum_once_and_no_calls() {
    for test in test_stores().await {
        let store = test.store;
        for row in [ledger_row(1, "bank", "2026-11-30", Some(30)), ledger_row(2, "bank", "2026-11-30", None)] {
            insert_row(&store, &row).await;
        }
        let corrections = store.corrections();
        let write = async |one: Correction| corrections.correct(act("a"), vec![one]).await.unwrap();
        assert_eq!(write(more("req-1", -4, 2, false)).await, [true]);
        // It was made of a row that has been corrected since; a row gets an amount once; there is no such row.
        assert_eq!(write(more("req-1", -5, 2, false)).await, [false]);
        assert_eq!(write(more("req-2", 0, 7, true)).await, [true]);
        assert_eq!(write(Correction { seen: 1, ..more("req-2", 0, 8, true) }).await, [false]);
        assert_eq!(write(more("req-3", 0, 8, true)).await, [false]);
        let [all] = store.usage(LedgerFilter::default(), Vec::new()).await.unwrap().try_into().unwrap();
        let totals = all.totals;
        assert_eq!((totals.attempts, totals.corrections, totals.unpriced_attempts), (2, 2, 0));
        assert_eq!((totals.prompt_tokens, totals.tenge.tiyn()), (16, 39));
        assert_eq!(totals.usd, Usd::from_pico(1_000_000_000_001 - 3_000_000_000_000));
        for (level, name) in [(Level::Customer, "bank"), (Level::Key, "k"), (Level::Project, "bank\u{1f}chat")] {
            let spent = store.spent(level, Some(name.into()), ("2026".into(), "2027".into())).await.unwrap();
            assert_eq!(spent.iter().map(|one| (one.tokens, one.tiyn)).collect::<Vec<_>>(), [(18, 39)], "{name}");
        }
        let standing = corrections.estimated("cloud".into(), ("2026".into(), "2027".into()), 10).await.unwrap();
        assert!(standing.is_empty());
        let counted = ("cloud".to_owned(), ("2026".to_owned(), "2027".to_owned()), 4);
        let all_or_none = vec![Correction { seen: 1, ..more("req-1", 1, 0, false) }, more("req-1", 2, 0, false)];
        let changed = corrections.correct_all(act("b"), all_or_none.clone(), counted.clone()).await.unwrap();
        assert_eq!(changed, Corrected::Changed);
        let one = vec![all_or_none[0].clone()];
        let (span, wrong) = (counted.1.clone(), 3);
        let overtaken = corrections.correct_all(act("b"), one.clone(), ("cloud".into(), span, wrong)).await.unwrap();
        assert_eq!(overtaken, Corrected::Changed);
        assert_eq!(corrections.correct_all(act("b"), one.clone(), counted.clone()).await.unwrap(), Corrected::Done);
        assert_eq!(corrections.correct_all(act("b"), one, counted).await.unwrap(), Corrected::Already);
        let lines = corrections.lines(LedgerFilter::default(), String::new(), 2).await.unwrap();
        let rest = corrections.lines(LedgerFilter::default(), format!("a/{}", lines[1].id), 2).await.unwrap();
        assert_eq!((lines.len(), rest.len(), rest[0].corrects.as_str()), (2, 1, "req-1"));
    }
}

/// What is counted as rows come, counted anew.
const COUNTED: &str = "SELECT tenant, substr(day, 1, 7) AS month, project, coalesce(department, '') AS department, key_id, environment, \
    model, CASE WHEN zone = 'external' THEN 1 ELSE 0 END AS is_external, count(*) AS num_rows, \
    count(*) - count(corrects) AS num_calls, \
    CAST(sum(CASE WHEN tiyn IS NULL THEN 1 ELSE 0 END) - sum(settles) AS BIGINT) AS num_unpriced, \
    CAST(sum(prompt_tokens + completion_tokens) AS BIGINT) AS tokens, CAST(sum(images) AS BIGINT) AS images, \
    CAST(sum(audio_ms) AS BIGINT) AS audio_ms, CAST(coalesce(sum(tiyn), 0) AS BIGINT) AS tiyn FROM ledger \
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8";

#[tokio::test]
async fn months_are_counted_as_rows_come() {
    for test in test_stores().await {
        let store = test.store;
        for number in 1..=60_u32 {
            let tenant = if number % 3 == 0 { "clinic" } else { "bank" };
            let mut row = ledger_row(number, tenant, ["2026-10-31", "2026-11-01"][number as usize % 2], Some(7));
            row.charge = row.charge.filter(|_| number % 5 != 0);
            row.department = (number % 4 == 0).then(|| "retail".to_owned());
            row.zone = if number % 7 == 0 { "local" } else { "external" }.to_owned();
            // Written again it is not counted again.
            for _ in 0..=number % 2 {
                insert_row(&store, &row).await;
            }
        }
        // Of many at once: all of them new, some of them, one of them twice, none.
        let rows: Vec<_> = (55..=90).map(|number| ledger_row(number, "bank", "2026-12-01", Some(3))).collect();
        for batch in [&rows[10..], &rows[..], &[rows[..2].to_vec(), rows[..2].to_vec()].concat(), &rows[..9]] {
            insert_rows(&store, batch).await;
        }
        insert_rows(&store, &[100, 101, 100].map(|number| ledger_row(number, "clinic", "2026-12-01", None))).await;
        let corrections = store.corrections();
        assert_eq!(corrections.correct(act("a"), vec![more("req-1", -4, 2, false)]).await.unwrap(), [true]);
        assert_eq!(corrections.correct(act("b"), vec![more("req-5", 0, 9, true)]).await.unwrap(), [true]);
        for (one, other) in [(COUNTED, "SELECT * FROM ledger_months"), ("SELECT * FROM ledger_months", COUNTED)] {
            let differ = format!("SELECT count(*) FROM ({one} EXCEPT {other}) AS differing");
            let num: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(differ)).fetch_one(&store.pool).await.unwrap();
            assert_eq!(num, 0, "{one}");
        }
        let groups: i64 =
            sqlx::query_scalar("SELECT count(*) FROM ledger_months").fetch_one(&store.pool).await.unwrap();
        assert!(groups > 4, "{groups}");
    }
}
