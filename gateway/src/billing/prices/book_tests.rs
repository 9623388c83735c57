//! Which of several prices holds.

use super::*;
use crate::billing::measure::Measure;
use crate::billing::prices::{PriceFile, read_overrides};

#[derive(serde::Deserialize)]
struct File {
    prices: Vec<PriceFile>,
}

fn book(overrides: &str) -> PriceBook {
    let catalogue = r#"
        as_of = "2026-11-22"
        [[lists]]
        name = "openai"
        source = "x"
        source_date = "2026-11-10"
        prices = [
            { model = "gpt-4o", prompt_per_million = "2.5" },
            { model = "gpt-4o-2024-05-13", prompt_per_million = "5" },
            { model = "gpt-4o-mini", prompt_per_million = "0.15" },
            { model = "promo", prompt_per_million = "1" },
            { model = "promo", from = "2026-12-01", prompt_per_million = "2" },
            { model = "promo", from = "2027-01-01", prompt_per_million = "3" },
            { model = "new", from = "2026-12-01", prompt_per_million = "4" },
        ]"#;
    let file: File = toml::from_str(&format!("prices = [{overrides}]")).unwrap();
    let overrides = read_overrides(&file.prices).unwrap();
    PriceBook::new(Catalogue::parse(catalogue).unwrap(), overrides, Offset::constant(5))
}

fn prompt_price(book: &PriceBook, model: &str, at: &str) -> Option<String> {
    let asked = Asked { provider: "our-openai", list: Some("openai"), model, at: at.parse().unwrap() };
    let price = book.price(asked).ok()?;
    Some(price.rate(Measure::PromptTokens, 0).unwrap().to_string())
}

fn at_noon(book: &PriceBook, model: &str) -> Option<String> {
    prompt_price(book, model, "2026-12-15T07:00:00Z")
}

#[test]
fn a_row_holds_from_its_day_on() {
    let book = book("");
    let promo = |at: &str| prompt_price(&book, "promo", at).unwrap();
    assert_eq!(promo("2020-01-01T00:00:00Z"), "1.00");
    assert_eq!(promo("2026-11-30T23:59:59Z"), "1.00");
    assert_eq!(promo("2026-12-01T00:00:00Z"), "2.00");
    assert_eq!(promo("2031-01-01T00:00:00Z"), "3.00");
    assert_eq!(prompt_price(&book, "new", "2026-11-30T12:00:00Z"), None);
}

#[test]
fn the_operators_price_goes_first_from_their_own_day_on() {
    let book = book(
        r#"{ provider = "our-openai", model = "promo", from = "2026-12-10", prompt_per_million = "0.9" },
           { provider = "other", model = "gpt-4o", prompt_per_million = "9" },
           { provider = "our-openai", model = "unheard-of", prompt_per_million = "7" }"#,
    );
    // Their day begins five hours before.
    assert_eq!(prompt_price(&book, "promo", "2026-12-09T18:59:59Z").unwrap(), "2.00");
    assert_eq!(prompt_price(&book, "promo", "2026-12-09T19:00:00Z").unwrap(), "0.90");
    assert_eq!(at_noon(&book, "gpt-4o").unwrap(), "2.50");
    assert_eq!(at_noon(&book, "unheard-of").unwrap(), "7.00");
}

#[test]
fn a_name_goes_before_the_same_without_its_day() {
    let plain = book("");
    assert_eq!(at_noon(&plain, "gpt-4o-2024-08-06").unwrap(), "2.50");
    assert_eq!(at_noon(&plain, "gpt-4o-2024-05-13").unwrap(), "5.00");
    assert_eq!(at_noon(&plain, "gpt-4o-mini-2024-07-18").unwrap(), "0.15");
    assert_eq!(at_noon(&plain, "gpt-4o-audio"), None);
    let own = book(r#"{ provider = "our-openai", model = "gpt-4o", prompt_per_million = "2" }"#);
    assert_eq!(at_noon(&own, "gpt-4o-2024-08-06").unwrap(), "2.00");
    assert_eq!(at_noon(&own, "gpt-4o-2024-05-13").unwrap(), "5.00");
    assert_eq!(at_noon(&own, "gpt-4o-mini").unwrap(), "0.15");
}

#[test]
fn an_override_names_its_provider_and_not_twice_the_same_day() {
    let refused = |rows: &str| {
        let file: File = toml::from_str(&format!("prices = [{rows}]")).unwrap();
        read_overrides(&file.prices).unwrap_err().to_string()
    };
    let row = r#"{ provider = "a", model = "m", prompt_per_million = 1 }"#;
    assert_eq!(refused(&format!("{row}, {row}")), "the price of 'm': it stands there twice for the same days");
    let nobodys = r#"{ model = "m", prompt_per_million = 1 }"#;
    assert_eq!(refused(nobodys), "the price of 'm': it belongs to a provider, and none is named");
    let other = row.replace("\"a\"", "\"b\"");
    let file: File = toml::from_str(&format!("prices = [{row}, {other}]")).unwrap();
    assert_eq!(read_overrides(&file.prices).unwrap().len(), 2);
}
