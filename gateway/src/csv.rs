//! Cells of comma-separated values, for people who open them in a spreadsheet (RFC 4180).

/// What spreadsheets take for the beginning of a formula, in the widths that they know.
const BEGINS_FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];

/// A text that somebody chose: one that would be taken for a formula is told as text.
pub fn text_cell(text: &str, separator: char) -> String {
    if text.starts_with(BEGINS_FORMULA) { cell(&format!("'{text}"), separator) } else { cell(text, separator) }
}

/// What this program wrote, e.g. a number.
pub fn cell(text: &str, separator: char) -> String {
    let needs_quotes = text.contains(['"', '\n', '\r']) || text.contains(separator);
    if needs_quotes { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_no_formulas_and_cells_stay_apart() {
        for (text, written) in [
            ("plain", "plain"),
            ("a;b", "a;b"),
            ("a,\"b\"", "\"a,\"\"b\"\"\""),
            ("=cmd()", "'=cmd()"),
            ("－1", "'－1"),
            ("-5,0", "\"'-5,0\""),
            ("a\nb", "\"a\nb\""),
        ] {
            assert_eq!(text_cell(text, ','), written, "{text}");
        }
        assert_eq!((cell("-5", ',').as_str(), cell("1,5", ';').as_str()), ("-5", "1,5"));
    }
}
