//! Bodies of every API that carry files, through the scan of the whole body.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use super::super::body_text::scan_body;
use super::super::{ConfineReason, Scope, ScreenError, Screened, Uploads, report, screen};
use crate::auth::DataClass;
use crate::pii::{Action, Detector, Entity, Policy};

macro_rules! encoded {
    ($name:literal) => {
        BASE64_STANDARD.encode(include_bytes!(concat!("../../../tests/fixtures/documents/", $name)))
    };
}

fn screened(body: &Value, policy: &Policy) -> Result<Screened, ScreenError> {
    let detector = Detector::new().unwrap();
    let scope = Scope {
        declared: DataClass::Public,
        detector: &detector,
        policy,
        is_sticky: false,
        is_lost: false,
        is_unreadable: false,
        allows_unreadable: false,
        uploads: &Uploads::default(),
        masking: None,
    };
    screen(Bytes::from(body.to_string()), scope)
}

#[track_caller]
fn reason(body: &Value) -> Option<ConfineReason> {
    match screened(body, &Policy::default()).unwrap() {
        Screened::Confined(confined) => Some(confined.reason()),
        Screened::Cleared(_) => None,
    }
}

fn message(part: &Value) -> Value {
    json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "Summarise this."}, part]}]})
}

fn bodies(file: &str, media_type: &str, name: &str) -> Vec<Value> {
    let url = format!("data:{media_type};base64,{file}");
    let source = json!({"type": "base64", "media_type": media_type, "data": file});
    vec![
        message(&json!({"type": "file", "file": {"file_data": url, "filename": name}})),
        message(&json!({"type": "file", "file": {"filename": name, "file_data": file}})),
        message(&json!({"file": {"file_data": file, "format": media_type}, "type": "file"})),
        message(&json!({"type": "document", "source": source, "title": "the minutes"})),
        message(
            &json!({"type": "tool_result", "tool_use_id": "t", "content": [{"type": "document", "source": source}]}),
        ),
        json!({"input": [{"role": "user", "content": [{"type": "input_file", "filename": name, "file_data": url}]}]}),
        json!({"messages": [{"role": "user", "content": format!("Summarise this: {url}")}]}),
    ]
}

#[test]
fn a_clean_document_confines_nothing() {
    let docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    let text = BASE64_STANDARD.encode("The meeting is on Monday. Please bring the printed agenda, and some paper.");
    for (file, media_type, name) in [
        (encoded!("clean.pdf"), "application/pdf", "minutes.pdf"),
        (encoded!("cyrillic_clean.pdf"), "application/pdf", "minutes.pdf"),
        (encoded!("clean.docx"), docx, "minutes.docx"),
        (text, "text/plain", "minutes.txt"),
    ] {
        for body in bodies(&file, media_type, name) {
            assert_eq!(reason(&body), None, "{name} {:.150}", body.to_string());
        }
    }
}

#[test]
fn a_value_in_a_document_is_found() {
    let json = BASE64_STANDARD.encode(r#"{"clients": [{"iin": "9\u003011 2330 0258", "name": "n", "sum": 100500}]}"#);
    for (file, media_type, name) in [
        (encoded!("iin.pdf"), "application/pdf", "a.pdf"),
        (encoded!("form.pdf"), "application/pdf", "a.pdf"),
        (encoded!("cyrillic.pdf"), "text/plain", "a.txt"),
        (encoded!("runs.docx"), "application/octet-stream", "a.docx"),
        (encoded!("comment.docx"), "application/octet-stream", "a.docx"),
        (encoded!("iin.xlsx"), "application/octet-stream", "a.xlsx"),
        (json, "application/json", "a.json"),
    ] {
        for body in bodies(&file, media_type, name) {
            let Ok(Screened::Confined(confined)) = screened(&body, &Policy::default()) else { panic!("{name}") };
            assert_eq!(confined.reason(), ConfineReason::Pii, "{name}");
            let summary = screened(&body, &Policy::default()).unwrap().summary().clone();
            assert!(summary.counts.contains_key(&Entity::Iin), "{name} {summary:?}");
        }
    }
}

#[test]
fn what_cannot_be_read_confines() {
    for (file, media_type, name) in [
        (encoded!("image.pdf"), "application/pdf", "a.pdf"),
        (encoded!("image.docx"), "application/octet-stream", "a.docx"),
        (encoded!("clean.pdf")[..800].to_owned(), "application/pdf", "a.pdf"),
        (BASE64_STANDARD.encode([0x89; 200]), "image/png", "a.png"),
    ] {
        for body in bodies(&file, media_type, name) {
            assert_eq!(reason(&body), Some(ConfineReason::Unreadable), "{name} {:.150}", body.to_string());
        }
    }
    for body in bodies(&encoded!("encrypted.pdf"), "application/pdf", "a.pdf") {
        assert!(reason(&body).is_some());
    }
    let clean = encoded!("clean.pdf");
    let url = format!("data:application/pdf;base64,{clean}");
    for part in [
        json!({"type": "file", "file": {"file_id": "f"}}),
        json!({"type": "file", "file": {"file_data": clean, "file_id": "f"}}),
        json!({"type": "file", "file": {"filename": "a.pdf"}}),
        json!({"type": "file", "file": {"file_data": format!("{clean} ")}}),
        json!({"type": "file", "file": {"file_data": "not encoded"}}),
        json!({"type": "file", "file_data": clean}),
        json!({"type": "input_file", "file": {"file_data": clean}}),
        json!({"type": "image_url", "image_url": {"url": url}}),
        json!({"type": "new", "file_data": clean}),
        json!({"file": {"file_data": clean}}),
        json!({"type": "document", "source": {"type": "url", "url": "https://e.kz/a.pdf"}}),
        json!({"type": "document", "source": {"type": "file", "file_id": "f"}}),
        json!({"type": "document", "source": {"media_type": "application/pdf", "data": clean}}),
        json!({"type": "document", "source": {"type": "text", "media_type": "application/pdf", "data": "text"}}),
    ] {
        assert_eq!(reason(&message(&part)), Some(ConfineReason::Unreadable), "{:.150}", part.to_string());
    }
}

#[test]
fn a_document_that_is_text_is_scanned_where_it_stands() {
    let part =
        |data: &str| json!({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": data}});
    assert_eq!(reason(&message(&part("The meeting is on Monday."))), None);
    assert_eq!(reason(&message(&part("мой ИИН 901123300258"))), Some(ConfineReason::Pii));
    assert_eq!(reason(&message(&part(&"Monday".repeat(20)))), None);
    let glued = format!("{} ИИН 901123300258", "Monday".repeat(20));
    assert_eq!(reason(&message(&part(&glued))), Some(ConfineReason::Pii));
    let inside = format!("data:application/pdf;base64,{}", encoded!("clean.pdf"));
    assert_eq!(reason(&message(&part(&inside))), Some(ConfineReason::Unreadable));
}

#[test]
fn parts_beside_a_document_keep_their_own_reasons() {
    let clean = json!({"type": "file", "file": {"file_data": encoded!("clean.pdf")}});
    let image = json!({"type": "image_url", "image_url": {"url": "https://e.kz/a.png"}});
    let body = json!({"messages": [{"role": "user", "content": [clean, image]}]});
    assert_eq!(reason(&body), Some(ConfineReason::Unreadable));
    let body =
        json!({"messages": [{"role": "user", "content": [clean, {"type": "text", "text": "ИИН 901123300258"}]}]});
    assert_eq!(reason(&body), Some(ConfineReason::Pii));
    let files = vec![clean; 80];
    assert_eq!(reason(&json!({"messages": [{"role": "user", "content": files}]})), Some(ConfineReason::Unreadable));
}

#[test]
fn values_keep_their_places_beside_a_document() {
    let body = json!({"messages": [{"content": [
        {"type": "file", "file": {"file_data": encoded!("clean.pdf")}},
        {"type": "text", "text": "901123300258"},
    ]}]});
    let scan = scan_body(body.to_string().as_bytes(), &Detector::new().unwrap()).unwrap();
    assert!(scan.file_findings.is_empty());
    let report = report(body.to_string().as_bytes(), &Detector::new().unwrap(), &Policy::default()).unwrap();
    let places: Vec<_> = report.spans.iter().map(|span| (span.pointer.as_str(), span.start, span.end)).collect();
    assert_eq!(places, [("/messages/0/content/1/text", 0, 12)]);
    // Leaves are the keys and the values, in the order of the document.
    assert_eq!(scan.findings.iter().map(|finding| finding.segment).collect::<Vec<_>>(), [10]);
}

#[test]
fn a_value_in_a_document_is_reported_at_the_document_and_never_masked() {
    let file = encoded!("iin.pdf");
    let body = message(&json!({"type": "file", "file": {"file_data": file}}));
    let report = report(body.to_string().as_bytes(), &Detector::new().unwrap(), &Policy::default()).unwrap();
    let span = report.spans.iter().find(|span| span.entity == Entity::Iin).unwrap();
    assert_eq!((span.pointer.as_str(), span.start, span.end), ("/messages/0/content/1/file/file_data", 0, file.len()));
    let policy = Policy::default().with(Entity::Iin, Action::Mask);
    let Ok(Screened::Confined(confined)) = screened(&body, &policy) else { panic!("must stay") };
    assert_eq!(confined.reason(), ConfineReason::Pii);
}
