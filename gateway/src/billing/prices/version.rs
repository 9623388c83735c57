//! The name of a price: whoever has the row can show that it is the one of the ledger.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::price::{Price, Rates};

/// Of the hash.
const HEX_DIGITS: usize = 8;

/// `origin` and what the row says, hashed. Other names of the model are not a part of the price.
pub(super) fn version(origin: &str, price: &Price) -> String {
    let mut text = format!("shekara-price-v1\n{}\n{}\n", price.list, price.model);
    if let Some(from) = price.from {
        let _ = writeln!(text, "from={from}");
    }
    write_rates(&mut text, &price.rates);
    for tier in &price.tiers {
        let _ = writeln!(text, "above={}", tier.above_prompt_tokens);
        write_rates(&mut text, &tier.rates);
    }
    for image in &price.images {
        let any = |word: &Option<String>| word.clone().unwrap_or_default();
        let _ = writeln!(text, "image={}/{}={}", any(&image.size), any(&image.quality), image.each);
    }
    if let Some(peak) = &price.peak {
        let _ = writeln!(text, "peak={}/{}/{:?}", peak.factor, peak.is_on_weekdays_only, peak.utc_minutes);
    }
    format!("{origin}-{}", short_hash(&text))
}

pub(in crate::billing) fn short_hash(text: &str) -> String {
    let mut hex = String::new();
    for byte in Sha256::digest(text.as_bytes()) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex.truncate(HEX_DIGITS);
    hex
}

fn write_rates(text: &mut String, rates: &Rates) {
    for (measure, rate) in rates {
        let _ = writeln!(text, "{measure}={rate}");
    }
}
