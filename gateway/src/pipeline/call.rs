//! A request as it came, and its whole way: read, admitted, screened, dispatched.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use shekara_protocol::error::ApiError;

use super::admission::Places;
use super::answer::Answer;
use super::authenticated::Authenticated;
use super::endpoint::Endpoint;
use super::incoming::Incoming;
use super::named_files::with_named_files;
use super::stored_response::{Prepared, kept};
use super::{Gateway, dispatch, refusal};
use crate::pii::Uploads;

/// Below this reading a body takes less than handing it to another thread.
const INLINE_BYTES: usize = 16 << 10;

/// The API that a body is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    Chat,
    Completions,
    Responses,
    Messages,
    CountTokens,
    Embeddings,
    Rerank,
    Moderations,
    Images,
    ImageEdits,
    ImageVariations,
    Speech,
    Tokenize,
    Detokenize,
}

impl Api {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Completions => "completions",
            Self::CountTokens => "count_tokens",
            Self::Moderations => "moderations",
            Self::Images => "images",
            Self::ImageEdits => "image_edits",
            Self::ImageVariations => "image_variations",
            Self::Speech => "speech",
            Self::Tokenize => "tokenize",
            Self::Detokenize => "detokenize",
            Self::Responses => "responses",
            Self::Messages => "messages",
            Self::Embeddings => "embeddings",
            Self::Rerank => "rerank",
        }
    }
}

/// A request whose key is believed and which has its place.
#[derive(Debug)]
pub struct Call {
    pub authenticated: Authenticated,
    pub places: Places,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Files that came beside the body, in a form.
    pub(super) uploads: Uploads,
    pub api: Api,
}

impl Call {
    pub fn new(authenticated: Authenticated, places: Places, headers: HeaderMap, body: Bytes, api: Api) -> Self {
        authenticated.context().settlement.keep_body(&body);
        Self { authenticated, places, headers, body, uploads: Uploads::default(), api }
    }

    /// The same with the files of the form whose fields the body are.
    #[must_use]
    pub fn with_uploads(self, uploads: Uploads) -> Self {
        self.authenticated.context().settlement.keep_uploads(&uploads);
        Self { uploads, ..self }
    }
}

/// Work over so many bytes, on another thread where there are many.
///
/// # Errors
/// It panicked.
pub(super) async fn off_thread<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    if bytes <= INLINE_BYTES {
        return Ok(work());
    }
    tokio::task::spawn_blocking(work).await.map_err(|_| refusal::scan_failed())
}

/// # Errors
/// Whatever stands in its way, in the caller's own words.
pub(super) async fn run(gateway: &Arc<Gateway>, call: Call) -> Result<Answer, ApiError> {
    let Call { authenticated, places, headers, body, uploads, api } = call;
    let key = &authenticated.context().key;
    let prepared = match api {
        Api::Responses => Prepared::new(gateway, key, body).await?,
        _ => Prepared::plain(body),
    };
    let body = with_named_files(gateway, key, prepared.body).await?;
    let link = prepared.link.map(|link| (link, authenticated.context().clone()));
    let num_bytes = body.len().max(prepared.bytes);
    let place = link.as_ref().map(|(link, _)| link.place());
    let read = move || match api {
        Api::Chat => Ok(Incoming::new(Endpoint::Chat, body)),
        Api::Embeddings => Ok(Incoming::new(Endpoint::Embeddings, body)),
        Api::Rerank => Ok(Incoming::new(Endpoint::Rerank, body)),
        Api::Moderations => Ok(Incoming::new(Endpoint::Moderations, body)),
        Api::Images => Ok(Incoming::new(Endpoint::Images, body)),
        Api::ImageEdits => Ok(Incoming::new(Endpoint::ImageEdits, body)),
        Api::ImageVariations => Ok(Incoming::new(Endpoint::ImageVariations, body)),
        Api::Speech => Ok(Incoming::new(Endpoint::Speech, body)),
        Api::Tokenize => Ok(Incoming::new(Endpoint::Tokenize, body)),
        Api::Detokenize => Ok(Incoming::new(Endpoint::Detokenize, body)),
        Api::Completions => Ok(Incoming::completion(body)),
        Api::CountTokens => Incoming::count_tokens(body),
        Api::Messages => Incoming::messages(body),
        Api::Responses => Incoming::responses(body, place.unwrap_or_default()),
    };
    let incoming = off_thread(num_bytes, read).await?;
    let restated = |error: ApiError| match &link {
        Some((link, _)) => link.restate(error),
        None => error,
    };
    let incoming = incoming.map_err(restated)?.with_uploads(uploads);
    let shape = incoming.shape();
    let answer = async {
        let admitted = authenticated.admit(gateway, places, &headers, incoming).await?;
        let screened = admitted.screen(gateway).await?;
        dispatch(gateway, screened).await
    };
    let answer = answer.await.map_err(|error| restated(shape.restate(error)))?;
    Ok(match link {
        Some((link, context)) => kept(gateway, context, link, answer),
        None => answer,
    })
}
