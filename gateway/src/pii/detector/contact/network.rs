//! Public IP addresses, in version 4 and 6, plain and with the dots that people put in brackets. What belongs to
//! nobody is left alone: private and reserved ranges, those of examples, the resolvers that everybody knows.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use memchr::{memchr_iter, memchr2_iter};

use crate::pii::Entity;
use crate::pii::detector::budget::Budget;
use crate::pii::detector::candidate::{Candidate, Found, Strength};
use crate::pii::detector::context::topics::{NETWORK, VERSION};
use crate::pii::detector::text::Text;
use crate::pii::detector::views::lookalike::digit_at;
use crate::pii::detector::views::normalize::is_letter;

/// The longest spelling of an address of version 6.
const MAX_V6: usize = 45;

/// Spelled dots between numbers, longest first.
const DOTS: [&str; 10] = [" [.] ", " (.) ", " . ", "[.]", "(.)", "{.}", "[dot]", "(dot)", " точка ", " dot "];

/// Every public address of a view.
pub(crate) fn scan(text: &Text<'_>, budget: &mut Budget, found: &mut Found) {
    let view = text.bytes();
    let mut done = 0;
    for dot in memchr2_iter(b'.', b'd', view) {
        if dot < done || view.get(dot) == Some(&b'd') && !view.get(dot..).is_some_and(|rest| rest.starts_with(b"dot")) {
            continue;
        }
        if !budget.spend(1) {
            return;
        }
        if let Some(address) = Quad::around(view, dot) {
            done = address.range.end;
            version_4(text, address, found);
        }
    }
    version_6(text, budget, found);
}

/// Four numbers with dots between.
struct Quad {
    range: Range<usize>,
    numbers: [u8; 4],
    is_spaced: bool,
}

impl Quad {
    /// Reads the address whose first dot stands at `dot`, in brackets or not.
    fn around(view: &[u8], dot: usize) -> Option<Self> {
        let before = view.get(dot.saturating_sub(8)..dot)?;
        let padding = before.iter().rev().take_while(|byte| matches!(byte, b' ' | b'[' | b'(' | b'{')).take(2).count();
        let number_end = dot - padding;
        let start = number_start(view, number_end)?;
        let mut at = start;
        let mut numbers = [0; 4];
        let mut is_spaced = false;
        for (index, slot) in numbers.iter_mut().enumerate() {
            if index > 0 {
                let len = dot_len(view, at)?;
                is_spaced |= view.get(at) == Some(&b' ');
                at += len;
            }
            let (value, end) = number(view, at)?;
            *slot = value;
            at = end;
        }
        let next = view.get(at).copied();
        let goes_on = next.is_some_and(|byte| byte.is_ascii_digit() || is_letter(byte) || byte == b'_')
            || next == Some(b'.') && view.get(at + 1).is_some_and(u8::is_ascii_digit);
        (!goes_on).then_some(Self { range: start..at, numbers, is_spaced })
    }
}

/// Where the number of at most three digits that ends here begins, if nothing is glued to it.
fn number_start(view: &[u8], end: usize) -> Option<usize> {
    let mut start = end;
    while start > 0 && end - start < 4 {
        let previous = start - 1;
        if !view.get(previous)?.is_ascii_digit() {
            break;
        }
        start = previous;
    }
    let before = start.checked_sub(1).and_then(|at| view.get(at));
    let is_glued = before.is_some_and(|&byte| is_letter(byte) && byte < 0x80 || matches!(byte, b'.' | b'_' | b'-'));
    let is_port_or_host = matches!(before, Some(b'-'));
    ((1..=3).contains(&(end - start)) && (!is_glued || is_port_or_host)).then_some(start)
}

/// One number of an address and where it ends; letters may stand for its digits.
fn number(view: &[u8], at: usize) -> Option<(u8, usize)> {
    let mut value = 0_u16;
    let mut end = at;
    let mut digits = 0;
    let mut is_number = false;
    while digits < 3 {
        let Some((digit, width)) = digit_at(view, end) else { break };
        is_number |= view.get(end).is_some_and(u8::is_ascii_digit);
        value = value * 10 + u16::from(digit);
        end += width;
        digits += 1;
    }
    let value = u8::try_from(value).ok()?;
    (is_number && !(digits > 1 && view.get(at) == Some(&b'0'))).then_some((value, end))
}

fn dot_len(view: &[u8], at: usize) -> Option<usize> {
    let rest = view.get(at..)?;
    if rest.first() == Some(&b'.') {
        return Some(1);
    }
    DOTS.iter().find(|dot| rest.starts_with(dot.as_bytes())).map(|dot| dot.len())
}

fn version_4(text: &Text<'_>, quad: Quad, found: &mut Found) {
    const RULE: &str = "ip/version-4";
    let address = Ipv4Addr::from(quad.numbers);
    let topics = text.topics_near(&quad.range);
    if !is_public_v4(address) {
        found.reject(Entity::Ip, quad.range, RULE, "private, reserved or known to everybody");
    } else if topics & VERSION != 0 && topics & NETWORK == 0 || is_version(text.bytes(), &quad) {
        found.reject(Entity::Ip, quad.range, RULE, "a version");
    } else if quad.is_spaced && topics & NETWORK == 0 {
        found.reject(Entity::Ip, quad.range, RULE, "spaces inside and no context word");
    } else if quad.numbers.iter().all(|&number| number < 32) && topics & NETWORK == 0 {
        found.reject(Entity::Ip, quad.range, RULE, "looks like a version or a section");
    } else {
        let word = text.word_near(&quad.range, NETWORK);
        let score = if word.is_some() { 97 } else { 93 };
        found.push(Candidate::new(Entity::Ip, quad.range, Strength::Checked, RULE).scored(score).beside(word));
    }
}

/// `v1.2.3.4`, `lib-1.2.3.4.tar.gz`, `>=1.2.3.4`.
fn is_version(view: &[u8], quad: &Quad) -> bool {
    let before = view.get(..quad.range.start).unwrap_or_default();
    let after = view.get(quad.range.end..).unwrap_or_default();
    let last = before.last().copied();
    let is_compared =
        matches!(last, Some(b'^' | b'~' | b'>' | b'<')) || before.ends_with(b"==") || before.ends_with(b">=");
    let is_file = [".tar", ".zip", ".exe", ".msi", ".deb", ".rpm", ".jar", ".whl", "-rc", "-beta", "-snapshot"]
        .iter()
        .any(|ending| after.starts_with(ending.as_bytes()));
    let is_package = last == Some(b'-') && before.iter().rev().nth(1).copied().is_some_and(is_letter);
    is_compared || is_file || is_package
}

/// Whether an address can lead to somebody.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_shared = a == 100 && (64..128).contains(&b);
    let is_benchmark = a == 198 && (18..20).contains(&b);
    let is_protocol = (a, b, c) == (192, 0, 0) || (a, b, c) == (192, 88, 99);
    let is_mask = a == 255 || address.is_broadcast();
    !(a == 0
        || a >= 224
        || is_shared
        || is_benchmark
        || is_protocol
        || is_mask
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || KNOWN.contains(&address.octets()))
}

/// Resolvers that stand in every manual.
const KNOWN: [[u8; 4]; 14] = [
    [8, 8, 8, 8],
    [8, 8, 4, 4],
    [1, 1, 1, 1],
    [1, 0, 0, 1],
    [9, 9, 9, 9],
    [149, 112, 112, 112],
    [77, 88, 8, 8],
    [77, 88, 8, 1],
    [208, 67, 222, 222],
    [208, 67, 220, 220],
    [4, 2, 2, 2],
    [94, 140, 14, 14],
    [94, 140, 15, 15],
    [1, 2, 3, 4],
];

fn version_6(text: &Text<'_>, budget: &mut Budget, found: &mut Found) {
    let view = text.bytes();
    let mut done = 0;
    for colon in memchr_iter(b':', view) {
        if colon < done {
            continue;
        }
        if !budget.spend(1) {
            return;
        }
        let before = view.get(colon.saturating_sub(MAX_V6)..colon).unwrap_or_default();
        let start = colon - before.iter().rev().take_while(|&&byte| is_v6_byte(byte)).count();
        let after = view.get(colon..).unwrap_or_default();
        let end = colon + after.iter().take(MAX_V6).take_while(|&&byte| is_v6_byte(byte)).count();
        done = end;
        if end - start < 6 || !budget.spend(end - start) {
            continue;
        }
        let is_glued = [start.checked_sub(1), Some(end)]
            .into_iter()
            .flatten()
            .filter_map(|at| view.get(at))
            .any(|&byte| is_letter(byte) && byte < 0x80 || byte == b'_');
        let spelled = view.get(start..end).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
        let spelled = spelled.trim_end_matches(['.', ':']);
        let Some(address) = spelled.parse::<Ipv6Addr>().ok().filter(|_| !is_glued) else { continue };
        let range = start..start + spelled.len();
        if is_public_v6(address) {
            let word = text.word_near(&range, NETWORK);
            found.push(Candidate::new(Entity::Ip, range, Strength::Checked, "ip/version-6").beside(word));
        } else {
            found.reject(Entity::Ip, range, "ip/version-6", "not a global address");
        }
    }
}

const fn is_v6_byte(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')
}

/// Global unicast, without the range of examples and the resolvers that everybody knows.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let is_example = first == 0x2001 && second == 0x0db8 || first == 0x3fff && second < 0x1000;
    let is_known = matches!(first, 0x2606) && second == 0x4700 && address.segments()[2] == 0x4700
        || first == 0x2001 && second == 0x4860 && address.segments()[2] == 0x4860;
    first & 0xE000 == 0x2000 && !is_example && !is_known
}
