//! Looks at every text of the request before anything is decided. What cannot be looked at is sensitive.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use memchr::memmem;
use shekara_protocol::error::ApiError;

use super::admission::{Admitted, Places, Wishes};
use super::answer_filter::AnswerFilter;
use super::authenticated::RequestContext;
use super::cache::CacheWish;
use super::endpoint::Endpoint;
use super::shape::Shape;
use super::{Gateway, Snapshot, refusal};
use crate::auth::DataClass;
use crate::pii::masking::Conversation;
use crate::pii::{AnswerGuard, Confined, History, Masking, MaskingId, Scope, ScreenError, Screened, screen};
use crate::routing::{Needs, Route, Target};

/// Below this a scan takes less than handing it to another thread.
const INLINE_SCAN_BYTES: usize = 16 << 10;

/// A request and the finding about it; made by [`Admitted::screen`] alone.
#[derive(Debug)]
pub struct ScreenedRequest {
    pub(super) context: RequestContext,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) route: Arc<Route>,
    pub(super) screened: Arc<Screened>,
    /// The least class that its data was said to have.
    pub(super) declared: DataClass,
    pub(super) endpoint: Endpoint,
    pub(super) shape: Arc<Shape>,
    pub(super) wishes: Wishes,
    pub(super) cache: CacheWish,
    pub(super) needs: Needs,
    /// The request's own name for who asks.
    pub(super) user: Option<String>,
    /// Sent twice, it might do harm twice.
    pub(super) runs_tools_at_provider: bool,
    pub(super) places: Places,
}

impl Admitted {
    /// # Errors
    /// Reading it failed.
    async fn history(&self) -> Result<History, ApiError> {
        // Whose tokens are counted may be part of a conversation that must stay.
        if !self.endpoint.is_conversation() && self.endpoint != Endpoint::CountTokens {
            return Ok(History::none());
        }
        let origin = if self.shape.is_own() { &self.body } else { &self.origin };
        if self.body.len() <= INLINE_SCAN_BYTES {
            return Ok(History::translated(origin, &self.body, &self.context.key.tenant));
        }
        let (origin, body, tenant) = (origin.clone(), self.body.clone(), self.context.key.tenant.clone());
        tokio::task::spawn_blocking(move || History::translated(&origin, &body, &tenant).read_whole())
            .await
            .map_err(|_| refusal::scan_failed())
    }

    /// # Errors
    /// 400: the body can be read in two ways, or the policy blocks it.
    pub async fn screen(self, gateway: &Arc<Gateway>) -> Result<ScreenedRequest, ApiError> {
        let settlement = Arc::clone(&self.context.settlement);
        let history = Arc::new(self.history().await?);
        let now_ms = gateway.now_ms();
        let screened = match scan(&self, gateway, &history, now_ms).await {
            Ok(screened) => screened,
            Err(ScreenError::Unreadable(error)) => return Err(error),
            Err(ScreenError::Blocked(blocked)) => {
                settlement.note_scan(&blocked.summary, "blocked");
                gateway.conversations.sticky.mark(history.own(), now_ms);
                return Err(refusal::blocked());
            }
        };
        // A dynamic alias is the caller's own text: it must not carry data into headers, logs and the audit.
        if !self.snapshot.detector.is_clean(&self.route.alias) {
            return Err(refusal::personal_data_in_model());
        }
        let is_named = self.snapshot.table.is_named(&self.route.alias);
        settlement.note_route(&self.route.alias, is_named, self.wishes.stream);
        let action = match &screened {
            Screened::Confined(_) if self.endpoint.is_about_tokens() => "none",
            Screened::Confined(_) => {
                gateway.conversations.sticky.mark(history.own(), now_ms);
                "local"
            }
            Screened::Cleared(cleared) => match cleared.conversation().filter(|_| cleared.is_masked()) {
                Some(conversation) => {
                    if history.is_named() {
                        let nonce = gateway.sources.random();
                        gateway.conversations.keep(gateway.shared_store(), conversation, nonce, now_ms);
                    }
                    "masked"
                }
                None => "none",
            },
        };
        settlement.note_scan(screened.summary(), action);
        let Self { context, snapshot, route, endpoint, shape, wishes, places, declared, .. } = self;
        let Self { needs, user, runs_tools_at_provider, cache, .. } = self;
        let screened = Arc::new(screened);
        Ok(ScreenedRequest {
            context,
            snapshot,
            route,
            screened,
            declared,
            endpoint,
            shape,
            wishes,
            cache,
            needs,
            user,
            runs_tools_at_provider,
            places,
        })
    }
}

/// Whether a body holds nothing but a little text: a file in it may unfold into much more.
fn is_quick(body: &[u8]) -> bool {
    let has = |word: &str| memmem::find(body, word.as_bytes()).is_some();
    body.len() <= INLINE_SCAN_BYTES && !has("base64") && !has("file_data")
}

/// Long bodies are scanned off the async threads, under a time limit; a scan that fails or takes too long confines.
async fn scan(
    admitted: &Admitted,
    gateway: &Arc<Gateway>,
    history: &Arc<History>,
    now_ms: u64,
) -> Result<Screened, ScreenError> {
    if admitted.endpoint.is_about_tokens() {
        return Ok(Screened::Confined(Confined::unscanned(admitted.body.clone(), admitted.declared)));
    }
    let tenant = &admitted.context.key.tenant;
    let (is_conversation, is_unreadable) = (admitted.endpoint.is_conversation(), admitted.is_unreadable);
    let is_open = is_conversation && {
        let opened = gateway.conversations.open(gateway.store(), tenant, history, now_ms).await;
        opened.inspect_err(|error| tracing::error!(%error, "what would be masked stays")).is_ok()
    };
    let sticky = &gateway.conversations.sticky;
    let is_marked = || admitted.stayed || !sticky.is_empty() && sticky.holds(history.earlier(), now_ms);
    let is_sticky = admitted.route.is_sticky && is_marked();
    let (body, declared) = (admitted.body.clone(), admitted.declared);
    let (snapshot, route) = (Arc::clone(&admitted.snapshot), Arc::clone(&admitted.route));
    let (policy, gateway) = (Arc::clone(&admitted.policy), Arc::clone(gateway));
    let (history, tenant) = (Arc::clone(history), tenant.clone());
    let (scanned, uploads): (Bytes, _) = (body.clone(), admitted.uploads.clone());
    let scan = move || {
        let secret = &gateway.conversations.secret;
        let vault = history.is_named().then_some(&gateway.conversations.vault);
        let id = MaskingId::OfHistory { tenant: &tenant, history: &history };
        let scope = Scope {
            declared,
            detector: &snapshot.detector,
            policy: &policy,
            is_sticky,
            is_lost: is_conversation && !is_open,
            is_unreadable,
            allows_unreadable: route.allows_unreadable,
            uploads: &uploads,
            masking: is_open.then_some(Masking { secret, vault, id, now_ms }),
        };
        screen(scanned, scope)
    };
    let finished = if is_quick(&body) && !admitted.snapshot.detector.has_second_stage() {
        // A detector that panics has not finished its scan. What it panicked with may hold text: nobody looks at it.
        catch_unwind(AssertUnwindSafe(scan)).ok()
    } else {
        let task = tokio::task::spawn_blocking(scan);
        tokio::time::timeout(admitted.snapshot.config.privacy.scan_timeout, task).await.ok().and_then(Result::ok)
    };
    finished.unwrap_or_else(|| {
        tracing::error!(request_id = admitted.context.request_id, "a scan did not finish; the request stays local");
        let uploads = admitted.uploads.clone();
        Ok(Screened::Confined(Confined::unscanned(body, declared).with_uploads(uploads)))
    })
}

impl ScreenedRequest {
    /// What happens to the answer on its way back.
    pub(super) fn answer_filter(&self) -> AnswerFilter {
        let policy = self.route.answers.as_ref();
        let guard = policy.map(|policy| AnswerGuard::new(Arc::clone(&self.snapshot.detector), Arc::clone(policy)));
        let restorer = match &*self.screened {
            Screened::Cleared(cleared) => cleared.conversation().map(Conversation::restorer),
            Screened::Confined(_) => None,
        };
        AnswerFilter::new(guard, restorer, self.wishes.is_structured)
    }

    pub(super) fn is_masked(&self) -> bool {
        matches!(&*self.screened, Screened::Cleared(cleared) if cleared.is_masked())
    }

    /// A refusal by a local model that the caller did not choose is not the caller's mistake.
    pub(super) fn was_rerouted_to(&self, target: &Target) -> bool {
        match (&*self.screened, target) {
            (Screened::Confined(_), Target::InBorder(target)) => !self.route.names(target),
            _ => false,
        }
    }
}
