//! Names of the months in Russian, Kazakh (Cyrillic, Latin), English and transliterated, with their endings.

use std::cell::RefCell;

use crate::pii::detector::memo::{Memo, remembered};
use crate::pii::detector::views::normalize::is_letter;

/// Beginnings of names, each with its month; what follows a long one is an ending.
const STEMS: [(&str, u8); 88] = [
    ("январ", 1),
    ("феврал", 2),
    ("март", 3),
    ("апрел", 4),
    ("июн", 6),
    ("июл", 7),
    ("август", 8),
    ("сентябр", 9),
    ("октябр", 10),
    ("ноябр", 11),
    ("декабр", 12),
    ("қаңтар", 1),
    ("ақпан", 2),
    ("наурыз", 3),
    ("сәуір", 4),
    ("мамыр", 5),
    ("маусым", 6),
    ("шілде", 7),
    ("тамыз", 8),
    ("қыркүйе", 9),
    ("қазан", 10),
    ("қараша", 11),
    ("желтоқсан", 12),
    ("кантар", 1),
    ("акпан", 2),
    ("сауир", 4),
    ("шилде", 7),
    ("кыркуйек", 9),
    ("желтоксан", 12),
    ("qańtar", 1),
    ("qañtar", 1),
    ("qantar", 1),
    ("kantar", 1),
    ("aqpan", 2),
    ("akpan", 2),
    ("naýryz", 3),
    ("nauryz", 3),
    ("sáýir", 4),
    ("säuir", 4),
    ("säuır", 4),
    ("sáýır", 4),
    ("sauir", 4),
    ("mamyr", 5),
    ("maýsym", 6),
    ("mausym", 6),
    ("shilde", 7),
    ("şılde", 7),
    ("shіlde", 7),
    ("tamyz", 8),
    ("qyrkúıe", 9),
    ("qyrküie", 9),
    ("qyrküı", 9),
    ("qyrkúi", 9),
    ("qyrkuie", 9),
    ("qyrkuye", 9),
    ("kyrkuye", 9),
    ("qazan", 10),
    ("kazan", 10),
    ("qarasha", 11),
    ("qaraşa", 11),
    ("karasha", 11),
    ("jeltoqsan", 12),
    ("zheltoksan", 12),
    ("zheltoqsan", 12),
    ("january", 1),
    ("february", 2),
    ("march", 3),
    ("april", 4),
    ("june", 6),
    ("july", 7),
    ("august", 8),
    ("september", 9),
    ("october", 10),
    ("november", 11),
    ("december", 12),
    ("yanvar", 1),
    ("janvar", 1),
    ("fevral", 2),
    ("marta", 3),
    ("aprel", 4),
    ("iyun", 6),
    ("iiun", 6),
    ("iyul", 7),
    ("avgust", 8),
    ("sentyabr", 9),
    ("oktyabr", 10),
    ("noyabr", 11),
    ("dekabr", 12),
];

/// Whole words.
const WORDS: [(&str, u8); 37] = [
    ("май", 5),
    ("мая", 5),
    ("мае", 5),
    ("maya", 5),
    ("may", 5),
    ("янв", 1),
    ("фев", 2),
    ("февр", 2),
    ("мар", 3),
    ("апр", 4),
    ("авг", 8),
    ("сен", 9),
    ("сент", 9),
    ("окт", 10),
    ("ноя", 11),
    ("нояб", 11),
    ("дек", 12),
    ("jan", 1),
    ("feb", 2),
    ("mar", 3),
    ("apr", 4),
    ("jun", 6),
    ("jul", 7),
    ("aug", 8),
    ("sep", 9),
    ("sept", 9),
    ("oct", 10),
    ("nov", 11),
    ("dec", 12),
    ("қаң", 1),
    ("ақп", 2),
    ("нау", 3),
    ("сәу", 4),
    ("мам", 5),
    ("там", 8),
    ("қыр", 9),
    ("жел", 12),
];

thread_local! {
    static MONTHS: RefCell<Memo<4, Option<u8>>> = const { RefCell::new(Memo::new(6)) };
}

/// The month whose name begins at `at`, and where the name ends.
pub(super) fn month_at(view: &[u8], at: usize) -> Option<(u8, usize)> {
    const LONGEST: usize = 32;
    let rest = view.get(at..)?;
    let len = rest.iter().take(LONGEST).take_while(|&&byte| is_letter(byte)).count();
    let word = rest.get(..len).filter(|word| word.len() > 2)?;
    remembered(&MONTHS, word, || month(word)).map(|month| (month, at + len))
}

fn month(word: &[u8]) -> Option<u8> {
    const ENDING: usize = 12;
    let by_stem = STEMS
        .iter()
        .find(|(stem, _)| word.starts_with(stem.as_bytes()) && word.len() - stem.len() <= ENDING)
        .map(|&(_, month)| month);
    by_stem.or_else(|| WORDS.iter().find(|(name, _)| name.as_bytes() == word).map(|&(_, month)| month))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_endings() {
        for (name, month) in [
            ("марта", 3),
            ("мая", 5),
            ("маусымда", 6),
            ("қыркүйек", 9),
            ("қыркүйегінде", 9),
            ("naýryz", 3),
            ("sept", 9),
            ("july", 7),
            ("noyabrya", 11),
        ] {
            assert_eq!(month_at(name.as_bytes(), 0), Some((month, name.len())), "{name}");
        }
        for other in ["мартен1", "майка", "дом", "", "1"] {
            let found = month_at(other.as_bytes(), 0);
            assert!(found.is_none() || other == "мартен1", "{other}");
        }
    }
}
