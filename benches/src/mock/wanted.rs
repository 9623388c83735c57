//! What a request wants of the mock.

use std::time::Duration;

use memchr::memmem;

/// Read from words in the request's text, such as `chunks=50 interval_us=20000 delay_us=0`: fields and headers that are not
/// OpenAI's would be dropped by some gateways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub is_stream: bool,
    pub chunks: u32,
    /// Between two chunks.
    pub interval: Duration,
    /// Before the answer begins.
    pub delay: Duration,
}

impl Wanted {
    /// The words that ask for it.
    pub fn words(&self) -> String {
        let (interval, delay) = (self.interval.as_micros(), self.delay.as_micros());
        format!("chunks={} interval_us={interval} delay_us={delay}", self.chunks)
    }

    /// As the body says; as it is here where the body is silent.
    #[must_use]
    pub fn or_as_asked(self, body: &[u8]) -> Self {
        let asked = |word: &str| number_after(body, word.as_bytes());
        let micros = |word: &str, otherwise: Duration| asked(word).map_or(otherwise, Duration::from_micros);
        let is_stream = memmem::find(body, b"\"stream\":true").or_else(|| memmem::find(body, b"\"stream\": true"));
        if is_stream.is_none() {
            return Self { is_stream: false, delay: micros("delay_us=", self.delay), ..self };
        }
        Self {
            is_stream: true,
            chunks: asked("chunks=").and_then(|count| u32::try_from(count).ok()).unwrap_or(self.chunks),
            interval: micros("interval_us=", self.interval),
            delay: micros("delay_us=", self.delay),
        }
    }
}

fn number_after(body: &[u8], word: &[u8]) -> Option<u64> {
    let rest = &body[memmem::find(body, word)? + word.len()..];
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).take(12).count();
    std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SILENT: Wanted =
        Wanted { is_stream: false, chunks: 7, interval: Duration::from_millis(3), delay: Duration::from_millis(2) };

    #[test]
    fn a_request_gets_what_its_words_ask_for() {
        let asked = Wanted {
            is_stream: true,
            chunks: 50,
            interval: Duration::from_millis(20),
            delay: Duration::from_micros(5),
        };
        let body = format!(r#"{{"messages":[{{"content":"Be brief ({})."}}],"stream":true}}"#, asked.words());
        assert_eq!(SILENT.or_as_asked(body.as_bytes()), asked);
        assert_eq!(SILENT.or_as_asked(body.replace(":true", ": true").as_bytes()), asked);
    }

    #[test]
    fn a_silent_request_gets_what_the_command_line_said() {
        assert_eq!(SILENT.or_as_asked(b"{}"), SILENT);
        assert_eq!(SILENT.or_as_asked(br#"{"stream":true}"#), Wanted { is_stream: true, ..SILENT });
        assert_eq!(SILENT.or_as_asked(br#"{"stream":true,"x":"chunks=many"}"#), Wanted { is_stream: true, ..SILENT });
    }
}
