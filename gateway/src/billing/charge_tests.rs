//! Whole lines, from published prices and rates, by hand.

use proptest::prelude::*;

use super::*;
use crate::billing::prices::{Asked, Catalogue, PriceBook};
use crate::billing::rates::{Currency, Published, RateTable, Rates};
use crate::billing::{TengeRate, UnitPrice};

const NOON: &str = "2026-12-01T12:00:00Z";

fn quote(rate: &str) -> FxQuote {
    FxQuote { date: "2026-12-01".parse().unwrap(), rate: rate.parse().unwrap(), source: "nbk".to_owned() }
}

fn book() -> PriceBook {
    PriceBook::new(Catalogue::built_in().unwrap(), Vec::new(), jiff::tz::Offset::constant(5))
}

fn used<'a>(usage: &'a Usage, at: &str) -> Used<'a> {
    Used { usage, source: UsageSource::Provider, at: at.parse().unwrap(), device_ms: None }
}

fn tokens(prompt: u64, cached: u64, completion: u64) -> Usage {
    let (prompt_tokens, completion_tokens) = (Some(prompt), Some(completion));
    Usage { prompt_tokens, cached_prompt_tokens: Some(cached), completion_tokens, ..Usage::default() }
}

/// The catalogue's prices at the bank's rates of 2026: 473.59 (1 August), 450.79 (11 September), 440.86 (1 October).
#[test]
fn lines_are_what_they_are_by_hand() {
    let written = |usage: Usage| Usage { cache_write_tokens: Some(1_000), ..usage };
    let long = tokens(300_000, 100_000, 2_000);
    let sound = Usage { audio_ms: Some(61_000), ..Usage::default() };
    let spoken = Usage { characters: Some(1_234), ..Usage::default() };
    for (list, model, usage, permille, rate, dollars, tiyn) in [
        // 1,000 × 2.5 + 500 × 10 = 7,500 millionths; × 473.59 = 3.551925 tenge.
        ("openai", "gpt-4o", tokens(1_000, 0, 500), 1_000, "473.59", "0.0075", 355),
        // 200 × 0.15 + 800 × 0.075 + 100 × 0.6 = 150; × 473.59 = 0.0710385.
        ("openai", "gpt-4o-mini", tokens(1_000, 800, 100), 1_000, "473.59", "0.00015", 7),
        // 10,000 × 2 + 1,000 × 10 = 30,000, half of it; × 450.79 = 6.76185.
        ("openai", "gpt-6-sol", tokens(10_000, 0, 1_000), 500, "450.79", "0.015", 676),
        // 200,000 × 4 + 100,000 × 0.4 + 2,000 × 15 = 870,000; × 440.86 = 383.5482.
        ("openai", "gpt-6-sol", long.clone(), 1_000, "440.86", "0.87", 38_355),
        // 1,000 × 4 + 8,000 × 0.2 + 1,000 × 5 + 400 × 20 = 18,600; × 473.59 = 8.808774.
        ("anthropic", "claude-opus-5-5", written(tokens(10_000, 8_000, 400)), 1_000, "473.59", "0.0186", 881),
        // 200,000 × 2.5 + 100,000 × 0.25 + 2,000 × 15 = 555,000; × 450.79 = 250.18845.
        ("gemini", "gemini-2.5-pro", long, 1_000, "450.79", "0.555", 25_019),
        // 61 s of 0.36 dollars an hour = 0.0061; × 440.86 = 2.689246.
        ("openai", "whisper-1", sound, 1_000, "440.86", "0.0061", 269),
        // 1,234 × 15 = 18,510; × 440.86 = 8.1603186.
        ("openai", "tts-1", spoken, 1_000, "440.86", "0.01851", 816),
        // 1,000 × 0.5 + 1,000 × 1.5 = 2,000; × 473.59 = 0.94718.
        ("mistral", "mistral-large-2512", tokens(1_000, 0, 1_000), 1_000, "473.59", "0.002", 95),
        // At noon outside of the peak: 1,000 × 0.66 + 1,000 × 1.98 = 2,640; × 450.79 = 1.1900856.
        ("deepseek", "deepseek-v4-pro", tokens(1_000, 0, 1_000), 1_000, "450.79", "0.00264", 119),
    ] {
        let book = book();
        let asked = Asked { provider: "p", list: Some(list), model, at: NOON.parse().unwrap() };
        let price = book.price(asked).unwrap();
        let quote = quote(rate);
        let factor = Factor::from_permille(permille);
        let charge = charge(used(&usage, NOON), Tariff::Listed(price), factor, Some(&quote)).unwrap();
        assert_eq!(charge.usd.unwrap().to_string(), dollars, "{model}");
        assert_eq!(charge.tenge.tiyn(), tiyn, "{model}");
        assert_eq!((&charge.price_version, charge.fx.as_ref()), (&price.version().to_owned(), Some(&quote)));
    }
}

#[test]
fn the_peak_and_the_batch_are_one_factor() {
    let book = book();
    let asked = Asked { provider: "p", list: Some("deepseek"), model: "deepseek-flash", at: NOON.parse().unwrap() };
    let price = book.price(asked).unwrap();
    let (usage, quote) = (tokens(1_000_000, 0, 0), quote("500"));
    let at = |time: &str, permille: u32| {
        let factor = Factor::from_permille(permille);
        let charge = charge(used(&usage, time), Tariff::Listed(price), factor, Some(&quote)).unwrap();
        (charge.usd.unwrap().to_string(), charge.factor.to_string())
    };
    assert_eq!(at("2026-12-01T02:00:00Z", 1_000), ("0.30".to_owned(), "2.00".to_owned()));
    assert_eq!(at("2026-12-01T02:00:00Z", 500), ("0.15".to_owned(), "1.00".to_owned()));
    assert_eq!(at("2026-12-01T05:00:00Z", 500), ("0.075".to_owned(), "0.50".to_owned()));
}

#[test]
fn a_line_is_written_exactly_and_read_again() {
    let book = book();
    let asked = Asked { provider: "p", list: Some("openai"), model: "gpt-4o-mini", at: NOON.parse().unwrap() };
    let (usage, quote) = (tokens(7, 0, 1), quote("473.59"));
    let line =
        charge(used(&usage, NOON), Tariff::Listed(book.price(asked).unwrap()), Factor::ONE, Some(&quote)).unwrap();
    let json = serde_json::to_value(&line).unwrap();
    assert_eq!((&json["usd"], &json["tiyn"], &json["factor"]), (&"0.00000165".into(), &0.into(), &"1.00".into()));
    assert_eq!((&json["fx"]["rate"], &json["usage_source"]), (&"473.59".into(), &"provider".into()));
    assert_eq!(serde_json::from_value::<Charge>(json).unwrap(), line);
}

#[test]
fn local_models_are_never_dollars() {
    let price = LocalPrice::PerUnit(UnitPrice {
        thousand_prompt_tokens: Some("0.05".parse::<TengeRate>().unwrap()),
        thousand_completion_tokens: Some("0.2".parse().unwrap()),
        audio_hour: None,
    });
    let usage = tokens(10_000, 0, 1_000);
    let tariff = Tariff::Local { model: "qwen3-8b", price: &price };
    let line = charge(used(&usage, NOON), tariff, Factor::ONE, None).unwrap();
    assert_eq!((line.usd, line.tenge.tiyn(), line.fx.as_ref()), (None, 70, None));
    let json = serde_json::to_string(&line).unwrap();
    assert!(!json.contains("usd") && !json.contains("fx"), "{json}");
    assert_eq!(serde_json::from_str::<Charge>(&json).unwrap(), line);
    let free = Tariff::Local { model: "qwen3-8b", price: &LocalPrice::Free };
    let line = charge(used(&usage, NOON), free, Factor::ONE, None).unwrap();
    assert_eq!((line.tenge, line.price_version.as_str()), (Tenge::ZERO, "local-free"));
}

#[test]
fn without_a_rate_the_dollars_are_kept_and_no_line_is_made() {
    let book = book();
    let asked = Asked { provider: "p", list: Some("openai"), model: "gpt-4o", at: NOON.parse().unwrap() };
    let price = book.price(asked).unwrap();
    let usage = tokens(1_000, 0, 500);
    let error = charge(used(&usage, NOON), Tariff::Listed(price), Factor::ONE, None).unwrap_err();
    assert_eq!(error, NotCharged::NoRate { usd: "0.0075".parse().unwrap() });
    let heard = Usage { prompt_audio_tokens: Some(1), ..usage };
    let error = charge(used(&heard, NOON), Tariff::Listed(price), Factor::ONE, Some(&quote("500"))).unwrap_err();
    assert!(matches!(error, NotCharged::Cost(NoCost::Unpriced { .. })), "{error}");
}

#[test]
fn a_holiday_has_the_last_rate_before_it() {
    let mut table = RateTable::new(RateTable::USUAL_MAX_AGE_DAYS);
    let (date, currency) = ("2026-12-30".parse().unwrap(), Currency::USD);
    table.add(Published { date, currency, rate: "512.34".parse().unwrap() }, "file:rates.csv").unwrap();
    let rates = Rates::Published(table);
    let quote = rates.of_dollar("2027-01-02".parse().unwrap()).unwrap();
    assert_eq!((quote.date, quote.source.as_str()), (date, "file:rates.csv"));
    assert!(rates.of_dollar("2027-01-10".parse().unwrap()).is_err());
}

proptest! {
    #[test]
    fn lines_are_never_below_zero_and_repeat_themselves(
        prompt in 0_u64..10_000_000, cached in 0_u64..1_000_000, completion in 0_u64..1_000_000,
        permille in 0_u32..2_000, rate in 1_u64..10_000_000,
    ) {
        let book = book_once();
        let asked = Asked { provider: "p", list: Some("openai"), model: "gpt-6-sol", at: NOON.parse().unwrap() };
        let price = book.price(asked).unwrap();
        let rate = crate::billing::ExchangeRate::from_ten_thousandths(rate.try_into().unwrap());
        let quote = FxQuote { rate, ..quote("1") };
        let usage = tokens(prompt, cached, completion);
        let factor = Factor::from_permille(permille);
        let line = charge(used(&usage, NOON), Tariff::Listed(price), factor, Some(&quote)).unwrap();
        prop_assert!(!line.tenge.is_negative() && line.usd.unwrap() >= Usd::ZERO);
        // Whoever has the line can make its tenge of its dollars, and its dollars of the usage.
        prop_assert_eq!(line.tenge, quote.rate.tenge(line.usd.unwrap()).unwrap());
        prop_assert_eq!(line.usd, price.cost_at(&usage, line.factor).ok());
        let json = serde_json::to_string(&line).unwrap();
        prop_assert_eq!(serde_json::from_str::<Charge>(&json).unwrap(), line);
    }
}

/// Reading the catalogue takes longer than a line.
fn book_once() -> &'static PriceBook {
    static BOOK: std::sync::LazyLock<PriceBook> = std::sync::LazyLock::new(book);
    &BOOK
}
