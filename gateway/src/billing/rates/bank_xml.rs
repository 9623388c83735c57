//! The National Bank's rates of a day: `https://nationalbank.kz/rss/get_rates.cfm?fdate=dd.mm.yyyy`.
//!
//! ```xml
//! <rates><date>01.12.2026</date>
//!   <item><fullname>ДОЛЛАР США</fullname><title>USD</title><description>512.34</description><quant>1</quant></item>
//! </rates>
//! ```
//!
//! A day that has no rates of its own may be answered with an earlier one's: the date in the answer counts, and not the
//! one that was asked for. Never trusted: bounded in size, depth and rows, no document type, and no entity is expanded.

use jiff::civil::Date;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::published::{BadRate, Published, for_one};
use super::quote::Currency;

/// A day's rates are twelve thousand bytes.
const MAX_BYTES: usize = 256 << 10;
const MAX_DEPTH: usize = 8;
const MAX_ITEMS: usize = 500;
/// Of what is read at all.
const MAX_TEXT_BYTES: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadXml {
    #[error("the rates are larger than {MAX_BYTES} bytes")]
    TooLarge,
    #[error("the rates are no UTF-8")]
    NotUtf8,
    #[error("the rates are no well-formed XML")]
    Malformed,
    #[error("this is '{root}' and no rates")]
    NotRates { root: String },
    #[error("the rates have a document type or an entity, which is not read")]
    Forbidden,
    #[error("the rates are nested too deep, or are too many")]
    TooMuch,
    #[error("the rates do not say of which day they are")]
    NoDate,
    #[error("the rates say '{field}' twice where it is said once")]
    Repeated { field: String },
    #[error("the rates are of {date}, which comes after the {asked} that was asked for")]
    Later { date: Date, asked: Date },
    #[error("the day {date} has no rates")]
    EmptyDay { date: Date },
    #[error("the rates of {date} have none for {currency}")]
    Missing { date: Date, currency: Currency },
    #[error("the currency {currency} stands there twice")]
    Twice { currency: Currency },
    #[error("the rate of {currency}: {problem}")]
    Rate { currency: Currency, problem: BadRate },
}

/// The rate of one currency. Those of others are not looked at, so that none of them can be in the way. `asked` is absent
/// where nobody asked for a day: in a file.
///
/// # Errors
/// The answer is none that the bank gives, has no rate for the currency or an absurd one, or is of a later day.
pub fn read_bank_xml(xml: &[u8], asked: Option<Date>, currency: Currency) -> Result<Published, BadXml> {
    if xml.len() > MAX_BYTES {
        return Err(BadXml::TooLarge);
    }
    let text = std::str::from_utf8(xml).map_err(|_| BadXml::NotUtf8)?;
    let mut rates = RatesText::default();
    rates.read(text.trim_start_matches('\u{feff}'))?;
    let date = rates.date.as_deref().and_then(day).ok_or(BadXml::NoDate)?;
    if let Some(asked) = asked.filter(|asked| date > *asked) {
        return Err(BadXml::Later { date, asked });
    }
    if rates.items.is_empty() {
        return Err(BadXml::EmptyDay { date });
    }
    let code = currency.to_string();
    let mut found = rates.items.iter().filter(|item| item.title.as_deref().is_some_and(|title| title.trim() == code));
    let item = found.next().ok_or(BadXml::Missing { date, currency })?;
    if found.next().is_some() {
        return Err(BadXml::Twice { currency });
    }
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let rate = for_one(&text(&item.description), &text(&item.quantity))
        .map_err(|problem| BadXml::Rate { currency, problem })?;
    Ok(Published { date, currency, rate })
}

/// `01.12.2026`.
fn day(text: &str) -> Option<Date> {
    let parts: Vec<&str> = text.trim().split('.').collect();
    let [day, month, year] = parts.as_slice() else { return None };
    let is_plain = |part: &str, len: usize| part.len() == len && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_plain(day, 2) || !is_plain(month, 2) || !is_plain(year, 4) {
        return None;
    }
    format!("{year}-{month}-{day}").parse().ok()
}

#[derive(Default)]
struct Item {
    title: Option<String>,
    description: Option<String>,
    quantity: Option<String>,
}

/// What is of use in an answer, as it is written.
#[derive(Default)]
struct RatesText {
    /// The names of open elements.
    open: Vec<String>,
    date: Option<String>,
    items: Vec<Item>,
}

impl Item {
    fn field(&mut self, name: &str) -> Option<&mut Option<String>> {
        match name {
            "title" => Some(&mut self.title),
            "description" => Some(&mut self.description),
            "quant" => Some(&mut self.quantity),
            _ => None,
        }
    }
}

impl RatesText {
    fn read(&mut self, xml: &str) -> Result<(), BadXml> {
        let mut reader = Reader::from_str(xml);
        loop {
            match reader.read_event().map_err(|_| BadXml::Malformed)? {
                Event::Start(start) => self.begin(&start)?,
                Event::End(_) => {
                    self.open.pop();
                }
                Event::Empty(start) => {
                    self.begin(&start)?;
                    self.open.pop();
                }
                Event::Text(text) => self.add(&text.xml10_content())?,
                Event::CData(text) => self.add(&text.xml10_content())?,
                // A page of HTML has one too.
                Event::DocType(_) => return Err(BadXml::Forbidden),
                Event::GeneralRef(_) if self.place().is_some() => return Err(BadXml::Forbidden),
                Event::GeneralRef(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
                Event::Eof => break,
            }
        }
        if self.open.is_empty() { Ok(()) } else { Err(BadXml::Malformed) }
    }

    fn begin(&mut self, start: &BytesStart<'_>) -> Result<(), BadXml> {
        let name = start.name().as_ref().to_owned();
        if self.open.is_empty() && name != "rates" {
            return Err(BadXml::NotRates { root: name.chars().take(MAX_TEXT_BYTES).collect() });
        }
        let is_item = name == "item" && self.open.len() == 1;
        self.open.push(name);
        if is_item {
            self.items.push(Item::default());
        }
        let is_repeated = self.place().is_some_and(|place| place.replace(String::new()).is_some());
        if is_repeated {
            return Err(BadXml::Repeated { field: self.open.pop().unwrap_or_default() });
        }
        if self.open.len() > MAX_DEPTH || self.items.len() > MAX_ITEMS {
            return Err(BadXml::TooMuch);
        }
        Ok(())
    }

    /// Where text belongs that stands here; `None` where nobody reads it.
    fn place(&mut self) -> Option<&mut Option<String>> {
        match self.open.as_slice() {
            [_, field] if field == "date" => Some(&mut self.date),
            [_, item, field] if item == "item" => self.items.last_mut()?.field(field),
            _ => None,
        }
    }

    fn add(&mut self, text: &str) -> Result<(), BadXml> {
        if let Some(Some(place)) = self.place() {
            if place.len() + text.len() > MAX_TEXT_BYTES {
                return Err(BadXml::TooMuch);
            }
            place.push_str(text);
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "bank_xml_tests.rs"]
mod tests;
