//! Things that stand together on a page: texts and rules at places of their own, counted from the group's top left corner
//! downwards, in points. A group is never torn.

use super::typeface::{ASCENT, Style, Typefaces};
use super::wrap::{Paragraph, SetLine};

#[derive(Debug, Clone)]
pub(super) enum Item {
    Text { left: f32, baseline: f32, style: Style, text: String },
    Rule { from: Point, to: Point, stroke: f32 },
    Frame { corner: Point, width: f32, height: f32, stroke: f32 },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) x: f32,
    pub(super) y: f32,
}

/// A column to write in, from its top.
#[derive(Debug, Clone, Copy)]
pub(super) struct Area {
    pub(super) left: f32,
    pub(super) top: f32,
    pub(super) width: f32,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    items: Vec<Item>,
    height: f32,
}

impl Group {
    pub(super) fn items(&self) -> &[Item] {
        &self.items
    }

    pub(super) const fn height(&self) -> f32 {
        self.height
    }

    /// Makes it reach at least so far down.
    pub(super) fn reach(&mut self, height: f32) {
        self.height = self.height.max(height);
    }

    /// Room below what is there.
    pub(super) fn space(&mut self, height: f32) {
        self.height += height;
    }

    /// Returns where the text ends.
    pub(super) fn write(&mut self, typefaces: &Typefaces, area: Area, paragraph: &Paragraph) -> f32 {
        let lines = paragraph.set(typefaces, area.width);
        self.write_lines(area.left, area.top, lines)
    }

    pub(super) fn write_lines(&mut self, left: f32, top: f32, lines: Vec<SetLine>) -> f32 {
        let mut y = top;
        for line in lines {
            let height = line.height();
            let SetLine { indent, style, text } = line;
            if !text.is_empty() {
                self.items.push(Item::Text { left: left + indent, baseline: y + style.size * ASCENT, style, text });
            }
            y += height;
        }
        self.reach(y);
        y
    }

    /// A horizontal or a vertical line.
    pub(super) fn rule(&mut self, from: Point, to: Point, stroke: f32) {
        self.items.push(Item::Rule { from, to, stroke });
        self.reach(from.y.max(to.y));
    }

    pub(super) fn underline(&mut self, area: Area, stroke: f32) {
        let Area { left, top, width } = area;
        self.rule(Point { x: left, y: top }, Point { x: left + width, y: top }, stroke);
    }

    pub(super) fn frame(&mut self, area: Area, height: f32, stroke: f32) {
        let corner = Point { x: area.left, y: area.top };
        self.items.push(Item::Frame { corner, width: area.width, height, stroke });
        self.reach(area.top + height);
    }

    /// Another below it.
    pub(super) fn append(&mut self, other: Self) {
        let shift = self.height;
        self.items.extend(other.items.into_iter().map(|item| item.shifted(0.0, shift)));
        self.height += other.height;
    }

    /// Another beside what is there, from the same top, so far to the right.
    pub(super) fn merge(&mut self, other: Self, right: f32) {
        self.items.extend(other.items.into_iter().map(|item| item.shifted(right, 0.0)));
        self.reach(other.height);
    }
}

impl Item {
    fn shifted(self, right: f32, down: f32) -> Self {
        let shifted = |point: Point| Point { x: point.x + right, y: point.y + down };
        match self {
            Self::Text { left, baseline, style, text } => {
                Self::Text { left: left + right, baseline: baseline + down, style, text }
            }
            Self::Rule { from, to, stroke } => Self::Rule { from: shifted(from), to: shifted(to), stroke },
            Self::Frame { corner, width, height, stroke } => {
                Self::Frame { corner: shifted(corner), width, height, stroke }
            }
        }
    }
}
