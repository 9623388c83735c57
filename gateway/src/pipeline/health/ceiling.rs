//! What this process sends to each provider at the most, and the share of it that batch jobs cannot take from production.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config::Ceiling;

const SLOTS: usize = 60;

/// What was sent to each provider that has a ceiling.
#[derive(Debug, Default)]
pub(super) struct Ceilings {
    providers: Mutex<HashMap<Box<str>, Arc<Mutex<Sent>>>>,
}

#[derive(Debug)]
struct Sent {
    in_flight: Share,
    /// Requests by the second, the one before this minute written over.
    seconds: [(u64, Share); SLOTS],
}

#[derive(Debug, Default, Clone, Copy)]
struct Share {
    all: u32,
    /// Those for which nothing is reserved.
    others: u32,
}

/// Requests at their provider's ceiling find no place; it is worth another look after so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pipeline) struct Full {
    pub(in crate::pipeline) retry_after_s: u64,
}

/// A place below a ceiling, until the answer's last byte.
#[derive(Debug)]
pub(super) struct Place {
    sent: Arc<Mutex<Sent>>,
    is_other: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.sent).in_flight.remove(self.is_other);
    }
}

impl Ceilings {
    /// # Errors
    /// There is no place; nothing is counted.
    pub(super) fn enter(&self, provider: &str, ceiling: &Ceiling, is_prod: bool, now_ms: u64) -> Result<Place, Full> {
        let mut providers = self.providers.lock().unwrap_or_else(PoisonError::into_inner);
        // As many as configurations ever named.
        let sent = Arc::clone(providers.entry(Box::from(provider)).or_default());
        drop(providers);
        let is_other = !is_prod;
        let mut counted = lock(&sent);
        let now_s = now_ms / 1_000;
        if ceiling.in_flight.is_some_and(|most| counted.in_flight.is_full(most, ceiling, is_other)) {
            return Err(Full { retry_after_s: 1 });
        }
        if let Some(most) = ceiling.requests_per_minute {
            if counted.minute(now_s).is_full(most, ceiling, is_other) {
                return Err(Full { retry_after_s: counted.until_oldest(now_s, is_other) });
            }
        }
        counted.in_flight.add(is_other);
        counted.slot(now_s).add(is_other);
        drop(counted);
        Ok(Place { sent, is_other })
    }
}

impl Default for Sent {
    fn default() -> Self {
        Self { in_flight: Share::default(), seconds: [(0, Share::default()); SLOTS] }
    }
}

impl Sent {
    fn slot(&mut self, now_s: u64) -> &mut Share {
        let (second, share) = &mut self.seconds[(now_s % SLOTS as u64) as usize];
        if *second != now_s {
            (*second, *share) = (now_s, Share::default());
        }
        share
    }

    fn recent(&self, now_s: u64) -> impl Iterator<Item = &(u64, Share)> {
        // A clock that is set back by a moment must not forget: what lies ahead a little counts too.
        self.seconds.iter().filter(move |(second, _)| second.abs_diff(now_s) < SLOTS as u64)
    }

    fn minute(&self, now_s: u64) -> Share {
        self.recent(now_s).fold(Share::default(), |sum, (_, share)| Share {
            all: sum.all.saturating_add(share.all),
            others: sum.others.saturating_add(share.others),
        })
    }

    fn until_oldest(&self, now_s: u64, is_other: bool) -> u64 {
        let counts = |share: &Share| if is_other { share.all.max(share.others) > 0 } else { share.all > 0 };
        let oldest = self.recent(now_s).filter(|(_, share)| counts(share)).map(|(second, _)| *second).min();
        oldest.map_or(1, |second| (second + SLOTS as u64).saturating_sub(now_s)).clamp(1, SLOTS as u64)
    }
}

impl Share {
    fn is_full(self, most: u32, ceiling: &Ceiling, is_other: bool) -> bool {
        self.all >= most || is_other && self.others >= ceiling.for_others(most)
    }

    fn add(&mut self, is_other: bool) {
        self.all = self.all.saturating_add(1);
        self.others = self.others.saturating_add(u32::from(is_other));
    }

    fn remove(&mut self, is_other: bool) {
        self.all = self.all.saturating_sub(1);
        self.others = self.others.saturating_sub(u32::from(is_other));
    }
}

fn lock(sent: &Mutex<Sent>) -> MutexGuard<'_, Sent> {
    sent.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ceiling(requests_per_minute: Option<u32>, in_flight: Option<u32>) -> Ceiling {
        Ceiling { requests_per_minute, in_flight, reserve_prod: 0.3 }
    }

    #[test]
    fn what_is_reserved_is_left_to_production() {
        let (ceilings, most) = (Ceilings::default(), ceiling(None, Some(10)));
        let batch: Vec<_> = (0..7).map(|_| ceilings.enter("p", &most, false, 0).unwrap()).collect();
        assert_eq!(ceilings.enter("p", &most, false, 0).unwrap_err(), Full { retry_after_s: 1 });
        let prod: Vec<_> = (0..3).map(|_| ceilings.enter("p", &most, true, 0).unwrap()).collect();
        assert!(ceilings.enter("p", &most, true, 0).is_err() && ceilings.enter("q", &most, false, 0).is_ok());
        drop((batch, prod));
        // Production may take it all.
        let prod: Vec<_> = (0..10).map(|_| ceilings.enter("p", &most, true, 0).unwrap()).collect();
        assert!(ceilings.enter("p", &most, false, 0).is_err() && prod.len() == 10);
    }

    #[test]
    fn no_sixty_seconds_see_more_than_the_ceiling() {
        let (ceilings, most) = (Ceilings::default(), ceiling(Some(10), None));
        let mut taken = Vec::new();
        for now_ms in (0..300_000_u64).step_by(700) {
            if ceilings.enter("p", &most, true, now_ms).is_ok() {
                taken.push(now_ms);
            }
        }
        assert!(taken.len() >= 40, "{taken:?}");
        for (at, begin) in taken.iter().enumerate() {
            let within = taken[at..].iter().filter(|now_ms| **now_ms < begin + 59_000).count();
            assert!(within <= 10, "{taken:?}");
        }
        let full = ceilings.enter("p", &most, false, 299_900).unwrap_err();
        assert!((1..=60).contains(&full.retry_after_s), "{full:?}");
    }
}
