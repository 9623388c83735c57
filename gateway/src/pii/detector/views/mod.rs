//! Other ways to read a text: folded to one case and one set of digits, unescaped, decoded. Each knows the way back.

pub(crate) mod blobs;
pub(crate) mod comma_groups;
pub(crate) mod dictated;
pub(crate) mod escapes;
pub(crate) mod fold;
mod folding;
mod hex_dump;
pub(crate) mod invisible;
pub(crate) mod long_words;
pub(crate) mod lookalike;
pub(crate) mod normalize;
pub(crate) mod number_words;
pub(crate) mod offset_map;
mod runs;
pub(crate) mod scripts;
pub(crate) mod tokens;
