//! What several forms have in common: headings, the parties, the sums below a table.

use super::group::{Area, Group};
use super::typeface::{Style, Typefaces};
use super::wrap::{Align, Paragraph};
use crate::billing::{Language, Tenge, in_words};
use crate::invoices::dates;
use crate::invoices::document::Document;
use crate::invoices::identifiers::{TaxId, TaxIdKind};
use crate::invoices::party::{Contract, Party};
use crate::invoices::vat::{Vat, VatPlacement};

pub(super) const BODY: Style = Style::regular(8.0);
pub(super) const STRONG: Style = Style::bold(8.0);
pub(super) const SMALL: Style = Style::regular(6.5);
pub(super) const HEADING: Style = Style::bold(13.0);
pub(super) const SECOND_HEADING: Style = Style::bold(9.5);
/// Of what labels stand in, left of what they name.
const LABEL_WIDTH: f32 = 122.0;
pub(super) const THICK: f32 = 1.4;

/// A label in both languages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Label {
    pub(super) ru: &'static str,
    pub(super) kk: &'static str,
}

impl Label {
    pub(super) const fn new(ru: &'static str, kk: &'static str) -> Self {
        Self { ru, kk }
    }

    pub(super) fn inline(self) -> String {
        if self.ru == self.kk { self.ru.to_owned() } else { format!("{} / {}", self.ru, self.kk) }
    }

    /// The Kazakh below the Russian.
    pub(super) fn stacked(self) -> String {
        if self.ru == self.kk { self.ru.to_owned() } else { format!("{}\n{}", self.ru, self.kk) }
    }
}

/// A heading in both languages with a thick line below.
pub(super) fn heading(typefaces: &Typefaces, width: f32, russian: &str, kazakh: &str) -> Group {
    let mut group = Group::default();
    let area = |top| Area { left: 0.0, top, width };
    let y = group.write(typefaces, area(0.0), &Paragraph::new(HEADING, russian));
    let y = group.write(typefaces, area(y + 1.0), &Paragraph::new(SECOND_HEADING, kazakh));
    group.underline(area(y + 3.0), THICK);
    group.space(5.0);
    group
}

/// What something is, and on its right what it is called here.
pub(super) fn labelled(typefaces: &Typefaces, width: f32, label: Label, value: &str) -> Group {
    let mut group = Group::default();
    let label_area = Area { left: 0.0, top: 0.0, width: LABEL_WIDTH - 6.0 };
    group.write(typefaces, label_area, &Paragraph::new(BODY, format!("{}:", label.inline())));
    let value_area = Area { left: LABEL_WIDTH, top: 0.0, width: width - LABEL_WIDTH };
    group.write(typefaces, value_area, &Paragraph::new(STRONG, value));
    group.space(4.0);
    group
}

pub(super) fn tax_id(id: TaxId) -> String {
    match id.kind() {
        TaxIdKind::Bin => format!("БИН / БСН {id}"),
        TaxIdKind::Iin => format!("ИИН / ЖСН {id}"),
    }
}

/// With the number first, as 1С has it.
pub(super) fn party(party: &Party) -> String {
    let mut text = format!("{}, {}", tax_id(party.tax_id), party.name);
    for part in [party.name_kk.as_ref(), Some(&party.address), party.phone.as_ref()].into_iter().flatten() {
        text.push_str(", ");
        text.push_str(part.as_str());
    }
    text
}

pub(super) fn contract(contract: Option<&Contract>) -> String {
    contract.map_or_else(
        || "Без договора / Шартсыз".to_owned(),
        |Contract { number, date }| {
            format!("№ {number} от {} / {} № {number} шарт", dates::russian(*date), dates::kazakh_of(*date))
        },
    )
}

/// The tax in both languages, by how it stands to the lines.
pub(super) fn vat_label(vat: Vat) -> String {
    match (vat.percent, vat.placement) {
        (None, _) => "Без НДС / ҚҚС-сыз".to_owned(),
        (Some(percent), VatPlacement::OnTop) => format!("НДС {percent} % / ҚҚС {percent} %"),
        (Some(percent), VatPlacement::Included) => {
            format!("В том числе НДС {percent} % / Оның ішінде ҚҚС {percent} %")
        }
    }
}

/// Each a label and what stands on its right; «Без НДС» has nothing there.
pub(super) fn totals(document: &Document) -> Vec<(String, String)> {
    let (vat, totals) = (document.vat, document.totals);
    let tax = if vat.percent.is_some() { totals.vat.to_string() } else { "–".to_owned() };
    let mut rows = vec![("Итого / Барлығы".to_owned(), totals.lines.to_string()), (vat_label(vat), tax)];
    if vat.percent.is_some() && vat.placement == VatPlacement::OnTop {
        rows.push(("Всего с НДС / ҚҚС-пен барлығы".to_owned(), totals.payable.to_string()));
    }
    rows
}

/// How the tax was computed, for whoever computes it again by line.
pub(super) fn vat_note(vat: Vat) -> Option<&'static str> {
    vat.percent.filter(|percent| *percent > 0).map(|_| {
        "НДС исчислен один раз, с итога документа, с округлением до тиына (половина — к чётному). \
         / ҚҚС құжаттың жиынтық сомасынан бір рет есептелді және тиынға дейін дөңгелектелді (жартысы — жұпқа)."
    })
}

pub(super) fn words(amount: Tenge) -> [String; 2] {
    [in_words(amount, Language::Russian), in_words(amount, Language::Kazakh)]
}

/// Of columns: bold and in the middle.
pub(super) fn head_cell(style: Style, text: impl Into<String>) -> Vec<Paragraph> {
    vec![Paragraph::new(style, text).align(Align::Center)]
}
