//! The operator's own prices, which go before the catalogue's: of one provider each, as the configuration names it.

use super::assemble::{BadRow, Origin, Problem, assemble, bad_at};
use super::file::PriceFile;
use super::price::Price;

const ORIGIN: &str = "config";

/// # Errors
/// A row names no provider, or contradicts itself or another one.
pub fn read_overrides(rows: &[PriceFile]) -> Result<Vec<Price>, BadRow> {
    let mut by_provider: Vec<(&str, Vec<PriceFile>)> = Vec::new();
    for row in rows {
        let Some(provider) = &row.provider else { return Err(bad_at(&row.model, row, Problem::NoProvider)) };
        let name = provider.get_ref().as_str();
        match by_provider.iter_mut().find(|(known, _)| *known == name) {
            Some((_, of_provider)) => of_provider.push(row.clone()),
            None => by_provider.push((name, vec![row.clone()])),
        }
    }
    let mut prices = Vec::with_capacity(rows.len());
    for (provider, rows) in by_provider {
        prices.extend(assemble(Origin(ORIGIN), provider, &rows)?);
    }
    Ok(prices)
}
