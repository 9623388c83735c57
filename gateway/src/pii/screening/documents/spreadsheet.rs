//! The cells of a spreadsheet, row by row: a cell's text may stand in a table of its own, and the day of a date is a number
//! whose style says that it is one. The first row names the columns, so its words stand beside every value.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::extraction::Extraction;

/// Formats of dates that need no definition (ISO/IEC 29500-1, 18.8.30).
const DATE_FORMATS: [std::ops::RangeInclusive<u32>; 4] = [14..=22, 27..=36, 45..=47, 50..=58];
/// A heading is short; what is longer is a value.
const MAX_HEADING_BYTES: usize = 64;
/// Day 0 is the 30th of December 1899.
const DAYS_BEFORE_1970: i64 = 25_569;

/// What the sheets of a workbook share.
#[derive(Default)]
pub(super) struct Workbook {
    texts: Vec<String>,
    /// Per style of a cell: whether its number is a date.
    is_date: Vec<bool>,
}

impl Workbook {
    /// Of all parts, by name.
    pub(super) fn of(parts: &[(String, String)], extraction: &mut Extraction) -> Self {
        let part = |name: &str| parts.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str());
        let mut workbook = Self::default();
        let texts = part("xl/sharedStrings.xml").map(|xml| workbook.read_texts(xml));
        let styles = part("xl/styles.xml").map(|xml| workbook.read_styles(xml));
        if texts == Some(None) || styles == Some(None) {
            extraction.note_unread();
        }
        workbook
    }

    fn read_texts(&mut self, xml: &str) -> Option<()> {
        let mut reader = Reader::from_str(xml);
        let mut is_text = false;
        loop {
            match reader.read_event().ok()? {
                Event::Start(start) if start.local_name().into_inner() == "si" => self.texts.push(String::new()),
                Event::Empty(start) if start.local_name().into_inner() == "si" => self.texts.push(String::new()),
                Event::Start(start) => is_text = start.local_name().into_inner() == "t",
                Event::End(_) => is_text = false,
                Event::Eof => return Some(()),
                event if is_text => {
                    let text = text_of(&event)?;
                    self.texts.last_mut()?.push_str(&text);
                }
                _ => {}
            }
        }
    }

    fn read_styles(&mut self, xml: &str) -> Option<()> {
        let mut reader = Reader::from_str(xml);
        let mut own_dates = Vec::new();
        let mut is_cell_style = false;
        loop {
            match reader.read_event().ok()? {
                Event::Start(start) | Event::Empty(start) => match start.local_name().into_inner() {
                    "numFmt" => {
                        let code = attribute(&start, "formatCode")?;
                        if code.contains(['d', 'D', 'y', 'Y']) {
                            own_dates.push(attribute(&start, "numFmtId")?.parse::<u32>().ok()?);
                        }
                    }
                    "cellXfs" => is_cell_style = true,
                    "xf" if is_cell_style => {
                        let format = attribute(&start, "numFmtId").and_then(|id| id.parse().ok()).unwrap_or_default();
                        let is_known = DATE_FORMATS.iter().any(|dates| dates.contains(&format));
                        self.is_date.push(is_known || own_dates.contains(&format));
                    }
                    _ => {}
                },
                Event::End(end) if end.local_name().into_inner() == "cellXfs" => is_cell_style = false,
                Event::Eof => return Some(()),
                _ => {}
            }
        }
    }

    fn shown(&self, value: &str, kind: &str, style: usize) -> Option<String> {
        match kind {
            "s" => self.texts.get(value.parse::<usize>().ok()?).cloned(),
            "n" if self.is_date.get(style) == Some(&true) => Some(date(value).unwrap_or_else(|| value.to_owned())),
            "n" => Some(whole(value).unwrap_or_else(|| value.to_owned())),
            _ => Some(value.to_owned()),
        }
    }
}

/// Adds the rows of a sheet.
pub(super) fn read(xml: &str, workbook: &Workbook, extraction: &mut Extraction) {
    let mut sheet = Sheet { workbook, headings: Vec::new(), rows: String::new(), num_rows: 0 };
    let is_whole = sheet.read(xml, extraction.text_left()).is_some();
    extraction.push(sheet.rows);
    if !is_whole {
        extraction.note_unread();
    }
}

struct Sheet<'w> {
    workbook: &'w Workbook,
    /// Column and text.
    headings: Vec<(String, String)>,
    rows: String,
    num_rows: usize,
}

#[derive(Default)]
struct Cell {
    column: String,
    kind: String,
    style: usize,
    value: String,
}

impl Sheet<'_> {
    /// `None` if it is malformed, or longer than `max_bytes`.
    fn read(&mut self, xml: &str, max_bytes: usize) -> Option<()> {
        let mut reader = Reader::from_str(xml);
        let mut cell = Cell::default();
        let mut is_value = false;
        loop {
            match reader.read_event().ok()? {
                Event::Start(start) => match start.local_name().into_inner() {
                    "row" => self.num_rows += 1,
                    "c" => cell = Cell::of(&start),
                    name => is_value = matches!(name, "v" | "t"),
                },
                Event::End(end) => {
                    is_value = false;
                    match end.local_name().into_inner() {
                        "c" => self.add(&cell)?,
                        "row" => self.rows.push('\n'),
                        _ => {}
                    }
                }
                Event::Eof => return Some(()),
                event if is_value => cell.value.push_str(&text_of(&event)?),
                _ => {}
            }
            (self.rows.len() <= max_bytes).then_some(())?;
        }
    }

    fn add(&mut self, cell: &Cell) -> Option<()> {
        if cell.value.is_empty() {
            return Some(());
        }
        let shown = self.workbook.shown(&cell.value, &cell.kind, cell.style)?;
        if self.num_rows == 1 {
            if cell.kind != "n" && shown.len() <= MAX_HEADING_BYTES {
                self.headings.push((cell.column.clone(), shown.clone()));
            }
        } else if let Ok(place) = self.headings.binary_search_by(|(column, _)| by_column(column, &cell.column)) {
            let heading = self.headings.get(place).map(|(_, text)| text.as_str()).unwrap_or_default();
            self.rows.push_str(heading);
            self.rows.push_str(": ");
        }
        self.rows.push_str(&shown);
        self.rows.push('\t');
        Some(())
    }
}

impl Cell {
    fn of(start: &BytesStart<'_>) -> Self {
        let place = attribute(start, "r").unwrap_or_default();
        let column = place.trim_end_matches(|char: char| char.is_ascii_digit()).to_owned();
        let kind = attribute(start, "t").unwrap_or_else(|| "n".to_owned());
        let style = attribute(start, "s").and_then(|style| style.parse().ok()).unwrap_or_default();
        Self { column, kind, style, value: String::new() }
    }
}

/// `Z` stands before `AA`.
fn by_column(one: &str, other: &str) -> std::cmp::Ordering {
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = start.try_get_attribute(name).ok()??;
    quick_xml::escape::unescape(&found.value).ok().map(std::borrow::Cow::into_owned)
}

fn text_of(event: &Event<'_>) -> Option<String> {
    match event {
        Event::Text(text) => Some(text.to_string()),
        Event::CData(text) => Some(text.to_string()),
        Event::GeneralRef(reference) => match reference.resolve_char_ref().ok()? {
            Some(char) => Some(char.to_string()),
            None => quick_xml::escape::resolve_xml_entity(reference).map(str::to_owned),
        },
        _ => Some(String::new()),
    }
}

/// Large numbers are kept as powers of ten: `9.01123300258E+11`.
fn whole(value: &str) -> Option<String> {
    let number: f64 = value.parse().ok()?;
    (value.contains(['e', 'E', '.']) && number.fract() == 0.0 && number.abs() < 1e17).then(|| format!("{number:.0}"))
}

/// Day, month and year of a number of days.
fn date(value: &str) -> Option<String> {
    let days: f64 = value.parse().ok()?;
    (1.0..3e6).contains(&days).then_some(())?;
    // Days from 0000-03-01, in eras of 400 years (Hinnant, "chrono-compatible low-level date algorithms").
    let days = days as i64 - DAYS_BEFORE_1970 + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    Some(format!("{day:02}.{month:02}.{year}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates_and_powers_are_numbers() {
        assert_eq!(date("33200").as_deref(), Some("23.11.1990"));
        assert_eq!(date("36585.5").as_deref(), Some("29.02.2000"));
        assert_eq!(date("61").as_deref(), Some("01.03.1900"));
        assert_eq!(date("-1"), None);
        assert_eq!(whole("9.01123300258E+11").as_deref(), Some("901123300258"));
        assert_eq!(whole("1.5"), None);
        assert!(by_column("Z", "AA").is_lt());
    }
}
