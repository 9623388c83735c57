//! Redis is stopped, hangs, or comes back empty.

use std::time::Instant;

use super::*;

#[tokio::test]
async fn without_redis_nothing_is_let_through_if_so_told() {
    let mut server = Server::start().await;
    let mut setup = Setup::new(&server);
    setup.settings.timeout = Duration::from_secs(1);
    let gateway = setup.gateway("a").await;
    let (app, most) = (name("app"), limits("{\"concurrent_requests\":2}"));
    let (mut held, _) = gateway.limiter.reserve(&claim(&app, &most, 1, 1), now_ms()).await.unwrap();
    server.stop();
    for _ in 0..3 {
        let begun = Instant::now();
        let refused = gateway.limiter.reserve(&claim(&app, &most, 1, 1), now_ms()).await.unwrap_err();
        assert_eq!(refused, NotReserved::Unavailable(Unavailable::Counts));
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
    assert_eq!(gateway.limiter.state(&key("app"), now_ms()).await, Err(Unavailable::Counts));
    // Its end is told when there is somebody to tell.
    held.settle(used(1, 1), now_ms()).await;
    server.start_again().await;
    assert!(gateway.limiter.connected(BOUND).await);
    gateway.limiter.reserve(&claim(&app, &most, 1, 1), now_ms()).await.unwrap();
}

#[tokio::test]
async fn without_redis_each_gateway_lets_its_share_through() {
    let mut server = Server::start().await;
    let mut setup = Setup::new(&server);
    (setup.settings.when_away, setup.settings.timeout) = (share_of(3), Duration::from_secs(1));
    let gateway = setup.gateway("a").await;
    setup.book.write("app", Sum::TiynOfDay, 400);
    let (app, most) = (
        name("app"),
        limits(
            "{\"requests_per_minute\":30,\
             \"budgets\":[{\"period\":\"day\",\"tenge\":10,\"hard\":true,\"alert_at_percent\":[60]}]}",
        ),
    );
    let (mut before, _) = gateway.limiter.reserve(&claim(&app, &most, 1, 10), now_ms()).await.unwrap();
    server.stop();
    let asks = async || gateway.limiter.reserve(&claim(&app, &most, 1, 10), now_ms()).await;
    let (mut alone, _) = asks().await.unwrap();
    assert!(alone.is_alone() && !before.is_alone());
    // 600 tiyn were left, of them 200 for this gateway, less 10 under way.
    until("the ledger has answered", async || {
        let state = gateway.limiter.state(&key("app"), now_ms()).await.unwrap();
        (state.tiyn_of_day.unwrap().used >= 134).then_some(())
    })
    .await;
    let mut passed = Vec::new();
    while let Ok((reservation, _)) = asks().await {
        passed.push(reservation);
        assert!(passed.len() < 100);
    }
    // A minute that began with Redis goes on: two of ten were there.
    assert_eq!(passed.len(), 8);
    // One that went out under Redis ends without it, and is told of later, like those that it never knew.
    before.settle(used(1, 5), now_ms()).await;
    alone.settle(used(1, 7), now_ms()).await;
    passed.into_iter().for_each(drop);
    let begun_ms = now_ms();
    // It comes back, and has forgotten all. The ledger knows by then.
    setup.book.write("app", Sum::TiynOfDay, 400 + 5 + 7 + 80);
    server.start_again().await;
    assert!(gateway.limiter.connected(BOUND).await);
    let (reservation, _) = gateway.limiter.reserve(&claim(&app, &most, 1, 1), now_ms()).await.unwrap();
    assert!(!reservation.is_alone());
    let state = gateway.state(&key("app")).await;
    assert_eq!(state.tiyn_of_day.map(|sum| (sum.used, sum.reserved)), Some((492, 1)), "{begun_ms}");
}

#[tokio::test]
async fn what_was_used_without_redis_counts_when_it_is_back_with_all_that_it_knew() {
    let server = Server::start().await;
    let mut setup = Setup::new(&server);
    (setup.settings.when_away, setup.settings.timeout) = (share_of(2), Duration::from_secs(1));
    let gateway = setup.gateway("a").await;
    let (app, most) = (
        name("app"),
        limits("{\"concurrent_requests\":40,\"budgets\":[{\"period\":\"day\",\"tenge\":100,\"hard\":true}]}"),
    );
    let asks = async || gateway.limiter.reserve(&claim(&app, &most, 1, 100), now_ms()).await;
    let (mut first, _) = asks().await.unwrap();
    // It hangs: whoever asked waits for the time-out, and nobody after that.
    server.signal("-STOP");
    let begun = Instant::now();
    let (mut alone, _) = asks().await.unwrap();
    assert!(alone.is_alone() && (900..5_000).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
    let begun = Instant::now();
    let (cancelled, _) = asks().await.unwrap();
    assert!(begun.elapsed() < Duration::from_millis(900));
    let mut cancelled = cancelled;
    cancelled.cancel();
    first.settle(used(1, 30), now_ms()).await;
    alone.settle(used(1, 7), now_ms()).await;
    server.signal("-CONT");
    assert!(gateway.limiter.connected(BOUND).await);
    // What hung was carried out in the end, and taken back.
    let state = gateway
        .until_state(&key("app"), |state| {
            state.in_flight == 0 && state.tiyn_of_day.is_some_and(|sum| sum.reserved == 0)
        })
        .await;
    assert_eq!(state.tiyn_of_day.map(|sum| sum.used), Some(37));
    assert_eq!(state.requests_in_minute, 1);
}

#[tokio::test]
async fn a_gateway_starts_without_redis_and_finds_it_later() {
    let mut server = Server::start().await;
    let mut setup = Setup::new(&server);
    setup.settings.when_away = share_of(2);
    server.stop();
    setup.settings.gateway = "a".into();
    let ledger = Arc::clone(&setup.book) as Arc<dyn Ledger>;
    let limiter = SharedLimiter::start(&setup.settings, ledger, Box::new(|_| {})).unwrap();
    let (app, most) = (name("app"), limits("{\"requests_per_minute\":2}"));
    assert!(limiter.reserve(&claim(&app, &most, 1, 1), now_ms()).await.is_ok());
    assert!(limiter.reserve(&claim(&app, &most, 1, 1), now_ms()).await.is_err());
    assert!(!limiter.is_shared());
    server.start_again().await;
    assert!(limiter.connected(BOUND).await);
    assert!(limiter.reserve(&claim(&app, &most, 1, 1), now_ms()).await.is_ok());
}

/// Without room for more, Redis counts nothing by halves.
#[tokio::test]
async fn a_redis_that_is_full_is_away() {
    let server = Server::start().await;
    let setup = Setup::new(&server);
    let gateway = setup.gateway("a").await;
    let bounds = ["app", "project", "bank"].map(name);
    let most = limits("{\"requests_per_minute\":100,\"tokens_per_day\":100}");
    let bound = |at: usize| Some(Bound { name: &bounds[at], limits: &most });
    let claim = Claim { key: bound(0), project: bound(1), customer: bound(2), tokens: 3, cost: None };
    let (mut held, _) = gateway.limiter.reserve(&claim, now_ms()).await.unwrap();
    let _: String = server.run(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let refused = gateway.limiter.reserve(&claim, now_ms()).await.unwrap_err();
    assert_eq!(refused, NotReserved::Unavailable(Unavailable::Counts));
    held.settle(used(5, 0), now_ms()).await;
    let _: String = server.run(&["CONFIG", "SET", "maxmemory", "0"]).await;
    assert!(gateway.limiter.connected(BOUND).await);
    for (level, name) in Level::ALL.into_iter().zip(&bounds) {
        let scope = Scope { level, name: Arc::clone(name) };
        let state = gateway.until_state(&scope, |state| state.in_flight == 0).await;
        assert_eq!((state.requests_in_minute, state.tokens_in_minute), (1, 5));
        assert_eq!(state.tokens_of_day.map(|sum| (sum.used, sum.reserved)), Some((5, 0)));
    }
}
