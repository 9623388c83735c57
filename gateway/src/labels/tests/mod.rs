//! Labels from end to end: known answers made with other software, changes of every kind, hostile bodies.

mod body;
mod digest;
mod seal;

use std::collections::BTreeMap;

use super::{Label, Notice, OutputSha256, SignedLabel, Synthetic};
use crate::auth::DataClass;
use crate::signing::Signer;

const TEXT: &str = "Сәлем, әлем!";
const TENANT: &str = "clinic";

fn signer() -> Signer {
    let mut seed = [0; 32];
    for (byte, value) in seed.iter_mut().zip(0..) {
        *byte = value;
    }
    Signer::from_seed(&seed)
}

fn full_label() -> Label {
    Label {
        synthetic: Synthetic,
        request_id: "req-1".to_owned(),
        time: "2026-03-01T10:00:00.000Z".to_owned(),
        route: Some("chat".to_owned()),
        provider: Some("local".to_owned()),
        model: "demo".to_owned(),
        zone: "local".to_owned(),
        reason: Some("pii".to_owned()),
        attempts: Some(1),
        data_class: DataClass::Personal,
        entities: BTreeMap::from([("phone".to_owned(), 2), ("iin".to_owned(), 1)]),
        action: "local".to_owned(),
        notice: Some(Notice::Kk),
    }
}

fn least_label() -> Label {
    Label {
        request_id: "req-2".to_owned(),
        route: None,
        provider: None,
        reason: None,
        attempts: None,
        data_class: DataClass::Public,
        entities: BTreeMap::new(),
        action: "none".to_owned(),
        notice: None,
        ..full_label()
    }
}

fn signed(label: Label) -> SignedLabel {
    SignedLabel::sign(label, OutputSha256::of_text(TEXT), TENANT, &signer()).unwrap()
}
