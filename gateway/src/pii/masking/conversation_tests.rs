//! Conversations: one token for one value, whatever the order and the writing.

use super::*;

fn secret() -> MaskingSecret {
    MaskingSecret::new([7; 32])
}

fn conversation() -> Conversation {
    Conversation::new(&secret(), secret().conversation("bank", "c1"))
}

/// Masks every one of `values` where it stands in `text`.
fn mask(conversation: &mut Conversation, text: &str, values: &[(Entity, &str)]) -> MaskedText {
    let mut from = 0;
    let spans: Vec<Span> = values
        .iter()
        .map(|&(entity, value)| {
            let start = from + text[from..].find(value).unwrap();
            from = start + value.len();
            Span { entity, range: start..from }
        })
        .collect();
    conversation.mask_text(text, &spans).unwrap()
}

fn tokens(masked: &MaskedText) -> Vec<&str> {
    masked.replaced.iter().map(|(token, _)| token.as_str()).collect()
}

#[test]
fn a_value_has_one_token_however_and_whenever_it_is_written() {
    let mut first = conversation();
    let masked = mask(
        &mut first,
        "тел. 8 (701) 123-45-67, он же +77011234567, другой +77011234568",
        &[(Entity::Phone, "8 (701) 123-45-67"), (Entity::Phone, "+77011234567"), (Entity::Phone, "+77011234568")],
    );
    let [one, same, other] = tokens(&masked)[..] else { panic!("three values") };
    assert_eq!(one, same);
    assert_ne!(one, other);
    assert_eq!(masked.text, format!("тел. {one}, он же {one}, другой {other}"));
    // The first writing is what comes back.
    assert_eq!(first.restorer().restore(&format!("{one} {other}")), "8 (701) 123-45-67 +77011234568");
    // In a later turn, and after the vault was lost.
    for mut later in [first, conversation()] {
        let masked = mask(&mut later, "77011234568", &[(Entity::Phone, "77011234568")]);
        assert_eq!(masked.text, other);
    }
}

#[test]
fn forms_of_a_name_share_a_token_and_people_do_not() {
    let mut conversation = conversation();
    let masked = mask(
        &mut conversation,
        "Иванов, Иванову, Ивановым; Петрова, Петровой; Петров",
        &[
            (Entity::Person, "Иванов"),
            (Entity::Person, "Иванову"),
            (Entity::Person, "Ивановым"),
            (Entity::Person, "Петрова"),
            (Entity::Person, "Петровой"),
            (Entity::Person, "Петров"),
        ],
    );
    let [he, to_him, by_him, she, of_her, other] = tokens(&masked)[..] else { panic!("six values") };
    assert_eq!((he, he, she), (to_him, by_him, of_her));
    assert!(he != she && she != other && he != other);
    assert_eq!(conversation.restorer().restore(he), "Иванов");
}

#[test]
fn a_form_of_two_names_stands_for_itself_beside_the_rival() {
    let ambiguous = [(Entity::Person, "Иванову")];
    let mut before = conversation();
    let she = mask(&mut before, "Иванова", &[(Entity::Person, "Иванова")]);
    let form = mask(&mut before, "Иванову", &ambiguous);
    assert_ne!(tokens(&she), tokens(&form));
    let he = mask(&mut before, "Иванов", &[(Entity::Person, "Иванов")]);
    assert_ne!(tokens(&he), tokens(&form));
    // The rival may follow in the same text.
    let mut same = conversation();
    let both = mask(
        &mut same,
        "Иванов, Иванову, Иванова",
        &[(Entity::Person, "Иванов"), (Entity::Person, "Иванову"), (Entity::Person, "Иванова")],
    );
    let distinct: HashSet<&str> = tokens(&both).into_iter().collect();
    assert_eq!(distinct.len(), 3);
    // Once given, a token stays.
    let mut early = conversation();
    let given = mask(&mut early, "Иванову", &ambiguous);
    mask(&mut early, "Иванова", &[(Entity::Person, "Иванова")]);
    assert_eq!(tokens(&mask(&mut early, "Иванову", &ambiguous)), tokens(&given));
}

#[test]
fn a_core_that_stands_in_the_input_is_not_given() {
    let values = [(Entity::Phone, "+77011234567")];
    let token = mask(&mut conversation(), "+77011234567", &values).text;
    let core = token.trim_matches(['[', ']']).rsplit('_').next().unwrap().to_owned();
    for input in [token.clone(), core.clone(), core.to_lowercase(), format!("x{core}y")] {
        let masked = mask(&mut conversation(), &format!("{input} +77011234567"), &values);
        assert!(!masked.text.ends_with(&token), "{input}");
        assert!(masked.text.starts_with(&input));
    }
    // In its own conversation it is already that value's.
    let mut own = conversation();
    mask(&mut own, "+77011234567", &values);
    assert_eq!(mask(&mut own, &format!("{token} +77011234567"), &values).text, format!("{token} {token}"));
}

#[test]
fn tokens_in_a_text_are_never_masked_again() {
    let mut conversation = conversation();
    let token = mask(&mut conversation, "+77011234567", &[(Entity::Phone, "+77011234567")]).text;
    let spans = [Span { entity: Entity::Address, range: 0..token.len() }];
    assert_eq!(conversation.mask_text(&token, &spans).unwrap().text, token);
    let text = format!("ул. Абая {token}, 5");
    let masked = conversation.mask_text(&text, &[Span { entity: Entity::Address, range: 0..text.len() }]).unwrap();
    assert_eq!(masked.text.matches(&token).count(), 1);
    assert_eq!(masked.replaced.len(), 2);
    assert!(!masked.text.contains("Абая"));
}

#[test]
fn too_many_and_too_long_values_are_errors() {
    let mut conversation = conversation();
    let long = "я".repeat(600);
    let spans = [Span { entity: Entity::Address, range: 0..long.len() }];
    assert!(matches!(conversation.mask_text(&long, &spans), Err(MaskError::NotMaskable)));
    let full = (0..20_000)
        .map(|index| format!("10.{}.{}.{}", index >> 14, index >> 7 & 127, index & 127))
        .find_map(|ip| conversation.mask_text(&ip, &[Span { entity: Entity::Ip, range: 0..ip.len() }]).err());
    assert!(matches!(full, Some(MaskError::Full)));
}

#[test]
fn nothing_personal_shows() {
    let mut conversation = conversation();
    let masked =
        mask(&mut conversation, "Иванов +77011234567", &[(Entity::Person, "Иванов"), (Entity::Phone, "+77011234567")]);
    let entry = conversation.entries().all().next();
    let shown =
        format!("{conversation:?}{masked:?}{entry:?}{:?}{:?}", conversation.restorer(), conversation.tripwire());
    assert!(!shown.contains("Иванов") && !shown.contains("7011234567"), "{shown}");
}
