//! A response of HTTP/1.1 as it comes, in pieces of any size.

use memchr::memmem;

/// Why bytes are no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the response is malformed")]
pub struct Malformed;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    Length(u64),
    ChunkSize,
    Chunk(u64),
    /// The line's end behind a chunk.
    ChunkEnd,
    /// Lines behind the last chunk; an empty one is the end.
    Trailer,
    UntilClose,
    Done,
}

/// Where one response stands. Nothing of it is kept but its status.
#[derive(Debug)]
pub struct Response {
    state: State,
    status: u16,
    keeps_alive: bool,
}

impl Default for Response {
    fn default() -> Self {
        Self { state: State::Head, status: 0, keeps_alive: true }
    }
}

impl Response {
    /// Zero before the head has come.
    pub fn status(&self) -> u16 {
        self.status
    }

    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Whether the connection serves another request after this response.
    pub fn keeps_alive(&self) -> bool {
        self.keeps_alive && self.state == State::Done
    }

    /// The other side closed: whether that was this response's end.
    pub fn close(&mut self) -> bool {
        if self.state == State::UntilClose {
            self.state = State::Done;
            self.keeps_alive = false;
        }
        self.is_done()
    }

    /// Reads what it can of `bytes`, hands parts of the body to `body` and says how many bytes were read. The rest is to be
    /// given again with what comes after it.
    ///
    /// # Errors
    /// If that is no response.
    pub fn advance(&mut self, bytes: &[u8], mut body: impl FnMut(&[u8])) -> Result<usize, Malformed> {
        let mut at = 0;
        loop {
            let rest = &bytes[at..];
            match self.state {
                State::Done => return Ok(at),
                State::Head => {
                    let Some(end) = memmem::find(rest, b"\r\n\r\n") else { return Ok(at) };
                    self.read_head(&rest[..end + 2])?;
                    at += end + 4;
                }
                State::Length(left) | State::Chunk(left) => {
                    let count = rest.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    if count > 0 {
                        body(&rest[..count]);
                    }
                    at += count;
                    if self.passed(left - count as u64) > 0 {
                        return Ok(at);
                    }
                }
                State::ChunkSize => {
                    let Some(end) = memmem::find(rest, b"\r\n") else { return Ok(at) };
                    let size = chunk_size(&rest[..end])?;
                    at += end + 2;
                    self.state = if size == 0 { State::Trailer } else { State::Chunk(size) };
                }
                State::ChunkEnd => {
                    if rest.len() < 2 {
                        return Ok(at);
                    }
                    if !rest.starts_with(b"\r\n") {
                        return Err(Malformed);
                    }
                    at += 2;
                    self.state = State::ChunkSize;
                }
                State::Trailer => {
                    let Some(end) = memmem::find(rest, b"\r\n") else { return Ok(at) };
                    at += end + 2;
                    if end == 0 {
                        self.state = State::Done;
                    }
                }
                State::UntilClose => {
                    if !rest.is_empty() {
                        body(rest);
                    }
                    return Ok(bytes.len());
                }
            }
        }
    }

    /// Notes how many bytes are left of the body or chunk, and gives them back.
    fn passed(&mut self, left: u64) -> u64 {
        self.state = match (self.state, left) {
            (State::Length(_), 0) => State::Done,
            (State::Length(_), _) => State::Length(left),
            (_, 0) => State::ChunkEnd,
            _ => State::Chunk(left),
        };
        left
    }

    fn read_head(&mut self, head: &[u8]) -> Result<(), Malformed> {
        let version = head.get(..9).ok_or(Malformed)?;
        if !version.starts_with(b"HTTP/1.") {
            return Err(Malformed);
        }
        let status = number(head.get(9..12).ok_or(Malformed)?, 10).ok_or(Malformed)?;
        self.status = u16::try_from(status).map_err(|_| Malformed)?;
        self.keeps_alive = !version.starts_with(b"HTTP/1.0");
        self.state = State::UntilClose;
        let mut is_chunked = false;
        let mut lines = head;
        while let Some(end) = memchr::memchr(b'\n', lines) {
            let line = lines[..end].trim_ascii_end();
            lines = &lines[end + 1..];
            let Some(colon) = memchr::memchr(b':', line) else { continue };
            let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
            if name.eq_ignore_ascii_case(b"content-length") {
                let length = number(value, 10).ok_or(Malformed)?;
                self.state = if length == 0 { State::Done } else { State::Length(length) };
            } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
                is_chunked = value.to_ascii_lowercase().ends_with(b"chunked");
            } else if name.eq_ignore_ascii_case(b"connection") && value.eq_ignore_ascii_case(b"close") {
                self.keeps_alive = false;
            }
        }
        if is_chunked {
            self.state = State::ChunkSize;
        }
        match self.status {
            100..200 => *self = Self::default(),
            204 | 304 => self.state = State::Done,
            _ => {}
        }
        Ok(())
    }
}

fn chunk_size(line: &[u8]) -> Result<u64, Malformed> {
    let end = memchr::memchr(b';', line).unwrap_or(line.len());
    number(line[..end].trim_ascii(), 16).ok_or(Malformed)
}

fn number(digits: &[u8], radix: u32) -> Option<u64> {
    if !digits.first()?.is_ascii_hexdigit() {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
    const CHUNKED: &[u8] =
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=1\r\n, my world\r\n0\r\nx: y\r\n\r\n";

    /// Fed in pieces that end at `cuts`, as a connection's buffer would.
    fn read(bytes: &[u8], cuts: &[usize]) -> Result<(Response, Vec<u8>), Malformed> {
        let (mut response, mut body, mut from) = (Response::default(), Vec::new(), 0);
        for end in cuts.iter().copied().chain([bytes.len()]) {
            from += response.advance(&bytes[from..end], |part| body.extend_from_slice(part))?;
        }
        assert_eq!(from, bytes.len());
        Ok((response, body))
    }

    #[test]
    fn responses_are_read_in_any_pieces() {
        for (bytes, expected) in [(WHOLE, &b"hello"[..]), (CHUNKED, b"hello, my world")] {
            for first in 0..=bytes.len() {
                for second in first..=bytes.len() {
                    let (response, body) = read(bytes, &[first, second]).unwrap();
                    assert_eq!(body, expected, "{first} {second}");
                    assert!(response.is_done() && response.keeps_alive() && response.status() == 200);
                }
            }
        }
    }

    #[test]
    fn what_follows_a_response_is_left() {
        let mut twice = WHOLE.to_vec();
        twice.extend_from_slice(WHOLE);
        let mut response = Response::default();
        assert_eq!(response.advance(&twice, |_| ()), Ok(WHOLE.len()));
    }

    #[test]
    fn a_response_without_a_length_ends_with_the_connection() {
        let (mut response, body) = read(b"HTTP/1.0 502 Bad\r\nserver: x\r\n\r\nno", &[]).unwrap();
        assert!(!response.is_done() && response.close() && !response.keeps_alive());
        assert_eq!((response.status(), body.as_slice()), (502, &b"no"[..]));
        let mut cut = Response::default();
        cut.advance(&WHOLE[..WHOLE.len() - 1], |_| ()).unwrap();
        assert!(!cut.close());
    }

    #[test]
    fn what_is_no_response_is_refused() {
        for bytes in [
            &b"SSH-2.0-OpenSSH\r\n\r\n"[..],
            b"HTTP/1.1 2x0 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n",
        ] {
            assert_eq!(Response::default().advance(bytes, |_| ()), Err(Malformed), "{}", bytes.escape_ascii());
        }
        let mut closing = Response::default();
        closing.advance(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", |_| ()).unwrap();
        assert!(closing.is_done() && !closing.keeps_alive());
    }
}
