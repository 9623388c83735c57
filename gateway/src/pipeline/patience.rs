//! How long something that comes in pieces is waited for: a time that begins anew with every piece. The timer under it is
//! set again when it has run out, and not at every piece, of which there are hundreds in the time that one may take.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

pub(super) struct Patience {
    until: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Patience {
    pub(super) fn new(limit: Duration) -> Self {
        let until = behind(limit);
        Self { until, timer: Box::pin(sleep_until(until)) }
    }

    /// Begins anew: it ends behind `limit` from now.
    pub(super) fn renew(&mut self, limit: Duration) {
        self.until = behind(limit);
        if self.until < self.timer.deadline() {
            self.timer.as_mut().reset(self.until);
        }
    }

    /// Waits for its end. Dropping this changes nothing.
    pub(super) async fn end(&mut self) {
        loop {
            self.timer.as_mut().await;
            if self.timer.deadline() >= self.until {
                return;
            }
            self.timer.as_mut().reset(self.until);
        }
    }
}

/// A limit beyond all clocks is one of years.
fn behind(limit: Duration) -> Instant {
    const YEARS: Duration = Duration::from_hours(24 * 365 * 10);
    let now = Instant::now();
    now.checked_add(limit).unwrap_or_else(|| now + YEARS)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn it_ends_behind_the_last_renewal_alone() {
        let hour = Duration::from_hours(1);
        let mut patience = Patience::new(Duration::ZERO);
        for limit in [hour, 2 * hour, Duration::MAX, hour] {
            patience.renew(limit);
            // Its timer runs out long before, and is set again.
            tokio::task::yield_now().await;
            assert!(patience.end().now_or_never().is_none(), "{limit:?}");
        }
        patience.renew(Duration::ZERO);
        patience.end().await;
    }
}
