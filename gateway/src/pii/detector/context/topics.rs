//! What a word can speak for: a set of the constants below.

pub(crate) type Topics = u64;

macro_rules! topics {
    ($($(#[$doc:meta])* $name:ident = $bit:literal;)*) => {
        $($(#[$doc])* pub(crate) const $name: Topics = 1 << $bit;)*
    };
}

topics! {
    IIN = 0;
    BIN = 1;
    CARD = 2;
    IBAN = 3;
    PHONE = 4;
    /// Goods and their bar codes: speaks against a card.
    GOODS = 5;

    // Documents and records: 8 to 31.

    // Places, networks, secrets: 32 to 47.

    // People: 48 to 63.
}
