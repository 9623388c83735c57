//! A request's body as the pipeline takes it: as it came, or translated to chat.

use std::sync::Arc;

use bytes::Bytes;
use shekara_protocol::error::ApiError;
use shekara_protocol::text_or_list::TextOrList;
use shekara_protocol::{json, messages, responses};

use super::endpoint::Endpoint;
use super::shape::Shape;

#[derive(Debug)]
pub struct Incoming {
    pub(super) endpoint: Endpoint,
    /// What is screened and sent.
    pub(super) body: Bytes,
    /// What the caller sent: it says which conversation this is.
    pub(super) origin: Bytes,
    pub(super) shape: Arc<Shape>,
}

impl Incoming {
    /// A body that is sent as it came.
    pub fn new(endpoint: Endpoint, body: Bytes) -> Self {
        Self { endpoint, origin: body.clone(), body, shape: Arc::new(Shape::Own) }
    }

    /// A body of `/v1/completions`: sent as it came, and its answer lowered from chat's shape.
    pub fn completion(body: Bytes) -> Self {
        Self { shape: Arc::new(Shape::Completion), ..Self::new(Endpoint::Completions, body) }
    }

    /// A body of `/v1/responses`.
    ///
    /// # Errors
    /// 400: it is malformed or ambiguous, or asks for what has no translation; the field is named.
    pub fn responses(body: Bytes) -> Result<Self, ApiError> {
        json::walk(&body, |_, _| {})?;
        let mut request = responses::parse_request(&body)?;
        let (chat, places) = responses::translate(&request)?;
        // What is echoed is kept until the answer's end. Nothing is stored, whoever asks for it.
        request.input = TextOrList::Text(String::new());
        request.store = Some(false);
        Self::translated(body, &chat, Shape::Responses(Box::new(request), places))
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
        Ok(Self { endpoint: Endpoint::Chat, body: Bytes::from(body), origin, shape: Arc::new(shape) })
    }

    /// In whose words errors are told.
    pub fn shape(&self) -> Arc<Shape> {
        Arc::clone(&self.shape)
    }
}
