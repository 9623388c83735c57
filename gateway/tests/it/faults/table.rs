//! Every fault, and what is to follow from it.

use crate::upstream::{Reply, Then};

/// How a request asks for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Plain,
    Stream,
    /// Streamed, with a tool that is called.
    Tools,
}

impl Mode {
    fn is_plain(self) -> bool {
        self == Self::Plain
    }
}

/// What the first target does.
#[derive(Clone)]
pub enum Fault {
    /// No server at this address.
    Address(&'static str),
    /// A server that knows nothing of TLS, at an `https` address.
    NoTls,
    Reply(Reply),
}

/// What is to follow.
#[derive(Debug, Clone, Copy)]
pub enum Follows {
    /// The next target is asked, where there is one; without it the client gets this status and code.
    Switch { result: &'static str, reason: &'static str, status: u16, code: &'static str, retryable: bool },
    /// The client gets this status and code, whoever else could answer.
    Refusal { status: u16, code: &'static str, retryable: bool },
    /// Content has reached the client: an error event with this code, and the end.
    Broken { code: &'static str },
    /// Nothing is wrong.
    Answer,
}

pub struct Case {
    pub name: &'static str,
    pub fault: Fault,
    /// Upstream calls that the first target gets, and those that are tried.
    pub calls: usize,
    pub tries: usize,
    pub follows: Follows,
}

const CONNECT: Follows = switch("connect", "fallback:connect", 502, "provider_unreachable");
const TIMEOUT: Follows = switch("timeout", "fallback:timeout", 504, "provider_timeout");
const SERVER: Follows = switch("5xx", "fallback:5xx", 502, "provider_error");
const RATE: Follows = switch("rate_limit", "fallback:rate_limit", 429, "rate_limit_exceeded");
const BROKEN: Follows = switch("broken_response", "fallback:broken_response", 502, "provider_broken_response");
/// Nobody can help by trying again.
const QUOTA: Follows = Follows::Switch {
    result: "quota",
    reason: "fallback:quota",
    status: 429,
    code: "provider_quota",
    retryable: false,
};
const AUTH: Follows = Follows::Refusal { status: 502, code: "provider_auth_failed", retryable: false };

const fn switch(result: &'static str, reason: &'static str, status: u16, code: &'static str) -> Follows {
    Follows::Switch { result, reason, status, code, retryable: true }
}

const ROLE: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n";
const EVENTS: &str = "text/event-stream";
const JSON: &str = "application/json";

/// Everything that can happen to a request of this mode.
pub fn cases(mode: Mode) -> Vec<Case> {
    let mut cases = before_an_answer();
    cases.extend(statuses());
    cases.extend(unusable_answers(mode));
    cases.extend(if mode.is_plain() { broken_wholes() } else { broken_streams(mode) });
    cases
}

fn case(name: &'static str, reply: Reply, follows: Follows) -> Case {
    Case { name, fault: Fault::Reply(reply), calls: 1, tries: 1, follows }
}

fn before_an_answer() -> Vec<Case> {
    let never = |name, fault| Case { name, fault, calls: 0, tries: 2, follows: CONNECT };
    vec![
        never("connect refused", Fault::Address("http://127.0.0.1:9/v1")),
        never("DNS", Fault::Address("http://nowhere.invalid/v1")),
        never("TLS", Fault::NoTls),
        Case { calls: 2, tries: 2, ..case("slow first byte", Reply::Silence, TIMEOUT) },
    ]
}

fn statuses() -> Vec<Case> {
    let bad = r#"{"error":{"message":"temperature is too high","type":"invalid_request_error","param":"temperature","code":"bad"}}"#;
    let policy =
        r#"{"error":{"message":"The content was filtered.","type":"invalid_request_error","code":"content_filter"}}"#;
    let long = r#"{"error":{"message":"too long","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#;
    let rate = r#"{"error":{"message":"slow down","type":"requests","code":"rate_limit_exceeded"}}"#;
    let quota = r#"{"error":{"message":"spent","type":"insufficient_quota","code":"insufficient_quota"}}"#;
    let refusal = |status, code| Follows::Refusal { status, code, retryable: status < 500 };
    vec![
        case("400", Reply::Status(400, bad), refusal(400, "bad")),
        case("401", Reply::Status(401, bad), AUTH),
        case("403", Reply::Status(403, bad), AUTH),
        case("404", Reply::Status(404, bad), refusal(404, "bad")),
        case("413", Reply::Status(413, bad), refusal(413, "bad")),
        case("422", Reply::Status(422, bad), refusal(422, "bad")),
        case("content policy", Reply::Status(400, policy), refusal(400, "content_filter")),
        case("too long for everybody", Reply::Status(400, long), refusal(400, "context_length_exceeded")),
        case("402", Reply::Status(402, "{}"), QUOTA),
        case("429 rate", Reply::Headed(429, &[("retry-after", "7")], rate), RATE),
        case("429 rate, in milliseconds", Reply::Headed(429, &[("retry-after-ms", "70")], rate), RATE),
        case("429 rate, a date", Reply::Headed(429, &[("retry-after", "Wed, 21 Oct 2099 07:28:00 GMT")], rate), RATE),
        case("429 quota", Reply::Status(429, quota), QUOTA),
        case("500", Reply::Status(500, bad), SERVER),
        case("502", Reply::Status(502, "<html>"), SERVER),
        case("503", Reply::Headed(503, &[("retry-after", "1")], ""), SERVER),
        case("529", Reply::Status(529, r#"{"type":"error","error":{"type":"overloaded_error"}}"#), SERVER),
        case("a redirect", Reply::Headed(307, &[("location", "http://127.0.0.1:9/")], ""), BROKEN),
    ]
}

fn unusable_answers(mode: Mode) -> Vec<Case> {
    let kind = if mode.is_plain() { JSON } else { EVENTS };
    let limited = "{\"error\":{\"message\":\"m\",\"code\":\"rate_limit_exceeded\"}}";
    let limited = if mode.is_plain() {
        limited
    } else {
        "data: {\"error\":{\"message\":\"m\",\"code\":\"rate_limit_exceeded\"}}\n\n"
    };
    vec![
        case("200 with broken JSON", Reply::Part(kind, "data: {\"choices\":[{\"del\n\n", Then::End), BROKEN),
        case("200 empty", Reply::Part(kind, "", Then::End), BROKEN),
        case("wrong content type", Reply::Part("text/html", "<html><body>Welcome</body></html>", Then::End), BROKEN),
        case("cut before anything is said", Reply::Part(kind, "", Then::Cut), BROKEN),
        case("an error with a good status", Reply::Part(kind, limited, Then::End), RATE),
    ]
}

fn broken_wholes() -> Vec<Case> {
    const WHOLE: &str =
        r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"first"},"finish_reason":"stop"}]}"#;
    let garbage: &'static str = format!("{WHOLE}garbage").leak();
    let (half, _) = WHOLE.split_at(60);
    vec![
        case("no choices", Reply::Json(r#"{"choices":[]}"#), BROKEN),
        case("nothing said", Reply::Json(r#"{"choices":[{"message":{"role":"assistant","content":null}}]}"#), BROKEN),
        case("events instead of JSON", Reply::Events("data: {\"choices\":[]}\n\n"), BROKEN),
        case("cut in the middle", Reply::Part(JSON, half, Then::Cut), BROKEN),
        case("ends in the middle", Reply::Part(JSON, half, Then::End), BROKEN),
        Case { calls: 2, tries: 2, ..case("stall in the middle", Reply::Part(JSON, half, Then::Stall), TIMEOUT) },
        case("garbage behind the end", Reply::Json(garbage), BROKEN),
    ]
}

fn broken_streams(mode: Mode) -> Vec<Case> {
    let content = if mode == Mode::Tools {
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c9\",\"type\":\"function\",\
         \"function\":{\"name\":\"f\",\"arguments\":\"{\\\"or\"}}]}}]}\n\n"
    } else {
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"first\"}}]}\n\n"
    };
    let finish = if mode == Mode::Tools { "tool_calls" } else { "stop" };
    let joined = |parts: &[&str]| -> &'static str { parts.concat().leak() };
    let error = "data: {\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\"}}\n\n";
    let named = "event: error\ndata: {\"message\":\"overloaded\"}\n\n";
    let done = format!(
        "data: {{\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"{finish}\"}}]}}\n\ndata: [DONE]\n\n"
    );
    let begun = joined(&[ROLE, content]);
    let part = |bytes, then| Reply::Part(EVENTS, bytes, then);
    let broken = Follows::Broken { code: "stream_interrupted" };
    vec![
        case("first event an error", part(error, Then::End), SERVER),
        case("first event a named error", part(named, Then::End), SERVER),
        case("an error behind a role", part(joined(&[ROLE, error]), Then::End), SERVER),
        case("nothing but [DONE]", part("data: [DONE]\n\n", Then::End), BROKEN),
        case("no events", part("data: hello\n\ndata: [DONE]\n\n", Then::End), BROKEN),
        case("JSON instead of events", Reply::Json(r#"{"choices":[{"message":{"content":"first"}}]}"#), BROKEN),
        Case { calls: 2, tries: 2, ..case("a role and then a stall", part(ROLE, Then::Stall), TIMEOUT) },
        case("cut mid-stream", part(begun, Then::Cut), broken),
        case("ends mid-stream", part(begun, Then::End), broken),
        case("ends mid-event", part(joined(&[ROLE, content, "data: {\"choi"]), Then::End), broken),
        case(
            "error event mid-stream",
            part(joined(&[ROLE, content, error]), Then::End),
            Follows::Broken { code: "provider_error" },
        ),
        case("stall mid-stream", part(begun, Then::Stall), Follows::Broken { code: "provider_timeout" }),
        case(
            "garbage behind [DONE]",
            part(joined(&[ROLE, content, &done, "garbage\n\ndata: {\"error\":{}}\n\n"]), Then::End),
            Follows::Answer,
        ),
    ]
}
