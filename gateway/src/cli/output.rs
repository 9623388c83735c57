//! What commands print. A closed pipe is no reason to panic.

use std::io::Write;

pub(super) fn line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

pub(super) fn error(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "shekara: {text}");
}
