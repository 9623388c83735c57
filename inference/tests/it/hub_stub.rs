//! A hub on a loopback port and a "CDN" on another, which record every request and can misbehave.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use sha1::Digest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
pub const OTHER_COMMIT: &str = "89abcdef0123456789abcdef0123456789abcdef";
pub const TOKEN: &str = "hf_tokenOfTheTest";

/// What a server does with one request instead of answering it well.
#[derive(Clone, Debug)]
pub enum Fault {
    /// This status with these headers.
    Status(u16, Vec<(&'static str, String)>),
    /// The body ends after so many bytes, and with it the connection.
    Cut(usize),
    /// The body, changed in its first byte.
    Flip,
    /// Another `content-length` than the body has.
    Length(u64),
    /// The whole file, whatever range is asked for.
    IgnoreRange,
    /// Another commit in the headers.
    Commit(&'static str),
    /// Without an end, chunked.
    Endless,
}

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// `hub` or `cdn`.
    pub server: &'static str,
    /// Method and path.
    pub line: String,
    pub range: Option<String>,
    pub token: Option<String>,
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, Vec<u8>>,
    /// Files whose sizes and checksums the listing leaves out.
    bare: bool,
    card: Value,
    commit: &'static str,
    /// A token is asked for.
    gated: bool,
    seen: Vec<Seen>,
    faults: Vec<(&'static str, String, Fault)>,
}

/// Both servers; they live as long as the test's runtime.
#[derive(Clone)]
pub struct Hub {
    state: Arc<Mutex<State>>,
    home: SocketAddr,
    cdn: SocketAddr,
}

impl Hub {
    pub async fn start(files: BTreeMap<String, Vec<u8>>) -> Self {
        let card = json!({"license": "apache-2.0"});
        let state = Arc::new(Mutex::new(State { files, card, commit: COMMIT, ..State::default() }));
        let bind = || TcpListener::bind("127.0.0.1:0");
        let (hub_listener, cdn_listener) = (bind().await.expect("a port"), bind().await.expect("a port"));
        let address = |listener: &TcpListener| listener.local_addr().expect("an address");
        let hub = Self { state, home: address(&hub_listener), cdn: address(&cdn_listener) };
        for (name, listener) in [("hub", hub_listener), ("cdn", cdn_listener)] {
            let hub = hub.clone();
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let hub = hub.clone();
                    tokio::spawn(async move { hub.serve(name, stream).await });
                }
            });
        }
        hub
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.home)
    }

    /// The next request to `server` whose path has `part` in it goes wrong.
    pub fn fail(&self, server: &'static str, part: &str, fault: Fault) {
        self.state().faults.push((server, part.to_owned(), fault));
    }

    pub fn leave_out_sizes(&self) {
        self.state().bare = true;
    }

    pub fn gate(&self) {
        self.state().gated = true;
    }

    /// From now on the repository is at another commit, with other files.
    pub fn update(&self, files: BTreeMap<String, Vec<u8>>) {
        let mut state = self.state();
        state.files = files;
        state.commit = OTHER_COMMIT;
    }

    pub fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.state().seen)
    }

    /// The requests as lines: server, method, path, range.
    pub fn lines(&self) -> Vec<String> {
        let line = |seen: Seen| {
            let range = seen.range.map(|range| format!(" {range}")).unwrap_or_default();
            format!("{} {}{range}", seen.server, seen.line)
        };
        self.seen().into_iter().map(line).collect()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds this")
    }

    async fn serve(&self, server: &'static str, mut stream: TcpStream) {
        let Some(request) = read_request(server, &mut stream).await else { return };
        let fault = {
            let mut state = self.state();
            state.seen.push(request.clone());
            let fits = |(at, part, _): &(&str, String, Fault)| *at == server && request.line.contains(part.as_str());
            let index = state.faults.iter().position(fits);
            index.map(|index| state.faults.remove(index).2)
        };
        let reply = match &fault {
            Some(Fault::Status(status, headers)) => Reply::new(*status, headers.clone(), Vec::new()),
            _ => self.answer(&request, matches!(fault, Some(Fault::IgnoreRange))),
        };
        reply.write(&mut stream, request.line.starts_with("HEAD"), fault).await;
    }

    fn answer(&self, request: &Seen, ignore_range: bool) -> Reply {
        let state = self.state();
        let path = request.line.split(' ').nth(1).expect("a path");
        let from = request.range.as_deref().filter(|_| !ignore_range).map_or(0, range_start);
        if request.server == "cdn" {
            assert_eq!(request.token, None, "the token went to another host");
            let sha = path.trim_start_matches("/blob/").split('?').next().expect("a name");
            let found = state.files.values().find(|content| sha256(content) == sha);
            return found.map_or_else(|| Reply::new(404, vec![], vec![]), |content| Reply::part(content, from, vec![]));
        }
        if state.gated && request.token.as_deref() != Some(&format!("Bearer {TOKEN}")) {
            let status = if request.token.is_some() { 403 } else { 401 };
            return Reply::new(status, vec![("x-error-code", "GatedRepo".to_owned())], vec![]);
        }
        if let Some(rest) = path.strip_prefix("/api/models/org/tiny/revision/") {
            let revision = rest.trim_end_matches("?blobs=true");
            if !["main", "v1.0", "refs%2Fpr%2F2", state.commit].contains(&revision) {
                return Reply::new(404, vec![("x-error-code", "RevisionNotFound".to_owned())], vec![]);
            }
            return Reply::new(200, vec![], state.listing().to_string().into_bytes());
        }
        let prefix = format!("/org/tiny/resolve/{}/", state.commit);
        let Some(content) = path.strip_prefix(&prefix).and_then(|name| state.files.get(name)) else {
            return Reply::new(404, vec![("x-error-code", "EntryNotFound".to_owned())], vec![]);
        };
        let mut headers = vec![("x-repo-commit", state.commit.to_owned())];
        if is_large(path) {
            headers.push(("x-linked-size", content.len().to_string()));
            headers.push(("x-linked-etag", format!("\"{}\"", sha256(content))));
            headers.push(("location", format!("http://{}/blob/{}?signature=secret", self.cdn, sha256(content))));
            return Reply::new(302, headers, vec![]);
        }
        headers.push(("etag", format!("\"{}\"", git_blob(content))));
        Reply::part(content, from, headers)
    }
}

impl State {
    fn listing(&self) -> Value {
        let entry = |(name, content): (&String, &Vec<u8>)| {
            if self.bare {
                return json!({"rfilename": name});
            }
            let mut entry = json!({"rfilename": name, "size": content.len(), "blobId": git_blob(content)});
            if is_large(name) {
                entry["lfs"] = json!({"sha256": sha256(content), "size": content.len(), "pointerSize": 130});
            }
            entry
        };
        let siblings: Vec<Value> = self.files.iter().map(entry).collect();
        json!({"id": "org/tiny", "sha": self.commit, "cardData": self.card, "siblings": siblings})
    }
}

struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Reply {
    fn new(status: u16, headers: Vec<(&'static str, String)>, body: Vec<u8>) -> Self {
        Self { status, headers, body }
    }

    fn part(content: &[u8], from: usize, mut headers: Vec<(&'static str, String)>) -> Self {
        let size = content.len();
        if from == 0 {
            return Self::new(200, headers, content.to_vec());
        }
        if from >= size {
            headers.push(("content-range", format!("bytes */{size}")));
            return Self::new(416, headers, vec![]);
        }
        headers.push(("content-range", format!("bytes {from}-{}/{size}", size - 1)));
        Self::new(206, headers, content[from..].to_vec())
    }

    async fn write(mut self, stream: &mut TcpStream, head_only: bool, fault: Option<Fault>) {
        let mut length = self.body.len() as u64;
        match &fault {
            Some(Fault::Length(other)) => length = *other,
            Some(Fault::Flip) => self.body[0] ^= 1,
            Some(Fault::Commit(commit)) => {
                self.headers.retain(|(name, _)| *name != "x-repo-commit");
                self.headers.push(("x-repo-commit", (*commit).to_owned()));
            }
            _ => {}
        }
        let mut head = format!("HTTP/1.1 {} Reason\r\nconnection: close\r\n", self.status);
        let endless = matches!(fault, Some(Fault::Endless));
        if endless {
            head.push_str("transfer-encoding: chunked\r\n");
        } else {
            head.extend(["content-length: ", &length.to_string(), "\r\n"]);
        }
        for (name, value) in &self.headers {
            head.extend([*name, ": ", value.as_str(), "\r\n"]);
        }
        head.push_str("\r\n");
        // The client may be gone; then there is nobody to tell.
        let _ = stream.write_all(head.as_bytes()).await;
        if head_only {
            return;
        }
        if endless {
            let chunk = [b"1000\r\n".to_vec(), vec![0; 0x1000], b"\r\n".to_vec()].concat();
            while stream.write_all(&chunk).await.is_ok() {}
            return;
        }
        if let Some(Fault::Cut(after)) = fault {
            self.body.truncate(after);
        }
        let _ = stream.write_all(&self.body).await;
        let _ = stream.shutdown().await;
    }
}

async fn read_request(server: &'static str, stream: &mut TcpStream) -> Option<Seen> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let text = String::from_utf8(head).expect("ASCII");
    let mut lines = text.lines();
    let line = lines.next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let header = |name: &str| {
        let line = text.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")));
        line.map(|line| line.split_once(':').expect("a header").1.trim().to_owned())
    };
    Some(Seen { server, line, range: header("range"), token: header("authorization") })
}

fn range_start(range: &str) -> usize {
    range.trim_start_matches("bytes=").trim_end_matches('-').parse().expect("an open range")
}

/// Kept in large-file storage.
fn is_large(name: &str) -> bool {
    [".safetensors", ".gguf", "tokenizer.json"].iter().any(|end| name.ends_with(end))
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

pub fn sha256(content: &[u8]) -> String {
    hex(&sha2::Sha256::digest(content))
}

pub fn git_blob(content: &[u8]) -> String {
    hex(&sha1::Sha1::new().chain_update(format!("blob {}\0", content.len())).chain_update(content).finalize())
}
