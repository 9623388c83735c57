//! One pooled client per provider.

use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use http_body::{Body, Frame};
use ipnet::IpNet;

use super::resolver::{BorderResolver, OutsideBorder};
use crate::config::{Identity, Outward, Proxy};

/// How far a client may reach.
#[derive(Debug, Clone, Copy)]
pub enum Reach<'a> {
    Anywhere,
    /// Loopback and these ranges.
    InBorder(&'a [IpNet]),
}

/// How a client connects, and how far.
#[derive(Debug, Clone, Copy)]
pub struct Way<'a> {
    pub reach: Reach<'a>,
    pub connect_timeout: Duration,
    pub outward: &'a Outward,
}

#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    #[error("failed to read the certificate or key in {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("failed to read the certificate or key in {}: {source}", path.display())]
    NoCertificate { path: PathBuf, source: reqwest::Error },
    #[error("failed to read any certificate in {}", path.display())]
    EmptyFile { path: PathBuf },
    #[error("failed to read proxy_password: {reason}")]
    NoPassword { reason: String },
    #[error("failed to set up a client: {source}")]
    Setup { source: reqwest::Error },
    #[error("failed to stay inside the border: the address lies in no [network] in_country range")]
    OutsideBorder,
    #[error("failed to connect")]
    Connect { source: reqwest::Error },
    #[error("failed to exchange the request and its answer")]
    Exchange { source: reqwest::Error },
}

#[derive(Debug, Clone)]
pub struct EgressClient {
    inner: reqwest::Client,
    last: Arc<ArcSwapOption<Address>>,
}

/// An address, and the same taken apart as reqwest wants it: that costs as much as a tenth of an exchange, and nearly all
/// requests of one client go to one address.
#[derive(Debug)]
struct Address {
    uri: http::Uri,
    url: reqwest::Url,
}

/// Chooses the TLS implementation once, before the first client is made.
pub fn install_tls() {
    // It fails only where one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

impl EgressClient {
    /// # Errors
    /// A file is not what it should be, or TLS cannot be set up.
    pub fn new(way: Way<'_>) -> Result<Self, EgressError> {
        let own = Own::read(way.outward)?;
        // A machine without root certificates of its own gets Mozilla's, as of this build. That it has none shows only where
        // no others stand beside them.
        let plain = builder(way, &own).build();
        let inner = match plain {
            Ok(client) if own.roots.is_empty() => Ok(client),
            Ok(_) => builder(way, &own).tls_certs_merge(own.roots.iter().cloned()).build(),
            Err(_) => {
                let bundled = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
                let roots: Result<Vec<_>, _> = bundled.map(|der| reqwest::Certificate::from_der(der)).collect();
                let roots = roots.map_err(|source| EgressError::Setup { source })?;
                builder(way, &own).tls_certs_only(roots.into_iter().chain(own.roots.iter().cloned())).build()
            }
        };
        Ok(Self { inner: inner.map_err(|source| EgressError::Setup { source })?, last: Arc::default() })
    }

    /// Sends a request and returns as soon as the answer's head is there.
    ///
    /// # Errors
    /// [`EgressError::Connect`] where nothing was sent, [`EgressError::Exchange`] where something may have been.
    pub async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<EgressBody>, EgressError> {
        let request = self.addressed(request).map_err(|source| EgressError::Exchange { source })?;
        let response = self.inner.execute(request).await.map_err(classify)?;
        Ok(http::Response::from(response).map(EgressBody))
    }

    fn addressed(&self, request: http::Request<Bytes>) -> Result<reqwest::Request, reqwest::Error> {
        let known = self.last.load();
        let Some(known) = known.as_ref().filter(|known| known.uri == *request.uri()) else {
            let uri = request.uri().clone();
            let request = reqwest::Request::try_from(request.map(reqwest::Body::from))?;
            self.last.store(Some(Arc::new(Address { uri, url: request.url().clone() })));
            return Ok(request);
        };
        let (head, body) = request.into_parts();
        let mut request = reqwest::Request::new(head.method, known.url.clone());
        *request.headers_mut() = head.headers;
        *request.version_mut() = head.version;
        *request.body_mut() = Some(body.into());
        Ok(request)
    }
}

/// What files and variables say of a way.
struct Own {
    roots: Vec<reqwest::Certificate>,
    identity: Option<reqwest::Identity>,
    proxy: Option<reqwest::Proxy>,
}

impl Own {
    fn read(outward: &Outward) -> Result<Self, EgressError> {
        let mut roots = Vec::new();
        for path in &outward.ca {
            let found = reqwest::Certificate::from_pem_bundle(&read(path)?);
            let found = found.map_err(|source| EgressError::NoCertificate { path: path.clone(), source })?;
            if found.is_empty() {
                return Err(EgressError::EmptyFile { path: path.clone() });
            }
            roots.extend(found);
        }
        Ok(Self {
            roots,
            identity: outward.identity.as_ref().map(identity).transpose()?,
            proxy: outward.proxy.as_ref().map(proxy).transpose()?,
        })
    }
}

fn identity(files: &Identity) -> Result<reqwest::Identity, EgressError> {
    let mut pem = read(&files.key)?;
    pem.push(b'\n');
    pem.extend(read(&files.certificate)?);
    let path = files.certificate.clone();
    reqwest::Identity::from_pem(&pem).map_err(|source| EgressError::NoCertificate { path, source })
}

fn proxy(proxy: &Proxy) -> Result<reqwest::Proxy, EgressError> {
    let setup = |source| EgressError::Setup { source };
    let mut own = reqwest::Proxy::all(&proxy.url).map_err(setup)?;
    if let Some(user) = &proxy.user {
        let unread = |error: &dyn std::fmt::Display| EgressError::NoPassword { reason: error.to_string() };
        let password = match &proxy.password {
            Some(source) => Some(source.resolve().map_err(|error| unread(&error))?),
            None => None,
        };
        let password = match &password {
            Some(password) => password.expose(),
            None => "",
        };
        own = own.basic_auth(user, password);
    }
    Ok(own.no_proxy(reqwest::NoProxy::from_string(&proxy.except.join(","))))
}

fn read(path: &Path) -> Result<Vec<u8>, EgressError> {
    std::fs::read(path).map_err(|source| EgressError::Unreadable { path: path.to_owned(), source })
}

fn builder(way: Way<'_>, own: &Own) -> reqwest::ClientBuilder {
    // Nothing from the environment: a proxy is what the configuration says.
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(way.connect_timeout)
        .pool_idle_timeout(Duration::from_mins(1))
        .tcp_nodelay(true)
        .user_agent(concat!("shekara/", env!("CARGO_PKG_VERSION")));
    if let Some(proxy) = &own.proxy {
        builder = builder.proxy(proxy.clone());
    }
    if let Some(identity) = &own.identity {
        builder = builder.identity(identity.clone());
    }
    match way.reach {
        Reach::Anywhere => builder,
        Reach::InBorder(in_country) => builder.dns_resolver(BorderResolver::new(in_country)),
    }
}

fn classify(source: reqwest::Error) -> EgressError {
    let mut cause: Option<&(dyn StdError + 'static)> = source.source();
    while let Some(error) = cause {
        if error.is::<OutsideBorder>() {
            return EgressError::OutsideBorder;
        }
        cause = error.source();
    }
    if source.is_connect() { EgressError::Connect { source } } else { EgressError::Exchange { source } }
}

/// An answer's body as it arrives. Dropping it ends the exchange.
#[derive(Debug)]
pub struct EgressBody(reqwest::Body);

impl Body for EgressBody {
    type Data = Bytes;
    type Error = EgressError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, EgressError>>> {
        Pin::new(&mut self.0).poll_frame(cx).map_err(|source| EgressError::Exchange { source })
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }
}
