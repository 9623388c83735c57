//! Words near a value that say what it is.

pub(crate) mod columns;
pub(crate) mod context_words;
pub(crate) mod finder;
pub(crate) mod topics;
pub(crate) mod words;
pub(crate) mod words_documents;
mod words_network;
pub(crate) mod words_person;
mod words_places;
pub(crate) mod words_records;
mod words_secrets;
pub(crate) mod words_things;
