//! `[billing]` as an operator writes it.

use std::path::Path;

use super::*;
use crate::config::parse;

fn parsed(text: &str) -> Result<BillingConfig, String> {
    parse(text, Path::new("x")).map(|config| config.billing).map_err(|error| error.to_string())
}

#[test]
fn nothing_is_set_by_default() {
    let config = parsed("").unwrap();
    assert!(config.prices.is_empty());
    assert_eq!(config.exchange, ExchangeConfig::Imported { max_age_days: 10 });
    let bank = parsed("[billing.exchange]\nsource = \"nbk\"").unwrap();
    assert_eq!(bank.exchange, ExchangeConfig::Bank { max_age_days: 10 });
    assert_eq!(*config.local.price("any", "2026-12-01".parse().unwrap()), LocalPrice::Free);
}

#[test]
fn prices_rates_and_local_models_are_read() {
    let text = r#"
[[billing.prices]]
provider = "openai"
model = "gpt-6-sol"
from = "2026-12-01"
prompt_per_million = "1.80"
completion_per_million = 9

[[billing.local]]
model = "qwen3-8b"
prompt_tenge_per_thousand = "0.05"
completion_tenge_per_thousand = "0.2"

[[billing.local]]
model = "whisper"
tenge_per_gpu_hour = "1 500,00"

[billing.exchange]
source = "file"
path = "rates.csv"
max_age_days = 5

[[providers]]
name = "openai"
kind = "openai"
"#;
    let config = parsed(text).unwrap();
    assert_eq!((config.prices[0].list(), config.prices[0].model()), ("openai", "gpt-6-sol"));
    assert!(config.prices[0].version().starts_with("config-"));
    let day = "2026-12-01".parse().unwrap();
    assert!(matches!(config.local.price("qwen3-8b", day), LocalPrice::PerUnit(_)));
    assert_eq!(*config.local.price("whisper", day), LocalPrice::PerGpuHour(Tenge::from_tiyn(150_000)));
    assert_eq!(config.exchange, ExchangeConfig::File { path: "rates.csv".into(), max_age_days: 5 });
    let fixed = parsed("[billing.exchange]\nsource = \"fixed\"\nrate = \"500\"").unwrap();
    assert_eq!(fixed.exchange, ExchangeConfig::Fixed("500".parse().unwrap()));
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let price = "[[billing.prices]]\nprovider = \"p\"\nmodel = \"m\"\n";
    let local = "[[billing.local]]\nmodel = \"m\"\n";
    let exchange = "[billing.exchange]\n";
    for (text, line, words) in [
        (format!("{price}prompt_per_million = 2.5"), 4, "a price is a text"),
        (format!("{price}prompt_per_million = \"-2\""), 4, "the price of 'm': a price is 0 to"),
        (format!("{price}prompt_price = \"2\""), 4, "unknown field"),
        (price.to_owned(), 3, "it names no price"),
        (format!("{price}prompt_per_million = \"2\""), 2, "there is no provider 'p'"),
        (price.replace("provider = \"p\"\n", "prompt_per_million = 1\n"), 3, "it belongs to a provider"),
        (local.to_owned(), 2, "names no price"),
        (format!("{local}prompt_tenge_per_thousand = \"-1\""), 3, "a price in tenge"),
        (format!("{local}prompt_tenge_per_thousand = 0.05"), 3, "expected a string"),
        (format!("{local}prompt_tenge_per_thousand = \"1\"\ntenge_per_gpu_hour = \"1\""), 4, "goes alone"),
        (format!("{local}tenge_per_gpu_hour = \"-1\""), 3, "not below zero"),
        (format!("{local}tenge_per_gpu_hour = \"1\"\n{local}tenge_per_gpu_hour = \"2\""), 5, "another price"),
        (format!("{local}from = \"1.12.2026\"\ntenge_per_gpu_hour = \"1\""), 3, "a day is like"),
        (format!("{exchange}source = \"ecb\""), 2, "source is \"imported\""),
        (format!("{exchange}source = \"file\""), 2, "needs a path"),
        (format!("{exchange}source = \"fixed\""), 2, "needs a rate"),
        (format!("{exchange}path = \"x\""), 2, "path is for"),
        (format!("{exchange}rate = \"500\""), 2, "rate is for"),
        (format!("{exchange}source = \"fixed\"\nrate = \"0\""), 3, "rate is tenge for a dollar"),
        (format!("{exchange}source = \"fixed\"\nrate = 500.5"), 3, "expected a string"),
        (format!("{exchange}max_age_days = 93"), 2, "max_age_days must be"),
    ] {
        let error = parsed(&text).unwrap_err();
        assert!(error.starts_with(&format!("x:{line}: ")) && error.contains(words), "{text}: {error}");
    }
}
