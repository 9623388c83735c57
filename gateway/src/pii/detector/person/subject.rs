//! What somebody does or has, as the words around a surname tell: a verb in the past tense or a sum behind it,
//! something of a person's behind a genitive. Streets and towns do nothing and own nothing.

use std::ops::Range;
use std::sync::LazyLock;

use super::setting::Setting;
use crate::pii::detector::views::tokens::{Case, Token};
use crate::pii::detector::word_list::WordList;

/// Endings of Russian verbs in the past tense.
const PAST: [&str; 6] = ["ил", "ал", "ила", "ала", "лся", "лась"];

/// What may stand between somebody and what he did.
static ADVERBS: LazyLock<WordList> =
    LazyLock::new(|| WordList::new("вчера сегодня уже не снова опять также тоже сам сама утром так потом сразу"));
/// What pay is counted in.
static TITLED: LazyLock<WordList> = LazyLock::new(|| {
    WordList::new(
        "фильм фильма фильме город города городе книга книги книге роман повесть сериал мультфильм опера \
                      викторина викторину реферат эссе доклад сочинение теорема теоремасы әдісі жыры дастаны фильмі \
                      кітабы қаласы қала романы city town film movie book novel opera series song llp llc ltd inc gmbh foundation agro агро \
                      corp textiles bakery foods trading holding logistics motors pharma consulting solutions",
    )
});

static TOWNS: LazyLock<WordList> = LazyLock::new(|| {
    WordList::new(
        "regina регина charlotte шарлотта victoria виктория florence sydney сидней paris austin jackson \
                     madison savannah carolina georgia virginia dakota brooklyn chelsea israel jordan chad lourdes \
                     adelaide alexandria helena aurora arlington lincoln houston dallas denver florida самара самарада",
    )
});

static SUMS: LazyLock<WordList> = LazyLock::new(|| WordList::new("тыс тысяч тенге тг мың теңге млн kzt"));

impl Setting<'_, '_> {
    /// "Sophie's Choice", and first names that are towns as well.
    pub(super) fn is_title_or_town(&self, range: &Range<usize>) -> bool {
        let view = self.text.bytes();
        let word = view.get(range.clone()).unwrap_or_default();
        if TOWNS.holds_bytes(word) {
            return true;
        }
        let rest = view.get(range.end..).unwrap_or_default();
        let is_owner = rest.starts_with(b"'s ") || rest.starts_with(b";s ");
        let tokens = self.text.tokens();
        let next = tokens.get(tokens.partition_point(|token| token.range.start < range.end + 3));
        is_owner && next.is_some_and(|next| next.range.start == range.end + 3 && next.case == Case::Title)
    }

    /// Whether a word itself says so: "Marshall Textiles".
    pub(super) fn is_title(&self, range: &Range<usize>) -> bool {
        let word = self.text.bytes().get(range.clone()).unwrap_or_default();
        TITLED.holds_bytes(word)
    }

    /// Whether the words right behind `at`, in the same sentence, say that it is a film, a city, a company, a theorem:
    /// "Захар Беркут - это фильм", "Regina is a city", "Altai Bakery LLP".
    pub(super) fn is_titled_behind(&self, at: usize) -> bool {
        const REACH: usize = 4;
        let view = self.text.bytes();
        let tokens = self.text.tokens();
        let first = tokens.partition_point(|token| token.range.start < at);
        let mut end = at;
        for token in tokens.iter().skip(first).take(REACH) {
            let gap = view.get(end..token.range.start).unwrap_or_default();
            if gap.len() > 4
                || gap.iter().any(|byte| matches!(byte, b'.' | b'!' | b'?' | b'\n' | b',' | b':' | b'0'..=b'9'))
            {
                return false;
            }
            let word = view.get(token.range.clone()).unwrap_or_default();
            if TITLED.holds_bytes(word) {
                return true;
            }
            end = token.range.end;
        }
        false
    }

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
            return sum.iter().all(|byte| byte.is_ascii_digit() || *byte == b' ') && SUMS.holds_bytes(word);
        }
        if ADVERBS.holds_bytes(word)
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
}
