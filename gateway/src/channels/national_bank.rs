//! Asks the National Bank what the dollar is on a day: a date goes out, and nothing else.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use jiff::civil::Date;

use crate::config::Outward;
use crate::egress::{EgressClient, EgressError, Reach, Way};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(20);
/// A day's rates of all currencies are some 20 KiB.
const MAX_ANSWER_BYTES: usize = 1 << 20;

#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    #[error("failed to set up the way to the National Bank: {0}")]
    Egress(#[from] EgressError),
    #[error("failed to ask the National Bank: {reason}")]
    Away { reason: String },
    #[error("failed to ask the National Bank: it answered with status {status}")]
    Status { status: u16 },
}

/// What it published for a day, as it wrote it.
///
/// # Errors
/// It cannot be reached, or its answer is none.
pub async fn published(url: &str, outward: &Outward, day: Date) -> Result<Bytes, NoAnswer> {
    let way = Way { reach: Reach::Anywhere, connect_timeout: CONNECT_TIMEOUT, outward };
    let client = EgressClient::new(way)?;
    let away = |reason: String| NoAnswer::Away { reason };
    let asked = format!("{url}?fdate={:02}.{:02}.{:04}", day.day(), day.month(), day.year());
    let request = http::Request::get(asked).body(Bytes::new()).map_err(|error| away(error.to_string()))?;
    let exchange = async {
        let response = client.send(request).await.map_err(|error| away(error.to_string()))?;
        let status = response.status();
        if !status.is_success() {
            return Err(NoAnswer::Status { status: status.as_u16() });
        }
        let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES).collect().await;
        Ok(body.map_err(|_| away("its answer broke off or is too long".to_owned()))?.to_bytes())
    };
    tokio::time::timeout(TIMEOUT, exchange).await.unwrap_or_else(|_| Err(away("it did not answer in time".to_owned())))
}
