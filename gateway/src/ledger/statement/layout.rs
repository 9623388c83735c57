//! Which columns exports have, and what they mean. The columns are those that are documented or published in code that reads
//! such files; names are compared in small letters.

use std::fmt;
use std::str::FromStr;

use super::items::Items;

/// What a column says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Date,
    Model,
    Requests,
    /// All of the prompt, what a cache had included. Several columns add up.
    PromptTokens,
    CachedTokens,
    CompletionTokens,
    Cost,
    Currency,
    /// A text that has a model and a kind of token in it.
    Item,
    /// Of the item, in its unit.
    Quantity,
    Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a field is date, model, requests, prompt_tokens, cached_tokens, completion_tokens, cost or currency")]
pub struct NoField;

/// What an operator may call them.
const NAMES: [(&str, Field); 8] = [
    ("date", Field::Date),
    ("model", Field::Model),
    ("requests", Field::Requests),
    ("prompt_tokens", Field::PromptTokens),
    ("cached_tokens", Field::CachedTokens),
    ("completion_tokens", Field::CompletionTokens),
    ("cost", Field::Cost),
    ("currency", Field::Currency),
];

impl FromStr for Field {
    type Err = NoField;

    fn from_str(text: &str) -> Result<Self, NoField> {
        NAMES.into_iter().find(|(name, _)| *name == text.trim()).map(|(_, field)| field).ok_or(NoField)
    }
}

/// One kind of export.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) name: &'static str,
    /// By which it is known.
    pub(super) needs: &'static [&'static str],
    /// Of several dates or models the first that says something counts.
    pub(super) columns: &'static [(&'static str, Field)],
    pub(super) items: Option<Items>,
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

/// The own one: any file may be given these names.
pub(super) static PLAIN: Layout = Layout { name: "plain", needs: &["date", "model"], columns: &NAMES, items: None };

/// The first that fits.
pub(super) static LAYOUTS: [Layout; 9] = [
    Layout {
        name: "openai-usage",
        needs: &["model", "num_model_requests", "input_tokens"],
        columns: &[
            ("start_time_iso", Field::Date),
            ("start_time", Field::Date),
            ("model", Field::Model),
            ("num_model_requests", Field::Requests),
            ("input_tokens", Field::PromptTokens),
            ("input_cached_tokens", Field::CachedTokens),
            ("output_tokens", Field::CompletionTokens),
        ],
        items: None,
    },
    Layout {
        name: "openai-costs",
        needs: &["amount_value", "amount_currency", "line_item"],
        columns: &[
            ("start_time_iso", Field::Date),
            ("start_time", Field::Date),
            ("amount_value", Field::Cost),
            ("amount_currency", Field::Currency),
            ("line_item", Field::Item),
            ("quantity", Field::Quantity),
            ("quantity_unit", Field::Unit),
        ],
        items: Some(Items::OpenaiCosts),
    },
    Layout {
        name: "openai-activity",
        needs: &["n_context_tokens_total", "n_generated_tokens_total"],
        columns: &[
            ("timestamp", Field::Date),
            ("aggregation_timestamp", Field::Date),
            ("date", Field::Date),
            ("snapshot_id", Field::Model),
            ("model", Field::Model),
            ("n_requests", Field::Requests),
            ("num_requests", Field::Requests),
            ("n_context_tokens_total", Field::PromptTokens),
            ("n_cached_context_tokens_total", Field::CachedTokens),
            ("n_generated_tokens_total", Field::CompletionTokens),
        ],
        items: None,
    },
    Layout {
        name: "anthropic-usage",
        needs: &["usage_date_utc", "model_version", "usage_output_tokens"],
        columns: &[
            ("usage_date_utc", Field::Date),
            ("model_version", Field::Model),
            ("usage_input_tokens_no_cache", Field::PromptTokens),
            ("usage_input_tokens_cache_write", Field::PromptTokens),
            ("usage_input_tokens_cache_write_5m", Field::PromptTokens),
            ("usage_input_tokens_cache_write_1h", Field::PromptTokens),
            ("usage_input_tokens_cache_read", Field::PromptTokens),
            ("usage_input_tokens_cache_read", Field::CachedTokens),
            ("usage_output_tokens", Field::CompletionTokens),
        ],
        items: None,
    },
    Layout {
        name: "anthropic-costs",
        needs: &["usage_date_utc", "model", "cost_usd"],
        columns: &[("usage_date_utc", Field::Date), ("model", Field::Model), ("cost_usd", Field::Cost)],
        items: None,
    },
    Layout {
        name: "aws-cur",
        needs: &["line_item_usage_start_date", "line_item_usage_type", "line_item_unblended_cost"],
        columns: &[
            ("line_item_usage_start_date", Field::Date),
            ("line_item_usage_type", Field::Item),
            ("line_item_usage_amount", Field::Quantity),
            ("pricing_unit", Field::Unit),
            ("line_item_unblended_cost", Field::Cost),
            ("line_item_currency_code", Field::Currency),
        ],
        items: Some(Items::Bedrock),
    },
    Layout {
        name: "aws-cur",
        needs: &["lineitem/usagestartdate", "lineitem/usagetype", "lineitem/unblendedcost"],
        columns: &[
            ("lineitem/usagestartdate", Field::Date),
            ("lineitem/usagetype", Field::Item),
            ("lineitem/usageamount", Field::Quantity),
            ("pricing/unit", Field::Unit),
            ("lineitem/unblendedcost", Field::Cost),
            ("lineitem/currencycode", Field::Currency),
        ],
        items: Some(Items::Bedrock),
    },
    Layout {
        name: "azure-costs",
        needs: &["metername", "quantity", "costinusd"],
        columns: &[
            ("date", Field::Date),
            ("metername", Field::Item),
            ("quantity", Field::Quantity),
            ("unitofmeasure", Field::Unit),
            ("costinusd", Field::Cost),
        ],
        items: Some(Items::Azure),
    },
    Layout {
        name: "azure-costs",
        needs: &["metername", "quantity", "costinbillingcurrency"],
        columns: &[
            ("date", Field::Date),
            ("metername", Field::Item),
            ("quantity", Field::Quantity),
            ("unitofmeasure", Field::Unit),
            ("costinbillingcurrency", Field::Cost),
            ("billingcurrency", Field::Currency),
            ("billingcurrencycode", Field::Currency),
        ],
        items: Some(Items::Azure),
    },
];
