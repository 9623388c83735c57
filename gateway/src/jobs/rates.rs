//! Keeps exchange rates at hand: asks the National Bank for the days that have none, or reads the operator's file.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;

use crate::billing::{Currency, Published, read_bank_xml, read_file};
use crate::channels::published;
use crate::config::ExchangeConfig;
use crate::pipeline::Gateway;
use crate::store::{RateKept, StoreError};

/// The bank publishes in the afternoon; a file may change at any time.
const LOOK_EVERY: Duration = Duration::from_mins(30);
const BANK: &str = "nbk";

/// Why there is nothing new.
#[derive(Debug, thiserror::Error)]
pub enum NotRefreshed {
    #[error(transparent)]
    Bank(#[from] crate::channels::NoAnswer),
    #[error("failed to read what the National Bank has answered: {0}")]
    Answer(#[from] crate::billing::BadXml),
    #[error("failed to read the file of exchange rates: {0}")]
    Unreadable(#[from] std::io::Error),
    #[error("failed to read the file of exchange rates: {0}")]
    File(#[from] crate::billing::BadFile),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Looks for as long as it is polled.
pub async fn follow(gateway: Arc<Gateway>) {
    loop {
        if let Err(error) = refresh(&gateway).await {
            tracing::error!(%error, "exchange rates could not be refreshed; those that are known stay");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// # Errors
/// The bank or the file says nothing that can be used, or the store cannot.
pub async fn refresh(gateway: &Gateway) -> Result<(), NotRefreshed> {
    let config = &gateway.snapshot().config;
    match &config.billing.exchange {
        ExchangeConfig::Fixed(_) | ExchangeConfig::Imported { .. } => return Ok(()),
        ExchangeConfig::Bank { url, .. } => {
            let today = config.utc_offset.to_datetime(gateway.sources.now()).date();
            if knows(gateway, today).await? {
                return Ok(());
            }
            let bytes = published(url, &config.outward, today).await?;
            keep(gateway, vec![read_bank_xml(&bytes, Some(today), Currency::USD)?], BANK).await?;
        }
        ExchangeConfig::File { path, .. } => {
            let bytes = std::fs::read(path)?;
            let name = path.file_name().map_or(path.as_path(), Path::new).display().to_string();
            keep(gateway, read_file(&bytes)?, &format!("file:{name}")).await?;
        }
    }
    Ok(gateway.reload_rates().await?)
}

async fn knows(gateway: &Gateway, day: Date) -> Result<bool, StoreError> {
    let rates = gateway.store().ledger().rates().await?;
    Ok(rates.iter().any(|(published, _)| published.date == day && published.currency == Currency::USD))
}

async fn keep(gateway: &Gateway, rates: Vec<Published>, source: &str) -> Result<(), StoreError> {
    for one in rates {
        if let RateKept::Contradicts(known) = gateway.store().ledger().keep_rate(one, source.to_owned()).await? {
            tracing::error!(date = %one.date, %known, other = %one.rate, source, "a rate is known already and stays");
        }
    }
    Ok(())
}
