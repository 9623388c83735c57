//! Many at once.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::*;

#[test]
fn a_thousand_at_once_pass_a_limit_of_a_hundred_exactly_a_hundred_times() {
    let limiter = LocalLimiter::new(OFFSET);
    let (project, customer) = (name("bank/app"), name("bank"));
    let (wide, narrow) = (limits("{\"requests_per_minute\":900}"), limits("{\"requests_per_minute\":100}"));
    let (passed, barrier) = (AtomicU64::new(0), Barrier::new(1_000));
    thread::scope(|threads| {
        for number in 0..1_000_u64 {
            let (limiter, project, customer, wide, narrow) = (&limiter, &project, &customer, &wide, &narrow);
            let (passed, barrier) = (&passed, &barrier);
            threads.spawn(move || {
                let key = name(&format!("bank/app/{}", number % 7));
                let claim = Claim {
                    key: Some(Bound { name: &key, limits: wide }),
                    project: Some(Bound { name: project, limits: narrow }),
                    customer: Some(Bound { name: customer, limits: wide }),
                    tokens: 3,
                    cost: None,
                };
                barrier.wait();
                // They take two seconds, and their clocks are not quite in step.
                if let Ok(mut reserved) = limiter.reserve(&claim, 1_000_000 + number * 2) {
                    passed.fetch_add(1, Ordering::Relaxed);
                    reserved.reservation.settle(used(1, 0), 1_000_000 + number * 2);
                }
            });
        }
    });
    assert_eq!(passed.load(Ordering::Relaxed), 100);
    for scope in [scope(Level::Project, "bank/app"), scope(Level::Customer, "bank")] {
        let state = limiter.state(&scope, 1_003_000).unwrap();
        assert_eq!((state.requests_in_minute, state.tokens_in_minute, state.in_flight), (100, 100, 0));
    }
}

#[test]
fn claims_that_share_scopes_in_every_way_never_wait_for_each_other_in_a_circle() {
    let limiter = LocalLimiter::new(OFFSET);
    let most = limits("{\"concurrent_requests\":3,\"budgets\":[{\"period\":\"day\",\"tenge\":50,\"hard\":true}]}");
    let under_way = AtomicU64::new(0);
    thread::scope(|threads| {
        for thread in 0..8_u64 {
            let (limiter, most, under_way) = (&limiter, &most, &under_way);
            threads.spawn(move || {
                for step in 0..2_000_u64 {
                    let names =
                        [step + thread, step / 3 + thread, step % 2].map(|number| name(&(number % 3).to_string()));
                    let bound = |at: usize| Some(Bound { name: &names[at], limits: most });
                    // One thread's minutes are others' days: scopes come and go.
                    let claim = Claim { key: bound(0), project: bound(1), customer: bound(2), tokens: 1, cost: None };
                    let Ok(mut reserved) = limiter.reserve(&claim, step * 100_000) else { continue };
                    assert!(under_way.fetch_add(1, Ordering::SeqCst) < 6);
                    under_way.fetch_sub(1, Ordering::SeqCst);
                    match step % 3 {
                        0 => reserved.reservation.cancel(),
                        1 => drop(reserved.reservation.settle(used(2, 1), step * 100_000)),
                        _ => {}
                    }
                }
            });
        }
    });
    let end_ms = 3_000 * 100_000;
    for level in Level::ALL {
        for number in 0..3 {
            let state = limiter.state(&scope(level, &number.to_string()), end_ms).unwrap_or_default();
            assert_eq!((state.in_flight, state.requests_in_minute), (0, 0));
        }
    }
}
