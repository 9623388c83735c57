//! The life of a request: `Authenticated → Admitted → Screened → Routed`, each made only by the step before it.

mod admission;
mod answer;
mod answer_filter;
mod api_words;
mod attempt;
mod authenticated;
mod chunk;
mod conversations;
mod dispatch;
mod drain;
mod endpoint;
mod events;
mod gateway;
mod labelling;
mod local_models;
mod provider_words;
mod refusal;
mod relay;
mod screening;
mod settlement;
mod snapshot;
mod sources;
mod whole;

pub use admission::{Admitted, Places};
pub use answer::{Answer, AnswerStream};
pub use authenticated::{Authenticated, RequestContext};
pub use conversations::Conversations;
pub use dispatch::dispatch;
pub use drain::{Drain, InFlight};
pub use endpoint::Endpoint;
pub use gateway::{Gateway, GatewayParts};
pub use refusal::{audit_unavailable, scan_failed};
pub use screening::ScreenedRequest;
pub use settlement::{Draft, Settlement};
pub use snapshot::{Readiness, Snapshot, SnapshotError};
pub use sources::Sources;
