//! Several gateways count as one, and as one in memory would.

use super::*;
use crate::limits::{LocalLimiter, Measure, Reservation as LocalReservation, Settled, Standing};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_at_once_over_three_gateways_pass_a_limit_of_a_hundred_exactly_a_hundred_times() {
    let server = Server::start().await;
    let setup = Setup::new(&server);
    let gateways = [setup.gateway("a").await, setup.gateway("b").await, setup.gateway("c").await];
    let (app, bank) = (name("app"), name("bank"));
    let (narrow, wide) = (limits("{\"requests_per_minute\":100}"), limits("{\"tokens_per_minute\":1000}"));
    let reserve = |number: usize| {
        let claim = Claim { customer: Some(Bound { name: &bank, limits: &wide }), ..claim(&app, &narrow, 10, 0) };
        let gateway = &gateways[number % 3];
        async move { gateway.limiter.reserve(&claim, now_ms()).await }
    };
    let outcomes = futures_util::future::join_all((0..1_000).map(reserve)).await;
    let (passed, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!((passed.len(), refused.len()), (100, 900));
    for outcome in refused {
        let Err(NotReserved::Refused(refusal)) = outcome else { panic!("{outcome:?}") };
        assert!((1..=61_000).contains(&refusal.retry_after_ms.unwrap()), "{refusal:?}");
    }
    let settle = passed.into_iter().map(|outcome| async {
        let (mut reservation, _) = outcome.unwrap();
        reservation.settle(used(3, 0), now_ms()).await;
        assert_eq!(reservation.settle(used(99, 0), now_ms()).await, Settled::default());
    });
    futures_util::future::join_all(settle).await;
    for scope in [key("app"), Scope { level: Level::Customer, name: bank.clone() }] {
        let state = gateways[0].state(&scope).await;
        assert_eq!((state.requests_in_minute, state.tokens_in_minute, state.in_flight), (100, 300, 0));
    }
}

/// A gateway with Redis beside a limiter in memory, and what both said.
struct Both {
    gateway: Gateway,
    local: LocalLimiter,
    names: [Arc<str>; 3],
    scopes: [Scope; 3],
    limits: [Arc<Limits>; 2],
    held: Vec<(LocalReservation, SharedReservation)>,
    refusals: HashMap<Measure, u64>,
    random: u64,
}

impl Both {
    async fn new(gateway: Gateway, round: u64, limits: [Arc<Limits>; 2]) -> Self {
        let names = ["k0", "k1", "bank"].map(|text| name(&format!("{text}-{round}")));
        let levels = [Level::Key, Level::Key, Level::Customer];
        let scopes = std::array::from_fn(|at| Scope { level: levels[at], name: Arc::clone(&names[at]) });
        let (held, refusals, local) = (Vec::new(), HashMap::new(), LocalLimiter::new(noon()));
        let both = Self { gateway, local, names, scopes, limits, held, refusals, random: round };
        // Sums that only tell are seeded behind, and count from then on.
        for at in 0..2 {
            both.gateway.limiter.reserve(&both.claim(at, 0, 0), now_ms()).await.unwrap().0.cancel();
        }
        both.gateway.until_state(&both.scopes[2], |state| state.tiyn_of_month.is_some() && state.in_flight == 0).await;
        both
    }

    fn claim(&self, at: usize, tokens: u64, tiyn: u64) -> Claim<'_> {
        let customer = Some(Bound { name: &self.names[2], limits: &self.limits[1] });
        Claim { customer, ..claim(&self.names[at % 2], &self.limits[0], tokens, i64::try_from(tiyn).unwrap()) }
    }

    fn below(&mut self, most: u64) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % most
    }

    async fn step(&mut self) {
        let (at, step) = (self.below(1_000) as usize, self.below(8));
        if step < 4 || self.held.is_empty() {
            return self.reserve(at).await;
        }
        let at = at % self.held.len();
        let (mut mine, mut theirs) = self.held.swap_remove(at);
        if step < 6 {
            let used = used(self.below(80), i64::try_from(self.below(80)).unwrap());
            let (mine, theirs) = (mine.settle(used, now_ms()), theirs.settle(used, now_ms()).await);
            assert_eq!(left(mine.standing), left(theirs.standing));
            assert_eq!(mine.crossings, theirs.crossings);
        } else if step < 7 {
            mine.cancel();
            theirs.cancel();
        }
    }

    async fn reserve(&mut self, at: usize) {
        let (tokens, tiyn, is_free) = (self.below(60), self.below(60), self.below(6) == 0);
        let claim = self.claim(at, tokens, tiyn);
        let claim = if is_free { Claim { cost: None, ..claim } } else { claim };
        let mine = self.local.reserve(&claim, now_ms());
        match (mine, self.gateway.limiter.reserve(&claim, now_ms()).await) {
            (Ok(mine), Ok((reservation, settled))) => {
                assert_eq!(left(mine.standing), left(settled.standing));
                assert_eq!(mine.crossings, settled.crossings);
                self.held.push((mine.reservation, reservation));
            }
            (Err(mine), Err(NotReserved::Refused(theirs))) => {
                assert_eq!((&mine.scope, mine.measure, mine.limit), (&theirs.scope, theirs.measure, theirs.limit));
                assert_eq!(left(mine.standing), left(theirs.standing));
                let wait_ms = |wait: Option<u64>| wait.unwrap_or(u64::MAX);
                // A little time passes between the two.
                assert!(
                    wait_ms(mine.retry_after_ms).abs_diff(wait_ms(theirs.retry_after_ms)) < 5_000,
                    "{mine:?} {theirs:?}"
                );
                *self.refusals.entry(mine.measure).or_default() += 1;
            }
            (mine, theirs) => panic!("{mine:?} {theirs:?}"),
        }
    }

    /// What is told in the background is told at last.
    async fn agree(&self) {
        for (at, scope) in self.scopes.iter().enumerate() {
            let mine = sums(self.local.state(scope, now_ms()).unwrap_or_default(), at == 2);
            self.gateway.until_state(scope, |theirs| sums(theirs, at == 2) == mine).await;
        }
    }
}

/// Every step is taken by both, and both say the same.
#[tokio::test]
async fn it_counts_as_the_limiter_in_memory_does() {
    let server = Server::start().await;
    let setup = Setup::new(&server);
    let mut refusals = HashMap::new();
    // A bound by the minute at a time: at the turn of a second, the two may wait a second longer or less.
    let by_minute =
        ["requests_per_minute\":90", "tokens_per_minute\":900", "requests_per_minute\":25", "tokens_per_minute\":700"];
    for (round, rich) in [1_u64, 3, 10, 40].into_iter().enumerate() {
        let key = format!(
            "{{\"{},\"concurrent_requests\":5,\"tokens_per_day\":{},\
             \"budgets\":[{{\"period\":\"day\",\"tenge\":{},\"hard\":true,\"alert_at_percent\":[25,50,100]}}]}}",
            by_minute[round],
            700 * rich,
            5 * rich,
        );
        let customer = format!(
            "{{\"tokens_per_day\":{},\"concurrent_requests\":8,\"budgets\":[\
             {{\"period\":\"month\",\"tenge\":15,\"hard\":false,\"alert_at_percent\":[10,60,90]}},\
             {{\"period\":\"total\",\"tenge\":{},\"hard\":true,\"alert_at_percent\":[90]}}]}}",
            1_300 * rich,
            9 * rich,
        );
        let gateway = setup.gateway(&round.to_string()).await;
        let mut both = Both::new(gateway, round as u64, [limits(&key), limits(&customer)]).await;
        for _ in 0..250 {
            both.step().await;
            both.agree().await;
        }
        refusals.extend(both.refusals);
    }
    assert!(refusals.len() >= 6, "{refusals:?}");
}

fn left(standing: Standing) -> [Option<(u64, u64)>; 2] {
    [standing.requests, standing.tokens].map(|gauge| gauge.map(|gauge| (gauge.limit, gauge.remaining)))
}

/// What both must count alike. Redis counts only sums that something was held against.
fn sums(state: ScopeState, is_customer: bool) -> [u64; 9] {
    let of = |sum: Option<crate::limits::SumState>| sum.map_or([0, 0], |sum| [sum.used, sum.reserved]);
    let (tokens, money) =
        (of(state.tokens_of_day), if is_customer { of(state.tiyn_ever) } else { of(state.tiyn_of_day) });
    let month = if is_customer { of(state.tiyn_of_month) } else { [0, 0] };
    let [requests, in_minute, in_flight] = [state.requests_in_minute, state.tokens_in_minute, state.in_flight];
    [requests, in_minute, in_flight, tokens[0], tokens[1], money[0], money[1], month[0], month[1]]
}

#[tokio::test]
async fn seconds_leave_when_all_of_them_is_older_than_a_minute() {
    let server = Server::start().await;
    let gateway = Setup::new(&server).gateway("a").await;
    let (app, most) = (name("app"), limits("{\"requests_per_minute\":10,\"tokens_per_minute\":100}"));
    let minute = "{test}:limits:minute:key:app";
    // What happened so many seconds ago, at the end of that second. A second may pass while this is written.
    let now_s: i64 = server.run::<(i64, i64)>(&["TIME"]).await.0;
    let ago = |seconds: i64| (now_s - seconds).to_string();
    let fields = [("h", ago(20)), ("r", "9".into()), ("t", "90".into()), ("c", "0".into())];
    for (field, value) in fields {
        let _: i64 = server.run(&["HSET", minute, field, &value]).await;
    }
    for (seconds, requests) in [(20, 2), (40, 3), (75, 4)] {
        let _: i64 = server.run(&["HSET", minute, &format!("r{}", ago(seconds)), &requests.to_string()]).await;
        let _: i64 = server.run(&["HSET", minute, &format!("t{}", ago(seconds)), &(requests * 10).to_string()]).await;
    }
    let state = gateway.state(&key("app")).await;
    assert_eq!((state.requests_in_minute, state.tokens_in_minute), (5, 50));
    let held: Vec<_> = [(); 5].into_iter().collect();
    let mut reservations = Vec::new();
    for () in held {
        reservations.push(gateway.limiter.reserve(&claim(&app, &most, 0, 0), now_ms()).await.unwrap());
    }
    let refused = gateway.limiter.reserve(&claim(&app, &most, 80, 0), now_ms()).await;
    let Err(NotReserved::Refused(refusal)) = refused else { panic!("{refused:?}") };
    // 30 tokens have to go: those of 40 s ago will do.
    let wait_ms = refusal.retry_after_ms.unwrap();
    assert!((15_000..=21_000).contains(&wait_ms), "{refusal:?}");
    assert_eq!(refusal.standing.tokens.unwrap().remaining, 50);
    let refused = gateway.limiter.reserve(&claim(&app, &most, 101, 0), now_ms()).await;
    let Err(NotReserved::Refused(refusal)) = refused else { panic!("{refused:?}") };
    assert_eq!((refusal.measure, refusal.retry_after_ms), (Measure::TokensPerMinute, None));
}

#[tokio::test]
async fn a_clock_that_was_set_back_forgets_nothing_and_stops_nothing() {
    let server = Server::start().await;
    let gateway = Setup::new(&server).gateway("a").await;
    let minute = "{test}:limits:minute:key:app";
    let ahead_s = server.run::<(u64, u64)>(&["TIME"]).await.0 + 100_000;
    let words = ["HSET", minute, "h", &ahead_s.to_string(), "r", "3", "t", "30", "c", "0"];
    let _: i64 = server.run(&words).await;
    let _: i64 = server.run(&["HSET", minute, &format!("r{ahead_s}"), "3", &format!("t{ahead_s}"), "30"]).await;
    let (app, most) = (name("app"), limits("{\"requests_per_minute\":4}"));
    let (mut reservation, settled) = gateway.limiter.reserve(&claim(&app, &most, 10, 0), now_ms()).await.unwrap();
    let requests = settled.standing.requests.unwrap();
    assert!(requests.remaining == 0 && requests.reset_ms <= 62_000, "{requests:?}");
    reservation.settle(used(4, 0), now_ms()).await;
    let state = gateway.state(&key("app")).await;
    assert_eq!((state.requests_in_minute, state.tokens_in_minute, state.in_flight), (4, 34, 0));
}

#[tokio::test]
async fn nothing_overflows_and_everything_expires() {
    let server = Server::start().await;
    let setup = Setup::new(&server);
    let gateway = setup.gateway("a").await;
    let (app, none) = (name("app"), Arc::default());
    let most = limits(
        "{\"tokens_per_minute\":18446744073709551615,\"tokens_per_day\":18446744073709551615,\
         \"budgets\":[{\"period\":\"total\",\"tenge\":\"92233720368547758.07\",\"hard\":true,\
         \"alert_at_percent\":[1,255]}]}",
    );
    setup.book.write("app", Sum::TiynEver, u64::MAX);
    let mut reservations = Vec::new();
    for limits in [&none, &most, &most] {
        for _ in 0..3 {
            if let Ok((reservation, _)) =
                gateway.limiter.reserve(&claim(&app, limits, u64::MAX, i64::MAX), now_ms()).await
            {
                reservations.push(reservation);
            }
        }
    }
    for reservation in &mut reservations {
        reservation.settle(used(u64::MAX, i64::MAX), u64::MAX).await;
    }
    gateway.limiter.note_used(&key("app"), used(u64::MAX, i64::MAX), u64::MAX, u64::MAX);
    let held = gateway.limiter.reserve(&claim(&name("other"), &none, 5, 5), now_ms()).await.unwrap();
    assert!(gateway.limiter.is_shared());
    gateway.state(&key("app")).await;
    let names: Vec<String> = server.run(&["KEYS", "*"]).await;
    assert!(names.len() >= 5, "{names:?}");
    for name in names {
        let left_ms: i64 = server.run(&["PTTL", &name]).await;
        assert!(left_ms > 0, "{name}");
        assert!(name.starts_with("{test}:limits:"), "{name}");
    }
    drop(held);
}

#[tokio::test]
async fn scripts_that_redis_has_forgotten_are_given_again() {
    let server = Server::start().await;
    let gateway = Setup::new(&server).gateway("a").await;
    let (app, none) = (name("app"), Arc::default());
    for _ in 0..2 {
        let _: String = server.run(&["SCRIPT", "FLUSH"]).await;
        let (mut reservation, _) = gateway.limiter.reserve(&claim(&app, &none, 5, 5), now_ms()).await.unwrap();
        let _: String = server.run(&["SCRIPT", "FLUSH"]).await;
        reservation.settle(used(5, 5), now_ms()).await;
    }
    let state = gateway.state(&key("app")).await;
    assert_eq!((state.requests_in_minute, state.in_flight), (2, 0));
}

/// One call for a reservation and one for its end, whatever the levels.
#[tokio::test]
async fn a_request_costs_two_round_trips() {
    let server = Server::start().await;
    let gateway = Setup::new(&server).gateway("a").await;
    let (app, most) = (name("app"), limits("{\"tokens_per_day\":1000}"));
    let bound = Some(Bound { name: &app, limits: &most });
    let claim = Claim { key: bound, project: bound, customer: bound, tokens: 1, cost: None };
    for round in 0..2 {
        let before = calls(&server).await;
        let (mut reservation, _) = gateway.limiter.reserve(&claim, now_ms()).await.unwrap();
        reservation.settle(used(1, 0), now_ms()).await;
        let after = calls(&server).await;
        // The first time, scripts are given and sums seeded.
        assert!(round == 0 || after - before == 2, "{before} {after}");
    }
}

async fn calls(server: &Server) -> u64 {
    let info: String = server.run(&["INFO", "commandstats"]).await;
    let of = |word: &str| {
        let line = info.lines().find(|line| line.starts_with(&format!("cmdstat_{word}:calls=")));
        line.map_or(0, |line| line.split(['=', ',']).nth(1).unwrap().parse::<u64>().unwrap())
    };
    of("eval") + of("evalsha")
}
