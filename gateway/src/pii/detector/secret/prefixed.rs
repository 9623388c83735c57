//! Keys that say by their first characters whose they are, JSON Web Tokens, and the tokens of Telegram's bots.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::pii::Entity;
use crate::pii::detector::budget::Budget;
use crate::pii::detector::candidate::{Candidate, Found, Strength};
use crate::pii::detector::context::topics::KEY_PREFIX;
use crate::pii::detector::text::Text;
use crate::pii::detector::views::normalize::{View, is_letter};

/// How the rest of a key looks.
struct Prefix {
    text: &'static str,
    /// Least length behind the prefix.
    min: usize,
    max: usize,
}

const fn at_least(text: &'static str, min: usize) -> Prefix {
    Prefix { text, min, max: 400 }
}

const fn exactly(text: &'static str, len: usize) -> Prefix {
    Prefix { text, min: len, max: len }
}

/// Longest first where one begins with another.
const PREFIXES: &[Prefix] = &[
    at_least("sk_live_", 10),
    at_least("sk_test_", 10),
    at_least("rk_live_", 10),
    at_least("rk_test_", 10),
    at_least("sk-", 16),
    exactly("akia", 16),
    exactly("asia", 16),
    at_least("ghp_", 20),
    at_least("gho_", 20),
    at_least("ghu_", 20),
    at_least("ghs_", 20),
    at_least("ghr_", 20),
    at_least("github_pat_", 20),
    at_least("glpat-", 16),
    at_least("gldt-", 16),
    at_least("glrt-", 16),
    at_least("xoxb-", 16),
    at_least("xoxa-", 16),
    at_least("xoxp-", 16),
    at_least("xoxr-", 16),
    at_least("xoxs-", 16),
    at_least("xapp-", 16),
    Prefix { text: "aiza", min: 30, max: 40 },
    at_least("ya29.", 20),
    at_least("hf_", 20),
    at_least("npm_", 30),
    at_least("pypi-", 16),
    at_least("sg.", 40),
    exactly("key-", 32),
    at_least("whsec_", 20),
    at_least("gsk_", 20),
    at_least("xai-", 20),
    at_least("pplx-", 20),
    at_least("nvapi-", 20),
    at_least("dop_v1_", 32),
    at_least("shpat_", 24),
    at_least("shpss_", 24),
    at_least("hvs.", 20),
    at_least("dckr_pat_", 16),
    at_least("vk1.a.", 30),
    at_least("y0_", 30),
    at_least("aqvn", 30),
    at_least("t1.", 40),
];

/// A header in base 64 alone is longer.
const MIN_JWT_PART: usize = 10;
const MAX_JWT: usize = 8 * 1024;

pub(crate) fn scan(text: &Text<'_>, budget: &mut Budget, found: &mut Found) {
    let view = text.bytes();
    let mut done = 0;
    for word in text.context().all(KEY_PREFIX) {
        if word.start < done {
            continue;
        }
        if !budget.spend(1) {
            return;
        }
        let rest = view.get(word.start..).unwrap_or_default();
        if rest.starts_with(b"eyj") {
            done = word.start + jwt_part(rest);
            if let Some(len) = jwt_len(rest).filter(|&len| budget.spend(len)) {
                let range = word.start..word.start + len;
                found.push(Candidate::new(Entity::Secret, range, Strength::Checked, "secret/jwt"));
            }
            continue;
        }
        let Some(prefix) = PREFIXES.iter().find(|prefix| rest.starts_with(prefix.text.as_bytes())) else { continue };
        done = prefixed(text.view(), word.start, prefix, found);
    }
    bot_tokens(view, budget, found);
}

/// Judges one key and returns where it ends.
fn prefixed(view: &View<'_>, start: usize, prefix: &Prefix, found: &mut Found) -> usize {
    const RULE: &str = "secret/prefix";
    let behind = view.bytes().get(start + prefix.text.len()..).unwrap_or_default();
    let run = behind.iter().take(prefix.max + 1).take_while(|&&byte| is_key_byte(byte)).count();
    let run =
        run - behind.get(..run).unwrap_or_default().iter().rev().take_while(|byte| matches!(byte, b'.' | b'-')).count();
    let key = behind.get(..run).unwrap_or_default();
    let range = start..start + prefix.text.len() + run;
    let end = range.end;
    if !(prefix.min..=prefix.max).contains(&run) {
        found.reject(Entity::Secret, range, RULE, "not as long as such a key");
    } else if !is_random(key) && !is_of_capitals(prefix, view.source_text(range.clone())) {
        found.reject(Entity::Secret, range, RULE, "words, not a key");
    } else {
        found.push(Candidate::new(Entity::Secret, range, Strength::Checked, RULE));
    }
    end
}

/// Whether some part without separators mixes letters and digits, or is too long for a word.
fn is_random(key: &[u8]) -> bool {
    let is_varied = key.iter().collect::<std::collections::BTreeSet<_>>().len() >= 6;
    is_varied
        && key.split(|byte| matches!(byte, b'-' | b'_' | b'.')).any(|part| {
            let digits = part.iter().filter(|byte| byte.is_ascii_digit()).count();
            part.len() >= 20 || part.len() >= 8 && digits > 0 && digits < part.len()
        })
}

/// One in thirty of Amazon's keys has no digit; no word begins like them.
fn is_of_capitals(prefix: &Prefix, key: &str) -> bool {
    prefix.text == "akia" && key.bytes().all(|byte| byte.is_ascii_uppercase())
}

const fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

fn jwt_part(rest: &[u8]) -> usize {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'=');
    rest.iter().take(MAX_JWT).take_while(|byte| is_part(byte)).count()
}

/// Header and payload, and a signature if there is one.
fn jwt_len(rest: &[u8]) -> Option<usize> {
    let part = |from: usize| jwt_part(rest.get(from..).unwrap_or_default());
    let header = part(0);
    let payload = (rest.get(header) == Some(&b'.')).then(|| part(header + 1))?;
    if header < MIN_JWT_PART || payload < MIN_JWT_PART {
        return None;
    }
    let end = header + 1 + payload;
    let signature = if rest.get(end) == Some(&b'.') { part(end + 1) } else { 0 };
    Some(if signature == 0 { end } else { end + 1 + signature })
}

static BOTS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(":aa"));

/// `8–10 digits:AA` and 33 more characters.
fn bot_tokens(view: &[u8], budget: &mut Budget, found: &mut Found) {
    const REST: usize = 35;
    for colon in BOTS.find_iter(view) {
        if !budget.spend(REST) {
            return;
        }
        let before = view.get(..colon).unwrap_or_default();
        let digits = before.iter().rev().take(12).take_while(|byte| byte.is_ascii_digit()).count();
        let behind = view.get(colon + 1..).unwrap_or_default();
        let rest = behind
            .iter()
            .take(REST + 2)
            .take_while(|&&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            .count();
        if (7..=11).contains(&digits) && (REST - 2..=REST + 1).contains(&rest) {
            let range: Range<usize> = colon - digits..colon + 1 + rest;
            let is_glued =
                before.len().checked_sub(digits + 1).and_then(|at| before.get(at)).copied().is_some_and(is_letter)
                    && !before.get(..before.len() - digits).is_some_and(|start| start.ends_with(b"bot"));
            if !is_glued {
                found.push(Candidate::new(Entity::Secret, range, Strength::Checked, "secret/bot-token"));
            }
        }
    }
}
