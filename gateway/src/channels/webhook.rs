//! Alerts as JSON to an address of the operator's, signed. A redirect is not followed: it counts as a refusal.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;

use super::ChannelError;
use crate::alerts::{Alert, Channel, SendError, SendFuture, SigningKey};
use crate::config::WebhookConfig;
use crate::egress::{EgressClient, Reach, Way};
use crate::secrets::SecretSource;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Webhook {
    client: EgressClient,
    url: String,
    secret: SecretSource,
}

impl Webhook {
    /// `table` is where the configuration sets it.
    pub(super) fn new(config: &WebhookConfig, table: &'static str) -> Result<Self, ChannelError> {
        // Now, so that one that cannot be used is noticed before it is needed.
        let secret = config.secret.resolve().map_err(|source| ChannelError::NoSecret { table, source })?;
        SigningKey::from_text(secret.expose()).map_err(|source| ChannelError::WeakSecret { table, source })?;
        let way = Way { reach: Reach::Anywhere, connect_timeout: CONNECT_TIMEOUT, outward: &config.outward };
        let client = EgressClient::new(way).map_err(|source| ChannelError::Egress { table, source })?;
        Ok(Self { client, url: config.url.clone(), secret: config.secret.clone() })
    }

    /// Posts a JSON body once; the id is the same at every try.
    pub(super) async fn send(&self, id: &str, body: Vec<u8>, now: Timestamp) -> Result<(), SendError> {
        let sent = tokio::time::timeout(TIMEOUT, self.post(id, body, now)).await;
        sent.unwrap_or(Err(SendError::TimedOut))
    }

    async fn post(&self, id: &str, body: Vec<u8>, now: Timestamp) -> Result<(), SendError> {
        let unsigned = |error: &dyn std::fmt::Display| SendError::Unsigned { reason: error.to_string() };
        // Read anew, so that a rotated file counts at once.
        let secret = self.secret.resolve().map_err(|error| unsigned(&error))?;
        let key = SigningKey::from_text(secret.expose()).map_err(|error| unsigned(&error))?;
        let timestamp = now.as_second();
        let request = http::Request::post(&self.url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-signature", key.sign(id, timestamp, &body))
            .body(Bytes::from(body))
            .map_err(|error| unsigned(&error))?;
        let answer = self.client.send(request).await;
        let answer = answer.map_err(|error| SendError::Unreached { reason: error.to_string() })?;
        let status = answer.status();
        if status.is_success() { Ok(()) } else { Err(SendError::Refused { status: status.as_u16() }) }
    }
}

impl Channel for Webhook {
    fn send<'c>(&'c self, alert: &'c Alert, now: Timestamp) -> SendFuture<'c> {
        Box::pin(async move {
            let body = serde_json::to_vec(alert);
            let body = body.map_err(|error| SendError::Unsigned { reason: error.to_string() })?;
            Webhook::send(self, &alert.id, body, now).await
        })
    }
}
