//! Tables against goldens, and against what spreadsheets would do to them.

use proptest::prelude::*;

use super::*;
use crate::invoices::json;
use crate::invoices::samples::{act_draft, any_invoice, credit_note_draft, invoice_draft, usage_line};

/// Every format against what stood there when it was read by eye.
#[test]
fn documents_are_written_as_their_goldens() {
    let invoice = Invoice::new(&invoice_draft()).unwrap();
    let act = Act::new(&act_draft()).unwrap();
    let note = CreditNote::new(&credit_note_draft()).unwrap();
    assert_eq!(super::invoice(&invoice), include_str!("../../tests/fixtures/invoices/invoice.csv"));
    assert_eq!(super::act(&act), include_str!("../../tests/fixtures/invoices/act.csv"));
    assert_eq!(super::credit_note(&note), include_str!("../../tests/fixtures/invoices/credit_note.csv"));
    assert_eq!(json::invoice(&invoice).unwrap(), include_str!("../../tests/fixtures/invoices/invoice.json"));
    assert_eq!(json::act(&act).unwrap(), include_str!("../../tests/fixtures/invoices/act.json"));
    assert_eq!(json::credit_note(&note).unwrap(), include_str!("../../tests/fixtures/invoices/credit_note.json"));
}

#[test]
fn an_appendix_is_written_line_by_line() {
    let line = usage_line(-5);
    assert_eq!(usage_head(), "\u{feff}Номер строки;Проект;Отдел;Ключ;Модель;Единица;Количество;Сумма\r\n");
    assert_eq!(usage_row(1, &line), "1;Контакт-центр 😀;;'+key;qwen3-32b;тыс. токенов;1,234;-0,05\r\n");
    let object = r#"{"project":"Контакт-центр 😀","department":null,"key":"+key","model":"qwen3-32b","unit":"тыс. токенов","quantity":"1.234","sum":"-0.05"}"#;
    assert_eq!(json::usage_line(&line).unwrap(), object);
}

#[test]
fn no_text_is_a_formula() {
    for text in ["=1+1", "+7 701", "-5", "@SUM(A1)", "＝1"] {
        assert_eq!(cell(text), format!("'{text}"));
    }
    assert_eq!(cell("=\"a\";b"), "\"'=\"\"a\"\";b\"");
    assert_eq!(cell("a=b"), "a=b");
}

/// As RFC 4180 has it, with semicolons.
fn read(text: &str) -> Vec<Vec<String>> {
    let mut rows = vec![vec![String::new()]];
    let (mut is_quoted, mut characters) = (false, text.trim_start_matches('\u{feff}').chars().peekable());
    while let Some(character) = characters.next() {
        let row = rows.last_mut().unwrap();
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                row.last_mut().unwrap().push('"');
            }
            '"' => is_quoted = !is_quoted,
            ';' if !is_quoted => row.push(String::new()),
            '\r' if !is_quoted => {}
            '\n' if !is_quoted => rows.push(vec![String::new()]),
            other => row.last_mut().unwrap().push(other),
        }
    }
    rows.pop();
    rows
}

proptest! {
    #[test]
    fn every_row_has_every_column_and_its_sum(draft in any_invoice()) {
        let rows = read(&super::invoice(&Invoice::new(&draft).unwrap()));
        prop_assert_eq!(rows.len(), draft.document.lines.len() + 1);
        for (row, line) in rows.iter().skip(1).zip(&draft.document.lines) {
            prop_assert_eq!(row.len(), HEAD.len());
            prop_assert_eq!(row[11].trim_start_matches('\''), line.name_ru.trim());
            prop_assert_eq!(row[16].parse(), Ok(line.sum));
            prop_assert!(row.iter().all(|cell| !cell.starts_with(['=', '+', '@'])));
        }
    }
}
