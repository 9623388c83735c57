//! When requests are due, whatever became of those before them.

use clap::ValueEnum;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;

use crate::Numbers;
use crate::clock::now_ns;

/// How arrivals are spaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Spacing {
    Fixed,
    /// Exponential gaps, as of many callers that know nothing of each other.
    Poisson,
}

/// A schedule, and the timer that waits for its next moment. The runtime's own timers count milliseconds, which is more than
/// what is measured here.
#[derive(Debug)]
pub struct Arrivals {
    /// Read as one reads a pipe: a number comes when its time is up.
    timer: Receiver,
    next_ns: f64,
    gap_ns: f64,
    spacing: Spacing,
    numbers: Numbers,
}

impl Arrivals {
    /// `rate` a second from now on.
    ///
    /// # Errors
    /// If there is no timer, or no rate.
    pub fn new(rate: f64, spacing: Spacing, seed: u64) -> std::io::Result<Self> {
        if !(rate > 0.0 && rate.is_finite()) {
            return Err(std::io::Error::other("the rate is no positive number"));
        }
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        let numbers = Numbers(seed);
        Ok(Self {
            timer: Receiver::from_owned_fd_unchecked(timer)?,
            next_ns: now_ns() as f64,
            gap_ns: 1e9 / rate,
            spacing,
            numbers,
        })
    }

    /// Waits until the next request is due and says when that was or, after a delay, would have been.
    ///
    /// # Errors
    /// If the timer fails.
    pub async fn next(&mut self) -> std::io::Result<u64> {
        let due = self.advance();
        while now_ns() < due {
            let due =
                Timespec { tv_sec: (due / 1_000_000_000).cast_signed(), tv_nsec: (due % 1_000_000_000).cast_signed() };
            let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: due };
            timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &once)?;
            self.timer.read_exact(&mut [0; 8]).await?;
        }
        Ok(due)
    }

    fn advance(&mut self) -> u64 {
        let due = self.next_ns;
        let share = match self.spacing {
            Spacing::Fixed => 1.0,
            Spacing::Poisson => {
                let unit = (self.numbers.below(1 << 53) as f64 + 1.0) / (1_u64 << 53) as f64;
                -unit.ln()
            }
        };
        self.next_ns += share * self.gap_ns;
        due as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn gaps_have_their_mean_and_poisson_s_spread() {
        for (spacing, spread) in [(Spacing::Fixed, 0.0), (Spacing::Poisson, 1.0)] {
            let mut arrivals = Arrivals::new(1000.0, spacing, 7).unwrap();
            let times: Vec<u64> = (0..20_001).map(|_| arrivals.advance()).collect();
            let gaps: Vec<f64> = times.windows(2).map(|pair| (pair[1] - pair[0]) as f64 / 1e6).collect();
            let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
            let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
            assert!((mean - 1.0).abs() < 0.02, "{mean}");
            assert!((variance.sqrt() - spread).abs() < 0.05, "{variance}");
        }
        assert!(Arrivals::new(0.0, Spacing::Fixed, 0).is_err());
    }

    #[tokio::test]
    async fn nothing_is_due_early_and_what_was_missed_is_due_at_once() {
        let mut arrivals = Arrivals::new(2000.0, Spacing::Fixed, 0).unwrap();
        for _ in 0..20 {
            let due = arrivals.next().await.unwrap();
            assert!(now_ns() >= due);
        }
        let behind = arrivals.next_ns;
        arrivals.next_ns -= 1e9;
        assert_eq!(arrivals.next().await.unwrap(), (behind - 1e9) as u64);
    }
}
