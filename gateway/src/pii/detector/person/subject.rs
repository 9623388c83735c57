//! What somebody does or has, as the words around a surname tell: a verb in the past tense or a sum behind it,
//! something of a person's behind a genitive. Streets and towns do nothing and own nothing.

use std::ops::Range;

use super::setting::Setting;
use crate::pii::detector::views::tokens::{Case, Token};

/// Endings of Russian verbs in the past tense.
const PAST: [&str; 6] = ["ил", "ал", "ила", "ала", "лся", "лась"];

/// What may stand between somebody and what he did.
const ADVERBS: &str = "вчера сегодня уже не снова опять также тоже сам сама утром так потом сразу";
/// Endings of the Kazakh genitive.
const GENITIVE: &str = "тың тің дың дің ның нің";
/// What people have and streets have not, as it begins.
const OWNED: &str = "\
    сенімхат өтініш арыз шағым құжат жалақы айлығ телефон нөмір мекенжай куәлі төлқұжат жсн шоты карта бала \
    әйел қызы ұлы анасы әкесі диагноз қарыз несие";
/// What pay is counted in.
const SUMS: &str = "тыс тысяч тенге тг мың теңге млн kzt";

impl Setting<'_, '_> {
    /// Whether a dash and words in small letters follow, or a verb in the past tense: "Савченко - сбросил".
    pub(super) fn is_subject(&self, range: &Range<usize>) -> bool {
        let view = self.text.bytes();
        let tokens = self.text.tokens();
        let at = tokens.partition_point(|token| token.range.start < range.end);
        let Some(next) = tokens.get(at) else { return false };
        let gap = view.get(range.end..next.range.start).unwrap_or_default();
        let is_lower = next.case == Case::Lower;
        if gap == b" - " {
            return is_lower;
        }
        let word = view.get(next.range.clone()).unwrap_or_default();
        // "Муратбеков - 690 тыс"
        if let Some(sum) = gap.strip_prefix(b" - ") {
            return sum.iter().all(|byte| byte.is_ascii_digit() || *byte == b' ')
                && SUMS.split(' ').any(|sum| sum.as_bytes() == word);
        }
        if ADVERBS.split(' ').any(|adverb| adverb.as_bytes() == word)
            && let Some(verb) = tokens.get(at + 1)
            && view.get(next.range.end..verb.range.start) == Some(b" ")
        {
            return gap == b" " && self.is_past(verb);
        }
        gap == b" " && self.is_past(next)
    }

    /// Whether a word is a verb in the past tense.
    fn is_past(&self, token: &Token) -> bool {
        let word = self.text.bytes().get(token.range.clone()).unwrap_or_default();
        token.case == Case::Lower && PAST.iter().any(|ending| word.len() > 8 && word.ends_with(ending.as_bytes()))
    }

    /// Whether a preposition stands right before `at`: names behind it are of streets as often as of people.
    pub(super) fn follows_preposition(&self, at: usize) -> bool {
        let before = self.text.bytes().get(..at).unwrap_or_default();
        [" на ", " по ", " до ", " от ", " с ", " угол ", " за ", " в ", " из ", " у ", " к ", " через ", " возле "]
            .iter()
            .any(|word| before.ends_with(word.as_bytes()) || before == word.trim_start().as_bytes())
    }

    /// Whether a Kazakh genitive has something of a person's behind it: "Айтбаевтың сенімхаты".
    pub(super) fn owns_behind(&self, range: &Range<usize>) -> bool {
        let view = self.text.bytes();
        let word = view.get(range.clone()).unwrap_or_default();
        let rest = view.get(range.end..).and_then(|rest| rest.strip_prefix(b" ")).unwrap_or_default();
        GENITIVE.split(' ').any(|ending| word.ends_with(ending.as_bytes()))
            && OWNED.split(' ').any(|owned| rest.starts_with(owned.as_bytes()))
    }

    /// Whether " у " stands right before `at`: somebody has something.
    pub(super) fn follows_possessor(&self, at: usize) -> bool {
        let before = self.text.bytes().get(..at).unwrap_or_default();
        before.ends_with(" у ".as_bytes()) || before == "у ".as_bytes()
    }
}
