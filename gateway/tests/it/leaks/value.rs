//! Values that must not leave: each of a kind, canonical as an issuer writes it. What a kind's shape and check digits
//! cannot tell stands beside a word for it.

use super::check_digits;
use super::random::Random;

/// How a kind is written, and with that which disguises fit it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writing {
    Digits,
    /// Capital letters and digits.
    Code,
    Email,
    /// Where every letter counts as it stands.
    Exact,
    /// Words of a language.
    Words,
}

pub struct Kind {
    pub name: &'static str,
    pub writing: Writing,
    /// What stands before it in Russian, Kazakh and English.
    pub labels: [&'static str; 3],
    /// Known by its own shape.
    pub stands_alone: bool,
    /// None may ever get out. Of other kinds what gets out is counted.
    pub is_canonical: bool,
    pub make: fn(&mut Random) -> String,
}

const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz";
const CAPITALS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const ALPHANUMERIC: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

macro_rules! kind {
    ($name:literal, $writing:ident, $labels:expr, $alone:literal, $canonical:literal, $make:expr) => {
        Kind {
            name: $name,
            writing: Writing::$writing,
            labels: $labels,
            stands_alone: $alone,
            is_canonical: $canonical,
            make: $make,
        }
    };
}

pub const KINDS: [Kind; 22] = [
    kind!("iin", Digits, ["мой ИИН", "менің ЖСН", "my IIN"], true, true, iin),
    kind!("card", Digits, ["номер карты", "карта нөмірі", "card number"], true, true, card),
    kind!("phone", Digits, ["мой телефон", "телефон нөмірім", "my phone"], true, true, phone),
    kind!("iban", Code, ["счёт", "шот", "my IBAN"], true, true, iban),
    kind!("email", Email, ["почта", "пошта", "my e-mail"], true, true, email),
    kind!("snils", Digits, ["СНИЛС", "СНИЛС", "SNILS"], false, true, snils),
    kind!("ru_inn", Digits, ["ИНН", "ИНН", "taxpayer INN"], false, true, inn),
    kind!("uz_pinfl", Digits, ["ПИНФЛ", "ПИНФЛ", "PINFL"], false, true, pinfl),
    kind!("id_card", Digits, ["удостоверение личности №", "жеке куәлік №", "identity card"], false, true, id_card),
    kind!("passport", Code, ["паспорт", "паспорт нөмірі", "passport"], false, true, passport),
    kind!("us_ssn", Exact, ["SSN", "SSN", "social security number"], false, true, ssn),
    kind!("secret", Exact, ["ключ", "кілт", "key"], true, true, secret),
    kind!("ip", Exact, ["IP-адрес", "IP мекенжайы", "IP address"], false, true, ip),
    kind!("mac", Exact, ["MAC-адрес", "MAC мекенжайы", "MAC address"], true, true, mac),
    kind!("person", Words, ["клиент", "клиент", "the client"], false, false, person),
    kind!("address", Words, ["проживает по адресу", "мекенжайы", "lives at"], false, false, address),
    kind!("plate", Exact, ["госномер", "көлік нөмірі", "licence plate"], false, false, plate),
    kind!("contract", Exact, ["договор №", "шарт №", "contract No."], false, false, contract),
    kind!("birth_date", Exact, ["дата рождения", "туған күні", "date of birth"], false, false, birth_date),
    kind!("salary", Exact, ["оклад", "жалақысы", "salary"], false, false, salary),
    kind!("diagnosis", Exact, ["диагноз", "диагнозы", "diagnosis"], false, false, diagnosis),
    kind!("handle", Exact, ["телеграм", "телеграм", "telegram"], false, false, handle),
];

/// A value that every detector knows by its shape.
pub fn canonical(random: &mut Random) -> String {
    let kinds: Vec<&Kind> = KINDS.iter().filter(|kind| kind.is_canonical && kind.stands_alone).collect();
    (random.pick(&kinds).make)(random)
}

fn date(random: &mut Random) -> (usize, usize, usize) {
    (random.between(1950, 2005), random.between(1, 12), random.between(1, 28))
}

fn iin(random: &mut Random) -> String {
    loop {
        let (year, month, day) = date(random);
        let century = if year < 2000 { random.between(3, 4) } else { random.between(5, 6) };
        let eleven = format!("{:02}{month:02}{day:02}{century}{}", year % 100, random.digits(4));
        if let Some(check) = check_digits::iin(&eleven) {
            return format!("{eleven}{check}");
        }
    }
}

fn card(random: &mut Random) -> String {
    let prefix = *random.pick(&["4400", "4111", "5169", "5355", "2200", "2204", "9860", "8600"]);
    let head = format!("{prefix}{}", random.digits(11));
    format!("{head}{}", check_digits::luhn(&head))
}

fn phone(random: &mut Random) -> String {
    let code = *random.pick(&["701", "702", "705", "707", "747", "771", "775", "776", "777", "778", "916", "926"]);
    let country = *random.pick(&["+7", "8"]);
    format!("{country}{code}{}{}", random.between(2, 9), random.digits(6))
}

fn iban(random: &mut Random) -> String {
    let account =
        format!("{}{}", random.pick(&["125", "722", "826", "914"]), random.of("0123456789ABCDEFGHKMNPRST", 13));
    format!("KZ{}{account}", check_digits::iban("KZ", &account))
}

fn email(random: &mut Random) -> String {
    let domain = *random.pick(&["mail.kz", "mail.ru", "yandex.ru", "gmail.com", "inbox.kz", "bank-almaty.kz"]);
    let (length, number) = (random.between(4, 8), random.between(1, 99));
    format!("{}.{}{number}@{domain}", random.of(LETTERS, length), random.of(LETTERS, 5))
}

fn snils(random: &mut Random) -> String {
    let nine = format!("{}{}", random.between(1, 9), random.digits(8));
    format!("{nine}{:02}", check_digits::snils(&nine))
}

fn inn(random: &mut Random) -> String {
    let ten = format!("{:02}{}", random.between(1, 79), random.digits(8));
    format!("{ten}{}", check_digits::inn(&ten))
}

fn pinfl(random: &mut Random) -> String {
    let (year, month, day) = date(random);
    let century = if year < 2000 { random.between(3, 4) } else { random.between(5, 6) };
    let head = format!("{century}{day:02}{month:02}{:02}{}", year % 100, random.digits(6));
    format!("{head}{}", check_digits::pinfl(&head))
}

fn id_card(random: &mut Random) -> String {
    format!("0{}{}", random.between(1, 5), random.digits(7))
}

fn passport(random: &mut Random) -> String {
    format!("N{}{}", random.between(1, 9), random.digits(7))
}

fn ssn(random: &mut Random) -> String {
    format!("{:03}-{:02}-{:04}", random.between(101, 649), random.between(11, 98), random.between(1001, 9998))
}

fn secret(random: &mut Random) -> String {
    match random.below(4) {
        0 => format!("sk-proj-{}", random.of(ALPHANUMERIC, 40)),
        1 => format!("ghp_{}", random.of(ALPHANUMERIC, 36)),
        2 => format!("AKIA{}", random.of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)),
        _ => format!("{}{}:AA{}", random.between(1, 9), random.digits(9), random.of(ALPHANUMERIC, 33)),
    }
}

fn ip(random: &mut Random) -> String {
    let first = *random.pick(&["2", "5", "46", "77", "89", "91", "178", "185", "212"]);
    format!("{first}.{}.{}.{}", random.between(20, 250), random.between(20, 250), random.between(2, 250))
}

fn mac(random: &mut Random) -> String {
    let octets: Vec<String> = (0..5).map(|_| format!("{:02X}", random.between(17, 254))).collect();
    format!("3C:{}", octets.join(":"))
}

fn person(random: &mut Random) -> String {
    let men = ["Ахметов Нурлан", "Иванов Сергей Петрович", "Сейтқали Ержан Маратұлы", "Daniyar Omarov", "Петров И. С."];
    let women =
        ["Садыкова Айгуль", "Кузнецова Анна Игоревна", "Айгерім Болатқызы", "Aliya Nurpeisova", "Смирнова О. В."];
    let names = if random.chance(50) { men } else { women };
    (*random.pick(&names)).to_owned()
}

fn address(random: &mut Random) -> String {
    let (house, flat) = (random.between(1, 199), random.between(1, 99));
    match random.below(4) {
        0 => format!("г. Алматы, ул. Абая, д. {house}, кв. {flat}"),
        1 => format!("Астана қаласы, Кенесары көшесі, {house}-үй, {flat}-пәтер"),
        2 => format!("{house} Lenin Street, apt. {flat}, Almaty"),
        _ => format!("мкр. Самал-2, дом {house}, квартира {flat}"),
    }
}

fn plate(random: &mut Random) -> String {
    format!("{} {} {:02}", random.between(101, 998), random.of("ABCEHKMOPTX", 3), random.between(1, 17))
}

fn contract(random: &mut Random) -> String {
    format!("{}-{}/{}", random.of(CAPITALS, 2), random.digits(5), random.between(20, 26))
}

fn birth_date(random: &mut Random) -> String {
    let (year, month, day) = date(random);
    format!("{day:02}.{month:02}.{year}")
}

fn salary(random: &mut Random) -> String {
    format!("{} {:03} тенге", random.between(150, 990), random.between(100, 999))
}

fn diagnosis(random: &mut Random) -> String {
    format!("{}{}.{}", random.pick(&["E", "I", "J", "F", "C"]), random.between(10, 39), random.below(9))
}

fn handle(random: &mut Random) -> String {
    format!("@{}_{}", random.of(LETTERS, 6), random.between(10, 99))
}
