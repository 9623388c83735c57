//! Masked bodies: what is masked, what stays, and that everything comes back.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::pii::masking::MaskingSecret;
use crate::pii::{CustomEntity, placeholder};

static DETECTOR: LazyLock<Detector> = LazyLock::new(|| Detector::new().unwrap());
const PHONE: &str = "+7 701 123 45 67";

fn policy() -> Policy {
    Policy::default().with(Entity::Phone, Action::Mask).with(Entity::Email, Action::Mask)
}

fn conversation() -> Conversation {
    let secret = MaskingSecret::new([7; 32]);
    Conversation::new(&secret, secret.conversation("bank", "c1"))
}

fn mask(conversation: &mut Conversation, body: &str) -> Result<String, MaskError> {
    let masked = mask_body(body.as_bytes(), &DETECTOR, &policy(), conversation)?;
    let masked = String::from_utf8(masked.body().to_vec()).unwrap();
    // Whatever was masked: no original is left, the rest is as it was, and all of it comes back.
    assert_eq!(conversation.tripwire().check(masked.as_bytes()), Ok(()), "{masked}");
    Ok(masked)
}

fn token_of(conversation: &mut Conversation, entity: Entity, value: &str) -> String {
    conversation.mask_text(value, &[Span { entity, range: 0..value.len() }]).unwrap().text
}

#[test]
fn values_are_replaced_wherever_strings_stand_and_nothing_else_changes() {
    for body in [
        r#"{ "messages" : [ {"role":"user","content":"звоните @ сегодня"} ], "n" : 1.50 }"#,
        r#"{"messages":[{"role":"user","content":[{"type":"text","text":"т @, \u0438 ещё @"}]}],"x":[1e3,true,null]}"#,
        r#"{"messages":[{"tool_calls":[{"function":{"arguments":"{\"to\":\"@\", \"n\": 1.0}"}}]}]}"#,
        r#"{"messages":[{"tool_calls":[{"function":{"arguments":"{\"a\":\"{\\\"to\\\": \\\"@\\\"}\"}"}}]}]}"#,
        r#"{"messages":[{"role":"tool","content":"[\"@\",\"x\\u0041\"]"}]}"#,
        r#"{"metadata":{"@":"x"},"user":"@"}"#,
        r#"{"tools":[{"function":{"name":"call","description":"звонит на @"}}]}"#,
        r#"{"input":"@","prompt":["a","@"],"suffix":"\n@\t\"q\"\/"}"#,
    ] {
        let mut conversation = conversation();
        let token = token_of(&mut conversation, Entity::Phone, PHONE);
        let masked = mask(&mut conversation, &body.replace('@', PHONE)).unwrap();
        assert_eq!(masked, body.replace('@', &token));
    }
}

#[test]
fn escapes_inside_a_value_belong_to_it() {
    let mut conversation = conversation();
    let body = r#"{"content":"e: ivan\u0040mail.kz; \u002b7 701 123\u00a045 67\n"}"#;
    let masked = mask(&mut conversation, body).unwrap();
    let email = token_of(&mut conversation, Entity::Email, "ivan@mail.kz");
    let phone = token_of(&mut conversation, Entity::Phone, PHONE);
    assert_eq!(masked, format!(r#"{{"content":"e: {email}; {phone}\n"}}"#));
}

/// The detector knows a name where words speak for it; here the conversation does.
#[test]
fn what_was_masked_before_is_masked_wherever_it_stands() {
    let policy = policy().with(Entity::Person, Action::Mask);
    let mut conversation = conversation();
    let token = token_of(&mut conversation, Entity::Person, "Иванов");
    let phone = token_of(&mut conversation, Entity::Phone, PHONE);
    let body = r#"{"user":"@","messages":[{"role":"user","content":"@! \"@\" #"},{"content":"{\"who\":\"@\"}"}]}"#;
    let body = body.replace('@', "Иванов");
    let masked = mask_body(body.replace('#', PHONE).as_bytes(), &DETECTOR, &policy, &mut conversation).unwrap();
    let expected = body.replace("Иванов", &token).replace('#', &phone);
    assert_eq!(String::from_utf8_lossy(masked.body()), expected);
    assert_eq!(masked.masked().get(&Entity::Person), Some(&4));
}

#[test]
fn what_cannot_be_masked_in_place_makes_the_request_stay() {
    for body in [
        r#"{"phone":77011234567}"#,
        r#"{"arguments":"{\"phone\": 77011234567}"}"#,
        r#"{"content":[{"type":"text","text":"тел +7 701 123"},{"type":"text","text":"45 67"}]}"#,
        r#"{"content":"тел KzcgNzAxIDEyMyA0NSA2Nw=="}"#,
        r#"{"content":"тел %2B7%20701%20123%2045%2067"}"#,
        // Its action is stricter than `mask`.
        r#"{"content":"ИИН 901123300258"}"#,
        r#"{"content":"ИИН 901123300258, тел +7 701 123 45 67"}"#,
        // In a file, where no token can be put.
        r#"{"messages":[{"content":[{"type":"file","file":{"filename":"a.txt","file_data":"data:text/plain;base64,KzcgNzAxIDEyMyA0NSA2Nw=="}}]}]}"#,
        // Two keys would become one.
        r#"{"x":{"+7 701 123 45 67":1,"8 701 123 45 67":2}}"#,
    ] {
        let masked = mask(&mut conversation(), body);
        assert!(matches!(masked, Err(MaskError::NotMaskable)), "{body} {masked:?}");
    }
    assert!(matches!(mask(&mut conversation(), r#"{"a":1,"a":2}"#), Err(MaskError::Malformed(_))));
}

#[test]
fn what_may_leave_stays_as_it_is() {
    let body = r#"{"content":"БИН 990140000385 and nothing else", "n":1}"#;
    assert_eq!(mask(&mut conversation(), body).unwrap(), body);
    let labelled = mask_body(
        r#"{"content":"БИН 990140004385 тел +7 701 123 45 67"}"#.as_bytes(),
        &DETECTOR,
        &policy(),
        &mut conversation(),
    )
    .unwrap();
    assert_eq!(labelled.masked().get(&Entity::Phone), Some(&1));
    assert!(!labelled.has_unreadable_part());
    let image = json!({"messages": [{"content": [{"type": "image_url", "image_url": {"url": "https://e.kz/a.png"}},
        {"type": "text", "text": PHONE}]}]});
    let masked = mask_body(image.to_string().as_bytes(), &DETECTOR, &policy(), &mut conversation()).unwrap();
    assert!(masked.has_unreadable_part());
}

#[test]
fn a_body_with_tokens_in_its_history_stays_byte_for_byte() {
    let mut conversation = conversation();
    let first = json!({"messages": [{"role": "user", "content": format!("{PHONE}, ivan@mail.kz")}]}).to_string();
    let masked = mask(&mut conversation, &first).unwrap();
    assert_eq!(mask(&mut conversation, &masked).unwrap(), masked);
    let text = serde_json::from_str::<Value>(&masked).unwrap()["messages"][0]["content"].as_str().unwrap().to_owned();
    let next = json!({"messages": [{"role": "user", "content": text}, {"role": "user", "content": PHONE}]}).to_string();
    let token = token_of(&mut conversation, Entity::Phone, PHONE);
    assert_eq!(mask(&mut conversation, &next).unwrap(), next.replace(PHONE, &token));
}

#[test]
fn turns_of_a_conversation_have_one_prefix() {
    let mut conversation = conversation();
    let first =
        mask(&mut conversation, &format!(r#"{{"messages":[{{"content":"я {PHONE}"}}"#).replace('}', "}]}")).unwrap();
    let second = json!({"messages": [{"content": format!("я {PHONE}")}, {"content": "a@mail.kz"}]}).to_string();
    let prefix = first.trim_end_matches("]}");
    assert!(mask(&mut conversation, &second).unwrap().starts_with(prefix));
}

/// Every entity, many tokens, beside words that speak for every entity.
#[test]
fn nothing_is_found_in_tokens() {
    const BESIDE: [&str; 12] = [
        "@",
        "ИИН @, БИН @",
        "карта @ счёт @ шот @",
        "пароль: @ password=@ құпиясөз @",
        "договор № @, шарты @, паспорт @",
        "удостоверение @ номер @ куәлік @",
        "тел. @, whatsapp @@",
        "клиент @ родился @ в @",
        "адрес: ул. @, д. @, кв. @",
        "{\"iin\": \"@\", \"phone\": \"@\", \"secret\": \"@\"}",
        "диагноз @, оклад @ тенге, ауру тарихы @",
        "12 @ 34 @ 56",
    ];
    let custom = Entity::Custom(CustomEntity::declare("badge_number_2").unwrap());
    let mut bits = 0x9E37_79B9_7F4A_7C15_u64;
    for entity in Entity::BUILT_IN.into_iter().chain([custom]) {
        for round in 0..60 {
            let core = loop {
                bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                if let Some(core) = placeholder::core_from(bits >> 20) {
                    break core;
                }
            };
            let token = placeholder::written(&placeholder::entity_name(entity), core);
            let text = BESIDE[round % BESIDE.len()].replace('@', &token);
            let findings = DETECTOR.scan(&[TextSegment::new("/messages/0/content", text.as_str())]);
            assert!(findings.is_empty() && findings.is_complete(), "{text} {findings:?}");
        }
    }
}

fn phone() -> impl Strategy<Value = String> {
    (0_u32..10_000_000, 0_usize..4).prop_map(|(number, form)| {
        let digits = format!("{number:07}");
        let (a, b, c) = (&digits[..3], &digits[3..5], &digits[5..]);
        match form {
            0 => format!("+7 701 {a} {b} {c}"),
            1 => format!("8(777){a}-{b}-{c}"),
            2 => format!("+7705{digits}"),
            _ => format!("+7\u{a0}747\u{a0}{a}\u{a0}{b}\u{a0}{c}"),
        }
    })
}

/// Words and marks that no recogniser takes for anything, as they come: what random letters make may be another entity's,
/// and has to stay.
fn words() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec!["слово", "и", "потом", "the", "word", "\"", "\\", "/", ",", "!", "\n"]);
    prop::collection::vec(word, 1..7).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_body_is_masked_whole_and_comes_back(
        phones in prop::collection::vec(phone(), 1..6), words in words(), shape in 0_usize..4,
    ) {
        let text = phones.iter().map(|phone| format!("{words} {phone} {words}")).collect::<Vec<_>>();
        // Digits of two numbers with nothing but marks between them may be those of a card.
        let text = text.join("\nпотом\n");
        let body = match shape {
            0 => json!({"messages": [{"role": "user", "content": text}]}),
            1 => json!({"messages": [{"content": [{"type": "text", "text": text}]}]}),
            2 => json!({"messages": [{"tool_calls": [{"function": {"arguments": json!({"q": text}).to_string()}}]}]}),
            _ => json!({"input": text, "metadata": {"note": text}}),
        };
        let body = body.to_string();
        let mut conversation = conversation();
        let masked = mask(&mut conversation, &body);
        prop_assert!(masked.is_ok(), "{} {:?}", body, masked);
        let masked = masked.unwrap();
        for phone in &phones {
            prop_assert!(!masked.contains(phone.as_str()));
        }
        // One writing for each number, so that all of it comes back byte for byte.
        let numbers: std::collections::BTreeSet<String> =
            phones.iter().map(|phone| phone.chars().filter(char::is_ascii_digit).skip(1).collect()).collect();
        let writings: std::collections::BTreeSet<&String> = phones.iter().collect();
        if numbers.len() == writings.len() {
            prop_assert_eq!(conversation.restorer().restore_json(&masked), body);
        }
    }
}

#[test]
fn a_value_over_two_parts_stays_even_where_a_piece_of_it_could_be_masked() {
    for body in [
        r#"{"messages":[{"role":"user","content":"Здравствуйте, проживает по адресу 111 Lenin S"},
            {"role":"user","content":"treet, apt. 19, Almaty, проверьте"}]}"#,
        r#"{"messages":[{"role":"user","content":[{"type":"text","text":"мекенжайы г. алматы, ул."},
            {"type":"text","text":" абая, д. 22, кв. 47, тексеріңіз"}]}]}"#,
    ] {
        let masked = mask_body(body.as_bytes(), &DETECTOR, &Policy::default().masking(), &mut conversation());
        assert!(masked.is_err(), "{body}");
    }
}
