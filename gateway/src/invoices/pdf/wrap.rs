//! Lines of a paragraph: as many words as there is room for, and a word that is wider than the column broken wherever it
//! must be. Breaks stand at spaces, and behind the signs that join the parts of names.

use super::legible::legible;
use super::typeface::{LEADING, Style, Typefaces};

/// Behind these a line may end, where a letter or a digit stands before them.
const JOINTS: [char; 7] = ['-', '/', '_', '—', '–', ':', '@'];
/// A figure is set smaller rather than broken, down to this.
const MIN_SIZE: f32 = 4.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Center,
    Right,
}

#[derive(Debug, Clone)]
pub(super) struct Paragraph {
    text: String,
    style: Style,
    align: Align,
    is_figure: bool,
}

impl Paragraph {
    pub(super) fn new(style: Style, text: impl Into<String>) -> Self {
        Self { text: text.into(), style, align: Align::Left, is_figure: false }
    }

    pub(super) fn align(self, align: Align) -> Self {
        Self { align, ..self }
    }

    /// A number or a sum: on the right, on one line, and as small as that needs.
    pub(super) fn figure(style: Style, text: impl Into<String>) -> Self {
        Self { align: Align::Right, is_figure: true, ..Self::new(style, text) }
    }

    /// Line feeds end lines.
    pub(super) fn set(&self, typefaces: &Typefaces, width: f32) -> Vec<SetLine> {
        let text = legible(typefaces, &self.text);
        let style = if self.is_figure { fitted(typefaces, self.style, &text, width) } else { self.style };
        let lines = text.split('\n').flat_map(|text| wrap(typefaces, style, text, width));
        lines.map(|text| SetLine { indent: indent(typefaces, style, &text, self.align, width), style, text }).collect()
    }
}

#[derive(Debug, Clone)]
pub(super) struct SetLine {
    /// From the column's left edge.
    pub(super) indent: f32,
    pub(super) style: Style,
    pub(super) text: String,
}

impl SetLine {
    pub(super) fn height(&self) -> f32 {
        self.style.size * LEADING
    }
}

fn indent(typefaces: &Typefaces, style: Style, text: &str, align: Align, width: f32) -> f32 {
    let spare = (width - typefaces.width(style, text)).max(0.0);
    match align {
        Align::Left => 0.0,
        Align::Center => spare / 2.0,
        Align::Right => spare,
    }
}

fn fitted(typefaces: &Typefaces, style: Style, text: &str, width: f32) -> Style {
    let wide = typefaces.width(style, text);
    if wide <= width { style } else { Style { size: (style.size * width / wide * 0.999).max(MIN_SIZE), ..style } }
}

/// At least one line, none with space at its ends.
fn wrap(typefaces: &Typefaces, style: Style, text: &str, width: f32) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut line_width = 0.0;
    for piece in pieces(typefaces, style, text, width) {
        let piece_width = typefaces.width(style, piece.trim_end_matches(' '));
        if line_width + piece_width > width && !line.is_empty() {
            lines.push(finished(&mut line));
            line_width = 0.0;
        }
        if piece_width > width {
            // What is left of a broken word begins a line to which others are added.
            let mut parts = broken(typefaces, style, piece, width);
            line = parts.pop().unwrap_or_default();
            lines.extend(parts);
            line_width = typefaces.width(style, &line);
        } else {
            line.push_str(piece);
            line_width += typefaces.width(style, piece);
        }
    }
    if !line.trim_end_matches(' ').is_empty() || lines.is_empty() {
        lines.push(finished(&mut line));
    }
    lines
}

fn finished(line: &mut String) -> String {
    std::mem::take(line).trim_end_matches(' ').to_owned()
}

/// Words with the spaces behind them, and the parts between the joints of those that are wider than a line.
fn pieces<'t>(typefaces: &Typefaces, style: Style, text: &'t str, width: f32) -> Vec<&'t str> {
    let words = split(text, |_, character, next| character == ' ' && next != ' ');
    let is_joint = |before: char, character: char, next: char| {
        JOINTS.contains(&character) && before.is_alphanumeric() && next.is_alphanumeric()
    };
    let parts = words.into_iter().map(|word| {
        let is_wide = typefaces.width(style, word.trim_end_matches(' ')) > width;
        if is_wide { split(word, is_joint) } else { vec![word] }
    });
    parts.flatten().collect()
}

/// Behind each character for which `is_end` holds, of it and those on both sides.
fn split(text: &str, is_end: impl Fn(char, char, char) -> bool) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut before) = (0, ' ');
    for ((_, character), (end, next)) in text.char_indices().zip(text.char_indices().skip(1)) {
        if is_end(before, character, next) {
            pieces.push(&text[start..end]);
            start = end;
        }
        before = character;
    }
    pieces.push(&text[start..]);
    pieces
}

/// One word, in parts that fit; the last may be followed by others. A column narrower than a letter gets letters.
fn broken(typefaces: &Typefaces, style: Style, word: &str, width: f32) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut part_width = 0.0;
    let mut buffer = [0; 4];
    for character in word.chars() {
        let advance = typefaces.width(style, character.encode_utf8(&mut buffer));
        match parts.last_mut() {
            Some(part) if part.is_empty() || part_width + advance <= width || character == ' ' => {
                part.push(character);
                part_width += advance;
            }
            _ => {
                parts.push(character.to_string());
                part_width = advance;
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STYLE: Style = Style::regular(10.0);

    fn lines(text: &str, width: f32) -> Vec<String> {
        let typefaces = Typefaces::load().unwrap();
        Paragraph::new(STYLE, text).set(&typefaces, width).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn lines_end_at_spaces_and_joints() {
        assert_eq!(lines("Услуги доступа к языковым моделям", 90.0), ["Услуги доступа к", "языковым", "моделям"]);
        assert_eq!(lines("anthropic/claude-sonnet-4.5", 60.0), ["anthropic/", "claude-", "sonnet-4.5"]);
        assert_eq!(lines("счёт SH-2026-31", 60.0), ["счёт", "SH-2026-31"]);
        assert_eq!(lines("1\u{a0}234 -5  - 6", 27.0), ["1\u{a0}234", "-5  - 6"]);
        assert_eq!(lines("", 90.0), [""]);
        assert_eq!(lines("a\nb", 90.0), ["a", "b"]);
    }

    #[test]
    fn a_word_wider_than_its_column_is_broken() {
        let parts = lines(&"щ".repeat(200), 50.0);
        assert!(parts.len() > 20);
        assert_eq!(parts.concat(), "щ".repeat(200));
        assert_eq!(lines("щщщ", 0.5), ["щ", "щ", "щ"]);
    }

    #[test]
    fn a_figure_becomes_smaller_and_stays_on_its_line() {
        let typefaces = Typefaces::load().unwrap();
        let text = "92\u{a0}233\u{a0}720\u{a0}368\u{a0}547\u{a0}758,07";
        let lines = Paragraph::figure(STYLE, text).set(&typefaces, 60.0);
        assert_eq!(lines.len(), 1);
        assert!(typefaces.width(lines[0].style, &lines[0].text) <= 60.0);
        assert!(lines[0].style.size < 10.0);
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide_and_no_letter_is_lost(text in "[а-яa-z0-9 /ү-]{0,80}", width in 12.0_f32..120.0) {
            let typefaces = Typefaces::load().unwrap();
            let lines = Paragraph::new(STYLE, text.clone()).set(&typefaces, width);
            for line in &lines {
                prop_assert!(typefaces.width(STYLE, line.text.trim()) <= width + 0.01, "{}", &line.text);
            }
            let letters = |text: &str| text.chars().filter(|character| *character != ' ').collect::<String>();
            let set: String = lines.iter().map(|line| letters(&line.text)).collect();
            prop_assert_eq!(set, letters(&text));
        }
    }
}
