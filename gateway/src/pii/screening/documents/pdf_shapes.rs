//! Lines and curves of a drawing. They cannot be read: few of them are rules, frames and bullets, many may be letters drawn
//! as outlines, handwriting or a bar code.

use super::pdf_object::Object;

/// Shapes of one drawing: rules, frames and bullets have fewer, letters drawn as outlines and bar codes have more.
const MAX_CURVES: usize = 48;
const MAX_SLANTED_LINES: usize = 32;
const MAX_SMALL_BOXES: usize = 100;
/// A box whose sides are as different as this is a rule or the ground of a line.
const RULE_RATIO: f64 = 4.0;
/// Lines that differ by less are level or upright.
const SLANT: f64 = 0.01;

#[derive(Debug, Default)]
pub(super) struct Shapes {
    curves: usize,
    slanted_lines: usize,
    small_boxes: usize,
    point: (f64, f64),
}

impl Shapes {
    pub(super) fn note(&mut self, operator: &[u8], operands: &[Object]) {
        let number = |index: usize| operands.get(index).and_then(Object::as_number).unwrap_or_default();
        match operator {
            b"m" => self.point = (number(0), number(1)),
            b"l" => {
                let to = (number(0), number(1));
                let is_straight = (to.0 - self.point.0).abs() < SLANT || (to.1 - self.point.1).abs() < SLANT;
                self.slanted_lines += usize::from(!is_straight);
                self.point = to;
            }
            b"c" | b"v" | b"y" => {
                self.curves += 1;
                let last = operands.len().saturating_sub(2);
                self.point = (number(last), number(last + 1));
            }
            b"re" => {
                let (width, height) = (number(2).abs(), number(3).abs());
                let is_rule = width > RULE_RATIO * height || height > RULE_RATIO * width;
                self.small_boxes += usize::from(!is_rule);
            }
            _ => {}
        }
    }

    pub(super) fn may_be_letters(&self) -> bool {
        self.curves > MAX_CURVES || self.slanted_lines > MAX_SLANTED_LINES || self.small_boxes > MAX_SMALL_BOXES
    }
}
