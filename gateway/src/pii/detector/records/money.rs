//! Sums of money: "285 000 теңге", "520 тыс. тенге", "1.1 million tenge", "450к", "$2,500".

use std::ops::Range;

use crate::pii::detector::numbers::digit_run::DigitRun;
use crate::pii::detector::views::lookalike::digit_at;
use crate::pii::detector::views::normalize::{View, is_letter};

/// The longest sum in bytes.
const MAX_LEN: usize = 64;

/// A sum where it stands, with its currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Money {
    pub(super) range: Range<usize>,
    /// The whole units that stand there, before any "тыс".
    pub(super) units: u64,
    pub(super) has_multiplier: bool,
    pub(super) has_currency: bool,
    /// More than one group of digits.
    pub(super) is_grouped: bool,
    pub(super) has_decimals: bool,
    /// How many digits were written.
    pub(super) len: usize,
}

const MULTIPLIERS: [&str; 24] = [
    "тыс",
    "тысяч",
    "тысячи",
    "тысяча",
    "тыщ",
    "тыщи",
    "мың",
    "млн",
    "миллион",
    "миллиона",
    "миллионов",
    "лям",
    "ляма",
    "лимон",
    "к",
    "k",
    "m",
    "mln",
    "million",
    "thousand",
    "myń",
    "myng",
    "tys",
    "tysyach",
];
const CURRENCIES: [&str; 40] = [
    "тенге",
    "теңге",
    "тг",
    "тңг",
    "тнг",
    "tenge",
    "teńge",
    "teñge",
    "tg",
    "kzt",
    "руб",
    "рублей",
    "рубля",
    "рубль",
    "р",
    "rub",
    "rubles",
    "usd",
    "доллар",
    "доллара",
    "долларов",
    "доллары",
    "dollars",
    "dollar",
    "eur",
    "евро",
    "euro",
    "euros",
    "сум",
    "сумов",
    "сом",
    "сомов",
    "сома",
    "uzs",
    "kgs",
    "тенгеден",
    "теңгеден",
    "баксов",
    "bucks",
    "т",
];

/// The sum that begins at `at`, a digit.
pub(super) fn money_at(view: &View<'_>, at: usize, run: &mut DigitRun) -> Option<Money> {
    let bytes = view.bytes();
    let mut amount = amount(bytes, at, run)?;
    let mut money = Money {
        range: before_amount(view, at)..amount.end,
        units: amount.units,
        has_multiplier: false,
        has_currency: false,
        is_grouped: amount.is_grouped,
        has_decimals: false,
        len: amount.len,
    };
    money.has_currency = money.range.start < at;
    amount.end = behind_spelling(bytes, amount.end);
    money.has_decimals = amount.has_decimals;
    for _ in 0..2 {
        let Some((end, is_multiplier)) = unit_at(view, amount.end) else {
            break;
        };
        if is_multiplier && (money.has_multiplier || money.has_currency && money.range.start == at) {
            break;
        }
        money.has_multiplier |= is_multiplier;
        money.has_currency |= !is_multiplier;
        amount.end = end;
        money.range.end = end;
    }
    let rest = bytes.get(money.range.end..).unwrap_or_default();
    let net = [" на руки", " чистыми", " қолға", " до вычета", " gross", " monthly", " per month", " грязными"]
        .iter()
        .find(|net| rest.starts_with(net.as_bytes()));
    money.range.end += net.map_or(0, |net| net.len());
    Some(money)
}

struct Amount {
    units: u64,
    end: usize,
    is_grouped: bool,
    has_decimals: bool,
    len: usize,
}

/// Digits in groups of three, with decimals; or each digit alone.
fn amount(view: &[u8], at: usize, run: &mut DigitRun) -> Option<Amount> {
    let (mut units, mut end, mut len) = group(view, at)?;
    if len == 1
        && let Some(spelled) = spelled(view, at, run)
    {
        return Some(spelled);
    }
    let mut is_grouped = false;
    let mut has_decimals = false;
    while len <= 12 && matches!(view.get(end), Some(b' ' | b'.' | b',' | b'\'' | b'_' | b';')) {
        let Some((value, next, 3)) = group(view, end + 1) else {
            break;
        };
        // The first group has up to three digits.
        if !is_grouped && len > 3 {
            break;
        }
        (units, end, len, is_grouped) = (units * 1000 + value, next, len + 3, true);
    }
    if matches!(view.get(end), Some(b'.' | b','))
        && let Some((_, next, 1 | 2)) = group(view, end + 1)
    {
        end = next;
        has_decimals = true;
    }
    Some(Amount { units, end, is_grouped, has_decimals, len })
}

/// "340 000 (триста сорок тысяч) тенге": the same in words.
fn behind_spelling(view: &[u8], at: usize) -> usize {
    const LONGEST: usize = 120;
    let rest = view.get(at..).unwrap_or_default();
    let Some(open) = rest.strip_prefix(b" (").or_else(|| rest.strip_prefix(b"(")) else {
        return at;
    };
    let len = open.iter().take(LONGEST).take_while(|&&byte| is_letter(byte) || byte == b' ').count();
    let has_words = open.get(..len).unwrap_or_default().contains(&b' ');
    let close = at + (rest.len() - open.len()) + len;
    let is_followed = view.get(close) == Some(&b')') && unit_word(view, close + 1);
    if has_words && is_followed { close + 1 } else { at }
}

fn unit_word(view: &[u8], at: usize) -> bool {
    let rest = view.get(at..).unwrap_or_default();
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    let len = rest.iter().take(40).take_while(|&&byte| is_letter(byte)).count();
    let word = rest.get(..len).unwrap_or_default();
    CURRENCIES.iter().any(|known| known.as_bytes() == word)
}

/// "2 8 5 0 0 0"
fn spelled(view: &[u8], at: usize, run: &mut DigitRun) -> Option<Amount> {
    let reach = view.get(..view.len().min(at + MAX_LEN))?;
    run.read(reach, at)?;
    let window =
        (5..=9).rev().find_map(|len| run.window(0, len).filter(|window| window.fills_run() && window.is_spelled()))?;
    let units = window.digits().iter().fold(0, |value, &digit| value * 10 + u64::from(digit));
    Some(Amount { units, end: window.range().end, is_grouped: true, has_decimals: false, len: window.digits().len() })
}

/// A group of at most nine digits, look-alikes for 0 among them: its value, end and length.
fn group(view: &[u8], at: usize) -> Option<(u64, usize, usize)> {
    let mut end = at;
    let mut value = 0_u64;
    let mut len = 0;
    let mut true_digits = 0;
    while len < 10 {
        let Some((digit, width)) = digit_at(view, end) else {
            break;
        };
        let is_true = view.get(end).is_some_and(u8::is_ascii_digit);
        if !is_true && digit != 0 {
            break;
        }
        true_digits += usize::from(is_true);
        value = value * 10 + u64::from(digit);
        len += 1;
        end += width;
    }
    let stands = len > 0 && len < 10 && !(true_digits == 0 && view.get(end).copied().is_some_and(is_letter));
    stands.then_some((value, end, len))
}

/// Where a currency before the amount begins: "$2500", "KZT 350 000".
fn before_amount(view: &View<'_>, at: usize) -> usize {
    let bytes = view.bytes();
    let before = bytes.get(..at).unwrap_or_default();
    let unspaced = before.strip_suffix(b" ").unwrap_or(before);
    if unspaced.last().is_some_and(|&byte| byte == b'$' || byte == b';' && is_symbol(view, unspaced.len() - 1)) {
        return unspaced.len() - 1;
    }
    let is_code = ["kzt", "usd", "eur", "rub"].iter().any(|code| {
        let rest = unspaced.strip_suffix(code.as_bytes());
        rest.is_some_and(|rest| !rest.last().copied().is_some_and(is_letter))
    });
    if is_code { unspaced.len() - 3 } else { at }
}

fn is_symbol(view: &View<'_>, at: usize) -> bool {
    matches!(view.source_text(at..at + 1), "₸" | "€" | "₽" | "£")
}

/// A multiplier or a currency behind an amount: where it ends, and whether it multiplies.
fn unit_at(view: &View<'_>, at: usize) -> Option<(usize, bool)> {
    let bytes = view.bytes();
    let rest = bytes.get(at..)?;
    let start = at + rest.iter().take(2).take_while(|byte| matches!(byte, b' ' | b'.')).count();
    match bytes.get(start)? {
        b'$' => return Some((start + 1, false)),
        b';' if is_symbol(view, start) => return Some((start + 1, false)),
        _ => {}
    }
    let rest = bytes.get(start..)?;
    let len = rest.iter().take(40).take_while(|&&byte| is_letter(byte)).count();
    let word = rest.get(..len)?;
    let is_one_of = |list: &[&str]| list.iter().any(|known| known.as_bytes() == word);
    let is_multiplier = is_one_of(&MULTIPLIERS);
    (is_multiplier || is_one_of(&CURRENCIES)).then_some((start + len, is_multiplier))
}

/// Whether the number that ends at `end` counts money, people, time or goods: it is no document's.
pub(super) fn is_counted(view: &View<'_>, end: usize) -> bool {
    const COUNTED: [&str; 44] = [
        "человек",
        "чел",
        "лет",
        "год",
        "года",
        "дней",
        "дня",
        "день",
        "час",
        "часов",
        "месяц",
        "минут",
        "раз",
        "шт",
        "штук",
        "км",
        "кг",
        "мб",
        "гб",
        "кв",
        "км",
        "сотрудник",
        "адам",
        "жыл",
        "күн",
        "дана",
        "people",
        "years",
        "days",
        "items",
        "слов",
        "слова",
        "символов",
        "знаков",
        "страниц",
        "листов",
        "пунктов",
        "экз",
        "рабочих",
        "календарных",
        "сөз",
        "бет",
        "words",
        "pages",
    ];
    let bytes = view.bytes();
    if unit_at(view, end).is_some_and(|(till, _)| till > end) {
        return true;
    }
    let rest = bytes.get(end..).unwrap_or_default();
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    let len = rest.iter().take(40).take_while(|&&byte| is_letter(byte)).count();
    let word = rest.get(..len).unwrap_or_default();
    rest.first() == Some(&b'%') || COUNTED.iter().any(|known| known.as_bytes() == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(text: &str) -> Option<(String, bool, bool)> {
        let view = View::new(text);
        let at = view.bytes().iter().position(u8::is_ascii_digit)?;
        let money = money_at(&view, at, &mut DigitRun::default())?;
        Some((view.source_text(money.range).to_owned(), money.has_multiplier, money.has_currency))
    }

    #[test]
    fn sums_of_all_kinds() {
        for (text, span, has_multiplier, has_currency) in [
            ("285 000 теңге, да", "285 000 теңге", false, true),
            ("285000", "285000", false, false),
            ("520 тыс. тенге.", "520 тыс. тенге", true, true),
            ("1.1 million tenge a month", "1.1 million tenge", true, true),
            ("1 250 000 на руки", "1 250 000 на руки", false, false),
            ("340 000 (триста сорок тысяч) тенге", "340 000 (триста сорок тысяч) тенге", false, true),
            ("450к", "450к", true, false),
            ("450к тг", "450к тг", true, true),
            ("$2,500 net", "$2,500", false, true),
            ("350.000₸", "350.000₸", false, true),
            ("₸ 350 000", "₸ 350 000", false, true),
            ("KZT 350,000.50", "KZT 350,000.50", false, true),
            ("2 8 5 0 0 0 тг", "2 8 5 0 0 0 тг", false, true),
            ("28О ООО тенге", "28О ООО тенге", false, true),
            ("1985 года", "1985", false, false),
        ] {
            assert_eq!(money(text), Some((span.to_owned(), has_multiplier, has_currency)), "{text}");
        }
    }

    #[test]
    fn counted_things() {
        for (text, expected) in [("5 лет", true), ("5 тг", true), ("5%", true), ("5, да", false), ("5 от", false)]
        {
            assert_eq!(is_counted(&View::new(text), 1), expected, "{text}");
        }
    }
}
