//! `[billing.supplier]`: who sends the invoices, checked as the documents check it.

use serde::Deserialize;
use toml::Spanned;

use super::validate::{Invalid, invalid};
use crate::invoices::{BadField, BankDraft, PartyDraft, SignerDraft, VatPlacement, VatRate, check_payment_purpose};

/// «Услуги», of the classifier of payment purposes.
const USUAL_KNP: &str = "859";
/// A resident's private company.
const USUAL_KBE: &str = "17";
const USUAL_DUE_DAYS: u16 = 10;
const MAX_DUE_DAYS: u16 = 365;
const USUAL_PREFIX: &str = "SH-";
const MAX_PREFIX_CHARS: usize = 12;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupplierFile {
    pub name: String,
    pub name_kk: Option<String>,
    /// БИН or ИИН.
    pub bin: String,
    pub address: String,
    pub phone: Option<String>,
    pub bank: SupplierBankFile,
    /// Unset: 17.
    pub kbe: Option<String>,
    /// Unset: 859.
    pub knp: Option<String>,
    pub signer: SignerFile,
    /// `16`, `0` or `none`.
    pub vat: Spanned<String>,
    /// `on_top` of the ledger's amounts or `included` in them; unset: `on_top`.
    pub vat_placement: Option<Spanned<String>>,
    /// Unset: 10.
    pub due_days: Option<Spanned<u16>>,
    /// Of the documents' numbers; unset: `SH-`.
    pub number_prefix: Option<Spanned<String>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupplierBankFile {
    pub name: String,
    pub iik: String,
    pub bic: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignerFile {
    pub position: String,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Supplier {
    /// With a bank.
    pub party: PartyDraft,
    pub signer: SignerDraft,
    pub payment_purpose: String,
    pub vat: VatRate,
    pub vat_placement: VatPlacement,
    pub due_days: u16,
    pub number_prefix: String,
}

pub(super) fn check_supplier(written: &Spanned<SupplierFile>) -> Result<Supplier, Invalid> {
    let file = written.get_ref();
    let bad = |field: &BadField| invalid(written, format!("billing.supplier.{}: {}", own(&field.field), field.problem));
    let bank = BankDraft {
        name: file.bank.name.clone(),
        iik: file.bank.iik.clone(),
        bik: file.bank.bic.clone(),
        kbe: file.kbe.clone().unwrap_or_else(|| USUAL_KBE.to_owned()),
    };
    let party = PartyDraft {
        name: file.name.clone(),
        name_kk: file.name_kk.clone(),
        tax_id: file.bin.clone(),
        address: file.address.clone(),
        phone: file.phone.clone(),
        bank: Some(bank),
    };
    party.check().map_err(|field| bad(&field))?;
    let signer = SignerDraft { position: file.signer.position.clone(), name: file.signer.name.clone() };
    signer.check().map_err(|field| bad(&field.under("signer")))?;
    let payment_purpose = file.knp.clone().unwrap_or_else(|| USUAL_KNP.to_owned());
    check_payment_purpose("knp", &payment_purpose).map_err(|field| bad(&field))?;
    let vat = match file.vat.get_ref().as_str() {
        "16" => VatRate::Standard,
        "0" => VatRate::Zero,
        "none" => VatRate::Exempt,
        _ => return Err(invalid(&file.vat, "vat is \"16\", \"0\" or \"none\"")),
    };
    let vat_placement = match &file.vat_placement {
        None => VatPlacement::OnTop,
        Some(word) => match word.get_ref().as_str() {
            "on_top" => VatPlacement::OnTop,
            "included" => VatPlacement::Included,
            _ => return Err(invalid(word, "vat_placement is \"on_top\" or \"included\"")),
        },
    };
    let due_days = match &file.due_days {
        None => USUAL_DUE_DAYS,
        Some(days) if *days.get_ref() <= MAX_DUE_DAYS => *days.get_ref(),
        Some(days) => return Err(invalid(days, format!("due_days must be 0 to {MAX_DUE_DAYS}"))),
    };
    let number_prefix = check_prefix(file.number_prefix.as_ref())?;
    Ok(Supplier { party, signer, payment_purpose, vat, vat_placement, due_days, number_prefix })
}

/// It stands in addresses too.
fn check_prefix(prefix: Option<&Spanned<String>>) -> Result<String, Invalid> {
    let Some(prefix) = prefix else { return Ok(USUAL_PREFIX.to_owned()) };
    let text = prefix.get_ref();
    let fits = text.chars().count() <= MAX_PREFIX_CHARS && text.chars().all(|c| c.is_alphanumeric() || c == '-');
    let wrong = || invalid(prefix, format!("number_prefix is up to {MAX_PREFIX_CHARS} letters, digits and hyphens"));
    if fits { Ok(text.clone()) } else { Err(wrong()) }
}

/// A document's field as the configuration has it.
fn own(field: &str) -> &str {
    match field {
        "tax_id" => "bin",
        "bank.bik" => "bank.bic",
        "bank.kbe" => "kbe",
        field => field,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::parse;

    const WHOLE: &str = r#"
[billing.supplier]
name = "ТОО «Шекара»"
bin = "180140000008"
address = "г. Астана, пр. Мәңгілік Ел, 55"
bank = { name = "АО «Народный Банк Казахстана»", iik = "KZ86125KZT5004100100", bic = "HSBKKZKX" }
signer = { position = "Директор", name = "Әбдірахманова Г. Қ." }
vat = "16"
"#;

    fn parsed(text: &str) -> Result<Option<Supplier>, String> {
        parse(text, Path::new("x")).map(|config| config.billing.supplier).map_err(|error| error.to_string())
    }

    #[test]
    fn a_supplier_is_read_with_what_is_usual() {
        assert_eq!(parsed("").unwrap(), None);
        let supplier = parsed(WHOLE).unwrap().unwrap();
        assert_eq!((supplier.payment_purpose.as_str(), supplier.due_days), ("859", 10));
        assert_eq!((supplier.vat, supplier.vat_placement), (VatRate::Standard, VatPlacement::OnTop));
        assert_eq!((supplier.number_prefix.as_str(), supplier.party.bank.unwrap().kbe.as_str()), ("SH-", "17"));
    }

    #[test]
    fn what_a_document_would_refuse_is_refused_here_by_name() {
        for (from, to, message) in [
            ("180140000008", "180140000009", "billing.supplier.bin: its check digits are wrong"),
            ("HSBKKZKX", "HSBK", "billing.supplier.bank.bic: "),
            ("KZ86", "KZ87", "billing.supplier.bank.iik: its check digits are wrong"),
            ("\"Директор\"", "\"\"", "billing.supplier.signer.position: it is empty"),
            ("vat = \"16\"", "vat = \"12\"", "vat is \"16\", \"0\" or \"none\""),
            ("vat = \"16\"", "vat = \"0\"\nknp = \"8590\"", "billing.supplier.knp: it must be 3 digits"),
            ("vat = \"16\"", "vat = \"0\"\nkbe = \"7\"", "billing.supplier.kbe: "),
            ("vat = \"16\"", "vat = \"0\"\nnumber_prefix = \"a/b\"", "number_prefix is up to"),
            ("vat = \"16\"", "vat = \"0\"\ndue_days = 400", "due_days must be"),
        ] {
            let error = parsed(&WHOLE.replace(from, to)).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }
}
