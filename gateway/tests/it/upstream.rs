//! A stub upstream that speaks OpenAI's API, answers as told, and keeps every byte it gets.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};

use crate::echo;

/// How the upstream answers a chat request.
#[derive(Clone)]
pub enum Reply {
    /// A good answer with this text, plain or streamed as asked.
    Text(&'static str),
    /// The same, but only when it is released.
    Held(&'static str),
    Status(u16, &'static str),
    /// These raw bytes as an event stream, and then the end of the body.
    Events(&'static str),
    /// These raw bytes as JSON.
    Json(&'static str),
    /// These bytes as AWS' event stream.
    Frames(&'static [u8]),
    /// Status, type and body of an error as AWS writes it.
    AwsError(u16, &'static str, &'static str),
    /// These bytes as an event stream that then stays open until the client leaves.
    Open(&'static str),
    /// A status with headers of its own.
    Headed(u16, &'static [(&'static str, &'static str)], &'static str),
    /// These bytes with a good status and this type, and then what `Then` says.
    Part(&'static str, &'static str, Then),
    /// What this makes of the request's body.
    By(Arc<dyn Fn(&str) -> Reply + Send + Sync>),
    /// What this makes of the request's head and body.
    ByHead(Arc<dyn Fn(&str) -> Reply + Send + Sync>),
    /// A call of the tool `f`, plain or streamed as asked.
    Call,
    /// No answer at all until the client leaves.
    Silence,
    /// Says the last message again, plain or streamed character by character; to a request with tools also as arguments.
    Echo,
    /// Refuses with this status and quotes the request in every field of the error.
    EchoRefusal(u16),
    /// Begins to answer, and ends with an error that quotes the request.
    EchoBroken,
}

/// How a body goes on behind its bytes.
#[derive(Debug, Clone, Copy)]
pub enum Then {
    End,
    /// The connection breaks.
    Cut,
    /// Nothing more until the client leaves.
    Stall,
}

pub struct Upstream {
    pub base_url: String,
    state: Arc<Shared>,
}

struct Shared {
    reply: Mutex<Reply>,
    /// Head and body of every request, as text.
    received: Mutex<Vec<String>>,
    client_left: Notify,
    released: Semaphore,
}

impl Upstream {
    pub async fn start(reply: Reply) -> Self {
        let state = Arc::new(Shared {
            reply: Mutex::new(reply),
            received: Mutex::new(Vec::new()),
            client_left: Notify::new(),
            released: Semaphore::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { base_url, state }
    }

    pub fn set(&self, reply: Reply) {
        *self.state.reply.lock().unwrap() = reply;
    }

    pub fn received(&self) -> Vec<String> {
        self.state.received.lock().unwrap().clone()
    }

    /// What came since the last call.
    pub fn take_received(&self) -> Vec<String> {
        std::mem::take(&mut *self.state.received.lock().unwrap())
    }

    /// Lets one held answer go.
    pub fn release(&self) {
        self.state.released.add_permits(1);
    }

    /// Returns when a client has left an answer that was still open.
    pub async fn client_left(&self) {
        self.state.client_left.notified().await;
    }
}

async fn answer(State(state): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let text = String::from_utf8_lossy(&body).into_owned();
    let whole = format!("{} {} {:?}\n{text}", head.method, head.uri, head.headers);
    state.received.lock().unwrap().push(whole.clone());
    let streamed = serde_json::from_str::<serde_json::Value>(&text).is_ok_and(|json| json["stream"] == true);
    let mut reply = state.reply.lock().unwrap().clone();
    if let Reply::Held(text) = reply {
        state.released.acquire().await.unwrap().forget();
        reply = Reply::Text(text);
    }
    if let Reply::By(choose) = &reply {
        reply = choose(&text);
    } else if let Reply::ByHead(choose) = &reply {
        reply = choose(&whole);
    }
    match reply {
        Reply::By(_) | Reply::ByHead(_) | Reply::Held(_) => {
            unreachable!("a choice leads to a reply, and what is held was released")
        }
        Reply::Text(text) if streamed => respond(200, "text/event-stream", Body::from(stream_of(text))),
        Reply::Text(text) => respond(200, "application/json", Body::from(completion(text))),
        Reply::Echo if streamed => respond(200, "text/event-stream", Body::from(echo::stream(&text))),
        Reply::Echo => respond(200, "application/json", Body::from(echo::whole(&text))),
        Reply::EchoBroken if streamed => respond(200, "text/event-stream", Body::from(echo::broken_stream(&text))),
        Reply::EchoBroken => respond(500, "application/json", Body::from(echo::refusal(&text))),
        Reply::EchoRefusal(status) => respond(status, "application/json", Body::from(echo::refusal(&text))),
        Reply::Status(status, body) => respond(status, "application/json", Body::from(body)),
        Reply::Events(events) => respond(200, "text/event-stream", Body::from(events)),
        Reply::Frames(frames) => respond(200, "application/vnd.amazon.eventstream", Body::from(frames)),
        Reply::AwsError(status, kind, body) => {
            let mut response = respond(status, "application/json", Body::from(body));
            response.headers_mut().insert("x-amzn-errortype", kind.parse().unwrap());
            response
        }
        Reply::Json(json) => respond(200, "application/json", Body::from(json)),
        Reply::Open(events) => respond(200, "text/event-stream", open_body(events, state)),
        Reply::Headed(status, headers, body) => {
            let mut response = respond(status, "application/json", Body::from(body));
            for (name, value) in headers {
                response.headers_mut().insert(*name, value.parse().unwrap());
            }
            response
        }
        Reply::Part(kind, bytes, Then::End) => respond(200, kind, Body::from(bytes)),
        Reply::Part(kind, bytes, Then::Stall) => respond(200, kind, open_body(bytes, state)),
        Reply::Part(kind, bytes, Then::Cut) => respond(200, kind, cut_body(bytes)),
        Reply::Call if streamed => respond(200, "text/event-stream", Body::from(echo::call_stream())),
        Reply::Call => respond(200, "application/json", Body::from(echo::call())),
        Reply::Silence => {
            let _left = ClientLeft(state);
            std::future::pending().await
        }
    }
}

/// Sends `events` and then nothing more; notices when it is dropped.
fn open_body(events: &'static str, state: Arc<Shared>) -> Body {
    let left = ClientLeft(state);
    Body::from_stream(futures_util::stream::unfold((Some(events), left), |(events, left)| async move {
        match events {
            Some(events) => Some((Ok::<_, Infallible>(Bytes::from_static(events.as_bytes())), (None, left))),
            None => std::future::pending().await,
        }
    }))
}

/// Sends `bytes`, and breaks once they are on their way.
fn cut_body(bytes: &'static str) -> Body {
    Body::from_stream(futures_util::stream::unfold(Some(bytes), |bytes| async move {
        if let Some(bytes) = bytes {
            return Some((Ok(Bytes::from_static(bytes.as_bytes())), None));
        }
        tokio::task::yield_now().await;
        Some((Err(std::io::Error::other("cut")), None))
    }))
}

struct ClientLeft(Arc<Shared>);

impl Drop for ClientLeft {
    fn drop(&mut self) {
        self.0.client_left.notify_one();
    }
}

fn respond(status: u16, kind: &str, body: Body) -> Response {
    Response::builder().status(status).header("content-type", kind).body(body).unwrap()
}

fn completion(text: &str) -> String {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "stub",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": text }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9 },
    })
    .to_string()
}

fn stream_of(text: &str) -> String {
    let chunk = |delta: serde_json::Value, finish: Option<&str>| {
        let choices = json!([{ "index": 0, "delta": delta, "finish_reason": finish }]);
        json!({ "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "stub", "choices": choices })
    };
    let mut events = vec![chunk(json!({ "role": "assistant", "content": "" }), None)];
    events.extend(text.split_inclusive(' ').map(|word| chunk(json!({ "content": word }), None)));
    events.push(chunk(json!({}), Some("stop")));
    events.push(json!({
        "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "stub", "choices": [],
        "usage": { "prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9 },
    }));
    let mut out: Vec<String> = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    out.push("data: [DONE]\n\n".to_owned());
    out.concat()
}
