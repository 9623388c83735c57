//! Other ways to read a text: folded to one case and one set of digits, unescaped, decoded. Each knows the way back.

pub(crate) mod blobs;
pub(crate) mod escapes;
pub(crate) mod fold;
pub(crate) mod long_words;
pub(crate) mod lookalike;
pub(crate) mod normalize;
pub(crate) mod offset_map;
pub(crate) mod tokens;
