//! Logging in with OpenID Connect: the authorisation code flow with PKCE, for any provider that the operator names.
//!
//! What a provider says of somebody counts only if all of this holds: the browser that comes back is the one that was sent
//! away ([`pending`]), the code was redeemed with the verifier that only this gateway knows ([`identity_provider`]), and the ID token
//! is signed by a key of the provider ([`jws`], [`jwks`]), made by it, for this gateway, for this login and for now
//! ([`claims`]). No token is kept and none reaches a log: of an error, only what kind it is.
//!
//! Signatures are checked with the library that TLS uses here anyway; which algorithm it is says the key, and the token only
//! which of three it may be, so that neither `none` nor an HMAC with a public key is ever one of them.

mod claims;
mod error;
mod identity_provider;
mod jwks;
mod jws;
mod metadata;
mod pending;
mod wire;

pub use claims::Claims;
pub use error::LoginError;
pub use identity_provider::{IdentityProvider, Logins};
pub use pending::{PendingLogin, local_path};
