//! Restoring: every way in which a model writes a token, and every way in which a stream cuts it.

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::pii::Entity;
use crate::pii::masking::{Conversation, MaskingSecret, Span};

const PHONE: &str = "+7 (701) 123-45-67";
const FIRM: &str = "ТОО \"Ромашка\" \\ C:\\x\n\tи К\u{1}";

fn conversation(tenant: &str, name: &str) -> Conversation {
    let secret = MaskingSecret::new([7; 32]);
    Conversation::new(&secret, secret.conversation(tenant, name))
}

fn token(conversation: &mut Conversation, entity: Entity, value: &str) -> String {
    let masked = conversation.mask_text(value, &[Span { entity, range: 0..value.len() }]).unwrap();
    assert_eq!(masked.replaced.len(), 1);
    masked.text
}

/// Tokens of a person, a phone, a firm with much to escape, a birth date, and of a value that holds another's token.
struct Fixture {
    restorer: Restorer,
    person: String,
    phone: String,
    firm: String,
    date: String,
    holder: String,
    held: String,
}

fn fixture() -> Fixture {
    let mut conversation = conversation("bank", "c1");
    let person = token(&mut conversation, Entity::Person, "Иванов");
    let phone = token(&mut conversation, Entity::Phone, PHONE);
    let firm = token(&mut conversation, Entity::Address, FIRM);
    let date = token(&mut conversation, Entity::BirthDate, "01.02.1990");
    let held = format!("см. {}", person.to_lowercase());
    let holder = token(&mut conversation, Entity::Contract, &held);
    Fixture { restorer: conversation.restorer(), person, phone, firm, date, holder, held }
}

fn without_brackets(token: &str) -> &str {
    token.trim_matches(['[', ']'])
}

#[test]
fn a_token_is_known_by_its_core_however_it_is_bracketed() {
    let f = fixture();
    let bare = without_brackets(&f.phone);
    for (text, expected) in [
        (f.phone.clone(), PHONE.to_owned()),
        (f.phone.to_lowercase(), PHONE.to_owned()),
        (bare.to_owned(), PHONE.to_owned()),
        (format!("({bare})"), format!("({PHONE})")),
        (format!("\\[{bare}\\]"), PHONE.to_owned()),
        (format!("[{}]", bare.replace('_', "\\_")), PHONE.to_owned()),
        (format!("&#91;{bare}&#93;"), PHONE.to_owned()),
        (format!("&#x5B;{bare}&#x5d;"), PHONE.to_owned()),
        (format!("%5B{bare}%5D"), PHONE.to_owned()),
        (format!("\\u005b{bare}\\u005D"), PHONE.to_owned()),
        (format!("**{}**", f.phone), format!("**{PHONE}**")),
        (format!("`{bare}`, _{bare}_"), format!("`{PHONE}`, _{PHONE}_")),
        (format!("[{}](tel:{bare})", f.phone), format!("[{PHONE}](tel:{PHONE})")),
        (format!("{0}{0}", f.phone), format!("{PHONE}{PHONE}")),
        (format!("{bare}/{bare}"), format!("{PHONE}/{PHONE}")),
        (format!("[{bare}, {}", f.date), format!("[{PHONE}, 01.02.1990")),
        (format!("[{}]", without_brackets(&f.date).replace('_', "\\_")), "01.02.1990".to_owned()),
        (format!("{}ға", f.phone), format!("{PHONE}ға")),
    ] {
        assert_eq!(f.restorer.restore(&text), expected, "{text}");
    }
}

#[test]
fn what_is_not_wholly_a_token_stays() {
    let f = fixture();
    let bare = without_brackets(&f.phone);
    let (name, core) = bare.split_once('_').unwrap();
    let wrong_check = format!("{}{}", &core[..7], if core.ends_with('Z') { 'Y' } else { 'Z' });
    for text in [
        f.phone[..f.phone.len() - 3].to_owned(),
        format!("[{name}_"),
        format!("[{name}]"),
        format!("[{name}_{}]", &core[1..]),
        format!("[{name}_{wrong_check}]"),
        format!("[PERSON_{core}]"),
        format!("[{core}]"),
        format!("X{bare}"),
        format!("{bare}x"),
        format!("{name} {core}"),
        format!("{name}_ {core}"),
        "[PHONE_7K2QXAB4] [PHONE_00000000]".to_owned(),
    ] {
        assert_eq!(f.restorer.restore(&text), text);
    }
}

#[test]
fn endings_are_joined_to_names() {
    let mut conversation = conversation("bank", "c1");
    let mut restored = |value: &str, ending: &str| {
        let token = token(&mut conversation, Entity::Person, value);
        conversation.restorer().restore(&format!("{token}{ending}."))
    };
    for (value, ending, expected) in [
        ("Сидоров", "у", "Сидорову."),
        ("Сидоров", "-у", "Сидорову."),
        ("Сидоров", "'у", "Сидорову."),
        ("Сидоров", "ом", "Сидоровым."),
        ("Сидоров", "'s", "Сидоров's."),
        ("Сидоров", "-то", "Сидоров-то."),
        ("Сидоров", "-младший", "Сидоров-младший."),
        ("Сидоров", " у", "Сидоров у."),
        ("Сидоров", "", "Сидоров."),
        ("Анна", "у", "Анну."),
        ("Анна", "е", "Анне."),
        ("Шевченко", "у", "Шевченко."),
        ("Нұрлан Серікұлы", "ға", "Нұрлан Серікұлыға."),
        ("Айгүл", "ға", "Айгүлге."),
        ("Марат", "-ға", "Маратқа."),
        ("Марат", "ның", "Мараттың."),
        ("John Smith", "у", "John Smithу."),
        ("John Smith", "’s", "John Smith’s."),
        // It stood in the dative first: alone it comes back so, with another ending from its base form.
        ("Кузнецову", "", "Кузнецову."),
        ("Кузнецову", "ым", "Кузнецовым."),
        ("Кузнецову", "у", "Кузнецову."),
    ] {
        assert_eq!(restored(value, ending), expected, "{value}+{ending}");
    }
}

#[test]
fn a_name_in_several_forms_comes_back_in_its_base_form() {
    let mut conversation = conversation("bank", "c1");
    let one = token(&mut conversation, Entity::Person, "Кузнецову");
    assert_eq!(conversation.restorer().restore(&one), "Кузнецову");
    assert_eq!(token(&mut conversation, Entity::Person, "Кузнецовым"), one);
    assert_eq!(conversation.restorer().restore(&format!("{one}, {one}ым")), "Кузнецов, Кузнецовым");
}

#[test]
fn a_value_that_holds_a_token_is_not_expanded() {
    let f = fixture();
    assert_eq!(f.restorer.restore(&f.holder), f.held);
    assert_eq!(f.restorer.restore(&format!("{} {}", f.holder, f.person)), format!("{} Иванов", f.held));
    // Nor do a value's end and what follows it make one.
    let mut conversation = conversation("bank", "c1");
    let person = token(&mut conversation, Entity::Person, "Иванов");
    let (head, tail) = without_brackets(&person).split_at(9);
    let value = format!("№ {head}");
    let contract = token(&mut conversation, Entity::Contract, &value);
    assert_eq!(conversation.restorer().restore(&format!("{contract}{tail}")), format!("{value}{tail}"));
}

#[test]
fn tokens_of_another_tenant_or_conversation_stay() {
    let f = fixture();
    for (tenant, name) in [("clinic", "c1"), ("bank", "c2")] {
        let mut other = conversation(tenant, name);
        let theirs = token(&mut other, Entity::Person, "Иванов");
        assert_ne!(theirs, f.person);
        for text in [theirs.clone(), theirs.to_lowercase(), without_brackets(&theirs).to_owned()] {
            assert_eq!(f.restorer.restore(&text), text);
            assert_eq!(f.restorer.restore_json(&format!("\"{text}\"")), format!("\"{text}\""));
        }
        assert_eq!(other.restorer().restore(&f.person), f.person);
    }
}

#[test]
fn nothing_is_held_back_that_cannot_become_a_token() {
    let f = fixture();
    let mut stream = f.restorer.stream(TextKind::Plain);
    for text in ["Здравствуйте! ", "The price is 5 000 ₸ ", "[1] "] {
        assert_eq!(stream.push(text), text);
    }
    assert_eq!(stream.push("звоните [PHO"), "звоните ");
    assert_eq!(stream.push("TO]"), "[PHOTO]");
    assert_eq!(stream.push(&f.phone), PHONE);
    assert_eq!(stream.push(&f.person), "");
    assert_eq!(stream.push("у "), "Иванову ");
    assert_eq!(stream.push("[PERSON_"), "");
    assert_eq!(stream.finish(), "[PERSON_");
    let mut empty = conversation("bank", "c1").restorer().stream(TextKind::Json);
    assert_eq!(empty.push("[PER"), "[PER");
}

#[test]
fn values_are_escaped_for_the_strings_they_come_into() {
    let f = fixture();
    let arguments =
        format!(r#"{{"to":"{}","raw":"{}","by":{{"{}":[1]}}}}"#, f.firm, f.firm.replace('[', "\\u005B"), f.person);
    let parsed: Value = serde_json::from_str(&f.restorer.restore_json(&arguments)).unwrap();
    assert_eq!(parsed, serde_json::json!({"to": FIRM, "raw": FIRM, "by": {"Иванов": [1]}}));
    let nested = serde_json::json!({"body": serde_json::json!({"to": f.firm}).to_string()}).to_string();
    let parsed: Value = serde_json::from_str(&f.restorer.restore_json(&nested)).unwrap();
    let inner: Value = serde_json::from_str(parsed["body"].as_str().unwrap()).unwrap();
    assert_eq!(inner, serde_json::json!({"to": FIRM}));
    // An answer that was to be JSON and is not.
    assert_eq!(f.restorer.restore_json(&format!("Sorry, {}!", f.phone)), format!("Sorry, {PHONE}!"));
}

/// Between tokens.
const BETWEEN: [&str; 26] = [
    " ",
    "у",
    "ом",
    "ға",
    "-ға",
    "'s",
    "’",
    "-",
    "и",
    "младший",
    ".",
    ", ",
    "[",
    "]",
    "\\",
    "&#",
    "%5",
    "_",
    "P",
    "PERSON",
    "\n",
    "\"",
    "a",
    "7",
    "**",
    "😀",
];

/// Pieces of answers: tokens in all their forms, what is left of them, and what is between.
fn fragment() -> impl Strategy<Value = String> {
    let f = fixture();
    let tokens = [f.person, f.phone, f.firm, f.date, f.holder];
    let forms = (prop::sample::select(tokens.to_vec()), 0_usize..12, 1_usize..24).prop_map(|(token, form, cut)| {
        let bare = without_brackets(&token);
        match form {
            0 => token.to_lowercase(),
            1 => bare.to_owned(),
            2 => format!("\\[{bare}\\]"),
            3 => format!("&#91;{bare}&#93;"),
            4 => token.replace('_', "\\_"),
            5 | 6 => token.chars().take(cut).collect(),
            7 => token.chars().skip(cut).collect(),
            8 => format!("%5b{bare}%5D"),
            _ => token,
        }
    });
    prop_oneof![3 => forms, 4 => prop::sample::select(&BETWEEN[..]).prop_map(str::to_owned), 1 => "\\PC{0,6}"]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(fragment(), 0..9).prop_map(|fragments| fragments.concat())
}

/// What comes out of a stream that is cut at these places.
fn in_pieces(restorer: &Restorer, kind: TextKind, pieces: &[&str]) -> String {
    let mut stream = restorer.stream(kind);
    let mut out: String = pieces.iter().map(|piece| stream.push(piece)).collect();
    out.push_str(&stream.finish());
    out
}

/// Every cut into two, and every character for itself.
fn check_every_split(restorer: &Restorer, kind: TextKind, text: &str, whole: &str) -> Result<(), TestCaseError> {
    let cuts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    for &cut in &cuts {
        prop_assert_eq!(
            &in_pieces(restorer, kind, &[&text[..cut], &text[cut..]]),
            whole,
            "cut at {} of {:?}",
            cut,
            text
        );
    }
    let single: Vec<&str> = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
    prop_assert_eq!(&in_pieces(restorer, kind, &single), whole, "{:?}", text);
    let mut stream = restorer.stream(kind);
    for piece in single {
        stream.push(piece);
        let bound = if kind == TextKind::Plain { 64 } else { 64 * 12 };
        prop_assert!(stream.num_held() <= bound, "{} held of {:?}", stream.num_held(), text);
    }
    Ok(())
}

/// JSON whose leaves and keys are such texts; some strings are JSON themselves.
fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => any::<i64>().prop_map(Value::from),
        1 => Just(Value::Null),
        6 => text().prop_map(|text| Value::from(format!("я{text}"))),
    ];
    let tree = leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Value::from),
            prop::collection::vec((text(), inner), 1..4).prop_map(|members| {
                let keyed =
                    members.into_iter().enumerate().map(|(index, (key, value))| (format!("{index}.{key}"), value));
                Value::Object(keyed.collect())
            }),
        ]
    });
    (tree.clone(), tree, any::<bool>()).prop_map(|(outer, inner, is_nested)| {
        let inner = if is_nested { Value::from(serde_json::json!({"in": inner}).to_string()) } else { inner };
        serde_json::json!({"a": outer, "b": inner})
    })
}

fn restored(restorer: &Restorer, value: &Value) -> Value {
    match value {
        Value::String(text) if text.starts_with("{\"in\"") => {
            let inner: Value = serde_json::from_str(text).unwrap();
            restored(restorer, &inner)
        }
        Value::String(text) => Value::from(restorer.restore(text)),
        Value::Array(items) => items.iter().map(|item| restored(restorer, item)).collect(),
        Value::Object(members) => {
            let members = members.iter().map(|(key, value)| (restorer.restore(key), restored(restorer, value)));
            Value::Object(members.collect())
        }
        other => other.clone(),
    }
}

/// The same with the nested strings of a restored document opened.
fn opened(value: &Value) -> Value {
    match value {
        Value::String(text) if text.starts_with("{\"in\"") => opened(&serde_json::from_str(text).unwrap()),
        Value::Array(items) => items.iter().map(opened).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(key, value)| (key.clone(), opened(value))).collect())
        }
        other => other.clone(),
    }
}

/// Everything in strings that is a letter or a bracket as `\uXXXX`.
fn with_escapes(json: &str, every: usize) -> String {
    let mut out = String::new();
    let (mut in_string, mut is_escape, mut count) = (false, false, 0);
    for character in json.chars() {
        let is_plain = in_string && !is_escape && !matches!(character, '"' | '\\');
        count += 1;
        if is_plain && count % every == 0 && u32::from(character) < 0xFFFF {
            let _ = write!(out, "\\u{:04x}", u32::from(character));
        } else {
            out.push(character);
        }
        if character == '"' && !is_escape {
            in_string = !in_string;
        }
        is_escape = in_string && !is_escape && character == '\\';
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_text_cut_anywhere_is_restored_like_the_whole(text in text()) {
        let f = fixture();
        let whole = f.restorer.restore(&text);
        check_every_split(&f.restorer, TextKind::Plain, &text, &whole)?;
    }

    #[test]
    fn every_value_comes_back_at_every_split(
        before in "[а-яa-z ,.(«]{0,12}", after in "[ ,.;)»!?][а-яa-z ]{0,12}",
        value in "\\PC{0,3}[а-яА-Яa-z0-9]\\PC{0,12}",
    ) {
        let mut conversation = conversation("bank", "c1");
        let token = token(&mut conversation, Entity::Address, &value);
        let restorer = conversation.restorer();
        let text = format!("{before}{token}{after}");
        let expected = format!("{before}{value}{after}");
        check_every_split(&restorer, TextKind::Plain, &text, &expected)?;
        let arguments = serde_json::json!({"q": text, token.as_str(): 1}).to_string();
        let restored = restorer.restore_json(&arguments);
        check_every_split(&restorer, TextKind::Json, &arguments, &restored)?;
        let parsed: Value = serde_json::from_str(&restored).unwrap();
        prop_assert_eq!(parsed, serde_json::json!({"q": expected, value.as_str(): 1}));
    }

    #[test]
    fn arguments_parse_to_their_restored_leaves_at_every_split(document in document(), every in 1_usize..5) {
        let f = fixture();
        let expected = restored(&f.restorer, &document);
        let json = document.to_string();
        for json in [with_escapes(&json, every), json] {
            let whole = f.restorer.restore_json(&json);
            let parsed: Result<Value, _> = serde_json::from_str(&whole);
            prop_assert!(parsed.is_ok(), "{} {}", json, whole);
            prop_assert_eq!(opened(&parsed.unwrap()), expected.clone(), "{}", json);
            check_every_split(&f.restorer, TextKind::Json, &json, &whole)?;
        }
    }

    #[test]
    fn any_text_at_all_is_restored_alike_as_json(text in "[\\[\\]{}\":,\\\\u0-9a-fP_ \n]{0,40}", cut in text()) {
        let f = fixture();
        let text = format!("{text}{cut}{text}");
        let whole = f.restorer.restore_json(&text);
        check_every_split(&f.restorer, TextKind::Json, &text, &whole)?;
    }
}
