//! Amounts for rows that had none when they were written: by the prices and rates that are known now for their own time, or
//! nothing, if somebody decides so and says why.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::error::CorrectionError;
use super::{Desk, Signature};
use crate::billing::{Charge, Tenge, Usd};
use crate::ledger::{Correction, CorrectionAct, CorrectionKind, LedgerFilter, StandingRow};
use crate::pipeline::{Metered, Unpriced};

/// Rows of one transaction: others wait for no more.
const PAGE: u32 = 500;
const MAX_REASON_CHARS: usize = 500;
/// What stands in place of a price where somebody has decided that there is none to pay.
const AT_ZERO: &str = "zero";

#[derive(Debug, Clone, Default)]
pub struct PriceOrder {
    /// Bill all of them at nothing, for this reason.
    pub zero_because: Option<String>,
    pub is_dry_run: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Priced {
    pub num: u64,
    pub tenge: Tenge,
    pub usd: Usd,
    /// Rows that still have no amount, by provider, model and the word for why.
    pub left: BTreeMap<(String, String, &'static str), u64>,
    pub is_dry_run: bool,
}

impl Priced {
    pub fn num_left(&self) -> u64 {
        self.left.values().sum()
    }

    pub fn json(&self) -> Value {
        let left = self.left.iter().map(|((provider, model, why), num)| {
            json!({ "provider": provider, "model": model, "reason": why, "calls": num })
        });
        json!({
            "object": "pricing",
            "priced": self.num,
            "cost_kzt": self.tenge.plain(),
            "cost_usd": self.usd.to_string(),
            "still_unpriced": self.num_left(),
            "left": left.collect::<Vec<_>>(),
            "dry_run": self.is_dry_run,
        })
    }
}

/// # Errors
/// The ledger cannot be read or written, or a decision has no reason.
pub async fn price_unpriced(
    desk: Desk<'_>,
    filter: LedgerFilter,
    order: &PriceOrder,
    signature: &Signature,
) -> Result<Priced, CorrectionError> {
    let act = act(order, signature)?;
    let mut priced = Priced { is_dry_run: order.is_dry_run, ..Priced::default() };
    let mut after = String::new();
    loop {
        let rows = desk.corrections().unpriced(filter.clone(), after, PAGE).await?;
        let Some(last) = rows.last() else { return Ok(priced) };
        after = last.id.clone();
        let mut corrections = Vec::new();
        for row in &rows {
            if order.zero_because.is_some() {
                corrections.push(at_zero(row));
                continue;
            }
            match charge(desk, row) {
                Ok(charge) => corrections.push(settled(row, charge)),
                Err(why) => {
                    *priced.left.entry((row.provider.clone(), row.model.clone(), why.word())).or_default() += 1;
                }
            }
        }
        let written = if order.is_dry_run || corrections.is_empty() {
            vec![true; corrections.len()]
        } else {
            desk.corrections().correct(act.clone(), corrections.clone()).await?
        };
        for correction in corrections.iter().zip(written).filter_map(|(one, is_written)| is_written.then_some(one)) {
            priced.num += 1;
            priced.tenge = priced.tenge.plus(correction.tenge)?;
            priced.usd = priced.usd.plus(correction.usd.unwrap_or(Usd::ZERO))?;
        }
    }
}

fn act(order: &PriceOrder, signature: &Signature) -> Result<CorrectionAct, CorrectionError> {
    let (kind, reason) = match &order.zero_because {
        None => (CorrectionKind::Price, "a price or rate that was not known before"),
        Some(reason) => (CorrectionKind::Zero, reason.trim()),
    };
    if reason.is_empty() || reason.chars().count() > MAX_REASON_CHARS {
        return Err(CorrectionError::Reason);
    }
    Ok(CorrectionAct {
        id: format!("{}_{}", kind.as_str(), signature.id),
        kind,
        reason: reason.to_owned(),
        made_by: signature.made_by.clone(),
        made_at_ms: signature.now.as_millisecond(),
        provider: None,
        from_day: None,
        until_day: None,
        file: None,
        file_hash: None,
    })
}

/// As it would have been charged, had the price and the rate been known.
pub(super) fn charge(desk: Desk<'_>, row: &StandingRow) -> Result<Charge, Unpriced> {
    let at = row.time.parse::<Timestamp>().unwrap_or_default();
    let metered = Metered { usage: &row.usage, source: row.source, at, factor: row.factor, device_ms: row.total_ms };
    desk.tariffs.charge_row((&row.provider, &row.model), row.day, metered, desk.rates)
}

fn settled(row: &StandingRow, charge: Charge) -> Correction {
    Correction {
        usd: charge.usd,
        tenge: charge.tenge,
        price_version: Some(charge.price_version),
        factor: Some(charge.factor),
        fx: charge.fx,
        ..at_zero(row)
    }
}

fn at_zero(row: &StandingRow) -> Correction {
    Correction {
        // The same for a price and a decision: a row gets one of the two.
        id: format!("{}~price", row.id),
        corrects: row.id.clone(),
        prompt_tokens: 0,
        cached_prompt_tokens: 0,
        completion_tokens: 0,
        reasoning_tokens: 0,
        usd: None,
        tenge: Tenge::ZERO,
        settles: true,
        price_version: Some(AT_ZERO.to_owned()),
        factor: None,
        fx: None,
        seen: row.num_corrections,
    }
}
