//! Names in messengers and social networks: links to a profile, `@name` and bare names beside the word of a network.
//! Decorators, packages, style rules and the paths of the networks themselves are none.

use std::ops::Range;

use memchr::memchr_iter;

use crate::pii::Entity;
use crate::pii::detector::budget::Budget;
use crate::pii::detector::candidate::{Candidate, Found, Strength};
use crate::pii::detector::context::topics::SOCIAL;
use crate::pii::detector::text::Text;
use crate::pii::detector::views::normalize::is_letter;

const MIN_NAME: usize = 3;
const MAX_NAME: usize = 40;

/// Where the path is somebody's name, and what stands before it.
const LINKS: &[&str] = &[
    "t.me/",
    "telegram.me/",
    "wa.me/",
    "instagram.com/",
    "facebook.com/",
    "fb.com/",
    "vk.com/",
    "vk.ru/",
    "ok.ru/profile/",
    "twitter.com/",
    "x.com/",
    "tiktok.com/@",
    "linkedin.com/in/",
    "threads.net/@",
    "snapchat.com/add/",
    "youtube.com/@",
    "api.whatsapp.com/send?phone=",
    "tg://resolve?domain=",
];

/// Paths of the networks themselves.
const PAGES: &str = "\
    about accounts ads business company dev developers docs events explore feed groups hashtag help home i \
    joinchat legal login logout marketplace messages p pages photo policies privacy reel reels s search settings \
    share sharer sharer.php signup stories support terms tos tv video watch wall addstickers proxy setlanguage";

/// What stands behind an at sign in code and mail, and is nobody's name.
const NOT_NAMES: &str = "\
    media import keyframes charset font-face supports layer page include mixin extend use tailwind apply \
    override deprecated param params return returns throws see since author property staticmethod classmethod \
    dataclass pytest app router bean component service controller autowired test entity table column id data \
    getter setter input output injectable module types babel angular vue click click.prevent submit change all \
    everyone channel here latest next example username user nullable notnull transactional requestmapping \
    getmapping postmapping pathvariable requestbody json lru_cache wraps contextmanager abstractmethod \
    cached_property echo param-out var type todo if foreach section yield extends endif csrf suppresswarnings \
    functionalinterface";

/// Every name of a view.
pub(crate) fn scan(text: &Text<'_>, budget: &mut Budget, found: &mut Found) {
    let view = text.bytes();
    for slash in memchr::memchr2_iter(b'/', b'=', view) {
        if !budget.spend(1) {
            return;
        }
        if let Some(range) = link(view, slash) {
            found.push(Candidate::new(Entity::Handle, range, Strength::Checked, "handle/link"));
        }
    }
    for at in memchr_iter(b'@', view) {
        if !budget.spend(1) {
            return;
        }
        at_sign(text, at, found);
    }
    for word in text.context().all(SOCIAL) {
        if !budget.spend(MAX_NAME) {
            return;
        }
        bare(text, word, found);
    }
}

/// The whole link whose path begins behind `slash`, or behind the `@` there.
fn link(view: &[u8], slash: usize) -> Option<Range<usize>> {
    let name_at = slash + 1 + usize::from(view.get(slash + 1) == Some(&b'@'));
    let before = view.get(..name_at)?;
    let host = LINKS.iter().find(|host| before.ends_with(host.as_bytes()))?;
    let start = name_at - host.len();
    let is_host = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let reach = view.get(start.saturating_sub(16)..start)?;
    let subdomain = reach.iter().rev().take_while(|&byte| is_host(byte)).count();
    if subdomain > 0 && view.get(start - 1) != Some(&b'.') {
        return None;
    }
    let mut start = start - subdomain;
    for scheme in ["https://", "http://"] {
        if view.get(..start)?.ends_with(scheme.as_bytes()) {
            start -= scheme.len();
        }
    }
    let rest = view.get(name_at..)?;
    let plus = usize::from(rest.first() == Some(&b'+'));
    let len = plus
        + rest.get(plus..)?.iter().take(MAX_NAME * 2).take_while(|&&byte| is_name_byte(byte) || byte == b'-').count();
    let name = trim_dots(rest.get(..len)?);
    if name == b"profile.php" {
        let digits = |query: &[u8]| query.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let id = rest.get(name.len()..)?.strip_prefix(b"?id=").map_or(0, digits);
        return (id >= MIN_NAME).then_some(start..name_at + name.len() + 4 + id);
    }
    let text = std::str::from_utf8(name).ok()?;
    let is_name = name.len() >= MIN_NAME && !holds(PAGES, text) && !(plus == 1 && host.starts_with("t.me"));
    is_name.then_some(start..name_at + name.len())
}

fn at_sign(text: &Text<'_>, at: usize, found: &mut Found) {
    const RULE: &str = "handle/at-sign";
    let view = text.bytes();
    let before = at.checked_sub(1).and_then(|index| view.get(index)).copied();
    if before.is_some_and(|byte| !matches!(byte, b' ' | b'\n' | b'(' | b'"' | b';' | b',' | b':' | b'-' | b'\'' | b'='))
    {
        return;
    }
    let Some(name) = name_at(view, at + 1) else { return };
    let range = at..name.end;
    let spelled = view.get(name.clone()).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default();
    let next = view.get(name.end).copied();
    let behind = view.get(name.end..).unwrap_or_default();
    let is_variable = behind.starts_with(b" :=") || behind.starts_with(b" =") || behind.starts_with(b"=");
    let is_package = next == Some(b'/') || next == Some(b'(') || is_variable;
    if is_package || holds(NOT_NAMES, spelled) {
        found.reject(Entity::Handle, range, RULE, "code");
        return;
    }
    if is_channel(view, at) {
        found.reject(Entity::Handle, range, RULE, "a channel, not a person");
        return;
    }
    let word = text.word_near(&range, SOCIAL);
    let digits = spelled.bytes().filter(u8::is_ascii_digit).count();
    let is_made_up = spelled.len() >= 5 && (spelled.contains('_') || digits >= 2 && digits < spelled.len());
    let first_of_line = before.is_none() || before == Some(b'\n');
    if word.is_some() {
        found.push(Candidate::new(Entity::Handle, range, Strength::Context, RULE).beside(word));
    } else if is_made_up && !(first_of_line && is_decorator(view, name.end)) {
        found.push(Candidate::new(Entity::Handle, range, Strength::Shape, RULE));
    } else {
        found.reject(Entity::Handle, range, RULE, "no context word");
    }
}

/// «подписывайтесь на @…», «наш канал @…»: an organisation's.
fn is_channel(view: &[u8], at: usize) -> bool {
    const REACH: usize = 48;
    let before = view.get(at.saturating_sub(REACH)..at).unwrap_or_default();
    let sentence = before.rsplit(|byte| matches!(byte, b'.' | b'\n' | b'!' | b'?')).next().unwrap_or_default();
    ["подпис", "канал", "жазыл", "follow us", "subscribe", "channel", "паблик"]
        .iter()
        .any(|word| memchr::memmem::find(sentence, word.as_bytes()).is_some())
}

/// A name alone on its line before a definition: `@my_decorator`.
fn is_decorator(view: &[u8], end: usize) -> bool {
    let rest = view.get(end..).unwrap_or_default();
    let rest = rest.get(rest.iter().take_while(|&&byte| matches!(byte, b' ' | b'\n')).count()..).unwrap_or_default();
    ["def ", "class ", "async ", "@", "public ", "private ", "fun ", "func ", "export "]
        .iter()
        .any(|start| rest.starts_with(start.as_bytes()))
}

/// `мой инстаграм aigul_98`, `telegram: dana.k`: a Latin name with a sign of being made up, or behind a colon.
fn bare(text: &Text<'_>, word: &Range<usize>, found: &mut Found) {
    const REACH: usize = 32;
    let view = text.bytes();
    let behind = view.get(word.end..).unwrap_or_default();
    let tail = behind.iter().take_while(|&&byte| is_letter(byte)).count();
    let behind = behind.get(tail..).unwrap_or_default();
    let gap = behind.iter().take(REACH).take_while(|&&byte| !byte.is_ascii_alphanumeric() && byte != b'@').count();
    let between = behind.get(..gap).unwrap_or_default();
    let holds_break = between.iter().any(|byte| matches!(byte, b'\n' | b'.' | b'/' | b'(' | b'?' | b'!' | b'_'));
    let words = between.split(|&byte| !is_letter(byte)).filter(|part| !part.is_empty()).count();
    let is_labelled = between.iter().any(|byte| matches!(byte, b':' | b'='));
    if gap == 0 || holds_break || words > 3 {
        return;
    }
    let start = word.end + tail + gap;
    let Some(name) = name_at(view, start).filter(|_| view.get(start) != Some(&b'@')) else { return };
    let spelled = view.get(name.clone()).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default();
    let has_sign = spelled.contains(['_', '.']) || spelled.bytes().any(|byte| byte.is_ascii_digit());
    let has_letter = spelled.bytes().any(|byte| byte.is_ascii_lowercase());
    let is_link = matches!(view.get(name.end), Some(b'/' | b'@' | b':' | b'(' | b'='));
    let is_domain = spelled
        .rsplit_once('.')
        .is_some_and(|(_, end)| matches!(end, "com" | "ru" | "kz" | "me" | "org" | "net" | "io" | "app"));
    let is_hash = name.len() >= 16 && spelled.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !has_letter || is_hash || is_link || is_domain || holds(NOT_NAMES, spelled) {
        return;
    }
    if has_sign && (words <= 1 || is_labelled)
        || is_labelled && words == 0 && is_alone(view, &name) && !is_login(view, word)
    {
        let context = text.word_near(&name, SOCIAL);
        found.push(Candidate::new(Entity::Handle, name, Strength::Context, "handle/beside-network").beside(context));
    } else {
        found.reject(Entity::Handle, name, "handle/beside-network", "an ordinary word");
    }
}

/// A login is often a word like `admin`.
fn is_login(view: &[u8], word: &Range<usize>) -> bool {
    let word = view.get(word.clone()).unwrap_or_default();
    ["логин", "login", "username", "аккаунт"].iter().any(|login| word.starts_with(login.as_bytes()))
}

/// Whether a sentence or a value ends behind the name.
fn is_alone(view: &[u8], name: &Range<usize>) -> bool {
    let next = view.get(name.end).copied();
    name.len() >= 5 && next.is_none_or(|byte| matches!(byte, b'\n' | b',' | b'.' | b';' | b'"' | b')'))
}

/// A name of Latin letters, digits, `_` and inner dots that begins at `start`.
fn name_at(view: &[u8], start: usize) -> Option<Range<usize>> {
    let rest = view.get(start..)?;
    let len = rest.iter().take(MAX_NAME + 1).take_while(|&&byte| is_name_byte(byte)).count();
    let name = trim_dots(rest.get(..len)?);
    let next = rest.get(name.len()).copied();
    let is_whole = (MIN_NAME..=MAX_NAME).contains(&name.len()) && !next.is_some_and(is_letter);
    is_whole.then_some(start..start + name.len())
}

fn trim_dots(name: &[u8]) -> &[u8] {
    let dots = name.iter().rev().take_while(|&&byte| matches!(byte, b'.' | b'-')).count();
    name.get(..name.len() - dots).unwrap_or_default()
}

const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')
}

fn holds(list: &str, word: &str) -> bool {
    list.split_ascii_whitespace().any(|known| known == word)
}
