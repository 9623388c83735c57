//! Chunks on a schedule, each with the time at which it was sent.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::clock::now_ns;
use crate::load::STAMP_DIGITS;

const BEFORE: &[u8] = br#"data: {"id":"chatcmpl-mock","object":"chat.completion.chunk","created":1700000000,"model":"mock","choices":[{"index":0,"delta":{"content":" t="#;
const AFTER: &[u8] = b" \"},\"logprobs\":null,\"finish_reason\":null}]}\n\n";
const END: &[u8] = b"data: {\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"mock\",\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}]}\n\n\
    data: {\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"mock\",\"choices\":[],\"usage\":{\"prompt_tokens\":180,\"completion_tokens\":50,\"total_tokens\":230}}\n\n\
    data: [DONE]\n\n";

/// `chunks` events, `interval` apart; one that is late does not move those after it.
#[derive(Debug)]
pub struct EventStream {
    chunks_left: u32,
    interval: Duration,
    /// Of the next chunk; the first waits for nothing.
    due: Option<Pin<Box<Sleep>>>,
    is_ended: bool,
}

impl EventStream {
    pub fn new(chunks: u32, interval: Duration) -> Self {
        Self { chunks_left: chunks, interval, due: None, is_ended: false }
    }

    /// The end comes with the last chunk.
    pub fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.is_ended {
            return Poll::Ready(None);
        }
        if self.chunks_left == 0 {
            self.is_ended = true;
            return Poll::Ready(Some(Bytes::from_static(END)));
        }
        if let Some(due) = &mut self.due {
            ready!(due.as_mut().poll(context));
            let next = due.deadline() + self.interval;
            due.as_mut().reset(next);
        } else {
            self.due = Some(Box::pin(sleep_until(Instant::now() + self.interval)));
        }
        self.chunks_left -= 1;
        self.is_ended = self.chunks_left == 0;
        Poll::Ready(Some(event(now_ns(), self.is_ended)))
    }
}

fn event(sent_ns: u64, is_last: bool) -> Bytes {
    let end = if is_last { END } else { b"" };
    let mut bytes = BytesMut::with_capacity(BEFORE.len() + STAMP_DIGITS + AFTER.len() + end.len());
    bytes.extend_from_slice(BEFORE);
    let mut digits = [b'0'; STAMP_DIGITS];
    let mut rest = sent_ns;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    bytes.extend_from_slice(&digits);
    bytes.extend_from_slice(AFTER);
    bytes.extend_from_slice(end);
    bytes.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_json_and_the_last_one_ends_the_stream() {
        let bytes = event(1_234_567, true);
        let text = std::str::from_utf8(&bytes).unwrap();
        let mut lines = text.split("\n\n");
        let first: serde_json::Value =
            serde_json::from_str(lines.next().unwrap().strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(first["choices"][0]["delta"]["content"], " t=0000000000001234567 ");
        let rest: Vec<&str> = lines.collect();
        assert_eq!(rest.len(), 4, "{rest:?}");
        assert_eq!(rest[2], "data: [DONE]");
        for line in &rest[..2] {
            serde_json::from_str::<serde_json::Value>(line.strip_prefix("data: ").unwrap()).unwrap();
        }
    }
}
