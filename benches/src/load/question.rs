//! What is asked of whom, as bytes that are made once.

use std::net::{SocketAddr, ToSocketAddrs};

use anyhow::Context;
use serde_json::json;

use crate::Numbers;
use crate::mock::Wanted;

/// Different texts in turn, so that nothing is remembered of the last one.
const VARIANTS: usize = 64;
/// What somebody asks a courier service; nothing personal, so that it may leave.
const WORDS: [&str; 24] = [
    "Where", "is", "my", "parcel", "and", "when", "will", "the", "courier", "call", "before", "delivery", "please",
    "tell", "me", "how", "long", "it", "takes", "to", "bring", "an", "order", "home",
];

/// A chat request.
#[derive(Clone, Debug)]
pub struct Question {
    pub model: String,
    /// Sent as a bearer.
    pub key: Option<String>,
    /// More headers, as `name: value`.
    pub headers: Vec<String>,
    pub prompt_bytes: usize,
    pub max_tokens: usize,
    /// Read by the mock from the text; what a real server does with it is its own business.
    pub wanted: Wanted,
}

/// A server and the requests it gets.
#[derive(Debug)]
pub struct Target {
    pub address: SocketAddr,
    pub is_stream: bool,
    /// Stamps that a stream has to have; none if nobody knows.
    pub chunks: Option<u64>,
    requests: Vec<Vec<u8>>,
}

impl Target {
    /// # Errors
    /// If `url` is no address of plain HTTP.
    pub fn new(url: &str, question: &Question, seed: u64) -> anyhow::Result<Self> {
        let (host, path) = parts(url)?;
        let named = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
        let address = named.to_socket_addrs().with_context(|| format!("failed to resolve {host}"))?.next();
        let mut numbers = Numbers(seed);
        let requests = (0..VARIANTS).map(|_| request(host, path, question, &mut numbers)).collect();
        let is_stream = question.wanted.is_stream;
        let chunks = is_stream.then_some(u64::from(question.wanted.chunks));
        Ok(Self { address: address.with_context(|| format!("{host} has no address"))?, is_stream, chunks, requests })
    }

    /// The bytes of the request with this number.
    pub fn request(&self, number: u64) -> &[u8] {
        &self.requests[(number % self.requests.len() as u64) as usize]
    }
}

fn parts(url: &str) -> anyhow::Result<(&str, &str)> {
    let rest = url.strip_prefix("http://").with_context(|| format!("{url} does not begin with http://"))?;
    let (host, _) = rest.split_once('/').unwrap_or((rest, ""));
    let path = if rest.len() > host.len() { &rest[host.len()..] } else { "/v1/chat/completions" };
    Ok((host, path))
}

fn request(host: &str, path: &str, question: &Question, numbers: &mut Numbers) -> Vec<u8> {
    let mut text = String::new();
    while text.len() < question.prompt_bytes {
        text.push_str(WORDS[numbers.below(WORDS.len())]);
        text.push(' ');
    }
    text.truncate(question.prompt_bytes);
    let system = format!("You are a support agent of a delivery service ({}).", question.wanted.words());
    let mut body = json!({
        "model": question.model,
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": text}],
        "max_tokens": question.max_tokens, "temperature": 0.2,
    });
    if question.wanted.is_stream {
        body["stream"] = json!(true);
    }
    let body = body.to_string();
    let mut head = format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
        body.len()
    );
    if let Some(key) = &question.key {
        head.extend(["authorization: Bearer ", key, "\r\n"]);
    }
    for header in &question.headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    head.push_str(&body);
    head.into_bytes()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn requests_are_whole_and_differ() {
        let wanted =
            Wanted { is_stream: true, chunks: 9, interval: Duration::from_millis(1), delay: Duration::default() };
        let question = Question {
            model: "m".into(),
            key: Some("k".into()),
            headers: vec!["x-a: b".into()],
            prompt_bytes: 1000,
            max_tokens: 64,
            wanted,
        };
        let target = Target::new("http://127.0.0.1:9/v1/x", &question, 1).unwrap();
        let first = String::from_utf8(target.request(0).to_vec()).unwrap();
        let (head, body) = first.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /v1/x HTTP/1.1\r\nhost: 127.0.0.1:9\r\n"), "{head}");
        assert!(head.contains("authorization: Bearer k") && head.ends_with("x-a: b"), "{head}");
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())));
        let parsed: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(parsed["messages"][1]["content"].as_str().unwrap().len(), 1000);
        let silent = Wanted { is_stream: false, chunks: 0, ..wanted };
        assert_eq!(silent.or_as_asked(body.as_bytes()), wanted);
        assert_ne!(target.request(0), target.request(1));
        assert_eq!(target.request(0), target.request(VARIANTS as u64));
    }

    #[test]
    fn a_bare_address_means_chat() {
        assert_eq!(parts("http://a:1").unwrap(), ("a:1", "/v1/chat/completions"));
        assert!(parts("https://a").is_err());
    }
}
