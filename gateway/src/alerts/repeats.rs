//! Holds back what was told a moment ago: the same event about the same thing is told once in a while, with how often it
//! happened since. What was held back last is told when its time is over, and soon where it is other news: an outage and its
//! end are news about the same thing, and the last that was told of it is never an old one for long.

use std::collections::HashMap;

use super::{Alert, Event};

/// Things that are kept apart. Beyond that they are told by their event alone.
pub(super) const MAX_THINGS: usize = 1_024;

#[derive(Debug, Default)]
pub(super) struct Repeats {
    told: HashMap<Thing, Told>,
}

/// Other news about a thing are told at once, but no oftener.
const OTHER_NEWS_MS: u64 = 60_000;

/// An event with provider, model, route and subject.
type Thing = (Event, [Option<String>; 4]);

/// What was told last.
#[derive(Debug, Clone, Copy)]
struct Last {
    event: Event,
    at_ms: u64,
    /// When it became other news than before.
    changed_ms: Option<u64>,
}

#[derive(Debug)]
struct Told {
    last: Last,
    /// The last one since, with the number of all of them.
    held: Option<Alert>,
}

impl Repeats {
    /// Gives the alert back if it is to be told now, with those before it counted.
    pub(super) fn note(&mut self, mut alert: Alert, repeat_ms: u64) -> Option<Alert> {
        let now_ms = milliseconds(&alert);
        let mut thing = thing(&alert);
        if self.told.len() >= MAX_THINGS && !self.told.contains_key(&thing) {
            self.told.retain(|_, told| told.held.is_some() || now_ms.abs_diff(told.last.at_ms) < repeat_ms);
            if self.told.len() >= MAX_THINGS {
                thing.1 = [const { None }; 4];
            }
        }
        let Some(told) = self.told.get_mut(&thing) else {
            self.told
                .insert(thing, Told { last: Last { event: alert.event, at_ms: now_ms, changed_ms: None }, held: None });
            return Some(alert);
        };
        alert.count += told.held.take().map_or(0, |held| held.count);
        if told.last.is_recent(alert.event, now_ms, repeat_ms) {
            told.held = Some(alert);
            return None;
        }
        told.last = told.last.then(alert.event, now_ms);
        Some(alert)
    }

    /// What was held back and has waited long enough, in the order in which it happened.
    pub(super) fn due(&mut self, now_ms: u64, repeat_ms: u64) -> Vec<Alert> {
        let mut due = Vec::new();
        for told in self.told.values_mut() {
            let last = told.last;
            let is_due = |held: &mut Alert| !last.is_recent(held.event, now_ms, repeat_ms);
            if let Some(alert) = told.held.take_if(is_due) {
                told.last = last.then(alert.event, now_ms);
                due.push(alert);
            }
        }
        due.sort_by_key(|alert| alert.time);
        due
    }

    /// All that was held back, for nothing more will be told.
    pub(super) fn rest(&mut self) -> Vec<Alert> {
        let mut rest: Vec<Alert> = self.told.drain().filter_map(|(_, told)| told.held).collect();
        rest.sort_by_key(|alert| alert.time);
        rest
    }
}

impl Last {
    /// Whether it is so new that this event is held back. A clock that was set back makes nothing wait for longer.
    fn is_recent(self, event: Event, now_ms: u64, repeat_ms: u64) -> bool {
        if event == self.event {
            return now_ms.abs_diff(self.at_ms) < repeat_ms;
        }
        self.changed_ms.is_some_and(|changed_ms| now_ms.abs_diff(changed_ms) < repeat_ms.min(OTHER_NEWS_MS))
    }

    fn then(self, event: Event, now_ms: u64) -> Self {
        let changed_ms = if event == self.event { self.changed_ms } else { Some(now_ms) };
        Self { event, at_ms: now_ms, changed_ms }
    }
}

fn thing(alert: &Alert) -> Thing {
    (alert.event.subject(), [alert.provider.clone(), alert.model.clone(), alert.route.clone(), alert.subject.clone()])
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
        let hour_ms = 3_600_000;
        let mut repeats = Repeats::default();
        let mut noted = |event, now_ms| repeats.note(alert("a", event, now_ms), hour_ms).map(|alert| alert.count);
        // The end of an outage is other news, and told at once.
        assert_eq!(noted(Event::BreakerOpened, 0), Some(1));
        assert_eq!(noted(Event::BreakerClosed, 10), Some(1));
        for (event, now_ms) in [(Event::BreakerOpened, 20), (Event::BreakerClosed, 30), (Event::BreakerOpened, 40)] {
            assert_eq!(noted(event, now_ms), None);
        }
        let due = |repeats: &mut Repeats, now_ms| -> Vec<_> {
            repeats.due(now_ms, hour_ms).iter().map(|alert| (alert.event, alert.count)).collect()
        };
        // One that flaps is told of once a minute, and last as it is.
        assert_eq!(due(&mut repeats, OTHER_NEWS_MS + 9), []);
        assert_eq!(due(&mut repeats, OTHER_NEWS_MS + 10), [(Event::BreakerOpened, 3)]);
        assert!(repeats.note(alert("a", Event::BreakerOpened, 60_011), hour_ms).is_none());
        assert_eq!(due(&mut repeats, 3 * OTHER_NEWS_MS), []);
        assert_eq!(repeats.rest().len(), 1);
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
