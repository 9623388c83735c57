//! Holds back what was told a moment ago: the same event about the same thing is told once in a while, with how often it
//! happened since. What was held back last is told when its time is over, so that the last news is never an old one.

use std::collections::HashMap;

use super::{Alert, Event};

/// Things that are kept apart. Beyond that they are told by their event alone.
pub(super) const MAX_THINGS: usize = 1_024;

#[derive(Debug, Default)]
pub(super) struct Repeats {
    told: HashMap<Thing, Told>,
}

/// An event with provider, model and route.
type Thing = (Event, [Option<String>; 3]);

#[derive(Debug)]
struct Told {
    at_ms: u64,
    /// The last one since, with the number of all of them.
    held: Option<Alert>,
}

impl Repeats {
    /// Gives the alert back if it is to be told now, with those before it counted.
    pub(super) fn note(&mut self, mut alert: Alert, repeat_ms: u64) -> Option<Alert> {
        let now_ms = milliseconds(&alert);
        let mut thing = thing(&alert);
        if self.told.len() >= MAX_THINGS && !self.told.contains_key(&thing) {
            self.told.retain(|_, told| told.held.is_some() || told.is_recent(now_ms, repeat_ms));
            if self.told.len() >= MAX_THINGS {
                thing.1 = [const { None }; 3];
            }
        }
        let Some(told) = self.told.get_mut(&thing) else {
            self.told.insert(thing, Told { at_ms: now_ms, held: None });
            return Some(alert);
        };
        alert.count += told.held.take().map_or(0, |held| held.count);
        if told.is_recent(now_ms, repeat_ms) {
            told.held = Some(alert);
            return None;
        }
        told.at_ms = now_ms;
        Some(alert)
    }

    /// What was held back and has waited long enough, in the order in which it happened.
    pub(super) fn due(&mut self, now_ms: u64, repeat_ms: u64) -> Vec<Alert> {
        let mut due = Vec::new();
        for told in self.told.values_mut().filter(|told| !told.is_recent(now_ms, repeat_ms)) {
            if let Some(alert) = told.held.take() {
                told.at_ms = now_ms;
                due.push(alert);
            }
        }
        due.sort_by_key(|alert| alert.time);
        due
    }
}

impl Told {
    /// A clock that was set back makes nothing wait for longer.
    fn is_recent(&self, now_ms: u64, repeat_ms: u64) -> bool {
        now_ms.abs_diff(self.at_ms) < repeat_ms
    }
}

fn thing(alert: &Alert) -> Thing {
    (alert.event, [alert.provider.clone(), alert.model.clone(), alert.route.clone()])
}

fn milliseconds(alert: &Alert) -> u64 {
    u64::try_from(alert.time.as_millisecond()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::About;
    use super::*;

    const REPEAT_MS: u64 = 60_000;

    fn alert(provider: &str, event: Event, now_ms: i64) -> Alert {
        let about = About { provider: Some(provider), ..About::default() };
        Alert::new("alert_1".into(), Timestamp::from_millisecond(now_ms).unwrap(), event, about, None)
    }

    fn told(repeats: &mut Repeats, provider: &str, now_ms: i64) -> Option<u64> {
        repeats.note(alert(provider, Event::ProviderAuthFailed, now_ms), REPEAT_MS).map(|alert| alert.count)
    }

    #[test]
    fn the_next_one_tells_how_many_were_held_back() {
        let mut repeats = Repeats::default();
        assert_eq!(told(&mut repeats, "a", 0), Some(1));
        for now_ms in 1..=4 {
            assert_eq!(told(&mut repeats, "a", now_ms), None);
        }
        assert_eq!(told(&mut repeats, "b", 5), Some(1));
        assert_eq!(told(&mut repeats, "a", 60_000), Some(5));
        assert_eq!(told(&mut repeats, "a", 60_001), None);
        assert_eq!(told(&mut repeats, "a", 120_000), Some(2));
    }

    #[test]
    fn what_was_held_back_is_told_when_its_time_is_over() {
        let mut repeats = Repeats::default();
        for (event, now_ms) in [(Event::BreakerOpened, 0), (Event::BreakerClosed, 10)] {
            assert!(repeats.note(alert("a", event, now_ms), REPEAT_MS).is_some());
        }
        for (event, now_ms) in [(Event::BreakerOpened, 20), (Event::BreakerClosed, 30), (Event::BreakerOpened, 40)] {
            assert!(repeats.note(alert("a", event, now_ms), REPEAT_MS).is_none());
        }
        assert!(repeats.due(59_999, REPEAT_MS).is_empty());
        let due = repeats.due(60_010, REPEAT_MS);
        let due: Vec<_> = due.iter().map(|alert| (alert.event, alert.count)).collect();
        assert_eq!(due, [(Event::BreakerClosed, 1), (Event::BreakerOpened, 2)]);
        assert!(repeats.due(600_000, REPEAT_MS).is_empty());
    }

    #[test]
    fn a_clock_that_is_set_back_makes_nothing_wait_for_longer() {
        let mut repeats = Repeats::default();
        assert_eq!(told(&mut repeats, "a", 86_400_000), Some(1));
        assert_eq!(told(&mut repeats, "a", 0), Some(1));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_nothing_floods() {
        let mut repeats = Repeats::default();
        let sent = (0..3 * MAX_THINGS).filter_map(|name| told(&mut repeats, &name.to_string(), 0)).count();
        assert_eq!((sent, repeats.told.len()), (MAX_THINGS + 1, MAX_THINGS + 1));
        assert_eq!(repeats.due(REPEAT_MS, REPEAT_MS)[0].count, 2 * MAX_THINGS as u64 - 1);
        assert_eq!(told(&mut repeats, "new", 3 * 60_000), Some(1));
        assert_eq!(repeats.told.len(), 1);
    }
}
