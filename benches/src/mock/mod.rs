//! An upstream that answers at once with OpenAI's shapes: HTTP/1.1 and HTTP/2 without encryption on one port.
//!
//! Answers are ready bytes, so that whoever is measured before it is what is measured. What a request wants is read from
//! its own text (see [`Wanted`]), which every gateway passes on.

mod answer;
mod event_stream;
mod wanted;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

pub use answer::Answer;
pub use wanted::Wanted;

/// Connections that may wait to be taken: a load opens all of its at once.
const BACKLOG: u32 = 4096;
const MAX_STREAMS_PER_CONNECTION: u32 = 4096;
const MAX_BODY_BYTES: usize = 32 << 20;

/// A socket that listens on `address`.
///
/// # Errors
/// If the address is taken.
pub fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Answers until the future is dropped. `unless_asked` is what a request gets that does not say.
pub async fn serve(listener: TcpListener, unless_asked: Wanted) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(converse(stream, unless_asked))),
            // Out of file descriptors: those that are there go on.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn converse(stream: TcpStream, unless_asked: Wanted) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http2().max_concurrent_streams(MAX_STREAMS_PER_CONNECTION);
    let service = service_fn(move |request| answer(request, unless_asked));
    // A caller that leaves is no news here.
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, unless_asked: Wanted) -> Result<Response<Answer>, Infallible> {
    if request.method() != Method::POST {
        return Ok(Answer::models());
    }
    let Some(body) = read(request.into_body()).await else { return Ok(Answer::too_long()) };
    let wanted = unless_asked.or_as_asked(&body);
    if !wanted.delay.is_zero() {
        tokio::time::sleep(wanted.delay).await;
    }
    Ok(if wanted.is_stream { Answer::events(&wanted) } else { Answer::whole() })
}

/// Most bodies come in one piece, which is not copied.
async fn read(mut body: Incoming) -> Option<Bytes> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.ok()?.into_data() else { continue };
        if first.is_empty() {
            first = data;
            continue;
        }
        if rest.is_empty() {
            rest.extend_from_slice(&first);
        }
        rest.extend_from_slice(&data);
        if rest.len() > MAX_BODY_BYTES {
            return None;
        }
    }
    Some(if rest.is_empty() { first } else { rest.freeze() })
}
