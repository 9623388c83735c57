//! Bodies of `POST /v1/labels/verify` that are none: each error names the field and repeats nothing.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{TEXT, full_label, signed};
use crate::labels::{ReadError, VerifyRequest};

const PERSONAL: &str = "901123300258";

fn good() -> Value {
    json!({ "output": TEXT, "label": signed(full_label()) })
}

fn refused(body: &Value) -> ReadError {
    let error = VerifyRequest::read(body.to_string().as_bytes()).unwrap_err();
    assert!(!error.to_string().contains(PERSONAL) && !format!("{error:?}").contains(PERSONAL), "{error:?}");
    error
}

#[test]
fn wrong_values_are_refused_by_their_field() {
    let base64 = good()["label"]["signature"]["value"].as_str().unwrap().to_owned();
    let cases = [
        ("/label", json!(PERSONAL), "label"),
        ("/label", Value::Null, "label"),
        ("/label/synthetic", json!(false), "label.synthetic"),
        ("/label/synthetic", json!(PERSONAL), "label.synthetic"),
        ("/label/request_id", Value::Null, "label.request_id"),
        ("/label/time", json!(5), "label.time"),
        ("/label/route", json!([PERSONAL]), "label.route"),
        ("/label/model", json!({PERSONAL: 1}), "label.model"),
        ("/label/zone", json!(true), "label.zone"),
        ("/label/attempts", json!(-1), "label.attempts"),
        ("/label/attempts", json!(5_000_000_000_u64), "label.attempts"),
        ("/label/data_class", json!("Personal"), "label.data_class"),
        ("/label/entities", json!([1]), "label.entities"),
        ("/label/entities", json!({PERSONAL: "1"}), "label.entities"),
        ("/label/action", Value::Null, "label.action"),
        ("/label/notice", json!(PERSONAL), "label.notice"),
        ("/label/output_sha256", json!(PERSONAL), "label.output_sha256"),
        ("/label/signature", json!(PERSONAL), "label.signature"),
        ("/label/signature/alg", json!("none"), "label.signature.alg"),
        ("/label/signature/key_id", json!(PERSONAL), "label.signature.key_id"),
        ("/label/signature/value", json!(PERSONAL), "label.signature.value"),
        ("/label/signature/value", json!(format!("{base64}==")), "label.signature.value"),
        ("/label/signature/value", json!(base64.replace('_', "/")), "label.signature.value"),
        ("/label/signature/value", json!(format!(" {base64}")), "label.signature.value"),
        ("/output", json!([PERSONAL]), "output"),
    ];
    for (pointer, value, field) in cases {
        let mut body = good();
        *body.pointer_mut(pointer).unwrap() = value;
        assert_eq!(refused(&body).field(), Some(field), "{pointer}");
    }
}

#[test]
fn unknown_fields_are_refused_without_their_name() {
    for (pointer, field) in [("", "body"), ("/label", "label"), ("/label/signature", "label.signature")] {
        let mut body = good();
        body.pointer_mut(pointer).unwrap().as_object_mut().unwrap().insert(PERSONAL.to_owned(), json!(1));
        assert_eq!(refused(&body), ReadError::Unknown { field });
    }
    let mut body = good();
    body["tenant"] = json!("another");
    assert_eq!(refused(&body), ReadError::Unknown { field: "body" });
}

#[test]
fn there_is_exactly_one_output() {
    let mut body = good();
    body["output_sha256"] = json!("0".repeat(64));
    assert_eq!(refused(&body), ReadError::NotOneOutput);
    body.as_object_mut().unwrap().remove("output");
    VerifyRequest::read(body.to_string().as_bytes()).unwrap();
    body.as_object_mut().unwrap().remove("output_sha256");
    assert_eq!(refused(&body), ReadError::NotOneOutput);
}

#[test]
fn a_response_has_the_choices_of_a_whole_answer() {
    let answers = [
        json!(PERSONAL),
        json!({}),
        json!({"choices":[]}),
        json!({"choices":[{"delta":{"content":PERSONAL}}]}),
        json!({"choices":[{"message":PERSONAL}]}),
    ];
    for answer in answers {
        let body = json!({ "response": answer, "label": signed(full_label()) });
        assert_eq!(refused(&body).field(), Some("response.choices"));
    }
    let many: Vec<Value> = (0..2000).map(|index| json!({"index":index,"message":{"content":"x"}})).collect();
    let body = json!({ "response": { "choices": many }, "label": signed(full_label()) });
    assert_eq!(refused(&body).field(), Some("response.choices"));
}

#[test]
fn a_body_that_can_be_read_two_ways_is_refused() {
    let doubled = good().to_string().replacen(r#""model":"demo""#, r#""model":"demo","model":"other""#, 1);
    for body in [doubled.as_bytes(), b"", b"{", b"\xff", b"{}x"] {
        assert!(matches!(VerifyRequest::read(body), Err(ReadError::Body(_))));
    }
    assert!(matches!(VerifyRequest::read(b"[]"), Err(ReadError::Invalid { field: "body", .. })));
}

proptest! {
    #[test]
    fn no_body_breaks_it(cut in any::<prop::sample::Index>(), bytes in prop::collection::vec(any::<u8>(), 0..8)) {
        let mut body = good().to_string().into_bytes();
        let at = cut.index(body.len());
        let end = (at + bytes.len()).min(body.len());
        body.splice(at..end, bytes);
        let _ = VerifyRequest::read(&body);
    }
}
