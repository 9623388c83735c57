//! Masking as its callers use it: turns of a conversation, with a vault in between that is lost, sealed and opened
//! again.

use super::*;
use crate::pii::{Action, Detector, Entity, Policy};

const PHONE: &str = "+7 701 123 45 67";
const EMAIL: &str = "ivan.petrov@mail.kz";

fn policy() -> Policy {
    Policy::default().with(Entity::Phone, Action::Mask).with(Entity::Email, Action::Mask)
}

fn body(messages: &[(&str, &str)]) -> String {
    let messages: Vec<_> =
        messages.iter().map(|(role, content)| serde_json::json!({"role": role, "content": content})).collect();
    serde_json::json!({"model": "m", "messages": messages}).to_string()
}

/// What a client sees of an answer that comes in pieces of `size` characters.
fn streamed(restorer: &Restorer, kind: TextKind, answer: &str, size: usize) -> String {
    let mut stream = restorer.stream(kind);
    let characters: Vec<char> = answer.chars().collect();
    let pieces = characters.chunks(size).map(|piece| piece.iter().collect::<String>());
    let mut seen: String = pieces.map(|piece| stream.push(&piece)).collect();
    seen.push_str(&stream.finish());
    seen
}

#[test]
fn turns_of_a_conversation_keep_their_tokens_and_their_answers() {
    let detector = Detector::new().unwrap();
    let secret = MaskingSecret::new([7; 32]);
    let id = secret.conversation("bank", "c1");
    let vault = Vault::new(VaultLimits::default());

    let mut conversation = vault.open(&secret, id, 0);
    let asked = format!("мой номер {PHONE}, почта {EMAIL}");
    let masked = mask_body(body(&[("user", &asked)]).as_bytes(), &detector, &policy(), &mut conversation).unwrap();
    vault.save(&mut conversation, 0).unwrap();
    conversation.tripwire().check(masked.body()).unwrap();
    let sent: serde_json::Value = serde_json::from_slice(masked.body()).unwrap();
    let sent = sent["messages"][0]["content"].as_str().unwrap().to_owned();
    let (phone, email) =
        (sent[sent.find('[').unwrap()..].split(',').next().unwrap(), &sent[sent.rfind('[').unwrap()..]);
    assert_eq!(sent, format!("мой номер {phone}, почта {email}"));

    let answer = format!("Записал **{phone}** и {}.", email.to_lowercase());
    let expected = format!("Записал **{PHONE}** и {EMAIL}.");
    for size in 1..30 {
        assert_eq!(streamed(&conversation.restorer(), TextKind::Plain, &answer, size), expected);
    }
    let arguments = format!(r#"{{"to":"{}","text":"{phone}"}}"#, email.replace('[', "\\u005b"));
    for size in 1..30 {
        let seen = streamed(&conversation.restorer(), TextKind::Json, &arguments, size);
        assert_eq!(seen, format!(r#"{{"to":"{EMAIL}","text":"{PHONE}"}}"#));
    }

    // The client sends the restored answer back; the same prefix goes out, from whichever gateway.
    let history = body(&[("user", &asked), ("assistant", &expected), ("user", "спасибо")]);
    let sealed = seal(&secret, &id, conversation.entries(), [9; NONCE_BYTES]).unwrap();
    let opened = Conversation::with_entries(&secret, id, unseal(&secret, &id, &sealed).unwrap().into());
    let lost = Conversation::new(&secret, id);
    for mut later in [vault.open(&secret, id, 1), opened, lost] {
        let again = mask_body(history.as_bytes(), &detector, &policy(), &mut later).unwrap();
        let again = String::from_utf8(again.body().to_vec()).unwrap();
        let outgoing = answer.replace(&email.to_lowercase(), email);
        assert_eq!(again, body(&[("user", &sent), ("assistant", &outgoing), ("user", "спасибо")]));
        later.tripwire().check(again.as_bytes()).unwrap();
    }
}

#[test]
fn the_tripwire_sees_what_was_put_back_by_mistake() {
    let detector = Detector::new().unwrap();
    let secret = MaskingSecret::new([7; 32]);
    let mut conversation = Conversation::new(&secret, secret.conversation("bank", "c1"));
    let masked = mask_body(body(&[("user", PHONE)]).as_bytes(), &detector, &policy(), &mut conversation).unwrap();
    let masked = String::from_utf8(masked.body().to_vec()).unwrap();
    let leaking = conversation.restorer().restore_json(&masked);
    assert_eq!(conversation.tripwire().check(leaking.as_bytes()), Err(TripwireHit { entity: Entity::Phone }));
}
