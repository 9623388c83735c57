//! Long random words beside a word like key, token or secret: keys that no prefix names. Hashes, identifiers and images
//! stand beside other words.

use std::ops::Range;

use super::value::is_placeholder;
use crate::pii::Entity;
use crate::pii::detector::budget::Budget;
use crate::pii::detector::candidate::{Candidate, Found, Strength};
use crate::pii::detector::context::topics::{KEY_WORD, PASSWORD_WORD};
use crate::pii::detector::text::Text;
use crate::pii::detector::views::long_words::{cased, long_words};

const RULE: &str = "secret/entropy";
const MAX_LEN: usize = 200;
/// Bits per character above which a word is taken for random.
const MIN_BITS: f64 = 3.0;

/// What a long word beside "key" is when this stands right before it.
const OTHER: &[&str] = &[
    "public",
    "сумм",
    "publickey",
    "cache",
    "кеш",
    "кэш",
    "partition",
    "sort",
    "shard",
    "primary",
    "foreign",
    "sha256",
    "sha-256",
    "sha1",
    "md5",
    "commit",
    "hash",
    "checksum",
    "digest",
    "fingerprint",
    "uuid",
    "guid",
    "etag",
    "открыт",
    "публичн",
    "первичн",
    "внешн",
    "хеш",
    "хэш",
    "идемпотент",
    "idempotency",
    "base64,",
    "trace",
    "ssh-rsa",
    "ssh-ed25519",
    "cache",
    "integrity",
    "sha512-",
    "sha256:",
    "ашық",
];

pub(crate) fn scan(text: &Text<'_>, budget: &mut Budget, found: &mut Found) {
    let view = text.bytes();
    if text.context().given() & (KEY_WORD | PASSWORD_WORD) == 0
        && text.context().all(KEY_WORD | PASSWORD_WORD).next().is_none()
    {
        return;
    }
    long_words(view, |range| {
        if range.len() > MAX_LEN || !budget.spend(range.len()) {
            return;
        }
        let range = without_assignment(view, range);
        let word = cased(text.view(), range.clone());
        if !is_random(&word) || is_placeholder(view.get(range.clone()).unwrap_or_default()) {
            return;
        }
        let Some(context) = text.word_near(&range, KEY_WORD | PASSWORD_WORD) else { return };
        if is_something_else(view, &range) {
            found.reject(Entity::Secret, range, RULE, "a hash, an identifier or a public key");
        } else {
            found.push(Candidate::new(Entity::Secret, range, Strength::Context, RULE).beside(Some(context)));
        }
    });
}

/// `key=…`: what stands before the first equals sign names the value; those at the end pad it.
fn without_assignment(view: &[u8], range: Range<usize>) -> Range<usize> {
    let word = view.get(range.clone()).unwrap_or_default();
    let padding = word.iter().rev().take_while(|&&byte| byte == b'=').count();
    let body = word.get(..word.len() - padding).unwrap_or_default();
    body.iter().rposition(|&byte| byte == b'=').map_or(range.clone(), |at| range.start + at + 1..range.end)
}

/// Letters and digits in no order: no path, no words with dashes.
fn is_random(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let letters = word.bytes().filter(u8::is_ascii_alphabetic).count();
    let separators = word.bytes().filter(|byte| matches!(byte, b'-' | b'_' | b'/')).count();
    let is_uuid = word.len() == 36 && separators == 4;
    let longest = word.split(['-', '_', '/']).map(str::len).max().unwrap_or(0);
    word.len() >= 20
        && letters > 0
        && (digits >= 2 || word.len() >= 32 && is_mixed_case(word))
        && (longest >= 12 || is_uuid)
        && bits_per_character(word) >= MIN_BITS
}

fn is_mixed_case(word: &str) -> bool {
    let changes = word
        .as_bytes()
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()));
    changes.count() >= 4
}

/// Shannon's entropy of the characters of a word.
fn bits_per_character(word: &str) -> f64 {
    let mut counts = [0_u32; 128];
    for byte in word.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let total = word.len() as f64;
    let shares = counts.iter().filter(|&&count| count > 0).map(|&count| f64::from(count) / total);
    -shares.map(|share| share * share.log2()).sum::<f64>()
}

fn is_something_else(view: &[u8], range: &Range<usize>) -> bool {
    let before = view.get(range.start.saturating_sub(40)..range.start).unwrap_or_default();
    if before.ends_with(b"-----\n") {
        // A public key or a certificate: private ones are found whole.
        return true;
    }
    let line = before.rsplit(|byte| matches!(byte, b'\n' | b',')).next().unwrap_or_default();
    OTHER.iter().any(|other| memchr::memmem::find(line, other.as_bytes()).is_some())
}
