//! What commands print. A closed pipe is no reason to panic.

use std::io::Write;

pub(super) fn line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// What has its own ends of lines.
pub(super) fn text(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// A file's content.
pub(super) fn bytes(bytes: &[u8]) {
    let _ = std::io::stdout().lock().write_all(bytes);
}

/// What a long command is at, beside what it prints.
pub(super) fn progress(what: &str, rows: u64) {
    let mut out = std::io::stderr().lock();
    let _ = if rows == 0 { writeln!(out, "shekara: {what}") } else { writeln!(out, "shekara: {what}: {rows}") };
}

pub(super) fn error(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "shekara: {text}");
}
