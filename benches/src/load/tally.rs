//! What was felt: times in histograms, everything else counted.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

/// A minute; what takes longer counts as that.
const LONGEST_NS: u64 = 60_000_000_000;
/// Finer differences are noise.
const FINEST_NS: u64 = 50;
const DIGITS: u8 = 3;

/// Times in nanoseconds.
#[derive(Clone, Debug)]
pub struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        // The bounds are constants that fit each other.
        let histogram = Histogram::new_with_bounds(FINEST_NS, LONGEST_NS, DIGITS);
        Self(histogram.unwrap_or_else(|_| unreachable!("constant bounds")))
    }
}

impl Times {
    pub fn record(&mut self, nanoseconds: u64) {
        self.0.saturating_record(nanoseconds);
    }

    pub fn merge(&mut self, other: &Self) {
        // Of equal bounds.
        let _ = self.0.add(&other.0);
    }

    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// In microseconds; `None` of nothing.
    pub fn quantile_us(&self, quantile: f64) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.0.value_at_quantile(quantile) as f64 / 1e3)
    }

    pub fn max_us(&self) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.0.max() as f64 / 1e3)
    }
}

/// Of one server.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub answered: u64,
    /// Requests that got something else than a whole answer, by what that was.
    pub errors: BTreeMap<String, u64>,
    pub chunks: u64,
    /// Answers and chunks outside the measured time too, for what each of them cost the server.
    pub served: u64,
    pub served_chunks: u64,
    /// From when a request was sent or, on a schedule, due.
    pub total: Times,
    pub first: Times,
    /// From one chunk of a stream to the next.
    pub between: Times,
    /// From when the mock sent a chunk until it was here.
    pub transit: Times,
    /// From when a request was due until it was sent: the load's own delay, and that of connections that are all busy.
    pub late: Times,
    pub measured_s: f64,
}

impl Tally {
    pub fn merge(&mut self, other: &Self) {
        self.answered += other.answered;
        self.chunks += other.chunks;
        self.served += other.served;
        self.served_chunks += other.served_chunks;
        self.measured_s += other.measured_s;
        for (kind, count) in &other.errors {
            *self.errors.entry(kind.clone()).or_default() += count;
        }
        self.total.merge(&other.total);
        self.first.merge(&other.first);
        self.between.merge(&other.between);
        self.transit.merge(&other.transit);
        self.late.merge(&other.late);
    }

    pub fn fail(&mut self, kind: impl Into<String>) {
        *self.errors.entry(kind.into()).or_default() += 1;
    }

    pub fn failed(&self) -> u64 {
        self.errors.values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_tallies_are_the_tally_of_both() {
        let (mut one, mut other) = (Tally::default(), Tally::default());
        for value in 1..=1000_u64 {
            let tally = if value % 2 == 0 { &mut one } else { &mut other };
            tally.total.record(value * 1000);
            tally.answered += 1;
        }
        other.fail("status 500");
        one.merge(&other);
        assert_eq!((one.answered, one.failed(), one.total.count()), (1000, 1, 1000));
        let middle = one.total.quantile_us(0.5).unwrap();
        assert!((499.0..=501.0).contains(&middle), "{middle}");
        assert_eq!(one.between.quantile_us(0.5), None);
        one.total.record(u64::MAX);
        assert!(one.total.max_us().unwrap() >= 60e6);
    }
}
