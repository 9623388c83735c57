//! The price lists that come with the program.

use jiff::civil::Date;
use serde::Deserialize;
use toml::Spanned;

use super::assemble::{BadRow, Origin, Problem, assemble, bad_at};
use super::file::PriceFile;
use super::price::Price;

const BUILT_IN: &str = include_str!("../../../prices/catalogue.toml");

/// Why a catalogue is refused, with the line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct BadCatalogue {
    pub line: usize,
    pub message: String,
}

#[derive(Debug, Clone)]
pub struct Catalogue {
    /// The day on which it was true as far as anybody could see.
    pub as_of: Date,
    pub lists: Vec<PriceList>,
}

/// What one provider charges.
#[derive(Debug, Clone)]
pub struct PriceList {
    /// The provider's kind as the configuration names it, or its preset: `openai`, `deepseek`.
    pub name: String,
    pub source: String,
    pub source_date: Date,
    pub prices: Vec<Price>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogueFile {
    as_of: Spanned<String>,
    lists: Vec<ListFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListFile {
    name: Spanned<String>,
    source: String,
    source_date: Spanned<String>,
    prices: Vec<PriceFile>,
}

impl Catalogue {
    /// # Errors
    /// Never, as a test shows.
    pub fn built_in() -> Result<Self, BadCatalogue> {
        Self::parse(BUILT_IN)
    }

    /// # Errors
    /// It is no TOML, has unknown keys or contradicts itself.
    pub fn parse(text: &str) -> Result<Self, BadCatalogue> {
        let at = |offset: usize, message: String| BadCatalogue { line: line_of(text, offset), message };
        let file: CatalogueFile = toml::from_str(text).map_err(|error| {
            let message = error.message().replace('\n', " ");
            at(error.span().map_or(0, |span| span.start), message)
        })?;
        let day = |written: &Spanned<String>| {
            let wrong = || at(written.span().start, Problem::Day.to_string());
            written.get_ref().parse::<Date>().map_err(|_| wrong())
        };
        let as_of = day(&file.as_of)?;
        let mut lists: Vec<PriceList> = Vec::with_capacity(file.lists.len());
        for list in file.lists {
            let name = list.name.get_ref();
            if lists.iter().any(|other| other.name == *name) {
                return Err(at(list.name.span().start, format!("the list of '{name}' stands there twice")));
            }
            let source_date = day(&list.source_date)?;
            let prices = read_rows(as_of, name, &list.prices).map_err(|error| at(error.offset, error.to_string()))?;
            lists.push(PriceList { name: list.name.into_inner(), source: list.source, source_date, prices });
        }
        Ok(Self { as_of, lists })
    }
}

fn read_rows(as_of: Date, list: &str, rows: &[PriceFile]) -> Result<Vec<Price>, BadRow> {
    for row in rows {
        if let Some(provider) = &row.provider {
            return Err(bad_at(provider, row, Problem::ProviderInList));
        }
    }
    assemble(Origin(&as_of.to_string()), list, rows)
}

/// From one on.
fn line_of(text: &str, offset: usize) -> usize {
    let before = &text.as_bytes()[..offset.min(text.len())];
    memchr::memchr_iter(b'\n', before).count() + 1
}

#[cfg(test)]
#[path = "catalogue_tests.rs"]
mod tests;
