//! Words near a value that say what it is.

pub(crate) mod finder;
pub(crate) mod topics;
pub(crate) mod words;
pub(crate) mod words_person;
