//! Receivers on the loopback that keep what they get: a webhook that answers as told, and syslog over UDP and TCP.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::HeaderMap;
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::Notify;

use super::SECRET;

/// A test that waits for longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone)]
pub struct Posted {
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
    pub body: Value,
}

impl Posted {
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    /// By another implementation than the one that signs, over what the specification says.
    pub fn is_signed(&self) -> bool {
        let key = BASE64_STANDARD.decode(SECRET.trim_start_matches("whsec_")).unwrap();
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key);
        let mut content = format!("{}.{}.", self.header("webhook-id"), self.header("webhook-timestamp")).into_bytes();
        content.extend(&self.bytes);
        let signature = BASE64_STANDARD.decode(self.header("webhook-signature").strip_prefix("v1,").unwrap()).unwrap();
        ring::hmac::verify(&key, &content, &signature).is_ok()
    }
}

pub struct Webhook {
    pub url: String,
    state: Arc<Shared>,
}

struct Shared {
    /// Given in turn, and 204 from then on. 0: never answers.
    statuses: Mutex<Vec<u16>>,
    /// Where redirects lead.
    elsewhere: String,
    posted: Mutex<Vec<Posted>>,
    came: Notify,
}

impl Webhook {
    pub async fn start() -> Self {
        Self::answering(&[], "").await
    }

    pub async fn answering(statuses: &[u16], elsewhere: &str) -> Self {
        let state = Arc::new(Shared {
            statuses: Mutex::new(statuses.iter().rev().copied().collect()),
            elsewhere: elsewhere.to_owned(),
            posted: Mutex::default(),
            came: Notify::new(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?to=ops", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, state }
    }

    pub fn posted(&self) -> Vec<Posted> {
        self.state.posted.lock().unwrap().clone()
    }

    pub fn bodies(&self) -> Vec<Value> {
        self.posted().into_iter().map(|one| one.body).collect()
    }

    /// Returns when what came is as it should be.
    pub async fn until(&self, is_enough: impl Fn(&[Posted]) -> bool) {
        let waiting = async {
            while !is_enough(&self.posted()) {
                self.state.came.notified().await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(waited.is_ok(), "it did not come; what came: {:?}", self.bodies());
    }

    pub async fn has(&self, number: usize) -> Vec<Posted> {
        self.until(|posted| posted.len() >= number).await;
        self.posted()
    }
}

async fn answer(State(state): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
    assert_eq!((head.method.as_str(), head.uri.query()), ("POST", Some("to=ops")));
    let body = serde_json::from_slice(&bytes).unwrap();
    let status = state.statuses.lock().unwrap().pop().unwrap_or(204);
    state.posted.lock().unwrap().push(Posted { headers: head.headers, bytes, body });
    state.came.notify_one();
    if status == 0 {
        std::future::pending::<()>().await;
    }
    let response = Response::builder().status(status).header("location", &state.elsewhere);
    response.body(Body::from("an answer that nobody reads")).unwrap()
}

pub struct UdpLog(UdpSocket);

impl UdpLog {
    pub async fn start() -> Self {
        Self(UdpSocket::bind("127.0.0.1:0").await.unwrap())
    }

    pub fn address(&self) -> String {
        format!("udp://{}", self.0.local_addr().unwrap())
    }

    /// The next datagram.
    pub async fn next(&self) -> String {
        let mut bytes = [0; 9_000];
        let length = tokio::time::timeout(PATIENCE, self.0.recv(&mut bytes)).await.expect("a datagram comes").unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }
}

pub struct TcpLog(TcpListener);

impl TcpLog {
    pub async fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub fn address(&self) -> String {
        format!("tcp://{}", self.0.local_addr().unwrap())
    }

    /// The next message, out of its frame.
    pub async fn next(&self) -> String {
        let read = async {
            let (mut stream, _) = self.0.accept().await.unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).await.unwrap();
            text
        };
        let text = tokio::time::timeout(PATIENCE, read).await.expect("a message comes");
        let (length, message) = text.split_once(' ').unwrap();
        assert_eq!(length.parse::<usize>().unwrap(), message.len());
        message.to_owned()
    }
}
