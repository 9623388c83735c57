//! A request's body as the pipeline takes it: as it came, or translated to chat.

use std::sync::Arc;

use bytes::Bytes;
use shekara_protocol::error::ApiError;
use shekara_protocol::text_or_list::TextOrList;
use shekara_protocol::{json, messages, responses};

use super::endpoint::Endpoint;
use super::shape::Shape;
use crate::auth::DataClass;
use crate::pii::Uploads;

#[derive(Debug)]
pub struct Incoming {
    pub(super) endpoint: Endpoint,
    /// What is screened and sent.
    pub(super) body: Bytes,
    /// Files that came beside it, in a form.
    pub(super) uploads: Uploads,
    /// What the caller sent: it says which conversation this is.
    pub(super) origin: Bytes,
    pub(super) shape: Arc<Shape>,
    pub(super) inherited: Inherited,
}

/// What a request has from the answers that it goes on from.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Inherited {
    pub(super) data_class: DataClass,
    /// One of them had to come from inside.
    pub(super) stayed: bool,
}

/// What an answer of `/v1/responses` says of its place among others.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    pub(super) store: bool,
    pub(super) previous_response_id: Option<String>,
    pub(super) inherited: Inherited,
}

impl Incoming {
    /// A body that is sent as it came.
    pub fn new(endpoint: Endpoint, body: Bytes) -> Self {
        let (origin, shape) = (body.clone(), Arc::new(Shape::Own));
        let (uploads, inherited) = (Uploads::default(), Inherited::default());
        Self { endpoint, body, uploads, origin, shape, inherited }
    }

    /// The same with the files of the form whose fields the body are.
    #[must_use]
    pub fn with_uploads(self, uploads: Uploads) -> Self {
        Self { uploads, ..self }
    }

    /// A body of `/v1/completions`: sent as it came, and its answer lowered from chat's shape.
    pub fn completion(body: Bytes) -> Self {
        Self { shape: Arc::new(Shape::Completion), ..Self::new(Endpoint::Completions, body) }
    }

    /// A body of `/v1/responses`, with what came before it already in its input.
    ///
    /// # Errors
    /// 400: it is malformed or ambiguous, or asks for what has no translation; the field is named.
    pub(super) fn responses(body: Bytes, place: Place) -> Result<Self, ApiError> {
        json::walk(&body, |_, _| {})?;
        let mut request = responses::parse_request(&body)?;
        let (chat, places) = responses::translate(&request)?;
        // What is echoed is kept until the answer's end.
        request.input = TextOrList::Text(String::new());
        (request.store, request.previous_response_id) = (Some(place.store), place.previous_response_id);
        let incoming = Self::translated(body, &chat, Shape::Responses(Box::new(request), places))?;
        Ok(Self { inherited: place.inherited, ..incoming })
    }

    /// A body of `/v1/messages`.
    ///
    /// # Errors
    /// As [`Self::responses`].
    pub fn messages(body: Bytes) -> Result<Self, ApiError> {
        json::walk(&body, |_, _| {})?;
        let mut request = messages::parse_request(&body)?;
        let (chat, places) = messages::translate(&request)?;
        (request.messages, request.system) = (Vec::new(), None);
        Self::translated(body, &chat, Shape::Messages(Box::new(request), places))
    }

    /// A body of `/v1/messages/count_tokens`.
    ///
    /// # Errors
    /// As [`Self::responses`].
    pub fn count_tokens(body: Bytes) -> Result<Self, ApiError> {
        json::walk(&body, |_, _| {})?;
        let mut request = messages::parse_count_request(&body)?;
        let (chat, places) = messages::translate_count(&request)?;
        (request.messages, request.system) = (Vec::new(), None);
        let incoming = Self::translated(body, &chat, Shape::Messages(Box::new(request), places))?;
        Ok(Self { endpoint: Endpoint::CountTokens, ..incoming })
    }

    fn translated(origin: Bytes, chat: &shekara_protocol::chat::ChatRequest, shape: Shape) -> Result<Self, ApiError> {
        let body = serde_json::to_vec(chat).map_err(|_| ApiError::internal())?;
        let (body, shape) = (Bytes::from(body), Arc::new(shape));
        let (uploads, inherited) = (Uploads::default(), Inherited::default());
        Ok(Self { endpoint: Endpoint::Chat, body, uploads, origin, shape, inherited })
    }

    /// In whose words errors are told.
    pub fn shape(&self) -> Arc<Shape> {
        Arc::clone(&self.shape)
    }
}
