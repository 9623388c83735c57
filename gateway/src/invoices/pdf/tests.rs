//! Printed documents, read back: every page's text through the file's own tables of characters.

use std::collections::HashMap;
use std::io::Read;

use flate2::read::ZlibDecoder;
use proptest::prelude::*;

use super::*;
use crate::invoices::samples::{
    act_draft, any_invoice, credit_note_draft, document_draft, invoice_draft, line, usage_line,
};
use crate::invoices::{ActDraft, InvoiceDraft, LineDraft, Pricing};

/// The text of each page, item by item, without what stands at its foot; and the feet.
fn read(pdf: &Pdf) -> (Vec<String>, Vec<String>) {
    let streams = streams(&pdf.bytes);
    let is_cmap = |stream: &&Vec<u8>| stream.starts_with(b"%!PS");
    let cmaps: Vec<_> =
        streams.iter().filter(is_cmap).map(|stream| characters(&String::from_utf8_lossy(stream))).collect();
    let contents =
        streams.iter().filter(|stream| stream.windows(4).any(|window| window == b" Tf\n" || window == b" Tf "));
    let texts: Vec<String> = contents.map(|stream| shown(stream, &cmaps)).collect();
    let split = |first: usize| texts.iter().skip(first).step_by(2).cloned().collect();
    (split(0), split(1))
}

/// All that can be decompressed.
fn streams(bytes: &[u8]) -> Vec<Vec<u8>> {
    let starts = bytes.windows(7).enumerate().filter(|(_, window)| window == b"stream\n").map(|(start, _)| start + 7);
    let inflate = |start: usize| {
        let mut stream = Vec::new();
        ZlibDecoder::new(&bytes[start..]).read_to_end(&mut stream).ok().map(|_| stream)
    };
    starts.filter_map(inflate).collect()
}

fn characters(cmap: &str) -> HashMap<u16, char> {
    let hex = |text: &str| u16::from_str_radix(text.trim_matches(['<', '>']), 16).ok();
    let pairs = cmap.lines().filter_map(|line| line.split_once(' '));
    pairs.filter_map(|(code, unit)| Some((hex(code)?, char::from_u32(u32::from(hex(unit)?))?))).collect()
}

/// `/R 8 Tf … <0001> Tj`, strings as `pdf-writer` has them: literal if all bytes are ASCII, else hexadecimal.
fn shown(content: &[u8], cmaps: &[HashMap<u16, char>]) -> String {
    let (mut text, mut bytes, mut font) = (String::new(), content.iter().copied().peekable(), 0);
    while let Some(byte) = bytes.next() {
        let codes = match byte {
            b'/' => {
                font = usize::from(bytes.next() == Some(b'B'));
                continue;
            }
            b'<' => {
                let digits: Vec<u8> = bytes.by_ref().take_while(|byte| *byte != b'>').collect();
                let digits = String::from_utf8(digits).unwrap();
                (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
            }
            b'(' => literal(&mut bytes),
            _ => continue,
        };
        let pairs = codes.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        text.extend(pairs.map(|code| cmaps[font][&code]));
        text.push('\n');
    }
    text
}

fn literal(bytes: &mut std::iter::Peekable<impl Iterator<Item = u8>>) -> Vec<u8> {
    let (mut codes, mut depth) = (Vec::new(), 1);
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => codes.push(match bytes.next().unwrap() {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'b' => 8,
                b'f' => 12,
                first @ b'0'..=b'7' => {
                    let digits = [first, bytes.next().unwrap(), bytes.next().unwrap()];
                    digits.iter().fold(0, |code, digit| code * 8 + (digit - b'0'))
                }
                other => other,
            }),
            b')' if depth == 1 => break,
            _ => {
                depth += i32::from(byte == b'(') - i32::from(byte == b')');
                codes.push(byte);
            }
        }
    }
    codes
}

fn printed(draft: &InvoiceDraft) -> Pdf {
    Print::invoice(&Invoice::new(draft).unwrap()).unwrap().finish().unwrap()
}

#[test]
fn an_invoice_says_all_that_one_must_say() {
    let pdf = printed(&invoice_draft());
    assert!(pdf.bytes.starts_with(b"%PDF-1.7\n") && pdf.bytes.trim_ascii_end().ends_with(b"%%EOF"));
    assert_eq!(pdf.num_pages, 1);
    let (pages, feet) = read(&pdf);
    for text in [
        "Счёт на оплату № SH-2026-000042 от 31 октября 2026 г.",
        "2026 жылғы 31 қазандағы № SH-2026-000042 төлем шоты",
        "KZ86125KZT5004100100",
        "HSBKKZKX",
        "БИН / БСН 180140000008",
        "1 234 567,89",
        "≈1,234568",
        "Всего с НДС / ҚҚС-пен барлығы:",
        "1 493 679,01 ₸",
        "Всего к оплате: Один миллион четыреста девяносто три тысячи шестьсот семьдесят девять тенге 01 тиын",
        "Төлеуге барлығы: Бір миллион төрт жүз тоқсан үш мың алты жүз жетпіс тоғыз теңге 01 тиын",
        "Әбдірахманова Г. Қ.",
    ] {
        assert!(pages[0].contains(text), "{text}\n{}", pages[0]);
    }
    assert_eq!(feet, ["Счёт на оплату № SH-2026-000042 от 31.10.2026\n1 из 1\n"]);
}

#[test]
fn an_act_is_the_form_of_the_order() {
    let act = Act::new(&act_draft()).unwrap();
    let (pages, _) = read(&Print::act(&act).unwrap().finish().unwrap());
    for text in ["Форма Р-1", "Р-1 нысаны", "АКТ ВЫПОЛНЕННЫХ РАБОТ (ОКАЗАННЫХ УСЛУГ)*", "990440000385", "01.10.2026–"]
    {
        assert!(pages[0].contains(text), "{text}\n{}", pages[0]);
    }
}

#[test]
fn a_credit_note_says_what_it_corrects() {
    let note = CreditNote::new(&credit_note_draft()).unwrap();
    let (pages, _) = read(&Print::credit_note(&note).unwrap().finish().unwrap());
    for text in
        ["№ SH-2026-000042 от 31 октября 2026 г.", "-3 086,42", "Сумма корректировки: Минус пятьдесят три тысячи"]
    {
        assert!(pages[0].contains(text), "{text}\n{}", pages[0]);
    }
}

#[test]
fn the_same_document_is_the_same_bytes() {
    assert_eq!(printed(&invoice_draft()), printed(&invoice_draft()));
    let mut other = invoice_draft();
    other.document.signer.name.push('а');
    assert_ne!(printed(&invoice_draft()), printed(&other));
}

#[test]
fn an_appendix_adds_up_to_the_document() {
    let invoice = Invoice::new(&invoice_draft()).unwrap();
    let total = invoice.document().totals().lines.tiyn();
    let print = |last: i64| {
        let mut print = Print::invoice(&invoice).unwrap();
        for _ in 0..99 {
            print.usage_line(&usage_line(1_000)).unwrap();
        }
        print.usage_line(&usage_line(last)).unwrap();
        print.finish()
    };
    let pdf = print(total - 99_000).unwrap();
    let (pages, feet) = read(&pdf);
    assert_eq!(pages.len(), pdf.num_pages);
    assert!(pages[1].starts_with("Приложение: расшифровка использования\nҚосымша"));
    assert!(pages[1].contains("Контакт-центр [U+1F600]\n") && pages[1].contains("1,234\n"));
    assert!(pages.last().unwrap().contains("Итого (строк: 100) / Барлығы (жол: 100):\n1 287 654,32\n"));
    assert!(feet.last().unwrap().contains(&format!("{0} из {0}", pdf.num_pages)));
    let off = print(total - 99_001).unwrap_err();
    assert!(matches!(off, PdfError::OtherTotal { .. }), "{off}");
}

/// What closes a table is never alone, however many rows there are.
#[test]
fn totals_stand_below_the_last_line() {
    for count in 1..=24 {
        let lines: Vec<LineDraft> =
            (1..=count).map(|position| line(1, "1", Pricing::Summed, 100_000 + position)).collect();
        let invoice = InvoiceDraft { document: document_draft(lines.clone()), ..invoice_draft() };
        let act = ActDraft { document: document_draft(lines), ..act_draft() };
        let act = Print::act(&Act::new(&act).unwrap()).unwrap().finish().unwrap();
        for (pdf, closing) in [(printed(&invoice), "Всего к оплате:"), (act, "Всего на сумму:")]
        {
            let (pages, _) = read(&pdf);
            let last = pages.last().unwrap();
            assert!(last.contains(&format!("\n1 000,{count:02}\nИтого / Барлығы")), "{count} lines\n{last}");
            assert!(last.contains(closing), "{count} lines\n{last}");
        }
    }
}

#[test]
fn a_row_longer_than_a_page_goes_on_with_the_totals_below_its_last_lines() {
    let mut draft = act_draft();
    let name = "Щ".repeat(500);
    let long = LineDraft { name_ru: name.clone(), name_kk: Some(name), ..line(1, "1", Pricing::Summed, 100) };
    draft.document = document_draft(vec![long; 3]);
    let (pages, _) = read(&Print::act(&Act::new(&draft).unwrap()).unwrap().finish().unwrap());
    let last = pages.last().unwrap();
    assert!(last.contains("Щ\n") && last.contains("Всего на сумму:"));
    let letters: usize = pages.iter().map(|page| page.matches('Щ').count()).sum();
    assert_eq!(letters, 3_000);
}

#[test]
fn what_no_page_can_hold_is_an_error() {
    let mut draft = act_draft();
    draft.document.supplier.name = "😀".repeat(250);
    draft.document.supplier.name_kk = Some("😀".repeat(250));
    draft.document.supplier.address = "😀".repeat(250);
    let error = Print::act(&Act::new(&draft).unwrap()).map(|_| ()).unwrap_err();
    assert!(matches!(error, PdfError::TooTall), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_invoice_is_printed_whole(draft in any_invoice()) {
        let pdf = printed(&draft);
        let (pages, feet) = read(&pdf);
        prop_assert_eq!(pages.len(), pdf.num_pages);
        for (index, foot) in feet.iter().enumerate() {
            let number = format!("\n{} из {}\n", index + 1, pdf.num_pages);
            prop_assert!(foot.ends_with(&number), "{}", foot);
        }
        for position in 1..=draft.document.lines.len() {
            let code = format!("AI-{position}-AI\n");
            prop_assert_eq!(pages.iter().filter(|page| page.contains(&code)).count(), 1);
        }
        let payable = Invoice::new(&draft).unwrap().document().totals().payable;
        let payable = format!("на сумму {} ₸", payable.to_string().replace('\u{a0}', " "));
        prop_assert!(pages.last().unwrap().contains(&payable));
    }
}
