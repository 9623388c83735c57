//! What an operator sees of the engine's models, and asks of them.

use bytes::Bytes;
use http::{Method, StatusCode};
use shekara_protocol::error::{ApiError, ErrorType};

use super::Gateway;

impl Gateway {
    /// The engine's own answer to `method` on its list of models.
    ///
    /// # Errors
    /// 404 where there is no engine.
    pub async fn local_models(&self, method: Method, body: Bytes) -> Result<(StatusCode, Bytes), ApiError> {
        let snapshot = self.snapshot();
        let Some(engine) = snapshot.providers.engine() else {
            let message = "There is no engine in this gateway: [local] enabled is false, or it was built without one.";
            let error = ApiError::new(StatusCode::NOT_FOUND, ErrorType::InvalidRequestError, message);
            return Err(error.with_code("no_local_engine"));
        };
        engine.models(method, body).await.map_err(|_| ApiError::internal())
    }
}
