//! How requests for secrets come to Vault, and what of a configuration is kept there.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use tokio::task::JoinHandle;

use crate::config::{AwsKeys, Config};
use crate::egress::{EgressClient, EgressError, Reach, Way};
use crate::secrets::{SecretSource, Secrets, VaultError, VaultField, VaultKeeper, Wire, WireFuture};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_ANSWER_BYTES: usize = 1 << 20;
/// A start waits so long for the first values.
const FIRST_VALUES: Duration = Duration::from_secs(5);

struct VaultWire(EgressClient);

impl Wire for VaultWire {
    fn exchange(&self, request: http::Request<Bytes>) -> WireFuture<'_> {
        Box::pin(async move {
            let away = |reason: &str| VaultError::Away { reason: reason.to_owned() };
            let exchange = async {
                let response = self.0.send(request).await.map_err(|error| away(&error.to_string()))?;
                let (head, body) = response.into_parts();
                let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
                let body = body.map_err(|_| away("its answer broke off or is too long"))?;
                Ok(http::Response::from_parts(head, body.to_bytes()))
            };
            tokio::time::timeout(TIMEOUT, exchange).await.unwrap_or_else(|_| Err(away("it did not answer in time")))
        })
    }
}

/// # Errors
/// The client for Vault cannot be set up.
pub(super) fn secrets_of(config: &Config) -> Result<Secrets, EgressError> {
    let keys = config.providers.iter().flat_map(|provider| provider.keys.iter().map(|key| &key.source));
    let aws = config.providers.iter().flat_map(|provider| provider.aws.iter().flat_map(AwsKeys::sources));
    let login = config.login.iter().flat_map(|login| login.providers.iter().flat_map(|own| &own.client_secret));
    let in_vault = keys.chain(aws).chain(login).filter_map(|source| match source {
        SecretSource::Vault(field) => Some(field.clone()),
        SecretSource::Env(_) | SecretSource::File(_) => None,
    });
    let wanted: BTreeSet<VaultField> = in_vault.collect();
    let Some(vault) = config.vault.as_ref().filter(|_| !wanted.is_empty()) else { return Ok(Secrets::default()) };
    let way = Way { reach: Reach::Anywhere, connect_timeout: CONNECT_TIMEOUT, outward: &vault.outward };
    let wire = Box::new(VaultWire(EgressClient::new(way)?));
    Ok(Secrets::new(Some(Arc::new(VaultKeeper::new(vault.settings.clone(), wanted, wire)))))
}

/// The task that keeps secrets fresh; it ends with what it is kept for.
#[derive(Debug)]
pub(super) struct Keeping(JoinHandle<()>);

impl Drop for Keeping {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Waits a moment for values that are not known yet, and has them kept fresh from then on.
pub(super) async fn keep(keeper: &Arc<VaultKeeper>) -> Keeping {
    let mut last = None;
    if !keeper.knows_all() {
        last = Some(tokio::time::timeout(FIRST_VALUES, keeper.round()).await.unwrap_or(false));
    }
    let keeper = Arc::clone(keeper);
    Keeping(tokio::spawn(async move { keeper.keep(last).await }))
}
