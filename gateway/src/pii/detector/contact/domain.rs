//! The domain of an e-mail address: labels, dots (also spelled), and a top level that could be one.

use crate::pii::detector::views::normalize::{is_continuation, is_letter};

/// How the at sign of an address was written; the less it looks like one, the more is asked of the
/// domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// `user@`
    Sign,
    /// `user @ `
    SpacedSign,
    /// `user (at) `
    Bracketed,
    /// `user at `: only with a spelled dot.
    Word,
    /// `user собака `
    SpokenRussian,
}

/// Where a domain ends.
pub(crate) struct Domain {
    pub(crate) end: usize,
}

const MAX_LEN: usize = 253;
const MAX_LABELS: usize = 10;

/// Spelled dots, with the spaces that must surround them; longest first.
const DOTS: [&str; 10] =
    [" [dot] ", " (dot) ", "[dot]", "(dot)", " (точка) ", "(точка)", " [точка] ", "[точка]", " точка ", " dot "];

/// Top-level domains outside the two-letter countries that a spaced sign may lead to.
const COMMON: [&str; 24] = [
    "com", "org", "net", "edu", "gov", "mil", "int", "info", "biz", "name", "pro", "dev", "app", "online", "site",
    "store", "shop", "tech", "cloud", "email", "mail", "asia", "рф", "қаз",
];

/// Two-letter top levels that people of the region write; others are taken for code.
const COUNTRIES: [&str; 40] = [
    "kz", "ru", "uz", "kg", "tj", "tm", "by", "ua", "az", "am", "ge", "md", "su", "us", "uk", "de", "fr", "it", "es",
    "pl", "tr", "cn", "jp", "kr", "in", "ae", "il", "eu", "ch", "at", "nl", "be", "se", "no", "fi", "cz", "io", "ai",
    "me", "co",
];

/// Endings of files and units that are written behind an at sign ("icon@2x.png").
const NOT_DOMAINS: [&str; 22] = [
    "png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "css", "js", "mjs", "json", "html", "xml", "yaml", "yml",
    "toml", "txt", "service", "socket", "timer", "target", "mount",
];

impl Domain {
    /// Reads the longest run of labels from `start` whose last label can be a top level.
    pub(crate) fn read(view: &[u8], start: usize, spelling: Spelling) -> Option<Self> {
        let mut at = start;
        let mut labels = 0;
        let mut spelled_dot = false;
        let mut best = None;
        let mut first_is_ascii = true;
        while labels < MAX_LABELS && at - start <= MAX_LEN {
            let len = label_len(view, at);
            let Some(label) = view.get(at..at + len).filter(|label| is_label(label)) else {
                break;
            };
            if labels == 0 {
                first_is_ascii = label.is_ascii();
            } else if first_is_ascii && !label.is_ascii() && labels > 1 {
                // "mail.ru.Спасибо": the next sentence, not a domain of two scripts.
                break;
            } else if is_top_level(label, spelling) && (spelling != Spelling::Word || spelled_dot) {
                best = Some(at + len);
            }
            labels += 1;
            at += len;
            let Some((dot_len, is_spelled)) = dot_at(view, at) else {
                break;
            };
            if is_spelled && matches!(spelling, Spelling::Sign) {
                break;
            }
            spelled_dot |= is_spelled;
            at += dot_len;
        }
        best.map(|end| Self { end })
    }
}

fn label_len(view: &[u8], at: usize) -> usize {
    let rest = view.get(at..).unwrap_or_default();
    rest.iter()
        .take(MAX_LEN)
        .take_while(|&&byte| is_letter(byte) || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'))
        .count()
}

fn is_label(label: &[u8]) -> bool {
    let characters = label.iter().filter(|&&byte| !is_continuation(byte)).count();
    (1..=63).contains(&characters) && label.first() != Some(&b'-')
}

fn is_top_level(label: &[u8], spelling: Spelling) -> bool {
    let Ok(text) = std::str::from_utf8(label) else {
        return false;
    };
    // A hyphenated continuation ("mail.ru-да") belongs to the sentence.
    let text = text.split(['-', '_']).next().unwrap_or(text);
    let is_listed = COMMON.contains(&text) || COUNTRIES.contains(&text);
    if label.starts_with(b"xn--") {
        return true;
    }
    let letters = text.chars().count();
    let is_alphabetic = text.chars().all(char::is_alphabetic);
    match spelling {
        Spelling::Sign | Spelling::Bracketed => {
            is_alphabetic && (2..=24).contains(&letters) && !NOT_DOMAINS.contains(&text)
        }
        Spelling::SpacedSign | Spelling::Word | Spelling::SpokenRussian => is_listed,
    }
}

/// The length of a dot, plain or spelled, and whether it is spelled.
fn dot_at(view: &[u8], at: usize) -> Option<(usize, bool)> {
    let rest = view.get(at..)?;
    if rest.first() == Some(&b'.') {
        return Some((1, false));
    }
    DOTS.iter().find(|dot| rest.starts_with(dot.as_bytes())).map(|dot| (dot.len(), true))
}
