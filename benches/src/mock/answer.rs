//! The mock's answers, as bytes.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};

use super::Wanted;
use super::event_stream::EventStream;

/// About 600 bytes, as a short answer of a provider's is.
const WHOLE: &[u8] = br#"{"id":"chatcmpl-mock","object":"chat.completion","created":1700000000,"model":"mock","choices":[{"index":0,"message":{"role":"assistant","content":"Your order is on its way and will arrive tomorrow between ten and twelve. Is there anything else that I can help you with today?","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":180,"completion_tokens":32,"total_tokens":212,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}},"service_tier":"default","system_fingerprint":"fp_mock"}"#;
const MODELS: &[u8] =
    br#"{"object":"list","data":[{"id":"mock","object":"model","created":1700000000,"owned_by":"mock"}]}"#;
const TOO_LONG: &[u8] =
    br#"{"error":{"message":"the body is too long","type":"invalid_request_error","param":null,"code":null}}"#;

/// A body that is there, or one that comes over time.
#[derive(Debug)]
pub enum Answer {
    Whole(Option<Bytes>),
    Events(Box<EventStream>),
}

impl Answer {
    pub fn whole() -> Response<Self> {
        Self::json(StatusCode::OK, WHOLE)
    }

    pub fn models() -> Response<Self> {
        Self::json(StatusCode::OK, MODELS)
    }

    pub fn too_long() -> Response<Self> {
        Self::json(StatusCode::PAYLOAD_TOO_LARGE, TOO_LONG)
    }

    pub fn events(wanted: &Wanted) -> Response<Self> {
        let body = Self::Events(Box::new(EventStream::new(wanted.chunks, wanted.interval)));
        with_type(StatusCode::OK, "text/event-stream", body)
    }

    fn json(status: StatusCode, text: &'static [u8]) -> Response<Self> {
        with_type(status, "application/json", Self::Whole(Some(Bytes::from_static(text))))
    }
}

fn with_type(status: StatusCode, content_type: &'static str, body: Answer) -> Response<Answer> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

impl Body for Answer {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut *self {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Events(events) => events.poll_event(context).map(|event| event.map(|bytes| Ok(Frame::data(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Events(_) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_answers_are_json_with_usage() {
        let answer: serde_json::Value = serde_json::from_slice(WHOLE).unwrap();
        assert_eq!(answer["usage"]["total_tokens"], 212);
        assert!((550..700).contains(&WHOLE.len()), "{}", WHOLE.len());
        for text in [MODELS, TOO_LONG] {
            serde_json::from_slice::<serde_json::Value>(text).unwrap();
        }
    }
}
