//! A client of Hugging Face's hub or of a mirror with the same addresses.
//!
//! Redirects are followed by hand: the first answer says what a file is, the last one has it, and
//! the token is sent to the endpoint's own origin only.

use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, CONTENT_LENGTH, ETAG, HeaderMap, LOCATION, RANGE, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode, Url};

use super::{Checksum, ClientError, FileName, Listing, RepoId, Revision, Token};

pub const DEFAULT_ENDPOINT: &str = "https://huggingface.co";

const MAX_REDIRECTS: usize = 5;
const MAX_LISTING_BYTES: usize = 32 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// Without a byte for so long, a connection is given up.
const READ_TIMEOUT: Duration = Duration::from_mins(1);

/// Where a hub is and how it is spoken to.
#[derive(Clone, Debug)]
pub struct HubSettings {
    pub endpoint: String,
    pub token: Option<Token>,
    /// Before the first try after a failure; doubled each time.
    pub retry_delay: Duration,
}

impl Default for HubSettings {
    fn default() -> Self {
        Self { endpoint: DEFAULT_ENDPOINT.to_owned(), token: None, retry_delay: Duration::from_secs(1) }
    }
}

/// Connections to one endpoint and to wherever it redirects.
#[derive(Debug)]
pub struct HubClient {
    http: reqwest::Client,
    endpoint: Url,
    token: Option<Token>,
    pub(super) retry_delay: Duration,
}

/// What the endpoint's headers say of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Announced {
    pub commit: Option<String>,
    pub size: Option<u64>,
    pub checksum: Option<Checksum>,
}

/// A file at a commit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address<'a> {
    pub repo: &'a RepoId,
    pub commit: &'a str,
    pub name: &'a FileName,
}

impl HubClient {
    /// # Errors
    /// If the endpoint is no address or TLS cannot be set up.
    pub fn new(settings: HubSettings) -> Result<Self, ClientError> {
        // It fails only where one is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let bad = || ClientError::BadEndpoint { endpoint: settings.endpoint.clone() };
        let endpoint = Url::parse(settings.endpoint.trim_end_matches('/')).map_err(|_| bad())?;
        if !matches!(endpoint.scheme(), "http" | "https") || endpoint.query().is_some() || endpoint.host().is_none() {
            return Err(bad());
        }
        // A machine without root certificates of its own gets Mozilla's, as of this build.
        let http = builder(&endpoint).build().or_else(|_| {
            let bundled = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
            let roots: Result<Vec<_>, _> = bundled.map(|der| reqwest::Certificate::from_der(der)).collect();
            builder(&endpoint).tls_certs_only(roots?).build()
        });
        let http = http.map_err(|source| ClientError::Setup { source })?;
        Ok(Self { http, endpoint, token: settings.token, retry_delay: settings.retry_delay })
    }

    /// The endpoint without what may be secret in it.
    pub fn endpoint(&self) -> String {
        let mut shown = self.endpoint.clone();
        // Neither fails on an http address.
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        shown.as_str().trim_end_matches('/').to_owned()
    }

    /// The files of a repository, and the commit that `revision` means now.
    ///
    /// # Errors
    /// If the hub cannot be reached, refuses, or is not understood.
    pub async fn listing(&self, repo: &RepoId, revision: &Revision) -> Result<Listing, ClientError> {
        let what = format!("{repo} at {}", revision.as_str());
        let url = self.url(&format!("api/models/{repo}/revision/{}?blobs=true", revision.segment()))?;
        let (mut response, _) = self.send(Method::GET, url, None).await?;
        self.check_status(&response, repo, &what)?;
        let refuse = |reason: String| ClientError::NotUnderstood { what: what.clone(), reason };
        let mut text = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| exchange(&self.endpoint, error))? {
            text.extend_from_slice(&chunk);
            if text.len() > MAX_LISTING_BYTES {
                return Err(refuse(format!("longer than {MAX_LISTING_BYTES} bytes")));
            }
        }
        let listing = Listing::parse(&text).map_err(refuse)?;
        if revision.is_commit() && listing.commit != revision.as_str() {
            let (expected, found) = (revision.as_str().to_owned(), listing.commit);
            return Err(ClientError::WrongCommit { expected, found });
        }
        Ok(listing)
    }

    /// Size and checksum of a file, where the listing has none.
    pub(super) async fn announced(&self, address: Address<'_>) -> Result<Announced, ClientError> {
        let (response, announced) = self.send(Method::HEAD, self.file_url(address)?, None).await?;
        if !response.status().is_redirection() {
            self.check_status(&response, address.repo, &format!("{} of {}", address.name, address.repo))?;
        }
        check_commit(address.commit, &announced)?;
        Ok(announced)
    }

    /// Asks for a file from its byte `from` on.
    pub(super) async fn open(&self, address: Address<'_>, from: u64) -> Result<(Response, Announced), ClientError> {
        let from = Some(from).filter(|from| *from > 0);
        let (response, announced) = self.send(Method::GET, self.file_url(address)?, from).await?;
        if response.status() != StatusCode::RANGE_NOT_SATISFIABLE {
            self.check_status(&response, address.repo, &format!("{} of {}", address.name, address.repo))?;
        }
        check_commit(address.commit, &announced)?;
        Ok((response, announced))
    }

    fn file_url(&self, address: Address<'_>) -> Result<Url, ClientError> {
        let Address { repo, commit, name } = address;
        self.url(&format!("{repo}/resolve/{commit}/{}", name.segments()))
    }

    fn url(&self, path: &str) -> Result<Url, ClientError> {
        let text = format!("{}/{path}", self.endpoint.as_str().trim_end_matches('/'));
        Url::parse(&text).map_err(|_| ClientError::BadEndpoint { endpoint: self.endpoint() })
    }

    /// Follows redirects; a HEAD does not leave the endpoint once it knows the size.
    async fn send(
        &self,
        method: Method,
        mut url: Url,
        from: Option<u64>,
    ) -> Result<(Response, Announced), ClientError> {
        let mut announced = Announced::default();
        for _ in 0..=MAX_REDIRECTS {
            let is_home = url.origin() == self.endpoint.origin();
            // Lengths and ranges are of the file itself, not of something compressed.
            let mut request = self.http.request(method.clone(), url.clone()).header(ACCEPT_ENCODING, "identity");
            if let Some(token) = self.token.as_ref().filter(|_| is_home) {
                request = request.bearer_auth(token.reveal());
            }
            if let Some(from) = from {
                request = request.header(RANGE, format!("bytes={from}-"));
            }
            let response = request.send().await.map_err(|error| exchange(&url, error))?;
            if is_home {
                announced.read(&response, method == Method::HEAD);
            } else if method == Method::HEAD && response.status().is_success() {
                announced.size = announced.size.or_else(|| length(&response));
            }
            if !response.status().is_redirection() {
                return Ok((response, announced));
            }
            let next = next_url(&url, &response)?;
            let leaves = next.origin() != self.endpoint.origin();
            if method == Method::HEAD && leaves && announced.size.is_some() {
                return Ok((response, announced));
            }
            url = next;
        }
        Err(ClientError::TooManyRedirects { limit: MAX_REDIRECTS })
    }

    fn check_status(&self, response: &Response, repo: &RepoId, what: &str) -> Result<(), ClientError> {
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let host = host(response.url());
        let page = format!("{}/{repo}", self.endpoint());
        let repo = repo.to_string();
        let is_home = response.url().origin() == self.endpoint.origin();
        let code = response.headers().get("x-error-code").and_then(|code| code.to_str().ok()).unwrap_or_default();
        Err(match status.as_u16() {
            _ if code == "GatedRepo" => ClientError::Gated { repo, page },
            401 | 403 if is_home && code == "RepoNotFound" => ClientError::Refused { repo, page },
            401 if is_home && self.token.is_some() => ClientError::TokenRefused { repo, page },
            403 if is_home && self.token.is_some() => ClientError::Gated { repo, page },
            401 | 403 if is_home => ClientError::Refused { repo, page },
            404 => ClientError::NotFound { what: what.to_owned() },
            429 => ClientError::RateLimited { wait: retry_after(response.headers()).unwrap_or(self.retry_delay) },
            status => ClientError::Status { host, status },
        })
    }
}

impl Announced {
    /// Takes what a response of the endpoint says and no earlier one did. Length and tag count only
    /// where they are the file's own: in the answer to a HEAD that is not redirected.
    fn read(&mut self, response: &Response, is_head: bool) {
        let headers = response.headers();
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let own = is_head && response.status().is_success();
        let number = |text: &str| text.trim().parse().ok();
        let linked_size = text("x-linked-size").and_then(number);
        let own_size = own.then(|| length(response)).flatten();
        let linked_tag = text("x-linked-etag").and_then(Checksum::of_etag);
        let own_tag = own.then(|| text(ETAG.as_str()).and_then(Checksum::of_etag)).flatten();
        self.commit = self.commit.take().or_else(|| text("x-repo-commit").map(str::to_owned));
        self.size = self.size.or(linked_size).or(own_size);
        self.checksum = self.checksum.take().or(linked_tag).or(own_tag);
    }
}

fn builder(endpoint: &Url) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .tcp_nodelay(true)
        .user_agent(concat!("shekara-inference/", env!("CARGO_PKG_VERSION")));
    // What runs on this machine is not reached through a proxy.
    let is_local =
        endpoint.host_str().is_some_and(|host| host == "localhost" || host.starts_with("127.") || host == "[::1]");
    if is_local { builder.no_proxy() } else { builder }
}

fn next_url(url: &Url, response: &Response) -> Result<Url, ClientError> {
    let target = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let next = target.and_then(|target| url.join(target).ok());
    match next {
        // Whoever asks over TLS is not sent on in the open.
        Some(next) if next.scheme() == "https" || next.scheme() == "http" && url.scheme() == "http" => Ok(next),
        Some(next) => Err(ClientError::BadRedirect { target: format!("{}://{}", next.scheme(), host(&next)) }),
        None => Err(ClientError::BadRedirect { target: "nowhere".to_owned() }),
    }
}

fn check_commit(expected: &str, announced: &Announced) -> Result<(), ClientError> {
    match &announced.commit {
        Some(found) if found != expected => {
            Err(ClientError::WrongCommit { expected: expected.to_owned(), found: found.chars().take(64).collect() })
        }
        _ => Ok(()),
    }
}

/// As the header says: the answer to a HEAD has no body.
fn length(response: &Response) -> Option<u64> {
    response.headers().get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

/// Seconds; dates are not worth a parser here.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

pub(super) fn exchange(url: &Url, error: reqwest::Error) -> ClientError {
    // The error's own address may have a signature in it.
    ClientError::Exchange { host: host(url), source: error.without_url() }
}

pub(super) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or("?");
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
