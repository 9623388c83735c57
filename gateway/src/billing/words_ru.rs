//! Russian cardinal numbers, in the nominative.
//!
//! "Тысяча" is feminine: "одна тысяча", "две тысячи". Everything else is masculine, the tenge too ("один тенге").

use super::words::groups;

enum Gender {
    Masculine,
    Feminine,
}

/// Below 20; 1 and 2 depend on the gender.
const ONES: [&str; 20] = [
    "",
    "один",
    "два",
    "три",
    "четыре",
    "пять",
    "шесть",
    "семь",
    "восемь",
    "девять",
    "десять",
    "одиннадцать",
    "двенадцать",
    "тринадцать",
    "четырнадцать",
    "пятнадцать",
    "шестнадцать",
    "семнадцать",
    "восемнадцать",
    "девятнадцать",
];

const TENS: [&str; 10] =
    ["", "", "двадцать", "тридцать", "сорок", "пятьдесят", "шестьдесят", "семьдесят", "восемьдесят", "девяносто"];

const HUNDREDS: [&str; 10] =
    ["", "сто", "двести", "триста", "четыреста", "пятьсот", "шестьсот", "семьсот", "восемьсот", "девятьсот"];

/// In the order of [`groups`]: gender, and the forms after one, after two to four, and after the rest.
const SCALES: [(Gender, [&str; 3]); 6] = [
    (Gender::Masculine, ["квадриллион", "квадриллиона", "квадриллионов"]),
    (Gender::Masculine, ["триллион", "триллиона", "триллионов"]),
    (Gender::Masculine, ["миллиард", "миллиарда", "миллиардов"]),
    (Gender::Masculine, ["миллион", "миллиона", "миллионов"]),
    (Gender::Feminine, ["тысяча", "тысячи", "тысяч"]),
    (Gender::Masculine, ["", "", ""]),
];

/// Below 10¹⁸.
pub(super) fn cardinal(number: u64) -> String {
    if number == 0 {
        return "ноль".to_owned();
    }
    let mut words = Vec::new();
    for (group, (gender, forms)) in groups(number).into_iter().zip(&SCALES) {
        if group > 0 {
            words.extend(group_words(group, gender));
            words.push(form(group, forms));
        }
    }
    words.retain(|word| !word.is_empty());
    words.join(" ")
}

/// Of 1 to 999; a place without a word is empty.
fn group_words(group: usize, gender: &Gender) -> [&'static str; 3] {
    let below_hundred = group % 100;
    let (ten, one) = if below_hundred < 20 { (0, below_hundred) } else { (below_hundred / 10, below_hundred % 10) };
    let one = match (gender, one) {
        (Gender::Feminine, 1) => "одна",
        (Gender::Feminine, 2) => "две",
        _ => ONES[one],
    };
    [HUNDREDS[group / 100], TENS[ten], one]
}

/// 11 to 14 are like 5, whatever they end in.
fn form(group: usize, forms: &[&'static str; 3]) -> &'static str {
    match (group % 100, group % 10) {
        (11..=14, _) => forms[2],
        (_, 1) => forms[0],
        (_, 2..=4) => forms[1],
        _ => forms[2],
    }
}
