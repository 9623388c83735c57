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
    /// Says that an address follows.
    ADDRESS = 32;
    /// A part of an address: from it the recogniser starts.
    ADDRESS_PART = 33;
    PASSWORD_WORD = 34;
    /// Keys and tokens.
    KEY_WORD = 35;
    /// Short secrets of digits: PIN, CVV, one-time codes.
    CODE_WORD = 36;
    /// How a key begins: from it the recogniser starts.
    KEY_PREFIX = 37;
    /// Words from which a wallet is restored.
    SEED = 38;
    NETWORK = 39;
    /// Versions and sections: speaks against an IP address.
    VERSION = 40;
    MAC = 41;
    GEO = 42;
    CRYPTO = 43;
    /// Messengers and social networks.
    SOCIAL = 44;
    /// The at sign of an e-mail address in words.
    SPOKEN_AT = 45;

    // People: 48 to 63.
}
