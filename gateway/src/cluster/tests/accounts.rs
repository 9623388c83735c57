//! Sums over several gateways: seeded by the ledger, rolled by the calendar, told once.

use super::*;
use crate::cluster::script::Scripts;
use crate::limits::Period;

#[tokio::test]
async fn what_redis_does_not_know_comes_from_the_ledger_once_for_all_who_wait() {
    let server = Server::start().await;
    let setup = Setup::new(&server);
    let gateway = setup.gateway("a").await;
    setup.book.write("app", Sum::TiynOfMonth, 970);
    setup.book.write("app", Sum::TokensOfDay, 50);
    let (app, most) = (
        name("app"),
        limits(
            "{\"tokens_per_day\":1000,\"budgets\":[{\"period\":\"month\",\"tenge\":10,\"hard\":true},\
             {\"period\":\"day\",\"tenge\":10,\"hard\":false}]}",
        ),
    );
    let claims = (0..200).map(|_| async { gateway.limiter.reserve(&claim(&app, &most, 1, 1), now_ms()).await });
    let outcomes = futures_util::future::join_all(claims).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 30);
    let state = gateway.until_state(&key("app"), |state| state.tiyn_of_day.is_some()).await;
    // One who heard of it late may ask again.
    assert!((3..10).contains(&setup.book.asked()), "{}", setup.book.asked());
    assert_eq!(state.tokens_of_day.map(|sum| (sum.used, sum.reserved)), Some((50, 30)));
    assert_eq!(state.tiyn_of_month.map(|sum| (sum.used, sum.reserved)), Some((970, 30)));
    // Flushed, they come from there again, and who is under way counts when it is over.
    let mut held: Vec<_> = outcomes.into_iter().filter_map(Result::ok).map(|(reservation, _)| reservation).collect();
    let _: String = server.run(&["FLUSHALL"]).await;
    let (mut again, _) = gateway.limiter.reserve(&claim(&app, &most, 1, 1), now_ms()).await.unwrap();
    again.settle(used(1, 1), now_ms()).await;
    for reservation in &mut held {
        reservation.settle(used(1, 1), now_ms()).await;
    }
    let refused = gateway.limiter.reserve(&claim(&app, &most, 1, 1), now_ms()).await;
    let Err(NotReserved::Refused(refusal)) = refused else { panic!("{refused:?}") };
    assert_eq!(refusal.measure.as_str(), "budget_month");
    let ends_ms = noon().span(Period::Month, now_ms()).ends_ms;
    assert!(refusal.retry_after_ms.unwrap().abs_diff(ends_ms - now_ms()) < 20_000);
}

#[tokio::test]
async fn a_ledger_that_does_not_answer_keeps_nobody_longer_than_the_time_out() {
    struct Silent;
    impl Ledger for Silent {
        fn used(&self, _: Scope, _: Sum, _: Span) -> SeedFuture {
            Box::pin(std::future::pending())
        }
    }
    let server = Server::start().await;
    let mut setup = Setup::new(&server);
    setup.settings.timeout = Duration::from_secs(1);
    setup.settings.gateway = "a".into();
    let limiter = SharedLimiter::start(&setup.settings, Arc::new(Silent), Box::new(|_| {})).unwrap();
    assert!(limiter.connected(BOUND).await);
    let hard = limits("{\"budgets\":[{\"period\":\"total\",\"tenge\":10,\"hard\":true}]}");
    let soft = limits("{\"budgets\":[{\"period\":\"total\",\"tenge\":10,\"hard\":false}]}");
    let app = name("app");
    let begun = std::time::Instant::now();
    let refused = limiter.reserve(&claim(&app, &hard, 1, 1), now_ms()).await.unwrap_err();
    assert_eq!(refused, NotReserved::Unavailable(Unavailable::Ledger));
    assert!(begun.elapsed() < Duration::from_secs(5));
    // What only tells, and what is free, does not wait for it.
    limiter.reserve(&claim(&app, &soft, 1, 1), now_ms()).await.unwrap();
    limiter.reserve(&Claim { cost: None, ..claim(&app, &hard, 1, 1) }, now_ms()).await.unwrap();
    assert!(limiter.is_shared());
}

#[tokio::test]
async fn a_threshold_is_told_once_by_one_of_the_gateways() {
    let server = Server::start().await;
    let setup = Setup::new(&server);
    let gateways = [setup.gateway("a").await, setup.gateway("b").await];
    let (app, most) = (
        name("app"),
        limits("{\"budgets\":[{\"period\":\"day\",\"tenge\":1,\"hard\":true,\"alert_at_percent\":[50,80]}]}"),
    );
    let mut told = Vec::new();
    for step in 0..11 {
        let gateway = &gateways[step % 2];
        let (mut reservation, settled) = gateway.limiter.reserve(&claim(&app, &most, 1, 5), now_ms()).await.unwrap();
        told.extend(settled.crossings);
        if step == 10 {
            // Behind everybody's back, it is heard all the same.
            reservation.settle_later(used(1, 45), now_ms());
            until("a threshold is heard of", async || {
                gateway.heard.lock().unwrap().pop().map(|heard| told.push(heard))
            })
            .await;
        } else {
            told.extend(reservation.settle(used(1, 5), now_ms()).await.crossings);
        }
    }
    assert_eq!(told.iter().map(|crossing| crossing.percent).collect::<Vec<_>>(), [50, 80]);
    assert_eq!((told[0].used.tiyn() + told[0].reserved.tiyn(), told[1].used.tiyn()), (50, 95));
    assert!(gateways.iter().all(|gateway| gateway.heard.lock().unwrap().is_empty()));
}

#[tokio::test]
async fn a_new_period_begins_with_nothing_and_without_the_ledger() {
    let server = Server::start().await;
    let setup = Setup::new(&server);
    let gateway = setup.gateway("a").await;
    let today = (i64::try_from(now_ms() / 1_000).unwrap() + i64::from(noon().seconds())) / 86_400;
    let sums = "{test}:limits:sums:key:app";
    let yesterday = (today - 1).to_string();
    let _: i64 = server.run(&["HSET", sums, "p2", &yesterday, "u2", "90", "r2", "10", "a2", "50", "s2", "1"]).await;
    let (app, most) = (
        name("app"),
        limits("{\"budgets\":[{\"period\":\"day\",\"tenge\":1,\"hard\":true,\"alert_at_percent\":[50]}]}"),
    );
    let (_held, settled) = gateway.limiter.reserve(&claim(&app, &most, 1, 60), now_ms()).await.unwrap();
    assert_eq!((settled.crossings.len(), setup.book.asked()), (1, 0));
    // What was used yesterday does not count today.
    gateway.limiter.note_used(&key("app"), used(0, 7), now_ms() - 86_400_000, now_ms());
    gateway.limiter.note_used(&key("app"), used(0, 5), now_ms(), now_ms());
    let state = gateway.until_state(&key("app"), |state| state.tiyn_of_day.unwrap().used > 0).await;
    assert_eq!(state.tiyn_of_day.map(|sum| (sum.used, sum.reserved)), Some((5, 60)));
}

/// Days and months of the scripts are those of the calendar.
#[tokio::test]
async fn periods_begin_where_the_calendar_says() {
    let server = Server::start().await;
    let mut connection = server.connection().await;
    let state = Scripts::default().state.source;
    let source = format!(
        "{}\nreturn periods_at(tonumber(ARGV[2]))",
        state.split("-- What is counted for a scope").next().unwrap()
    );
    for offset_s in [-34_200, 0, 18_000, 20_700] {
        let offset = UtcOffset::from_seconds(offset_s).unwrap();
        let mut last: Option<([i64; 4], u64)> = None;
        for step in 0..700_u64 {
            // Four months in steps of six hours, over a leap day, and single moments far away.
            let at_ms = if step < 500 { 1_830_000_000_000 + step * 21_600_000 } else { (step - 499) * 12_345_678_901 };
            let mut command = redis::cmd("EVAL");
            command.arg(&source).arg(0).arg(offset_s).arg(at_ms);
            let ids: [i64; 4] = command.query_async::<Vec<i64>>(&mut connection).await.unwrap().try_into().unwrap();
            if let Some((before, before_ms)) = last {
                for (place, period) in [(0, Period::Day), (2, Period::Month)] {
                    let is_same = offset.span(period, at_ms).contains(before_ms);
                    assert_eq!(is_same, ids[place] == before[place], "{offset_s} {before_ms} {at_ms} {period:?}");
                }
            }
            assert_eq!((ids[0], ids[3]), (ids[1], 0));
            // The last moment of a day belongs to it.
            let begins_ms = offset.span(Period::Day, at_ms).begins_ms;
            let mut command = redis::cmd("EVAL");
            command.arg(&source).arg(0).arg(offset_s).arg(begins_ms.saturating_sub(1));
            let before: Vec<i64> = command.query_async(&mut connection).await.unwrap();
            assert!(begins_ms == 0 || before[0] == ids[0] - 1);
            last = Some((ids, at_ms));
        }
    }
}
