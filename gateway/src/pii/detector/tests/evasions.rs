//! What somebody found who tried to get values past the detector.

use super::{entities, found};
use crate::pii::Entity::{self, BirthDate, Card, Iin, Person, Phone, Secret};

#[test]
fn what_looks_like_an_escape_hides_no_number() {
    for (text, entity) in [
        ("SELECT * FROM clients WHERE phone LIKE '%77011234567%'", Phone),
        ("WHERE iin LIKE '%650412310001%'", Iin),
        ("ставка 12%500101310000", Iin),
        ("card LIKE '%4111111111111111%'", Card),
        ("дата рождения LIKE '%23.11.1990'", BirthDate),
        ("+%77011234567", Phone),
        ("IIN:\\u901123300258", Iin),
        ("тел \\x77011234567", Phone),
        ("ИИН &#901 123 300 258", Iin),
    ] {
        assert!(entities(text).contains(&entity), "{text}: {:?}", found(text));
    }
}

#[test]
fn names_of_files_and_clients_of_an_api_are_names() {
    for text in ["Ivanov_Ivan_Ivanovich", "Aigerim_Nurlanova", "клиент Иванов_Иван", "Нурланов_Серик.txt"]
    {
        assert_eq!(entities(text), [Person], "{text}");
    }
    for text in ["Max_Retries = 5", "Anna_controller", "find_order", "__Alma_Linux__"] {
        assert!(found(text).is_empty(), "{text}");
    }
}

#[test]
fn marks_of_formatting_are_seen_through() {
    for (text, entity) in [
        ("+7 701 **123-45-67**", Phone),
        ("IIN: **901123**300258", Iin),
        ("Тел: `+7` `701` `1234567`", Phone),
        ("0JjQmNCdI\u{200b}DkwMTEyMzMwMDI1OA==", Iin),
        ("%39%30%31%31\u{ad}%32%33%33%30%30%32%35%38", Iin),
    ] {
        assert!(entities(text).contains(&entity), "{text}: {:?}", found(text));
    }
}

#[test]
fn a_customer_with_a_figures_name_is_a_person() {
    for text in ["client Michael Jordan called", "Заказчик Виктор Цой просит", "Ученик Виктор Цой опоздал"]
    {
        assert_eq!(entities(text), [Entity::Person], "{text}");
    }
    assert!(found("Виктор Цой — легенда рока").is_empty());
}

#[test]
fn passwords_that_begin_with_a_dollar_are_no_variables() {
    for text in ["password: $ecret99", "password=$%^&Q1x", "пароль от почты: $Tr0ub4dor"] {
        assert_eq!(entities(text), [Secret], "{text}");
    }
    assert!(found("password: $DB_PASS, token: ${TOKEN}").is_empty());
}
