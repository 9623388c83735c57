//! The words that speak for an entity, as they stand in a folded view (lower case, ё as е). Kazakh
//! in Cyrillic and Latin script; words that mix look-alike scripts ("ЖCН" with a Latin C) are
//! listed as they are met.

use super::topics::{BIN, CARD, GOODS, IBAN, IIN, PHONE, Topics};
use super::words_documents::DOCUMENTS;
use super::words_network::NETWORKS;
use super::words_places::PLACES;
use super::words_records::RECORDS;
use super::words_secrets::SECRETS;
use super::words_things::THINGS;

/// What may follow a word without a break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// No letter.
    None,
    /// No letter, and no underscore on either side: a word of speech that is also a name in code
    /// (`tool_call_id`).
    Alone,
    /// A case ending: up to four letters.
    Case,
    /// No letter; before it may stand the rest of a name in code ("applicantiin").
    Tail,
    /// Anything: the word is a stem.
    Any,
}

/// One context word.
#[derive(Debug)]
pub(crate) struct Word {
    pub(crate) text: &'static str,
    pub(crate) topics: Topics,
    pub(crate) ending: Ending,
}

pub(crate) const fn exact(text: &'static str, topics: Topics) -> Word {
    Word { text, topics, ending: Ending::None }
}

pub(crate) const fn alone(text: &'static str, topics: Topics) -> Word {
    Word { text, topics, ending: Ending::Alone }
}

const fn tail(text: &'static str, topics: Topics) -> Word {
    Word { text, topics, ending: Ending::Tail }
}

pub(crate) const fn case(text: &'static str, topics: Topics) -> Word {
    Word { text, topics, ending: Ending::Case }
}

pub(crate) const fn stem(text: &'static str, topics: Topics) -> Word {
    Word { text, topics, ending: Ending::Any }
}

/// All lists of words.
pub(crate) const WORDS: &[&[Word]] = &[
    NUMBERS,
    // documents and records
    DOCUMENTS,
    RECORDS,
    THINGS,
    // places, networks, secrets
    PLACES,
    SECRETS,
    NETWORKS,
    // people
    super::words_person::FIELDS,
    super::words_person::KEYS,
    super::words_person::PERSONS_EN,
];

const NUMBERS: &[Word] = &[
    case("иин", IIN),
    case("жсн", IIN),
    case("ииh", IIN),
    case("жcн", IIN),
    case("жсh", IIN),
    case("жch", IIN),
    exact("и.и.н", IIN),
    exact("и и н", IIN),
    exact("ж.с.н", IIN),
    exact("ж с н", IIN),
    tail("iin", IIN),
    exact("i.i.n", IIN),
    exact("i i n", IIN),
    exact("jsn", IIN),
    exact("j.s.n", IIN),
    exact("zhsn", IIN),
    stem("индивидуальный идентификационн", IIN),
    stem("индивидуального идентификационн", IIN),
    stem("идентификационный номер", IIN),
    stem("идентификационного номер", IIN),
    stem("идентификационным номер", IIN),
    stem("жеке сәйкестендіру", IIN),
    stem("сәйкестендіру нөмір", IIN),
    stem("jeke säıkestendirý", IIN),
    stem("jeke saikestendiru", IIN),
    stem("zheke saykestendiru", IIN),
    stem("jeke sáıkestendir", IIN),
    stem("jeke sáikestendir", IIN),
    stem("jeke säikestendir", IIN),
    stem("zheke säikestendir", IIN),
    stem("zheke sáikestendir", IIN),
    stem("individual identification", IIN),
    stem("personal identification n", IIN),
    stem("identification number", IIN),
    stem("national id", IIN),
    case("бин", BIN),
    case("бсн", BIN),
    case("биh", BIN),
    exact("б.и.н", BIN),
    exact("bin", BIN),
    exact("bsn", BIN),
    stem("бизнес-идентификационн", BIN),
    stem("бизнес идентификационн", BIN),
    stem("бизнес-сәйкестендіру", BIN),
    stem("бизнес сәйкестендіру", BIN),
    stem("business identification", BIN),
    exact("карт", CARD),
    exact("карта", CARD),
    exact("карты", CARD),
    exact("карту", CARD),
    exact("карте", CARD),
    exact("картой", CARD),
    exact("картою", CARD),
    exact("картам", CARD),
    exact("картами", CARD),
    exact("картах", CARD),
    stem("карточк", CARD),
    exact("картаға", CARD),
    exact("картада", CARD),
    exact("картадан", CARD),
    exact("картаның", CARD),
    exact("картаны", CARD),
    exact("картаңыз", CARD),
    stem("картам", CARD),
    stem("картас", CARD),
    exact("card", CARD),
    exact("cards", CARD),
    exact("cardnumber", CARD),
    exact("karta", CARD),
    exact("karty", CARD),
    stem("kartasy", CARD),
    stem("kartam", CARD),
    stem("kartań", CARD),
    stem("kartañ", CARD),
    exact("kartany", CARD),
    exact("kartaǵa", CARD),
    exact("kartağa", CARD),
    exact("visa", CARD),
    exact("mastercard", CARD),
    exact("maestro", CARD),
    stem("мастеркард", CARD),
    exact("amex", CARD),
    exact("unionpay", CARD),
    exact("humo", CARD),
    exact("uzcard", CARD),
    exact("pan", CARD),
    exact("cvv", CARD),
    exact("cvc", CARD),
    stem("иик", IBAN),
    exact("жск", IBAN),
    exact("iban", IBAN),
    exact("счет", IBAN),
    exact("счета", IBAN),
    exact("счету", IBAN),
    exact("счете", IBAN),
    exact("счетом", IBAN),
    exact("р/с", IBAN),
    case("шот", IBAN),
    exact("account", IBAN),
    exact("тел", PHONE),
    stem("телефон", PHONE),
    exact("нөмірім", PHONE),
    exact("нөміріме", PHONE),
    exact("нөмірімді", PHONE),
    exact("нөмірімнен", PHONE),
    stem("ұялы", PHONE),
    stem("уялы", PHONE),
    exact("моб", PHONE),
    stem("мобильн", PHONE),
    stem("сотов", PHONE),
    exact("сот", PHONE),
    stem("мой номер", PHONE),
    stem("мои номер", PHONE),
    stem("номер мой", PHONE),
    stem("моему номер", PHONE),
    stem("на номер", PHONE),
    stem("по номер", PHONE),
    stem("звон", PHONE),
    stem("позвон", PHONE),
    stem("перезвон", PHONE),
    stem("созвон", PHONE),
    stem("набер", PHONE),
    stem("набир", PHONE),
    stem("дозвон", PHONE),
    stem("контакт", PHONE),
    stem("свяжит", PHONE),
    stem("связ", PHONE),
    stem("ватсап", PHONE),
    stem("вацап", PHONE),
    stem("вотсап", PHONE),
    stem("уатсап", PHONE),
    stem("вайбер", PHONE),
    stem("телеграм", PHONE),
    exact("смс", PHONE),
    stem("хабарлас", PHONE),
    stem("байланыс", PHONE),
    stem("қоңырау", PHONE),
    stem("конырау", PHONE),
    stem("qonyrau", PHONE),
    stem("qoñyrau", PHONE),
    exact("nömirim", PHONE),
    exact("nómirim", PHONE),
    exact("nomirim", PHONE),
    exact("nomerim", PHONE),
    stem("uialy", PHONE),
    stem("telefon", PHONE),
    exact("tel", PHONE),
    exact("telephone", PHONE),
    exact("phone", PHONE),
    exact("phones", PHONE),
    exact("phonenumber", PHONE),
    exact("telno", PHONE),
    exact("mob", PHONE),
    exact("mobile", PHONE),
    alone("cell", PHONE),
    exact("cellphone", PHONE),
    alone("call", PHONE),
    alone("calling", PHONE),
    alone("dial", PHONE),
    alone("ring", PHONE),
    exact("sms", PHONE),
    exact("fax", PHONE),
    exact("факс", PHONE),
    exact("contact", PHONE),
    exact("contacts", PHONE),
    exact("reach me", PHONE),
    stem("whatsapp", PHONE),
    stem("whats app", PHONE),
    exact("viber", PHONE),
    exact("telegram", PHONE),
    exact("msisdn", PHONE),
    stem("штрих", GOODS),
    stem("артикул", GOODS),
    stem("баркод", GOODS),
    stem("товар", GOODS),
    stem("тауар", GOODS),
    stem("barcode", GOODS),
    stem("bar code", GOODS),
    exact("ean", GOODS),
    exact("ean13", GOODS),
    exact("gtin", GOODS),
    exact("upc", GOODS),
    exact("sku", GOODS),
    exact("isbn", GOODS),
    exact("product", GOODS),
];
