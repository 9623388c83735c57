//! Values behind a word: `password: …`, «пароль от почты — …», `api_key=…`. The word has had its value once something
//! stands there that can be one; talk about passwords has none.

use std::cell::RefCell;
use std::ops::Range;

use super::value::{Look, has_digits, is_address, is_counted, is_name, look};
use crate::pii::Entity;
use crate::pii::detector::budget::Budget;
use crate::pii::detector::candidate::{Candidate, Found, Strength};
use crate::pii::detector::context::topics::{KEY_WORD, PASSWORD_WORD};
use crate::pii::detector::memo::{Memo, remembered};
use crate::pii::detector::text::Text;
use crate::pii::detector::views::long_words::cased;
use crate::pii::detector::views::normalize::is_letter;
use crate::pii::detector::views::tokens::Case;

const RULE: &str = "secret/labelled";
/// Bytes between a word and the sign that announces its value: «пароль от домашнего вай-фая: …».
const MAX_LABEL: usize = 72;
const MAX_LABEL_WORDS: usize = 5;
/// Words between a password's word and a value that nothing announces.
const MAX_WORDS: usize = 4;
const MAX_VALUE: usize = 200;
/// «Astana_8923» is a password, `rsa-20` a name.
const MIN_PASSWORD_DIGITS: usize = 3;
/// A key is longer than most passwords.
const MIN_KEY: usize = 8;

/// Words after which no value of a password comes: advice, complaints, rules.
const TALK: [&str; 29] = [
    "не",
    "должен",
    "должна",
    "должны",
    "минимум",
    "символ",
    "длиной",
    "длина",
    "сложн",
    "забыл",
    "сменить",
    "смените",
    "must",
    "should",
    "not",
    "least",
    "characters",
    "minimum",
    "length",
    "forgot",
    "failed",
    "емес",
    "жоқ",
    "ұмыт",
    "таңба",
    "кемінде",
    "состоит",
    "из",
    "содерж",
];

/// Names with digits that stand behind «пароль от».
const PRODUCTS: &str = "\
    windows10 windows11 win10 win11 office365 wpa2 wpa3 wi-fi wifi6 sha256 sha-256 md5 bcrypt base64 utf8 utf-8 \
    oauth2 oauth2.0 2fa ipv4 ipv6 1с 1c e-mail gosuslugi.ru egov.kz kaspi.kz mail.ru ps4 ps5 s3 mp3 mp4 covid-19";

const TALKED_ABOUT: &str = "talk about a password";

thread_local! {
    static TALKING: RefCell<Memo<4, bool>> = const { RefCell::new(Memo::new(6)) };
}

pub(crate) fn scan(text: &Text<'_>, budget: &mut Budget, found: &mut Found) {
    whole_text(text, found);
    let mut done = 0;
    for (topic, min_len) in [(PASSWORD_WORD, 0), (KEY_WORD, MIN_KEY)] {
        for word in text.context().all(topic) {
            if word.start < done && topic == PASSWORD_WORD || topic == KEY_WORD && is_other_key(text.bytes(), word) {
                continue;
            }
            if !budget.spend(MAX_LABEL) {
                return;
            }
            let label = Label { text, word, min_len };
            if let Some(range) = label.announced(found).or_else(|| label.plain(found)) {
                done = range.end;
                let context = text.word_near(&range, topic);
                found.push(Candidate::new(Entity::Secret, range, Strength::Context, RULE).beside(context));
            }
        }
        done = 0;
    }
}

/// "cache-key", "primary key": keys that open nothing.
fn is_other_key(view: &[u8], word: &Range<usize>) -> bool {
    const KINDS: [&str; 9] =
        ["cache", "primary", "foreign", "partition", "sort", "shard", "public", "idempotency", "routing"];
    let before = view.get(..word.start).unwrap_or_default();
    let before = before.strip_suffix(b"-").or(before.strip_suffix(b"_")).or(before.strip_suffix(b" "));
    let is_of = |kind: &&str| before.is_some_and(|before| before.ends_with(kind.as_bytes()));
    view.get(word.clone()) == Some(b"key") && KINDS.iter().any(is_of)
}

/// The text under a key like `password`, when it is one word.
fn whole_text(text: &Text<'_>, found: &mut Found) {
    let view = text.bytes();
    let given = text.context().given();
    if given & (PASSWORD_WORD | KEY_WORD) == 0 || view.len() > MAX_VALUE || view.contains(&b' ') {
        return;
    }
    let range = 0..view.len();
    let value = look(view, &cased(text.view(), range.clone()));
    if given & PASSWORD_WORD != 0 && value >= Look::Plain || view.len() >= MIN_KEY && value == Look::Mixed {
        found.push(Candidate::new(Entity::Secret, range, Strength::Context, RULE).beside(Some("key")));
    }
}

/// A word that announces a value.
struct Label<'t, 'v> {
    text: &'t Text<'v>,
    word: &'t Range<usize>,
    min_len: usize,
}

impl Label<'_, '_> {
    /// The value behind a colon, an equals sign or a dash.
    fn announced(&self, found: &mut Found) -> Option<Range<usize>> {
        let view = self.text.bytes();
        let (sign, is_colon) = self.sign()?;
        // "Пароль Xk7#pQ2v - проверь": the value came before the dash.
        if !is_colon && let Some(range) = self.plain(found).filter(|range| range.end < sign) {
            return Some(range);
        }
        let mut start = sign;
        let limit = (sign + 8).min(view.len());
        // `: `, ` := `, `":"`, `=> `, a line break behind a colon.
        while start < limit
            && view.get(start).is_some_and(|&byte| {
                matches!(byte, b' ' | b'"' | b'\'' | b'`' | b';' | b'=' | b'>' | b':' | b'\n' | b'\\')
            })
        {
            start += 1;
        }
        let is_quoted = view.get(start.checked_sub(1)?).is_some_and(|byte| matches!(byte, b'"' | b'\'' | b'`' | b';'));
        let mut range = self.value(start, is_quoted)?;
        let is_scheme = matches!(view.get(range.clone()), Some(b"bearer" | b"basic" | b"token" | b"digest"));
        let is_pair = self.word.start.checked_sub(1).and_then(|at| view.get(at)) == Some(&b'/');
        if is_scheme || is_pair {
            range = self.next_value(&range, is_pair).unwrap_or(range);
        }
        let value = view.get(range.clone())?;
        let seen = look(value, &cased(self.text.view(), range.clone()));
        let is_key = self.min_len > 0;
        let is_value = match seen {
            Look::None => false,
            Look::Mixed => {
                value.len() >= self.min_len.max(4)
                    && !(is_key && (is_name(value, 7) || !has_digits(value)))
                    && !is_address(value)
            }
            Look::Plain if is_key => false,
            Look::Plain => {
                value.len() >= 4 && (is_quoted || self.stands_alone(&range)) && (is_colon || !is_words(view, &range))
            }
        };
        if !is_value {
            found.reject(Entity::Secret, range, RULE, "not a value but a placeholder, a type or talk");
            return None;
        }
        Some(range)
    }

    /// «логин/пароль: admin / Qwerty!23», `Authorization: Bearer …`: the value behind the first.
    fn next_value(&self, first: &Range<usize>, is_pair: bool) -> Option<Range<usize>> {
        let view = self.text.bytes();
        let behind = view.get(first.end..)?;
        let gap = behind.iter().take(4).take_while(|byte| matches!(byte, b' ' | b'/' | b':' | b',' | b';')).count();
        let has_sign = behind.get(..gap)?.iter().any(|&byte| byte != b' ');
        (gap > 0 && (has_sign || !is_pair)).then(|| self.value(first.end + gap, false)).flatten()
    }

    /// Behind the sign that announces a value, and whether it is a colon or an equals sign.
    fn sign(&self) -> Option<(usize, bool)> {
        let view = self.text.bytes();
        let from = self.word.end;
        let rest = view.get(from..)?;
        let mut words = 0;
        let mut in_word = true;
        for (index, &byte) in rest.iter().enumerate().take(MAX_LABEL) {
            match byte {
                // The end of a word in base64.
                b'=' if words > 0
                    && in_word
                    && rest.get(index + 1).is_none_or(|&next| next == b' ' || next == b'=') =>
                {
                    return None;
                }
                b':' | b'=' => return (rest.get(index + 1) != Some(&b'/')).then_some((from + index + 1, true)),
                b'-' if rest.get(index + 1) == Some(&b' ') && index > 0 && rest.get(index - 1) == Some(&b' ') => {
                    return Some((from + index + 1, false));
                }
                b'-' if rest.get(index + 1) == Some(&b'>') => return Some((from + index + 2, true)),
                b'.' | b',' | b'!' | b'?' | b'\n' | b'>' | b'<' | b'#' => return None,
                byte if is_letter(byte) => {
                    words += usize::from(!in_word);
                    in_word = true;
                }
                _ => in_word = false,
            }
            if words > MAX_LABEL_WORDS {
                return None;
            }
        }
        None
    }

    /// The value behind a few words: «мой пароль Qwerty123!», "the password is hunter2".
    fn plain(&self, found: &mut Found) -> Option<Range<usize>> {
        if self.min_len > 0 {
            return None;
        }
        let view = self.text.bytes();
        let tail = view.get(self.word.end..)?.iter().take_while(|&&byte| is_letter(byte) || byte == b'_').count();
        let mut at = self.word.end + tail;
        for _ in 0..=MAX_WORDS {
            let gap = view
                .get(at..)?
                .iter()
                .take(4)
                .take_while(|byte| matches!(byte, b' ' | b'"' | b'\'' | b';' | b'`' | b'('))
                .count();
            if gap == 0 {
                return None;
            }
            let range = self.value(at + gap, false)?;
            let value = view.get(range.clone())?;
            // «пароль, пароль, …»: the nearer word asks for what follows it.
            if is_talk(value) || self.is_label(&range) {
                return None;
            }
            // Letters without a capital among them are a word, as most are.
            if matches!(self.text.case_of(&range), Some(Case::Lower | Case::Title)) {
                if is_followed_by_stop(view, &range) {
                    found.reject(Entity::Secret, range, RULE, TALKED_ABOUT);
                    return None;
                }
                at = range.end;
                continue;
            }
            let spelled = std::str::from_utf8(value).unwrap_or_default();
            let spelled_cased = cased(self.text.view(), range.clone());
            let seen = look(value, &spelled_cased);
            // «Qwerty-77-Aqtobe»: names of things have no capitals.
            let least = MIN_PASSWORD_DIGITS - usize::from(spelled_cased.chars().any(char::is_uppercase));
            let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
            let is_digits = digits == value.len() && (4..=12).contains(&digits);
            let is_mixed = seen == Look::Mixed
                && value.len() >= 5
                && !is_name(value, least)
                && !is_address(value)
                && !is_counted(value);
            if is_mixed && !PRODUCTS.split_ascii_whitespace().any(|product| product == spelled) {
                return Some(range);
            }
            if is_digits && self.stands_alone(&range) {
                return Some(range);
            }
            if digits > 0 || is_followed_by_stop(view, &range) {
                found.reject(Entity::Secret, range, RULE, TALKED_ABOUT);
                return None;
            }
            at = range.end;
        }
        None
    }

    /// Whether a word of passwords stands here itself.
    fn is_label(&self, range: &Range<usize>) -> bool {
        self.text.context().is_at(range, PASSWORD_WORD)
    }

    /// The word that begins here, without the punctuation of the sentence.
    fn value(&self, start: usize, is_quoted: bool) -> Option<Range<usize>> {
        let view = self.text.bytes();
        let rest = view.get(start..)?;
        let is_end = |byte: u8| match byte {
            b' ' | b'\n' | b'"' | b'`' | b'<' | b'>' => true,
            b'\'' => is_quoted,
            // Typographic quotes come as semicolons, and connection strings end their values with one.
            b';' | b'|' => true,
            b'\\' => false,
            _ => false,
        };
        let quote_free = rest.iter().take(MAX_VALUE).take_while(|&&byte| !is_end(byte)).count();
        let is_open = matches!(rest.first(), Some(b'<'));
        let len = if is_open {
            rest.iter().take(MAX_VALUE).position(|&byte| byte == b'>').map_or(1, |at| at + 1)
        } else {
            quote_free
        };
        let value = rest.get(..len)?;
        let cut = if is_quoted {
            0
        } else {
            value
                .iter()
                .rev()
                .take_while(|byte| matches!(byte, b'.' | b',' | b')' | b':' | b'}' | b']' | b'\'' | b'?'))
                .count()
        };
        let len = len - cut;
        // `a=b&c=d`: parameters of a link or a form.
        let len = value
            .get(..len)?
            .iter()
            .position(|&byte| byte == b'&')
            .filter(|&at| memchr::memchr(b'=', value.get(at..).unwrap_or_default()).is_some())
            .unwrap_or(len);
        (len > 0).then_some(start..start + len)
    }

    /// Whether a sentence, a line or a value ends behind the word.
    fn stands_alone(&self, value: &Range<usize>) -> bool {
        let view = self.text.bytes();
        let rest = view.get(value.end..).unwrap_or_default();
        match rest.first() {
            None => true,
            Some(b' ') => {
                let next = rest.get(1).copied();
                next.is_none_or(|byte| !is_letter(byte) && !byte.is_ascii_digit())
                    || rest.get(1..).is_some_and(|rest| rest.starts_with("и ".as_bytes()))
            }
            Some(byte) => !is_letter(*byte),
        }
    }
}

/// Whether a word says that talk follows and no value.
fn is_talk(word: &[u8]) -> bool {
    remembered(&TALKING, word, || TALK.iter().any(|talk| word.starts_with(talk.as_bytes())))
}

fn is_followed_by_stop(view: &[u8], range: &Range<usize>) -> bool {
    view.get(range.end).is_some_and(|byte| matches!(byte, b',' | b'.' | b'!' | b'?' | b'\n'))
}

/// «минимум восемь символов»: more words of the same alphabet follow.
fn is_words(view: &[u8], range: &Range<usize>) -> bool {
    let rest = view.get(range.end..).unwrap_or_default();
    rest.first() == Some(&b' ') && rest.get(1).copied().is_some_and(is_letter)
}
