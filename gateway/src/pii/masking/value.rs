//! What makes two writings of a value the same value, so that they share a token.

use super::person_name;
use crate::pii::Entity;
use crate::pii::detector::views::normalize::View;

/// A value as it is compared.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Normal {
    /// The same for all writings of the value.
    pub(crate) key: String,
    /// This very writing, folded.
    pub(crate) writing: String,
    /// The form that endings are joined to: people have one.
    pub(crate) base: Option<String>,
    /// The key of another value that this may be a writing of.
    pub(crate) rival: Option<String>,
}

/// Digits of a number of Kazakhstan or Russia behind +7 or 8.
const NATIONAL_DIGITS: usize = 10;

/// How `text`, which is an `entity`, is compared.
pub(crate) fn normal(entity: Entity, text: &str) -> Normal {
    let writing = folded(text);
    if entity == Entity::Person {
        let reading = person_name::read(text);
        return Normal { key: reading.key, writing, base: Some(reading.base), rival: reading.rival };
    }
    let key = match entity {
        Entity::Phone => phone(&writing),
        _ if is_number_like(entity) => or_writing(compact(&writing), &writing),
        _ => writing.clone(),
    };
    Normal { key, writing, base: None, rival: None }
}

/// Entities whose separators mean nothing.
fn is_number_like(entity: Entity) -> bool {
    matches!(
        entity,
        Entity::Iin
            | Entity::Bin
            | Entity::Card
            | Entity::Iban
            | Entity::IdCard
            | Entity::Passport
            | Entity::DriverLicence
            | Entity::Plate
            | Entity::RuInn
            | Entity::Snils
            | Entity::RuPassport
            | Entity::UzPinfl
            | Entity::KgPin
            | Entity::UsSsn
            | Entity::Mac
            | Entity::Swift
    )
}

/// Digits with the country's code in front: `8 701 …` and `+7 (701) …` are one number.
fn phone(writing: &str) -> String {
    let digits: String = writing.chars().filter(char::is_ascii_digit).collect();
    let is_international = writing.trim_start().starts_with('+');
    match digits.len() {
        0 => writing.to_owned(),
        NATIONAL_DIGITS if !is_international && digits.starts_with(['6', '7']) => format!("7{digits}"),
        11 if !is_international && digits.starts_with('8') => digits.replacen('8', "7", 1),
        _ => digits,
    }
}

/// Letters and digits only.
fn compact(writing: &str) -> String {
    writing.chars().filter(|character| character.is_alphanumeric()).collect()
}

fn or_writing(compact: String, writing: &str) -> String {
    if compact.is_empty() { writing.to_owned() } else { compact }
}

/// The detector's view, with white space of any length as one space.
fn folded(text: &str) -> String {
    let view = View::new(text);
    let view = String::from_utf8_lossy(view.bytes());
    view.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writings_of_one_value_are_the_same() {
        for (entity, writings) in [
            (
                Entity::Phone,
                &["+7 (701) 123-45-67", "8 701 123 45 67", "87011234567", "7011234567", "８７０１１２３４５６７"][..],
            ),
            (Entity::Email, &["Ivan@Mail.KZ", "ivan@mail.kz", "IVAN@mail.kz"]),
            (Entity::Iin, &["901123300258", "9011 2330 0258", "901123-300258", "９０１１２３３００２５８"]),
            (Entity::Iban, &["KZ86 125K ZT50 0410 0100", "kz86125kzt5004100100"]),
            (Entity::Mac, &["AA:BB:CC:00:11:22", "aa-bb-cc-00-11-22"]),
            (Entity::Person, &["Иванов", "Иванову", "ИВАНОВЫМ"]),
            (Entity::Address, &["ул. Абая,  5", "Ул. Абая, 5"]),
        ] {
            let keys: std::collections::BTreeSet<_> =
                writings.iter().map(|writing| normal(entity, writing).key).collect();
            assert_eq!(keys.len(), 1, "{keys:?}");
        }
    }

    #[test]
    fn other_values_are_others() {
        for (entity, one, other) in [
            (Entity::Phone, "+7 701 123 45 67", "+7 701 123 45 68"),
            (Entity::Phone, "+8 701 123 45 67", "+7 701 123 45 67"),
            (Entity::Email, "a.b@mail.kz", "ab@mail.kz"),
            (Entity::Address, "ул. Абая 5, кв. 1", "ул. Абая 51"),
            (Entity::Ip, "1.11.1.1", "11.1.1.1"),
            (Entity::Person, "Иванов", "Иванова"),
            (Entity::Geo, "43.2, 76.9", "43.27, 6.9"),
        ] {
            assert_ne!(normal(entity, one).key, normal(entity, other).key, "{one} {other}");
        }
        assert_ne!(normal(Entity::Iin, "—").key, "");
    }
}
