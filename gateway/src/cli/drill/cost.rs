//! What a drill used of those that were really asked.

use std::collections::BTreeMap;

use serde::Serialize;

use super::rehearsal::Named;
use crate::audit::AuditRecord;

#[derive(Debug, Serialize)]
pub(super) struct Cost {
    pub(super) provider: String,
    pub(super) model: String,
    pub(super) requests: u64,
    pub(super) prompt_tokens: u64,
    pub(super) completion_tokens: u64,
    /// By the target's `price`, where it has one: dollars with six digits behind the point.
    #[serde(rename = "cost_usd")]
    pub(super) usd: Option<String>,
}

/// By target, the failing server left out.
pub(super) fn costs(records: &[AuditRecord], backups: &[Named], faulty: &str) -> Vec<Cost> {
    let mut used: BTreeMap<(String, String), [u64; 3]> = BTreeMap::new();
    for record in records {
        let (Some(provider), Some(model)) = (&record.provider, &record.model) else { continue };
        if provider == faulty {
            continue;
        }
        let [requests, prompt, completion] = used.entry((provider.clone(), model.clone())).or_default();
        *requests += 1;
        *prompt += record.prompt_tokens.unwrap_or(0);
        *completion += record.completion_tokens.unwrap_or(0);
    }
    let costs = used.into_iter().map(|((provider, model), [requests, prompt_tokens, completion_tokens])| {
        let target = backups.iter().find(|one| one.provider == provider && one.model == model);
        let price = target.and_then(|target| target.price);
        let usd = price.map(|price| {
            let part = |tokens: u64, millionths: u64| u128::from(tokens) * u128::from(millionths);
            dollars(part(prompt_tokens, price.prompt) + part(completion_tokens, price.completion))
        });
        Cost { provider, model, requests, prompt_tokens, completion_tokens, usd }
    });
    costs.collect()
}

/// From millionths of millionths of a dollar.
fn dollars(amount: u128) -> String {
    let millionths = (amount + 500_000) / 1_000_000;
    format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_rounded_to_millionths() {
        // A thousand tokens at 2.50 dollars for a million.
        assert_eq!(dollars(1_000 * 2_500_000), "0.002500");
        assert_eq!(dollars(499_999), "0.000000");
        assert_eq!(dollars(500_000), "0.000001");
        assert_eq!(dollars(3 * 10_u128.pow(12)), "3.000000");
    }
}
