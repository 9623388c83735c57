//! `[content]` and a route's `cache`: what is kept of requests and answers, for how long and how much of it.

use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::privacy::secret;
use super::validate::{Invalid, invalid};
use crate::content::Bounds;
use crate::secrets::SecretSource;

const MAX_OLD_KEYS: usize = 16;
const MAX_TTL_S: u64 = 10 * 365 * 86_400;
/// One item is held in memory as a whole.
const MAX_ITEM_BYTES: usize = 256 << 20;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContentFile {
    /// `env:NAME` or `file:/path`. Unset: a key made at the first start, in the data folder.
    pub key: Option<Spanned<String>>,
    /// Keys that still open what they have sealed.
    pub old_keys: Vec<Spanned<String>>,
    /// Whether answers of `/v1/responses` are stored, unless a request says no.
    pub responses: bool,
    pub responses_ttl_s: Spanned<u64>,
    /// How long an answer is kept under its request's `Idempotency-Key`.
    pub idempotency_ttl_s: Spanned<u64>,
    /// How long files and ended batches are kept, unless they are made with a shorter time.
    pub files_ttl_s: Spanned<u64>,
    pub max_file_bytes: u64,
    /// Of one project.
    pub max_files: u64,
    pub max_item_bytes: Spanned<usize>,
    pub max_tenant_bytes: u64,
    pub max_bytes: u64,
    /// Of answers under way that a second request may still join, in memory.
    pub max_live_bytes: usize,
}

impl Default for ContentFile {
    fn default() -> Self {
        Self {
            key: None,
            old_keys: Vec::new(),
            responses: true,
            responses_ttl_s: Spanned::new(0..0, 30 * 86_400),
            idempotency_ttl_s: Spanned::new(0..0, 86_400),
            files_ttl_s: Spanned::new(0..0, 30 * 86_400),
            // OpenAI's bound for a file of requests.
            max_file_bytes: 200 << 20,
            max_files: 10_000,
            max_item_bytes: Spanned::new(0..0, 8 << 20),
            max_tenant_bytes: 1 << 30,
            max_bytes: 8 << 30,
            max_live_bytes: 64 << 20,
        }
    }
}

#[derive(Debug, Clone)]
pub struct ContentConfig {
    pub key: Option<SecretSource>,
    pub old_keys: Vec<SecretSource>,
    pub responses: bool,
    pub responses_ttl: Duration,
    pub idempotency_ttl: Duration,
    pub files_ttl: Duration,
    pub max_file_bytes: u64,
    pub max_files: u64,
    pub bounds: Bounds,
    pub max_live_bytes: usize,
}

/// A route whose answers are given again to the very same request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheFile {
    pub ttl_s: u64,
    /// Larger answers are not kept.
    #[serde(default = "default_cache_bytes")]
    pub max_bytes: usize,
    /// Answers to requests with personal data too.
    #[serde(default)]
    pub sensitive: bool,
}

fn default_cache_bytes() -> usize {
    1 << 20
}

/// As [`CacheFile`], checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheConfig {
    pub ttl: Duration,
    pub max_bytes: usize,
    pub sensitive: bool,
}

pub(super) fn check_content(file: ContentFile) -> Result<ContentConfig, Invalid> {
    if let Some(extra) = file.old_keys.get(MAX_OLD_KEYS) {
        return Err(invalid(extra, format!("[content] old_keys are {MAX_OLD_KEYS} at most")));
    }
    let ttls = [
        ("responses_ttl_s", &file.responses_ttl_s),
        ("idempotency_ttl_s", &file.idempotency_ttl_s),
        ("files_ttl_s", &file.files_ttl_s),
    ];
    for (name, ttl) in ttls {
        if !(1..=MAX_TTL_S).contains(ttl.get_ref()) {
            return Err(invalid(ttl, format!("[content] {name} must be 1 to {MAX_TTL_S}")));
        }
    }
    if !(1..=MAX_ITEM_BYTES).contains(file.max_item_bytes.get_ref()) {
        return Err(invalid(&file.max_item_bytes, format!("max_item_bytes must be 1 to {MAX_ITEM_BYTES}")));
    }
    let old_keys = file.old_keys.iter().map(|source| secret("old_keys", source));
    Ok(ContentConfig {
        key: file.key.as_ref().map(|source| secret("key", source)).transpose()?,
        old_keys: old_keys.collect::<Result<_, _>>()?,
        responses: file.responses,
        responses_ttl: Duration::from_secs(file.responses_ttl_s.into_inner()),
        idempotency_ttl: Duration::from_secs(file.idempotency_ttl_s.into_inner()),
        files_ttl: Duration::from_secs(file.files_ttl_s.into_inner()),
        max_file_bytes: file.max_file_bytes,
        max_files: file.max_files,
        bounds: Bounds {
            item_bytes: file.max_item_bytes.into_inner(),
            tenant_bytes: file.max_tenant_bytes,
            total_bytes: file.max_bytes,
        },
        max_live_bytes: file.max_live_bytes,
    })
}

pub(super) fn check_cache(file: Option<Spanned<CacheFile>>) -> Result<Option<CacheConfig>, Invalid> {
    let Some(file) = file else { return Ok(None) };
    let CacheFile { ttl_s, max_bytes, sensitive } = *file.get_ref();
    if !(1..=MAX_TTL_S).contains(&ttl_s) {
        return Err(invalid(&file, format!("cache: ttl_s must be 1 to {MAX_TTL_S}")));
    }
    Ok(Some(CacheConfig { ttl: Duration::from_secs(ttl_s), max_bytes, sensitive }))
}
