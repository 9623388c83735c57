//! E-mail addresses around an at sign, in ASCII and internationalised, and as people spell them to
//! hide them: "user (at) domain.kz", "user [at] domain [dot] kz", "user собака mail точка ru".

use std::ops::Range;
use std::sync::LazyLock;

use memchr::{memchr_iter, memmem};

use super::domain::{Domain, Spelling};
use crate::pii::Entity;
use crate::pii::detector::budget::Budget;
use crate::pii::detector::candidate::{Candidate, Found, Strength};
use crate::pii::detector::text::Text;
use crate::pii::detector::views::normalize::{is_continuation, is_letter};

const MAX_LOCAL: usize = 64;
/// Spaces on one side of an at sign.
const MAX_SPACES: usize = 2;

/// Spelled at signs that stand in brackets; a view has lower case only.
const BRACKETED: [&str; 5] = ["at", "@", "эт", "собака", "dog"];

/// At signs in words.
static SPOKEN: LazyLock<[memmem::Finder<'static>; 3]> =
    LazyLock::new(|| ["собака", "собачка", " at "].map(memmem::Finder::new));

/// Every address of a view.
pub(crate) fn scan(text: &Text<'_>, budget: &mut Budget, found: &mut Found) {
    let address = |range| Candidate::new(Entity::Email, range, Strength::Checked, "email/address");
    addresses(text.bytes(), budget, |range| found.push(address(range)));
}

fn addresses(view: &[u8], budget: &mut Budget, mut found: impl FnMut(Range<usize>)) {
    for at in memchr_iter(b'@', view) {
        if !budget.spend(1) {
            return;
        }
        found_around(view, at..at + 1, Spelling::Sign, &mut found);
    }
    for at in memchr::memchr3_iter(b'(', b'[', b'{', view) {
        if !budget.spend(1) {
            return;
        }
        if let Some(end) = bracketed_at(view, at) {
            found_around(view, at..end, Spelling::Bracketed, &mut found);
        }
    }
    for word in SPOKEN.iter() {
        for at in word.find_iter(view) {
            if !budget.spend(1) {
                return;
            }
            let sign = at..at + word.needle().len();
            let spelling = if word.needle() == b" at " { Spelling::Word } else { Spelling::SpokenRussian };
            found_around(view, sign, spelling, &mut found);
        }
    }
}

fn found_around(view: &[u8], sign: Range<usize>, spelling: Spelling, found: &mut impl FnMut(Range<usize>)) {
    let local_end = sign.start - spaces_before(view, sign.start);
    let domain_start = sign.end + spaces_after(view, sign.end);
    let is_spaced = local_end < sign.start || domain_start > sign.end;
    let Some(start) = local_start(view, local_end) else {
        return;
    };
    let local = view.get(start..local_end).unwrap_or_default();
    let spelling = match spelling {
        Spelling::Sign if is_spaced => Spelling::SpacedSign,
        other => other,
    };
    // A word before a spaced or spoken sign is an address only in Latin script.
    if spelling != Spelling::Sign && !local.is_ascii() {
        return;
    }
    let Some(domain) = Domain::read(view, domain_start, spelling) else {
        return;
    };
    // git@host:path is how repositories are named, not a person.
    if local == b"git" && view.get(domain.end) == Some(&b':') {
        return;
    }
    found(start..domain.end);
}

fn spaces_before(view: &[u8], at: usize) -> usize {
    let before = view.get(..at).unwrap_or_default();
    before.iter().rev().take(MAX_SPACES).take_while(|&&byte| byte == b' ').count()
}

fn spaces_after(view: &[u8], at: usize) -> usize {
    let after = view.get(at..).unwrap_or_default();
    after.iter().take(MAX_SPACES).take_while(|&&byte| byte == b' ').count()
}

/// Where the local part that ends here begins, without dots and quotes at its ends.
fn local_start(view: &[u8], end: usize) -> Option<usize> {
    let from = end.saturating_sub(MAX_LOCAL);
    let reach = view.get(from..end)?;
    let len = reach.iter().rev().take_while(|&&byte| is_local_byte(byte)).count();
    let local = reach.get(reach.len() - len..)?;
    let trimmed =
        local.iter().take_while(|&&byte| !is_letter(byte) && !byte.is_ascii_digit() || is_continuation(byte)).count();
    let is_dotted = local.last() == Some(&b'.');
    (trimmed < len && !is_dotted).then_some(end - len + trimmed)
}

const fn is_local_byte(byte: u8) -> bool {
    is_letter(byte)
        || byte.is_ascii_digit()
        || matches!(byte, b'.' | b'_' | b'-' | b'+' | b'%' | b'\'' | b'*' | b'!' | b'#' | b'$' | b'&' | b'~')
}

/// The end of "(at)", "[ at ]", "{собака}" when one begins here.
fn bracketed_at(view: &[u8], open: usize) -> Option<usize> {
    let start = open + 1 + spaces_after(view, open + 1);
    let rest = view.get(start..)?;
    let word = BRACKETED.iter().find(|word| rest.starts_with(word.as_bytes()))?;
    let end = start + word.len();
    let end = end + spaces_after(view, end);
    matches!(view.get(end), Some(b')' | b']' | b'}')).then_some(end + 1)
}
