//! A line of a document: what was supplied, how much of it, and what for.

use super::error::{BadField, Problem};
use super::quantity::{Quantity, UnitPrice};
use super::text::Text;
use crate::billing::Tenge;

const MAX_NAME_CHARS: usize = 500;
const MAX_SHORT_CHARS: usize = 50;

#[derive(Debug, Clone)]
pub struct LineDraft {
    /// The supplier's own, of 1С's «Номенклатура».
    pub code: Option<String>,
    pub name_ru: String,
    pub name_kk: Option<String>,
    pub unit: Unit,
    pub quantity: Quantity,
    pub pricing: Pricing,
    pub sum: Tenge,
}

/// In both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    pub ru: String,
    pub kk: String,
}

impl Unit {
    pub fn thousand_tokens() -> Self {
        Self { ru: "тыс. токенов".to_owned(), kk: "мың токен".to_owned() }
    }

    pub fn service() -> Self {
        Self { ru: "услуга".to_owned(), kk: "қызмет".to_owned() }
    }

    pub fn gpu_hour() -> Self {
        Self { ru: "GPU-час".to_owned(), kk: "GPU-сағат".to_owned() }
    }
}

/// Where a line's sum comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pricing {
    /// It is quantity times price, rounded half to even.
    PerUnit(UnitPrice),
    /// It is added up from the ledger, whose lines were each rounded apart: no price gives it exactly. A paper shows the
    /// average, marked as one.
    Summed,
}

#[derive(Debug, Clone)]
pub struct Line {
    pub(super) code: Option<Text>,
    pub(super) name_ru: Text,
    pub(super) name_kk: Option<Text>,
    pub(super) unit_ru: Text,
    pub(super) unit_kk: Text,
    pub(super) quantity: Quantity,
    pub(super) pricing: Pricing,
    pub(super) sum: Tenge,
}

impl Line {
    pub(super) fn check(draft: &LineDraft) -> Result<Self, BadField> {
        let LineDraft { quantity, pricing, sum, .. } = *draft;
        if quantity.millionths() == 0 {
            return Err(Problem::Zero.of("quantity"));
        }
        if sum != Tenge::ZERO && sum.is_negative() != (quantity.millionths() < 0) {
            return Err(Problem::OtherSign.of("sum"));
        }
        if let Pricing::PerUnit(price) = pricing {
            let product = quantity.times(price).map_err(|problem| problem.of("price"))?;
            if product != sum {
                return Err(Problem::OtherProduct { product, sum }.of("sum"));
            }
        }
        Ok(Self {
            code: Text::read_optional("code", draft.code.as_deref(), MAX_SHORT_CHARS)?,
            name_ru: Text::read("name_ru", &draft.name_ru, MAX_NAME_CHARS)?,
            name_kk: Text::read_optional("name_kk", draft.name_kk.as_deref(), MAX_NAME_CHARS)?,
            unit_ru: Text::read("unit_ru", &draft.unit.ru, MAX_SHORT_CHARS)?,
            unit_kk: Text::read("unit_kk", &draft.unit.kk, MAX_SHORT_CHARS)?,
            quantity,
            pricing,
            sum,
        })
    }

    /// The price, or the average where there is none. A sum for one of something is its price.
    pub(super) fn price(&self) -> Option<UnitPrice> {
        match self.pricing {
            Pricing::PerUnit(price) => Some(price),
            Pricing::Summed => UnitPrice::average(self.sum, self.quantity),
        }
    }

    /// Quantity times the price shown is not the sum.
    pub(super) fn is_average(&self) -> bool {
        self.price().is_none_or(|price| self.quantity.times(price) != Ok(self.sum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(quantity: &str, pricing: Pricing, tiyn: i64) -> LineDraft {
        LineDraft {
            code: None,
            name_ru: "Токены".to_owned(),
            name_kk: None,
            unit: Unit::thousand_tokens(),
            quantity: quantity.parse().unwrap(),
            pricing,
            sum: Tenge::from_tiyn(tiyn),
        }
    }

    fn per_unit(price: &str) -> Pricing {
        Pricing::PerUnit(price.parse().unwrap())
    }

    #[test]
    fn a_sum_is_its_product_or_says_that_it_is_none() {
        assert!(Line::check(&draft("12.345", per_unit("1.5"), 1_852)).is_ok());
        let wrong = Line::check(&draft("12.345", per_unit("1.5"), 1_851)).unwrap_err();
        let (product, sum) = (Tenge::from_tiyn(1_852), Tenge::from_tiyn(1_851));
        assert_eq!(wrong, Problem::OtherProduct { product, sum }.of("sum"));
        assert!(Line::check(&draft("1000000", Pricing::Summed, 123_456_789)).unwrap().is_average());
        assert!(!Line::check(&draft("3", Pricing::Summed, 1_000)).unwrap().is_average());
        assert!(!Line::check(&draft("1", Pricing::Summed, 1_001)).unwrap().is_average());
        assert!(!Line::check(&draft("-2", per_unit("5"), -1_000)).unwrap().is_average());
    }

    #[test]
    fn signs_agree_and_nothing_is_not_a_quantity() {
        assert_eq!(Line::check(&draft("0", Pricing::Summed, 0)).unwrap_err(), Problem::Zero.of("quantity"));
        for (quantity, tiyn) in [("-1", 1), ("1", -1)] {
            let wrong = Line::check(&draft(quantity, Pricing::Summed, tiyn)).unwrap_err();
            assert_eq!(wrong, Problem::OtherSign.of("sum"));
        }
        assert!(Line::check(&draft("5", per_unit("0"), 0)).is_ok());
    }
}
