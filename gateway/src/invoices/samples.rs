//! Documents for tests: three lines as a gateway has them, and any number of any others.

use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::*;
use crate::billing::Tenge;

pub(super) const DAY: Date = date(2026, 10, 31);
pub(super) const ON_TOP: VatTerms =
    VatTerms { rate: VatRate::Standard, placement: VatPlacement::OnTop, turnover_date: DAY };

pub(super) fn invoice_draft() -> InvoiceDraft {
    InvoiceDraft { document: document_draft(three_lines()), due: date(2026, 11, 15), payment_purpose: "859".to_owned() }
}

pub(super) fn act_draft() -> ActDraft {
    ActDraft {
        document: document_draft(three_lines()),
        performed: Period::new(date(2026, 10, 1), DAY).unwrap(),
        report: None,
        buyer_signer: None,
    }
}

pub(super) fn credit_note_draft() -> CreditNoteDraft {
    let mut document = document_draft(three_lines().into_iter().take(2).map(taken_back).collect());
    document.number = "SH-2026-000043".to_owned();
    document.date = date(2026, 11, 5);
    document.vat.placement = VatPlacement::Included;
    CreditNoteDraft {
        document,
        invoice_number: "SH-2026-000042".to_owned(),
        invoice_date: DAY,
        closed: Period::new(date(2026, 10, 1), DAY).unwrap(),
        reason: "Сверка с отчётом провайдера: прерванные запросы учтены дважды".to_owned(),
    }
}

pub(super) fn document_draft(lines: Vec<LineDraft>) -> DocumentDraft {
    DocumentDraft {
        number: "SH-2026-000042".to_owned(),
        date: DAY,
        supplier: PartyDraft {
            name: "ТОО «Шекара Технологиялары»".to_owned(),
            name_kk: Some("«Шекара Технологиялары» ЖШС".to_owned()),
            tax_id: "180140000008".to_owned(),
            address: "010000, г. Астана, пр. Мәңгілік Ел, 55".to_owned(),
            phone: Some("+7 (7172) 55-55-55".to_owned()),
            bank: Some(BankDraft {
                name: "АО «Народный Банк Казахстана»".to_owned(),
                iik: "KZ86125KZT5004100100".to_owned(),
                bik: "HSBKKZKX".to_owned(),
                kbe: "17".to_owned(),
            }),
        },
        buyer: PartyDraft {
            name: "АО «Қазына; \"Өңірлік\" Қоры»".to_owned(),
            tax_id: "990440000385".to_owned(),
            address: "050000, г. Алматы, пр. Әл-Фараби, 77/7".to_owned(),
            ..PartyDraft::default()
        },
        contract: Some(ContractDraft { number: "-ИИ-17/2026".to_owned(), date: date(2026, 1, 15) }),
        lines_total: Tenge::sum(lines.iter().map(|line| line.sum)).unwrap(),
        lines,
        vat: ON_TOP,
        signer: SignerDraft {
            position: "Главный бухгалтер".to_owned(), name: "Әбдірахманова Г. Қ.".to_owned()
        },
    }
}

pub(super) fn three_lines() -> Vec<LineDraft> {
    let tokens = line(1, "1234.567", Pricing::PerUnit("2.5".parse().unwrap()), 308_642);
    let hours = LineDraft {
        code: None,
        name_ru: "=Аренда GPU".to_owned(),
        name_kk: Some("GPU жалға алу".to_owned()),
        unit: Unit::gpu_hour(),
        quantity: Quantity::ONE,
        pricing: Pricing::Summed,
        sum: Tenge::from_tiyn(5_000_001),
    };
    vec![tokens, hours, line(3, "1000000", Pricing::Summed, 123_456_789)]
}

pub(super) fn line(position: usize, quantity: &str, pricing: Pricing, tiyn: i64) -> LineDraft {
    LineDraft {
        code: Some(format!("AI-{position}-AI")),
        name_ru: "Доступ к модели anthropic/claude-sonnet-4.5, токены ответов".to_owned(),
        name_kk: Some("anthropic/claude-sonnet-4.5 моделіне қолжетімділік, жауап токендері".to_owned()),
        unit: Unit::thousand_tokens(),
        quantity: quantity.parse().unwrap(),
        pricing,
        sum: Tenge::from_tiyn(tiyn),
    }
}

fn taken_back(line: LineDraft) -> LineDraft {
    let quantity = Quantity::from_millionths(-line.quantity.millionths());
    LineDraft { quantity, sum: Tenge::ZERO.minus(line.sum).unwrap(), ..line }
}

pub(super) fn usage_line(tiyn: i64) -> UsageLine {
    UsageLine::new(&UsageDraft {
        project: "Контакт-центр 😀".to_owned(),
        department: None,
        key: "+key".to_owned(),
        model: "qwen3-32b".to_owned(),
        unit: "тыс. токенов".to_owned(),
        quantity: Quantity::thousands_of_tokens(1_234).unwrap(),
        sum: Tenge::from_tiyn(tiyn),
    })
    .unwrap()
}

/// Names of letters of all widths, long and short, some without a place to break, some without glyphs.
fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[а-яәғқңөұүһіА-Я ]{1,60}", "[ЩШW]{1,240}", "[a-z0-9/_.-]{1,120}", "[😀通a ]{1,40}"]
        .prop_map(|name| format!("н{name}"))
}

fn line_draft() -> impl Strategy<Value = LineDraft> {
    let sums = prop_oneof![Just(0_i64), 1_i64..1_000_000_000, Just(100_000_000_000_000)];
    (name(), name(), 1_i64..10_000_000_000, sums).prop_map(|(name_ru, name_kk, millionths, tiyn)| LineDraft {
        name_ru,
        name_kk: Some(name_kk),
        quantity: Quantity::from_millionths(millionths),
        ..line(1, "1", Pricing::Summed, tiyn)
    })
}

/// Anything that [`Invoice::new`] takes.
pub(super) fn any_invoice() -> impl Strategy<Value = InvoiceDraft> {
    let rates = prop_oneof![Just(VatRate::Standard), Just(VatRate::Zero), Just(VatRate::Exempt)];
    let placements = prop_oneof![Just(VatPlacement::OnTop), Just(VatPlacement::Included)];
    let lines = prop::collection::vec(line_draft(), 1..25);
    (lines, rates, placements, name(), name()).prop_map(|(mut lines, rate, placement, supplier, buyer)| {
        for (index, line) in lines.iter_mut().enumerate() {
            line.code = Some(format!("AI-{}-AI", index + 1));
        }
        let mut draft = invoice_draft();
        draft.document = document_draft(lines);
        draft.document.vat = VatTerms { rate, placement, turnover_date: DAY };
        draft.document.supplier.name = supplier;
        draft.document.buyer.name = buyer;
        draft
    })
}
