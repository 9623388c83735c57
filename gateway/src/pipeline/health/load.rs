//! How busy and how quick deployments are: requests under way and in the last minute, the usual time to an answer, and
//! the tokens of the day. Kept by each process for itself, and but for the tokens lost with it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::ceiling::Place;
use super::{DeploymentKey, MAX_DEPLOYMENTS};
use crate::routing::{Deployment, Spent, Standing};

const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;
/// The weight of the newest time in the usual one.
const NEWEST: f64 = 0.1;
/// Times before it is known what is usual.
const MIN_SAMPLES: u32 = 20;
/// Out of the usual range is what takes so many times as long and lies so far beyond it.
const UNUSUAL_TIMES: f64 = 3.0;
const UNUSUAL_DEVIATIONS: f64 = 6.0;
const UNUSUAL_MS: f64 = 500.0;

#[derive(Debug, Default)]
pub(super) struct Loads {
    loads: Mutex<HashMap<DeploymentKey, Arc<Load>>>,
}

#[derive(Debug, Default)]
struct Load {
    in_flight: AtomicU32,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default, Clone)]
struct Seen {
    minute: u64,
    this_minute: u32,
    last_minute: u32,
    day: u64,
    today: Spent,
    /// To the first token of a stream, and to a whole answer.
    first_token: Usual,
    whole: Usual,
}

/// An average that forgets, and how far times usually lie from it. Milliseconds.
#[derive(Debug, Default, Clone, Copy)]
struct Usual {
    mean: f64,
    deviation: f64,
    samples: u32,
}

/// One request at a deployment, until its answer's last byte.
#[derive(Debug)]
pub(in crate::pipeline) struct Busy {
    load: Arc<Load>,
    /// Below its provider's ceiling.
    place: Option<Place>,
}

impl Busy {
    pub(super) fn with(mut self, place: Option<Place>) -> Self {
        self.place = place;
        self
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.load.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Loads {
    pub(super) fn begin(&self, deployment: &Deployment, now_ms: u64) -> Busy {
        let load = self.load(deployment);
        load.in_flight.fetch_add(1, Ordering::Relaxed);
        let mut seen = load.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.turn(now_ms);
        seen.this_minute = seen.this_minute.saturating_add(1);
        drop(seen);
        Busy { load, place: None }
    }

    /// Whether an answer that came after `elapsed_ms` was far out of what is usual there.
    pub(super) fn note_time(&self, deployment: &Deployment, is_stream: bool, elapsed_ms: f64) -> bool {
        let load = self.load(deployment);
        let mut seen = load.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let usual = if is_stream { &mut seen.first_token } else { &mut seen.whole };
        usual.note(elapsed_ms)
    }

    pub(super) fn note_tokens(&self, deployment: DeploymentKey, spent: Spent, now_ms: u64) {
        let load = self.load_of(deployment);
        let mut seen = load.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.turn(now_ms);
        seen.today = seen.today.with(spent);
    }

    pub(super) fn standing(&self, deployment: &Deployment, is_stream: bool, now_ms: u64) -> Standing {
        let key = super::key(deployment);
        let Some(load) = self.loads.lock().unwrap_or_else(PoisonError::into_inner).get(&key).map(Arc::clone) else {
            return Standing::default();
        };
        let mut seen = load.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.turn(now_ms);
        let usual = if is_stream { seen.first_token } else { seen.whole };
        Standing {
            first_token_ms: (usual.samples > 0).then_some(usual.mean),
            in_flight: load.in_flight.load(Ordering::Relaxed),
            requests_last_minute: seen.requests_last_minute(now_ms),
            today: seen.today,
        }
    }

    fn load(&self, deployment: &Deployment) -> Arc<Load> {
        self.load_of(super::key(deployment))
    }

    fn load_of(&self, key: DeploymentKey) -> Arc<Load> {
        let mut loads = self.loads.lock().unwrap_or_else(PoisonError::into_inner);
        if loads.len() >= MAX_DEPLOYMENTS && !loads.contains_key(&key) {
            // What was spent today is not forgotten: names cost their callers nothing.
            loads.retain(|_, load| load.is_in_use());
        }
        Arc::clone(loads.entry(key).or_default())
    }
}

impl Load {
    fn is_in_use(&self) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        self.in_flight.load(Ordering::Relaxed) > 0 || seen.today != Spent::default()
    }
}

impl Seen {
    fn turn(&mut self, now_ms: u64) {
        let (minute, day) = (now_ms / MINUTE_MS, now_ms / DAY_MS);
        if minute != self.minute {
            self.last_minute = if minute == self.minute + 1 { self.this_minute } else { 0 };
            (self.this_minute, self.minute) = (0, minute);
        }
        if day != self.day {
            (self.today, self.day) = (Spent::default(), day);
        }
    }

    /// In the sixty seconds before, as if those of the minute before had come evenly.
    fn requests_last_minute(&self, now_ms: u64) -> u32 {
        let left = MINUTE_MS - now_ms % MINUTE_MS;
        let earlier = u64::from(self.last_minute) * left / MINUTE_MS;
        self.this_minute.saturating_add(u32::try_from(earlier).unwrap_or(u32::MAX))
    }
}

impl Usual {
    fn note(&mut self, elapsed_ms: f64) -> bool {
        let distance = elapsed_ms - self.mean;
        let is_unusual = self.samples >= MIN_SAMPLES
            && elapsed_ms > self.mean * UNUSUAL_TIMES
            && distance > (self.deviation * UNUSUAL_DEVIATIONS).max(UNUSUAL_MS);
        if self.samples == 0 {
            self.mean = elapsed_ms;
        } else {
            self.mean += NEWEST * distance;
            self.deviation += NEWEST * (distance.abs() - self.deviation);
        }
        self.samples = self.samples.saturating_add(1);
        is_unusual
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Zone;

    fn cloud() -> Deployment {
        Deployment { provider: "cloud".into(), model: "m".into(), zone: Zone::External }
    }

    #[test]
    fn requests_are_counted_while_they_last_and_for_a_minute() {
        let loads = Loads::default();
        let busy = loads.begin(&cloud(), 30_000);
        let standing = loads.standing(&cloud(), true, 30_000);
        assert_eq!((standing.in_flight, standing.requests_last_minute), (1, 1));
        drop(busy);
        for _ in 0..9 {
            loads.begin(&cloud(), 59_000);
        }
        assert_eq!(loads.standing(&cloud(), true, 60_000).requests_last_minute, 10);
        assert_eq!(loads.standing(&cloud(), true, 90_000).requests_last_minute, 5);
        assert_eq!(loads.standing(&cloud(), true, 180_000).requests_last_minute, 0);
        assert_eq!(loads.standing(&cloud(), true, 60_000).in_flight, 0);
    }

    #[test]
    fn tokens_are_counted_by_the_day() {
        let loads = Loads::default();
        let spent = |prompt_tokens, completion_tokens| Spent { prompt_tokens, completion_tokens };
        loads.note_tokens(super::super::key(&cloud()), spent(7, 0), DAY_MS + 1);
        loads.note_tokens(super::super::key(&cloud()), spent(2, 3), DAY_MS + 2);
        assert_eq!(loads.standing(&cloud(), true, 2 * DAY_MS - 1).today, spent(9, 3));
        assert_eq!(loads.standing(&cloud(), true, 2 * DAY_MS).today, Spent::default());
    }

    #[test]
    fn names_that_cost_nothing_make_nobody_forget_what_was_spent() {
        let loads = Loads::default();
        let spent = Spent { prompt_tokens: 7, completion_tokens: 0 };
        loads.note_tokens(super::super::key(&cloud()), spent, DAY_MS);
        for number in 0..=2 * MAX_DEPLOYMENTS {
            let model = format!("m{number}").as_str().into();
            drop(loads.begin(&Deployment { model, ..cloud() }, DAY_MS));
        }
        assert_eq!(loads.standing(&cloud(), true, DAY_MS).today, spent);
        assert!(loads.loads.lock().unwrap().len() <= MAX_DEPLOYMENTS + 1);
    }

    #[test]
    fn only_what_takes_far_longer_than_usual_is_unusual() {
        let loads = Loads::default();
        for turn in 0..40_u32 {
            assert!(!loads.note_time(&cloud(), true, f64::from(200 + turn % 7 * 30)));
        }
        assert!(!loads.note_time(&cloud(), true, 600.0));
        assert!(loads.note_time(&cloud(), true, 5_000.0));
        // Whole answers are another matter.
        assert!(!loads.note_time(&cloud(), false, 5_000.0));
        let usual = loads.standing(&cloud(), true, 0).first_token_ms.unwrap();
        assert!((200.0..900.0).contains(&usual), "{usual}");
    }
}
