//! Words near a value that say what it is.

pub(crate) mod finder;
pub(crate) mod topics;
pub(crate) mod words;
mod words_network;
mod words_places;
mod words_secrets;
