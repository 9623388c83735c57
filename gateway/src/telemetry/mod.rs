//! Logs to standard error, and metrics. Prompts, keys and personal data never reach them, by a panic's message neither.

mod alert_counts;
mod metrics;

pub use alert_counts::AlertCounts;
pub use metrics::{Metrics, prometheus_text};

use std::io::Write;
use std::panic::PanicHookInfo;

use tracing_subscriber::EnvFilter;

/// From now on a panic says where it happened and nothing else: its message may hold what was being worked on.
pub fn silence_panics() {
    std::panic::set_hook(Box::new(|info| {
        // Where standard error is gone, there is nobody to tell.
        let _ = writeln!(std::io::stderr(), "{}", place_of(info));
    }));
}

fn place_of(info: &PanicHookInfo<'_>) -> String {
    let place = info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    format!("a thread panicked at {place}; what it said is not shown")
}

/// `RUST_LOG` decides what is written; by default warnings and our own news.
pub fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,shekara=info"));
    let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    // It fails only where a test has set one up already.
    let _ =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(terminal).try_init();
}
