//! How requests come to a provider: bounded in time and size. Redirects are never followed.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};

use super::LoginError;
use crate::config::Outward;
use crate::egress::{EgressClient, EgressError, Reach, Way};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_ANSWER_BYTES: usize = 256 << 10;

#[derive(Debug)]
pub(super) struct Wire(EgressClient);

impl Wire {
    pub(super) fn new(outward: &Outward) -> Result<Self, EgressError> {
        let way = Way { reach: Reach::Anywhere, connect_timeout: CONNECT_TIMEOUT, outward };
        EgressClient::new(way).map(Self)
    }

    /// # Errors
    /// [`LoginError::Away`]: there is no whole answer in time.
    pub(super) async fn exchange(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, LoginError> {
        let away = |reason: &str| LoginError::Away { reason: reason.to_owned() };
        let exchange = async {
            let response = self.0.send(request).await.map_err(|error| away(&error.to_string()))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
            let body = body.map_err(|_| away("its answer broke off or is too long"))?;
            Ok(http::Response::from_parts(head, body.to_bytes()))
        };
        tokio::time::timeout(TIMEOUT, exchange).await.unwrap_or_else(|_| Err(away("it did not answer in time")))
    }
}
