//! Numbers and what they are, by their check digits, their grouping and the words around them.

pub(crate) mod calling_codes;
pub(crate) mod card;
pub(crate) mod checks;
pub(crate) mod digit_group;
pub(crate) mod digit_run;
pub(crate) mod digit_window;
pub(crate) mod iban;
pub(crate) mod iin;
pub(crate) mod phone;
pub(crate) mod reader;
