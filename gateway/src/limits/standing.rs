//! How much is left, as an answer's headers say it (`x-ratelimit-limit-requests` and its kin).

use std::fmt;

/// Of the level that has least left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    pub requests: Option<Gauge>,
    /// By the minute; of a level that bounds only a day's tokens, by the day.
    pub tokens: Option<Gauge>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gauge {
    pub limit: u64,
    pub remaining: u64,
    /// Until all of the limit is there again, if nothing more is asked for.
    pub reset_ms: u64,
}

impl Gauge {
    pub(crate) fn new(limit: u64, used: u64, reset_ms: u64) -> Self {
        Self { limit, remaining: limit.saturating_sub(used), reset_ms }
    }
}

impl Standing {
    /// The tighter of both, for requests and for tokens each.
    #[must_use]
    pub(crate) fn tightest(self, other: Self) -> Self {
        let tighter = |a: Option<Gauge>, b: Option<Gauge>| {
            a.into_iter().chain(b).min_by_key(|gauge| (gauge.remaining, gauge.limit))
        };
        Self { requests: tighter(self.requests, other.requests), tokens: tighter(self.tokens, other.tokens) }
    }
}

/// A time as OpenAI's headers have it: `20ms`, `1s`, `7.66s`, `6m0s`, `1h2m3s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderDuration {
    pub ms: u64,
}

impl fmt::Display for HeaderDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, thousandths) = (self.ms / 1_000, self.ms % 1_000);
        if seconds == 0 && thousandths > 0 {
            return write!(f, "{thousandths}ms");
        }
        let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
        if hours > 0 {
            write!(f, "{hours}h")?;
        }
        if seconds >= 60 {
            write!(f, "{minutes}m")?;
        }
        write!(f, "{}", seconds % 60)?;
        if thousandths > 0 {
            let digits = format!("{thousandths:03}");
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        f.write_str("s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_openai_writes_them() {
        for (ms, text) in [
            (0, "0s"),
            (20, "20ms"),
            (999, "999ms"),
            (1_000, "1s"),
            (7_660, "7.66s"),
            (60_000, "1m0s"),
            (86_400, "1m26.4s"),
            (360_000, "6m0s"),
            (3_600_000, "1h0m0s"),
            (3_723_000, "1h2m3s"),
            (86_400_005, "24h0m0.005s"),
        ] {
            assert_eq!(HeaderDuration { ms }.to_string(), text);
        }
    }

    #[test]
    fn the_tightest_has_least_left() {
        let gauge = |limit, used| Some(Gauge::new(limit, used, 1));
        let a = Standing { requests: gauge(100, 90), tokens: None };
        let b = Standing { requests: gauge(20, 15), tokens: gauge(5, 9) };
        assert_eq!(a.tightest(b), b);
        assert_eq!(b.tokens.unwrap().remaining, 0);
        assert_eq!(a.tightest(Standing::default()), a);
    }
}
