//! One pooled client per provider.

use std::error::Error as StdError;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use ipnet::IpNet;

use super::resolver::{BorderResolver, OutsideBorder};

/// How far a client may reach.
#[derive(Debug, Clone, Copy)]
pub enum Reach<'a> {
    Anywhere,
    /// Loopback and these ranges.
    InBorder(&'a [IpNet]),
}

#[derive(Debug, thiserror::Error)]
pub enum EgressError {
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
}

/// Chooses the TLS implementation once, before the first client is made.
pub fn install_tls() {
    // It fails only where one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

impl EgressClient {
    /// # Errors
    /// TLS cannot be set up, e.g. because the system has no root certificates.
    pub fn new(reach: Reach<'_>, connect_timeout: Duration) -> Result<Self, EgressError> {
        // A machine without root certificates of its own gets Mozilla's, as of this build.
        let inner = builder(reach, connect_timeout).build().or_else(|_| {
            let bundled = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
            let roots: Result<Vec<_>, _> = bundled.map(|der| reqwest::Certificate::from_der(der)).collect();
            builder(reach, connect_timeout).tls_certs_only(roots?).build()
        });
        Ok(Self { inner: inner.map_err(|source| EgressError::Setup { source })? })
    }

    /// Sends a request and returns as soon as the answer's head is there.
    ///
    /// # Errors
    /// [`EgressError::Connect`] where nothing was sent, [`EgressError::Exchange`] where something may have been.
    pub async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<EgressBody>, EgressError> {
        let request = reqwest::Request::try_from(request.map(reqwest::Body::from))
            .map_err(|source| EgressError::Exchange { source })?;
        let response = self.inner.execute(request).await.map_err(classify)?;
        Ok(http::Response::from(response).map(EgressBody))
    }
}

fn builder(reach: Reach<'_>, connect_timeout: Duration) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(connect_timeout)
        .pool_idle_timeout(Duration::from_mins(1))
        .tcp_nodelay(true)
        .user_agent(concat!("shekara/", env!("CARGO_PKG_VERSION")));
    match reach {
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
