//! Who supplies, who buys, on what contract, and who signs.

use jiff::civil::Date;

use super::error::{BadField, Problem, read};
use super::identifiers::{BeneficiaryCode, Bic, Iban, TaxId};
use super::text::Text;

const MAX_NAME_CHARS: usize = 250;
const MAX_ADDRESS_CHARS: usize = 250;
const MAX_SHORT_CHARS: usize = 100;

/// As a configuration or a form has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartyDraft {
    pub name: String,
    pub name_kk: Option<String>,
    /// БИН or ИИН.
    pub tax_id: String,
    pub address: String,
    pub phone: Option<String>,
    pub bank: Option<BankDraft>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BankDraft {
    pub name: String,
    pub iik: String,
    pub bik: String,
    pub kbe: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractDraft {
    pub number: String,
    pub date: Date,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignerDraft {
    pub position: String,
    pub name: String,
}

impl PartyDraft {
    /// Whether a document could have it, before there is one.
    ///
    /// # Errors
    /// A field is bad.
    pub fn check(&self) -> Result<(), BadField> {
        Party::check(self).map(drop)
    }
}

impl ContractDraft {
    /// # Errors
    /// As [`PartyDraft::check`].
    pub fn check(&self) -> Result<(), BadField> {
        Contract::check(self, self.date).map(drop)
    }
}

impl SignerDraft {
    /// # Errors
    /// As [`PartyDraft::check`].
    pub fn check(&self) -> Result<(), BadField> {
        Signer::check(self).map(drop)
    }
}

#[derive(Debug, Clone)]
pub struct Party {
    pub(super) name: Text,
    pub(super) name_kk: Option<Text>,
    pub(super) tax_id: TaxId,
    pub(super) address: Text,
    pub(super) phone: Option<Text>,
    pub(super) bank: Option<BankAccount>,
}

#[derive(Debug, Clone)]
pub struct BankAccount {
    pub(super) name: Text,
    pub(super) iik: Iban,
    pub(super) bik: Bic,
    pub(super) kbe: BeneficiaryCode,
}

#[derive(Debug, Clone)]
pub struct Contract {
    pub(super) number: Text,
    pub(super) date: Date,
}

#[derive(Debug, Clone)]
pub struct Signer {
    pub(super) position: Text,
    pub(super) name: Text,
}

impl Party {
    pub(super) fn check(draft: &PartyDraft) -> Result<Self, BadField> {
        Ok(Self {
            name: Text::read("name", &draft.name, MAX_NAME_CHARS)?,
            name_kk: Text::read_optional("name_kk", draft.name_kk.as_deref(), MAX_NAME_CHARS)?,
            tax_id: read("tax_id", &draft.tax_id)?,
            address: Text::read("address", &draft.address, MAX_ADDRESS_CHARS)?,
            phone: Text::read_optional("phone", draft.phone.as_deref(), MAX_SHORT_CHARS)?,
            bank: draft.bank.as_ref().map(BankAccount::check).transpose().map_err(|bad| bad.under("bank"))?,
        })
    }
}

impl BankAccount {
    fn check(draft: &BankDraft) -> Result<Self, BadField> {
        Ok(Self {
            name: Text::read("name", &draft.name, MAX_NAME_CHARS)?,
            iik: read("iik", &draft.iik)?,
            bik: read("bik", &draft.bik)?,
            kbe: read("kbe", &draft.kbe)?,
        })
    }
}

impl Contract {
    /// Nobody invoices under a contract that is still to come.
    pub(super) fn check(draft: &ContractDraft, document_date: Date) -> Result<Self, BadField> {
        if document_date < draft.date {
            return Err(Problem::TooEarly { earliest: draft.date }.of("date"));
        }
        Ok(Self { number: Text::read("number", &draft.number, MAX_SHORT_CHARS)?, date: draft.date })
    }
}

impl Signer {
    pub(super) fn check(draft: &SignerDraft) -> Result<Self, BadField> {
        Ok(Self {
            position: Text::read("position", &draft.position, MAX_SHORT_CHARS)?,
            name: Text::read("name", &draft.name, MAX_SHORT_CHARS)?,
        })
    }
}
