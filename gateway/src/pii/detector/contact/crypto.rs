//! Addresses of cryptocurrency wallets. Most carry a checksum, which is verified; beside a context word the shape alone
//! is enough, since somebody may have mistyped theirs.

use std::ops::Range;

use super::checksum::{base58, base58check, crc16, is_base58, is_bech32, ripple58check};
use crate::pii::Entity;
use crate::pii::detector::budget::Budget;
use crate::pii::detector::candidate::{Candidate, Found, Strength};
use crate::pii::detector::context::topics::CRYPTO;
use crate::pii::detector::text::Text;
use crate::pii::detector::views::long_words::{cased, long_words};

const MIN_LEN: usize = 25;
const MAX_LEN: usize = 108;
/// Half of an address is shorter.
const MAX_HALF: usize = 64;
/// Decoding base 58 looks at each pair of characters.
const COST: usize = 64;

/// Every address of a view.
pub(crate) fn scan(text: &Text<'_>, budget: &mut Budget, found: &mut Found) {
    let view = text.bytes();
    long_words(view, |run| {
        broken(text, &run, budget, found);
        let mut start = run.start;
        let bytes = view.get(run).unwrap_or_default();
        for part in bytes.split(|&byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))) {
            let range = start..start + part.len();
            start = range.end + 1;
            if (MIN_LEN..=MAX_LEN).contains(&part.len()) && budget.spend(COST + part.len()) {
                judge(text, range, found);
            }
        }
    });
}

/// An address that a line break cuts in two: the longer half is a long word. Only a checksum puts it together again.
fn broken(text: &Text<'_>, run: &Range<usize>, budget: &mut Budget, found: &mut Found) {
    let view = text.bytes();
    let is_letter_or_digit = |byte: &&u8| byte.is_ascii_alphanumeric();
    let breaks_before =
        view.get(..run.start).unwrap_or_default().iter().rev().take(2).take_while(|&&byte| byte == b'\n').count();
    let breaks_behind =
        view.get(run.end..).unwrap_or_default().iter().take(2).take_while(|&&byte| byte == b'\n').count();
    if breaks_before > 0 {
        let end = run.start - breaks_before;
        let head =
            view.get(..end).unwrap_or_default().iter().rev().take(MAX_HALF).take_while(is_letter_or_digit).count();
        joined(text, (end - head..end, run.clone()), budget, found);
    }
    if breaks_behind > 0 {
        let start = run.end + breaks_behind;
        let tail = view.get(start..).unwrap_or_default().iter().take(MAX_HALF).take_while(is_letter_or_digit).count();
        joined(text, (run.clone(), start..start + tail), budget, found);
    }
}

fn joined(text: &Text<'_>, (head, tail): (Range<usize>, Range<usize>), budget: &mut Budget, found: &mut Found) {
    let len = head.len() + tail.len();
    if head.is_empty() || tail.is_empty() || !(MIN_LEN..=MAX_LEN).contains(&len) || !budget.spend(COST + len) {
        return;
    }
    let range = head.start..tail.end;
    let word = cased(text.view(), head) + &cased(text.view(), tail);
    if let Some(shape) = shape(&word).filter(|shape| shape.is_checked) {
        let context = text.word_near(&range, CRYPTO);
        found.push(Candidate::new(Entity::Crypto, range, Strength::Checked, shape.rule).beside(context));
    }
}

/// What the shape of a word says.
struct Shape {
    rule: &'static str,
    is_checked: bool,
}

fn judge(text: &Text<'_>, range: Range<usize>, found: &mut Found) {
    let word = cased(text.view(), range.clone());
    // "bitcoin:1A1z…" and "TON_EQ…" are glued to their names at most by a colon, which ends a word.
    let Some(shape) = shape(&word) else { return };
    let context = text.word_near(&range, CRYPTO);
    if shape.is_checked {
        found.push(Candidate::new(Entity::Crypto, range, Strength::Checked, shape.rule).beside(context));
    } else if context.is_some() {
        found.push(Candidate::new(Entity::Crypto, range, Strength::Context, shape.rule).beside(context));
    } else {
        found.reject(Entity::Crypto, range, shape.rule, "wrong or no checksum and no context word");
    }
}

fn shape(word: &str) -> Option<Shape> {
    let len = word.len();
    let of = |rule, is_checked| Some(Shape { rule, is_checked });
    if let Some(hex) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        return (hex.len() == 40 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .then_some(Shape { rule: "crypto/ethereum", is_checked: true });
    }
    let lower = word.to_ascii_lowercase();
    if ["bc1", "tb1", "ltc1", "addr1", "cosmos1"].iter().any(|prefix| lower.starts_with(prefix)) {
        return of("crypto/bech32", is_bech32(&lower)).filter(|_| !word.contains(['_', '-']));
    }
    if len == 48 && ["EQ", "UQ", "kQ", "0Q"].iter().any(|prefix| word.starts_with(prefix)) {
        return of("crypto/ton", is_ton(word));
    }
    if !(word.bytes().any(|byte| byte.is_ascii_digit()) && word.bytes().any(|byte| byte.is_ascii_uppercase())) {
        return None;
    }
    match word.as_bytes().first()? {
        b'r' if (25..=35).contains(&len) && is_base58(word) => of("crypto/ripple", ripple58check(word).is_some()),
        b'4' | b'8' if len == 95 && is_base58(word) => of("crypto/monero", true),
        b'1' | b'3' | b'T' | b'L' | b'M' | b'D' | b'A' | b'9' if (26..=35).contains(&len) && is_base58(word) => {
            of("crypto/base58check", base58check(word).is_some_and(|payload| payload.len() == 21))
        }
        b'G' if len == 56 && word.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7')) => {
            of("crypto/stellar", false)
        }
        _ if (43..=44).contains(&len) && is_base58(word) && base58(word).is_some_and(|key| key.len() == 32) => {
            of("crypto/solana", false)
        }
        _ => None,
    }
}

/// 36 bytes in base 64: flags, chain, hash, and a CRC of them.
fn is_ton(word: &str) -> bool {
    let mut bytes = Vec::with_capacity(36);
    let mut bits = 0_u32;
    let mut held = 0;
    for byte in word.bytes() {
        let sextet = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' | b'+' => 62,
            b'_' | b'/' => 63,
            _ => return false,
        };
        bits = (bits << 6 | u32::from(sextet)) & 0xFFFF;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xFF) as u8);
        }
    }
    match bytes.split_last_chunk::<2>() {
        Some((payload, check)) => crc16(payload) == u16::from_be_bytes(*check),
        None => false,
    }
}
