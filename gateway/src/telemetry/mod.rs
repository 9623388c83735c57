//! Logs to standard error. Prompts, keys and personal data never reach them.

use tracing_subscriber::EnvFilter;

/// `RUST_LOG` decides what is written; by default warnings and our own news.
pub fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,shekara=info"));
    let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    // It fails only where a test has set one up already.
    let _ =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(terminal).try_init();
}
