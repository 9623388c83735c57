//! Value added tax (НДС, ҚҚС). The rate is that of the day of the turnover, not of the day on which a paper is written: a
//! credit note takes back the tax that was charged. It is computed once, on the document's sum, half to even.

use std::num::NonZeroU64;

use jiff::civil::{Date, date};

use super::error::Problem;
use crate::billing::Tenge;

/// Since when, and how many percent. The Tax Code of 2008, and that of 2025.
const STANDARD_RATES: [(Date, u64); 2] = [(date(2026, 1, 1), 16), (date(2009, 1, 1), 12)];
const HUNDRED: NonZeroU64 = NonZeroU64::new(100).unwrap();

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VatRate {
    Standard,
    /// 0 %: the turnover is taxed, at nothing.
    Zero,
    /// «Без НДС»: the supplier or the turnover is not taxed.
    Exempt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VatPlacement {
    /// The lines are without it.
    OnTop,
    /// The lines have it in them.
    Included,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VatTerms {
    pub rate: VatRate,
    pub placement: VatPlacement,
    /// «Дата совершения оборота».
    pub turnover_date: Date,
}

/// Terms with the rate that they come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vat {
    /// None is «Без НДС».
    pub(super) percent: Option<u64>,
    pub(super) placement: VatPlacement,
    pub(super) turnover_date: Date,
}

/// What of a line is tax, and the line with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineTax {
    pub(super) tax: Tenge,
    pub(super) gross: Tenge,
}

impl VatTerms {
    pub(super) fn apply(self) -> Result<Vat, Problem> {
        let Self { rate, placement, turnover_date } = self;
        let percent = match rate {
            VatRate::Standard => {
                let since = STANDARD_RATES.into_iter().find(|(since, _)| *since <= turnover_date);
                Some(since.ok_or(Problem::UnknownVatRate { turnover_date })?.1)
            }
            VatRate::Zero => Some(0),
            VatRate::Exempt => None,
        };
        Ok(Vat { percent, placement, turnover_date })
    }
}

impl Vat {
    /// The tax on or in the sum of all lines.
    pub(super) fn of(self, lines: Tenge) -> Result<Tenge, Problem> {
        let percent = self.percent.unwrap_or(0);
        let denominator = match self.placement {
            VatPlacement::OnTop => HUNDRED,
            VatPlacement::Included => HUNDRED.saturating_add(percent),
        };
        Ok(lines.part(percent, denominator)?)
    }

    /// The tax of each line, so that they add up to that of the document: each gets what the running total grew by, which is
    /// less than a tiyn away from its own.
    pub(super) fn by_line(self, sums: &[Tenge]) -> Result<Vec<LineTax>, Problem> {
        let (mut running_sum, mut running_tax) = (Tenge::ZERO, Tenge::ZERO);
        let share = |sum: &Tenge| {
            running_sum = running_sum.plus(*sum)?;
            let so_far = self.of(running_sum)?;
            let tax = so_far.minus(running_tax)?;
            running_tax = so_far;
            let gross = match self.placement {
                VatPlacement::OnTop => sum.plus(tax)?,
                VatPlacement::Included => *sum,
            };
            Ok(LineTax { tax, gross })
        };
        sums.iter().map(share).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn vat(rate: VatRate, placement: VatPlacement, turnover_date: Date) -> Result<Vat, Problem> {
        VatTerms { rate, placement, turnover_date }.apply()
    }

    #[test]
    fn the_rate_is_that_of_the_turnover() {
        let percent = |date| vat(VatRate::Standard, VatPlacement::OnTop, date).map(|vat| vat.percent);
        assert_eq!(percent(date(2025, 12, 31)), Ok(Some(12)));
        assert_eq!(percent(date(2026, 1, 1)), Ok(Some(16)));
        let early = date(2008, 12, 31);
        assert_eq!(percent(early), Err(Problem::UnknownVatRate { turnover_date: early }));
        assert_eq!(vat(VatRate::Zero, VatPlacement::OnTop, early).unwrap().percent, Some(0));
        assert_eq!(vat(VatRate::Exempt, VatPlacement::OnTop, early).unwrap().percent, None);
    }

    #[test]
    fn it_is_on_a_sum_or_in_it() {
        let tax = |placement, tiyn| {
            let vat = vat(VatRate::Standard, placement, date(2026, 5, 31)).unwrap();
            vat.of(Tenge::from_tiyn(tiyn)).unwrap().tiyn()
        };
        assert_eq!(tax(VatPlacement::OnTop, 10_000), 1_600);
        assert_eq!(tax(VatPlacement::Included, 11_600), 1_600);
        assert_eq!(tax(VatPlacement::Included, -11_600), -1_600);
        // 4.96 and 5.12 tiyn.
        assert_eq!([tax(VatPlacement::OnTop, 31), tax(VatPlacement::OnTop, 32)], [5, 5]);
    }

    proptest! {
        #[test]
        fn the_lines_taxes_add_up_and_none_is_a_tiyn_off(
            tiyn in prop::collection::vec(-1_000_000_000_i64..1_000_000_000, 0..30),
            is_on_top: bool,
        ) {
            let placement = if is_on_top { VatPlacement::OnTop } else { VatPlacement::Included };
            let vat = vat(VatRate::Standard, placement, date(2026, 5, 31)).unwrap();
            let sums: Vec<Tenge> = tiyn.into_iter().map(Tenge::from_tiyn).collect();
            let taxes = vat.by_line(&sums).unwrap();
            let whole = vat.of(Tenge::sum(sums.iter().copied()).unwrap()).unwrap();
            prop_assert_eq!(Tenge::sum(taxes.iter().map(|line| line.tax)), Ok(whole));
            for (line, sum) in taxes.iter().zip(&sums) {
                let own = vat.of(*sum).unwrap();
                prop_assert!((line.tax.tiyn() - own.tiyn()).abs() <= 1);
            }
        }
    }
}
