//! Whatever is done in whatever order, the limiter does what a list of everything that happened would say.

use proptest::prelude::*;

use super::*;

const DAY_MS: u64 = 86_400_000;
const KEYS: usize = 2;

#[derive(Debug, Clone, Copy)]
enum Step {
    Reserve { key: usize, tokens: u64, tiyn: u64 },
    Settle { at: usize, tokens: u64, tiyn: u64 },
    Cancel { at: usize },
    Drop { at: usize },
    Wait { ms: u64 },
}

/// One request that was let through.
#[derive(Debug, Clone, Copy)]
struct Entry {
    key: usize,
    at_ms: u64,
    tokens: u64,
    tiyn: u64,
    /// What was claimed, while it is under way.
    claimed: Option<u64>,
    is_cancelled: bool,
}

/// Everything that happened.
#[derive(Debug, Default)]
struct Log {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Most {
    requests: u64,
    tokens: u64,
    tokens_of_day: u64,
    places: u64,
    tiyn_of_day: u64,
    tiyn_ever: u64,
}

impl Most {
    fn limits(self) -> Arc<Limits> {
        limits(&format!(
            "{{\"requests_per_minute\":{},\"tokens_per_minute\":{},\"tokens_per_day\":{},\"concurrent_requests\":{},\
             \"budgets\":[{{\"period\":\"day\",\"tenge\":\"{}.{:02}\",\"hard\":true}},\
             {{\"period\":\"total\",\"tenge\":\"{}.{:02}\",\"hard\":true}}]}}",
            self.requests,
            self.tokens,
            self.tokens_of_day,
            self.places,
            self.tiyn_of_day / 100,
            self.tiyn_of_day % 100,
            self.tiyn_ever / 100,
            self.tiyn_ever % 100,
        ))
    }
}

impl Log {
    fn counted(&self, key: Option<usize>) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| !entry.is_cancelled && key.is_none_or(|key| key == entry.key))
    }

    fn in_minute(&self, key: Option<usize>, now_ms: u64) -> impl Iterator<Item = &Entry> {
        // A second leaves with the last of its milliseconds.
        self.counted(key).filter(move |entry| (entry.at_ms / 1_000 + 61) * 1_000 > now_ms)
    }

    fn today(&self, key: Option<usize>, now_ms: u64) -> impl Iterator<Item = &Entry> {
        self.counted(key).filter(move |entry| entry.at_ms / DAY_MS == now_ms / DAY_MS)
    }

    fn under_way(&self, key: Option<usize>) -> usize {
        self.counted(key).filter(|entry| entry.claimed.is_some()).count()
    }

    fn has_room(&self, key: Option<usize>, most: Most, (tokens, tiyn): (u64, u64), now_ms: u64) -> bool {
        self.in_minute(key, now_ms).count() < most.requests as usize
            && self.in_minute(key, now_ms).map(|entry| entry.tokens).sum::<u64>() + tokens <= most.tokens
            && self.today(key, now_ms).map(|entry| entry.tokens).sum::<u64>() + tokens <= most.tokens_of_day
            && self.under_way(key) < most.places as usize
            && self.today(key, now_ms).map(|entry| entry.tiyn).sum::<u64>() + tiyn <= most.tiyn_of_day
            && self.counted(key).map(|entry| entry.tiyn).sum::<u64>() + tiyn <= most.tiyn_ever
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..KEYS, 0..40_u64, 0..30_u64).prop_map(|(key, tokens, tiyn)| Step::Reserve { key, tokens, tiyn }),
        3 => (any::<usize>(), 0..60_u64, 0..50_u64).prop_map(|(at, tokens, tiyn)| Step::Settle { at, tokens, tiyn }),
        1 => any::<usize>().prop_map(|at| Step::Cancel { at }),
        1 => any::<usize>().prop_map(|at| Step::Drop { at }),
        4 => prop_oneof![0..1_500_u64, 0..70_000_u64, Just(DAY_MS / 5)].prop_map(|ms| Step::Wait { ms }),
    ];
    prop::collection::vec(step, 1..120)
}

fn most() -> impl Strategy<Value = Most> {
    (1..12_u64, 1..150_u64, 1..400_u64, 1..6_u64, 0..300_u64, 0..900_u64).prop_map(
        |(requests, tokens, tokens_of_day, places, tiyn_of_day, tiyn_ever)| Most {
            requests,
            tokens,
            tokens_of_day,
            places,
            tiyn_of_day,
            tiyn_ever,
        },
    )
}

/// The limiter beside the log, and what both say.
struct Both {
    limiter: LocalLimiter,
    log: Log,
    held: Vec<(usize, Reservation)>,
    keys: [Arc<str>; KEYS],
    customer: Arc<str>,
    most: [Most; 2],
    limits: [Arc<Limits>; 2],
    now_ms: u64,
}

impl Both {
    fn new(most: [Most; 2]) -> Self {
        Self {
            limiter: LocalLimiter::new(OFFSET),
            log: Log::default(),
            held: Vec::new(),
            keys: [name("a"), name("b")],
            customer: name("bank"),
            limits: most.map(Most::limits),
            most,
            now_ms: 20_000 * DAY_MS + 12_345_678,
        }
    }

    fn claim(&self, key: usize, tokens: u64, tiyn: u64) -> Claim<'_> {
        Claim {
            customer: Some(Bound { name: &self.customer, limits: &self.limits[1] }),
            ..claim(&self.keys[key], &self.limits[0], tokens, i64::try_from(tiyn).unwrap())
        }
    }

    fn take(&mut self, at: usize) -> Option<(usize, Reservation)> {
        if self.held.is_empty() { None } else { Some(self.held.swap_remove(at % self.held.len())) }
    }

    fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Wait { ms } => self.now_ms += ms,
            Step::Reserve { key, tokens, tiyn } => self.reserve(key, tokens, tiyn)?,
            Step::Settle { at, tokens, tiyn } => {
                let Some((entry, mut reservation)) = self.take(at) else { return Ok(()) };
                reservation.settle(used(tokens, i64::try_from(tiyn).unwrap()), self.now_ms);
                reservation.settle(used(1, 1), self.now_ms);
                let entry = &mut self.log.entries[entry];
                (entry.tokens, entry.tiyn, entry.claimed) = (tokens, tiyn, None);
            }
            Step::Cancel { at } => {
                let Some((entry, mut reservation)) = self.take(at) else { return Ok(()) };
                reservation.cancel();
                (self.log.entries[entry].is_cancelled, self.log.entries[entry].claimed) = (true, None);
            }
            Step::Drop { at } => {
                let Some((entry, _)) = self.take(at) else { return Ok(()) };
                self.log.entries[entry].claimed = None;
            }
        }
        Ok(())
    }

    fn reserve(&mut self, key: usize, tokens: u64, tiyn: u64) -> Result<(), TestCaseError> {
        let amounts = (tokens, tiyn);
        let has_room = self.log.has_room(Some(key), self.most[0], amounts, self.now_ms)
            && self.log.has_room(None, self.most[1], amounts, self.now_ms);
        match self.limiter.reserve(&self.claim(key, tokens, tiyn), self.now_ms) {
            Ok(reserved) => {
                prop_assert!(has_room, "let through: {:?}", self.log);
                self.held.push((self.log.entries.len(), reserved.reservation));
                let at_ms = self.now_ms;
                self.log.entries.push(Entry { key, at_ms, tokens, tiyn, claimed: Some(tiyn), is_cancelled: false });
            }
            Err(refusal) => {
                prop_assert!(!has_room, "refused: {refusal:?} {:?}", self.log);
                self.check_wait(key, amounts, &refusal)?;
            }
        }
        Ok(())
    }

    /// With nothing else happening, there is room after the wait and not a moment before.
    fn check_wait(&self, key: usize, amounts: (u64, u64), refusal: &Refusal) -> Result<(), TestCaseError> {
        let at = |now_ms| {
            self.log.has_room(Some(key), self.most[0], amounts, now_ms)
                && self.log.has_room(None, self.most[1], amounts, now_ms)
        };
        match refusal.retry_after_ms {
            None => prop_assert!((1..3).all(|days| !at(self.now_ms + days * DAY_MS))),
            // Requests under way are in the way.
            Some(1_000) => {}
            Some(wait_ms) => {
                prop_assert!(at(self.now_ms + wait_ms) || !self.held.is_empty(), "{refusal:?}");
                prop_assert!(!at(self.now_ms + wait_ms - 1), "{refusal:?}");
            }
        }
        Ok(())
    }

    fn check_counts(&self) -> Result<(), TestCaseError> {
        for (scope, key) in [
            (scope(Level::Key, "a"), Some(0)),
            (scope(Level::Key, "b"), Some(1)),
            (scope(Level::Customer, "bank"), None),
        ] {
            let state = self.limiter.state(&scope, self.now_ms).unwrap_or_default();
            let log = &self.log;
            prop_assert_eq!(state.requests_in_minute, log.in_minute(key, self.now_ms).count() as u64);
            prop_assert_eq!(
                state.tokens_in_minute,
                log.in_minute(key, self.now_ms).map(|entry| entry.tokens).sum::<u64>()
            );
            prop_assert_eq!(state.in_flight, log.under_way(key) as u64);
            let all = state.tiyn_ever.map_or(0, |sum| sum.used + sum.reserved);
            prop_assert_eq!(all, log.counted(key).map(|entry| entry.tiyn).sum::<u64>());
            let reserved = state.tiyn_of_day.map_or(0, |sum| sum.reserved);
            prop_assert_eq!(reserved, log.today(key, self.now_ms).filter_map(|entry| entry.claimed).sum::<u64>());
        }
        Ok(())
    }

    /// In no 60 s more requests than the limit, counted from each that was let through.
    fn check_spans(&self) -> Result<(), TestCaseError> {
        for (key, most) in [(Some(0), self.most[0]), (Some(1), self.most[0]), (None, self.most[1])] {
            for first in self.log.counted(key) {
                let span = first.at_ms..first.at_ms + 60_000;
                let within = self.log.counted(key).filter(|entry| span.contains(&entry.at_ms)).count() as u64;
                prop_assert!(within <= most.requests);
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn the_limiter_does_what_a_log_would_say(most in (most(), most()), steps in steps()) {
        let mut both = Both::new([most.0, most.1]);
        for step in steps {
            both.step(step)?;
            both.check_counts()?;
        }
        both.check_spans()?;
        // When all is over, nothing but money that was spent is left.
        both.held.clear();
        both.now_ms += 2 * DAY_MS;
        for scope in [scope(Level::Key, "a"), scope(Level::Key, "b"), scope(Level::Customer, "bank")] {
            let state = both.limiter.state(&scope, both.now_ms).unwrap_or_default();
            prop_assert_eq!((state.requests_in_minute, state.tokens_in_minute, state.in_flight), (0, 0, 0));
            for sum in [state.tokens_of_day, state.tiyn_of_day].into_iter().flatten() {
                prop_assert_eq!((sum.used, sum.reserved), (0, 0));
            }
            prop_assert_eq!(state.tiyn_ever.map_or(0, |sum| sum.reserved), 0);
        }
    }

    /// Whatever comes, a hard budget is exceeded by no more than requests went beyond their claims.
    #[test]
    fn a_hard_budget_is_exceeded_only_by_what_went_beyond_claims(
        budget in 0..300_u64,
        requests in prop::collection::vec((0..60_u64, 0..90_u64, any::<bool>()), 1..60),
    ) {
        let limiter = LocalLimiter::new(OFFSET);
        let (tenge, tiyn) = (budget / 100, budget % 100);
        let amount = format!("\"{tenge}.{tiyn:02}\"");
        let json = format!("{{\"budgets\":[{{\"period\":\"total\",\"tenge\":{amount},\"hard\":true}}]}}");
        let (key, most) = (name("k"), limits(&json));
        let (mut held, mut beyond) = (Vec::new(), 0);
        for (claimed, really, settles_first) in requests {
            if settles_first {
                for (mut reservation, claimed, really) in held.drain(..) {
                    Reservation::settle(&mut reservation, used(0, i64::try_from(really).unwrap()), 0);
                    beyond += u64::saturating_sub(really, claimed);
                }
            }
            let state = limiter.state(&scope(Level::Key, "k"), 0).and_then(|state| state.tiyn_ever);
            prop_assert!(state.map_or(0, |sum| sum.used + sum.reserved) <= budget + beyond);
            if let Ok(reserved) = limiter.reserve(&claim(&key, &most, 0, i64::try_from(claimed).unwrap()), 0) {
                held.push((reserved.reservation, claimed, really));
            }
        }
    }
}
