//! A server on this machine that stands in for a route's first target, and fails in the way that it is told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How the first target fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    RateLimit,
    Unavailable,
    TimeOut,
    BrokenJson,
    /// A stream that breaks off before anything is said.
    CutBefore,
    /// One that breaks off in the middle of the answer.
    CutAfter,
}

impl Fault {
    pub(super) const ALL: [Self; 6] =
        [Self::RateLimit, Self::Unavailable, Self::TimeOut, Self::BrokenJson, Self::CutBefore, Self::CutAfter];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::RateLimit => "429",
            Self::Unavailable => "503",
            Self::TimeOut => "time-out",
            Self::BrokenJson => "broken JSON",
            Self::CutBefore => "cut before content",
            Self::CutAfter => "cut after content",
        }
    }

    /// Whether its requests ask for a stream: a time-out before the first token and a cut exist there alone.
    pub(super) fn is_streamed(self) -> bool {
        matches!(self, Self::TimeOut | Self::CutBefore | Self::CutAfter)
    }
}

/// Ends with it.
pub(super) struct FaultyServer {
    base_url: String,
    calls: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

#[derive(Clone)]
struct Failing {
    fault: Fault,
    calls: Arc<AtomicUsize>,
}

impl FaultyServer {
    pub(super) async fn start(fault: Fault) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base_url = format!("http://{}/v1", listener.local_addr()?);
        let calls = Arc::new(AtomicUsize::new(0));
        let router = Router::new().fallback(fail).with_state(Failing { fault, calls: Arc::clone(&calls) });
        let task = tokio::spawn(async move {
            // It ends when it is aborted.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { base_url, calls, task })
    }

    pub(super) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// How often it was asked.
    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

impl Drop for FaultyServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

const EVENTS: &str = "text/event-stream";
const JSON: &str = "application/json";
const ROLE: &str = "data: {\"id\":\"chatcmpl-drill\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"drill\",\
                    \"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n";
const WORDS: &str = "data: {\"id\":\"chatcmpl-drill\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"drill\",\
                     \"choices\":[{\"index\":0,\"delta\":{\"content\":\"Half an\"},\"finish_reason\":null}]}\n\n";
const HALF: &str =
    "{\"id\":\"chatcmpl-drill\",\"object\":\"chat.completion\",\"created\":1,\"choices\":[{\"index\":0,\"mess";

async fn fail(State(Failing { fault, calls }): State<Failing>) -> Response {
    calls.fetch_add(1, Ordering::Relaxed);
    let told = |message: &str, code: &str| {
        Body::from(format!(
            "{{\"error\":{{\"message\":\"{message}\",\"type\":\"{code}\",\"param\":null,\"code\":\"{code}\"}}}}"
        ))
    };
    let (status, kind, body) = match fault {
        Fault::RateLimit => (StatusCode::TOO_MANY_REQUESTS, JSON, told("Slow down.", "rate_limit_exceeded")),
        Fault::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, JSON, told("Overloaded.", "server_error")),
        Fault::TimeOut => std::future::pending().await,
        Fault::BrokenJson => (StatusCode::OK, JSON, Body::from(HALF)),
        Fault::CutBefore => (StatusCode::OK, EVENTS, cut(vec![ROLE])),
        Fault::CutAfter => (StatusCode::OK, EVENTS, cut(vec![WORDS, ROLE])),
    };
    (status, [(header::CONTENT_TYPE, kind)], body).into_response()
}

/// Sends the parts, the last of the list first, and breaks once they are on their way.
fn cut(parts: Vec<&'static str>) -> Body {
    Body::from_stream(futures_util::stream::unfold(Some(parts), |parts| async move {
        let mut parts = parts?;
        if let Some(part) = parts.pop() {
            return Some((Ok(Bytes::from_static(part.as_bytes())), Some(parts)));
        }
        tokio::task::yield_now().await;
        Some((Err(std::io::Error::other("cut")), None))
    }))
}
