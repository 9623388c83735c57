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

    /// A person's name follows: "ФИО", "меня зовут".
    NAME_FIELD = 48;
    /// A name follows, of whatever: "name".
    NAME_KEY = 49;
    /// A person is spoken of: "клиент", "балам".
    PERSON = 50;
    /// The same, said behind the name: "ханым".
    PERSON_BEHIND = 51;
    /// A person is spoken to: "уважаемый".
    GREETING = 52;
    /// Things that are named after people: "улица".
    NAMED_AFTER = 53;
    /// The same, said behind the name: "көшесі", "street".
    NAMED_AFTER_BEHIND = 54;
    /// An organisation or a shop, which may have a person's name for its own.
    ORGANISATION = 55;
    /// People in public, and works of art.
    PUBLIC = 56;
}
