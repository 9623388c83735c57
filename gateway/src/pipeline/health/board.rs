//! The breakers' side of what gateways tell each other: what this one knows as durations, and what others say as times of
//! this gateway's clock.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::breaker::{Breakers, MAX_REST_MS, Trouble};
use super::telling::What;
use super::{DeploymentKey, Health};
use crate::cluster::{Heard, News, Rest, RestBoard, Word};
use crate::pipeline::Sources;
use crate::providers::FailureKind;

/// How often something may have failed in a row, as far as it matters.
const MOST_IN_A_ROW: u32 = 1_000;

pub(in crate::pipeline) struct Board {
    pub(in crate::pipeline) health: Arc<Health>,
    pub(in crate::pipeline) sources: Sources,
}

impl Board {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.sources.now().as_millisecond()).unwrap_or_default()
    }
}

impl RestBoard for Board {
    fn news(&self, most: usize) -> Vec<News> {
        let (breakers, now_ms) = (&self.health.breakers, self.now_ms());
        let mut news = Vec::new();
        for (name, pending) in breakers.telling.pending(most) {
            let word = match pending.what {
                What::Rests => breakers.rest_as_told(&pending.key, now_ms).map(Word::Rests),
                What::Well { began_ms } => Some(Word::Well { began_ago_ms: now_ms.saturating_sub(began_ms) }),
                What::Asks => breakers.over_ms(&pending.key, now_ms).map(|over_ms| Word::Asks { over_ms }),
            };
            match word {
                Some(word) => news.push(News { name, serial: pending.serial, word }),
                None => breakers.telling.told(&name, pending.serial),
            }
        }
        news
    }

    fn told(&self, news: &[News]) {
        for News { name, serial, .. } in news {
            self.health.breakers.telling.told(name, *serial);
        }
    }

    fn hear(&self, heard: Vec<Heard>) {
        let (breakers, now_ms) = (&self.health.breakers, self.now_ms());
        for Heard { name, is_own, may_try, word } in heard {
            let Some(key) = breakers.telling.heard_of(&name) else { continue };
            match word {
                Word::Well { began_ago_ms } if !is_own => {
                    if breakers.hear_well(&key, now_ms.saturating_sub(began_ago_ms)) {
                        let (provider, model) = (&*key.0, &*key.1);
                        tracing::info!(provider, model, "another gateway says that a deployment answers again");
                    }
                }
                Word::Rests(rest) => {
                    if !is_own && breakers.hear_rest(&key, &rest, now_ms) {
                        let (provider, model, kind) = (&*key.0, &*key.1, rest.kind.as_str());
                        tracing::info!(provider, model, kind, "another gateway says that a deployment rests");
                    }
                    breakers.may_try(&key, may_try);
                }
                Word::Well { .. } | Word::Asks { .. } => {}
            }
        }
    }

    fn set_shared(&self, is_shared: bool) {
        self.health.breakers.is_shared.store(is_shared, Ordering::Relaxed);
    }

    fn generation(&self) -> u64 {
        self.health.breakers.telling.generation()
    }

    fn tell_all(&self) {
        for key in self.health.breakers.own_rests(self.now_ms()) {
            self.health.breakers.telling.tell(&key, What::Rests);
        }
    }
}

impl Breakers {
    fn rest_as_told(&self, key: &DeploymentKey, now_ms: u64) -> Option<Rest> {
        let troubled = self.lock();
        let trouble = troubled.get(key)?;
        Some(Rest {
            kind: trouble.last.as_str().to_owned(),
            failed_ago_ms: now_ms.saturating_sub(trouble.failed_ms),
            left_ms: trouble.rests_until_ms.saturating_sub(now_ms),
            is_open: trouble.is_open,
            failures: trouble.failures.min(MOST_IN_A_ROW),
            slow: trouble.slow.min(MOST_IN_A_ROW),
        })
    }

    /// How long its rest has been over.
    fn over_ms(&self, key: &DeploymentKey, now_ms: u64) -> Option<u64> {
        self.lock().get(key).map(|trouble| now_ms.saturating_sub(trouble.rests_until_ms))
    }

    /// What others may not know yet.
    fn own_rests(&self, now_ms: u64) -> Vec<DeploymentKey> {
        let troubled = self.lock();
        let rests = |trouble: &Trouble| trouble.is_known && now_ms < trouble.rests_until_ms;
        troubled.iter().filter(|(_, trouble)| rests(trouble)).map(|(key, _)| key.clone()).collect()
    }

    /// Whether that is news.
    fn hear_rest(&self, key: &DeploymentKey, rest: &Rest, now_ms: u64) -> bool {
        let Some(last) = kind_of(&rest.kind) else { return false };
        let mut troubled = self.lock();
        let before = troubled.get(key).copied();
        let rests_until_ms = now_ms.saturating_add(rest.left_ms.min(MAX_REST_MS));
        let mut heard = Trouble {
            last,
            failures: rest.failures.min(MOST_IN_A_ROW),
            slow: rest.slow.min(MOST_IN_A_ROW),
            failed_ms: now_ms.saturating_sub(rest.failed_ago_ms),
            rests_until_ms,
            is_open: rest.is_open,
            is_known: true,
            is_heard: true,
            may_try: false,
            asked_ms: before.and_then(|own| own.asked_ms).filter(|_| rests_until_ms <= now_ms),
        };
        if let Some(own) = before {
            heard.failures = heard.failures.max(own.failures);
            heard.slow = heard.slow.max(own.slow);
            heard.is_open |= own.is_open;
            heard.is_heard = own.is_heard;
            heard.failed_ms = if own.is_heard { heard.failed_ms } else { heard.failed_ms.max(own.failed_ms) };
            if own.rests_until_ms > rests_until_ms {
                (heard.rests_until_ms, heard.last) = (own.rests_until_ms, own.last);
            }
        }
        let is_news = before.is_none_or(|own| own.rests_until_ms <= now_ms) && now_ms < rests_until_ms;
        Self::put(&mut troubled, key, heard, now_ms);
        is_news
    }

    /// Whether that is news. What this gateway itself met since is newer.
    fn hear_well(&self, key: &DeploymentKey, began_ms: u64) -> bool {
        let mut troubled = self.lock();
        let is_over = troubled.get(key).is_some_and(|own| own.is_heard || own.failed_ms <= began_ms);
        if is_over {
            troubled.remove(key);
        }
        is_over
    }

    /// Whether this gateway may try first when the rest is over.
    fn may_try(&self, key: &DeploymentKey, may_try: bool) {
        if let Some(trouble) = self.lock().get_mut(key) {
            trouble.may_try = may_try;
        }
    }
}

/// What makes a deployment rest; what does not is none of ours.
fn kind_of(word: &str) -> Option<FailureKind> {
    let kinds = [
        FailureKind::Connect,
        FailureKind::Timeout,
        FailureKind::RateLimit,
        FailureKind::Quota,
        FailureKind::Server,
        FailureKind::BrokenResponse,
    ];
    kinds.into_iter().find(|kind| kind.as_str() == word)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::atomic::AtomicI64;

    use jiff::Timestamp;

    use super::*;
    use crate::config::{Zone, parse};
    use crate::providers::Failure;
    use crate::routing::{Deployment, Reason};

    const PROVIDER: &str = "[[providers]]\nname = \"cloud\"\nkind = \"openai-compatible\"\nbase_url = \"https://a.example/v1\"\n\
                            [[routes]]\nmodel = \"chat\"\ntargets = [{ provider = \"cloud\", model = \"m\" }]\n";

    fn board() -> (Board, Arc<AtomicI64>) {
        let health = Arc::<Health>::default();
        health.know(&parse(PROVIDER, Path::new("x.toml")).unwrap());
        let clock = Arc::new(AtomicI64::new(1_000_000));
        let own = Arc::clone(&clock);
        let now = move || Timestamp::from_millisecond(own.load(Ordering::SeqCst)).unwrap();
        let board = Board { health, sources: Sources::new(now, |_: &mut [u8]| {}) };
        board.set_shared(true);
        (board, clock)
    }

    fn cloud() -> Deployment {
        Deployment { provider: "cloud".into(), model: "m".into(), zone: Zone::External }
    }

    fn name(board: &Board) -> String {
        board.health.note_failure(&cloud(), failure(1), board.now_ms());
        let name = board.news(1)[0].name.clone();
        board.health.breakers.note_success(&cloud(), board.now_ms());
        let news = board.news(9);
        board.told(&news);
        name
    }

    fn failure(retry_after_s: u64) -> Failure {
        Failure { kind: FailureKind::RateLimit, retry_after_s: Some(retry_after_s), at_the_door: true }
    }

    fn rest(board: &Board) -> Option<Reason> {
        board.health.rest(&cloud(), board.now_ms())
    }

    fn heard(name: &str, may_try: bool, kind: &str, left_ms: u64) -> Vec<Heard> {
        let kind = kind.to_owned();
        let rest = Rest { kind, failed_ago_ms: 0, left_ms, is_open: true, failures: 2, slow: 0 };
        vec![Heard { name: name.to_owned(), is_own: false, may_try, word: Word::Rests(rest) }]
    }

    #[test]
    fn a_gateway_that_gets_no_answer_tries_all_the_same() {
        let (board, clock) = board();
        let name = name(&board);
        board.hear(heard(&name, false, "5xx", 10_000));
        assert_eq!(rest(&board), Some(Reason::Breaker));
        clock.fetch_add(10_000, Ordering::SeqCst);
        assert_eq!(rest(&board), Some(Reason::Breaker));
        let news = board.news(9);
        assert_eq!(news.iter().map(|news| news.word.clone()).collect::<Vec<_>>(), [Word::Asks { over_ms: 0 }]);
        board.told(&news);
        clock.fetch_add(1_999, Ordering::SeqCst);
        assert_eq!(rest(&board), Some(Reason::Breaker));
        clock.fetch_add(1, Ordering::SeqCst);
        assert_eq!(rest(&board), None);
    }

    #[test]
    fn who_may_try_does_and_where_there_are_no_others_everybody_may() {
        let (board, clock) = board();
        let name = name(&board);
        board.hear(heard(&name, false, "timeout", 5_000));
        clock.fetch_add(5_000, Ordering::SeqCst);
        assert!(rest(&board).is_some());
        board.hear(heard(&name, true, "timeout", 0));
        assert_eq!(rest(&board), None);
        board.hear(heard(&name, false, "timeout", 0));
        assert!(rest(&board).is_some());
        board.set_shared(false);
        assert_eq!(rest(&board), None);
    }

    #[test]
    fn what_it_met_itself_is_newer_than_what_others_say() {
        let (board, clock) = board();
        let name = name(&board);
        let well = |began_ago_ms| {
            vec![Heard { name: name.clone(), is_own: false, may_try: false, word: Word::Well { began_ago_ms } }]
        };
        board.hear(heard(&name, false, "quota", 60_000));
        assert_eq!(rest(&board), Some(Reason::Fallback("quota")));
        // A shorter rest of its own ends none that is longer.
        board.health.note_failure(&cloud(), failure(1), board.now_ms());
        clock.fetch_add(2_000, Ordering::SeqCst);
        assert_eq!(rest(&board), Some(Reason::Fallback("quota")));
        // Told, it is not to be told any more: then others are heard again.
        board.told(&board.news(9));
        board.hear(well(3_000));
        assert!(rest(&board).is_some(), "it began before this gateway's failure");
        board.hear(well(1_000));
        assert_eq!(rest(&board), None);
        assert!(board.news(9).is_empty());
    }

    #[test]
    fn what_cannot_be_is_ignored_and_bounded() {
        let (board, clock) = board();
        let name = name(&board);
        for (name, kind) in [("0123456789abcdef", "5xx"), (name.as_str(), "ceiling"), (name.as_str(), "words")] {
            board.hear(heard(name, false, kind, 10_000));
            assert_eq!(rest(&board), None, "{name} {kind}");
        }
        board.hear(heard(&name, false, "5xx", u64::MAX));
        clock.fetch_add(i64::try_from(MAX_REST_MS).unwrap() - 1, Ordering::SeqCst);
        assert!(rest(&board).is_some());
        clock.fetch_add(1, Ordering::SeqCst);
        board.set_shared(false);
        assert_eq!(rest(&board), None);
        // A configuration without it forgets its name, and what was to be told.
        board.health.note_failure(&cloud(), failure(1), board.now_ms());
        let generation = board.generation();
        board.health.know(&parse("", Path::new("x.toml")).unwrap());
        assert!(board.news(9).is_empty() && board.generation() > generation);
    }
}
