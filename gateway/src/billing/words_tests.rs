//! Amounts in words: by hand, against num2words, and read back by a reader that knows no grammar.

use std::collections::HashMap;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

fn said(text: &str) -> [String; 2] {
    let amount = text.parse().unwrap();
    [in_words(amount, Language::Russian), in_words(amount, Language::Kazakh)]
}

/// Checked word by word: gender of the thousands, number of every scale, teens, hundreds, empty groups.
#[rustfmt::skip]
const BY_HAND: [(&str, &str, &str); 25] = [
    ("0", "Ноль тенге 00 тиын", "Нөл теңге 00 тиын"),
    ("0,05", "Ноль тенге 05 тиын", "Нөл теңге 05 тиын"),
    ("1", "Один тенге 00 тиын", "Бір теңге 00 тиын"),
    ("2,01", "Два тенге 01 тиын", "Екі теңге 01 тиын"),
    ("14", "Четырнадцать тенге 00 тиын", "Он төрт теңге 00 тиын"),
    ("40,40", "Сорок тенге 40 тиын", "Қырық теңге 40 тиын"),
    ("100", "Сто тенге 00 тиын", "Жүз теңге 00 тиын"),
    ("119,19", "Сто девятнадцать тенге 19 тиын", "Жүз он тоғыз теңге 19 тиын"),
    ("690", "Шестьсот девяносто тенге 00 тиын", "Алты жүз тоқсан теңге 00 тиын"),
    ("1000", "Одна тысяча тенге 00 тиын", "Бір мың теңге 00 тиын"),
    ("2002", "Две тысячи два тенге 00 тиын", "Екі мың екі теңге 00 тиын"),
    ("5000", "Пять тысяч тенге 00 тиын", "Бес мың теңге 00 тиын"),
    ("11000", "Одиннадцать тысяч тенге 00 тиын", "Он бір мың теңге 00 тиын"),
    ("21021", "Двадцать одна тысяча двадцать один тенге 00 тиын", "Жиырма бір мың жиырма бір теңге 00 тиын"),
    ("32050", "Тридцать две тысячи пятьдесят тенге 00 тиын", "Отыз екі мың елу теңге 00 тиын"),
    ("101100", "Сто одна тысяча сто тенге 00 тиын", "Жүз бір мың жүз теңге 00 тиын"),
    (
        "512312",
        "Пятьсот двенадцать тысяч триста двенадцать тенге 00 тиын",
        "Бес жүз он екі мың үш жүз он екі теңге 00 тиын",
    ),
    ("1000001", "Один миллион один тенге 00 тиын", "Бір миллион бір теңге 00 тиын"),
    (
        "1234567,89",
        "Один миллион двести тридцать четыре тысячи пятьсот шестьдесят семь тенге 89 тиын",
        "Бір миллион екі жүз отыз төрт мың бес жүз алпыс жеті теңге 89 тиын",
    ),
    ("3078000", "Три миллиона семьдесят восемь тысяч тенге 00 тиын", "Үш миллион жетпіс сегіз мың теңге 00 тиын"),
    (
        "112061460",
        "Сто двенадцать миллионов шестьдесят одна тысяча четыреста шестьдесят тенге 00 тиын",
        "Жүз он екі миллион алпыс бір мың төрт жүз алпыс теңге 00 тиын",
    ),
    ("2000000000", "Два миллиарда тенге 00 тиын", "Екі миллиард теңге 00 тиын"),
    (
        "86004913700,99",
        "Восемьдесят шесть миллиардов четыре миллиона девятьсот тринадцать тысяч семьсот тенге 99 тиын",
        "Сексен алты миллиард төрт миллион тоғыз жүз он үш мың жеті жүз теңге 99 тиын",
    ),
    (
        "999999999999,99",
        "Девятьсот девяносто девять миллиардов девятьсот девяносто девять миллионов девятьсот девяносто девять тысяч \
         девятьсот девяносто девять тенге 99 тиын",
        "Тоғыз жүз тоқсан тоғыз миллиард тоғыз жүз тоқсан тоғыз миллион тоғыз жүз тоқсан тоғыз мың \
         тоғыз жүз тоқсан тоғыз теңге 99 тиын",
    ),
    ("1000000000000", "Один триллион тенге 00 тиын", "Бір триллион теңге 00 тиын"),
];

#[test]
fn amounts_checked_by_hand() {
    for (amount, russian, kazakh) in BY_HAND {
        assert_eq!(said(amount), [russian, kazakh], "{amount}");
    }
}

#[test]
fn amounts_are_said_as_num2words_says_them() {
    let golden = include_str!("../../tests/fixtures/amounts_in_words.tsv");
    let mut lines = 0;
    for line in golden.lines() {
        let [amount, russian, kazakh] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        assert_eq!(said(amount), [russian, kazakh], "{amount}");
        lines += 1;
    }
    assert!(lines > 500, "the golden file has {lines} lines");
}

#[test]
fn every_amount_can_be_said() {
    assert_eq!(said("-1,50"), ["Минус один тенге 50 тиын", "Минус бір теңге 50 тиын"]);
    let [russian, kazakh] = said("-92 233 720 368 547 758,08");
    assert!(russian.starts_with("Минус девяносто два квадриллиона двести тридцать три триллиона "), "{russian}");
    assert!(kazakh.starts_with("Минус тоқсан екі квадриллион екі жүз отыз үш триллион "), "{kazakh}");
}

enum Word {
    Number(u64),
    /// Of the group so far.
    Times(u64),
    Scale(u64),
}

/// All words of both languages; none means two things.
static WORDS: LazyLock<HashMap<String, Word>> = LazyLock::new(|| {
    let numbers = [
        "один два три четыре пять шесть семь восемь девять десять двадцать тридцать сорок пятьдесят шестьдесят семьдесят \
         восемьдесят девяносто",
        "бір екі үш төрт бес алты жеті сегіз тоғыз он жиырма отыз қырық елу алпыс жетпіс сексен тоқсан",
    ];
    let teens =
        "одиннадцать двенадцать тринадцать четырнадцать пятнадцать шестнадцать семнадцать восемнадцать девятнадцать";
    let hundreds = "сто двести триста четыреста пятьсот шестьсот семьсот восемьсот девятьсот";
    let others = [("ноль", 0), ("нөл", 0), ("одна", 1), ("две", 2)];
    let thousands = ["мың", "тысяч", "тысяча", "тысячи"];
    let large = [("миллион", 2), ("миллиард", 3), ("триллион", 4), ("квадриллион", 5)];
    let mut words = HashMap::from([("жүз".to_owned(), Word::Times(100))]);
    for language in numbers {
        words
            .extend(language.split(' ').map(str::to_owned).zip((1..10).chain((10..100).step_by(10)).map(Word::Number)));
    }
    words.extend(teens.split(' ').map(str::to_owned).zip((11..).map(Word::Number)));
    words.extend(hundreds.split(' ').map(str::to_owned).zip((100..).step_by(100).map(Word::Number)));
    words.extend(others.map(|(word, number)| (word.to_owned(), Word::Number(number))));
    words.extend(thousands.map(|word| (word.to_owned(), Word::Scale(1_000))));
    for (word, power) in large {
        words.extend(["", "а", "ов"].map(|ending| (format!("{word}{ending}"), Word::Scale(1_000_u64.pow(power)))));
    }
    words
});

/// The whole tenge of a sentence.
fn heard(text: &str) -> Option<u64> {
    let number = text.split_once(" тенге ").or_else(|| text.split_once(" теңге "))?.0.to_lowercase();
    let (mut total, mut group) = (0, 0);
    for word in number.split(' ') {
        match WORDS.get(word)? {
            Word::Number(value) => group += value,
            Word::Times(power) => group = group.max(1) * power,
            Word::Scale(power) => {
                total += group * power;
                group = 0;
            }
        }
    }
    Some(total + group)
}

#[test]
fn every_group_of_three_digits_is_heard_as_it_was_said() {
    for power in 0..=5 {
        for group in 0..1_000 {
            let number = group * 1_000_u64.pow(power);
            let Ok(amount) = Tenge::from_wide(i128::from(number) * 100) else { continue };
            for language in [Language::Russian, Language::Kazakh] {
                let said = in_words(amount, language);
                assert_eq!(heard(&said), Some(number), "{said}");
            }
        }
    }
}

proptest! {
    #[test]
    fn what_is_said_is_heard(tiyn in 0..=100_000_000_000_000_i64) {
        let amount = Tenge::from_tiyn(tiyn);
        for language in [Language::Russian, Language::Kazakh] {
            let said = in_words(amount, language);
            prop_assert_eq!(heard(&said), Some(tiyn.unsigned_abs() / 100), "{}", &said);
            let ending = format!(" {:02} тиын", tiyn % 100);
            prop_assert!(said.ends_with(&ending) && !said.contains("  "));
        }
    }
}
