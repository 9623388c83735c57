//! From strings at places on a page to text: what stands close together on a line is one word, whatever pieces it was
//! drawn in.

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
        let fragments = [at(0.0, 700.0, "9011"), at(20.0, 700.0, "2330"), at(41.0, 700.5, "0258"), at(70.0, 700.0, "ok")];
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
