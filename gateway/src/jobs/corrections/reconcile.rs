//! A provider's own account held against the ledger, and what it says more or less put into it: on rows whose usage was
//! estimated, never on those that the provider reported.

use std::fmt::Write as _;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::error::CorrectionError;
use super::price::charge;
use super::{Desk, Signature};
use crate::billing::{FxQuote, Tenge, Usage, Usd};
use crate::ledger::statement::{ColumnMap, Statement, read_statement};
use crate::ledger::{
    Asked, Comparison, ComparisonLine, Correction, CorrectionAct, CorrectionKind, ModelNames, Shares, StandingRow,
    Tolerance, compare, spread,
};
use crate::store::Corrected;

/// A quarter, and some days.
const MAX_DAYS: i64 = 100;
/// Estimated calls of one day that are held in memory.
const MAX_ROWS: u32 = 500_000;
/// While they are written, nothing else of the audit is.
const MAX_CORRECTIONS: usize = 50_000;
/// How often a comparison is made anew that the ledger has overtaken.
const MAX_TRIES: usize = 5;
const NAMED: usize = 3;
/// Digits of a hash that name an act.
const HASH_DIGITS: usize = 24;

/// What is to be compared with what.
#[derive(Debug, Clone, Default)]
pub struct Order {
    /// As the configuration names it.
    pub provider: String,
    /// The provider's days in UTC, the first and the last; unset: those of the file.
    pub from: Option<Date>,
    pub until: Option<Date>,
    pub names: ModelNames,
    pub tolerance: Tolerance,
    pub columns: ColumnMap,
    /// What the file is called.
    pub file: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    pub id: String,
    pub num: u64,
    pub tenge: Tenge,
    pub usd: Usd,
    /// This very file was applied to these days before, and nothing is done again.
    pub is_repeated: bool,
    /// Days and models that still differ by more than is tolerated.
    pub num_left: usize,
}

impl Applied {
    pub fn json(&self) -> Value {
        json!({
            "id": self.id,
            "corrections": self.num,
            "cost_kzt": self.tenge.plain(),
            "cost_usd": self.usd.to_string(),
            "repeated": self.is_repeated,
            "beyond_tolerance": self.num_left,
        })
    }
}

/// # Errors
/// The file or the ledger cannot be read.
pub async fn reconcile(desk: Desk<'_>, file: &[u8], order: &Order) -> Result<Comparison, CorrectionError> {
    let statement = read_statement(file, &order.columns)?;
    let asked = asked(&statement, order)?;
    compared(desk, &statement, &asked).await
}

/// The comparison as it was before, and what was done.
///
/// # Errors
/// As [`reconcile`]; or a difference beyond the tolerance cannot be explained by estimated calls, and nothing was done.
pub async fn apply(
    desk: Desk<'_>,
    file: &[u8],
    order: &Order,
    signature: &Signature,
) -> Result<(Comparison, Applied), CorrectionError> {
    let statement = read_statement(file, &order.columns)?;
    let asked = asked(&statement, order)?;
    let act = act(file, order, &asked, signature);
    for _ in 0..MAX_TRIES {
        let span = span(asked.from, asked.until)?;
        let num_rows = desk.corrections().count_rows(asked.provider.clone(), span.clone()).await?;
        let comparison = compared(desk, &statement, &asked).await?;
        refuse_unexplained(&comparison)?;
        let corrections = corrections(desk, &comparison, &act.id).await?;
        let tenge = Tenge::sum(corrections.iter().map(|correction| correction.tenge))?;
        let usd = corrections.iter().filter_map(|one| one.usd).try_fold(Usd::ZERO, Usd::plus)?;
        let num = corrections.len() as u64;
        let num_left = comparison.num_beyond();
        let applied = Applied { id: act.id.clone(), num, tenge, usd, is_repeated: false, num_left };
        if corrections.is_empty() {
            return Ok((comparison, applied));
        }
        let counted = (asked.provider.clone(), span, num_rows);
        match desk.corrections().correct_all(act.clone(), corrections, counted).await? {
            Corrected::Done => {
                let num_left = compared(desk, &statement, &asked).await?.num_beyond();
                return Ok((comparison, Applied { num_left, ..applied }));
            }
            Corrected::Already => {
                let nothing = Applied { num: 0, tenge: Tenge::ZERO, usd: Usd::ZERO, is_repeated: true, ..applied };
                return Ok((comparison, nothing));
            }
            Corrected::Changed => {}
        }
    }
    Err(CorrectionError::Busy)
}

fn asked(statement: &Statement, order: &Order) -> Result<Asked, CorrectionError> {
    let days = statement.days();
    let first = order.from.or_else(|| days.first().copied()).unwrap_or_default();
    let last = order.until.or_else(|| days.last().copied()).unwrap_or_default();
    if first > last {
        return Err(CorrectionError::Backwards);
    }
    if i64::from((last - first).get_days()) >= MAX_DAYS {
        return Err(CorrectionError::TooManyDays { max_days: MAX_DAYS });
    }
    Ok(Asked {
        provider: order.provider.clone(),
        from: first,
        until: last.tomorrow()?,
        names: order.names.clone(),
        tolerance: order.tolerance,
    })
}

/// A provider's days, as records have their times.
fn span(from: Date, until: Date) -> Result<(String, String), CorrectionError> {
    let midnight = |day: Date| -> Result<String, jiff::Error> {
        let at: Timestamp = jiff::tz::Offset::UTC.to_timestamp(day.at(0, 0, 0, 0))?;
        Ok(format!("{at:.3}"))
    };
    Ok((midnight(from)?, midnight(until)?))
}

async fn compared(desk: Desk<'_>, statement: &Statement, asked: &Asked) -> Result<Comparison, CorrectionError> {
    let span = span(asked.from, asked.until)?;
    let ours = desk.corrections().provider_days(asked.provider.clone(), span).await?;
    Ok(compare(&ours, statement, asked))
}

fn refuse_unexplained(comparison: &Comparison) -> Result<(), CorrectionError> {
    let unexplained = || comparison.lines.iter().filter(|line| line.is_beyond && !line.is_explained);
    let named: Vec<String> = unexplained().take(NAMED).map(|line| format!("{} {}", line.day, line.model)).collect();
    match unexplained().count() {
        0 => Ok(()),
        num => Err(CorrectionError::NotExplained { num, first: named.join(", ") }),
    }
}

/// The same file, days and names are the same act.
fn act(file: &[u8], order: &Order, asked: &Asked, signature: &Signature) -> CorrectionAct {
    let hash = hex(file);
    let Asked { provider, from, until, names, .. } = asked;
    let told = format!("{provider}\n{from}\n{until}\n{hash}\n{names:?}\n{:?}", order.columns);
    let id: String = hex(told.as_bytes()).chars().take(HASH_DIGITS).collect();
    CorrectionAct {
        id: format!("reconciliation_{id}"),
        kind: CorrectionKind::Reconciliation,
        reason: format!("the account of '{provider}' for {from} to {}", until.yesterday().unwrap_or(*until)),
        made_by: signature.made_by.clone(),
        made_at_ms: signature.now.as_millisecond(),
        provider: Some(provider.clone()),
        from_day: Some(from.to_string()),
        until_day: Some(until.to_string()),
        file: Some(order.file.clone()),
        file_hash: Some(hash),
    }
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        // A text takes all that is written to it.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

async fn corrections(desk: Desk<'_>, comparison: &Comparison, act: &str) -> Result<Vec<Correction>, CorrectionError> {
    let mut all = Vec::new();
    let lines = || comparison.lines.iter().filter(|line| line.is_explained && line.is_to_correct());
    let mut days: Vec<Date> = lines().map(|line| line.day).collect();
    days.dedup();
    for day in days {
        let span = span(day, day.checked_add(1.day())?)?;
        let rows = desk.corrections().estimated(comparison.provider.clone(), span, MAX_ROWS + 1).await?;
        if rows.len() > MAX_ROWS as usize {
            return Err(CorrectionError::TooManyRows { day, max_rows: MAX_ROWS });
        }
        for line in lines().filter(|line| line.day == day) {
            let own: Vec<StandingRow> =
                rows.iter().filter(|row| line.our_models.contains(&row.model)).cloned().collect();
            let failed = |problem| CorrectionError::Spread { day, model: line.model.clone(), problem };
            for (row, shares) in own.iter().zip(spread(line, &own).map_err(failed)?) {
                all.extend(correction(desk, (row, shares), line, act)?);
                if all.len() > MAX_CORRECTIONS {
                    return Err(CorrectionError::TooManyCorrections { max: MAX_CORRECTIONS });
                }
            }
        }
    }
    Ok(all)
}

/// None where the row is what it should be.
fn correction(
    desk: Desk<'_>,
    (row, shares): (&StandingRow, Shares),
    line: &ComparisonLine,
    act: &str,
) -> Result<Option<Correction>, CorrectionError> {
    let count = |count: Option<u64>| count.unwrap_or(0);
    let more = |then: Option<u64>, now: u64| now.cast_signed() - count(then).cast_signed();
    let reasoning = count(row.usage.reasoning_tokens).min(shares.completion_tokens);
    let mut correction = Correction {
        id: format!("{}~{act}", row.id),
        corrects: row.id.clone(),
        prompt_tokens: more(row.usage.prompt_tokens, shares.prompt_tokens),
        cached_prompt_tokens: more(row.usage.cached_prompt_tokens, shares.cached_prompt_tokens),
        completion_tokens: more(row.usage.completion_tokens, shares.completion_tokens),
        reasoning_tokens: more(row.usage.reasoning_tokens, reasoning),
        usd: None,
        tenge: Tenge::ZERO,
        settles: false,
        price_version: None,
        factor: None,
        fx: None,
        seen: row.num_corrections,
    };
    let has_other_tokens =
        [correction.prompt_tokens, correction.cached_prompt_tokens, correction.completion_tokens] != [0; 3];
    match shares.usd {
        Some(usd) => put_dollars(desk, row, usd, &mut correction)?,
        None if has_other_tokens => put_charge(desk, (row, shares), line, &mut correction)?,
        None => {}
    }
    let has_amount = correction.tenge != Tenge::ZERO || correction.usd.is_some_and(|usd| usd != Usd::ZERO);
    Ok((has_other_tokens || has_amount || correction.settles).then_some(correction))
}

/// The row comes to these dollars, at its own rate.
fn put_dollars(
    desk: Desk<'_>,
    row: &StandingRow,
    usd: Usd,
    correction: &mut Correction,
) -> Result<(), CorrectionError> {
    let more = usd.minus(row.usd.unwrap_or(Usd::ZERO))?;
    correction.settles = row.tenge.is_none();
    if more == Usd::ZERO && !correction.settles {
        return Ok(());
    }
    let fx = rate_of(desk, row)?;
    correction.usd = Some(more);
    correction.tenge = fx.rate.tenge(usd)?.minus(row.tenge.unwrap_or(Tenge::ZERO))?;
    correction.fx = Some(fx);
    correction.price_version = correction.settles.then(|| "provider".to_owned());
    Ok(())
}

/// What the other tokens cost at the prices of their time; a row that has no amount gets none by this.
fn put_charge(
    desk: Desk<'_>,
    (row, shares): (&StandingRow, Shares),
    line: &ComparisonLine,
    correction: &mut Correction,
) -> Result<(), CorrectionError> {
    let Some(tenge) = row.tenge else { return Ok(()) };
    let usage = Usage {
        prompt_tokens: Some(shares.prompt_tokens),
        cached_prompt_tokens: Some(shares.cached_prompt_tokens),
        completion_tokens: Some(shares.completion_tokens),
        ..row.usage.clone()
    };
    let other = StandingRow { usage, ..row.clone() };
    let no_price = |_| CorrectionError::NoPrice { day: line.day, model: line.model.clone() };
    let (before, now) = (charge(desk, row).map_err(no_price)?, charge(desk, &other).map_err(no_price)?);
    match (before.usd, now.usd, row.usd) {
        (Some(before), Some(now), own) => {
            let more = now.minus(before)?;
            let usd = own.unwrap_or(Usd::ZERO).plus(more)?;
            let fx = rate_of(desk, row)?;
            correction.usd = Some(more);
            correction.tenge = fx.rate.tenge(usd)?.minus(tenge)?;
            correction.fx = Some(fx);
        }
        _ => correction.tenge = now.tenge.minus(before.tenge)?,
    }
    correction.price_version = Some(now.price_version);
    correction.factor = Some(now.factor);
    Ok(())
}

/// The one that the row was converted at, or that of its day.
fn rate_of(desk: Desk<'_>, row: &StandingRow) -> Result<FxQuote, CorrectionError> {
    let known = row.fx.clone().map_or_else(|| desk.rates.of_dollar(row.day).ok(), Some);
    known.ok_or(CorrectionError::NoRate { day: row.day })
}
