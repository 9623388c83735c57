//! From strings at places on a page to text: what stands close together on a line is one word, whatever pieces it was
//! drawn in.

use super::pdf_object::Object;

/// Parts of a font's size: a gap that parts words, a shift that begins a line.
const WORD_GAP: f64 = 0.17;
const LINE_SHIFT: f64 = 0.5;
/// Further to the left than this, the next string does not go on with the line.
const MAX_BACKSTEP: f64 = 1.0;

/// A string as it was drawn.
#[derive(Debug, Clone)]
pub(super) struct Fragment {
    pub(super) text: String,
    pub(super) start: f64,
    pub(super) end: f64,
    pub(super) baseline: f64,
    pub(super) size: f64,
}

/// Takes a point to `[a·x + c·y + e, b·x + d·y + f]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matrix(pub(super) [f64; 6]);

impl Matrix {
    pub(super) const IDENTITY: Self = Self([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);

    pub(super) const fn shift(x: f64, y: f64) -> Self {
        Self([1.0, 0.0, 0.0, 1.0, x, y])
    }

    pub(super) fn from_operands(operands: &[Object]) -> Option<Self> {
        let numbers: Vec<f64> = operands.iter().filter_map(Object::as_number).collect();
        numbers.try_into().ok().map(Self)
    }

    /// First `self`, then `next`.
    pub(super) fn then(self, next: Self) -> Self {
        let ([a, b, c, d, e, f], [na, nb, nc, nd, ne, nf]) = (self.0, next.0);
        Self([
            a * na + b * nc,
            a * nb + b * nd,
            c * na + d * nc,
            c * nb + d * nd,
            e * na + f * nc + ne,
            e * nb + f * nd + nf,
        ])
    }
}

impl Fragment {
    /// From where `start` takes the origin, in a font of size 1, to where `end` does. Turned text is laid on its side, so
    /// that its lines are lines.
    pub(super) fn new(text: String, start: Matrix, end: Matrix) -> Self {
        let [a, b, c, d, x, y] = start.0;
        let size = c.hypot(d);
        let [.., end_x, end_y] = end.0;
        if b.abs() > a.abs() {
            let sign = b.signum();
            Self { text, start: sign * y, end: sign * end_y, baseline: -sign * x, size }
        } else {
            let sign = if a < 0.0 { -1.0 } else { 1.0 };
            Self { text, start: sign * x, end: sign * end_x, baseline: sign * y, size }
        }
    }
}

/// The text in the order in which it was drawn, and, if that differs, line by line from the top.
pub(super) fn texts(fragments: &[Fragment]) -> Vec<String> {
    let drawn: Vec<&Fragment> = fragments.iter().collect();
    let as_drawn = joined(&drawn);
    let as_read = joined(&by_line(drawn));
    if as_drawn == as_read { vec![as_drawn] } else { vec![as_drawn, as_read] }
}

fn joined(fragments: &[&Fragment]) -> String {
    let mut text = String::new();
    let mut before: Option<&Fragment> = None;
    for fragment in fragments {
        if let Some(before) = before {
            let size = before.size.min(fragment.size);
            let gap = fragment.start - before.end;
            if (fragment.baseline - before.baseline).abs() > LINE_SHIFT * size || gap < -MAX_BACKSTEP * size {
                text.push('\n');
            } else if gap > WORD_GAP * size {
                text.push(' ');
            }
        }
        text.push_str(&fragment.text);
        before = Some(fragment);
    }
    text
}

/// Lines from the top of the page, each from the left.
fn by_line(mut fragments: Vec<&Fragment>) -> Vec<&Fragment> {
    fragments.sort_by(|one, other| other.baseline.total_cmp(&one.baseline));
    let mut lines: Vec<Vec<&Fragment>> = Vec::new();
    for fragment in fragments {
        let of_line = lines.last_mut().filter(|line| {
            line.first().is_some_and(|first| {
                (first.baseline - fragment.baseline).abs() <= LINE_SHIFT * first.size.min(fragment.size)
            })
        });
        match of_line {
            Some(line) => line.push(fragment),
            None => lines.push(vec![fragment]),
        }
    }
    for line in &mut lines {
        line.sort_by(|one, other| one.start.total_cmp(&other.start));
    }
    lines.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: f64, baseline: f64, text: &str) -> Fragment {
        let end = start + 5.0 * text.len() as f64;
        Fragment { text: text.to_owned(), start, end, baseline, size: 10.0 }
    }

    #[test]
    fn pieces_of_a_word_are_joined_and_words_are_parted() {
        let fragments =
            [at(0.0, 700.0, "9011"), at(20.0, 700.0, "2330"), at(41.0, 700.5, "0258"), at(70.0, 700.0, "ok")];
        assert_eq!(texts(&fragments), ["901123300258 ok"]);
    }

    #[test]
    fn values_that_were_drawn_after_all_labels_stand_beside_theirs() {
        let fragments = [at(0.0, 700.0, "IIN"), at(0.0, 680.0, "Sum"), at(50.0, 700.0, "900"), at(50.0, 680.0, "7")];
        assert_eq!(texts(&fragments), ["IIN\nSum\n900\n7", "IIN 900\nSum 7"]);
    }

    #[test]
    fn places_that_are_no_numbers_do_no_harm() {
        let fragments = [at(f64::NAN, f64::NAN, "a"), at(f64::INFINITY, 0.0, "b"), at(1.0, f64::NAN, "c")];
        assert!(texts(&fragments).iter().all(|text| text.contains('b')));
    }
}
