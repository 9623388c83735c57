//! Input made to cost time: the work is counted, not timed, and must stay linear and inside the
//! budget, since a text past its budget counts as sensitive.

use super::{DETECTOR, TextSegment, scan};
use crate::pii::detector::scan::SegmentScan;

/// Units of work per byte that `text` costs.
fn work_per_byte(text: &str) -> usize {
    let scan = SegmentScan::new(DETECTOR.recognisers(), "", text.len());
    let (work, complete) = scan.work(text);
    assert!(complete);
    work / text.len().max(1)
}

fn repeated(pattern: &str, bytes: usize) -> String {
    pattern.repeat(bytes / pattern.len() + 1)
}

const PATTERNS: &[&str] = &[
    "1",
    "1 ",
    "4 ",
    "8 7 0 1 ",
    "9 0 1 1 2 3 3 0 0 2 5 8 ",
    "901123300258 ",
    "4400 4302 ",
    "о1",
    "o",
    "1 o ",
    "kz1 ",
    "kz11kz",
    "k z 1 ",
    "@",
    "a@",
    "a@b.",
    "a@b.c ",
    " at ",
    "(at)",
    "ИИН ",
    "ИИН 123456789012 ",
    "%25",
    "ул. ",
    "д. 5 ",
    "ул. Абая 5, ",
    "адрес Абая 5 ",
    "пароль ",
    "pw ",
    "key: ",
    "pin 1 ",
    "sk-",
    "eyj-",
    "eyjaaaaaaaaa.",
    "://",
    "a://b:c@",
    "-----begin ",
    "seed able ",
    "собака ",
    "mail at mail точка ",
    "1.1.1.1",
    "1.2345, ",
    "1:a:",
    "aa:bb:",
    "5°",
    "0x",
    "1a1zp1ep5qgefi2dmptftl5slmv7divfna\n",
    "@a_1 ",
    "tg a1 ",
    "t.me/a",
    "пароль;\n",
];

#[test]
fn work_is_linear_and_inside_the_budget() {
    for pattern in PATTERNS {
        let small = work_per_byte(&repeated(pattern, 4_000));
        let large = work_per_byte(&repeated(pattern, 64_000));
        assert!(large <= small + 1, "{pattern:?}: {small} then {large} units per byte");
        assert!(large <= 32, "{pattern:?}: {large} units per byte");
    }
}

#[test]
fn nested_encodings_end_at_the_second_layer() {
    let mut text = "901123300258".to_owned();
    for _ in 0..6 {
        let hex = |byte: u8| format!("{byte:02x}");
        text = text.bytes().map(hex).collect();
    }
    assert!(work_per_byte(&text) < 16, "{}", work_per_byte(&text));
    let percent = format!("%{}39", "25".repeat(10_000));
    assert!(work_per_byte(&percent) < 16, "{}", work_per_byte(&percent));
}

#[test]
fn a_megabyte_of_anything_is_scanned_whole() {
    for pattern in ["1", "1 1 ", "б", "a\u{301}", "OTAxMTIzMzAwMjU4"] {
        let text = repeated(pattern, 1_000_000);
        assert!(scan(&text).len() <= text.len() / 12, "{pattern}");
    }
}

#[test]
fn a_number_behind_a_wall_of_text_is_still_found() {
    let mut text = repeated("1 1 @ %25 ", 1_000_000);
    text.push_str("; 901123300258");
    let findings = DETECTOR.scan(&[TextSegment::new("", text.as_str())]);
    assert!(findings.iter().any(|finding| finding.span.end == text.len()));
}
