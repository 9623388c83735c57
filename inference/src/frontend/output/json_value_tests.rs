//! The reader of one value agrees with serde_json on what is JSON and where it ends.

use proptest::prelude::*;

use super::*;

/// Bytes of the value at the beginning of `text`; `None` where it is malformed or unfinished.
fn value_length(text: &str) -> Option<usize> {
    let mut value = JsonValue::new();
    for (at, character) in text.char_indices() {
        match value.read(character) {
            Read::More => {}
            Read::Last => return Some(at + character.len_utf8()),
            Read::Ended => return Some(at),
            Read::Malformed => return None,
        }
    }
    None
}

#[test]
fn knows_where_a_value_ends() {
    assert_eq!(value_length("{\"a\": [1, 2.5e-3, {}], \"}\": \"\\\"\\u00e9\"} rest"), Some(39));
    assert_eq!(value_length("-12,"), Some(3));
    assert_eq!(value_length("true]"), Some(4));
    assert_eq!(value_length(&"[".repeat(200)), None);
    for malformed in ["{a}", "{\"a\" 1}", "[1,]", "{\"a\":1,}", "[01]", "1.,", "-]", "nul,", "\"\\x\"", "]", "[}"] {
        assert_eq!(value_length(malformed), None, "{malformed}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn agrees_with_serde(text in r#"[\[\]{},:"\\ae0-9.+ -]{0,12}"#) {
        // A space behind, so that a number ends.
        let text = format!("{text} ");
        let is_whole = value_length(&text).is_some_and(|length| text[length..].trim().is_empty());
        prop_assert_eq!(is_whole, serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok());
    }
}
