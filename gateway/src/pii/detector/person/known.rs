//! What is known about one word by itself, wherever it stands. Words of speech come again, so that the last ones are
//! remembered.

use std::cell::RefCell;

use super::lexicon::LEXICON;
use super::reading::Reading;
use super::spelling::{Key, Script};
use crate::pii::detector::memo::Memo;

const KAZAKH_CASES: [&[u8]; 12] =
    [b"vtin", b"vka", b"vke", b"vti", b"vpen", b"vben", b"nnin", b"nge", b"nga", b"vaning", b"vanin", b"vaga"];

/// What a word may be by its spelling.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) script: Script,
    pub(super) reading: Reading,
    /// Letters of its key.
    pub(super) len: u8,
    /// Ends in a Kazakh case that no Russian surname ends in: -тың, -ға, -пен.
    pub(super) has_kazakh_case: bool,
}

/// Words of up to 32 bytes; `None` for those that are no names.
pub(super) type Words = Memo<4, Option<Known>>;

thread_local! {
    /// 8192 words, half a megabyte: with fewer some words of one request drive each other out.
    pub(super) static WORDS: RefCell<Words> = const { RefCell::new(Memo::new(12)) };
}

impl Known {
    /// What is known about a word of a view; `None` for what cannot be in a name.
    pub(super) fn of(word: &[u8], words: &mut Words) -> Option<Self> {
        words.answer(word, || Self::found(word))
    }

    fn found(word: &[u8]) -> Option<Self> {
        let key = Key::of(word)?;
        Some(Self {
            script: key.script,
            reading: LEXICON.read(&key),
            len: u8::try_from(key.letters().len()).ok()?,
            has_kazakh_case: KAZAKH_CASES.iter().any(|case| key.letters().ends_with(case)),
        })
    }
}
