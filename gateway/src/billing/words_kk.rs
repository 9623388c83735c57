//! Kazakh cardinal numbers, in Cyrillic. Nothing agrees with anything: no gender, no plural after a number.
//!
//! Whether "бір" (one) stands before a power: 100 is "жүз", 1000 is "бір мың", 1 000 000 is "бір миллион". No source that
//! we know of decides it. CLDR has "бір" before none of them ("мың", "миллион"); Қазақ грамматикасы, 5.2.1, has it before
//! a hundred too ("бір жүз он үш мың"), and programs follow one or the other. What stands here is what num2words and
//! Humanizer do, and agrees with a contract's "150 000 (жүз елу мың)". `group_words` is the place to change it.

use super::words::groups;

const ONES: [&str; 10] = ["", "бір", "екі", "үш", "төрт", "бес", "алты", "жеті", "сегіз", "тоғыз"];
const TENS: [&str; 10] = ["", "он", "жиырма", "отыз", "қырық", "елу", "алпыс", "жетпіс", "сексен", "тоқсан"];
const HUNDRED: &str = "жүз";
/// In the order of [`groups`].
const SCALES: [&str; 6] = ["квадриллион", "триллион", "миллиард", "миллион", "мың", ""];

/// Below 10¹⁸.
pub(super) fn cardinal(number: u64) -> String {
    if number == 0 {
        return "нөл".to_owned();
    }
    let mut words = Vec::new();
    for (group, scale) in groups(number).into_iter().zip(SCALES) {
        if group > 0 {
            words.extend(group_words(group));
            words.push(scale);
        }
    }
    words.retain(|word| !word.is_empty());
    words.join(" ")
}

/// Of 1 to 999; a place without a word is empty.
fn group_words(group: usize) -> [&'static str; 4] {
    let hundreds = group / 100;
    let (how_many, hundred) = match hundreds {
        0 => ("", ""),
        1 => ("", HUNDRED),
        _ => (ONES[hundreds], HUNDRED),
    };
    [how_many, hundred, TENS[group / 10 % 10], ONES[group % 10]]
}
