//! Private keys as PEM blocks, whole: from the line that opens one to the line that closes it.

use std::sync::LazyLock;

use memchr::memmem::{self, Finder};

use crate::pii::Entity;
use crate::pii::detector::budget::Budget;
use crate::pii::detector::candidate::{Candidate, Found, Strength};
use crate::pii::detector::text::Text;

const OPEN: &[u8] = b"-----begin ";
static OPENS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(OPEN));
const CLOSE: &[u8] = b"-----end ";
const RULE_DASHES: &[u8] = b"-----";
const MAX_LABEL: usize = 64;
/// A key of 16,384 bits in base 64 is shorter.
const MAX_BLOCK: usize = 16 * 1024;

pub(crate) fn scan(text: &Text<'_>, budget: &mut Budget, found: &mut Found) {
    let view = text.bytes();
    for open in OPENS.find_iter(view) {
        if !budget.spend(MAX_LABEL) {
            return;
        }
        let label = view.get(open + OPEN.len()..).unwrap_or_default();
        let label = label.get(..MAX_LABEL.min(label.len())).unwrap_or_default();
        let Some(label_len) = memmem::find(label, RULE_DASHES) else { continue };
        let is_private = label.get(..label_len).is_some_and(|label| memmem::find(label, b"private key").is_some());
        if !is_private {
            continue;
        }
        let start = open + OPEN.len() + label_len + RULE_DASHES.len();
        let body = view.get(start..).unwrap_or_default();
        let body = body.get(..MAX_BLOCK.min(body.len())).unwrap_or_default();
        if !budget.spend(body.len() / 64) {
            return;
        }
        let end = closing(body).unwrap_or_else(|| key_text_len(body));
        if body.get(..end).is_some_and(|body| body.iter().filter(|byte| byte.is_ascii_alphanumeric()).count() >= 16) {
            found.push(Candidate::new(Entity::Secret, open..start + end, Strength::Checked, "secret/private-key"));
        } else {
            found.reject(Entity::Secret, open..start + end, "secret/private-key", "an empty block");
        }
    }
}

/// Behind the closing line.
fn closing(body: &[u8]) -> Option<usize> {
    let close = memmem::find(body, CLOSE)?;
    let label = body.get(close + CLOSE.len()..)?;
    let label = label.get(..MAX_LABEL.min(label.len()))?;
    let len = memmem::find(label, RULE_DASHES).map_or(0, |len| len + RULE_DASHES.len());
    Some(close + CLOSE.len() + len)
}

/// A block that was cut off lasts as long as its lines are base 64, headers and escapes of line breaks.
fn key_text_len(body: &[u8]) -> usize {
    let is_key = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'\n' | b'\\' | b'-' | b':' | b',')
    };
    body.iter().take_while(|byte| is_key(byte)).count()
}
