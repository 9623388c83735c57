//! The tripwire: every form in which a value may stand in what leaves.

use proptest::prelude::*;

use super::*;

fn hits(entity: Entity, original: &str, outgoing: &str) -> bool {
    Tripwire::new([(entity, original)]).check(outgoing.as_bytes()) == Err(TripwireHit { entity })
}

fn base64(bytes: &[u8], alphabet: &[u8; 64]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, index| bits << 8 | u32::from(chunk.get(index).copied().unwrap_or(0)));
        for place in 0..=chunk.len() {
            text.push(char::from(alphabet[(bits >> (18 - 6 * place) & 63) as usize]));
        }
    }
    text
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn unicode_escapes(text: &str) -> String {
    text.encode_utf16().fold(String::new(), |text, unit| text + &format!("\\u{unit:04x}"))
}

fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"))
}

fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[test]
fn values_are_seen_however_they_are_written() {
    for (entity, original, outgoing) in [
        (Entity::Person, "Иванов", r#"{"content":"Иванов сказал"}"#),
        (Entity::Person, "Иванов", r#"{"content":"ИВАНОВУ"}"#),
        (Entity::Person, "Иванов Иван", r#"{"content":"иванов\nиван"}"#),
        (Entity::Person, "Ли", r#"{"content":"г-н Ли пришёл"}"#),
        (Entity::Phone, "+7 (701) 123-45-67", r#"{"n":87011234567}"#),
        (Entity::Phone, "87011234567", r#"["7 0 1 1 2 3 4 5 6 7"]"#),
        (Entity::Phone, "+77011234567", "７０１–１２３–４５–６７"),
        (Entity::Phone, "+77011234567", r#"[{"text":"701123"},"4567"] 701\u00a0123\u20114567"#),
        (Entity::Iin, "901123300258", "x901123300258y"),
        (Entity::Email, "ivan@mail.kz", "IVAN@MAIL.KZ"),
        (Entity::Email, "ivan@mail.kz", "mailto:ivan%40mail%2ekz"),
        (Entity::Contract, "12345", "договор 123-45"),
        (Entity::Secret, "hunter2!", "a\\\"hunter2!\\\""),
        (Entity::Address, "ул. Абая, 5", "на ул. Абая 5."),
        (Entity::Iban, "KZ86 125K ZT50 0410 0100", "kz86125kzt5004100100"),
    ] {
        assert!(hits(entity, original, outgoing), "{original} in {outgoing}");
    }
}

#[test]
fn other_words_and_numbers_are_not_values() {
    for (entity, original, outgoing) in [
        (Entity::Person, "Иван", "диван и Иванна"),
        (Entity::Person, "Анна", "ванна, план на год"),
        (Entity::Person, "Ли", "или Лида, если, есть ли"),
        (Entity::Person, "И", "и вот и всё"),
        (Entity::Contract, "12345", "заказ 9123456, 1712345678"),
        (Entity::Address, "ул. Абая, 5", "ул. Абая, 57"),
        (Entity::Phone, "+77011234567", "7011234, и только потом, через страницу: 567"),
        (Entity::Handle, "—", "— — —"),
    ] {
        assert!(!hits(entity, original, outgoing), "{original} in {outgoing}");
    }
    assert_eq!(Tripwire::new([]).check(b"anything"), Ok(()));
}

#[test]
fn values_that_differ_in_separators_alone_are_both_seen() {
    let tripwire = Tripwire::new([(Entity::Person, "Ли-Я"), (Entity::Person, "Лия"), (Entity::Handle, "лия")]);
    for outgoing in ["Лия", "Ли-Я", "лия"] {
        assert!(tripwire.check(outgoing.as_bytes()).is_err(), "{outgoing}");
    }
    assert_eq!(tripwire.check("олия, лиял".as_bytes()), Ok(()));
}

#[test]
fn tokens_are_not_values() {
    let core = (5..).find_map(placeholder::core_from).unwrap();
    let token = placeholder::written("PERSON", core);
    for original in ["Person", &token.to_lowercase()[1..8], std::str::from_utf8(&core).unwrap()] {
        assert!(!hits(Entity::Handle, original, &format!("a {token} b")), "{original}");
    }
    // A token parts what stands before from what follows.
    assert!(!hits(Entity::Iin, "901123300258", &format!("901123{token}300258")));
}

#[test]
fn work_is_linear_on_hostile_bytes() {
    let originals: Vec<String> = (0..200).map(|index| "1".repeat(4 + index % 5) + &index.to_string()).collect();
    let tripwire = Tripwire::new(originals.iter().map(|original| (Entity::Contract, original.as_str())));
    // Each place is the start of several values, none of which has its own borders.
    for text in ["1".repeat(300_000), "\\u0031".repeat(50_000), "%31".repeat(100_000)] {
        assert_eq!(tripwire.check(text.as_bytes()), Ok(()));
    }
    assert!(tripwire.check("MTEx".repeat(75_000).as_bytes()).is_err());
    assert_eq!(tripwire.check(&[0xFF; 1000]), Ok(()));
}

/// Values as they are found: a name, a number, an address of a mailbox or a house.
fn value() -> impl Strategy<Value = (Entity, String)> {
    prop_oneof![
        "[А-ЯӘІҢҒҮҰҚӨ][а-яәіңғүұқө]{3,10}( [А-Я][а-я]{3,8})?".prop_map(|name| (Entity::Person, name)),
        "[A-Z][a-z]{4,10} [A-Z][a-z]{4,10}".prop_map(|name| (Entity::Person, name)),
        "(\\+7|8)( |-|)7[0-9]{2}( |-|)[0-9]{3}( |-|)[0-9]{4}".prop_map(|phone| (Entity::Phone, phone)),
        "[0-9]{12}".prop_map(|iin| (Entity::Iin, iin)),
        "[a-z]{3,8}[.][a-z]{3,8}@mail[.]kz".prop_map(|email| (Entity::Email, email)),
        "[0-9]{3}[A-Z]{3}[0-9]{2}".prop_map(|plate| (Entity::Plate, plate)),
        "[A-Za-z0-9+/\"\\\\]{16,30}".prop_map(|secret| (Entity::Secret, secret)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_value_in_any_form_is_hit(
        (entity, original) in value(), before in "[а-яa-z ,.:!]{0,15}", after in "[а-яa-z ,.:!]{0,15}",
        glue in "[A-Za-z0-9]{0,9}",
    ) {
        let tripwire = Tripwire::new([(entity, original.as_str())]);
        let json = |text: &str| serde_json::json!({"messages": [{"content": text}]}).to_string();
        let shown = format!("{before} {original} {after}");
        let spaced: String = original.chars().flat_map(|character| [character, ' ']).collect();
        let mut forms = vec![
            shown.clone(),
            json(&shown),
            json(&serde_json::json!({"q": shown}).to_string()),
            json(&json(&json(&shown))),
            format!("{before} {} {after}", original.to_uppercase()),
            format!("{before} {} {after}", original.to_lowercase()),
            format!("{before} {} {after}", unicode_escapes(&original)),
            format!("{before} {} {after}", percent(&original)),
            percent(&shown),
            unicode_escapes(&shown),
            format!("{before} {glue}{}{glue}", hex(&original)),
            hex(&shown),
            json(&format!("{before} {}", base64(shown.as_bytes(), STANDARD))),
        ];
        for alphabet in [STANDARD, URL] {
            for lead in ["", "x", "xy"] {
                // Three bytes more, so that every character of the value's encoding is its own.
                let encoded = base64(format!("{lead}{original}...").as_bytes(), alphabet);
                forms.push(format!("{before} {encoded} {after}"));
                forms.push(json(&format!("{glue}{encoded}{glue}")));
            }
        }
        if original.bytes().all(|byte| byte.is_ascii_digit()) {
            forms.push(format!("{before} {spaced} {after}"));
        }
        for form in forms {
            prop_assert_eq!(tripwire.check(form.as_bytes()), Err(TripwireHit { entity }), "{} in {}", original, form);
        }
    }

    #[test]
    fn what_holds_no_value_is_not_hit(
        (entity, original) in value(), words in "[а-жa-h ]{0,60}", digits in "[0-4 ]{0,9}",
    ) {
        let folded = original.to_lowercase();
        prop_assume!(!folded.contains(words.trim()) || words.trim().is_empty());
        prop_assume!(folded.chars().any(|character| matches!(character, 'и'..='я' | 'i'..='z' | '5'..='9')));
        let tripwire = Tripwire::new([(entity, original.as_str())]);
        let text = serde_json::json!({"a": words, "n": digits}).to_string();
        prop_assert_eq!(tripwire.check(text.as_bytes()), Ok(()));
    }
}
