//! Documents as programs write them, whole, damaged and hostile.

use std::io::{Cursor, Write as _};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use proptest::prelude::*;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::{Reading, read_document};

macro_rules! fixture {
    ($name:literal) => {
        &include_bytes!(concat!("../../../../tests/fixtures/documents/", $name))[..]
    };
}

/// Reading anything of a size that a test makes takes less, by far.
const PATIENCE: Duration = Duration::from_secs(20);

fn read(bytes: &[u8]) -> Reading {
    let start = Instant::now();
    let reading = read_document(None, None, bytes);
    assert!(start.elapsed() < PATIENCE, "{} bytes took {:?}", bytes.len(), start.elapsed());
    reading
}

#[track_caller]
fn text(bytes: &[u8]) -> Vec<String> {
    match read(bytes) {
        Reading::Text(pieces) => pieces,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn partly(bytes: &[u8]) -> Vec<String> {
    match read(bytes) {
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

fn deflated(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// A page in Helvetica with `content`, and further objects from number 5 on.
fn pdf(content: &[u8], entries: &str, more: &[&str]) -> Vec<u8> {
    let mut file = b"%PDF-1.7\n1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj\n\
        2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1/Resources <</Font <</F <</Type/Font/Subtype/Type1\
        /BaseFont/Helvetica/Encoding/WinAnsiEncoding>> >>/XObject <</X 5 0 R>> >> >> endobj\n\
        3 0 obj <</Type/Page/Parent 2 0 R/Contents 4 0 R>> endobj\n"
        .to_vec();
    writeln!(file, "4 0 obj <<{entries}/Length {}>> stream", content.len()).unwrap();
    file.extend_from_slice(content);
    file.extend_from_slice(b"\nendstream endobj\n");
    for (number, object) in (5..).zip(more) {
        writeln!(file, "{number} 0 obj {object} endobj").unwrap();
    }
    file.extend_from_slice(b"trailer <</Root 1 0 R>>\nstartxref\n0\n%%EOF\n");
    file
}

#[test]
fn pdf_files_are_read_whole() {
    assert!(holds(&text(fixture!("clean.pdf")), "The meeting is on Monday.\nPlease bring"));
    assert!(holds(&text(fixture!("iin.pdf")), "IIN 901123300258"));
    assert!(holds(&text(fixture!("pieces.pdf")), "IIN 901123300258\nSum 12"));
    assert!(holds(&text(fixture!("form.pdf")), "iin\nIIN\n901123300258"));
    let cyrillic = text(fixture!("cyrillic.pdf"));
    assert!(holds(&cyrillic, "Клиенттің ЖСН нөмірі:\n9011 2330 0258\nадрес почты a.b@mail.kz"));
}

#[test]
fn what_cannot_be_read_in_a_pdf_is_not_passed_over() {
    assert!(holds(&partly(fixture!("image.pdf")), "The meeting"));
    assert!(holds(&partly(fixture!("inline_image.pdf")), "The meeting"));
    assert!(holds(&partly(fixture!("outlined.pdf")), "The meeting"));
    assert_eq!(read(fixture!("encrypted.pdf")), Reading::Unreadable);
    let content = b"BT /F 10 Tf 10 10 Td (IIN 901123300258) Tj ET";
    assert!(holds(&text(&pdf(content, "", &[])), "IIN 901123300258"));
    for (object, what) in [
        ("<</Type/EmbeddedFile/Length 2>> stream\nhi\nendstream", "an embedded file"),
        ("<</Length 2>> stream\nhi\nendstream", "a stream that nothing names"),
        ("<</Subtype/Image/Length 2>> stream\nhi\nendstream", "an image"),
        ("<</Type/Metadata/Filter/LZWDecode/Length 2>> stream\nhi\nendstream", "an unknown filter"),
        ("<</Type/Annot/A 1/A 2>>", "a key that stands twice"),
        ("1 endobj 1 0 obj 2", "an object that replaces another"),
        ("1 endobj surplus", "something between objects"),
        ("<</Type/Page/Annots[<</Subtype/Ink>>]>>", "handwriting"),
        ("<</Type/Sig/ByteRange[0 1]/Contents<41>>>", "a signature"),
    ] {
        let pieces = partly(&pdf(content, "", &[object]));
        assert!(what == "something between objects" || holds(&pieces, "IIN 901123300258"), "{what}");
    }
    for (content, what) in [
        (&b"BT /G 10 Tf (IIN 901123300258) Tj ET"[..], "a font that is not there"),
        (b"BT /F 10 Tf (IIN 901123300258) Tj (\x81\x01) Tj ET", "a code without a character"),
        (b"BT /F 10 Tf (IIN 901123300258) Tj ET ]", "a bracket too many"),
        (b"BT /F 10 Tf (IIN 901123300258) Tj ET BI /W 1 ID x EI", "an image inside the text"),
        (b"BT /F 10 Tf (IIN 901123300258) Tj ET /X Do", "a drawing that is not there"),
    ] {
        assert!(holds(&partly(&pdf(content, "", &[])), "IIN 901123300258"), "{what}");
    }
}

#[test]
fn fonts_may_name_their_letters_themselves() {
    let page = "<</Type/Page/Contents 6 0 R/Resources <</Font <</G 7 0 R>> >> >>";
    let content = "<</Length 34>> stream\nBT /G 10 Tf (abb cad) Tj ET        \nendstream";
    let font = "<</Type/Font/Subtype/Type1/FontDescriptor 8 0 R>>";
    let program = "/Encoding 256 array\ndup 97 /I put dup 98 /N put\ndup 99 /nine put dup 100 /zero put dup 32 /space put\n\
                   readonly def currentfile eexec";
    let program = format!("<</Length {}>> stream\n{program}\nendstream", program.len());
    let objects = [page, content, font, "<</FontFile 9 0 R>>", &program];
    assert!(holds(&text(&pdf(b"", "", &objects)), "INN 9I0"));
    let unknown = program.replace("/nine", "/glyp");
    let objects = [page, content, font, "<</FontFile 9 0 R>>", &unknown];
    assert!(holds(&partly(&pdf(b"", "", &objects)), "INN I0"));
}

#[test]
fn texts_beside_the_pages_are_read() {
    let content = b"% IIN 1\nBT /F 10 Tf /Span <</ActualText (IIN 2)>> BDC (x) Tj EMC ET /X Do";
    let form = "<</Subtype/Form/Length 34>> stream\nBT /F 9 Tf (IIN) Tj 30 0 Td (3) Tj ET\nendstream";
    let properties = "<</Title (IIN 4)/Next <</JS (IIN 5)/X [<FEFF0049 0049 004E0020 0036>]>> >>";
    let metadata = "<</Type/Metadata/Length 21>> stream\n<x>II<b>N</b> 7</x>  \nendstream";
    let pieces = text(&pdf(content, "", &[form, properties, metadata, "% IIN 8\n901123300258"]));
    for expected in ["IIN 1", "IIN 2", "IIN 3", "IIN 4", "IIN 5", "IIN 6", "IIN 7", "IIN 8", "901123300258"] {
        assert!(holds(&pieces, expected), "{expected}");
    }
}

#[test]
fn office_files_are_read_whole() {
    assert!(holds(&text(fixture!("clean.docx")), "The meeting is on Monday.\nPlease bring"));
    assert!(holds(&text(fixture!("runs.docx")), "ИИН 901123300258"));
    assert!(holds(&text(fixture!("table.docx")), "ЖСН \t900000000000"));
    assert!(holds(&text(fixture!("comment.docx")), "ИИН 901123300258"));
    assert!(holds(&text(fixture!("header.docx")), "IIN 901123300258"));
    assert!(holds(&partly(fixture!("image.docx")), "The meeting"));
    assert!(holds(&text(fixture!("clean.xlsx")), "Товар: Стул\tЦена: 12500"));
    assert!(holds(&text(fixture!("iin.xlsx")), "ИИН: 900000000000\tДата рождения: 23.11.1990"));
}

#[test]
fn cells_may_share_their_texts() {
    let shared = "<sst><si><t>ИИН</t></si><si><r><t>9011</t></r><r><t>23300258</t></r></si></sst>";
    let sheet = "<worksheet><row><c r='A1' t='s'><v>0</v></c></row>\
                 <row><c r='A2' t='s'><v>1</v></c><c r='B2'><v>9.01123300258E+11</v></c></row></worksheet>";
    let parts = [("xl/sharedStrings.xml", shared.as_bytes()), ("xl/worksheets/sheet1.xml", sheet.as_bytes())];
    assert!(holds(&text(&archive(&parts)), "ИИН: 901123300258\t901123300258"));
    let bomb = format!("<sst><si><t>{}</t></si></sst>", "x".repeat(30_000));
    let rows = "<c t='s'><v>0</v></c>".repeat(30_000);
    let rows = format!("<worksheet><row/><row>{rows}</row></worksheet>");
    let parts = [("xl/sharedStrings.xml", bomb.as_bytes()), ("xl/worksheets/sheet1.xml", rows.as_bytes())];
    partly(&archive(&parts));
}

#[test]
fn parts_that_are_no_text_are_not_passed_over() {
    let document = ("word/document.xml", &b"<p><t>IIN 901123300258</t></p>"[..]);
    assert!(holds(&text(&archive(&[document])), "IIN 901123300258"));
    for other in [
        ("word/media/image1.png", &b"x"[..]),
        ("word/embeddings/book.bin", b"x"),
        ("word/ink/ink1.xml", b"<ink/>"),
        ("word/broken.xml", b"<a>"),
        ("word/latin.xml", b"<a>\xE9</a>"),
        ("word/data.xml", b"<!DOCTYPE a><a/>"),
    ] {
        assert!(holds(&partly(&archive(&[document, other])), "IIN 901123300258"), "{}", other.0);
    }
    let whole = archive(&[document]);
    let behind = [whole.as_slice(), b"more"].concat();
    assert!(!matches!(read(&behind), Reading::Text(_)));
    let twice = [&whole[..whole.len() / 2], &whole[..]].concat();
    assert!(!matches!(read(&twice), Reading::Text(_)));
}

#[test]
fn texts_are_read_by_what_they_are() {
    let kind = |media_type: &str, name: &str, bytes: &[u8]| {
        let reading = read_document(Some(media_type), Some(name), bytes);
        match reading {
            Reading::Text(_) => "text",
            Reading::Partly(_) => "partly",
            Reading::Unreadable => "unreadable",
        }
    };
    for (media_type, name, bytes, expected) in [
        ("text/plain", "a.txt", "ИИН 901123300258".as_bytes(), "text"),
        ("text/csv; charset=utf-8", "a.csv", b"a;b\r\n1;2", "text"),
        ("application/json", "a.json", b"{\"a\": 1}", "text"),
        ("", "", b"\xEF\xBB\xBFtext", "text"),
        ("text/plain", "", b"\xFF\xFEa\0b\0", "text"),
        ("text/plain", "a.txt", b"", "text"),
        ("text/plain", "a.txt", b"\xC8\xC8\xCD 901123300258", "partly"),
        ("text/plain", "a.txt", b"\x89PNG\r\n\x1A\n\0", "unreadable"),
        ("text/plain", "a.txt", b"a\0b", "partly"),
        ("text/plain", "a.txt", fixture!("iin.pdf"), "text"),
        ("application/pdf", "a.pdf", fixture!("iin.xlsx"), "text"),
        ("application/pdf", "a.pdf", b"only text", "partly"),
        ("image/png", "a.png", b"only text", "partly"),
        ("text/plain", "letter.eml", b"only text", "partly"),
        ("text/html", "a.html", b"<p>a<svg><path d='M0 0'/></svg>", "partly"),
        ("text/plain", "a.txt", b"{\\rtf1 text}", "partly"),
        ("text/plain", "a.txt", b"about %PDF- files", "text"),
        ("text/plain", "a.txt", b"\x01\xFF%PDF-1.7 cut", "unreadable"),
    ] {
        assert_eq!(kind(media_type, name, bytes), expected, "{media_type} {name} {} bytes", bytes.len());
    }
}

#[test]
fn small_files_do_not_unfold_into_much() {
    let zeros = vec![b' '; 16 << 20];
    let bomb = deflated(&zeros);
    for entries in ["/Filter/FlateDecode", "/Filter[/FlateDecode/FlateDecode]"] {
        partly_or_nothing(&pdf(&bomb, entries, &[]));
    }
    partly_or_nothing(&archive(&[("word/document.xml", &zeros)]));
    let many: Vec<(String, Vec<u8>)> = (0..3_000).map(|n| (format!("{n}.xml"), b"<a/>".to_vec())).collect();
    let many: Vec<_> = many.iter().map(|(name, data)| (name.as_str(), data.as_slice())).collect();
    partly_or_nothing(&archive(&many));
    // Drawings that draw themselves, and each other many times over.
    let draws = "/X Do ".repeat(2_000);
    let form = format!("<</Subtype/Form/Length {}>> stream\n{draws}\nendstream", draws.len());
    partly_or_nothing(&pdf(draws.as_bytes(), "", &[&form]));
    // One stream shown on every page, one list of notes on every page.
    let content = "BT (x) Tj ET ".repeat(20_000);
    let shared = format!("<</Length {}>> stream\n{content}\nendstream", content.len());
    let pages = vec!["<</Type/Page/Contents 5 0 R/Annots 6 0 R>>"; 5_000];
    let notes = format!("[{}]", "<<>> ".repeat(20_000));
    let more: Vec<&str> = [shared.as_str(), notes.as_str()].into_iter().chain(pages).collect();
    partly_or_nothing(&pdf(b"", "", &more));
}

fn partly_or_nothing(bytes: &[u8]) {
    assert!(!matches!(read(bytes), Reading::Text(_)));
}

#[test]
fn files_that_are_cut_short_are_not_whole() {
    for whole in [fixture!("iin.pdf"), fixture!("form.pdf"), fixture!("runs.docx"), fixture!("iin.xlsx")] {
        for percent in 1..100 {
            let cut = &whole[..whole.len() * percent / 100];
            // A PDF without the end of its trailer has lost no text.
            if matches!(read(cut), Reading::Text(_)) {
                assert!(percent > 85 && cut.starts_with(b"%PDF"), "{percent} percent of {} bytes", whole.len());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn damaged_files_do_no_harm(place in any::<prop::sample::Index>(), byte in any::<u8>(), file in 0..4_usize) {
        let files = [fixture!("pieces.pdf"), fixture!("cyrillic.pdf"), fixture!("runs.docx"), fixture!("iin.xlsx")];
        let mut damaged = files[file].to_vec();
        let place = place.index(damaged.len());
        damaged[place] = byte;
        read(&damaged);
    }

    #[test]
    fn any_bytes_can_be_given(bytes in prop::collection::vec(any::<u8>(), 0..300), start in 0..4_usize) {
        let start = [&b"%PDF-1.7\n"[..], b"PK\x03\x04", b"", b"<a>"][start];
        read(&[start, &bytes].concat());
    }

    #[test]
    fn a_value_on_a_page_is_found_wherever_it_is_cut(cuts in prop::collection::vec(0..12_usize, 0..5)) {
        let mut cuts = cuts;
        cuts.extend([0, 12]);
        cuts.sort_unstable();
        let pieces: Vec<&str> = cuts.windows(2).map(|cut| &"901123300258"[cut[0]..cut[1]]).collect();
        let pieces = pieces.join(")(");
        let content = format!("BT /F 10 Tf 10 10 Td [(IIN )-300({pieces})] TJ ET");
        prop_assert!(holds(&text(&pdf(content.as_bytes(), "", &[])), "901123300258"));
    }
}
