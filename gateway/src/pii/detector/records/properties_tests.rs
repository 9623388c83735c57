//! Properties: valid numbers in any writing beside their word are found, and any text is scanned.

use proptest::prelude::*;

use super::tests::found;
use crate::pii::Entity;

const SEPARATORS: [&str; 8] = ["", " ", "-", ".", "_", "\u{a0}", "\u{200b}", "–"];

/// Digits in groups of `every`.
fn write(digits: &str, separator: &str, every: usize) -> String {
    let groups: Vec<String> =
        digits.as_bytes().chunks(every).map(|group| String::from_utf8_lossy(group).into_owned()).collect();
    groups.join(separator)
}

fn digits(len: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(0_u8..10, len)
        .prop_map(|digits| digits.iter().map(|digit| char::from(b'0' + digit)).collect())
}

fn separated() -> impl Strategy<Value = (&'static str, usize)> {
    (prop::sample::select(&SEPARATORS[..]), 1_usize..6)
}

/// The published sum, by repeated subtraction rather than remainders.
fn snils(number: &str) -> String {
    let mut sum: u32 = number.bytes().rev().zip(1..).map(|(byte, weight)| u32::from(byte - b'0') * weight).sum();
    while sum > 101 {
        sum -= 101;
    }
    format!("{number}{:02}", if sum >= 100 { 0 } else { sum })
}

/// Weights 7, 3, 1 over and over, each sum kept below ten.
fn pinfl(head: &str) -> String {
    let check = head.bytes().enumerate().fold(0, |sum, (place, byte)| {
        let weight = match place % 3 {
            0 => 7,
            1 => 3,
            _ => 1,
        };
        (sum + u32::from(byte - b'0') * weight) % 10
    });
    format!("{head}{check}")
}

fn is_found(text: &str, entity: Entity, value: &str) -> bool {
    found(text).iter().any(|&(other, span)| other == entity && span.contains(value))
}

proptest! {
    #[test]
    fn identity_cards_beside_their_word(
        number in digits(8), (separator, every) in separated(),
        word in prop::sample::select(vec!["удостоверение личности", "жеке куәлік", "ID card", "уд. личности №"]),
    ) {
        let value = write(&format!("0{number}"), separator, every);
        prop_assert!(is_found(&format!("{word} {value}, спасибо"), Entity::IdCard, &value), "{word} {value}");
    }

    #[test]
    fn passports_beside_their_word(
        number in digits(8), (separator, every) in separated(),
        word in prop::sample::select(vec!["паспорт", "Төлқұжат нөмірі:", "passport", "паспорт №"]),
    ) {
        let value = format!("N{}", write(&number, separator, every));
        let text = format!("{word} {value}, спасибо");
        let is_found = found(&text).iter().any(|&(entity, span)| entity == Entity::Passport && span.contains(&value));
        prop_assert!(is_found, "{text}");
    }

    #[test]
    fn pension_numbers_in_their_groups_need_no_word(number in "[1-9][0-9]{8}") {
        let value = snils(&number);
        let value = format!("{}-{}-{} {}", &value[..3], &value[3..6], &value[6..9], &value[9..]);
        prop_assert!(is_found(&format!("вот {value} так"), Entity::Snils, &value), "{value}");
    }

    #[test]
    fn uzbek_numbers_need_no_word(
        sex in 1_u32..7, day in 1_u32..29, month in 1_u32..13, rest in digits(8), (separator, every) in separated(),
    ) {
        let number = pinfl(&format!("{sex}{day:02}{month:02}{rest}"));
        let value = write(&number, separator, every);
        let text = format!("он пишет {value}, вот");
        prop_assert!(found(&text).iter().any(|(_, span)| span.contains(&value)), "{text}");
    }

    #[test]
    fn contracts_beside_their_word(
        letters in "(|[KM]{1,3}|[ГК]{1,3})", number in "[1-9][0-9]{4,7}",
        word in prop::sample::select(vec!["договор №", "по договору", "шарт №", "contract No.", "\"contract\": \""]),
    ) {
        // Without "№" before it "10012000" or "20000110" is a day, as far as anybody can tell.
        let is_told = word.ends_with(['№', '.']);
        let part = |range: std::ops::Range<usize>| number.get(range).and_then(|part| part.parse::<u32>().ok());
        let is_day = |day, month| part(day) <= Some(31) && part(month) <= Some(12);
        let may_be_day = number.len() == 8 && (is_day(0..2, 2..4) || is_day(6..8, 4..6));
        prop_assume!(is_told || !(letters.is_empty() && may_be_day));
        let value = if letters.is_empty() { number } else { format!("{letters}-{number}") };
        prop_assert!(is_found(&format!("{word} {value}, спасибо"), Entity::Contract, &value), "{word} {value}");
        let before = format!("№ {value} шарты бойынша");
        prop_assert!(is_found(&before, Entity::Contract, &value), "{before}");
    }

    #[test]
    fn dates_of_birth(day in 1_u32..29, month in 1_u32..13, year in 1930_u32..2020) {
        for value in [format!("{day:02}.{month:02}.{year}"), format!("{year}-{month:02}-{day:02}"), format!("{day} мая {year}")] {
            prop_assert!(is_found(&format!("дата рождения {value}."), Entity::BirthDate, &value), "{value}");
            prop_assert!(is_found(&format!("Ким О., {value} г.р."), Entity::BirthDate, &value), "{value}");
        }
    }

    #[test]
    fn any_text_is_scanned_and_spans_end_on_characters(
        parts in prop::collection::vec(prop::sample::select(vec![
            "паспорт", "договор", "шарты", "диагноз:", "оклад", "г.р.", "л/с", "№", "N", "1234", "АЛМ-2", "0", " ", ", ",
            "\n", ".", "E11.9", "қант диабеті", "12.03.1985", "₸", "«", "\t", "о", "values (", ")", "|", "123 ABC 02",
        ]), 0..24),
        noise in "\\PC{0,20}",
    ) {
        let text = format!("{}{noise}{}", parts.concat(), parts.concat());
        for (_, span) in found(&text) {
            prop_assert!(!span.is_empty() && span != "no boundary", "{text}");
        }
    }
}
