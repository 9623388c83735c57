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
    ID_CARD = 8;
    PASSPORT = 9;
    DRIVER_LICENCE = 10;
    PLATE = 11;
    CONTRACT = 12;
    ACCOUNT = 13;
    MEDICAL_RECORD = 14;
    BIRTH = 15;
    /// A year alone is a birth date beside such a word ("г.р.").
    BIRTH_YEAR = 16;
    SALARY = 17;
    /// Speaks for pay only where a currency is named.
    INCOME = 18;
    DIAGNOSIS = 19;
    RU_INN = 20;
    SNILS = 21;
    PINFL = 22;
    KG_PIN = 23;
    SSN = 24;
    SWIFT = 25;
    /// A numbered thing that is nobody's: an order, a parcel, a meter, an article of law.
    THING = 26;
    /// Doctors, patients, wards.
    MEDICINE = 27;
    /// Names of diseases.
    DISEASE = 28;
    /// Averages, norms, vacancies: speaks against a person's pay.
    STATISTICS = 29;
    /// A document of no named kind.
    DOCUMENT = 30;
    /// Somebody asks what a code means.
    MEANING = 31;

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
