//! Places to sign at: a label, then lines with what belongs on them below.

use super::group::{Area, Group};
use super::pieces::{BODY, Label, SMALL, STRONG};
use super::table::STROKE;
use super::typeface::Typefaces;
use super::wrap::{Align, Paragraph, SetLine};
use crate::invoices::party::Signer;

pub(super) const STAMP: &str = "М.П. / М.О.";
const POSITION: Label = Label::new("должность", "лауазымы");
const SIGNATURE: Label = Label::new("подпись", "қолы");
const FULL_NAME: Label = Label::new("расшифровка подписи", "қолтаңбаның толық жазылуы");
const GAP: f32 = 6.0;

/// `width` from `left`: who signs as what, `/` where, `/` the name. Unknown signers have room to write.
pub(super) fn signature(typefaces: &Typefaces, area: Area, role: Label, signer: Option<&Signer>) -> Group {
    let mut group = Group::default();
    let label_width = area.width * 0.24;
    let field_width = (area.width - label_width) / 3.0 - GAP;
    let position = signer.map_or(" ", |signer| signer.position.as_str());
    let name = signer.map_or(" ", |signer| signer.name.as_str());
    let fields = [(position, POSITION), (" ", SIGNATURE), (name, FULL_NAME)];
    let left = |index: usize| (0..index).fold(area.left + label_width, |left, _| left + field_width + GAP);
    let places = fields.into_iter().enumerate().map(|(index, field)| (left(index), field));

    // What is written stands on its line, whichever is longest.
    let heights = places.clone().map(|(_, (text, _))| {
        let lines = Paragraph::new(BODY, text).set(typefaces, field_width);
        lines.iter().map(SetLine::height).sum::<f32>()
    });
    let role_lines = Paragraph::new(STRONG, role.stacked()).set(typefaces, label_width - GAP);
    let role_height = role_lines.iter().map(SetLine::height).sum::<f32>();
    let base = heights.fold(role_height, f32::max);
    group.write_lines(area.left, area.top + base - role_height, role_lines);
    for (left, (text, caption)) in places {
        let lines = Paragraph::new(BODY, text).align(Align::Center).set(typefaces, field_width);
        let height = lines.iter().map(SetLine::height).sum::<f32>();
        group.write_lines(left, area.top + base - height, lines);
        let line = Area { left, top: area.top + base + 1.0, width: field_width };
        group.underline(line, STROKE);
        let caption = Paragraph::new(SMALL, caption.stacked()).align(Align::Center);
        group.write(typefaces, Area { top: line.top + 1.0, ..line }, &caption);
    }
    group
}
