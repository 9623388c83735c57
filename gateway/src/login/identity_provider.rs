//! One provider as this gateway, a client of it, sees it: where to send somebody, and who they are who come back.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use ipnet::IpNet;
use serde::Deserialize;
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::claims::{Claims, Expected};
use super::error::TokenError;
use super::jwks::Keys;
use super::jws::Jws;
use super::metadata::{Metadata, place_of};
use super::wire::Wire;
use super::{LoginError, PendingLogin};
use crate::config::{Config, Grant, LoginConfig, OidcConfig};
use crate::egress::EgressError;
use crate::secrets::Secret;

/// What a provider has said of itself is asked again after this long.
const MAX_AGE_MS: i64 = 3_600 * 1_000;
/// Keys that nobody knows make the gateway ask for new ones, but no more often than this.
const MAX_REFRESHES: u32 = 5;
const REFRESHES_MS: i64 = 60 * 1_000;
/// Of one provider, at once.
const MAX_LOGINS: usize = 64;
const CALLBACK: &str = "/admin/v1/login/callback";
const MAX_CODE_BYTES: usize = 4 << 10;

/// All providers that the configuration names.
#[derive(Debug, Default)]
pub struct Logins(Vec<IdentityProvider>);

#[derive(Debug)]
pub struct IdentityProvider {
    config: OidcConfig,
    grants: Vec<Grant>,
    in_country: Vec<IpNet>,
    redirect_uri: String,
    wire: Wire,
    /// Held while the provider is asked, so that it is asked once.
    known: Mutex<Known>,
    places: Semaphore,
}

#[derive(Debug, Default)]
struct Known {
    metadata: Option<(Arc<Metadata>, i64)>,
    keys: Option<(Arc<Keys>, i64)>,
    /// Since when, and how many.
    refreshes: (i64, u32),
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    #[serde(default)]
    access_token: Option<String>,
}

impl Logins {
    /// # Errors
    /// A client cannot be set up.
    pub fn new(config: &Config) -> Result<Self, EgressError> {
        let Some(login) = &config.login else { return Ok(Self::default()) };
        let providers = login.providers.iter().map(|own| IdentityProvider::new(own, login, &config.in_country));
        providers.collect::<Result<_, _>>().map(Self)
    }

    /// Of this name; without one the only one that there is.
    pub fn find(&self, name: Option<&str>) -> Option<&IdentityProvider> {
        match (name, self.0.as_slice()) {
            (None, [only]) => Some(only),
            (None, _) => None,
            (Some(name), all) => all.iter().find(|provider| provider.config.name == name),
        }
    }

    pub fn names(&self) -> Vec<&str> {
        self.0.iter().map(|provider| provider.config.name.as_str()).collect()
    }
}

impl IdentityProvider {
    fn new(config: &OidcConfig, login: &LoginConfig, in_country: &[IpNet]) -> Result<Self, EgressError> {
        let is_ours = |grant: &&Grant| grant.provider.as_ref().is_none_or(|provider| *provider == config.name);
        Ok(Self {
            wire: Wire::new(&config.outward)?,
            grants: login.grants.iter().filter(is_ours).cloned().collect(),
            in_country: in_country.to_vec(),
            redirect_uri: format!("{}{CALLBACK}", login.origin()),
            config: config.clone(),
            known: Mutex::default(),
            places: Semaphore::new(MAX_LOGINS),
        })
    }

    pub fn config(&self) -> &OidcConfig {
        &self.config
    }

    /// What claims of this provider give: the first that fits.
    pub fn grant(&self, claims: &Claims) -> Option<&Grant> {
        self.grants.iter().find(|grant| claims.fits(grant))
    }

    /// Where a browser is sent to log in.
    ///
    /// # Errors
    /// The provider is away, or not one that could be used.
    pub async fn authorization_url(&self, pending: &PendingLogin, now_ms: i64) -> Result<String, LoginError> {
        let _place = self.enter()?;
        let mut url = self.metadata(now_ms).await?.authorization.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.config.client_id)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("scope", &self.config.scopes.join(" "))
            .append_pair("state", &pending.state)
            .append_pair("nonce", &pending.nonce)
            .append_pair("code_challenge", &pending.challenge())
            .append_pair("code_challenge_method", "S256");
        Ok(url.into())
    }

    /// Who it is that came back with `code`, from the issuer that their address names.
    ///
    /// # Errors
    /// The provider is away, refuses the code, or says what cannot be believed.
    pub async fn redeem(
        &self,
        (code, issuer): (&str, Option<&str>),
        pending: &PendingLogin,
        secret: Option<&Secret>,
        now_ms: i64,
    ) -> Result<Claims, LoginError> {
        let _place = self.enter()?;
        let metadata = self.metadata(now_ms).await?;
        let is_own = match issuer {
            Some(issuer) => issuer == self.config.issuer,
            None => !metadata.names_itself,
        };
        if !is_own {
            return Err(LoginError::OtherIssuer);
        }
        let tokens = self.tokens(&metadata, code, pending, secret).await?;
        let token = Jws::parse(&tokens.id_token)?;
        let keys = self.keys_for(&metadata, &token, now_ms).await?;
        let key = keys.find(token.key_id.as_deref(), token.algorithm).ok_or(TokenError::UnknownKey)?;
        let (issuer, client_id) = (self.config.issuer.as_str(), self.config.client_id.as_str());
        let expected = Expected { issuer, client_id, nonce: &pending.nonce, now_s: now_ms.div_euclid(1_000) };
        let mut claims = Claims::checked(token.payload(key)?, expected)?;
        if let (Some(place), Some(access)) = (&metadata.userinfo, &tokens.access_token)
            && !claims.is_enough(self.grants.iter())
        {
            self.ask_for_more(place, access, &mut claims).await?;
        }
        Ok(claims)
    }

    fn enter(&self) -> Result<SemaphorePermit<'_>, LoginError> {
        self.places.try_acquire().map_err(|_| LoginError::Busy)
    }

    async fn tokens(
        &self,
        metadata: &Metadata,
        code: &str,
        pending: &PendingLogin,
        secret: Option<&Secret>,
    ) -> Result<Tokens, LoginError> {
        if code.len() > MAX_CODE_BYTES {
            return Err(LoginError::CodeRefused { status: 400 });
        }
        let request = self.redemption(metadata, code, &pending.verifier, secret)?;
        let answer = self.wire.exchange(request).await?;
        let status = answer.status();
        if status.is_server_error() {
            return Err(LoginError::Away { reason: format!("it answered with status {}", status.as_u16()) });
        }
        if !status.is_success() {
            return Err(LoginError::CodeRefused { status: status.as_u16() });
        }
        let no_token = |_| LoginError::Unusable { what: "its answer to a code has no ID token" };
        serde_json::from_slice(answer.body()).map_err(no_token)
    }

    fn redemption(
        &self,
        metadata: &Metadata,
        code: &str,
        verifier: &str,
        secret: Option<&Secret>,
    ) -> Result<http::Request<Bytes>, LoginError> {
        let client_id = self.config.client_id.as_str();
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("code_verifier", verifier);
        let mut request = http::Request::post(metadata.token.as_str())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        match secret {
            Some(secret) if !metadata.secret_in_body => {
                request = request.header(AUTHORIZATION, basic(client_id, secret.expose()));
            }
            Some(secret) => {
                form.append_pair("client_id", client_id).append_pair("client_secret", secret.expose());
            }
            None => {
                form.append_pair("client_id", client_id);
            }
        }
        let request = request.body(Bytes::from(form.finish()));
        request.map_err(|_| LoginError::Unusable { what: "a request cannot be written" })
    }

    async fn ask_for_more(&self, place: &Url, access: &str, claims: &mut Claims) -> Result<(), LoginError> {
        let unusable = |what| LoginError::Unusable { what };
        let request = http::Request::get(place.as_str())
            .header(ACCEPT, "application/json")
            .header(AUTHORIZATION, format!("Bearer {access}"))
            .body(Bytes::new())
            .map_err(|_| unusable("a request cannot be written"))?;
        let answer = self.wire.exchange(request).await?;
        if !answer.status().is_success() {
            return Err(unusable("it does not say more about somebody who has logged in"));
        }
        let others = serde_json::from_slice(answer.body());
        claims.add(others.map_err(|_| unusable("what it says about somebody is no JSON"))?)?;
        Ok(())
    }

    async fn metadata(&self, now_ms: i64) -> Result<Arc<Metadata>, LoginError> {
        let mut known = self.known.lock().await;
        if let Some((metadata, at_ms)) = &known.metadata
            && is_young(*at_ms, now_ms)
        {
            return Ok(Arc::clone(metadata));
        }
        let document = self.get(&place_of(&self.config.issuer)).await?;
        let metadata = Arc::new(Metadata::read(&document, &self.config.issuer, &self.in_country)?);
        known.metadata = Some((Arc::clone(&metadata), now_ms));
        Ok(metadata)
    }

    /// The provider's keys, asked for anew where they do not have the token's.
    async fn keys_for(&self, metadata: &Metadata, token: &Jws<'_>, now_ms: i64) -> Result<Arc<Keys>, LoginError> {
        let mut known = self.known.lock().await;
        if let Some((keys, at_ms)) = &known.keys
            && is_young(*at_ms, now_ms)
        {
            let keys = Arc::clone(keys);
            let is_there = keys.find(token.key_id.as_deref(), token.algorithm).is_some();
            if is_there || !known.may_refresh(now_ms) {
                return Ok(keys);
            }
        }
        let document = self.get(metadata.keys.as_str()).await?;
        let keys = Keys::read(&document).ok_or(LoginError::Unusable { what: "its keys cannot be read" })?;
        let keys = Arc::new(keys);
        known.keys = Some((Arc::clone(&keys), now_ms));
        Ok(keys)
    }

    async fn get(&self, place: &str) -> Result<Bytes, LoginError> {
        let request = http::Request::get(place).header(ACCEPT, "application/json").body(Bytes::new());
        let request = request.map_err(|_| LoginError::Unusable { what: "a request cannot be written" })?;
        let answer = self.wire.exchange(request).await?;
        if answer.status().is_success() {
            return Ok(answer.into_body());
        }
        Err(LoginError::Away { reason: format!("it answered with status {}", answer.status().as_u16()) })
    }
}

impl Known {
    fn may_refresh(&mut self, now_ms: i64) -> bool {
        let (since_ms, number) = self.refreshes;
        self.refreshes = if (since_ms..since_ms + REFRESHES_MS).contains(&now_ms) {
            (since_ms, number.saturating_add(1))
        } else {
            (now_ms, 1)
        };
        self.refreshes.1 <= MAX_REFRESHES
    }
}

fn is_young(at_ms: i64, now_ms: i64) -> bool {
    (at_ms..at_ms + MAX_AGE_MS).contains(&now_ms)
}

/// Both parts are encoded as in a form (RFC 6749, 2.3.1).
fn basic(client_id: &str, secret: &str) -> String {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(client_id), encoded(secret))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_are_asked_for_a_few_times_a_minute() {
        let mut known = Known::default();
        let now_ms = 1_000_000;
        let asked = (0..20).filter(|_| known.may_refresh(now_ms)).count();
        assert_eq!(asked, 5);
        assert!(!known.may_refresh(now_ms + REFRESHES_MS - 1) && known.may_refresh(now_ms + REFRESHES_MS));
    }

    #[test]
    fn a_client_shows_its_secret_as_the_standard_says() {
        assert_eq!(basic("a b", "x:y+z"), format!("Basic {}", STANDARD.encode("a+b:x%3Ay%2Bz")));
    }
}
