//! OpenAI's models in Azure: OpenAI's API at an address of the customer's own, where a model is a deployment.

use bytes::Bytes;
use http::HeaderName;

use super::chat_fields::path_part;
use super::openai::{self, outgoing_body};
use super::upstream::{Call, Upstream};
use super::{AttemptError, Outgoing, UpstreamResponse};
use crate::pii::masking::Tripwire;

const KEY: HeaderName = HeaderName::from_static("api-key");

/// `body` is what was scanned; nothing else of the caller's request is sent.
pub(super) async fn send(
    upstream: &Upstream,
    (body, deployment): (&Bytes, &str),
    outgoing: Outgoing<'_>,
    tripwire: Option<&Tripwire>,
) -> Result<UpstreamResponse, AttemptError> {
    let body = openai::for_openai_itself(body, outgoing.is_translated)?;
    let path = path(upstream.api_version(), deployment, outgoing.path)?;
    let call = Call {
        path: &path,
        headers: upstream.key_header(KEY, "", outgoing)?,
        body: outgoing_body(&body, deployment, outgoing)?,
        accept: if outgoing.stream { "text/event-stream" } else { "application/json" },
    };
    upstream.post(call, tripwire).await
}

/// The API without versions takes the deployment as the model; a dated one has it in the path.
fn path(api_version: Option<&str>, deployment: &str, endpoint: &str) -> Result<String, AttemptError> {
    Ok(match api_version {
        None => format!("/openai/v1{endpoint}"),
        Some(version) => {
            let deployment = path_part(deployment).map_err(AttemptError::Refused)?;
            format!("/openai/deployments/{deployment}{endpoint}?api-version={version}")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_stands_in_the_path_of_dated_versions_only() {
        assert_eq!(path(None, "gpt/../x", "/embeddings").unwrap(), "/openai/v1/embeddings");
        let dated = "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21";
        assert_eq!(path(Some("2024-10-21"), "gpt-4o", "/chat/completions").unwrap(), dated);
        for name in ["", "..", "a/b", "a?b=c", "a#b", "a%2fb", "a b"] {
            assert!(path(Some("2024-10-21"), name, "/x").is_err(), "{name}");
        }
    }
}
