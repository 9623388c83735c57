//! Properties over generated values, separators and surroundings.

use proptest::prelude::*;

use super::generate::{card, iin, kazakh_iban, mobile};
use super::{DETECTOR, TextSegment, found, scan};
use crate::pii::Entity;

/// One way to write the digits of a number.
#[derive(Debug, Clone)]
enum Writing {
    Separated { separator: &'static str, every: usize },
    Fullwidth,
    ArabicIndic,
    Mathematical,
    Lookalikes,
    Mixed(Vec<u8>),
}

const SEPARATORS: [&str; 18] = [
    "", " ", "-", "\u{a0}", "–", "—", ".", "_", "\u{200b}", "\u{ad}", "\u{feff}", "\u{2009}", "\u{2011}", "/", " - ",
    "\n", "\t", "\u{202f}",
];

impl Writing {
    fn write(&self, number: &str) -> String {
        let shift = |zero: u32| -> String {
            let digit = |c: char| char::from_u32(zero + u32::from(c) - 48);
            number.chars().map(|c| digit(c).unwrap_or(c)).collect()
        };
        match self {
            Self::Separated { separator, every } => {
                let mut written = String::new();
                for (index, character) in number.chars().enumerate() {
                    if index > 0 && index % every == 0 {
                        written.push_str(separator);
                    }
                    written.push(character);
                }
                written
            }
            Self::Fullwidth => shift(0xFF10),
            Self::ArabicIndic => shift(0x0660),
            Self::Mathematical => shift(0x1D7CE),
            Self::Lookalikes => {
                // Every other one, so that the number stays a number.
                let mut turn = false;
                number
                    .chars()
                    .map(|character| {
                        turn = !turn;
                        match character {
                            '0' if turn => 'О',
                            '3' if turn => 'З',
                            '1' if turn => 'l',
                            other => other,
                        }
                    })
                    .collect()
            }
            Self::Mixed(choices) => number
                .chars()
                .enumerate()
                .flat_map(|(index, character)| {
                    let choice = choices.get(index).copied().unwrap_or(0);
                    let separator = SEPARATORS.get(usize::from(choice)).copied().unwrap_or("");
                    let before = if index == 0 { "" } else { separator };
                    before.chars().chain([character])
                })
                .collect(),
        }
    }
}

fn writing() -> impl Strategy<Value = Writing> {
    prop_oneof![
        (prop::sample::select(&SEPARATORS[..]), 1_usize..7)
            .prop_map(|(separator, every)| Writing::Separated { separator, every }),
        Just(Writing::Fullwidth),
        Just(Writing::ArabicIndic),
        Just(Writing::Mathematical),
        Just(Writing::Lookalikes),
        prop::collection::vec(0_u8..24, 12..20).prop_map(Writing::Mixed),
    ]
}

/// Text before or after a value: words of three languages, numbers, punctuation.
fn surrounding() -> impl Strategy<Value = String> {
    const WORDS: [&str; 24] = [
        "клиент",
        "Здравствуйте,",
        "мой",
        "ИИН",
        "посылка",
        "из",
        "о",
        "12",
        "2026",
        "№ 7:",
        "қалай",
        "жеткізу",
        "өтінемін",
        "ЖСН",
        "тапсырыс",
        "3 дня",
        "please",
        "order",
        "IIN:",
        "my",
        "I",
        "100%",
        "a@b.kz",
        "—",
    ];
    prop_oneof![
        prop::collection::vec(prop::sample::select(&WORDS[..]), 0..6).prop_map(|words| words.join(" ")),
        "[a-zа-яәіңғүұқөһ .,!?«»№:;()-]{0,40}",
    ]
}

fn covers(text: &str, entity: Entity, value: std::ops::Range<usize>) -> bool {
    scan(text)
        .iter()
        .any(|finding| finding.entity == entity && finding.span.start <= value.start && finding.span.end >= value.end)
}

fn embed(before: &str, value: &str, after: &str) -> (String, std::ops::Range<usize>) {
    let text = format!("{before} {value} {after}");
    let start = before.len() + 1;
    (text, start..start + value.len())
}

proptest! {
    #[test]
    fn every_valid_iin_is_found_however_it_is_written(
        seed in any::<u64>(), writing in writing(), before in surrounding(), after in surrounding(),
    ) {
        let written = writing.write(&iin(seed));
        let (text, range) = embed(&before, &written, &after);
        prop_assert!(covers(&text, Entity::Iin, range), "{text}");
    }

    #[test]
    fn every_valid_card_is_found_however_it_is_written(
        seed in any::<u64>(), writing in writing(), word in "[a-zа-я]{1,10}",
    ) {
        let written = writing.write(&card(seed));
        let (text, range) = embed(&word, &written, ", спасибо");
        prop_assert!(covers(&text, Entity::Card, range), "{text}");
    }

    #[test]
    fn every_kazakh_mobile_is_found(
        seed in any::<u64>(), writing in writing(), prefix in prop::sample::select(vec!["+7", "8", "7"]),
    ) {
        let written = writing.write(&format!("{}{}", prefix.trim_start_matches('+'), mobile(seed)));
        let sign = if prefix.starts_with('+') { "+" } else { "" };
        let (text, range) = embed("позвоните", &format!("{sign}{written}"), "вечером");
        // In one of a hundred the check sum of a SNILS holds too, and that is what its spelling says.
        let is_found = covers(&text, Entity::Phone, range.clone()) || covers(&text, Entity::Snils, range);
        prop_assert!(is_found, "{text}");
    }

    #[test]
    fn every_kazakh_iban_is_found(
        seed in any::<u64>(), group in 1_usize..21, separator in prop::sample::select(&SEPARATORS[..]),
        lower in any::<bool>(), after in surrounding(),
    ) {
        let number = kazakh_iban(seed);
        let number = if lower { number.to_lowercase() } else { number };
        let written = Writing::Separated { separator, every: group }.write(&number);
        let (text, range) = embed("счёт", &written, &after);
        prop_assert!(covers(&text, Entity::Iban, range), "{text}");
    }

    #[test]
    fn a_number_in_a_longer_one_is_not_an_iin(seed in any::<u64>(), tail in "[0-9]{1,12}") {
        let text = format!("заказ {}{tail}", iin(seed));
        prop_assert!(found(&text).iter().all(|&(entity, _)| entity != Entity::Iin), "{text}");
    }

    #[test]
    fn encoded_iins_are_found(seed in any::<u64>(), lead in "[ -~]{0,9}") {
        let plain = format!("{lead} {} end", iin(seed));
        let each = |write: &dyn Fn(u8) -> String| -> String { plain.bytes().map(write).collect() };
        let hex = each(&|byte| format!("{byte:02x}"));
        let percent = each(&|byte| format!("%{byte:02X}"));
        let unicode = each(&|byte| format!("\\u{byte:04x}"));
        let entity = each(&|byte| format!("&#{byte};"));
        for text in [hex, percent, unicode, entity, base64(plain.as_bytes())] {
            let text = format!("данные: {text}");
            prop_assert!(found(&text).iter().any(|&(entity, _)| entity == Entity::Iin), "{text}");
        }
    }

    #[test]
    fn any_text_is_scanned_and_spans_lie_on_characters(text in any::<String>(), seed in any::<u64>()) {
        let text = format!("{text}{}{text}+7 (701) {} @mail.kz %41&#4{text}\\u00", iin(seed), mobile(seed));
        let findings = DETECTOR.scan(&[TextSegment::new("", text.as_str())]);
        prop_assert!(findings.is_complete());
        for finding in &findings {
            prop_assert!(text.get(finding.span.clone()).is_some_and(|value| !value.is_empty()));
        }
    }

    #[test]
    fn digits_and_marks_in_any_order_are_scanned(text in "[0-9 .+@%&#;x/(),:oОзlKZkz\\\\-]{0,120}") {
        let findings = DETECTOR.scan(&[TextSegment::new("/a/b", text.as_str())]);
        for finding in &findings {
            prop_assert!(text.get(finding.span.clone()).is_some());
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, index| bits << 8 | u32::from(chunk.get(index).copied().unwrap_or(0)));
        for place in 0..4 {
            let sextet = usize::try_from(bits >> (18 - 6 * place) & 63).unwrap_or(0);
            let pad = place > chunk.len();
            let byte = if pad { b'=' } else { ALPHABET.get(sextet).copied().unwrap_or(b'=') };
            text.push(char::from(byte));
        }
    }
    text
}
