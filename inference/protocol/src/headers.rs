//! Header names that gateway, engine and clients share.

/// Set by the client or made by the server; on every answer.
pub const REQUEST_ID: &str = "x-request-id";
/// `false`: OpenAI's SDKs do not try again.
pub const SHOULD_RETRY: &str = "x-should-retry";
/// Marks a generated answer, machine-readably.
pub const SYNTHETIC: &str = "x-shekara-synthetic";

/// Every header that only the gateway may set towards an engine begins so; the gateway strips them from clients.
pub const INTERNAL_PREFIX: &str = "x-shekara-internal-";
/// The tenant, as the salt of caches that must not be shared.
pub const INTERNAL_TENANT: &str = "x-shekara-internal-tenant";
/// An integer, lower is served sooner; stands in place of the request's own `priority`.
pub const INTERNAL_PRIORITY: &str = "x-shekara-internal-priority";
/// On an answer about a sound: its seconds, for whoever counts them where the answer itself does not say.
pub const INTERNAL_AUDIO_SECONDS: &str = "x-shekara-internal-audio-seconds";
