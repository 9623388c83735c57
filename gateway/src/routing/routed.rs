//! A screened request bound to a deployment: the only thing that a provider's `send` takes.
//!
//! *Invariant*: `Routed<External>` is made from [`Cleared`] alone, and `Cleared` is made by a finished scan alone. So
//! neither an unscreened nor a sensitive request can be sent across the border. The right way compiles,
//!
//! ```
//! use shekara_gateway::pii::Cleared;
//! use shekara_gateway::routing::{External, Routed};
//! fn send(cleared: &Cleared, target: External) -> Routed<External> {
//!     Routed::external(cleared, target)
//! }
//! ```
//!
//! its files are those that were cleared with it,
//!
//! ```
//! use shekara_gateway::pii::{Cleared, Uploads};
//! use shekara_gateway::routing::{External, Routed};
//! fn files(cleared: &Cleared, target: External) -> Uploads {
//!     Routed::external(cleared, target).uploads().clone()
//! }
//! ```
//!
//! and the wrong ways do not:
//!
//! ```compile_fail
//! use shekara_gateway::pii::Confined;
//! use shekara_gateway::routing::{External, Routed};
//! fn leak(confined: &Confined, target: External) -> Routed<External> {
//!     Routed::external(confined, target)
//! }
//! ```
//!
//! ```compile_fail
//! use shekara_gateway::pii::{Confined, Cleared, Screened, Uploads};
//! use shekara_gateway::routing::{External, Routed};
//! fn leak(cleared: &Cleared, confined: Confined, target: External) -> Routed<External> {
//!     let uploads = Screened::Confined(confined).uploads().clone();
//!     Routed { uploads, ..Routed::external(cleared, target) }
//! }
//! ```
//!
//! ```compile_fail
//! use shekara_gateway::pii::Uploads;
//! use shekara_gateway::providers::{Enclosed, Outgoing};
//! fn leak<'a>(uploads: &'a Uploads, outgoing: Outgoing<'a>) -> Outgoing<'a> {
//!     Outgoing { enclosed: Enclosed::of(uploads), ..outgoing }
//! }
//! ```

use bytes::Bytes;

use super::{External, InBorder};
use crate::pii::masking::{Conversation, Tripwire};
use crate::pii::{Cleared, Screened, Uploads};

#[derive(Debug)]
pub struct Routed<D> {
    body: Bytes,
    uploads: Uploads,
    deployment: D,
    tripwire: Option<Tripwire>,
}

impl Routed<External> {
    /// Across the border: only what a finished scan has cleared.
    pub fn external(cleared: &Cleared, deployment: External) -> Self {
        let tripwire = cleared.conversation().map(Conversation::tripwire);
        Self { body: cleared.body().clone(), uploads: cleared.uploads().clone(), deployment, tripwire }
    }
}

impl Routed<InBorder> {
    /// Inside the border: whatever was screened.
    pub fn within(screened: &Screened, deployment: InBorder) -> Self {
        Self { body: screened.body().clone(), uploads: screened.uploads().clone(), deployment, tripwire: None }
    }
}

impl<D> Routed<D> {
    /// The very bytes that were scanned.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The files that were screened with it.
    pub fn uploads(&self) -> &Uploads {
        &self.uploads
    }

    /// Looks for masked values in what is about to leave.
    pub fn tripwire(&self) -> Option<&Tripwire> {
        self.tripwire.as_ref()
    }

    pub fn deployment(&self) -> &D {
        &self.deployment
    }
}
