//! E-mail addresses as they are dictated: «иван точка петров собака мейл точка ру», "ivan dot petrov at gmail dot com",
//! «айгүл нүкте 98 ит белгісі gmail нүкте com». A spelled at sign alone is a dog; an address ends in a known zone.

use std::ops::Range;
use std::sync::LazyLock;

use crate::pii::Entity;
use crate::pii::detector::budget::Budget;
use crate::pii::detector::candidate::{Candidate, Found, Strength};
use crate::pii::detector::context::topics::SPOKEN_AT;
use crate::pii::detector::text::Text;
use crate::pii::detector::views::normalize::is_letter;
use crate::pii::detector::word_list::WordList;

const RULE: &str = "email/spoken";
/// Atoms and connectors on one side.
const MAX_TOKENS: usize = 24;
const MAX_TOKEN: usize = 64;
/// Spaces, commas, brackets between two tokens.
const MAX_GAP: usize = 4;

static DOTS: LazyLock<WordList> = LazyLock::new(|| {
    WordList::new("точка точку тчк точк нүкте нукте dot point tochka nukte núkte nükte тошка дот ноқат noqat")
});
static DASHES: LazyLock<WordList> =
    LazyLock::new(|| WordList::new("тире дефис дэфис минус сызықша dash hyphen tire defis minus сызықшасы sызықша"));
static UNDERSCORES: LazyLock<WordList> = LazyLock::new(|| {
    WordList::new(
        "\
    подчеркивание подчерк андерскор андескор underscore подчеркиванием podcherkivanie подчёркивание нижнее \
    нижний нижняя астыңғы төменгі nizhnee",
    )
});
/// Second words of an underscore.
static UNDERSCORE_TAILS: LazyLock<WordList> =
    LazyLock::new(|| WordList::new("подчеркивание пробел черта сызық podcherkivanie сызықша"));

/// Names of mail services as they are said.
static PROVIDERS: LazyLock<WordList> = LazyLock::new(|| {
    WordList::new(
        "\
    gmail mail yandex inbox list bk rambler outlook hotmail icloud yahoo proton protonmail ya live гмэйл гмейл \
    гмайл гмаил джимейл джимэйл джимайл жимейл жимэйл жмейл мэйл мейл маил майл мэил яндекс яндех инбокс лист бк \
    рамблер аутлук оутлук хотмейл хотмэйл хотмайл айклауд айклоуд яху йаху протон протонмейл протонмэйл я gmaıl \
    meyl meil inboks yandeks ramble мейыл джимеил аутлоок",
    )
});

/// Zones as they are written and said.
static ZONES: LazyLock<WordList> = LazyLock::new(|| {
    WordList::new(
        "\
    com ru kz net org uz kg by ua me io info edu gov su рф қаз ком ру кз кей-зет нет орг казет кейзет кзет",
    )
});
/// Zones said in two words.
const ZONE_PAIRS: [(&str, &str); 8] = [
    ("кей", "зет"),
    ("кей", "зэт"),
    ("ка", "зет"),
    ("ка", "зэт"),
    ("кэй", "зет"),
    ("эр", "у"),
    ("key", "zet"),
    ("кей", "зед"),
];

/// How spelled numbers begin.
const NUMBERS: [&str; 68] = [
    "ноль",
    "один",
    "одна",
    "два",
    "две",
    "три",
    "тридцат",
    "четыре",
    "пять",
    "шест",
    "семь",
    "семнадцат",
    "восем",
    "девят",
    "девяност",
    "десят",
    "одиннадцат",
    "двенадцат",
    "двадцат",
    "тринадцат",
    "четырнадцат",
    "пятнадцат",
    "сорок",
    "пятьдесят",
    "сто",
    "двести",
    "тысяч",
    "нөл",
    "бір",
    "екі",
    "үш",
    "төрт",
    "бес",
    "алты",
    "жеті",
    "сегіз",
    "тоғыз",
    "он",
    "жиырма",
    "отыз",
    "қырық",
    "елу",
    "алпыс",
    "жетпіс",
    "сексен",
    "тоқсан",
    "мың",
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
];

/// Words that stand before a dog and are no part of an address.
static NOT_LOCAL: LazyLock<WordList> = LazyLock::new(|| {
    WordList::new(
        "\
    моя твоя наша ваша его ее их эта та и а но или где не у на в с это почта почту почты мыло емейл имейл email \
    mail e-mail адрес поштам пошта потом дальше далее the look is are meet me us был была мой my менің затем \
    ұялы электронный электронная пишите записывайте жазыңыз сразу am",
    )
});

/// Every dictated address of a view.
pub(crate) fn scan(text: &Text<'_>, budget: &mut Budget, found: &mut Found) {
    let view = text.bytes();
    for sign in text.context().all(SPOKEN_AT) {
        if !budget.spend(8) {
            return;
        }
        address(view, sign, budget, found);
    }
    for at in memchr::memchr_iter(b'@', view) {
        let is_spaced =
            [at.checked_sub(1), Some(at + 1)].into_iter().flatten().any(|side| view.get(side) == Some(&b' '));
        // `ivan@mail точка ru`
        let is_undotted = || next_token(view, at + 1).is_some_and(|domain| !token_text(view, &domain).contains('.'));
        if (is_spaced || is_undotted()) && budget.spend(8) {
            address(view, &(at..at + 1), budget, found);
        }
    }
}

fn address(view: &[u8], sign: &Range<usize>, budget: &mut Budget, found: &mut Found) {
    let Some(domain) = Domain::read(view, sign.end) else { return };
    if !budget.spend(MAX_TOKENS) {
        return;
    }
    let Some(local) = Local::read(view, sign.start) else { return };
    let range = local.start..domain.end;
    // A Latin "at" stands in sentences: its domain is spelled out or a mail service's.
    let is_weak = matches!(view.get(sign.clone()), Some(b"at" | b"dog"))
        || view.get(sign.clone()) == Some("ит".as_bytes())
        || view.get(sign.clone()) == Some("ет".as_bytes());
    let is_sure = domain.has_dot && (domain.is_provider || local.is_latin);
    if is_sure || !is_weak && domain.is_provider {
        found.push(Candidate::new(Entity::Email, range, Strength::Checked, RULE));
    } else {
        found.reject(Entity::Email, range, RULE, "no domain that is known");
    }
}

struct Domain {
    end: usize,
    is_provider: bool,
    /// Whether a dot was said or written.
    has_dot: bool,
}

impl Domain {
    fn read(view: &[u8], from: usize) -> Option<Self> {
        let mut at = from;
        let first = next_token(view, at)?;
        let spelled = token_text(view, &first);
        if let Some((name, zone)) = spelled.rsplit_once('.') {
            let name = name.rsplit('.').next().unwrap_or(name);
            return ZONES.holds(zone).then_some(Self {
                end: first.end,
                is_provider: PROVIDERS.holds(name),
                has_dot: true,
            });
        }
        let is_provider = PROVIDERS.holds(spelled);
        if !is_provider && !spelled.is_ascii() {
            return None;
        }
        at = first.end;
        let mut end = None;
        let mut has_dot = false;
        for _ in 0..MAX_TOKENS {
            let Some(mut token) = next_token(view, at) else { break };
            let is_dot = is_connector(view, &token, &DOTS) || view.get(token.clone()) == Some(b".");
            if is_dot {
                has_dot = true;
                at = token.end;
                let Some(next) = next_token(view, at) else { break };
                token = next;
            } else if is_connector(view, &token, &DASHES) {
                at = next_token(view, token.end)?.end;
                continue;
            } else if end.is_some() || !is_provider {
                break;
            }
            let zone = token_text(view, &token);
            let pair = next_token(view, token.end).map(|next| (next.clone(), (zone, token_text(view, &next))));
            if ZONES.holds(zone) {
                end = Some(token.end);
            } else if let Some((next, _)) = pair.filter(|(_, pair)| ZONE_PAIRS.contains(pair)) {
                token.end = next.end;
                end = Some(token.end);
            } else if !is_dot {
                break;
            }
            at = token.end;
        }
        end.map(|end| Self { end, is_provider, has_dot })
    }
}

struct Local {
    start: usize,
    is_latin: bool,
}

impl Local {
    /// Reads backwards: atoms, and connectors between them.
    fn read(view: &[u8], till: usize) -> Option<Self> {
        let mut token = previous_token(view, till)?;
        let mut start = None;
        let mut is_latin = true;
        for _ in 0..MAX_TOKENS {
            let spelled = token_text(view, &token);
            let is_atom =
                !spelled.is_empty() && !NOT_LOCAL.holds(spelled) && !is_any_connector(view, &token) && spelled != ".";
            if !is_atom {
                break;
            }
            start = Some(token.start);
            is_latin &= spelled.is_ascii();
            let Some(before) = previous_token(view, token.start) else { break };
            let is_number = |range: &Range<usize>| is_number(view, range);
            let is_single = |range: &Range<usize>| {
                view.get(range.clone())
                    .is_some_and(|bytes| bytes.len() == 1 && bytes.first().is_some_and(u8::is_ascii_lowercase))
            };
            if is_any_connector(view, &before) || view.get(before.clone()) == Some(b".") && is_spaced(view, &before) {
                let mut connector = before;
                // «нижнее подчеркивание»: two words.
                if let Some(earlier) = previous_token(view, connector.start)
                    && UNDERSCORE_TAILS.holds(token_text(view, &connector))
                    && is_connector(view, &earlier, &UNDERSCORES)
                {
                    connector = earlier;
                }
                let Some(next) = previous_token(view, connector.start) else { break };
                token = next;
            } else if (is_number(&token) || is_single(&token) && is_single(&before))
                && gap_is_space(view, before.end..token.start)
                && (!is_number(&before) || is_spelled_number(token_text(view, &before)))
            {
                token = before;
            } else {
                break;
            }
        }
        start.map(|start| Self { start, is_latin })
    }
}

fn is_number(view: &[u8], token: &Range<usize>) -> bool {
    let spelled = token_text(view, token);
    spelled.bytes().all(|byte| byte.is_ascii_digit()) || is_spelled_number(spelled)
}

/// «девяносто восемь», "ninety eight", «тоқсан сегіз».
fn is_spelled_number(word: &str) -> bool {
    NUMBERS.iter().any(|stem| word.starts_with(stem))
}

fn is_spaced(view: &[u8], token: &Range<usize>) -> bool {
    token.start.checked_sub(1).and_then(|at| view.get(at)) == Some(&b' ')
}

fn gap_is_space(view: &[u8], gap: Range<usize>) -> bool {
    view.get(gap) == Some(b" ")
}

fn is_any_connector(view: &[u8], token: &Range<usize>) -> bool {
    is_connector(view, token, &DOTS)
        || is_connector(view, token, &DASHES)
        || is_connector(view, token, &UNDERSCORES)
        || UNDERSCORE_TAILS.holds(token_text(view, token))
        || view.get(token.clone()) == Some(b"_")
}

fn is_connector(view: &[u8], token: &Range<usize>, words: &WordList) -> bool {
    words.holds(token_text(view, token))
}

fn token_text<'v>(view: &'v [u8], token: &Range<usize>) -> &'v str {
    view.get(token.clone()).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
}

const fn is_token_byte(byte: u8) -> bool {
    is_letter(byte) || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-' | b'+')
}

const fn is_gap_byte(byte: u8) -> bool {
    matches!(byte, b' ' | b',' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'"' | b';')
}

fn next_token(view: &[u8], from: usize) -> Option<Range<usize>> {
    let rest = view.get(from..)?;
    let gap = rest.iter().take(MAX_GAP).take_while(|&&byte| is_gap_byte(byte)).count();
    let rest = rest.get(gap..)?;
    let len = rest.iter().take(MAX_TOKEN).take_while(|&&byte| is_token_byte(byte)).count();
    // The full stop of a sentence is no part of its last word.
    let dots = rest.get(..len)?.iter().rev().take_while(|&&byte| byte == b'.').count();
    let len = if dots < len { len - dots } else { len };
    (len > 0).then_some(from + gap..from + gap + len)
}

fn previous_token(view: &[u8], till: usize) -> Option<Range<usize>> {
    let before = view.get(..till)?;
    let gap = before.iter().rev().take(MAX_GAP).take_while(|&&byte| is_gap_byte(byte)).count();
    let end = till - gap;
    let before = view.get(..end)?;
    let len = before.iter().rev().take(MAX_TOKEN).take_while(|&&byte| is_token_byte(byte)).count();
    (len > 0).then_some(end - len..end)
}
