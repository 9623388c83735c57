//! What every paper has: number and day, two parties, lines, and sums that agree.
//!
//! A [`Document`] is made only of a draft whose lines add up to the ledger's total, to the tiyn; from there on nothing
//! changes. The tax is computed once, on that total, half to even, and shared over the lines so that they add up to it.

use jiff::civil::Date;

use super::error::{BadField, Problem};
use super::line::{Line, LineDraft};
use super::party::{Contract, ContractDraft, Party, PartyDraft, Signer, SignerDraft};
use super::text::Text;
use super::vat::{LineTax, Vat, VatPlacement, VatTerms};
use crate::billing::Tenge;

const MAX_NUMBER_CHARS: usize = 30;
/// Of a document itself; what is finer belongs in its appendix.
const MAX_LINES: usize = 10_000;

#[derive(Debug, Clone)]
pub struct DocumentDraft {
    pub number: String,
    pub date: Date,
    pub supplier: PartyDraft,
    pub buyer: PartyDraft,
    pub contract: Option<ContractDraft>,
    pub lines: Vec<LineDraft>,
    /// What the ledger has for all lines together, by another way than adding them up.
    pub lines_total: Tenge,
    pub vat: VatTerms,
    pub signer: SignerDraft,
}

#[derive(Debug, Clone)]
pub struct Document {
    pub(super) number: Text,
    pub(super) date: Date,
    pub(super) supplier: Party,
    pub(super) buyer: Party,
    pub(super) contract: Option<Contract>,
    pub(super) lines: Vec<Line>,
    /// Of each line, in their order.
    pub(super) line_taxes: Vec<LineTax>,
    pub(super) vat: Vat,
    pub(super) totals: Totals,
    pub(super) signer: Signer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// The sum of the lines: with the tax or without it, as the terms say.
    pub lines: Tenge,
    pub net: Tenge,
    pub vat: Tenge,
    /// `net + vat`
    pub payable: Tenge,
}

impl Totals {
    fn new(lines: Tenge, vat: Vat) -> Result<Self, Problem> {
        let tax = vat.of(lines)?;
        let (net, payable) = match vat.placement {
            VatPlacement::OnTop => (lines, lines.plus(tax)?),
            VatPlacement::Included => (lines.minus(tax)?, lines),
        };
        Ok(Self { lines, net, vat: tax, payable })
    }
}

impl Document {
    pub(super) fn check(draft: &DocumentDraft) -> Result<Self, BadField> {
        let lines = checked_lines(&draft.lines)?;
        let sums: Vec<Tenge> = lines.iter().map(|line| line.sum).collect();
        let sum = Tenge::sum(sums.iter().copied()).map_err(|error| Problem::from(error).of("lines_total"))?;
        if sum != draft.lines_total {
            return Err(Problem::OtherTotal { lines: sum, total: draft.lines_total }.of("lines_total"));
        }
        let vat = draft.vat.apply().map_err(|problem| problem.of("vat.turnover_date"))?;
        let in_vat = |problem: Problem| problem.of("vat");
        let contract = draft.contract.as_ref().map(|contract| Contract::check(contract, draft.date));
        Ok(Self {
            number: Text::read("number", &draft.number, MAX_NUMBER_CHARS)?,
            date: draft.date,
            supplier: Party::check(&draft.supplier).map_err(|bad| bad.under("supplier"))?,
            buyer: Party::check(&draft.buyer).map_err(|bad| bad.under("buyer"))?,
            contract: contract.transpose().map_err(|bad| bad.under("contract"))?,
            lines,
            line_taxes: vat.by_line(&sums).map_err(in_vat)?,
            vat,
            totals: Totals::new(sum, vat).map_err(in_vat)?,
            signer: Signer::check(&draft.signer).map_err(|bad| bad.under("signer"))?,
        })
    }

    /// What is charged is not below zero, though single lines may take something back.
    pub(super) fn check_charge(draft: &DocumentDraft) -> Result<Self, BadField> {
        let document = Self::check(draft)?;
        if document.totals.payable.is_negative() { Err(Problem::BelowZero.of("lines_total")) } else { Ok(document) }
    }

    pub fn number(&self) -> &str {
        self.number.as_str()
    }

    pub const fn date(&self) -> Date {
        self.date
    }

    pub const fn totals(&self) -> Totals {
        self.totals
    }
}

fn checked_lines(drafts: &[LineDraft]) -> Result<Vec<Line>, BadField> {
    if drafts.is_empty() {
        return Err(Problem::NoLines.of("lines"));
    }
    if drafts.len() > MAX_LINES {
        return Err(Problem::TooManyLines { max_lines: MAX_LINES }.of("lines"));
    }
    let check = |(position, draft)| Line::check(draft).map_err(|bad| bad.under(&format!("lines[{position}]")));
    drafts.iter().enumerate().map(check).collect()
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
