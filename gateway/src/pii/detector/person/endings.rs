//! What may follow the stem of a name: Russian case endings by declension, Kazakh ones with their plurals and
//! possessives, and the suffixes that make surnames and patronymics of first names. Spelled as in `spelling`.

use std::collections::BTreeMap;

use super::hashing::Table;

/// A set of the kinds below.
pub(super) type Kinds = u16;

/// Russian cases after a consonant: Иван-ом, Ким-у, Айгуль-ю.
pub(super) const HARD: Kinds = 1;
/// After the stem of a name in -а: Гульмир-ой.
pub(super) const IN_A: Kinds = 1 << 1;
/// After the stem of a name in -ия or -ья: Мари-ей, Натал-ье.
pub(super) const IN_IA: Kinds = 1 << 2;
/// After the stem of a name in -й: Андре-ем.
pub(super) const IN_I: Kinds = 1 << 3;
/// After the stem of an adjective: Толст-ого, Чайковск-ому.
pub(super) const ADJECTIVE: Kinds = 1 << 4;
/// Kazakh, Kyrgyz, Uzbek: Айгүл-дің, Данияр-ға.
pub(super) const TURKIC: Kinds = 1 << 5;
/// Makes a surname: Ахмет-ова, Мұса-ев.
pub(super) const SURNAME: Kinds = 1 << 6;
/// Makes a surname of a name in -а or -я: Никит-ин.
pub(super) const SURNAME_IN: Kinds = 1 << 7;
/// Makes a patronymic: Иван-ович, Әділ-ұлы.
pub(super) const PATRONYMIC: Kinds = 1 << 8;
/// Russian plurals of nouns: заказ-ов.
pub(super) const PLURAL: Kinds = 1 << 9;

const HARD_ENDINGS: &[&str] = &["a", "u", "om", "em", "e", "i", "ia", "iu", "im", "ami", "ah"];
const IN_A_ENDINGS: &[&str] = &["i", "e", "u", "oi", "ou", "ei", "eiu"];
const IN_IA_ENDINGS: &[&str] = &["u", "ei", "e", "i", "eiu"];
const IN_I_ENDINGS: &[&str] = &["ia", "iu", "em", "iem", "e", "ie"];
const ADJECTIVE_ENDINGS: &[&str] = &["i", "oi", "ogo", "omu", "im", "om", "aia", "uiu", "ie", "ih", "imi"];
const PLURAL_ENDINGS: &[&str] = &["ov", "ev", "ei", "am", "ami", "ah", "iam", "iah", "iami", "ii"];

/// Surnames in -ов and their kin by case, gender and number; the nominatives first.
pub(super) const SURNAME_CASES: &[&str] = &["", "a", "u", "im", "em", "om", "e", "oi", "ou", "i", "ih", "imi", "oiu"];
/// How many of [`SURNAME_CASES`] are nominatives.
pub(super) const NUM_NOMINATIVES: usize = 2;

const KAZAKH_CASES: &[&str] = &[
    "nin", "din", "tin", "ning", "ding", "ting", "ga", "ge", "ka", "ke", "na", "ne", "ni", "di", "ti", "n", "da", "de",
    "ta", "te", "dan", "den", "tan", "ten", "nan", "nen", "men", "ben", "pen", "niki", "diki", "tiki", "nun", "dun",
    "tun", "nu", "du", "tu", "go", "ko", "do", "to", "don", "ton",
];
const KAZAKH_PLURALS: &[&str] = &["lar", "ler", "dar", "der", "tar", "ter"];
const KAZAKH_POSSESSIVES: &[&str] =
    &["im", "m", "in", "ing", "i", "si", "imiz", "miz", "iniz", "niz", "um", "su", "u", "jan", "janim"];
const KAZAKH_PREDICATES: &[&str] = &[
    "min", "bin", "pin", "siz", "siz", "miz", "biz", "piz", "da", "de", "ma", "me", "ba", "be", "pa", "pe", "dai",
    "dei",
];
const AFTER_POSSESSIVE: &[&str] = &[
    "nin", "ning", "ga", "ge", "a", "e", "na", "ne", "di", "ni", "n", "da", "de", "nda", "nde", "nan", "nen", "men",
    "ben",
];

const SURNAME_SUFFIXES: &[&str] = &["ov", "ev", "iev", "uw"];
const MALE_PATRONYMICS: &[&str] = &["oviq", "eviq", "ieviq"];
const FEMALE_PATRONYMICS: &[&str] = &["ovn", "evn", "ievn", "iqn", "iniqn"];
const MALE_CASES: &[&str] = &["", "a", "u", "em", "om", "e", "i"];
const KAZAKH_PATRONYMICS: &[&str] = &["uli", "ulu", "kizi", "ogli", "oglu", "ugli", "zade", "zoda"];

/// Every Kazakh ending of a name or surname, singular cases first.
pub(super) fn kazakh() -> Vec<String> {
    let mut all: Vec<String> = KAZAKH_CASES.iter().chain(KAZAKH_PREDICATES).map(|&case| case.to_owned()).collect();
    for plural in KAZAKH_PLURALS {
        all.push((*plural).to_owned());
        all.extend(KAZAKH_CASES.iter().map(|case| format!("{plural}{case}")));
    }
    for possessive in KAZAKH_POSSESSIVES {
        all.push((*possessive).to_owned());
        all.extend(AFTER_POSSESSIVE.iter().map(|case| format!("{possessive}{case}")));
    }
    all
}

/// The Kazakh endings that surnames and patronymics take: cases and predicates.
pub(super) fn kazakh_cases() -> impl Iterator<Item = &'static str> {
    KAZAKH_CASES.iter().chain(KAZAKH_PREDICATES).chain(KAZAKH_PLURALS).copied()
}

/// Every form of a Russian or Kazakh patronymic behind its stem.
pub(super) fn patronymics() -> Vec<String> {
    let mut all = Vec::new();
    let with_kazakh = |all: &mut Vec<String>, base: String| {
        all.extend(kazakh_cases().map(|case| format!("{base}{case}")));
        all.push(base);
    };
    for suffix in MALE_PATRONYMICS {
        with_kazakh(&mut all, (*suffix).to_owned());
        all.extend(MALE_CASES.iter().map(|case| format!("{suffix}{case}")));
    }
    for suffix in FEMALE_PATRONYMICS {
        with_kazakh(&mut all, format!("{suffix}a"));
        all.extend(IN_A_ENDINGS.iter().map(|case| format!("{suffix}{case}")));
    }
    for suffix in KAZAKH_PATRONYMICS {
        with_kazakh(&mut all, (*suffix).to_owned());
    }
    all
}

/// Every form of a surname suffix like -ов, Russian and Kazakh, and whether it is a nominative.
pub(super) fn surname_forms(suffix: &str) -> Vec<(String, bool)> {
    let mut all: Vec<(String, bool)> = SURNAME_CASES
        .iter()
        .enumerate()
        .map(|(index, case)| (format!("{suffix}{case}"), index < NUM_NOMINATIVES))
        .collect();
    for case in kazakh_cases() {
        all.push((format!("{suffix}{case}"), false));
        all.push((format!("{suffix}a{case}"), false));
    }
    all
}

/// Which kinds an ending is of, by the hash of its letters.
pub(super) fn table() -> Table<Kinds> {
    let mut kinds = BTreeMap::<String, Kinds>::new();
    let mut add = |ending: &str, kind: Kinds| *kinds.entry(ending.to_owned()).or_default() |= kind;
    for (endings, kind) in [
        (HARD_ENDINGS, HARD),
        (IN_A_ENDINGS, IN_A),
        (IN_IA_ENDINGS, IN_IA),
        (IN_I_ENDINGS, IN_I),
        (ADJECTIVE_ENDINGS, ADJECTIVE),
        (PLURAL_ENDINGS, PLURAL),
    ] {
        for ending in endings {
            add(ending, kind);
        }
    }
    for ending in kazakh() {
        add(&ending, TURKIC);
    }
    for ending in patronymics() {
        add(&ending, PATRONYMIC);
    }
    for suffix in SURNAME_SUFFIXES {
        for (ending, _) in surname_forms(suffix) {
            add(&ending, SURNAME);
        }
    }
    for (ending, _) in surname_forms("in") {
        add(&ending, SURNAME_IN);
    }
    let entries: Vec<_> = kinds.into_iter().collect();
    Table::new(&entries)
}
