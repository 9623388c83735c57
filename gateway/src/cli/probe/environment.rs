//! A gateway, or whatever else speaks OpenAI's API, from outside. Every exchange is bounded in time and bytes.

use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http::{HeaderMap, Method, header};
use http_body_util::BodyExt;
use serde_json::Value;
use shekara_protocol::sse::{SseDecoder, SseEvent};
use tokio::time::{Instant, timeout_at};

use crate::config::Outward;
use crate::egress::{EgressBody, EgressClient, Reach, Way};
use crate::secrets::Secret;

const MAX_ANSWER_BYTES: usize = 16 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

pub(in crate::cli) struct Environment {
    /// Without `/v1` and a slash at its end.
    url: String,
    key: Secret,
    client: EgressClient,
    timeout: Duration,
}

/// An answer, read to its end or to where it broke off.
#[derive(Debug)]
pub(in crate::cli) struct Exchange {
    pub(in crate::cli) status: u16,
    pub(in crate::cli) headers: HeaderMap,
    pub(in crate::cli) body: Vec<u8>,
    /// What of the body was an event, each with the milliseconds after which it was there.
    pub(in crate::cli) events: Vec<(u64, SseEvent)>,
    /// Why there is no more of it, where that was not its end.
    pub(in crate::cli) broken: Option<&'static str>,
    pub(in crate::cli) first_byte_ms: Option<u64>,
    pub(in crate::cli) total_ms: u64,
}

/// Nothing came back at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::cli) enum Unanswered {
    #[error("it cannot be reached")]
    Unreachable,
    #[error("it did not answer in time")]
    TimedOut,
    #[error("the connection broke before an answer")]
    Broken,
}

impl Environment {
    pub(in crate::cli) fn new(url: &str, key: Secret, timeout: Duration) -> anyhow::Result<Self> {
        let uri: http::Uri = url.parse().with_context(|| format!("'{url}' is no URL"))?;
        let is_plain = matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none();
        anyhow::ensure!(is_plain && uri.host().is_some(), "a URL is like http://127.0.0.1:8080, without a query");
        let url = url.trim_end_matches('/');
        let url = url.strip_suffix("/v1").unwrap_or(url).to_owned();
        let way = Way { reach: Reach::Anywhere, connect_timeout: CONNECT_TIMEOUT, outward: &Outward::default() };
        Ok(Self { url, key, client: EgressClient::new(way)?, timeout })
    }

    pub(in crate::cli) fn url(&self) -> &str {
        &self.url
    }

    pub(in crate::cli) async fn list(&self, path: &str) -> Result<Exchange, Unanswered> {
        self.exchange(Method::GET, path, Bytes::new()).await
    }

    pub(in crate::cli) async fn ask(&self, path: &str, body: &Value) -> Result<Exchange, Unanswered> {
        self.exchange(Method::POST, path, Bytes::from(body.to_string())).await
    }

    async fn exchange(&self, method: Method, path: &str, body: Bytes) -> Result<Exchange, Unanswered> {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key.expose()))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|_| Unanswered::Unreachable)?;
        let started = Instant::now();
        let deadline = started + self.timeout;
        let response = match timeout_at(deadline, self.client.send(request)).await {
            Err(_) => return Err(Unanswered::TimedOut),
            Ok(Err(crate::egress::EgressError::Exchange { .. })) => return Err(Unanswered::Broken),
            Ok(Err(_)) => return Err(Unanswered::Unreachable),
            Ok(Ok(response)) => response,
        };
        let (head, body) = response.into_parts();
        let exchange = Exchange {
            status: head.status.as_u16(),
            headers: head.headers,
            body: Vec::new(),
            events: Vec::new(),
            broken: None,
            first_byte_ms: None,
            total_ms: 0,
        };
        Ok(exchange.read(body, started, deadline).await)
    }
}

impl Exchange {
    /// Its header's value, where it is text.
    pub(in crate::cli) fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name)?.to_str().ok().map(str::to_owned)
    }

    pub(in crate::cli) fn is_event_stream(&self) -> bool {
        self.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"))
    }

    pub(in crate::cli) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    async fn read(mut self, mut body: EgressBody, started: Instant, deadline: Instant) -> Self {
        let elapsed = || u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut decoder = self.is_event_stream().then(|| SseDecoder::new(MAX_ANSWER_BYTES));
        loop {
            let data = match timeout_at(deadline, body.frame()).await {
                Err(_) => break self.broken = Some("it did not end in time"),
                Ok(Some(Err(_))) => break self.broken = Some("the connection broke"),
                Ok(None) => break,
                Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
            };
            if data.is_empty() {
                continue;
            }
            self.first_byte_ms.get_or_insert_with(elapsed);
            if self.body.len() + data.len() > MAX_ANSWER_BYTES {
                break self.broken = Some("it is larger than 16 MiB");
            }
            self.body.extend_from_slice(&data);
            let Some(decoder) = &mut decoder else { continue };
            match decoder.push(&data) {
                Ok(events) => self.events.extend(events.into_iter().map(|event| (elapsed(), event))),
                Err(_) => break self.broken = Some("it is larger than 16 MiB"),
            }
        }
        if self.broken.is_none() && decoder.is_some_and(|decoder| !decoder.is_idle()) {
            self.broken = Some("it ends in the middle of an event");
        }
        self.total_ms = elapsed();
        self
    }
}
