//! What stands on a customer's invoices: the buyer's name, numbers and contract.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::invoices::{BadField, BankDraft, ContractDraft, PartyDraft, Problem};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuyerDetails {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_kk: Option<String>,
    /// БИН or ИИН.
    pub bin: String,
    pub address: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bank: Option<BuyerBank>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<BuyerContract>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuyerBank {
    pub name: String,
    pub iik: String,
    pub bic: String,
    pub kbe: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuyerContract {
    pub number: String,
    /// `2026-01-15`
    pub date: String,
}

impl BuyerDetails {
    /// # Errors
    /// A document could not have them; the field is named as here.
    pub fn check(&self) -> Result<(), BadField> {
        let own = |bad: BadField| match bad.field.as_str() {
            "tax_id" => BadField { field: "bin".to_owned(), ..bad },
            "bank.bik" => BadField { field: "bank.bic".to_owned(), ..bad },
            _ => bad,
        };
        self.party().check().map_err(own)?;
        let contract = self.contract()?;
        contract.as_ref().map_or(Ok(()), |contract| contract.check().map_err(|bad| bad.under("contract")))
    }

    pub fn party(&self) -> PartyDraft {
        let bank = self.bank.as_ref().map(|bank| BankDraft {
            name: bank.name.clone(),
            iik: bank.iik.clone(),
            bik: bank.bic.clone(),
            kbe: bank.kbe.clone(),
        });
        PartyDraft {
            name: self.name.clone(),
            name_kk: self.name_kk.clone(),
            tax_id: self.bin.clone(),
            address: self.address.clone(),
            phone: self.phone.clone(),
            bank,
        }
    }

    /// # Errors
    /// Its date is none.
    pub fn contract(&self) -> Result<Option<ContractDraft>, BadField> {
        let Some(contract) = &self.contract else { return Ok(None) };
        let no_date = |_| BadField { field: "contract.date".to_owned(), problem: Problem::NotADay };
        let date: Date = contract.date.parse().map_err(no_date)?;
        Ok(Some(ContractDraft { number: contract.number.clone(), date }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_document_could_have_is_refused_by_its_own_name() {
        let json = r#"{"name":"АО «Қазына»","bin":"990440000385","address":"г. Алматы","contract":{"number":"17","date":"2026-01-15"}}"#;
        let read = |text: &str| serde_json::from_str::<BuyerDetails>(text).unwrap();
        let buyer = read(json);
        assert_eq!(buyer.check(), Ok(()));
        assert_eq!(serde_json::to_string(&buyer).unwrap(), json);
        for (from, to, field) in [
            ("990440000385", "990440000386", "bin"),
            ("2026-01-15", "15.01.2026", "contract.date"),
            ("\"17\"", "\" \"", "contract.number"),
            ("г. Алматы", "", "address"),
        ] {
            assert_eq!(read(&json.replace(from, to)).check().unwrap_err().field, field);
        }
    }
}
