//! One budget of memory for all models. A reservation is held by an engine until its memory is free again.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// What models may take when nothing is set, in per cent of the machine's memory.
const DEFAULT_PERCENT: u64 = 85;

/// The budget. A copy is the same budget.
#[derive(Clone)]
pub struct MemoryBudget {
    account: Arc<Account>,
}

struct Account {
    total_bytes: u64,
    reserved_bytes: Mutex<u64>,
    /// Told whenever memory comes back.
    released: Box<dyn Fn() + Send + Sync>,
}

impl Account {
    fn change<T>(&self, change: impl FnOnce(&mut u64) -> T) -> T {
        change(&mut self.reserved_bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Memory that was asked for and is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_field_names, reason = "units stand in names")]
pub struct Shortage {
    pub needed_bytes: u64,
    pub free_bytes: u64,
    pub total_bytes: u64,
}

impl fmt::Display for Shortage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (needed, free, total) = (Size(self.needed_bytes), Size(self.free_bytes), Size(self.total_bytes));
        write!(formatter, "needs {needed}, {free} free of {total}")
    }
}

/// A size for people.
struct Size(u64);

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bytes) = *self;
        for (unit, name) in [(1u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
            if bytes >= unit {
                return write!(formatter, "{:.1} {name}", bytes as f64 / unit as f64);
            }
        }
        write!(formatter, "{bytes} B")
    }
}

/// Part of the budget; dropping it gives it back.
pub struct Reservation {
    account: Arc<Account>,
    bytes: u64,
    alive: Option<Arc<()>>,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.account.change(|reserved| *reserved = reserved.saturating_sub(self.bytes));
        // Who is told must find it gone.
        self.alive = None;
        (self.account.released)();
    }
}

impl MemoryBudget {
    /// `released` is called from whichever thread gives memory back.
    pub fn new(total_bytes: u64, released: Box<dyn Fn() + Send + Sync>) -> Self {
        Self { account: Arc::new(Account { total_bytes, reserved_bytes: Mutex::new(0), released }) }
    }

    pub fn total_bytes(&self) -> u64 {
        self.account.total_bytes
    }

    pub fn reserved_bytes(&self) -> u64 {
        self.account.change(|reserved| *reserved)
    }

    pub fn free_bytes(&self) -> u64 {
        self.total_bytes().saturating_sub(self.reserved_bytes())
    }

    /// # Errors
    /// If less is free.
    pub fn reserve(&self, bytes: u64) -> Result<Reservation, Shortage> {
        let total_bytes = self.total_bytes();
        self.account.change(|reserved| {
            let free_bytes = total_bytes.saturating_sub(*reserved);
            if bytes > free_bytes {
                return Err(Shortage { needed_bytes: bytes, free_bytes, total_bytes });
            }
            *reserved += bytes;
            Ok(Reservation { account: Arc::clone(&self.account), bytes, alive: Some(Arc::new(())) })
        })
    }
}

impl Reservation {
    /// Gone once the memory is back.
    pub fn alive(&self) -> Weak<()> {
        self.alive.as_ref().map(Arc::downgrade).unwrap_or_default()
    }
}

/// The budget when none is set: most of the machine's memory or of the control group's. Without either no bound is
/// known.
pub fn default_total_bytes() -> u64 {
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| mem_total(&text));
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    let total: Option<u64> = machine.into_iter().chain(group).min();
    total.map_or(u64::MAX, |total| total / 100 * DEFAULT_PERCENT)
}

fn mem_total(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn what_is_reserved_comes_back_when_dropped() {
        static RELEASED: AtomicUsize = AtomicUsize::new(0);
        let told = || {
            RELEASED.fetch_add(1, Ordering::Relaxed);
        };
        let budget = MemoryBudget::new(100, Box::new(told));
        let first = budget.reserve(60).unwrap_or_else(|_| unreachable!("free"));
        let shortage = budget.reserve(41).map(|_| ()).expect_err("too much");
        assert_eq!(shortage, Shortage { needed_bytes: 41, free_bytes: 40, total_bytes: 100 });
        assert_eq!(shortage.to_string(), "needs 41 B, 40 B free of 100 B");
        let second = budget.reserve(40).unwrap_or_else(|_| unreachable!("free"));
        assert_eq!((budget.reserved_bytes(), budget.free_bytes()), (100, 0));
        drop(first);
        assert_eq!((budget.free_bytes(), RELEASED.load(Ordering::Relaxed)), (60, 1));
        drop(second);
        assert_eq!(budget.free_bytes(), 100);
        assert_eq!(mem_total("MemTotal:  1024 kB\nMemFree: 1 kB\n"), Some(1 << 20));
        assert_eq!(Size(3 << 29).to_string(), "1.5 GiB");
    }
}
