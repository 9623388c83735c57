//! The disguises in which values come: each of those that people and programs use, and only where it fits the kind.

use super::random::Random;
use super::value::Writing;

pub struct Disguise {
    pub name: &'static str,
    fits: &'static [Writing],
    apply: fn(&mut Random, &str) -> String,
}

use Writing::{Code, Digits, Email, Exact, Words};

macro_rules! disguise {
    ($name:literal, $fits:expr, $apply:expr) => {
        Disguise { name: $name, fits: &$fits, apply: $apply }
    };
}

pub const DISGUISES: [Disguise; 31] = [
    disguise!("plain", [Digits, Code, Email, Exact, Words], |_, text| text.to_owned()),
    disguise!("spaces", [Digits, Code], |random, text| grouped(random, text, " ")),
    disguise!("dots", [Digits], |random, text| grouped(random, text, ".")),
    disguise!("dashes", [Digits, Code], |random, text| grouped(random, text, "-")),
    disguise!("no-break spaces", [Digits, Code], |random, text| grouped(random, text, "\u{a0}")),
    disguise!("en dashes", [Digits], |random, text| grouped(random, text, "\u{2013}")),
    disguise!("underscores", [Digits], |random, text| grouped(random, text, "_")),
    disguise!("newline", [Digits], |random, text| inserted(random, text, "\n")),
    disguise!("digit by digit", [Digits], |_, text| joined(text, " ")),
    disguise!("zero-width", [Digits, Code, Email], |random, text| inserted(random, text, "\u{200b}")),
    disguise!("joiners", [Digits, Code, Email], |_, text| joined(text, "\u{200d}")),
    disguise!("soft hyphens", [Digits, Code, Email], |random, text| inserted(random, text, "\u{ad}")),
    disguise!("byte order marks", [Digits, Code, Email], |random, text| inserted(random, text, "\u{feff}")),
    disguise!("fullwidth digits", [Digits, Code], |_, text| shifted(text, '０')),
    disguise!("Arabic-Indic digits", [Digits, Code], |_, text| shifted(text, '٠')),
    disguise!("mathematical digits", [Digits, Code], |_, text| shifted(text, '𝟎')),
    disguise!("Cyrillic letters", [Code, Email], |_, text| replaced(text, &LOOKALIKES)),
    disguise!("letters for digits", [Digits], |_, text| lettered(text)),
    disguise!("Russian words", [Digits], |_, text| spelled(text, &RUSSIAN)),
    disguise!("Kazakh words", [Digits], |_, text| spelled(text, &KAZAKH)),
    disguise!("English words", [Digits], |_, text| spelled(text, &ENGLISH)),
    disguise!("spoken", [Email], |_, text| text.replace('@', " собака ").replace('.', " точка ")),
    disguise!("base64", [Digits, Code, Email, Exact], |_, text| base64(text.as_bytes())),
    disguise!("hexadecimal", [Digits, Code, Email, Exact], |_, text| hexadecimal(text.as_bytes())),
    disguise!("hexadecimal bytes", [Digits, Code, Email, Exact], |_, text| {
        text.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
    }),
    disguise!("percent", [Digits, Code, Email], |_, text| each_byte(text, |byte| format!("%{byte:02X}"))),
    disguise!("HTML entities", [Digits, Code, Email], |_, text| each_char(text, |c| format!("&#{};", c as u32))),
    disguise!("hex entities", [Digits, Code, Email], |_, text| each_char(text, |c| format!("&#x{:x};", c as u32))),
    disguise!("escapes", [Digits, Code, Email], |_, text| each_char(text, |c| format!("\\u{:04x}", c as u32))),
    disguise!("capitals", [Email, Words], |_, text| text.to_uppercase()),
    disguise!("small letters", [Code, Words], |_, text| text.to_lowercase()),
];

const LOOKALIKES: [(char, char); 14] = [
    ('a', 'а'),
    ('c', 'с'),
    ('e', 'е'),
    ('o', 'о'),
    ('p', 'р'),
    ('x', 'х'),
    ('A', 'А'),
    ('B', 'В'),
    ('C', 'С'),
    ('E', 'Е'),
    ('H', 'Н'),
    ('K', 'К'),
    ('M', 'М'),
    ('T', 'Т'),
];
const RUSSIAN: [&str; 10] = ["ноль", "один", "два", "три", "четыре", "пять", "шесть", "семь", "восемь", "девять"];
const KAZAKH: [&str; 10] = ["нөл", "бір", "екі", "үш", "төрт", "бес", "алты", "жеті", "сегіз", "тоғыз"];
const ENGLISH: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

impl Disguise {
    pub fn fits(&self, writing: Writing) -> bool {
        self.fits.contains(&writing)
    }

    pub fn apply(&self, random: &mut Random, text: &str) -> String {
        (self.apply)(random, text)
    }

    pub fn is_plain(&self) -> bool {
        self.name == "plain"
    }
}

/// Groups of three or four; a country's code stays together.
fn grouped(random: &mut Random, text: &str, separator: &str) -> String {
    let (head, rest) = text.split_at(if text.starts_with('+') { 2 } else { 0 });
    let size = random.between(3, 4);
    let characters: Vec<char> = rest.chars().collect();
    let groups = characters.chunks(size).map(|group| group.iter().collect::<String>());
    Some(head.to_owned()).filter(|head| !head.is_empty()).into_iter().chain(groups).collect::<Vec<_>>().join(separator)
}

fn inserted(random: &mut Random, text: &str, what: &str) -> String {
    let at = random.between(3, text.len() - 3);
    format!("{}{what}{}", &text[..at], &text[at..])
}

fn joined(text: &str, what: &str) -> String {
    text.chars().map(String::from).collect::<Vec<_>>().join(what)
}

fn shifted(text: &str, zero: char) -> String {
    let digit = |c: char| c.to_digit(10).and_then(|value| char::from_u32(zero as u32 + value)).unwrap_or(c);
    text.chars().map(digit).collect()
}

fn replaced(text: &str, pairs: &[(char, char)]) -> String {
    text.chars().map(|c| pairs.iter().find(|(from, _)| *from == c).map_or(c, |(_, to)| *to)).collect()
}

/// Letters for every digit that has one.
fn lettered(text: &str) -> String {
    replaced(text, &[('0', 'О'), ('3', 'З'), ('1', 'l')])
}

fn spelled(text: &str, words: &[&str; 10]) -> String {
    let values = text.chars().filter_map(|c| c.to_digit(10));
    values.map(|value| words[value as usize]).collect::<Vec<_>>().join(" ")
}

fn each_byte(text: &str, written: impl Fn(u8) -> String) -> String {
    text.bytes().map(written).collect::<Vec<_>>().concat()
}

fn each_char(text: &str, written: impl Fn(char) -> String) -> String {
    text.chars().map(written).collect()
}

pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

pub fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let sextet = (bits >> (18 - 6 * place)) & 63;
            text.push(if place <= group.len() { ALPHABET[sextet as usize] as char } else { '=' });
        }
    }
    text
}

#[test]
fn encodings_are_those_of_their_standards() {
    assert_eq!([base64(b"f"), base64(b"fo"), base64(b"foobar")], ["Zg==", "Zm8=", "Zm9vYmFy"]);
    assert_eq!(hexadecimal(b"~z"), "7e7a");
    assert_eq!(shifted("19", '٠'), "١٩");
}
