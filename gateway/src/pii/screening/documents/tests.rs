//! Documents as programs write them, whole, damaged and hostile.

use std::io::{Cursor, Write as _};

use proptest::prelude::*;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::{Reading, read_document};

macro_rules! fixture {
    ($name:literal) => {
        &include_bytes!(concat!("../../../../tests/fixtures/documents/", $name))[..]
    };
}

fn text(bytes: &[u8]) -> Vec<String> {
    match read_document(None, None, bytes) {
        Reading::Text(pieces) => pieces,
        other => panic!("{other:?}"),
    }
}

fn partly(bytes: &[u8]) -> Vec<String> {
    match read_document(None, None, bytes) {
        Reading::Partly(pieces) => pieces,
        other => panic!("{other:?}"),
    }
}

fn holds(pieces: &[String], text: &str) -> bool {
    pieces.iter().any(|piece| piece.contains(text))
}

fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, data) in parts {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(data).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn dump() {
    for bytes in [fixture!("clean.pdf"), fixture!("pieces.pdf"), fixture!("cyrillic.pdf"), fixture!("form.pdf"), fixture!("iin.pdf"), fixture!("image.pdf"), fixture!("inline_image.pdf"), fixture!("encrypted.pdf"), fixture!("outlined.pdf"), fixture!("cyrillic_clean.pdf"), fixture!("iin.xlsx")] {
        match read_document(None, None, bytes) {
            Reading::Text(p) => println!("TEXT {p:#?}"),
            Reading::Partly(p) => println!("PARTLY {p:#?}"),
            Reading::Unreadable => println!("UNREADABLE"),
        }
    }
}
