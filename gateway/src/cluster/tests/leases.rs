//! What a gateway holds comes back when it is gone, and not before.

use super::*;

const MOST: &str = "{\"concurrent_requests\":1,\"budgets\":[{\"period\":\"total\",\"tenge\":1,\"hard\":true}]}";

#[tokio::test]
async fn what_a_gateway_that_is_gone_has_held_comes_back() {
    let server = Server::start().await;
    let mut setup = Setup::new(&server);
    (setup.settings.timeout, setup.settings.lease) = (Duration::from_millis(400), Duration::from_millis(1_300));
    let (gone, stays) = (setup.gateway("gone").await, setup.gateway("stays").await);
    let (app, most) = (name("app"), limits(MOST));
    let (mut held, _) = gone.limiter.reserve(&claim(&app, &most, 7, 90), now_ms()).await.unwrap();
    let refused = stays.limiter.reserve(&claim(&app, &most, 7, 5), now_ms()).await;
    assert!(matches!(refused, Err(NotReserved::Refused(_))), "{refused:?}");
    gone.limiter.crash();
    let (next, _) =
        until("its place comes back", async || stays.limiter.reserve(&claim(&app, &most, 7, 50), now_ms()).await.ok())
            .await;
    let state = stays.state(&key("app")).await;
    assert_eq!((state.in_flight, state.tiyn_ever.map(|sum| (sum.used, sum.reserved))), (1, Some((0, 50))));
    // It was not gone after all: what it used counts, once.
    held.settle(used(3, 30), now_ms()).await;
    drop(next);
    let state = stays.until_state(&key("app"), |state| state.in_flight == 0).await;
    assert_eq!(state.tiyn_ever.map(|sum| (sum.used, sum.reserved)), Some((80, 0)));
    assert_eq!((state.requests_in_minute, state.tokens_in_minute), (2, 10));
}

#[tokio::test]
async fn leases_of_long_answers_are_renewed() {
    let server = Server::start().await;
    let mut setup = Setup::new(&server);
    (setup.settings.timeout, setup.settings.lease) = (Duration::from_millis(400), Duration::from_millis(1_300));
    let gateway = setup.gateway("a").await;
    let (app, most) = (name("app"), limits(MOST));
    let (_held, _) = gateway.limiter.reserve(&claim(&app, &most, 7, 90), now_ms()).await.unwrap();
    let mut ends: Vec<f64> = Vec::new();
    until("it is renewed three times", async || {
        let leases: Vec<(String, f64)> = server.run(&["ZRANGE", "{test}:limits:leases", "0", "-1", "WITHSCORES"]).await;
        assert_eq!(leases.len(), 1);
        if ends.last() != Some(&leases[0].1) {
            ends.push(leases[0].1);
        }
        (ends.len() > 3).then_some(())
    })
    .await;
    assert!(gateway.limiter.reserve(&claim(&app, &most, 7, 5), now_ms()).await.is_err());
}

/// Whoever asks goes away in the middle of it: nothing stays held, and what was used counts once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_go_away_at_any_moment_leave_nothing_behind() {
    let server = Server::start().await;
    let setup = Setup::new(&server);
    let gateway = setup.gateway("a").await;
    let (app, most) = (
        name("app"),
        limits("{\"concurrent_requests\":1000,\"budgets\":[{\"period\":\"total\",\"tenge\":100000,\"hard\":true}]}"),
    );
    // So that the sum is there.
    drop(gateway.limiter.reserve(&claim(&app, &most, 0, 0), now_ms()).await.unwrap());
    let mut settled = 0;
    for step in 0..300_u64 {
        let moment = Duration::from_micros(step * 7 % 500);
        let claim = claim(&app, &most, 1, 1);
        let reserving = gateway.limiter.reserve(&claim, now_ms());
        let Ok(Ok((mut reservation, _))) = tokio::time::timeout(moment, reserving).await else { continue };
        settled += 1;
        let _ = tokio::time::timeout(moment / 2, reservation.settle(used(3, 3), now_ms())).await;
    }
    let state =
        gateway.until_state(&key("app"), |state| state.in_flight == 0 && state.tiyn_ever.unwrap().reserved == 0).await;
    assert_eq!((state.tokens_in_minute, state.tiyn_ever.unwrap().used), (settled * 3, settled * 3));
    assert_eq!(state.requests_in_minute, settled + 1);
    let names: Vec<String> = server.run(&["KEYS", "{test}:limits:lease:*"]).await;
    assert!(names.is_empty(), "{names:?}");
}

#[tokio::test]
async fn before_the_end_of_a_gateway_redis_is_told_all_that_is_owed() {
    let server = Server::start().await;
    let setup = Setup::new(&server);
    let limiter = Limiter::Shared(setup.gateway("a").await.limiter);
    let (app, most) = (name("app"), limits("{\"concurrent_requests\":500}"));
    let mut held = Vec::new();
    for _ in 0..300 {
        held.push(limiter.reserve(&claim(&app, &most, 2, 2), now_ms()).await.unwrap().reservation);
    }
    for (at, reservation) in held.iter_mut().enumerate() {
        if at % 2 == 0 {
            reservation.settle_later(used(5, 5), now_ms());
        }
    }
    drop(held);
    assert!(limiter.is_whole());
    limiter.close().await;
    let state = limiter.state(&key("app"), now_ms()).await.unwrap();
    assert_eq!((state.in_flight, state.tokens_in_minute), (0, 150 * 7));
}
