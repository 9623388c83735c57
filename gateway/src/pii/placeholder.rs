//! The shape of what stands for a masked value: `[PERSON_7K2QXAB4]`. The name of the entity, then seven characters of
//! Crockford's base 32 and a check character over them.
//!
//! What always holds: a placeholder is ASCII, at most [`MAX_BYTES`] long, and its core has one to three digits, never
//! three in a row, so that it reads neither as a number nor as a word. The detector sees nothing in it.

use std::borrow::Cow;
use std::ops::Range;

use super::Entity;

/// The longest placeholder.
pub(crate) const MAX_BYTES: usize = 24;
/// Characters of a core, the check character included.
pub(crate) const CORE_LEN: usize = 8;
/// Two brackets, an underscore and the core leave this much.
const MAX_NAME_LEN: usize = MAX_BYTES - CORE_LEN - 3;
const MIN_NAME_LEN: usize = 2;
const MAX_DIGITS: usize = 3;
/// Douglas Crockford's base 32: no I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The characters that tell one value from another, in capitals, the check character last.
pub(crate) type Core = [u8; CORE_LEN];

/// The core that 35 bits and their check character make, if it neither reads as a number nor as a word.
pub(crate) fn core_from(bits: u64) -> Option<Core> {
    let mut core = [b'0'; CORE_LEN];
    let mut check = 0_u8;
    for (place, slot) in core.iter_mut().enumerate().take(CORE_LEN - 1) {
        let value = (bits >> (5 * place) & 31) as u8;
        *slot = character(value);
        check = next_check(check, value);
    }
    if let Some(last) = core.last_mut() {
        *last = character(check);
    }
    has_few_digits(core).then_some(core)
}

/// The core that `text` is, whatever its case.
pub(crate) fn core_of(text: &[u8]) -> Option<Core> {
    let mut core: Core = text.try_into().ok()?;
    core.make_ascii_uppercase();
    is_core(core).then_some(core)
}

/// Whether a core may hold `byte`, in either case.
pub(crate) fn is_core_byte(byte: u8) -> bool {
    const IN_CORES: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0_u8;
        while byte < 128 {
            table[byte as usize] = VALUES[byte.to_ascii_uppercase() as usize] != NO_VALUE;
            byte += 1;
        }
        table
    };
    IN_CORES[usize::from(byte)]
}

/// The name that an entity has in placeholders: capitals and underscores.
pub(crate) fn entity_name(entity: Entity) -> String {
    let name = match entity {
        Entity::DriverLicence => "LICENCE",
        Entity::MedicalRecord => "RECORD",
        other => other.as_str(),
    };
    let letters = name.chars().filter(|character| character.is_ascii_alphabetic() || *character == '_');
    let name: String = letters.take(MAX_NAME_LEN).map(|character| character.to_ascii_uppercase()).collect();
    let name = name.trim_matches('_');
    if name.len() < MIN_NAME_LEN { "CUSTOM".to_owned() } else { name.to_owned() }
}

/// `[NAME_CORE]`.
pub(crate) fn written(name: &str, core: Core) -> String {
    let core: String = core.iter().copied().map(char::from).collect();
    format!("[{name}_{core}]")
}

/// Where placeholders stand in `text`, by position, written exactly as they are made.
pub(crate) fn find(text: &str) -> impl Iterator<Item = Range<usize>> {
    let raw = text.as_bytes();
    memchr::memchr_iter(b'[', raw).filter_map(move |start| {
        let rest = raw.get(start..)?;
        let rest = rest.get(..rest.len().min(MAX_BYTES))?;
        let length = 1 + memchr::memchr(b']', rest)?;
        let inside = rest.get(1..length - 1)?;
        let (name, core) = inside.split_at_checked(inside.len().checked_sub(CORE_LEN)?)?;
        let name = name.strip_suffix(b"_")?;
        let is_name = (MIN_NAME_LEN..=MAX_NAME_LEN).contains(&name.len())
            && name.iter().all(|&byte| byte.is_ascii_uppercase() || byte == b'_');
        (is_name && is_core(core.try_into().ok()?)).then_some(start..start + length)
    })
}

/// `text` with the inside of every placeholder blanked; of the same length.
pub(crate) fn blank(text: &str) -> Cow<'_, str> {
    let mut places = find(text).peekable();
    if places.peek().is_none() {
        return Cow::Borrowed(text);
    }
    let mut blanked = String::with_capacity(text.len());
    let mut copied = 0;
    for place in places {
        let inside = place.start + 1..place.end - 1;
        blanked.push_str(text.get(copied..inside.start).unwrap_or_default());
        blanked.extend(std::iter::repeat_n(BLANK, inside.len()));
        copied = inside.end;
    }
    blanked.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(blanked)
}

/// A mark that belongs to no value.
const BLANK: char = ';';

/// Whether a range of a blanked text holds letters or digits.
pub(crate) fn has_text_beside(blanked: &str, range: Range<usize>) -> bool {
    blanked.get(range).is_none_or(|part| part.chars().any(char::is_alphanumeric))
}

fn is_core(core: Core) -> bool {
    let mut check = 0_u8;
    for (place, byte) in core.into_iter().enumerate() {
        let Some(value) = value_of(byte) else { return false };
        if place == CORE_LEN - 1 {
            return value == check && has_few_digits(core);
        }
        check = next_check(check, value);
    }
    false
}

fn has_few_digits(core: Core) -> bool {
    let digits = core.iter().filter(|byte| byte.is_ascii_digit()).count();
    let is_run = core.windows(MAX_DIGITS).any(|run| run.iter().all(u8::is_ascii_digit));
    (1..=MAX_DIGITS).contains(&digits) && !is_run
}

fn character(value: u8) -> u8 {
    ALPHABET.get(usize::from(value)).copied().unwrap_or(b'0')
}

const NO_VALUE: u8 = u8::MAX;
const VALUES: [u8; 256] = {
    let mut values = [NO_VALUE; 256];
    let mut value = 0;
    while value < ALPHABET.len() {
        values[ALPHABET[value] as usize] = value as u8;
        value += 1;
    }
    values
};

fn value_of(byte: u8) -> Option<u8> {
    VALUES.get(usize::from(byte)).copied().filter(|&value| value != NO_VALUE)
}

/// One step of a Reed-Solomon check in GF(32) by x⁵ + x² + 1: any one wrong character and any two exchanged ones show.
const fn next_check(check: u8, value: u8) -> u8 {
    let doubled = (check ^ value) << 1;
    if doubled & 32 == 0 { doubled } else { doubled ^ 0b10_0101 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pii::CustomEntity;

    fn any_core() -> impl Strategy<Value = Core> {
        any::<u64>().prop_filter_map("reads as a number or a word", core_from)
    }

    #[test]
    fn every_entity_has_a_name_that_fits() {
        let custom = ["badge_number_of_the_visitor", "x", "42", "__7a7b"]
            .map(|name| Entity::Custom(CustomEntity::declare(name).unwrap()));
        let core = (0..).find_map(core_from).unwrap();
        for entity in Entity::BUILT_IN.into_iter().chain(custom) {
            let token = written(&entity_name(entity), core);
            assert!(token.len() <= MAX_BYTES, "{token}");
            assert!(find(&token).eq(std::iter::once(0..token.len())), "{token}");
        }
        let names: std::collections::BTreeSet<_> = Entity::BUILT_IN.into_iter().map(entity_name).collect();
        assert_eq!(names.len(), Entity::BUILT_IN.len());
    }

    proptest! {
        #[test]
        fn one_wrong_character_and_two_exchanged_ones_show(
            core in any_core(), at in 0..CORE_LEN, to in 0..CORE_LEN, other in 0_u8..32,
        ) {
            let mut wrong = core;
            wrong[at] = character(other);
            prop_assert!(wrong == core || core_of(&wrong).is_none());
            let mut exchanged = core;
            exchanged.swap(at, to);
            prop_assert!(exchanged == core || core_of(&exchanged).is_none());
            prop_assert_eq!(core_of(&core.map(|byte| byte.to_ascii_lowercase())), Some(core));
        }

        #[test]
        fn blanking_keeps_everything_else(
            before in "[\\[\\]A-Z_а-я]{0,30}", core in any_core(), after in "\\PC{0,30}",
        ) {
            let token = written("PHONE", core);
            let text = format!("{before}{token}{after}");
            let blanked = blank(&text);
            prop_assert_eq!(blanked.len(), text.len());
            prop_assert!(blanked.starts_with(before.as_str()) && !blanked.contains(&token));
            let core = String::from_utf8_lossy(&core).into_owned();
            prop_assert!(!blanked.contains(&core) || after.contains(&core));
        }
    }

    #[test]
    fn what_is_no_placeholder_stays() {
        for text in ["", "[", "[PERSON_]", "[PERSON_7K2QX]", "[person_7k2qxab4]", "[12345678]", "[ИМЯ_7K2QXAB4]"] {
            assert!(matches!(blank(text), Cow::Borrowed(_)), "{text}");
        }
    }
}
