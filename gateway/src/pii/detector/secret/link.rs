//! Links and connection strings that open something: a name and a password before the host, or a token among the
//! parameters. The whole link is the secret.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::value;
use crate::pii::Entity;
use crate::pii::detector::budget::Budget;
use crate::pii::detector::candidate::{Candidate, Found, Strength};
use crate::pii::detector::text::Text;

const MAX_LINK: usize = 4 * 1024;
const MAX_SCHEME: usize = 24;
const MAX_NESTED: usize = 2;
const MIN_TOKEN: usize = 8;

/// Parameters whose value opens the link.
const PARAMETERS: [&str; 26] = [
    "token",
    "access_token",
    "refresh_token",
    "id_token",
    "auth_token",
    "api_key",
    "apikey",
    "api-key",
    "key",
    "sig",
    "signature",
    "x-amz-signature",
    "x-amz-credential",
    "x-goog-signature",
    "secret",
    "client_secret",
    "password",
    "passwd",
    "pwd",
    "pass",
    "auth",
    "sas",
    "session",
    "sessionid",
    "jwt",
    "private_token",
];

/// Behind the scheme of a link.
static MARKS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("://"));

pub(crate) fn scan(text: &Text<'_>, budget: &mut Budget, found: &mut Found) {
    let view = text.bytes();
    // A link may hold others, of which the first few are read.
    let mut outer = 0;
    let mut nested = 0;
    for mark in MARKS.find_iter(view) {
        nested = if mark < outer { nested + 1 } else { 0 };
        if nested > MAX_NESTED {
            continue;
        }
        let behind = view.get(mark + 3..).unwrap_or_default();
        let len = behind.iter().take(MAX_LINK).take_while(|&&byte| is_link_byte(byte)).count();
        if !budget.spend(len + 1) {
            return;
        }
        outer = outer.max(mark + 3 + len);
        let before = view.get(..mark).unwrap_or_default();
        let scheme = before.iter().rev().take(MAX_SCHEME).take_while(|&&byte| is_scheme_byte(byte)).count();
        let link = trimmed(behind.get(..len).unwrap_or_default());
        let range = mark - scheme..mark + 3 + link.len();
        if scheme == 0 {
            continue;
        }
        judge(link, range, found);
    }
}

fn judge(link: &[u8], range: Range<usize>, found: &mut Found) {
    const RULE: &str = "secret/link";
    if let Some(password) = password(link) {
        if value::is_placeholder(password) {
            found.reject(Entity::Secret, range, RULE, "a placeholder");
        } else {
            found.push(Candidate::new(Entity::Secret, range, Strength::Checked, RULE));
        }
        return;
    }
    let query_at = link.iter().position(|byte| matches!(byte, b'?' | b'#')).map_or(link.len(), |at| at + 1);
    let query = link.get(query_at..).unwrap_or_default();
    let opens = query.split(|byte| matches!(byte, b'&' | b';' | b'#')).any(|pair| {
        let at = pair.iter().position(|&byte| byte == b'=').unwrap_or(pair.len());
        let (name, value) = pair.split_at_checked(at).unwrap_or_default();
        let value = value.get(1..).unwrap_or_default();
        let is_named = PARAMETERS.iter().any(|known| name == known.as_bytes());
        let is_mixed = value.iter().any(u8::is_ascii_digit) || value.len() >= 20;
        is_named && value.len() >= MIN_TOKEN && is_mixed && !value::is_placeholder(value)
    });
    let is_hook = link.starts_with(b"hooks.slack.com/services/") && link.len() > 40 && !value::is_placeholder(link);
    if opens || is_hook {
        found.push(Candidate::new(Entity::Secret, range, Strength::Checked, "secret/link-token"));
    }
}

/// The password of `name:password@host`.
fn password(link: &[u8]) -> Option<&[u8]> {
    let authority_len = link.iter().position(|byte| matches!(byte, b'?' | b'#')).unwrap_or(link.len());
    let authority = link.get(..authority_len)?;
    // A password may hold an at sign or a slash; the host holds neither.
    let first_slash = authority.iter().position(|&byte| byte == b'/').unwrap_or(authority.len());
    let head = authority.get(..first_slash)?;
    let at = head.iter().rposition(|&byte| byte == b'@').or_else(|| {
        let colon = head.iter().position(|&byte| byte == b':')?;
        let is_port = head.get(colon + 1..)?.iter().all(u8::is_ascii_digit);
        (!is_port).then(|| authority.iter().position(|&byte| byte == b'@')).flatten()
    })?;
    let user_info = authority.get(..at)?;
    let colon = user_info.iter().position(|&byte| byte == b':')?;
    user_info.get(colon + 1..).filter(|password| !password.is_empty())
}

fn trimmed(link: &[u8]) -> &[u8] {
    let tail =
        link.iter().rev().take_while(|byte| matches!(byte, b'.' | b',' | b')' | b']' | b'!' | b':' | b'?')).count();
    link.get(..link.len() - tail).unwrap_or_default()
}

/// Typographic quotes are folded to a semicolon, which no link needs at its end.
const fn is_link_byte(byte: u8) -> bool {
    byte > b' ' && byte < 0x7F && !matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'`' | b';' | b'\\' | b'|')
}

const fn is_scheme_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}
