//! Names: which forms are one person, and which are never.

use super::*;

fn base_of(name: &str) -> String {
    read(name).base
}

fn key_of(name: &str) -> String {
    read(name).key
}

#[test]
fn forms_of_a_surname_come_together() {
    for form in ["Иванову", "Ивановым", "Иванове", "ИВАНОВУ", "Ивановтың", "Ивановқа"]
    {
        assert_eq!(key_of(form), "иванов", "{form}");
    }
    for form in ["Иванова", "Ивановой"] {
        assert_eq!(key_of(form), "иванова", "{form}");
    }
    assert_eq!(base_of("ИВАНОВУ"), "ИВАНОВ");
    assert_eq!(base_of("ИВАНОВОЙ"), "ИВАНОВА");
    assert_eq!(base_of("Королёву"), "Королёв");
    assert_eq!(key_of("Королёву"), key_of("Королев"));
}

#[test]
fn what_may_be_two_names_names_the_rival() {
    assert_eq!(read("Иванову").rival.as_deref(), Some("иванова"));
    assert_eq!(read("Иванову И. И.").rival.as_deref(), Some("иванова и.и."));
    assert_eq!(read("Крупского").rival.as_deref(), Some("крупской"));
    assert_eq!(read("Ивановой").rival, None);
    assert_eq!(read("Ивановым").rival, None);
}

#[test]
fn full_names_follow_their_patronymic() {
    for (form, base) in [
        ("Иванову Ивану Ивановичу", "Иванов Иван Иванович"),
        ("Иванова Ивана Ивановича", "Иванов Иван Иванович"),
        ("Ивановым Иваном Ивановичем", "Иванов Иван Иванович"),
        ("Ивановой Анне Петровне", "Иванова Анна Петровна"),
        ("Ивановой Анны Петровны", "Иванова Анна Петровна"),
        ("Иванову Анну Петровну", "Иванова Анна Петровна"),
        ("Анной Петровной", "Анна Петровна"),
        ("Марии Петровны", "Мария Петровна"),
        ("Наталье Сергеевне", "Наталья Сергеевна"),
        ("Ольги Ивановны", "Ольга Ивановна"),
        ("Андрею Сергеевичу", "Андрей Сергеевич"),
        ("Игоря Олеговича", "Игорь Олегович"),
        ("Никите Петровичу", "Никита Петрович"),
        ("Павлу Андреевичу Шевченко", "Павел Андреевич Шевченко"),
        ("Ковальчук Анне Петровне", "Ковальчук Анна Петровна"),
        ("Анны Ивановой", "Анна Иванова"),
        ("Иваном Петровым", "Иван Петров"),
    ] {
        assert_eq!(base_of(form), base, "{form}");
        assert_eq!(key_of(form), key_of(base), "{form}");
    }
}

#[test]
fn what_is_not_certain_stays() {
    for name in [
        "Иван",
        "Анну",
        "Ивану Петрову",
        "Марина",
        "Еве",
        "Иванов",
        "Иванова",
        "Иванов Иван Иванович",
        "Абрамович",
        "Шевченко",
        "Сұлтан",
        "Фарида",
        "John Smith",
        "Ivanovu",
        "Римский-Корсакову",
    ] {
        assert_eq!(base_of(name), name, "{name}");
    }
    assert_eq!(base_of("John Smith's"), "John Smith");
    assert_eq!(base_of(" Асқар   Ержановтың "), "Асқар Ержанов");
}

#[test]
fn different_people_never_share() {
    let people = [
        "Иванов",
        "Иванова",
        "Ивановский",
        "Иванов Иван",
        "Иванова Анна",
        "Иван",
        "Ивана",
        "Анна",
        "Александр",
        "Александра",
        "Валерий Петрович",
        "Валерия Петровна",
        "Сергей",
        "Сергеев",
        "Сергеева",
        "Марина",
        "Марин",
        "Серік",
        "Серікбай",
        "Айгүл",
        "Айгерім",
        "Нұрлан",
        "Нұрланов",
    ];
    let keys: std::collections::BTreeSet<String> = people.iter().map(|name| key_of(name)).collect();
    assert_eq!(keys.len(), people.len());
}
