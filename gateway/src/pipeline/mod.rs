//! The life of a request: `Authenticated → Admitted → Screened → Routed`, each made only by the step before it.

mod admission;
mod alarms;
mod answer;
mod answer_fields;
mod answer_filter;
mod api_words;
mod attempt;
mod authenticated;
mod cache;
mod call;
mod chunk;
mod conversations;
mod dispatch;
mod door;
mod download;
mod drain;
mod endpoint;
mod events;
mod facts;
mod finish;
mod form;
mod gateway;
mod health;
mod incoming;
mod jobs;
mod kept_file;
mod labelling;
mod late;
mod live;
mod local_models;
mod named_files;
mod needs;
mod permitted;
mod plain_request;
mod provider_words;
mod pump;
mod refusal;
mod relay;
mod replay;
mod resend;
mod screening;
mod settlement;
mod shadow;
mod shape;
mod shelf;
mod snapshot;
mod sources;
mod spoken;
mod stored_response;
mod subjects;
mod transcript;
mod walk;
mod whole;

pub use admission::{Admitted, DATA_CLASS_HEADER, Places, declared_class};
pub use answer::{Answer, AnswerStream};
pub use authenticated::{Authenticated, RequestContext};
pub use call::{Api, Call};
pub use conversations::Conversations;
pub use dispatch::{dispatch, minute_of_day};
pub use door::{Door, Knock};
pub use download::download;
pub use drain::{Drain, InFlight};
pub use endpoint::Endpoint;
pub use form::read_form;
pub use gateway::{Gateway, GatewayParts};
pub use incoming::Incoming;
pub use jobs::Jobs;
pub use kept_file::{
    FileAbout, FileReader, FileRecord, FileWriter, Room, check_file_count, delete_file, file_record, file_records,
    fresh_file_id, keep_now, owner_of,
};
pub use refusal::{
    audit_unavailable, content_unavailable, idempotency_key_reused, no_room, not_permitted, scan_failed,
};
pub use replay::answer;
pub use resend::idempotency_name;
pub use screening::ScreenedRequest;
pub use settlement::{Draft, Settlement};
pub use shelf::{Shelf, ShelfError};
pub use snapshot::{Readiness, Snapshot, SnapshotError};
pub use sources::Sources;
pub use stored_response::{delete_response, input_items, stored_response};
