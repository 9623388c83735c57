//! What is let through, what is refused and how long to wait, by example.

use super::*;
use crate::billing::Tenge;

const DAY_MS: u64 = 86_400_000;

#[test]
fn all_levels_have_room_or_nothing_is_counted() {
    let limiter = LocalLimiter::new(OFFSET);
    let (key, project, customer) = (name("bank/app/chat"), name("bank/app"), name("bank"));
    let (wide, narrow) = (limits("{\"requests_per_minute\":10}"), limits("{\"tokens_per_minute\":100}"));
    let asks = |tokens| Claim {
        key: Some(Bound { name: &key, limits: &wide }),
        project: Some(Bound { name: &project, limits: &wide }),
        customer: Some(Bound { name: &customer, limits: &narrow }),
        tokens,
        cost: None,
    };
    let mut first = limiter.reserve(&asks(60), 0).unwrap();
    assert_eq!(first.standing.requests, Some(Gauge { limit: 10, remaining: 9, reset_ms: 61_000 }));
    assert_eq!(first.standing.tokens, Some(Gauge { limit: 100, remaining: 40, reset_ms: 61_000 }));
    let refusal = limiter.reserve(&asks(41), 1_500).unwrap_err();
    assert_eq!(
        (refusal.scope.clone(), refusal.measure.as_str()),
        (scope(Level::Customer, "bank"), "tokens_per_minute")
    );
    assert_eq!((refusal.limit, refusal.retry_after_ms), (100, Some(59_500)));
    assert_eq!(refusal.standing.tokens.unwrap().remaining, 40);
    assert_eq!(refusal.to_string(), "tokens_per_minute of the customer bank is at its limit of 100");
    for (level, text) in [(Level::Key, &key), (Level::Project, &project), (Level::Customer, &customer)] {
        let state = limiter.state(&scope(level, text), 1_500).unwrap();
        assert_eq!((state.requests_in_minute, state.tokens_in_minute, state.in_flight), (1, 60, 1));
    }
    // Less was used: there is room at once.
    let settled = first.reservation.settle(used(10, 0), 1_600);
    assert_eq!(settled.standing.tokens.unwrap().remaining, 90);
    assert_eq!(first.reservation.settle(used(99, 0), 1_600), settled);
    limiter.reserve(&asks(90), 1_700).unwrap();
}

#[test]
fn more_than_a_limit_is_never_worth_waiting_for() {
    let limiter = LocalLimiter::new(OFFSET);
    let (key, most) = (name("k"), limits("{\"tokens_per_minute\":100,\"tokens_per_day\":150}"));
    assert_eq!(limiter.reserve(&claim(&key, &most, 101, 0), 0).unwrap_err().retry_after_ms, None);
    let held = limiter.reserve(&claim(&key, &most, 100, 0), 0).unwrap();
    // The minute is over before the day is, and both stand in the way.
    let refusal = limiter.reserve(&claim(&key, &most, 60, 0), 0).unwrap_err();
    assert_eq!((refusal.measure.as_str(), refusal.retry_after_ms), ("tokens_per_minute", Some(61_000)));
    drop(held);
    let refusal = limiter.reserve(&claim(&key, &most, 60, 0), 0).unwrap_err();
    assert_eq!((refusal.measure.as_str(), refusal.retry_after_ms), ("tokens_per_day", Some(DAY_MS)));
    limiter.reserve(&claim(&key, &most, 60, 0), DAY_MS).unwrap();
}

#[test]
fn what_was_really_used_may_be_more_and_the_next_ones_wait() {
    let limiter = LocalLimiter::new(OFFSET);
    let (key, most) = (name("k"), limits("{\"tokens_per_minute\":100}"));
    let mut first = limiter.reserve(&claim(&key, &most, 10, 0), 500).unwrap();
    first.reservation.settle(used(500, 0), 3_000);
    let refusal = limiter.reserve(&claim(&key, &most, 0, 0), 3_000).unwrap_err();
    assert_eq!(refusal.retry_after_ms, Some(58_000));
    limiter.reserve(&claim(&key, &most, 0, 0), 61_000).unwrap();
}

#[test]
fn a_dropped_reservation_counts_and_a_cancelled_one_does_not() {
    let limiter = LocalLimiter::new(OFFSET);
    let (key, most) = (name("k"), limits("{\"concurrent_requests\":1}"));
    let held = limiter.reserve(&claim(&key, &most, 7, 5), 0).unwrap();
    let refusal = limiter.reserve(&claim(&key, &most, 1, 1), 0).unwrap_err();
    assert_eq!((refusal.measure.as_str(), refusal.retry_after_ms), ("concurrent_requests", Some(1_000)));
    drop(held);
    let mut cancelled = limiter.reserve(&claim(&key, &most, 7, 5), 0).unwrap().reservation;
    cancelled.cancel();
    cancelled.cancel();
    drop(cancelled);
    let state = limiter.state(&scope(Level::Key, "k"), 0).unwrap();
    assert_eq!((state.requests_in_minute, state.tokens_in_minute, state.in_flight), (1, 7, 0));
    for sum in [state.tiyn_of_day, state.tiyn_of_month, state.tiyn_ever] {
        assert_eq!(sum.map(|sum| (sum.used, sum.reserved)), Some((5, 0)));
    }
}

#[test]
fn a_hard_budget_refuses_and_a_soft_one_tells() {
    let limiter = LocalLimiter::new(OFFSET);
    let (key, most) = (
        name("k"),
        limits(
            "{\"budgets\":[{\"period\":\"day\",\"tenge\":1,\"hard\":false,\"alert_at_percent\":[50,100]},\
             {\"period\":\"total\",\"tenge\":2,\"hard\":true,\"alert_at_percent\":[80]}]}",
        ),
    );
    let first = limiter.reserve(&claim(&key, &most, 0, 60), 0).unwrap();
    let told: Vec<_> = first.crossings.iter().map(|crossing| (crossing.period, crossing.percent)).collect();
    assert_eq!(told, [(Period::Day, 50)]);
    assert_eq!(first.crossings[0].reserved, Tenge::from_tiyn(60));
    let mut second = limiter.reserve(&claim(&key, &most, 0, 140), 0).unwrap();
    let told: Vec<_> = second.crossings.iter().map(|crossing| (crossing.period, crossing.percent)).collect();
    assert_eq!(told, [(Period::Day, 100), (Period::Total, 80)]);
    // Only requests under way are in the way.
    let refusal = limiter.reserve(&claim(&key, &most, 0, 1), 0).unwrap_err();
    assert_eq!((refusal.measure.as_str(), refusal.limit, refusal.retry_after_ms), ("budget_total", 200, Some(1_000)));
    assert!(refusal.measure.is_budget());
    assert!(second.reservation.settle(used(0, 150), 0).crossings.is_empty());
    assert_eq!(limiter.reserve(&claim(&key, &most, 0, 1), 0).unwrap_err().retry_after_ms, Some(1_000));
    drop(first);
    assert_eq!(limiter.reserve(&claim(&key, &most, 0, 1), 0).unwrap_err().retry_after_ms, None);
    // What costs nothing is not held against money.
    limiter.reserve(&Claim { cost: None, ..claim(&key, &most, 5, 0) }, 0).unwrap();
    let mut raised = Limits::clone(&most);
    raised.budgets = Budgets::default();
    limiter.reserve(&claim(&key, &Arc::new(raised), 0, 1), 0).unwrap();
}

#[test]
fn sums_begin_where_the_ledger_ends() {
    let limiter = LocalLimiter::new(OFFSET);
    let (key, most) = (
        name("k"),
        limits("{\"budgets\":[{\"period\":\"month\",\"tenge\":1,\"hard\":true,\"alert_at_percent\":[50,90]}]}"),
    );
    let this = scope(Level::Key, "k");
    let july_ms = 180 * DAY_MS + 9 * DAY_MS;
    limiter.seed(&this, Sum::TiynOfMonth, Seed { used: 60, told_percent: 50 }, july_ms);
    limiter.note_used(&this, used(0, 30), july_ms);
    // Another month's.
    limiter.note_used(&this, used(0, 30), july_ms - 40 * DAY_MS);
    let told = limiter.reserve(&claim(&key, &most, 0, 5), july_ms).unwrap().crossings;
    assert_eq!(told.iter().map(|crossing| crossing.percent).collect::<Vec<_>>(), [90]);
    let refusal = limiter.reserve(&claim(&key, &most, 0, 6), july_ms).unwrap_err();
    assert_eq!(refusal.retry_after_ms, Some((212 - 189) * DAY_MS));
    limiter.reserve(&claim(&key, &most, 0, 100), july_ms + 31 * DAY_MS).unwrap();
}

#[test]
fn a_limit_that_is_set_later_knows_what_was_used_before() {
    let limiter = LocalLimiter::new(OFFSET);
    let (key, none, most) = (name("k"), Arc::default(), limits("{\"requests_per_minute\":2}"));
    for _ in 0..2 {
        limiter.reserve(&claim(&key, &none, 0, 0), 0).unwrap();
    }
    assert!(limiter.reserve(&claim(&key, &most, 0, 0), 60_999).is_err());
    assert!(limiter.reserve(&claim(&key, &most, 0, 0), 61_000).is_ok());
}

#[test]
fn scopes_with_nothing_left_are_forgotten() {
    let limiter = LocalLimiter::new(OFFSET);
    let none = Arc::default();
    let held = limiter.reserve(&claim(&name("held"), &none, 1, 1), 0).unwrap();
    for number in 0..10_000 {
        drop(limiter.reserve(&claim(&name(&number.to_string()), &none, 1, 1), number));
    }
    assert_eq!(limiter.scopes(), 10_001);
    // Days later, others come by.
    let mut later_ms = 40 * DAY_MS;
    for _ in 0..8_000 {
        later_ms += 10;
        drop(limiter.reserve(&claim(&name(&format!("later-{}", later_ms % 640)), &none, 0, 0), later_ms));
    }
    // Money that was ever spent is still known.
    assert_eq!(limiter.scopes(), 10_001 + 64);
    drop(held);
    let free = LocalLimiter::new(OFFSET);
    for number in 0..10_000 {
        drop(free.reserve(&claim(&name(&number.to_string()), &none, 1, 0), number));
    }
    for step in 0..12_000 {
        drop(free.reserve(&claim(&name(&format!("later-{}", step % 64)), &none, 0, 0), 40 * DAY_MS + step));
    }
    assert!(free.scopes() < 200, "{}", free.scopes());
}

#[test]
fn nothing_overflows() {
    let limiter = LocalLimiter::new(OFFSET);
    let (key, most) = (name("k"), limits("{\"tokens_per_day\":18446744073709551615}"));
    let mut held = Vec::new();
    for now_ms in [0, u64::MAX, 5, u64::MAX - 1, 0] {
        for _ in 0..3_000 {
            held.extend(limiter.reserve(&claim(&key, &most, u64::MAX, i64::MAX), now_ms).ok());
        }
        for reserved in &mut held {
            reserved.reservation.settle(used(u64::MAX, i64::MIN), now_ms);
        }
        limiter.seed(&scope(Level::Key, "k"), Sum::TiynEver, Seed { used: u64::MAX, told_percent: 255 }, now_ms);
        limiter.note_used(&scope(Level::Key, "k"), used(u64::MAX, i64::MAX), now_ms);
        assert!(limiter.state(&scope(Level::Key, "k"), now_ms).is_some());
    }
}
