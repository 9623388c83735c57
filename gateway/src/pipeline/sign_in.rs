//! People instead of keys: who somebody is whom a provider has named, where they are logged in, and what of it is recorded.

use std::sync::{Mutex, PoisonError};

use shekara_protocol::error::ApiError;

use super::authenticated::{Authenticated, RequestContext};
use super::{Gateway, Knock, Settlement, refusal};
use crate::audit::Outcome;
use crate::auth::{Directory, Person, Session, SessionToken, person_id};
use crate::config::Grant;
use crate::login::{Claims, IdentityProvider, LoginError};
use crate::store::{StoreError, Written};

/// Of one person; a further login ends the oldest.
const MAX_SESSIONS: u32 = 20;
/// That a session was used is written down no more often.
const TOUCH_EVERY_MS: i64 = 60 * 1_000;
/// Failed logins of a minute that get a record: strangers must not fill the audit.
const MAX_RECORDED_FAILURES: u32 = 60;
const MINUTE_MS: i64 = 60 * 1_000;

/// Why nobody was logged in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    #[error(transparent)]
    Login(#[from] LoginError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("failed to record the login")]
    NotRecorded,
}

/// A request without a key, before it is known who makes it.
#[derive(Debug, Clone)]
pub struct Visit {
    pub request_id: String,
    /// What the audit record will name.
    pub endpoint: String,
}

/// A session that a browser shows, and whether what it asks for is its own page's.
#[derive(Debug)]
pub struct ShownSession {
    pub token: SessionToken,
    /// It changes nothing, or a page of this gateway has made it.
    pub is_own: bool,
}

/// Failed logins that were recorded in a minute.
#[derive(Debug, Default)]
pub(super) struct Failures(Mutex<(i64, u32)>);

impl Failures {
    fn may_record(&self, now_ms: i64) -> bool {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = now_ms.div_euclid(MINUTE_MS);
        *counted = if counted.0 == minute { (minute, counted.1.saturating_add(1)) } else { (minute, 1) };
        counted.1 <= MAX_RECORDED_FAILURES
    }
}

impl Gateway {
    /// Believes a session as it believes a key. Who its person is and what they may is read now, so that whatever was
    /// changed of them counts at once, on every gateway.
    ///
    /// # Errors
    /// 401 without a session that holds, 403 with one whose person may not do this, 503 where the store cannot say.
    pub async fn authenticate_session(&self, shown: ShownSession, knock: Knock<'_>) -> Result<Authenticated, ApiError> {
        let Knock { door, request_id, endpoint, .. } = knock;
        let key = self.person_of(&shown.token).await.map_err(|error| {
            tracing::error!(%error, "a session could not be read");
            ApiError::unavailable("store_unavailable", "The database could not be used.", 5)
        })?;
        let key = match key {
            Some(person) => self.directory().logged_in(person).map_err(refusal::bad_key),
            None => Err(refusal::session_ended()),
        };
        if let Err(error) = &key {
            tracing::warn!(request_id, endpoint, code = ?error.code, "a session was turned away");
        }
        let key = key?;
        let settlement = Settlement::begin(self, &key, request_id, endpoint);
        let opened = if shown.is_own { door.opens_for(&key) } else { Err(refusal::foreign_page()) };
        if let Err(error) = opened {
            settlement.note_error(error.code.as_deref());
            settlement.settle(Outcome::Failed, error.status.as_u16()).map_err(|_| refusal::audit_unavailable())?;
            return Err(error);
        }
        let request_id = request_id.to_owned();
        Ok(Authenticated::new(RequestContext { request_id, key, settlement, in_batch: false }))
    }

    /// Whose session it is, if it holds and people may log in at all.
    async fn person_of(&self, token: &SessionToken) -> Result<Option<Person>, StoreError> {
        let snapshot = self.snapshot();
        let Some(login) = &snapshot.config.login else { return Ok(None) };
        let (people, now_ms) = (self.store().people(), self.sources.now().as_millisecond());
        let idle_ms = i64::try_from(login.idle.as_millis()).unwrap_or(i64::MAX);
        let session = people.session(token.hash(self.key_secret())).await?;
        let Some(session) = session.filter(|session| session.holds(idle_ms, now_ms)) else { return Ok(None) };
        if now_ms - session.seen_at_ms >= TOUCH_EVERY_MS {
            people.touch_session(session.hash, now_ms).await?;
        }
        people.person(session.person).await
    }

    /// Logs in whom the provider has named.
    ///
    /// # Errors
    /// They may not log in, or what must be kept cannot be.
    pub async fn sign_in(
        &self,
        provider: &IdentityProvider,
        claims: &Claims,
        visit: &Visit,
    ) -> Result<SessionToken, SignInError> {
        let person = self.person_named(provider, claims).await?;
        let person = if person.frozen { Err(LoginError::Frozen) } else { Ok(person) }?;
        let (id, at) = (person.id.clone(), &provider.config().name);
        let (role, reach) = (person.role.as_str(), person.reach.to_string());
        let bearer = self.directory().logged_in(person).map_err(|_| LoginError::NoHome)?;
        let token = self.begin_session(&id).await?;
        let settlement = Settlement::begin(self, &bearer, &visit.request_id, visit.endpoint.clone());
        settlement.note_object(format!("person {id} at {at} as {role} of {reach}"));
        if settlement.settle(Outcome::Completed, http::StatusCode::SEE_OTHER.as_u16()).is_err() {
            self.store().people().delete_session(token.hash(self.key_secret())).await?;
            return Err(SignInError::NotRecorded);
        }
        Ok(token)
    }

    async fn begin_session(&self, person: &str) -> Result<SessionToken, StoreError> {
        let token = SessionToken::new(self.sources.random());
        let now_ms = self.sources.now().as_millisecond();
        let lasts = self.snapshot().config.login.as_ref().map(|login| login.session).unwrap_or_default();
        let session = Session {
            hash: token.hash(self.key_secret()),
            person: person.to_owned(),
            created_at_ms: now_ms,
            seen_at_ms: now_ms,
            expires_at_ms: now_ms.saturating_add(i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX)),
        };
        self.store().people().insert_session(session, MAX_SESSIONS).await?;
        Ok(token)
    }

    /// Who it is: first by who they are at the provider, then, once, by an address that is verified there.
    async fn person_named(&self, provider: &IdentityProvider, claims: &Claims) -> Result<Person, SignInError> {
        let (people, domains) = (self.store().people(), &provider.config().domains);
        let email = claims.verified_email();
        if !domains.is_empty() {
            let domain = email.as_ref().and_then(|email| email.rsplit_once('@')).map(|(_, domain)| domain);
            let domain = domain.ok_or(LoginError::EmailNotVerified)?;
            if !domains.iter().any(|allowed| allowed == domain) {
                return Err(LoginError::DomainNotAllowed.into());
            }
        }
        if let Some(person) = people.person_by_identity(claims.identity().clone()).await? {
            return self.granted_anew(person, provider.grant(claims)).await;
        }
        let email = email.ok_or(LoginError::EmailNotVerified)?;
        match people.person_by_email(email.clone()).await? {
            Some(person) if person.identity.is_some() => Err(LoginError::OtherIdentity.into()),
            Some(person) if person.frozen => Err(LoginError::Frozen.into()),
            Some(person) => self.put(Person { identity: Some(claims.identity().clone()), ..person }).await,
            None => {
                let grant = provider.grant(claims).ok_or(LoginError::Unknown)?;
                self.made(email, claims, grant).await
            }
        }
    }

    /// Whose role comes from claims has the role of today's.
    async fn granted_anew(&self, person: Person, grant: Option<&Grant>) -> Result<Person, SignInError> {
        if !person.is_granted {
            return Ok(person);
        }
        let Some(grant) = grant else {
            self.store().people().let_go(person.id).await?;
            self.directory_changed().await;
            return Err(LoginError::NotGranted.into());
        };
        if (person.role, &person.reach) == (grant.role, &grant.reach) {
            return Ok(person);
        }
        self.put(Person { role: grant.role, reach: grant.reach.clone(), ..person }).await
    }

    async fn put(&self, person: Person) -> Result<Person, SignInError> {
        let person = Person { changed_at_ms: self.sources.now().as_millisecond(), ..person };
        self.written(self.store().people().update_person(person.clone()).await?).await?;
        Ok(Person { version: person.version + 1, ..person })
    }

    async fn made(&self, email: String, claims: &Claims, grant: &Grant) -> Result<Person, SignInError> {
        let now_ms = self.sources.now().as_millisecond();
        let person = Person {
            id: person_id(self.sources.random()),
            email,
            name: claims.name(),
            role: grant.role,
            reach: grant.reach.clone(),
            frozen: false,
            identity: Some(claims.identity().clone()),
            is_granted: true,
            created_at_ms: now_ms,
            changed_at_ms: now_ms,
            version: 1,
        };
        self.written(self.store().people().insert_person(person.clone()).await?).await?;
        Ok(person)
    }

    async fn written(&self, written: Written) -> Result<(), LoginError> {
        match written {
            Written::Done => {
                self.directory_changed().await;
                Ok(())
            }
            Written::Missing => Err(LoginError::NoHome),
            Written::Conflict => Err(LoginError::Changed),
        }
    }

    /// A login that failed, for the audit.
    ///
    /// # Errors
    /// The record could not be kept.
    pub fn record_failed_login(
        &self,
        visit: &Visit,
        error: &LoginError,
        provider: Option<&str>,
    ) -> Result<(), ApiError> {
        let Visit { request_id, endpoint } = visit;
        tracing::warn!(request_id, endpoint, provider, %error, "somebody could not log in");
        if !self.failed_logins.may_record(self.sources.now().as_millisecond()) {
            return Ok(());
        }
        let settlement = Settlement::begin(self, &Directory::nobody(), request_id, endpoint.clone());
        if let Some(provider) = provider {
            settlement.note_object(format!("login at {provider}"));
        }
        settlement.note_error(Some(error.code()));
        let kept = settlement.settle(Outcome::Failed, error.status().as_u16());
        kept.map_err(|_| refusal::audit_unavailable())
    }

    /// Forgets sessions that hold no more.
    ///
    /// # Errors
    /// The database refused.
    pub async fn forget_sessions(&self) -> Result<u64, StoreError> {
        let snapshot = self.snapshot();
        let idle = snapshot.config.login.as_ref().map(|login| login.idle).unwrap_or_default();
        let now_ms = self.sources.now().as_millisecond();
        let unused_since_ms = now_ms.saturating_sub(i64::try_from(idle.as_millis()).unwrap_or(i64::MAX));
        self.store().people().delete_expired_sessions(now_ms, unused_since_ms).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_do_not_fill_the_audit() {
        let failures = Failures::default();
        assert_eq!((0..200).filter(|_| failures.may_record(90_000)).count(), 60);
        assert!(failures.may_record(120_000));
    }
}
