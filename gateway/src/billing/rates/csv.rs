//! Rates from a file, where the gateway has no way out: lines of `date,currency,rate,quant` below a line that says so.
//!
//! Days as `2026-12-01`. No quotes, no other columns: what cannot be read is refused with its line, and the file whole.

use std::collections::HashSet;

use super::published::{BadRate, Published, for_one};
use super::quote::NoCurrency;

const HEAD: &str = "date,currency,rate,quant";
/// Decades of days.
const MAX_BYTES: usize = 4 << 20;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCsv {
    #[error("the rates are larger than {MAX_BYTES} bytes")]
    TooLarge,
    #[error("the rates are no UTF-8")]
    NotUtf8,
    #[error("the first line must be '{HEAD}'")]
    Head,
    #[error("the file has no rates")]
    Empty,
    #[error("line {line}: {problem}")]
    Line { line: usize, problem: BadLine },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadLine {
    #[error("it must be {HEAD}")]
    Columns,
    #[error("a day is like 2026-12-01")]
    Day,
    #[error(transparent)]
    Currency(#[from] NoCurrency),
    #[error(transparent)]
    Rate(#[from] BadRate),
    #[error("the currency stands there twice for this day")]
    Twice,
}

/// All days and currencies of the file.
///
/// # Errors
/// A line cannot be read, or says twice what can be said once.
pub fn read_csv(csv: &[u8]) -> Result<Vec<Published>, BadCsv> {
    if csv.len() > MAX_BYTES {
        return Err(BadCsv::TooLarge);
    }
    let text = std::str::from_utf8(csv).map_err(|_| BadCsv::NotUtf8)?;
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    if lines.next().map(str::trim) != Some(HEAD) {
        return Err(BadCsv::Head);
    }
    let mut taken = HashSet::new();
    let mut rates = Vec::new();
    for (index, line) in lines.enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let at = |problem: BadLine| BadCsv::Line { line: index + 2, problem };
        let rate = read_line(line).map_err(at)?;
        if !taken.insert((rate.date, rate.currency)) {
            return Err(at(BadLine::Twice));
        }
        rates.push(rate);
    }
    if rates.is_empty() { Err(BadCsv::Empty) } else { Ok(rates) }
}

fn read_line(line: &str) -> Result<Published, BadLine> {
    let columns: Vec<&str> = line.split(',').map(str::trim).collect();
    let [date, currency, rate, quantity] = columns.as_slice() else { return Err(BadLine::Columns) };
    let date = if date.len() == 10 { date.parse().map_err(|_| BadLine::Day)? } else { return Err(BadLine::Day) };
    Ok(Published { date, currency: currency.parse()?, rate: for_one(rate, quantity)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing::BadAmount;

    fn read(lines: &str) -> Result<Vec<Published>, BadCsv> {
        read_csv(format!("{HEAD}\n{lines}").as_bytes())
    }

    #[test]
    fn days_and_currencies_are_read() {
        let rates = read("2026-11-30,USD,510.01,1\r\n\n2026-12-01, USD, 512.34, 1\n2026-12-01,UZS,3.96,100\n").unwrap();
        let told: Vec<_> = rates.iter().map(|rate| format!("{} {} {}", rate.date, rate.currency, rate.rate)).collect();
        assert_eq!(told, ["2026-11-30 USD 510.01", "2026-12-01 USD 512.34", "2026-12-01 UZS 0.0396"]);
        assert_eq!(read_csv("\u{feff}date,currency,rate,quant\r\n2026-12-01,USD,1,1".as_bytes()).unwrap().len(), 1);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (line, problem) in [
            ("2026-12-01,USD,512.34", BadLine::Columns),
            ("2026-12-01,USD,512,34,1", BadLine::Columns),
            ("\"2026-12-01\",USD,512.34,1", BadLine::Day),
            ("01.12.2026,USD,512.34,1", BadLine::Day),
            ("2026-13-01,USD,512.34,1", BadLine::Day),
            ("2026-12-01,usd,512.34,1", BadLine::Currency(NoCurrency)),
            ("2026-12-01,USD,0,1", BadLine::Rate(BadRate::Absurd)),
            ("2026-12-01,USD,5e2,1", BadLine::Rate(BadRate::Rate(BadAmount::NotANumber))),
            ("2026-12-01,USD,512.34,0", BadLine::Rate(BadRate::Quantity)),
            ("2026-11-30,USD,512.34,1", BadLine::Twice),
        ] {
            assert_eq!(
                read(&format!("2026-11-30,USD,510,1\n{line}")),
                Err(BadCsv::Line { line: 3, problem }),
                "{line}"
            );
        }
        assert_eq!(read(""), Err(BadCsv::Empty));
        assert_eq!(read_csv(b"date;currency;rate;quant\n"), Err(BadCsv::Head));
        assert_eq!(read_csv(b""), Err(BadCsv::Head));
        assert_eq!(read_csv(&[0xff, 0xfe]), Err(BadCsv::NotUtf8));
        assert_eq!(read_csv(&vec![b'a'; MAX_BYTES + 1]), Err(BadCsv::TooLarge));
    }
}
